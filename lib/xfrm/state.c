// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "xfrm/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <netlink/attr.h>
#include <rte_common.h>

#define PLAIN_WINDOW 32u
#define WORD_BITS    32u
#define MOST_WORDS   XFRMA_REPLAY_ESN_MAX / sizeof(uint32_t)

static bool own_bit(const struct gw_sa_spec *spec, uint32_t back)
{
	// Without a bitmap, or beyond it, what is behind the highest number counts as received.
	if (!spec->replay_bitmap || back / 8 >= spec->replay_bitmap_bytes)
		return back <= spec->sequence;
	return spec->replay_bitmap[back / 8] >> back % 8 & 1;
}

// The kernel's bitmap is a ring: bit (number - 1) modulo the window.
static uint32_t ring_bit(uint64_t number, uint32_t window)
{
	return (uint32_t)((number - 1) % window);
}

// back: how far behind the highest number.
static bool wire_bit(const struct xfrm_replay_state_esn *wire, uint64_t top, uint32_t back)
{
	uint32_t bit;

	if (back >= top)
		return false;
	bit = ring_bit(top - back, wire->replay_window);
	return wire->bmp[bit / WORD_BITS] >> bit % WORD_BITS & 1;
}

static int make_bitmap(struct gw_sa_spec *spec, uint32_t bits, struct gw_error *err)
{
	spec->replay_bitmap_bytes = (bits + 7) / 8;
	spec->replay_bitmap = calloc(1, spec->replay_bitmap_bytes);
	return spec->replay_bitmap ? 0 : gw_error_set(err, ENOMEM, "out of memory");
}

static int read_ring(const struct xfrm_replay_state_esn *wire, bool has_bitmap,
	struct gw_sa_spec *spec, struct gw_error *err)
{
	if (spec->direction == GW_DIRECTION_OUT) {
		spec->sequence = (uint64_t)wire->oseq_hi << 32 | wire->oseq;
		return 0;
	}
	spec->replay_window = wire->replay_window;
	spec->sequence = (uint64_t)wire->seq_hi << 32 | wire->seq;
	if (spec->sequence == 0 || wire->replay_window == 0 ||
		wire->replay_window > GW_MAX_REPLAY_WINDOW)
		return 0;
	if (make_bitmap(spec, wire->replay_window, err) != 0)
		return -ENOMEM;
	for (uint32_t back = 0; has_bitmap && back < wire->replay_window; back++)
		if (wire_bit(wire, spec->sequence, back))
			spec->replay_bitmap[back / 8] |= (uint8_t)(1u << back % 8);
	return 0;
}

static int read_plain(
	const struct xfrm_replay_state *wire, struct gw_sa_spec *spec, struct gw_error *err)
{
	if (spec->direction == GW_DIRECTION_OUT) {
		spec->sequence = wire->oseq;
		return 0;
	}
	spec->sequence = wire->seq;
	if (spec->sequence == 0 || spec->replay_window == 0)
		return 0;
	if (make_bitmap(spec, PLAIN_WINDOW, err) != 0)
		return -ENOMEM;
	for (unsigned int byte = 0; byte < PLAIN_WINDOW / 8; byte++)
		spec->replay_bitmap[byte] = (uint8_t)(wire->bitmap >> 8 * byte);
	return 0;
}

int gw_xfrm_replay_read(const struct gw_xfrm_request *request, uint8_t window,
	struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct xfrm_replay_state_esn *ring = gw_xfrm_value(request, XFRMA_REPLAY_ESN_VAL);
	const struct xfrm_replay_state *plain = gw_xfrm_value(request, XFRMA_REPLAY_VAL);

	// Outbound a window means nothing.
	spec->replay_window = spec->direction == GW_DIRECTION_IN ? window : GW_DEFAULT_REPLAY;
	if (ring)
		return read_ring(ring,
			gw_xfrm_value_bytes(request, XFRMA_REPLAY_ESN_VAL) > sizeof(*ring), spec,
			err);
	if (spec->esn)
		return gw_error_set(err, EINVAL, "ESN needs XFRMA_REPLAY_ESN_VAL");
	return plain ? read_plain(plain, spec, err) : 0;
}

static int write_plain(struct nl_msg *message, const struct gw_sa_spec *spec)
{
	struct xfrm_replay_state wire = {};

	if (spec->direction == GW_DIRECTION_OUT) {
		wire.oseq = (uint32_t)spec->sequence;
	} else {
		wire.seq = (uint32_t)spec->sequence;
		for (uint32_t back = 0; back < PLAIN_WINDOW && back < spec->replay_window; back++)
			if (back < spec->sequence && own_bit(spec, back))
				wire.bitmap |= 1u << back;
	}
	return nla_put(message, XFRMA_REPLAY_VAL, sizeof(wire), &wire) < 0 ? -ENOMEM : 0;
}

