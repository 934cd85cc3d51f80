// Waits for the system through uv_poll, and calls JavaScript back once per batch.
#include "socket.h"

#include <string.h>

namespace millrace {

static constexpr int kMostBatches = 4;

void ForgetReceiver(Socket* socket) {
  Forget(socket->env, &socket->receiver.slab);
  Forget(socket->env, &socket->receiver.rows);
  Forget(socket->env, &socket->receiver.addresses);
  Forget(socket->env, &socket->receiver.on_batch);
}

void EndContext(Socket* socket) {
  if (socket->open || socket->calling || socket->context == nullptr) return;
  napi_async_destroy(socket->env, socket->context);
  socket->context = nullptr;
}

bool CheckTargets(napi_env env, napi_value slab, napi_value rows, napi_value addresses, uint32_t slot_bytes,
                  Targets* out) {
  if (!GetBytes(env, slab, "slab", &out->slab) || !GetWords(env, rows, "rows", &out->rows) ||
      !GetBytes(env, addresses, "addresses", &out->addresses)) {
    return false;
  }
  const size_t in_slab = out->slab.length / slot_bytes;
  const size_t in_addresses = out->addresses.length / sizeof(Address);
  const size_t slots = in_slab < in_addresses ? in_slab : in_addresses;
  out->slots = static_cast<unsigned>(slots < kMostMessages ? slots : kMostMessages);
  if (out->slots == 0 || out->rows.length < kRowWords) {
    Fail(env, kRange, "there must be room for a slot of %u bytes, an address and a row", slot_bytes);
    return false;
  }
  if (Overlap(out->rows, out->slab) || Overlap(out->rows, out->addresses) ||
      Overlap(out->slab.data, out->slab.length, out->addresses.data, out->addresses.length)) {
    Fail(env, kRange, "slab, rows and addresses must not overlap");
    return false;
  }
  return true;
}

namespace {

// What was thrown in a callback from the loop becomes an uncaught exception, as anywhere else.
void Surface(napi_env env) {
  bool pending = false;
  napi_value error = nullptr;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &error) == napi_ok) napi_fatal_exception(env, error);
}

// Calls JavaScript from the loop.
void CallBack(Socket* socket, napi_ref function, size_t count, const napi_value* arguments) {
  napi_env env = socket->env;
  napi_value callback = nullptr;
  napi_value receiver = nullptr;
  napi_get_reference_value(env, function, &callback);
  napi_get_global(env, &receiver);
  socket->calling = true;
  napi_make_callback(env, socket->context, receiver, callback, count, arguments, nullptr);
  socket->calling = false;
  EndContext(socket);
  Surface(env);
}

bool FindTargets(Socket* socket, Targets* out) {
  napi_env env = socket->env;
  napi_value slab = nullptr, rows = nullptr, addresses = nullptr;
  napi_get_reference_value(env, socket->receiver.slab, &slab);
  napi_get_reference_value(env, socket->receiver.rows, &rows);
  napi_get_reference_value(env, socket->receiver.addresses, &addresses);
  return CheckTargets(env, slab, rows, addresses, socket->slot_bytes, out);
}

// Gives `filled` rows to JavaScript. Afterwards anything may have happened: the socket closed, a buffer detached.
void Deliver(Socket* socket, uint32_t filled) {
  napi_value count = nullptr;
  napi_create_uint32(socket->env, filled, &count);
  CallBack(socket, socket->receiver.on_batch, 1, &count);
}

// Receives one batch and delivers its packets, one by one in rows; where the rows are fewer, in several calls. False when
// there is nothing more for now.
bool ReceiveBatch(Socket* socket) {
  Targets targets;
  if (!FindTargets(socket, &targets)) return false;
  Received received[kMostMessages];
  bool more = false;
  const unsigned count =
      IoReceive(&socket->io, targets.slab.data, socket->slot_bytes, targets.slots,
                reinterpret_cast<Address*>(targets.addresses.data), received, &more);
  // A receiver that is put in place of this one by its own callback has rows of its own: what is left of the batch lies in
  // memory that is no longer ours, and counts as lost.
  const uint32_t receiver = socket->receivers;
  uint32_t filled = 0;
  for (unsigned i = 0; i < count; i++) {
    uint32_t offset = received[i].slot * socket->slot_bytes;
    uint32_t left = received[i].length;
    do {
      if (filled == targets.rows.length / kRowWords) {
        Deliver(socket, filled);
        filled = 0;
        if (!socket->receiving || socket->receivers != receiver || !FindTargets(socket, &targets)) return false;
      }
      const uint32_t length = left < received[i].piece ? left : received[i].piece;
      const Row row = {offset, length, received[i].slot, 0};
      memcpy(targets.rows.data + filled * kRowWords, &row, sizeof(row));
      filled++;
      socket->io.stats.packets_received++;
      socket->io.stats.bytes_received += length;
      offset += length;
      left -= length;
    } while (left > 0);
  }
  if (filled > 0) Deliver(socket, filled);
  return more;
}

// libuv stops watching a descriptor with an error condition. Reading the error clears it, and the watch begins again.
void Recover(Socket* socket) {
  int error = 0;
  socklen_t length = sizeof(error);
  calls().get_option(socket->io.fd, SOL_SOCKET, SO_ERROR, &error, &length);
  socket->io.stats.receive_errors++;
  socket->events = 0;
  Watch(socket);
}

void OnPoll(uv_poll_t* handle, int status, int events) {
  auto* socket = static_cast<Socket*>(uv_handle_get_data(reinterpret_cast<uv_handle_t*>(handle)));
  if (!socket->open) return;
  if (status < 0) return Recover(socket);
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(socket->env, &scope) != napi_ok) return;
  if ((events & UV_WRITABLE) != 0 && socket->waiting) {
    socket->waiting = false;
    Watch(socket);
    CallBack(socket, socket->on_writable, 0, nullptr);
  }
  if ((events & UV_READABLE) != 0) {
    for (int batch = 0; batch < kMostBatches && socket->open && socket->receiving; batch++) {
      napi_handle_scope inner = nullptr;
      if (napi_open_handle_scope(socket->env, &inner) != napi_ok) break;
      const bool more = ReceiveBatch(socket);
      napi_close_handle_scope(socket->env, inner);
      if (!more) break;
    }
    // Only a buffer that was detached leaves an error here; without its buffers a receiver cannot go on.
    bool pending = false;
    if (napi_is_exception_pending(socket->env, &pending) == napi_ok && pending && socket->open) {
      socket->receiving = false;
      ForgetReceiver(socket);
      Watch(socket);
    }
    Surface(socket->env);
  }
  napi_close_handle_scope(socket->env, scope);
}

}  // namespace

void Watch(Socket* socket) {
  const int events = (socket->receiving ? UV_READABLE : 0) | (socket->waiting ? UV_WRITABLE : 0);
  if (events == socket->events) return;
  socket->events = events;
  if (events == 0) uv_poll_stop(socket->poll);
  else uv_poll_start(socket->poll, events, OnPoll);
}

}  // namespace millrace
