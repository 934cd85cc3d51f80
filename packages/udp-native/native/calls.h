// The system calls that the I/O files make, as a table: the addon's own points to the system, the one of the test build
// to functions that fail as a test tells them.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

namespace millrace {

#if defined(__linux__)
using Message = struct mmsghdr;
#else
// The shape that recvmsg_x and sendmsg_x of Darwin take.
struct Message {
  struct msghdr msg_hdr;
  size_t msg_len;
};
#endif

// All return as the system does: -1 and errno for a failure.
struct Calls {
  int (*send)(int fd, Message* messages, unsigned count);
  int (*receive)(int fd, Message* messages, unsigned count);
  int (*set_option)(int fd, int level, int name, const void* value, socklen_t length);
  int (*get_option)(int fd, int level, int name, void* value, socklen_t* length);
  // Nanoseconds of a clock that only goes forward.
  uint64_t (*now)();
};

extern const Calls system_calls;

// The table in use.
const Calls& calls();

}  // namespace millrace
