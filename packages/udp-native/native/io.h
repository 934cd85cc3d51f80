// A UDP socket of one system: opened, and batches sent and received. Nothing here knows JavaScript; memory is the caller's
// and was checked by it. linux.cc and darwin.cc each give all of it.
#pragma once

#include "calls.h"

#include <stddef.h>
#include <stdint.h>

namespace millrace {

// Most messages of one system call, and most packets that one message with segments carries (UDP_MAX_SEGMENTS of Linux
// was 64 first).
constexpr unsigned kMostMessages = 64;
constexpr unsigned kMostSegments = 64;
// Most bytes of one message with segments: 65,535 less the IPv6 and the UDP header.
constexpr uint32_t kMostMessageBytes = 65487;
// Room for whatever one message can be where the system joins packets.
constexpr uint32_t kJoinedSlotBytes = 65536;

enum class Tier : uint8_t { kMmsg, kGso };

// An address as JavaScript sees it, 24 bytes: family 4 or 6, port and address in network order, an IPv4 address in the
// first four of its bytes, the scope id little-endian.
struct Address {
  uint8_t family;
  uint8_t zero;
  uint8_t port[2];
  uint8_t ip[16];
  uint8_t scope[4];
};
static_assert(sizeof(Address) == 24, "addresses are 24 bytes");

// A packet as JavaScript sees it, four words. `outcome` is written by a send: 0, or the errno.
struct Row {
  uint32_t offset;
  uint32_t length;
  uint32_t address;
  uint32_t outcome;
};

struct IoStats {
  uint64_t packets_sent, bytes_sent, send_calls, refused, blocked, step_downs;
  uint64_t packets_received, bytes_received, receive_calls, truncated, receive_errors;
  // As the system told it last, see IoCountDrops.
  uint64_t dropped;
};

struct OpenOptions {
  Address address;
  Tier tier;
  uint32_t buffer_bytes;
  uint32_t most_packet_bytes;
  bool dont_fragment;
};

struct Io {
  int fd;
  int family;
  // The best tier that may be used, the one in use now, and when it steps up again after a refusal.
  Tier best;
  Tier now;
  uint64_t step_up_at;
  uint64_t step_up_after;
  bool joins;
  uint32_t most_packet_bytes;
  IoStats stats;
};

// One received message: where it lies in its slot, and in pieces of which size it came.
struct Received {
  uint32_t slot;
  uint32_t length;
  uint32_t piece;
};

// Opens and binds. Returns 0, or the errno and in `call` the name of what failed.
int IoOpen(const OpenOptions& options, Io* io, const char** call);
void IoClose(Io* io);
// The address that it is bound to.
bool IoAddress(const Io& io, Address* address);
// Sends rows in their order and writes each one's outcome. Returns how many are done with, sent or refused; fewer than
// `count` when the system takes no more for now, with the reason as the outcome of the next row.
uint32_t IoSend(Io* io, const uint8_t* slab, Row* rows, uint32_t count, const Address* addresses);
// Receives at most `slots` messages into slots of `slot_bytes` each, and writes where they came from to addresses[slot].
// Truncated ones are dropped and counted. Returns how many entries of `received` are filled; `more` tells whether the
// system may have more.
unsigned IoReceive(Io* io, uint8_t* slab, uint32_t slot_bytes, unsigned slots, Address* addresses, Received* received,
                   bool* more);

// Asks the system how many packets it has dropped since the socket was opened, where it can tell.
void IoCountDrops(Io* io);

// The system's calls behind `system_calls`.
int SystemSend(int fd, Message* messages, unsigned count);
int SystemReceive(int fd, Message* messages, unsigned count);

}  // namespace millrace
