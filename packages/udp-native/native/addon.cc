// The module: one table of functions per environment. Which arguments they take is said in src/types.ts.
#include "glue.h"

#include <stdlib.h>

namespace millrace {

static napi_value SetErrorClass(napi_env env, napi_callback_info info) {
  Args args(env, info);
  if (!GetFunction(env, args[0], "class")) return nullptr;
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  auto* instance = static_cast<Instance*>(data);
  if (instance->error_class != nullptr) napi_delete_reference(env, instance->error_class);
  instance->error_class = nullptr;
  napi_create_reference(env, args[0], 1, &instance->error_class);
  return nullptr;
}

static napi_value Init(napi_env env, napi_value exports) {
  auto* instance = static_cast<Instance*>(calloc(1, sizeof(Instance)));
  if (instance == nullptr) return Fail(env, kFailed, "out of memory");
  napi_set_instance_data(
      env, instance, [](napi_env, void* data, void*) { free(data); }, nullptr);
  SetFunction(env, exports, "setErrorClass", SetErrorClass);
  InitAead(env, exports);
  InitFec(env, exports);
  InitSocket(env, exports);
#ifdef MILLRACE_TEST_CALLS
  InitFakeCalls(env, exports);
#endif
  return exports;
}

}  // namespace millrace

NAPI_MODULE_INIT() { return millrace::Init(env, exports); }