static void fill_ring(const struct gw_sa_spec *spec, struct xfrm_replay_state_esn *wire)
{
	for (uint32_t back = 0; back < wire->replay_window && back < spec->sequence; back++)
		if (own_bit(spec, back)) {
			uint32_t bit = ring_bit(spec->sequence - back, wire->replay_window);

			wire->bmp[bit / WORD_BITS] |= 1u << bit % WORD_BITS;
		}
}

static int write_ring(struct nl_msg *message, const struct gw_sa_spec *spec)
{
	size_t words = RTE_MIN((spec->replay_window + WORD_BITS - 1) / WORD_BITS, MOST_WORDS);
	size_t bytes = sizeof(struct xfrm_replay_state_esn) + words * sizeof(uint32_t);
	struct nlattr *attribute = nla_reserve(message, XFRMA_REPLAY_ESN_VAL, (int)bytes);
	struct xfrm_replay_state_esn *wire;

	if (!attribute)
		return -ENOMEM;
	wire = nla_data(attribute);
	memset(wire, 0, bytes);
	wire->bmp_len = (unsigned int)words;
	wire->replay_window = RTE_MIN(spec->replay_window, (uint32_t)words * WORD_BITS);
	if (spec->direction == GW_DIRECTION_OUT) {
		wire->oseq = (uint32_t)spec->sequence;
		wire->oseq_hi = (uint32_t)(spec->sequence >> 32);
		return 0;
	}
	wire->seq = (uint32_t)spec->sequence;
	wire->seq_hi = (uint32_t)(spec->sequence >> 32);
	fill_ring(spec, wire);
	return 0;
}

int gw_xfrm_replay_write(struct nl_msg *message, const struct gw_sa_spec *spec)
{
	if (spec->esn || (spec->direction == GW_DIRECTION_IN && spec->replay_window > PLAIN_WINDOW))
		return write_ring(message, spec);
	return write_plain(message, spec);
}

static uint64_t from_wire(uint64_t limit)
{
	return limit == XFRM_INF ? 0 : limit;
}

static uint64_t to_wire(uint64_t limit)
{
	return limit ? limit : XFRM_INF;
}

void gw_xfrm_lifetime_read(const struct xfrm_lifetime_cfg *wire, struct gw_lifetime *lifetime)
{
	*lifetime = (struct gw_lifetime){
		.soft_bytes = from_wire(wire->soft_byte_limit),
		.hard_bytes = from_wire(wire->hard_byte_limit),
		.soft_packets = from_wire(wire->soft_packet_limit),
		.hard_packets = from_wire(wire->hard_packet_limit),
		.soft_seconds = from_wire(wire->soft_add_expires_seconds),
		.hard_seconds = from_wire(wire->hard_add_expires_seconds),
		.soft_use_seconds = from_wire(wire->soft_use_expires_seconds),
		.hard_use_seconds = from_wire(wire->hard_use_expires_seconds),
	};
}

// 0 is no limit; one that is over already ends with the next second.
static uint64_t seconds_left(uint64_t limit, uint64_t elapsed)
{
	return limit == 0 ? 0 : limit > elapsed ? limit - elapsed : 1;
}

void gw_xfrm_lifetime_used_read(
	const struct gw_xfrm_request *request, uint64_t now, struct gw_lifetime *lifetime)
{
	const struct xfrm_lifetime_cur *used = gw_xfrm_value(request, XFRMA_LTIME_VAL);
	uint64_t elapsed;

	if (!used)
		return;
	lifetime->used_bytes = used->bytes;
	lifetime->used_packets = used->packets;
	elapsed = used->add_time && used->add_time < now ? now - used->add_time : 0;
	lifetime->soft_seconds = seconds_left(lifetime->soft_seconds, elapsed);
	lifetime->hard_seconds = seconds_left(lifetime->hard_seconds, elapsed);
}

void gw_xfrm_lifetime_write(const struct gw_lifetime *lifetime, struct xfrm_lifetime_cfg *wire)
{
	*wire = (struct xfrm_lifetime_cfg){
		.soft_byte_limit = to_wire(lifetime->soft_bytes),
		.hard_byte_limit = to_wire(lifetime->hard_bytes),
		.soft_packet_limit = to_wire(lifetime->soft_packets),
		.hard_packet_limit = to_wire(lifetime->hard_packets),
		.soft_add_expires_seconds = lifetime->soft_seconds,
		.hard_add_expires_seconds = lifetime->hard_seconds,
		.soft_use_expires_seconds = lifetime->soft_use_seconds,
		.hard_use_expires_seconds = lifetime->hard_use_seconds,
	};
}
