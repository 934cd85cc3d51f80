#include "glue.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

namespace millrace {

static napi_value MakeError(napi_env env, const char* code, const char* message) {
  napi_value arguments[2];
  napi_create_string_utf8(env, code, NAPI_AUTO_LENGTH, &arguments[0]);
  napi_create_string_utf8(env, message, NAPI_AUTO_LENGTH, &arguments[1]);
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  auto* instance = static_cast<Instance*>(data);
  napi_value error = nullptr;
  if (instance != nullptr && instance->error_class != nullptr) {
    napi_value constructor = nullptr;
    napi_get_reference_value(env, instance->error_class, &constructor);
    if (constructor != nullptr && napi_new_instance(env, constructor, 2, arguments, &error) == napi_ok) return error;
  }
  napi_create_error(env, arguments[0], arguments[1], &error);
  return error;
}

// A throw by JavaScript that is on its way (a hostile getter, a closing environment) is left to go on.
static bool Throwing(napi_env env) {
  bool pending = false;
  return napi_is_exception_pending(env, &pending) != napi_ok || pending;
}

napi_value Fail(napi_env env, const char* code, const char* format, ...) {
  if (Throwing(env)) return nullptr;
  char message[256];
  va_list list;
  va_start(list, format);
  vsnprintf(message, sizeof(message), format, list);
  va_end(list);
  napi_value error = MakeError(env, code, message);
  if (error != nullptr && !Throwing(env)) napi_throw(env, error);
  return nullptr;
}

napi_value FailSystem(napi_env env, const char* call, int number) {
  if (Throwing(env)) return nullptr;
  char message[256];
  snprintf(message, sizeof(message), "%s failed: %s (errno %d)", call, strerror(number), number);
  napi_value error = MakeError(env, kSystem, message);
  if (error == nullptr || Throwing(env)) return nullptr;
  SetNumber(env, error, "errno", number);
  napi_throw(env, error);
  return nullptr;
}

// Memory that another thread can change between check and use is refused.
static bool GetView(napi_env env, napi_value value, const char* name, napi_typedarray_type wanted, const char* kind,
                    void** data, size_t* length) {
  napi_typedarray_type type;
  napi_value buffer = nullptr;
  if (napi_get_typedarray_info(env, value, &type, length, data, &buffer, nullptr) != napi_ok || type != wanted) {
    Fail(env, kArgument, "%s must be a %s", name, kind);
    return false;
  }
  bool owned = false;
  if (napi_is_arraybuffer(env, buffer, &owned) != napi_ok || !owned) {
    Fail(env, kArgument, "%s must not be shared memory", name);
    return false;
  }
  if (*data == nullptr) *length = 0;
  return true;
}

bool GetBytes(napi_env env, napi_value value, const char* name, Bytes* out) {
  void* data = nullptr;
  if (!GetView(env, value, name, napi_uint8_array, "Uint8Array", &data, &out->length)) return false;
  out->data = static_cast<uint8_t*>(data);
  return true;
}

bool GetWords(napi_env env, napi_value value, const char* name, Words* out) {
  void* data = nullptr;
  if (!GetView(env, value, name, napi_uint32_array, "Uint32Array", &data, &out->length)) return false;
  out->data = static_cast<uint32_t*>(data);
  return true;
}

bool GetInteger(napi_env env, napi_value value, const char* name, uint32_t most, uint32_t* out) {
  double number = 0;
  if (napi_get_value_double(env, value, &number) != napi_ok) {
    Fail(env, kArgument, "%s must be a number", name);
    return false;
  }
  if (!(number >= 0 && number <= most) || number != static_cast<double>(static_cast<uint32_t>(number))) {
    Fail(env, kRange, "%s must be a whole number from 0 to %u", name, most);
    return false;
  }
  *out = static_cast<uint32_t>(number);
  return true;
}

bool GetFlag(napi_env env, napi_value value, const char* name, bool* out) {
  if (napi_get_value_bool(env, value, out) == napi_ok) return true;
  Fail(env, kArgument, "%s must be true or false", name);
  return false;
}

bool GetText(napi_env env, napi_value value, const char* name, char* out, size_t room) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, nullptr, 0, &length) != napi_ok) {
    Fail(env, kArgument, "%s must be a string", name);
    return false;
  }
  if (length >= room) {
    Fail(env, kRange, "%s must have fewer than %zu bytes", name, room);
    return false;
  }
  return napi_get_value_string_utf8(env, value, out, room, &length) == napi_ok;
}

bool GetFunction(napi_env env, napi_value value, const char* name) {
  napi_valuetype type;
  if (napi_typeof(env, value, &type) == napi_ok && type == napi_function) return true;
  Fail(env, kArgument, "%s must be a function", name);
  return false;
}

bool IsUndefined(napi_env env, napi_value value) {
  napi_valuetype type;
  return napi_typeof(env, value, &type) == napi_ok && type == napi_undefined;
}

Args::Args(napi_env env, napi_callback_info info) : env(env) {
  size_t count = kMost;
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
}

void SetFunction(napi_env env, napi_value object, const char* name, napi_callback callback) {
  napi_value function = nullptr;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &function);
  napi_set_named_property(env, object, name, function);
}

void SetText(napi_env env, napi_value object, const char* name, const char* value) {
  napi_value text = nullptr;
  napi_create_string_utf8(env, value, NAPI_AUTO_LENGTH, &text);
  napi_set_named_property(env, object, name, text);
}

void SetNumber(napi_env env, napi_value object, const char* name, double value) {
  napi_value number = nullptr;
  napi_create_double(env, value, &number);
  napi_set_named_property(env, object, name, number);
}

napi_value TextArray(napi_env env, const char* const* texts, size_t count) {
  napi_value array = nullptr;
  napi_create_array_with_length(env, count, &array);
  for (size_t i = 0; i < count; i++) {
    napi_value text = nullptr;
    napi_create_string_utf8(env, texts[i], NAPI_AUTO_LENGTH, &text);
    napi_set_element(env, array, static_cast<uint32_t>(i), text);
  }
  return array;
}

napi_value WrapTagged(napi_env env, void* memory, const napi_type_tag* tag, napi_finalize finalize) {
  napi_value object = nullptr;
  if (napi_create_object(env, &object) != napi_ok) return nullptr;
  if (napi_type_tag_object(env, object, tag) != napi_ok) return nullptr;
  if (napi_wrap(env, object, memory, finalize, nullptr, nullptr) != napi_ok) return nullptr;
  return object;
}

void* UnwrapTagged(napi_env env, napi_value value, const char* name, const napi_type_tag* tag) {
  bool right = false;
  void* memory = nullptr;
  napi_valuetype type;
  // Asked about undefined, the tag would throw an error of its own.
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_object ||
      napi_check_object_type_tag(env, value, tag, &right) != napi_ok || !right ||
      napi_unwrap(env, value, &memory) != napi_ok || memory == nullptr) {
    Fail(env, kArgument, "%s must be what this addon made", name);
    return nullptr;
  }
  return memory;
}

}  // namespace millrace
