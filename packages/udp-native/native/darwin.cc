// UDP of macOS: recvmsg_x, a private call that is looked up at run time, else recvmsg; sendmsg. UNTESTED: it has been
// written from the system's headers and has never run on macOS. The test build on Linux compiles it, and no more.
#include "io.h"
#include "sockaddr.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include <uv.h>

#ifndef IP_DONTFRAG
#define IP_DONTFRAG 28
#endif
#ifndef IPV6_DONTFRAG
#define IPV6_DONTFRAG 62
#endif

namespace millrace {

namespace {

constexpr int kMostInterruptions = 16;

using ReceiveMany = ssize_t (*)(int fd, Message* messages, unsigned count, int flags);

ReceiveMany FindReceiveMany() {
  uv_lib_t program;
  void* symbol = nullptr;
  if (uv_dlopen(nullptr, &program) != 0 || uv_dlsym(&program, "recvmsg_x", &symbol) != 0) return nullptr;
  return reinterpret_cast<ReceiveMany>(symbol);
}

void Prefer(int fd, int level, int name, int value) { calls().set_option(fd, level, name, &value, sizeof(value)); }

// The system refuses what is over kern.ipc.maxsockbuf instead of cutting it: halve until it takes it.
void SetBuffer(int fd, int name, int bytes) {
  for (; bytes >= 65536; bytes /= 2) {
    if (calls().set_option(fd, SOL_SOCKET, name, &bytes, sizeof(bytes)) == 0) return;
  }
}

int Fail(Io* io) {
  const int error = errno;
  IoClose(io);
  return error;
}

// Looked up while the module loads.
const ReceiveMany receive_many = FindReceiveMany();

}  // namespace

int IoOpen(const OpenOptions& options, Io* io, const char** call) {
  memset(io, 0, sizeof(*io));
  io->family = options.address.family == 4 ? AF_INET : AF_INET6;
  io->most_packet_bytes = options.most_packet_bytes;
  *call = "socket";
  io->fd = socket(io->family, SOCK_DGRAM, 0);
  if (io->fd < 0) return errno;
  *call = "fcntl";
  if (fcntl(io->fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(io->fd, F_SETFL, O_NONBLOCK) != 0) return Fail(io);
  SetBuffer(io->fd, SO_RCVBUF, static_cast<int>(options.buffer_bytes));
  SetBuffer(io->fd, SO_SNDBUF, static_cast<int>(options.buffer_bytes));
  if (io->family == AF_INET6) Prefer(io->fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (options.dont_fragment) {
    if (io->family == AF_INET) Prefer(io->fd, IPPROTO_IP, IP_DONTFRAG, 1);
    else Prefer(io->fd, IPPROTO_IPV6, IPV6_DONTFRAG, 1);
  }
  struct sockaddr_storage name;
  const socklen_t length = ToSockaddr(options.address, io->family, &name);
  *call = "bind";
  return bind(io->fd, reinterpret_cast<struct sockaddr*>(&name), length) == 0 ? 0 : Fail(io);
}

void IoClose(Io* io) {
  if (io->fd >= 0) close(io->fd);
  io->fd = -1;
}

// The system does not count them.
void IoCountDrops(Io*) {}

bool IoAddress(const Io& io, Address* address) {
  struct sockaddr_storage name;
  socklen_t length = sizeof(name);
  if (getsockname(io.fd, reinterpret_cast<struct sockaddr*>(&name), &length) != 0) return false;
  return FromSockaddr(name, length, address);
}

int SystemSend(int fd, Message* messages, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    const ssize_t sent = sendmsg(fd, &messages[i].msg_hdr, 0);
    if (sent < 0) return i > 0 ? static_cast<int>(i) : -1;
    messages[i].msg_len = static_cast<size_t>(sent);
  }
  return static_cast<int>(count);
}

int SystemReceive(int fd, Message* messages, unsigned count) {
  if (receive_many != nullptr) return static_cast<int>(receive_many(fd, messages, count, 0));
  for (unsigned i = 0; i < count; i++) {
    const ssize_t received = recvmsg(fd, &messages[i].msg_hdr, 0);
    if (received < 0) return i > 0 ? static_cast<int>(i) : -1;
    messages[i].msg_len = static_cast<size_t>(received);
  }
  return static_cast<int>(count);
}

uint32_t IoSend(Io* io, const uint8_t* slab, Row* rows, uint32_t count, const Address* addresses) {
  int interruptions = 0;
  for (uint32_t done = 0; done < count;) {
    Row& row = rows[done];
    struct sockaddr_storage name;
    struct iovec part = {const_cast<uint8_t*>(slab) + row.offset, row.length};
    Message message;
    memset(&message, 0, sizeof(message));
    message.msg_hdr.msg_name = &name;
    message.msg_hdr.msg_namelen = ToSockaddr(addresses[row.address], io->family, &name);
    message.msg_hdr.msg_iov = &part;
    message.msg_hdr.msg_iovlen = 1;
    message.msg_len = row.length;
    io->stats.send_calls++;
    const int sent = calls().send(io->fd, &message, 1);
    int error = sent == 1 ? 0 : sent == 0 ? EAGAIN : errno;
    if (error == EINTR && interruptions++ < kMostInterruptions) continue;
    if (error == EINTR) error = EAGAIN;
    row.outcome = static_cast<uint32_t>(error);
    if (error == EAGAIN || error == ENOBUFS) {
      io->stats.blocked++;
      return done;
    }
    done++;
    if (error != 0) {
      io->stats.refused++;
      continue;
    }
    io->stats.packets_sent++;
    io->stats.bytes_sent += row.length;
  }
  return count;
}

unsigned IoReceive(Io* io, uint8_t* slab, uint32_t slot_bytes, unsigned slots, Address* addresses, Received* received,
                   bool* more) {
  Message messages[kMostMessages];
  struct sockaddr_storage names[kMostMessages];
  struct iovec parts[kMostMessages];
  if (slots > kMostMessages) slots = kMostMessages;
  memset(messages, 0, sizeof(messages));
  for (unsigned i = 0; i < slots; i++) {
    parts[i] = {slab + static_cast<size_t>(i) * slot_bytes, slot_bytes};
    messages[i].msg_hdr.msg_name = &names[i];
    messages[i].msg_hdr.msg_namelen = sizeof(names[i]);
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
    messages[i].msg_len = slot_bytes;
  }
  int count = 0;
  for (int i = 0; i < kMostInterruptions; i++) {
    io->stats.receive_calls++;
    count = calls().receive(io->fd, messages, slots);
    if (count >= 0 || errno == EAGAIN) break;
    if (errno != EINTR) io->stats.receive_errors++;
  }
  if (count < 0) count = 0;
  if (count > static_cast<int>(slots)) count = static_cast<int>(slots);
  *more = count == static_cast<int>(slots);
  unsigned kept = 0;
  for (int i = 0; i < count; i++) {
    // recvmsg_x may not tell truncation; a slot is longer than the longest packet, so that its length does.
    const size_t length = messages[i].msg_len;
    const bool cut = (messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0 || length > io->most_packet_bytes;
    if (cut || !FromSockaddr(names[i], messages[i].msg_hdr.msg_namelen, &addresses[i])) {
      io->stats.truncated++;
      continue;
    }
    received[kept++] = {static_cast<uint32_t>(i), static_cast<uint32_t>(length), static_cast<uint32_t>(length)};
  }
  return kept;
}

}  // namespace millrace
