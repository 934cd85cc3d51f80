// The few EVP functions of the OpenSSL inside Node, found while the module loads. A runtime without them (another crypto
// library, hidden symbols) leaves the table empty, and the addon without AEAD.
#pragma once

#include <stddef.h>
#include <string.h>

namespace millrace {

struct EvpContext;
struct EvpCipher;

struct Evp {
  EvpContext* (*context_new)();
  void (*context_free)(EvpContext*);
  int (*init)(EvpContext*, const EvpCipher*, void* engine, const unsigned char* key, const unsigned char* iv, int seal);
  int (*update)(EvpContext*, unsigned char* out, int* written, const unsigned char* in, int length);
  int (*final)(EvpContext*, unsigned char* out, int* written);
  int (*control)(EvpContext*, int what, int number, void* data);
  const EvpCipher* (*aes_128_gcm)();
  const EvpCipher* (*chacha20_poly1305)();
  void (*clear_errors)();
};

// Clears memory that held secrets; the compiler may not leave it out because the memory is not read again.
inline void Wipe(void* memory, size_t length) {
  memset(memory, 0, length);
  __asm__ __volatile__("" : : "r"(memory) : "memory");
}

// The table, or nullptr where one of the functions is missing. The same at every call.
const Evp* FindEvp();

}  // namespace millrace
