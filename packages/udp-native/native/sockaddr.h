// Between addresses as JavaScript sees them and those of the system's calls.
#pragma once

#include "io.h"

#include <netinet/in.h>
#include <string.h>

namespace millrace {

inline uint32_t ScopeOf(const Address& address) {
  return static_cast<uint32_t>(address.scope[0]) | static_cast<uint32_t>(address.scope[1]) << 8 |
         static_cast<uint32_t>(address.scope[2]) << 16 | static_cast<uint32_t>(address.scope[3]) << 24;
}

// Writes `address` for a socket of `family`, AF_INET or AF_INET6, and returns its length. An IPv4 address on an IPv6
// socket becomes a mapped one; the other way round there is none, and the system refuses what is written.
inline socklen_t ToSockaddr(const Address& address, int family, struct sockaddr_storage* out) {
  if (family == AF_INET && address.family == 4) {
    struct sockaddr_in name;
    memset(&name, 0, sizeof(name));
    name.sin_family = AF_INET;
    memcpy(&name.sin_port, address.port, sizeof(address.port));
    memcpy(&name.sin_addr, address.ip, sizeof(name.sin_addr));
    memcpy(out, &name, sizeof(name));
    return sizeof(name);
  }
  struct sockaddr_in6 name;
  memset(&name, 0, sizeof(name));
  name.sin6_family = AF_INET6;
  memcpy(&name.sin6_port, address.port, sizeof(address.port));
  if (address.family == 4) {
    name.sin6_addr.s6_addr[10] = 0xff;
    name.sin6_addr.s6_addr[11] = 0xff;
    memcpy(name.sin6_addr.s6_addr + 12, address.ip, 4);
  } else {
    memcpy(name.sin6_addr.s6_addr, address.ip, sizeof(address.ip));
    name.sin6_scope_id = ScopeOf(address);
  }
  memcpy(out, &name, sizeof(name));
  return sizeof(name);
}

// Reads an address of the system; a mapped one becomes IPv4, so that one peer has one form. False for other families.
inline bool FromSockaddr(const struct sockaddr_storage& in, socklen_t length, Address* address) {
  memset(address, 0, sizeof(*address));
  if (in.ss_family == AF_INET && length >= sizeof(struct sockaddr_in)) {
    struct sockaddr_in name;
    memcpy(&name, &in, sizeof(name));
    address->family = 4;
    memcpy(address->port, &name.sin_port, sizeof(address->port));
    memcpy(address->ip, &name.sin_addr, 4);
    return true;
  }
  if (in.ss_family != AF_INET6 || length < sizeof(struct sockaddr_in6)) return false;
  struct sockaddr_in6 name;
  memcpy(&name, &in, sizeof(name));
  memcpy(address->port, &name.sin6_port, sizeof(address->port));
  if (IN6_IS_ADDR_V4MAPPED(&name.sin6_addr)) {
    address->family = 4;
    memcpy(address->ip, name.sin6_addr.s6_addr + 12, 4);
    return true;
  }
  address->family = 6;
  memcpy(address->ip, name.sin6_addr.s6_addr, sizeof(address->ip));
  for (int i = 0; i < 4; i++) address->scope[i] = static_cast<uint8_t>(name.sin6_scope_id >> (8 * i));
  return true;
}

}  // namespace millrace
