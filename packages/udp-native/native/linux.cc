// UDP of Linux: sendmmsg with UDP_SEGMENT, recvmmsg with UDP_GRO.
#include "io.h"
#include "sockaddr.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif
#ifndef SO_MEMINFO
#define SO_MEMINFO 55
#endif

namespace millrace {

namespace {

constexpr uint64_t kSecond = 1000000000;
constexpr uint64_t kFirstStepUp = 5 * kSecond;
constexpr uint64_t kLastStepUp = 300 * kSecond;
// Calls that a signal cuts short are made again, but not for ever.
constexpr int kMostInterruptions = 16;

// Sets what a caller may do without: an old kernel, or a limit, is no reason not to open.
void Prefer(int fd, int level, int name, int value) { calls().set_option(fd, level, name, &value, sizeof(value)); }

int Demand(int fd, int level, int name, int value) {
  return calls().set_option(fd, level, name, &value, sizeof(value)) == 0 ? 0 : errno;
}

// With the right to it a process may have more than net.core.rmem_max.
void SetBuffer(int fd, int name, int forced, int bytes) {
  if (Demand(fd, SOL_SOCKET, forced, bytes) != 0) Prefer(fd, SOL_SOCKET, name, bytes);
}

void SetFragmenting(const Io& io) {
  // DF on every packet, and no cached path MTU in the way of probes that look for a larger one.
  Prefer(io.fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
  if (io.family == AF_INET6) Prefer(io.fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
}

bool HasSegments(int fd) {
  int value = 0;
  socklen_t length = sizeof(value);
  return calls().get_option(fd, IPPROTO_UDP, UDP_SEGMENT, &value, &length) == 0;
}

}  // namespace

int IoOpen(const OpenOptions& options, Io* io, const char** call) {
  memset(io, 0, sizeof(*io));
  io->family = options.address.family == 4 ? AF_INET : AF_INET6;
  io->most_packet_bytes = options.most_packet_bytes;
  *call = "socket";
  io->fd = socket(io->family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (io->fd < 0) return errno;
  const int bytes = static_cast<int>(options.buffer_bytes);
  SetBuffer(io->fd, SO_RCVBUF, SO_RCVBUFFORCE, bytes);
  SetBuffer(io->fd, SO_SNDBUF, SO_SNDBUFFORCE, bytes);
  if (io->family == AF_INET6) Prefer(io->fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  if (options.dont_fragment) SetFragmenting(*io);
  if (options.tier == Tier::kGso) {
    if (HasSegments(io->fd)) io->best = Tier::kGso;
    io->joins = Demand(io->fd, IPPROTO_UDP, UDP_GRO, 1) == 0;
  }
  io->now = io->best;
  io->step_up_after = kFirstStepUp;
  struct sockaddr_storage name;
  const socklen_t length = ToSockaddr(options.address, io->family, &name);
  *call = "bind";
  if (bind(io->fd, reinterpret_cast<struct sockaddr*>(&name), length) == 0) return 0;
  const int error = errno;
  IoClose(io);
  return error;
}

void IoClose(Io* io) {
  if (io->fd >= 0) close(io->fd);
  io->fd = -1;
}

void IoCountDrops(Io* io) {
  // SK_MEMINFO_DROPS, the last of what the kernel counts of a socket's memory, in words; it wraps.
  constexpr size_t kDrops = 8;
  uint32_t counts[kDrops + 1] = {};
  socklen_t length = sizeof(counts);
  if (calls().get_option(io->fd, SOL_SOCKET, SO_MEMINFO, counts, &length) != 0 || length < sizeof(counts)) return;
  io->stats.dropped += counts[kDrops] - static_cast<uint32_t>(io->stats.dropped);
}

bool IoAddress(const Io& io, Address* address) {
  struct sockaddr_storage name;
  socklen_t length = sizeof(name);
  if (getsockname(io.fd, reinterpret_cast<struct sockaddr*>(&name), &length) != 0) return false;
  return FromSockaddr(name, length, address);
}

int SystemSend(int fd, Message* messages, unsigned count) { return sendmmsg(fd, messages, count, MSG_DONTWAIT); }
int SystemReceive(int fd, Message* messages, unsigned count) {
  return recvmmsg(fd, messages, count, MSG_DONTWAIT, nullptr);
}

namespace {

// Room for one control message with a T.
template <typename T>
struct alignas(struct cmsghdr) Control {
  char bytes[CMSG_SPACE(sizeof(T))];
};

// What one sendmmsg is given. Built anew for each call; nothing is kept.
struct Outgoing {
  Message messages[kMostMessages];
  uint32_t rows[kMostMessages];
  struct sockaddr_storage names[kMostMessages];
  struct iovec parts[kMostMessages * 16];
  Control<uint16_t> controls[kMostMessages];
  unsigned count;
  unsigned part_count;
};
constexpr unsigned kMostParts = kMostMessages * 16;

void SetSegmentBytes(Outgoing* out, uint32_t bytes) {
  struct msghdr& header = out->messages[out->count].msg_hdr;
  auto& control = out->controls[out->count];
  memset(&control, 0, sizeof(control));
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof(control.bytes);
  struct cmsghdr* entry = CMSG_FIRSTHDR(&header);
  entry->cmsg_level = IPPROTO_UDP;
  entry->cmsg_type = UDP_SEGMENT;
  entry->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  const auto value = static_cast<uint16_t>(bytes);
  memcpy(CMSG_DATA(entry), &value, sizeof(value));
}

// How many rows from `at` on one message can carry: same address, same length, the last one possibly shorter.
uint32_t Together(const Row* rows, uint32_t at, uint32_t end, unsigned most) {
  const Row& first = rows[at];
  if (first.length == 0) return 1;
  uint32_t count = 1;
  uint64_t bytes = first.length;
  for (; at + count < end && count < most; count++) {
    const Row& row = rows[at + count];
    bytes += row.length;
    if (row.address != first.address || row.length == 0 || row.length > first.length || bytes > kMostMessageBytes) break;
    if (row.length < first.length) return count + 1;
  }
  return count;
}

// Adds the message of rows at..at + count. Rows that lie one behind the other share a part. False when the parts are used up.
bool AddMessage(Outgoing* out, int family, const uint8_t* slab, const Row* rows, uint32_t at, uint32_t count,
                const Address* addresses) {
  if (out->part_count + count > kMostParts && out->count > 0) return false;
  auto& message = out->messages[out->count];
  memset(&message, 0, sizeof(message));
  auto& name = out->names[out->count];
  message.msg_hdr.msg_name = &name;
  message.msg_hdr.msg_namelen = ToSockaddr(addresses[rows[at].address], family, &name);
  message.msg_hdr.msg_iov = out->parts + out->part_count;
  for (uint32_t i = at; i < at + count; i++) {
    auto* from = const_cast<uint8_t*>(slab) + rows[i].offset;
    if (i > at) {
      auto& last = out->parts[out->part_count - 1];
      if (static_cast<uint8_t*>(last.iov_base) + last.iov_len == from) {
        last.iov_len += rows[i].length;
        continue;
      }
    }
    out->parts[out->part_count++] = {from, rows[i].length};
    message.msg_hdr.msg_iovlen++;
  }
  if (count > 1) SetSegmentBytes(out, rows[at].length);
  out->rows[out->count++] = count;
  return true;
}

int SendMessages(Io* io, Outgoing* out) {
  for (int i = 0; i < kMostInterruptions; i++) {
    io->stats.send_calls++;
    const int sent = calls().send(io->fd, out->messages, out->count);
    if (sent > 0) return sent <= static_cast<int>(out->count) ? sent : static_cast<int>(out->count);
    if (sent == 0) return -EAGAIN;
    if (errno != EINTR) return -errno;
  }
  return -EAGAIN;
}

bool MustWait(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == ENOBUFS; }

void StepUp(Io* io) {
  if (io->now != io->best && calls().now() >= io->step_up_at) io->now = io->best;
}

void StepDown(Io* io) {
  if (io->now == Tier::kMmsg) return;
  io->now = Tier::kMmsg;
  io->stats.step_downs++;
  io->step_up_at = calls().now() + io->step_up_after;
  io->step_up_after = io->step_up_after * 2 > kLastStepUp ? kLastStepUp : io->step_up_after * 2;
}

// Writes the outcomes of a message that the system took. One that it took in part carried its first packets whole.
void Account(Io* io, const Message& message, Row* rows, uint32_t count) {
  uint64_t end = 0;
  for (uint32_t i = 0; i < count; i++) {
    end += rows[i].length;
    const bool whole = end <= message.msg_len;
    rows[i].outcome = whole ? 0 : EIO;
    if (whole) {
      io->stats.packets_sent++;
      io->stats.bytes_sent += rows[i].length;
    } else {
      io->stats.refused++;
    }
  }
}

}  // namespace

uint32_t IoSend(Io* io, const uint8_t* slab, Row* rows, uint32_t count, const Address* addresses) {
  StepUp(io);
  // Rows below `single` go one to a message: those of a message with segments that was refused. Whether the segments or
  // the packets were to blame is known when one as long as the segments has passed.
  uint32_t single = 0;
  uint32_t refused_length = 0;
  uint32_t done = 0;
  Outgoing out;
  while (done < count) {
    out.count = 0;
    out.part_count = 0;
    for (uint32_t next = done; next < count && out.count < kMostMessages;) {
      const bool together = io->now == Tier::kGso && next >= single;
      const uint32_t rows_of_it = together ? Together(rows, next, count, kMostSegments) : 1;
      if (!AddMessage(&out, io->family, slab, rows, next, rows_of_it, addresses)) break;
      next += rows_of_it;
    }
    const int sent = SendMessages(io, &out);
    if (sent < 0 && MustWait(-sent)) {
      rows[done].outcome = static_cast<uint32_t>(-sent);
      io->stats.blocked++;
      return done;
    }
    if (sent < 0 && out.rows[0] > 1) {
      single = done + out.rows[0];
      refused_length = rows[done].length;
      // The kernel's word for a device that cannot do it, whatever the packets.
      if (-sent == EIO) StepDown(io);
      continue;
    }
    if (sent < 0) {
      rows[done++].outcome = static_cast<uint32_t>(-sent);
      io->stats.refused++;
      continue;
    }
    for (int i = 0; i < sent; i++) {
      if (done < single && rows[done].length == refused_length) StepDown(io);
      if (out.rows[i] > 1) io->step_up_after = kFirstStepUp;
      Account(io, out.messages[i], rows + done, out.rows[i]);
      done += out.rows[i];
    }
  }
  return done;
}

namespace {

struct Incoming {
  Message messages[kMostMessages];
  struct sockaddr_storage names[kMostMessages];
  struct iovec parts[kMostMessages];
  Control<int> controls[kMostMessages];
};

// The size of the pieces that the kernel joined; 0 when it joined none.
uint32_t PieceBytes(struct msghdr* header) {
  for (auto* control = CMSG_FIRSTHDR(header); control != nullptr; control = CMSG_NXTHDR(header, control)) {
    if (control->cmsg_level != IPPROTO_UDP || control->cmsg_type != UDP_GRO) continue;
    if (control->cmsg_len < CMSG_LEN(sizeof(int))) continue;
    int value = 0;
    memcpy(&value, CMSG_DATA(control), sizeof(value));
    if (value > 0) return static_cast<uint32_t>(value);
  }
  return 0;
}

int ReceiveMessages(Io* io, Incoming* in, unsigned count) {
  for (int i = 0; i < kMostInterruptions; i++) {
    io->stats.receive_calls++;
    const int received = calls().receive(io->fd, in->messages, count);
    if (received >= 0) return received <= static_cast<int>(count) ? received : static_cast<int>(count);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return 0;
    // An error that an ICMP message left behind: it is told once, and what has arrived is behind it.
    if (errno != EINTR) io->stats.receive_errors++;
  }
  return 0;
}

}  // namespace

unsigned IoReceive(Io* io, uint8_t* slab, uint32_t slot_bytes, unsigned slots, Address* addresses, Received* received,
                   bool* more) {
  Incoming in;
  if (slots > kMostMessages) slots = kMostMessages;
  for (unsigned i = 0; i < slots; i++) {
    in.parts[i] = {slab + static_cast<size_t>(i) * slot_bytes, slot_bytes};
    memset(&in.messages[i], 0, sizeof(in.messages[i]));
    struct msghdr& header = in.messages[i].msg_hdr;
    header.msg_name = &in.names[i];
    header.msg_namelen = sizeof(in.names[i]);
    header.msg_iov = &in.parts[i];
    header.msg_iovlen = 1;
    header.msg_control = in.controls[i].bytes;
    header.msg_controllen = io->joins ? sizeof(in.controls[i].bytes) : 0;
  }
  const int count = ReceiveMessages(io, &in, slots);
  *more = count == static_cast<int>(slots);
  unsigned kept = 0;
  for (int i = 0; i < count; i++) {
    struct msghdr& header = in.messages[i].msg_hdr;
    const uint32_t length = in.messages[i].msg_len;
    const uint32_t joined = PieceBytes(&header);
    const uint32_t piece = joined > 0 && joined < length ? joined : length;
    if ((header.msg_flags & MSG_TRUNC) != 0 || length > slot_bytes || piece > io->most_packet_bytes ||
        !FromSockaddr(in.names[i], header.msg_namelen, &addresses[i])) {
      io->stats.truncated++;
      continue;
    }
    received[kept++] = {static_cast<uint32_t>(i), length, piece};
  }
  return kept;
}

}  // namespace millrace
