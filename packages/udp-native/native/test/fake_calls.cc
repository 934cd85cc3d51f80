// For the test build only: every system call of the table can be answered by a JavaScript function.
//
//   setCalls({ send?, receive?, setOption?, getOption?, now? }) or setCalls(undefined)
//
// A function that gives undefined leaves the call to the system; a negative number is an errno.
//   send(messages: Array<{ data: Uint8Array, segmentBytes: number, parts: number }>): number | number[] | undefined
//     how many messages were taken, or how many bytes of each
//   receive(count, slotBytes): Array<{ data, piece?, truncated?, port?, family? }> | number | undefined
//   setOption(level, name), getOption(level, name): number | undefined
//   now(): nanoseconds
#include "../calls.h"
#include "../glue.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

namespace millrace {

namespace {

// No number that a test would give as the size of pieces.
constexpr double kNoPiece = -1000000;

thread_local napi_env hook_env = nullptr;
thread_local napi_ref hooks = nullptr;

// The function of that name, if there is one.
bool Hook(const char* name, napi_value* object, napi_value* function) {
  if (hooks == nullptr) return false;
  napi_valuetype type;
  return napi_get_reference_value(hook_env, hooks, object) == napi_ok && *object != nullptr &&
         napi_get_named_property(hook_env, *object, name, function) == napi_ok &&
         napi_typeof(hook_env, *function, &type) == napi_ok && type == napi_function;
}

bool Ask(const char* name, size_t count, const napi_value* arguments, napi_value* answer) {
  napi_value object = nullptr, function = nullptr;
  return Hook(name, &object, &function) &&
         napi_call_function(hook_env, object, function, count, arguments, answer) == napi_ok &&
         !IsUndefined(hook_env, *answer);
}

napi_value Number(double value) {
  napi_value number = nullptr;
  napi_create_double(hook_env, value, &number);
  return number;
}

double NumberOf(napi_value value, double otherwise) {
  double number = otherwise;
  napi_get_value_double(hook_env, value, &number);
  return number;
}

double Property(napi_value object, const char* name, double otherwise) {
  napi_value value = nullptr;
  if (napi_get_named_property(hook_env, object, name, &value) != napi_ok) return otherwise;
  return NumberOf(value, otherwise);
}

int Failed(double error) {
  errno = static_cast<int>(-error);
  return -1;
}

size_t BytesOf(const struct msghdr& header) {
  size_t bytes = 0;
  for (size_t i = 0; i < static_cast<size_t>(header.msg_iovlen); i++) bytes += header.msg_iov[i].iov_len;
  return bytes;
}

napi_value Describe(const Message& message) {
  napi_value object = nullptr, buffer = nullptr, data = nullptr;
  napi_create_object(hook_env, &object);
  const struct msghdr& header = message.msg_hdr;
  const size_t bytes = BytesOf(header);
  void* memory = nullptr;
  napi_create_arraybuffer(hook_env, bytes, &memory, &buffer);
  size_t at = 0;
  for (size_t i = 0; i < static_cast<size_t>(header.msg_iovlen); i++) {
    if (header.msg_iov[i].iov_len == 0) continue;
    memcpy(static_cast<uint8_t*>(memory) + at, header.msg_iov[i].iov_base, header.msg_iov[i].iov_len);
    at += header.msg_iov[i].iov_len;
  }
  napi_create_typedarray(hook_env, napi_uint8_array, bytes, buffer, 0, &data);
  napi_set_named_property(hook_env, object, "data", data);
  uint16_t segment = 0;
#if defined(__linux__)
  const struct cmsghdr* control = CMSG_FIRSTHDR(&header);
  if (control != nullptr) memcpy(&segment, CMSG_DATA(control), sizeof(segment));
#endif
  SetNumber(hook_env, object, "segmentBytes", segment);
  SetNumber(hook_env, object, "parts", static_cast<double>(header.msg_iovlen));
  return object;
}

int FakeSend(int fd, Message* messages, unsigned count) {
  napi_handle_scope scope = nullptr;
  napi_value list = nullptr, answer = nullptr;
  if (hooks == nullptr || napi_open_handle_scope(hook_env, &scope) != napi_ok) {
    return system_calls.send(fd, messages, count);
  }
  napi_create_array_with_length(hook_env, count, &list);
  for (unsigned i = 0; i < count; i++) napi_set_element(hook_env, list, i, Describe(messages[i]));
  int result;
  bool is_list = false;
  if (!Ask("send", 1, &list, &answer)) {
    result = system_calls.send(fd, messages, count);
  } else if (napi_is_array(hook_env, answer, &is_list) == napi_ok && is_list) {
    uint32_t taken = 0;
    napi_get_array_length(hook_env, answer, &taken);
    for (uint32_t i = 0; i < taken && i < count; i++) {
      napi_value length = nullptr;
      napi_get_element(hook_env, answer, i, &length);
      messages[i].msg_len = static_cast<unsigned>(NumberOf(length, 0));
    }
    result = static_cast<int>(taken);
  } else {
    const double number = NumberOf(answer, -EIO);
    for (unsigned i = 0; i < count && i < number; i++) {
      messages[i].msg_len = static_cast<unsigned>(BytesOf(messages[i].msg_hdr));
    }
    result = number < 0 ? Failed(number) : static_cast<int>(number);
  }
  const int error = errno;
  napi_close_handle_scope(hook_env, scope);
  errno = error;
  return result;
}

void Fill(Message* message, napi_value from) {
  struct msghdr& header = message->msg_hdr;
  napi_value value = nullptr;
  Bytes data;
  napi_get_named_property(hook_env, from, "data", &value);
  if (!GetBytes(hook_env, value, "data", &data)) return;
  const size_t room = header.msg_iov[0].iov_len;
  const size_t length = data.length < room ? data.length : room;
  if (length > 0) memcpy(header.msg_iov[0].iov_base, data.data, length);
  message->msg_len = static_cast<unsigned>(length);
  header.msg_flags = data.length > room || Property(from, "truncated", 0) != 0 ? MSG_TRUNC : 0;
  struct sockaddr_in name;
  memset(&name, 0, sizeof(name));
  name.sin_family = static_cast<sa_family_t>(Property(from, "family", AF_INET));
  name.sin_port = htons(static_cast<uint16_t>(Property(from, "port", 9)));
  name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  memcpy(header.msg_name, &name, sizeof(name));
  header.msg_namelen = sizeof(name);
  const double piece = Property(from, "piece", kNoPiece);
#if defined(__linux__)
  if (piece == kNoPiece || header.msg_controllen < CMSG_SPACE(sizeof(int))) {
    header.msg_controllen = 0;
    return;
  }
  struct cmsghdr* control = CMSG_FIRSTHDR(&header);
  control->cmsg_level = IPPROTO_UDP;
  control->cmsg_type = 104;
  control->cmsg_len = CMSG_LEN(sizeof(int));
  const int bytes = static_cast<int>(piece);
  memcpy(CMSG_DATA(control), &bytes, sizeof(bytes));
#else
  (void)piece;
#endif
}

int FakeReceive(int fd, Message* messages, unsigned count) {
  napi_handle_scope scope = nullptr;
  if (hooks == nullptr || napi_open_handle_scope(hook_env, &scope) != napi_ok) {
    return system_calls.receive(fd, messages, count);
  }
  const napi_value arguments[2] = {Number(count), Number(static_cast<double>(messages[0].msg_hdr.msg_iov[0].iov_len))};
  napi_value answer = nullptr;
  bool is_list = false;
  int result;
  if (!Ask("receive", 2, arguments, &answer)) {
    result = system_calls.receive(fd, messages, count);
  } else if (napi_is_array(hook_env, answer, &is_list) == napi_ok && is_list) {
    uint32_t length = 0;
    napi_get_array_length(hook_env, answer, &length);
    for (uint32_t i = 0; i < length && i < count; i++) {
      napi_value from = nullptr;
      napi_get_element(hook_env, answer, i, &from);
      Fill(&messages[i], from);
    }
    result = static_cast<int>(length < count ? length : count);
  } else {
    result = Failed(NumberOf(answer, -EIO));
  }
  const int error = errno;
  napi_close_handle_scope(hook_env, scope);
  errno = error;
  return result;
}

bool AskOption(const char* hook, int level, int name, int* result) {
  napi_handle_scope scope = nullptr;
  if (hooks == nullptr || napi_open_handle_scope(hook_env, &scope) != napi_ok) return false;
  const napi_value arguments[2] = {Number(level), Number(name)};
  napi_value answer = nullptr;
  const bool asked = Ask(hook, 2, arguments, &answer);
  const double number = asked ? NumberOf(answer, 0) : 0;
  napi_close_handle_scope(hook_env, scope);
  if (asked) *result = number < 0 ? Failed(number) : 0;
  return asked;
}

int FakeSetOption(int fd, int level, int name, const void* value, socklen_t length) {
  int result = 0;
  return AskOption("setOption", level, name, &result) ? result : setsockopt(fd, level, name, value, length);
}

int FakeGetOption(int fd, int level, int name, void* value, socklen_t* length) {
  int result = 0;
  return AskOption("getOption", level, name, &result) ? result : getsockopt(fd, level, name, value, length);
}

uint64_t FakeNow() {
  napi_handle_scope scope = nullptr;
  if (hooks == nullptr || napi_open_handle_scope(hook_env, &scope) != napi_ok) return system_calls.now();
  napi_value answer = nullptr;
  const uint64_t now = Ask("now", 0, nullptr, &answer) ? static_cast<uint64_t>(NumberOf(answer, 0)) : system_calls.now();
  napi_close_handle_scope(hook_env, scope);
  return now;
}

const Calls fake_calls = {FakeSend, FakeReceive, FakeSetOption, FakeGetOption, FakeNow};

napi_value SetCalls(napi_env env, napi_callback_info info) {
  Args args(env, info);
  if (hooks != nullptr) napi_delete_reference(hook_env, hooks);
  hooks = nullptr;
  hook_env = env;
  if (!IsUndefined(env, args[0])) napi_create_reference(env, args[0], 1, &hooks);
  return nullptr;
}

}  // namespace

const Calls& calls() { return fake_calls; }

void InitFakeCalls(napi_env env, napi_value exports) { SetFunction(env, exports, "setCalls", SetCalls); }

}  // namespace millrace
