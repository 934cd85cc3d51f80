// The functions of sockets: they check what JavaScript gives, and open, send, and close.
#include "socket.h"

#include <stdlib.h>
#include <string.h>

namespace millrace {

namespace {

constexpr napi_type_tag kSocketTag = {0x6d696c6c72616365, 0x736f636b65742020};
constexpr uint32_t kMostBufferBytes = 1u << 30;

void FreeWhenUnused(Socket* socket) {
  if (!socket->open && socket->poll == nullptr && socket->collected) free(socket);
}

void OnPollClosed(uv_handle_t* handle) {
  auto* socket = static_cast<Socket*>(uv_handle_get_data(handle));
  free(handle);
  socket->poll = nullptr;
  if (socket->cleanup != nullptr) napi_remove_async_cleanup_hook(socket->cleanup);
  socket->cleanup = nullptr;
  FreeWhenUnused(socket);
}

// Stops everything; the memory goes once libuv and the object have both let go of it.
void Close(Socket* socket) {
  if (!socket->open) return;
  socket->open = false;
  socket->receiving = false;
  socket->waiting = false;
  IoCountDrops(&socket->io);
  uv_close(reinterpret_cast<uv_handle_t*>(socket->poll), OnPollClosed);
  IoClose(&socket->io);
  ForgetReceiver(socket);
  Forget(socket->env, &socket->on_writable);
  Forget(socket->env, &socket->self);
  EndContext(socket);
}

// OnPollClosed removes the hook, and the environment waits for that.
void OnEnvironmentEnds(napi_async_cleanup_hook_handle, void* data) { Close(static_cast<Socket*>(data)); }

void OnCollected(napi_env, void* data, void*) {
  auto* socket = static_cast<Socket*>(data);
  socket->collected = true;
  FreeWhenUnused(socket);
}

Socket* GetSocket(napi_env env, napi_value value, bool open) {
  auto* socket = static_cast<Socket*>(UnwrapTagged(env, value, "socket", &kSocketTag));
  if (socket == nullptr || socket->open || !open) return socket;
  Fail(env, kClosed, "the socket is closed");
  return nullptr;
}

bool CheckFamily(napi_env env, const Address& address, int family) {
  if (address.family == 4 || (address.family == 6 && family != AF_INET)) return true;
  Fail(env, kRange, "an address has family %u, which this socket cannot reach", address.family);
  return false;
}

bool GetOptions(napi_env env, const Args& args, OpenOptions* options) {
  Bytes address;
  char tier[8];
  if (!GetBytes(env, args[0], "address", &address) || !GetText(env, args[1], "tier", tier, sizeof(tier)) ||
      !GetInteger(env, args[2], "bufferBytes", kMostBufferBytes, &options->buffer_bytes) ||
      !GetInteger(env, args[3], "maxPacketBytes", 65535, &options->most_packet_bytes) ||
      !GetFlag(env, args[4], "dontFragment", &options->dont_fragment) || !GetFunction(env, args[5], "onWritable")) {
    return false;
  }
  if (address.length != sizeof(Address)) {
    Fail(env, kRange, "an address has %zu bytes, not %zu", sizeof(Address), address.length);
    return false;
  }
  memcpy(&options->address, address.data, sizeof(Address));
  if (strcmp(tier, "gso") != 0 && strcmp(tier, "mmsg") != 0) {
    Fail(env, kArgument, "there is no tier %s", tier);
    return false;
  }
  options->tier = strcmp(tier, "gso") == 0 ? Tier::kGso : Tier::kMmsg;
  return CheckFamily(env, options->address, AF_INET6);
}

napi_value Abandon(Socket* socket, napi_env env, const char* what) {
  IoClose(&socket->io);
  free(socket->poll);
  free(socket);
  return Fail(env, kFailed, "%s", what);
}

// open(address, tier, bufferBytes, maxPacketBytes, dontFragment, onWritable)
napi_value OpenSocket(napi_env env, napi_callback_info info) {
  Args args(env, info);
  OpenOptions options;
  if (!GetOptions(env, args, &options)) return nullptr;
  uv_loop_t* loop = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok) return Fail(env, kFailed, "there is no event loop");
  auto* socket = static_cast<Socket*>(calloc(1, sizeof(Socket)));
  if (socket == nullptr) return Fail(env, kFailed, "out of memory");
  const char* call = "";
  const int error = IoOpen(options, &socket->io, &call);
  if (error != 0) {
    free(socket);
    return FailSystem(env, call, error);
  }
  socket->env = env;
  socket->slot_bytes = socket->io.joins ? kJoinedSlotBytes : socket->io.most_packet_bytes + 1;
  // The size is asked of the libuv that runs, which may be another than that of the headers.
  socket->poll = static_cast<uv_poll_t*>(calloc(1, uv_handle_size(UV_POLL)));
  if (socket->poll == nullptr) return Abandon(socket, env, "out of memory");
  if (uv_poll_init(loop, socket->poll, socket->io.fd) != 0) return Abandon(socket, env, "the socket cannot be watched");
  uv_handle_set_data(reinterpret_cast<uv_handle_t*>(socket->poll), socket);
  // From here on the memory is let go by closing and by the collection of the object.
  socket->open = true;
  napi_value name = nullptr;
  napi_create_string_utf8(env, "MillraceUdpSocket", NAPI_AUTO_LENGTH, &name);
  napi_value object = WrapTagged(env, socket, &kSocketTag, OnCollected);
  napi_async_init(env, object, name, &socket->context);
  napi_create_reference(env, args[5], 1, &socket->on_writable);
  if (object != nullptr) napi_create_reference(env, object, 1, &socket->self);
  napi_add_async_cleanup_hook(env, OnEnvironmentEnds, socket, &socket->cleanup);
  if (object != nullptr) return object;
  socket->collected = true;
  Close(socket);
  return Fail(env, kFailed, "the socket could not be made");
}

// send(socket, slab, rows, count, addresses): how many rows are done with
napi_value Send(napi_env env, napi_callback_info info) {
  Args args(env, info);
  Socket* socket = GetSocket(env, args[0], true);
  Bytes slab, addresses;
  Words rows;
  uint32_t count;
  if (socket == nullptr || !GetBytes(env, args[1], "slab", &slab) || !GetWords(env, args[2], "rows", &rows) ||
      !GetInteger(env, args[3], "count", UINT32_MAX, &count) || !GetBytes(env, args[4], "addresses", &addresses)) {
    return nullptr;
  }
  if (count > rows.length / kRowWords) {
    return Fail(env, kRange, "%u packets, but rows for %zu", count, rows.length / kRowWords);
  }
  if (Overlap(rows, slab) || Overlap(rows, addresses)) {
    return Fail(env, kRange, "the rows lie inside the slab or the addresses");
  }
  auto* packets = reinterpret_cast<Row*>(rows.data);
  const auto* peers = reinterpret_cast<const Address*>(addresses.data);
  for (uint32_t i = 0; i < count; i++) {
    const Row& row = packets[i];
    if (row.length > kMostMessageBytes || !Fits(row.offset, row.length, slab.length)) {
      return Fail(env, kRange, "packet %u (%u bytes at %u) lies outside the slab or is too long", i, row.length, row.offset);
    }
    if (row.address >= addresses.length / sizeof(Address)) {
      return Fail(env, kRange, "packet %u names address %u of %zu", i, row.address, addresses.length / sizeof(Address));
    }
    if (!CheckFamily(env, peers[row.address], socket->io.family)) return nullptr;
  }
  const uint32_t done = IoSend(&socket->io, slab.data, packets, count, peers);
  if (done < count && socket->open) {
    socket->waiting = true;
    Watch(socket);
  }
  napi_value result = nullptr;
  napi_create_uint32(env, done, &result);
  return result;
}

// receive(socket, slab, rows, addresses, onBatch), or receive(socket) to stop
napi_value Receive(napi_env env, napi_callback_info info) {
  Args args(env, info);
  Socket* socket = GetSocket(env, args[0], true);
  if (socket == nullptr) return nullptr;
  const bool stop = IsUndefined(env, args[1]);
  Targets targets;
  if (!stop && (!CheckTargets(env, args[1], args[2], args[3], socket->slot_bytes, &targets) ||
                !GetFunction(env, args[4], "onBatch"))) {
    return nullptr;
  }
  ForgetReceiver(socket);
  socket->receivers++;
  socket->receiving = !stop;
  if (!stop) {
    napi_create_reference(env, args[1], 1, &socket->receiver.slab);
    napi_create_reference(env, args[2], 1, &socket->receiver.rows);
    napi_create_reference(env, args[3], 1, &socket->receiver.addresses);
    napi_create_reference(env, args[4], 1, &socket->receiver.on_batch);
  }
  Watch(socket);
  return nullptr;
}

// close(socket): may be called again
napi_value CloseSocket(napi_env env, napi_callback_info info) {
  Args args(env, info);
  Socket* socket = GetSocket(env, args[0], false);
  if (socket != nullptr) Close(socket);
  return nullptr;
}

// hold(socket, alive): whether the open socket keeps the event loop alive
napi_value Hold(napi_env env, napi_callback_info info) {
  Args args(env, info);
  Socket* socket = GetSocket(env, args[0], false);
  bool alive = false;
  if (socket == nullptr || !GetFlag(env, args[1], "alive", &alive) || !socket->open) return nullptr;
  auto* handle = reinterpret_cast<uv_handle_t*>(socket->poll);
  if (alive) uv_ref(handle);
  else uv_unref(handle);
  return nullptr;
}

// localAddress(socket, address): writes the 24 bytes
napi_value LocalAddress(napi_env env, napi_callback_info info) {
  Args args(env, info);
  Socket* socket = GetSocket(env, args[0], true);
  Bytes out;
  Address address;
  if (socket == nullptr || !GetBytes(env, args[1], "address", &out)) return nullptr;
  if (out.length != sizeof(Address)) return Fail(env, kRange, "an address has %zu bytes", sizeof(Address));
  if (!IoAddress(socket->io, &address)) return Fail(env, kFailed, "the socket has no address");
  memcpy(out.data, &address, sizeof(Address));
  return nullptr;
}

// describe(socket): tiers, slot size and counts, also after it was closed
napi_value Describe(napi_env env, napi_callback_info info) {
  Args args(env, info);
  Socket* socket = GetSocket(env, args[0], false);
  if (socket == nullptr) return nullptr;
  if (socket->open) IoCountDrops(&socket->io);
  const IoStats& stats = socket->io.stats;
  napi_value object = nullptr;
  napi_create_object(env, &object);
  SetText(env, object, "tier", socket->io.now == Tier::kGso ? "gso" : "mmsg");
  SetNumber(env, object, "slotBytes", socket->slot_bytes);
  const struct {
    const char* name;
    uint64_t value;
  } counts[] = {
      {"packetsSent", stats.packets_sent},         {"bytesSent", stats.bytes_sent},
      {"sendCalls", stats.send_calls},             {"refused", stats.refused},
      {"blocked", stats.blocked},                  {"stepDowns", stats.step_downs},
      {"packetsReceived", stats.packets_received}, {"bytesReceived", stats.bytes_received},
      {"receiveCalls", stats.receive_calls},       {"truncated", stats.truncated},
      {"receiveErrors", stats.receive_errors},     {"dropped", stats.dropped},
  };
  for (const auto& count : counts) SetNumber(env, object, count.name, static_cast<double>(count.value));
  napi_value joins = nullptr;
  napi_get_boolean(env, socket->io.joins, &joins);
  napi_set_named_property(env, object, "joins", joins);
  return object;
}

}  // namespace

void InitSocket(napi_env env, napi_value exports) {
  SetFunction(env, exports, "openSocket", OpenSocket);
  SetFunction(env, exports, "send", Send);
  SetFunction(env, exports, "receive", Receive);
  SetFunction(env, exports, "closeSocket", CloseSocket);
  SetFunction(env, exports, "hold", Hold);
  SetFunction(env, exports, "localAddress", LocalAddress);
  SetFunction(env, exports, "describe", Describe);
}

}  // namespace millrace
