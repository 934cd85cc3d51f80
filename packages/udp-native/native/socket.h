// A socket for JavaScript: what socket.cc opens and closes, and what poll.cc waits for.
#pragma once

#include "glue.h"
#include "io.h"

#include <uv.h>

namespace millrace {

constexpr size_t kRowWords = sizeof(Row) / sizeof(uint32_t);

// What JavaScript gave to receive into. Held by references; looked up and checked anew for each batch, since a buffer may
// have been detached since.
struct Receiver {
  napi_ref slab, rows, addresses, on_batch;
};

struct Socket {
  napi_env env;
  Io io;
  uint32_t slot_bytes;
  uv_poll_t* poll;
  int events;
  Receiver receiver;
  napi_ref on_writable;
  // Keeps the object while the socket is open, as an open descriptor does.
  napi_ref self;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  // Counts receivers, so that one is not taken for its successor.
  uint32_t receivers;
  bool receiving, waiting, open, collected, calling;
};

struct Targets {
  Bytes slab, addresses;
  Words rows;
  unsigned slots;
};

bool CheckTargets(napi_env env, napi_value slab, napi_value rows, napi_value addresses, uint32_t slot_bytes,
                  Targets* out);
void ForgetReceiver(Socket* socket);
// Waits for what the socket wants by its flags, and for nothing else.
void Watch(Socket* socket);
// Lets go of the context of callbacks once the socket is closed, though not within one.
void EndContext(Socket* socket);

inline void Forget(napi_env env, napi_ref* reference) {
  if (*reference != nullptr) napi_delete_reference(env, *reference);
  *reference = nullptr;
}

}  // namespace millrace
