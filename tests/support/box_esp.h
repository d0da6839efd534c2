// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "box.h"
#include "crypto/engine.h"

// Packets for a box, of both families, and ESP as its peer makes and reads it: sealed and opened by
// the same engine, but laid out here byte by byte.

struct box_frame {
	uint8_t data[2048];
	size_t size; // with the Ethernet header; 0: there was none
};

// An IP packet around payload in a frame for port, with hop limit 64 and right checksums.
struct box_frame box_packet(unsigned int port, const char *source, const char *destination,
	uint8_t protocol, const void *payload, size_t size);
uint8_t *box_ip(struct box_frame *frame);
// Bytes of the IP header without options and extension headers.
size_t box_ip_bytes(const struct box_frame *frame);
// Whether lengths and the IPv4 checksum agree with the frame.
bool box_ip_is_right(struct box_frame *frame);

struct box_peer {
	struct gw_crypto_engine *engine;
	struct gw_crypto_key *in;  // of what the peer sends: 0101…
	struct gw_crypto_key *out; // of what it receives: 0000…
};
struct box_peer box_peer_new(void);
// One whose keys consist of these bytes.
struct box_peer box_peer_with(uint8_t in, uint8_t out);
void box_peer_free(struct box_peer *peer);

// ESP (AES-GCM) around size bytes and their trailer, written at esp; returns its bytes.
size_t box_seal(const struct box_peer *peer, uint32_t spi, uint32_t sequence, const void *data,
	size_t size, uint8_t next_header, uint8_t *esp);
// The same around size bytes, a multiple of 4, that are payload, padding and trailer already.
size_t box_seal_text(const struct box_peer *peer, uint32_t spi, uint32_t sequence, const void *text,
	size_t size, uint8_t *esp);
// Opens size bytes of ESP in place: *data is what was inside. Returns its bytes; -1: not authentic.
int box_open(const struct box_peer *peer, uint8_t *esp, size_t size, const uint8_t **data,
	uint8_t *next_header);
