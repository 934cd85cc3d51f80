// The few EVP functions of the OpenSSL inside Node, found while the module loads. A runtime without them (another crypto
// library, hidden symbols) leaves the table empty, and the addon without AEAD.
#pragma once

#include <stddef.h>
#include <string.h>

namespace millrace {

struct EvpContext;
struct EvpCipher;

// A parameter as OpenSSL 3 takes and gives it (OSSL_PARAM); a list ends with one without a key.
struct EvpParameter {
  const char* key;
  unsigned int type;
  void* data;
  size_t bytes;
  size_t bytes_given;
};
constexpr unsigned int kEvpOctets = 5;

struct Evp {
  EvpContext* (*context_new)();
  void (*context_free)(EvpContext*);
  int (*init)(EvpContext*, const EvpCipher*, const unsigned char* key, const unsigned char* iv, int seal,
              const EvpParameter* parameters);
  int (*update)(EvpContext*, unsigned char* out, int* written, const unsigned char* in, int length);
  int (*final)(EvpContext*, unsigned char* out, int* written);
  int (*get)(EvpContext*, EvpParameter* parameters);
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
