// What every part of the addon needs to read JavaScript's arguments: each is checked for type, length and range
// before it is used, and a failed check throws and yields nothing.
#pragma once

#include <node_api.h>
#include <stddef.h>
#include <stdint.h>

namespace millrace {

// Memory of the caller, valid until JavaScript runs again.
struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};
struct Words {
  uint32_t* data = nullptr;
  size_t length = 0;
};

// What belongs to one environment (the main thread or a worker); nothing that can change is shared between them.
struct Instance {
  napi_ref error_class = nullptr;
};

// Throws an error of the class that setErrorClass gave, or a plain Error before; returns nullptr to be returned.
napi_value Fail(napi_env env, const char* code, const char* format, ...) __attribute__((format(printf, 3, 4)));
// The same for a failed system call: the message names the call and the errno, `errno` is a property.
napi_value FailSystem(napi_env env, const char* call, int error);

constexpr char kArgument[] = "NATIVE_ARGUMENT";
constexpr char kRange[] = "NATIVE_RANGE";
constexpr char kClosed[] = "NATIVE_CLOSED";
constexpr char kSystem[] = "NATIVE_SYSTEM";
constexpr char kUnsupported[] = "NATIVE_UNSUPPORTED";
constexpr char kFailed[] = "NATIVE_FAILED";

// Readers of one value. They throw and return false where it is not what it should be.
bool GetBytes(napi_env env, napi_value value, const char* name, Bytes* out);
bool GetWords(napi_env env, napi_value value, const char* name, Words* out);
bool GetInteger(napi_env env, napi_value value, const char* name, uint32_t most, uint32_t* out);
bool GetFlag(napi_env env, napi_value value, const char* name, bool* out);
bool GetText(napi_env env, napi_value value, const char* name, char* out, size_t room);
bool GetFunction(napi_env env, napi_value value, const char* name);
bool IsUndefined(napi_env env, napi_value value);

// Reads the arguments of a call; those left out are undefined.
struct Args {
  static constexpr size_t kMost = 12;
  napi_env env;
  napi_value values[kMost];
  Args(napi_env env, napi_callback_info info);
  napi_value operator[](size_t index) const { return values[index]; }
};

// Whether [offset, offset + length) lies in memory of `room` bytes. No sum can wrap: all are below 2^33.
inline bool Fits(uint32_t offset, uint64_t length, size_t room) {
  return length <= room && offset <= room - length;
}

// Whether two pieces of memory share a byte: nothing that is written may lie in what was checked before and is still read.
inline bool Overlap(const void* a, size_t a_length, const void* b, size_t b_length) {
  const auto from_a = reinterpret_cast<uintptr_t>(a);
  const auto from_b = reinterpret_cast<uintptr_t>(b);
  return a_length > 0 && b_length > 0 && from_a < from_b + b_length && from_b < from_a + a_length;
}
inline bool Overlap(const Words& rows, const Bytes& bytes) {
  return Overlap(rows.data, rows.length * sizeof(uint32_t), bytes.data, bytes.length);
}

void SetFunction(napi_env env, napi_value object, const char* name, napi_callback callback);
void SetText(napi_env env, napi_value object, const char* name, const char* value);
void SetNumber(napi_env env, napi_value object, const char* name, double value);
napi_value TextArray(napi_env env, const char* const* texts, size_t count);

// An object that stands for native memory: tagged, so that no other object passes for it.
napi_value WrapTagged(napi_env env, void* memory, const napi_type_tag* tag, napi_finalize finalize);
void* UnwrapTagged(napi_env env, napi_value value, const char* name, const napi_type_tag* tag);

// The parts, each adding its functions to the exports.
void InitAead(napi_env env, napi_value exports);
void InitFec(napi_env env, napi_value exports);
void InitSocket(napi_env env, napi_value exports);
#ifdef MILLRACE_TEST_CALLS
void InitFakeCalls(napi_env env, napi_value exports);
#endif

}  // namespace millrace
