#include "evp.h"

#include <stdlib.h>
#include <uv.h>

namespace millrace {

namespace {

template <typename F>
bool Find(uv_lib_t* library, const char* name, F* function) {
  void* symbol = nullptr;
#ifdef MILLRACE_TEST_CALLS
  // A runtime that lacks the function of this name.
  const char* hidden = getenv("MILLRACE_TEST_HIDDEN");
  if (hidden != nullptr && strcmp(hidden, name) == 0) return false;
#endif
  if (uv_dlsym(library, name, &symbol) != 0 || symbol == nullptr) return false;
  *function = reinterpret_cast<F>(symbol);
  return true;
}

struct Found {
  Evp evp;
  bool whole;
  Found() : evp(), whole(false) {
    // The handle of the program itself: it is never closed, and stands for all that the program has loaded.
    uv_lib_t program;
    if (uv_dlopen(nullptr, &program) != 0) return;
    whole = Find(&program, "EVP_CIPHER_CTX_new", &evp.context_new) &&
            Find(&program, "EVP_CIPHER_CTX_free", &evp.context_free) &&
            Find(&program, "EVP_CipherInit_ex2", &evp.init) && Find(&program, "EVP_CipherUpdate", &evp.update) &&
            Find(&program, "EVP_CipherFinal_ex", &evp.final) && Find(&program, "EVP_CIPHER_CTX_get_params", &evp.get) &&
            Find(&program, "EVP_aes_128_gcm", &evp.aes_128_gcm) &&
            Find(&program, "EVP_chacha20_poly1305", &evp.chacha20_poly1305) &&
            Find(&program, "ERR_clear_error", &evp.clear_errors);
  }
};

// Filled while the module loads, before any thread can call it; never written again.
const Found found;

}  // namespace

const Evp* FindEvp() {
  return found.whole ? &found.evp : nullptr;
}

}  // namespace millrace
