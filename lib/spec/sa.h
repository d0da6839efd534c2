// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "net/addr.h"
#include "spec/algorithm.h"
#include "spec/lifetime.h"

// A security association as an operator or an IKE daemon describes it (RFC 4301 section 4.4.2):
// plain values, the only place where they are checked. Holds keys: wipe with gw_sa_spec_wipe.

#define GW_NAME_SIZE         32
#define GW_MAX_REPLAY_WINDOW 1048576
#define GW_MAX_REPLAY_BITMAP (GW_MAX_REPLAY_WINDOW / 8) // bytes
#define GW_DEFAULT_REPLAY    4096
#define GW_FIRST_SPI         256u // 0 is local, 1 to 255 are reserved (RFC 4303 section 2.1)
#define GW_NAT_T_PORT        4500 // RFC 3948

enum gw_direction { GW_DIRECTION_IN, GW_DIRECTION_OUT };
enum gw_protocol { GW_PROTOCOL_ESP = 50 };
enum gw_mode { GW_MODE_TUNNEL, GW_MODE_TRANSPORT };
enum gw_df {
	GW_DF_COPY,
	GW_DF_SET,
	GW_DF_CLEAR
}; // of the outer IPv4 header (RFC 4301 section 8.1)

// ESP in UDP (RFC 3948): the ports of the SA's packets. Both are 0 where ESP stands bare.
struct gw_encapsulation {
	uint16_t source_port;
	uint16_t destination_port;
};

struct gw_sa_spec {
	char name[GW_NAME_SIZE]; // for people; may be empty
	enum gw_direction direction;
	enum gw_protocol protocol;
	enum gw_mode mode;
	uint32_t spi;               // host order
	struct gw_addr source;      // of the outer header; in transport mode the packet's own
	struct gw_addr destination; // likewise, of the same family
	uint32_t reqid;             // which policies it serves; 0 is refused
	enum gw_encryption_id encryption;
	enum gw_integrity_id integrity;
	uint8_t encryption_key[GW_MAX_ENCRYPTION_KEY]; // key, then salt
	uint8_t encryption_key_bytes;
	uint8_t integrity_key[GW_MAX_INTEGRITY_KEY];
	uint8_t integrity_key_bytes;
	bool esn;
	uint32_t replay_window; // packets; inbound; 0: off (not with esn, RFC 4303 section 3.4.3)
	enum gw_df df;
	int16_t dscp; // of the outer header: 0 to 63, or -1: copy from the inner one
	struct gw_encapsulation encapsulation;
	struct gw_lifetime lifetime;

	// State carried over from an earlier life of the SA.
	uint64_t sequence; // outbound: the last number used; inbound: the highest number received
	uint8_t *replay_bitmap; // inbound: bit i (least significant first) is sequence - i, set:
				// received; owned, may be NULL
	uint32_t replay_bitmap_bytes;
};

// What identifies an SA: inbound by SPI, destination and protocol; outbound the same with the
// direction.
struct gw_sa_id {
	enum gw_direction direction;
	enum gw_protocol protocol;
	uint32_t spi;
	struct gw_addr destination;
};

// Defaults, then the object's members, then gw_sa_spec_check. On failure spec is wiped.
int gw_sa_spec_read(json_t *object, struct gw_sa_spec *spec, struct gw_error *err);

// Checks the whole: key lengths, SPI range, families, integrity present (RFC 8221 section 2),
// replay and ESN.
int gw_sa_spec_check(const struct gw_sa_spec *spec, struct gw_error *err);

// The same for an SA that runs already, whose keys and state are elsewhere.
int gw_sa_spec_check_running(const struct gw_sa_spec *spec, struct gw_error *err);

// The object without keys; state included. A new reference, NULL when there is no memory.
json_t *gw_sa_spec_write(const struct gw_sa_spec *spec);

// Wipes keys and frees what spec owns; spec itself is the caller's.
void gw_sa_spec_wipe(struct gw_sa_spec *spec);

int gw_sa_id_read(json_t *object, struct gw_sa_id *id, struct gw_error *err);
struct gw_sa_id gw_sa_spec_id(const struct gw_sa_spec *spec);
bool gw_sa_id_equal(const struct gw_sa_id *a, const struct gw_sa_id *b);

static inline bool gw_sa_spec_in_udp(const struct gw_sa_spec *spec)
{
	return spec->encapsulation.destination_port != 0;
}

extern const char *const gw_direction_words[]; // "in", "out"
