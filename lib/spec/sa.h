// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "net/addr.h"
#include "spec/algorithm.h"
#include "spec/lifetime.h"
#include "spec/traffic.h"

// A security association as an operator or an IKE daemon describes it (RFC 4301 section 4.4.2):
// plain values, the only place where they are checked. Holds keys: wipe with gw_sa_spec_wipe.

#define GW_NAME_SIZE         32
#define GW_MAX_REPLAY_WINDOW 1048576
#define GW_MAX_REPLAY_BITMAP (GW_MAX_REPLAY_WINDOW / 8) // bytes
#define GW_DEFAULT_REPLAY    4096
#define GW_FIRST_SPI         256u       // 0 is local, 1 to 255 are reserved (RFC 4303 section 2.1)
#define GW_NAT_T_PORT        4500       // RFC 3948
#define GW_MAX_KEEPALIVE     3600       // seconds
#define GW_KEEPALIVE_DEFAULT UINT16_MAX // as udp_encapsulation.keepalive_seconds has it
#define GW_SIZE_OFF          0
#define GW_SIZE_AUTO         UINT16_MAX
#define GW_LEAST_MSS         64

enum gw_direction { GW_DIRECTION_IN, GW_DIRECTION_OUT };
enum gw_protocol { GW_PROTOCOL_ESP = 50, GW_PROTOCOL_AH = 51 }; // as IP numbers them
enum gw_mode { GW_MODE_TUNNEL, GW_MODE_TRANSPORT };
enum gw_df {
	GW_DF_COPY,
	GW_DF_SET,
	GW_DF_CLEAR
}; // of the outer IPv4 header (RFC 4301 section 8.1)
// When a packet that is longer than the tunnel takes is cut (RFC 4303 section 3.3.4).
enum gw_fragmentation { GW_FRAGMENT_BEFORE, GW_FRAGMENT_AFTER };
// Of the outer header, outbound (RFC 6040 section 4.3): normal mode, or compatibility mode, which
// sends Not-ECT for a peer that would lose congestion marks. Inbound there is one rule for both.
enum gw_ecn_mode { GW_ECN_MODE_COPY, GW_ECN_MODE_NO };
// Of a packet that comes out of the tunnel: its own, that of the outer header, or what the map has
// for that.
// A DSCP that is set is a map with one number at all its places.
enum gw_inner_dscp { GW_INNER_DSCP_KEEP, GW_INNER_DSCP_COPY, GW_INNER_DSCP_MAP, GW_INNER_DSCP_SET };

#define GW_DSCP_COUNT      64
#define GW_DSCP_COPY       (-1) // the inner one
#define GW_DSCP_MAP        (-2) // what the map has for the inner one
#define GW_FLOW_LABEL_COPY (-1) // that of an inner IPv6 packet
#define GW_DEFAULT_TTL     64   // RFC 4301 section 5.1.2.1 leaves it to the gateway

// What carries ESP where it does not stand bare: UDP (RFC 3948) or TCP (RFC 9329).
enum gw_carrier { GW_CARRIER_UDP, GW_CARRIER_TCP };

// The ports of the carrier; both are 0 where ESP stands bare.
struct gw_encapsulation {
	uint16_t source_port;
	uint16_t destination_port;
	// UDP, outbound: seconds without a packet until one is sent; 0: none is;
	// GW_KEEPALIVE_DEFAULT: when it is the gateway's to say.
	uint16_t keepalive;
	bool follow_peer; // UDP, inbound: what goes to the peer goes where it sends from
	enum gw_carrier protocol;
	bool connect; // TCP, outbound: the gateway opens the connection, to destination_port
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
	uint32_t if_id;             // the tunnel interface whose traffic it carries; 0: none
	// Of AH, which does not encrypt: unset, or AES-GMAC, which is kept and keyed like an AEAD
	// here but read and written as the integrity algorithm that it is (RFC 4543).
	enum gw_encryption_id encryption;
	enum gw_integrity_id integrity;
	bool esn;
	uint32_t replay_window; // packets; inbound; 0: off (not with esn, RFC 4303 section 3.4.3)
	enum gw_df df;
	enum gw_fragmentation fragmentation; // outbound, of inner IPv4 packets without DF
	int16_t dscp; // of the outer header, outbound: 0 to 63, GW_DSCP_COPY or GW_DSCP_MAP
	enum gw_inner_dscp inner_dscp;
	uint8_t dscp_map[GW_DSCP_COUNT]; // the DSCP in place of each, 0 to 63
	enum gw_ecn_mode ecn;
	uint8_t ttl;        // of the outer header, outbound; 0 counts as GW_DEFAULT_TTL
	int32_t flow_label; // of an outer IPv6 header, outbound: 20 bits or GW_FLOW_LABEL_COPY
	struct gw_encapsulation encapsulation;
	uint16_t tfc; // bytes that inner packets are padded to; GW_SIZE_AUTO: what the path takes
	uint16_t mss_clamp; // bytes; GW_SIZE_AUTO: what fits into inner packets
	struct gw_lifetime lifetime;

	// State carried over from an earlier life of the SA.
	uint64_t sequence; // outbound: the last number used; inbound: the highest number received

	// Who keeps many specifications keeps of each no more selectors than it has, and nothing of
	// what follows: such a one is copied by gw_sa_spec_copy alone.
	struct gw_sa_selectors selectors;

	uint8_t encryption_key[GW_MAX_ENCRYPTION_KEY]; // key, then salt
	uint8_t encryption_key_bytes;
	uint8_t integrity_key[GW_MAX_INTEGRITY_KEY];
	uint8_t integrity_key_bytes;
	// Belongs to sequence. Inbound: bit i (least significant first) is sequence - i, set:
	// received; owned, may be NULL.
	uint8_t *replay_bitmap;
	uint32_t replay_bitmap_bytes;
};

// Bytes of a specification that is kept, with count selectors.
static inline size_t gw_sa_spec_bytes(unsigned int count)
{
	return offsetof(struct gw_sa_spec, selectors.items) + count * sizeof(struct gw_selector);
}

// A whole one of from, which may end behind its selectors; without keys and bitmap.
void gw_sa_spec_copy(struct gw_sa_spec *spec, const struct gw_sa_spec *from);

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
bool gw_sa_selectors_equal(const struct gw_sa_selectors *a, const struct gw_sa_selectors *b);
bool gw_sa_id_equal(const struct gw_sa_id *a, const struct gw_sa_id *b);

static inline bool gw_sa_spec_is_encapsulated(const struct gw_sa_spec *spec)
{
	return spec->encapsulation.destination_port != 0;
}

static inline bool gw_sa_spec_in_udp(const struct gw_sa_spec *spec)
{
	return gw_sa_spec_is_encapsulated(spec) && spec->encapsulation.protocol == GW_CARRIER_UDP;
}

static inline bool gw_sa_spec_in_tcp(const struct gw_sa_spec *spec)
{
	return gw_sa_spec_is_encapsulated(spec) && spec->encapsulation.protocol == GW_CARRIER_TCP;
}

static inline bool gw_sa_spec_in_ah_gmac(const struct gw_sa_spec *spec)
{
	return spec->protocol == GW_PROTOCOL_AH && spec->encryption == GW_ENCRYPTION_AES_GMAC;
}

extern const char *const gw_direction_words[];           // "in", "out"
const char *gw_protocol_word(enum gw_protocol protocol); // "esp", "ah"
// Reads one of these words: for the tables of other modules.
int gw_read_protocol(json_t *value, const char *name, void *target, struct gw_error *err);
