// Seals and opens batches of packets in place in a caller's slab, with AES-128-GCM or ChaCha20-Poly1305.
#include "evp.h"
#include "glue.h"

#include <stdlib.h>
#include <string.h>

namespace millrace {

namespace {

constexpr size_t kNonceBytes = 12;
constexpr size_t kTagBytes = 16;
// EVP counts in int; no packet comes near.
constexpr uint32_t kMostPacketBytes = 1u << 30;
constexpr napi_type_tag kKeyTag = {0x6d696c6c72616365, 0x6165616420206b65};

struct Algorithm {
  const char* name;
  size_t key_bytes;
  const EvpCipher* (*cipher)(const Evp& evp);
};
const Algorithm kAlgorithms[] = {
    {"aes-128-gcm", 16, [](const Evp& evp) { return evp.aes_128_gcm(); }},
    {"chacha20-poly1305", 32, [](const Evp& evp) { return evp.chacha20_poly1305(); }},
};

// One key for one direction. Each context is set up once; a packet only changes its nonce.
struct Key {
  EvpContext* seal;
  EvpContext* open;
  uint8_t iv[kNonceBytes];
};

// A row of the caller: where a packet lies, how it is divided, and its number.
struct Packet {
  uint32_t offset;
  uint32_t clear_bytes;
  uint32_t packet_bytes;
  uint32_t number_low;
  uint32_t number_high;
};
constexpr size_t kRowWords = sizeof(Packet) / sizeof(uint32_t);

void FreeKey(const Evp& evp, Key* key) {
  if (key->seal != nullptr) evp.context_free(key->seal);
  if (key->open != nullptr) evp.context_free(key->open);
  Wipe(key, sizeof(*key));
  free(key);
}

Key* MakeKey(const Evp& evp, const Algorithm& algorithm, const uint8_t* secret, const uint8_t* iv) {
  auto* key = static_cast<Key*>(calloc(1, sizeof(Key)));
  if (key == nullptr) return nullptr;
  key->seal = evp.context_new();
  key->open = evp.context_new();
  memcpy(key->iv, iv, kNonceBytes);
  const EvpCipher* cipher = algorithm.cipher(evp);
  if (key->seal != nullptr && key->open != nullptr && cipher != nullptr &&
      evp.init(key->seal, cipher, secret, iv, 1, nullptr) == 1 &&
      evp.init(key->open, cipher, secret, iv, 0, nullptr) == 1) {
    return key;
  }
  FreeKey(evp, key);
  evp.clear_errors();
  return nullptr;
}

// RFC 9001, section 5.3: the packet number, big-endian, exclusive-ored into the end of the iv.
void Nonce(const Key& key, const Packet& packet, uint8_t* nonce) {
  memcpy(nonce, key.iv, kNonceBytes);
  for (int i = 0; i < 4; i++) {
    nonce[4 + i] ^= static_cast<uint8_t>(packet.number_high >> (24 - 8 * i));
    nonce[8 + i] ^= static_cast<uint8_t>(packet.number_low >> (24 - 8 * i));
  }
}

// The tag at `at`, to be read by OpenSSL or written by it: as a parameter it costs less than by a control call.
struct TagParameter {
  EvpParameter list[2];
  explicit TagParameter(uint8_t* at) : list{{"tag", kEvpOctets, at, kTagBytes, 0}, {nullptr, 0, nullptr, 0, 0}} {}
};

bool Pass(const Evp& evp, EvpContext* context, uint8_t* packet, uint32_t clear, uint32_t text) {
  int written = 0;
  if (clear > 0 && evp.update(context, nullptr, &written, packet, static_cast<int>(clear)) != 1) return false;
  uint8_t* at = packet + clear;
  if (text > 0 && evp.update(context, at, &written, at, static_cast<int>(text)) != 1) return false;
  // Both are stream ciphers: nothing is left to be written at the end.
  uint8_t rest[32];
  return evp.final(context, rest, &written) == 1;
}

bool SealPacket(const Evp& evp, const Key& key, uint8_t* at, const Packet& packet) {
  uint8_t nonce[kNonceBytes];
  Nonce(key, packet, nonce);
  const uint32_t text = packet.packet_bytes - packet.clear_bytes - static_cast<uint32_t>(kTagBytes);
  TagParameter tag(at + packet.packet_bytes - kTagBytes);
  return evp.init(key.seal, nullptr, nullptr, nonce, 1, nullptr) == 1 &&
         Pass(evp, key.seal, at, packet.clear_bytes, text) && evp.get(key.seal, tag.list) == 1;
}

bool OpenPacket(const Evp& evp, const Key& key, uint8_t* at, const Packet& packet) {
  uint8_t nonce[kNonceBytes];
  Nonce(key, packet, nonce);
  const uint32_t text = packet.packet_bytes - packet.clear_bytes - static_cast<uint32_t>(kTagBytes);
  const TagParameter tag(at + packet.packet_bytes - kTagBytes);
  if (evp.init(key.open, nullptr, nullptr, nonce, 0, tag.list) == 1 &&
      Pass(evp, key.open, at, packet.clear_bytes, text)) {
    return true;
  }
  // What was deciphered before the tag was known to be wrong must not be seen by anyone.
  memset(at + packet.clear_bytes, 0, text);
  return false;
}

bool TooShort(const Packet& packet) {
  return packet.packet_bytes < kTagBytes || packet.packet_bytes - kTagBytes < packet.clear_bytes;
}

struct Batch {
  const Evp* evp;
  Key* key;
  Bytes slab;
  Words rows;
  const Packet* packets;
  uint32_t count;
};

// Reads and checks (key, slab, rows, count), every row of them, so that nothing is touched when one is wrong. A packet of
// a peer may be too short to be one; a packet to seal may not.
bool GetBatch(napi_env env, const Args& args, bool sealing, Batch* batch) {
  batch->evp = FindEvp();
  batch->key = static_cast<Key*>(UnwrapTagged(env, args[0], "key", &kKeyTag));
  if (batch->evp == nullptr || batch->key == nullptr || !GetBytes(env, args[1], "slab", &batch->slab) ||
      !GetWords(env, args[2], "rows", &batch->rows) || !GetInteger(env, args[3], "count", UINT32_MAX, &batch->count)) {
    return false;
  }
  if (batch->count > batch->rows.length / kRowWords) {
    Fail(env, kRange, "%u packets, but rows for %zu", batch->count, batch->rows.length / kRowWords);
    return false;
  }
  if (Overlap(batch->rows, batch->slab)) {
    Fail(env, kRange, "the rows lie inside the slab");
    return false;
  }
  batch->packets = reinterpret_cast<const Packet*>(batch->rows.data);
  for (uint32_t i = 0; i < batch->count; i++) {
    const Packet& packet = batch->packets[i];
    if (packet.packet_bytes > kMostPacketBytes || !Fits(packet.offset, packet.packet_bytes, batch->slab.length)) {
      Fail(env, kRange, "packet %u (%u bytes at %u) lies outside the slab", i, packet.packet_bytes, packet.offset);
      return false;
    }
    if (sealing && TooShort(packet)) {
      Fail(env, kRange, "packet %u has no room for its %u clear bytes and the tag", i, packet.clear_bytes);
      return false;
    }
  }
  return true;
}

// createKey(algorithm, key, iv): the key of one direction.
napi_value CreateKey(napi_env env, napi_callback_info info) {
  Args args(env, info);
  char name[32];
  Bytes secret, iv;
  if (!GetText(env, args[0], "algorithm", name, sizeof(name)) || !GetBytes(env, args[1], "key", &secret) ||
      !GetBytes(env, args[2], "iv", &iv)) {
    return nullptr;
  }
  const Algorithm* algorithm = nullptr;
  for (const Algorithm& one : kAlgorithms) {
    if (strcmp(name, one.name) == 0) algorithm = &one;
  }
  if (algorithm == nullptr) return Fail(env, kArgument, "there is no algorithm %s", name);
  if (secret.length != algorithm->key_bytes || iv.length != kNonceBytes) {
    return Fail(env, kRange, "%s takes a key of %zu bytes and an iv of %zu, not %zu and %zu", name, algorithm->key_bytes,
                kNonceBytes, secret.length, iv.length);
  }
  const Evp* evp = FindEvp();
  Key* key = evp == nullptr ? nullptr : MakeKey(*evp, *algorithm, secret.data, iv.data);
  if (key == nullptr) return Fail(env, kUnsupported, "this runtime's OpenSSL does not do %s", name);
  napi_value object = WrapTagged(env, key, &kKeyTag, [](napi_env, void* data, void*) {
    FreeKey(*FindEvp(), static_cast<Key*>(data));
  });
  if (object == nullptr) {
    FreeKey(*evp, key);
    return Fail(env, kFailed, "the key could not be made");
  }
  return object;
}

// seal(key, slab, rows, count)
napi_value Seal(napi_env env, napi_callback_info info) {
  Args args(env, info);
  Batch batch;
  if (!GetBatch(env, args, true, &batch)) return nullptr;
  for (uint32_t i = 0; i < batch.count; i++) {
    const Packet& packet = batch.packets[i];
    if (SealPacket(*batch.evp, *batch.key, batch.slab.data + packet.offset, packet)) continue;
    batch.evp->clear_errors();
    return Fail(env, kFailed, "packet %u could not be sealed", i);
  }
  return nullptr;
}

// open(key, slab, rows, count, verdicts): how many are authentic
napi_value Open(napi_env env, napi_callback_info info) {
  Args args(env, info);
  Batch batch;
  Bytes verdicts;
  if (!GetBatch(env, args, false, &batch) || !GetBytes(env, args[4], "verdicts", &verdicts)) return nullptr;
  if (verdicts.length < batch.count) return Fail(env, kRange, "%u packets, but %zu verdicts", batch.count, verdicts.length);
  if (Overlap(batch.rows, verdicts)) return Fail(env, kRange, "the verdicts lie inside the rows");
  uint32_t authentic = 0;
  for (uint32_t i = 0; i < batch.count; i++) {
    const Packet packet = batch.packets[i];
    const bool right = !TooShort(packet) && OpenPacket(*batch.evp, *batch.key, batch.slab.data + packet.offset, packet);
    verdicts.data[i] = right ? 1 : 0;
    authentic += right ? 1 : 0;
  }
  if (authentic < batch.count) batch.evp->clear_errors();
  napi_value result = nullptr;
  napi_create_uint32(env, authentic, &result);
  return result;
}

}  // namespace

void InitAead(napi_env env, napi_value exports) {
  const Evp* evp = FindEvp();
  if (evp == nullptr) return;
  // An OpenSSL may have the functions and still refuse an algorithm, by its build or its configuration.
  const char* names[2];
  size_t count = 0;
  const uint8_t zeros[32] = {};
  for (const Algorithm& algorithm : kAlgorithms) {
    Key* key = MakeKey(*evp, algorithm, zeros, zeros);
    if (key == nullptr) continue;
    FreeKey(*evp, key);
    names[count++] = algorithm.name;
  }
  if (count == 0) return;
  napi_set_named_property(env, exports, "algorithms", TextArray(env, names, count));
  SetFunction(env, exports, "createKey", CreateKey);
  SetFunction(env, exports, "seal", Seal);
  SetFunction(env, exports, "open", Open);
}

}  // namespace millrace
