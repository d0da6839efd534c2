// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/sa.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_random.h>
#include <rte_rcu_qsbr.h>
#include <rte_udp.h>

#include "base/clock.h"
#include "base/slab.h"
#include "ipsec/ah.h"
#include "ipsec/esp.h"
#include "ipsec/lifetime.h"
#include "net/checksum.h"

// One piece of memory holds the SA, the counters of the workers and the replay window: a million
// SAs then cost a million allocations instead of three, and each part still begins on a cache line
// of its own.

#define INITIAL_PATH_MTU 1500

static_assert(
	sizeof(struct gw_sa_worker_counters) % RTE_CACHE_LINE_SIZE == 0, "the window follows");

static struct gw_crypto_key *expand_key(const struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct gw_crypto_key_spec key = {
		// AH's algorithms are those that authenticate ESP's NULL encryption.
		.encryption = spec->encryption == GW_ENCRYPTION_UNSET ? GW_ENCRYPTION_NULL
								      : spec->encryption,
		.integrity = spec->integrity,
		.encryption_key = spec->encryption_key,
		.encryption_key_bytes = spec->encryption_key_bytes,
		.integrity_key = spec->integrity_key,
		.integrity_key_bytes = spec->integrity_key_bytes,
		.esn = spec->esn,
	};

	return gw_crypto_key_new(&key, err);
}

static uint8_t outer_ttl(const struct gw_sa_spec *spec)
{
	return spec->ttl ? spec->ttl : GW_DEFAULT_TTL;
}

static uint8_t outer_protocol(const struct gw_sa_spec *spec)
{
	return gw_sa_spec_in_udp(spec) ? IPPROTO_UDP : (uint8_t)spec->protocol;
}

// Lengths, ID, fragment field, TOS and checksum stay zero: the worker fills them in and continues
// the checksum.
static void template_ipv4(struct gw_sa *sa, const struct gw_sa_spec *spec)
{
	struct rte_ipv4_hdr ip = {
		.version_ihl = RTE_IPV4_VHL_DEF,
		.time_to_live = outer_ttl(spec),
		.next_proto_id = outer_protocol(spec),
	};

	memcpy(&ip.src_addr, spec->source.bytes, sizeof(ip.src_addr));
	memcpy(&ip.dst_addr, spec->destination.bytes, sizeof(ip.dst_addr));
	memcpy(sa->outer, &ip, sizeof(ip));
	sa->outer_family = 4;
	sa->outer_bytes = sizeof(ip);
	sa->ipv4_checksum = (uint16_t)~gw_checksum_finish(gw_checksum_add(0, &ip, sizeof(ip)));
}

// The flow label is 0 unless the operator says otherwise: one that differs from packet to packet
// tells inner flows apart on the outside.
static void template_ipv6(struct gw_sa *sa, const struct gw_sa_spec *spec)
{
	uint32_t label = spec->flow_label == GW_FLOW_LABEL_COPY ? 0 : (uint32_t)spec->flow_label;
	struct rte_ipv6_hdr ip = {
		.vtc_flow = rte_cpu_to_be_32(UINT32_C(6) << 28 | label),
		.proto = outer_protocol(spec),
		.hop_limits = outer_ttl(spec),
	};

	memcpy(ip.src_addr, spec->source.bytes, sizeof(ip.src_addr));
	memcpy(ip.dst_addr, spec->destination.bytes, sizeof(ip.dst_addr));
	memcpy(sa->outer, &ip, sizeof(ip));
	sa->outer_family = 6;
	sa->outer_bytes = sizeof(ip);
}

// Behind the IP header, whose template is there. The checksum is zero: over IPv4 RFC 3948 section
// 2.1 asks for that, over IPv6 the worker computes it.
static void template_udp(struct gw_sa *sa, const struct gw_encapsulation *ports)
{
	struct rte_udp_hdr udp = {
		.src_port = rte_cpu_to_be_16(ports->source_port),
		.dst_port = rte_cpu_to_be_16(ports->destination_port),
	};

	memcpy(sa->outer + sa->outer_bytes, &udp, sizeof(udp));
	sa->outer_bytes += sizeof(udp);
	sa->udp_bytes = sizeof(udp);
}

static void template_make(struct gw_sa *sa, const struct gw_sa_spec *spec)
{
	if (spec->source.family == 4)
		template_ipv4(sa, spec);
	else
		template_ipv6(sa, spec);
	if (gw_sa_spec_in_udp(spec))
		template_udp(sa, &spec->encapsulation);
}

uint64_t gw_sa_first_mapping(const struct gw_sa_spec *spec)
{
	return gw_sa_spec_in_tcp(spec) ? 0
				       : gw_sa_mapping(spec->source.family, spec->source.bytes,
						 spec->encapsulation.source_port);
}

// Line 0, and in line 2 the state that may be carried over.
static void fill_hot(struct gw_sa *sa, const struct gw_sa_spec *spec)
{
	sa->reqid = spec->reqid;
	sa->selectors = spec->selectors.count;
	sa->spi = rte_cpu_to_be_32(spec->spi);
	sa->direction = (uint8_t)spec->direction;
	sa->esn = spec->esn;
	sa->iv_bytes = gw_crypto_iv_bytes(sa->key);
	sa->icv_bytes = gw_crypto_icv_bytes(sa->key);
	sa->align_bytes = gw_crypto_align_bytes(sa->key);
	sa->mode = (uint8_t)spec->mode;
	sa->protocol = (uint8_t)spec->protocol;
	sa->in_tcp = gw_sa_spec_in_tcp(spec);
	if (spec->protocol == GW_PROTOCOL_AH)
		sa->ah_bytes =
			gw_ah_bytes(spec->source.family, (uint32_t)sa->iv_bytes + sa->icv_bytes);
	sa->df = (uint8_t)spec->df;
	sa->fragment_after = spec->fragmentation == GW_FRAGMENT_AFTER;
	sa->dscp = spec->dscp;
	sa->tfc = spec->tfc;
	sa->mss_clamp = spec->mss_clamp;
	sa->inner_dscp = (uint8_t)spec->inner_dscp;
	sa->ecn = (uint8_t)spec->ecn;
	sa->label_copied = spec->flow_label == GW_FLOW_LABEL_COPY;
	atomic_init(&sa->sequence.used, spec->direction == GW_DIRECTION_OUT ? spec->sequence : 0);
	// A gateway that starts again must not give fragments the IDs of those still on their way.
	sa->ipv4_id = (uint16_t)rte_rand();
	template_make(sa, spec);
	gw_sa_path_mtu_set(sa, INITIAL_PATH_MTU);
	atomic_init(&sa->mapping, gw_sa_first_mapping(spec));
}

// What is kept ends before keys and bitmap: the bits are in the window now.
static void fill_cold(struct gw_sa *sa, const struct gw_sa_spec *spec)
{
	memcpy(&sa->spec, spec, gw_sa_spec_bytes(spec->selectors.count));
	sa->added_ns = gw_clock_ns();
	sa->route_mtu = INITIAL_PATH_MTU;
	sa->peer = spec->source;
	sa->peer_port = spec->encapsulation.source_port;
}

// Of an SA with that specification, in whole cache lines.
static size_t bytes_of(const struct gw_sa_spec *spec)
{
	return RTE_CACHE_LINE_ROUNDUP(
		offsetof(struct gw_sa, spec) + gw_sa_spec_bytes(spec->selectors.count));
}

struct gw_sa *gw_sa_new(const struct gw_sa_spec *spec, unsigned int workers, struct gw_error *err)
{
	bool inbound = spec->direction == GW_DIRECTION_IN;
	size_t counter_bytes = workers * sizeof(struct gw_sa_worker_counters);
	size_t replay_bytes = inbound ? gw_replay_bytes(spec->replay_window) : 0;
	size_t bytes = bytes_of(spec);
	size_t whole = bytes + counter_bytes + replay_bytes;
	struct gw_crypto_key *key = expand_key(spec, err);
	struct gw_sa *sa;

	if (!key)
		return NULL;
	sa = gw_slab_take(&gw_slab_shared, whole);
	if (!sa) {
		gw_crypto_key_free(key);
		gw_error_set(
			err, ENOMEM, "no memory for a security association: raise memory.size_mb");
		return NULL;
	}
	sa->key = key;
	sa->allocated_bytes = (uint32_t)whole;
	sa->counters = (struct gw_sa_worker_counters *)((uint8_t *)sa + bytes);
	if (inbound) {
		sa->replay = (struct gw_replay *)((uint8_t *)sa + bytes + counter_bytes);
		gw_replay_init(sa->replay, spec->replay_window, spec->sequence, spec->replay_bitmap,
			spec->replay_bitmap_bytes);
		sa->missing_at_start = gw_replay_missing(sa->replay, spec->sequence);
	}
	fill_hot(sa, spec);
	fill_cold(sa, spec);
	gw_lifetime_start(sa, spec);
	return sa;
}

// A peer's path is another one when it has moved, and what ICMP told of the old one says nothing.
static void move_cold(struct gw_sa *sa, const struct gw_sa_spec *spec)
{
	if (!gw_addr_equal(&sa->spec.source, &spec->source) ||
		!gw_addr_equal(&sa->spec.destination, &spec->destination))
		sa->told_mtu = 0;
	sa->spec.source = spec->source;
	sa->spec.destination = spec->destination;
	sa->spec.encapsulation = spec->encapsulation;
	sa->peer = spec->source;
	sa->peer_port = spec->encapsulation.source_port;
}

// The template that is not in force is made in a scratch SA by the same functions as the first one.
void gw_sa_move(struct gw_sa *sa, const struct gw_sa_spec *spec, struct rte_rcu_qsbr *qsbr)
{
	struct gw_sa scratch = {};
	bool other = atomic_load_explicit(&sa->outer_turn, memory_order_relaxed) == 0;

	template_make(&scratch, spec);
	if (sa->outer_token)
		rte_rcu_qsbr_check(qsbr, sa->outer_token, true);
	memcpy(other ? sa->other.bytes : sa->outer, scratch.outer, sizeof(sa->outer));
	*(other ? &sa->other.ipv4_checksum : &sa->ipv4_checksum) = scratch.ipv4_checksum;
	move_cold(sa, spec);
	// Release: partner of the acquire in gw_sa_outer.
	atomic_store_explicit(&sa->outer_turn, other, memory_order_release);
	sa->outer_token = rte_rcu_qsbr_start(qsbr);
	// Release: a worker whose mark comes after this sees the new template, and so tells of the
	// SA under its new destination (gw_sa_destination).
	atomic_store_explicit(&sa->mapping, gw_sa_first_mapping(spec), memory_order_release);
	atomic_store_explicit(&sa->events, 0, memory_order_release);
}

void gw_sa_free(void *data)
{
	struct gw_sa *sa = data;

	gw_crypto_key_free((struct gw_crypto_key *)(uintptr_t)sa->key);
	gw_slab_give(&gw_slab_shared, sa, sa->allocated_bytes);
}

static int snapshot_replay(const struct gw_sa *sa, struct gw_sa_spec *spec)
{
	uint32_t bytes = (sa->replay->window + 7) / 8;
	uint8_t *bitmap = calloc(1, bytes ? bytes : 1);

	if (!bitmap)
		return -ENOMEM;
	gw_replay_read(sa->replay, &spec->sequence, bitmap);
	if (!bytes) {
		free(bitmap);
		return 0;
	}
	spec->replay_bitmap = bitmap;
	spec->replay_bitmap_bytes = bytes;
	return 0;
}

int gw_sa_snapshot(const struct gw_sa *sa, struct gw_sa_spec *spec)
{
	gw_sa_spec_copy(spec, &sa->spec);
	gw_lifetime_snapshot(sa, &spec->lifetime);
	if (sa->replay)
		return snapshot_replay(sa, spec);
	// Workers that came too late for the last numbers push the counter past the end.
	// Relaxed: each number is a worker's alone, and nothing else is read with it.
	spec->sequence = RTE_MIN(
		atomic_load_explicit(&sa->sequence.used, memory_order_relaxed), sa->sequence_last);
	return 0;
}

void gw_sa_total(const struct gw_sa *sa, unsigned int workers, struct gw_sa_totals *totals)
{
	memset(totals, 0, sizeof(*totals));
	for (unsigned int i = 0; i < workers; i++) {
		const volatile struct gw_sa_worker_counters *counters = &sa->counters[i];

		totals->packets += counters->packets;
		totals->bytes += counters->bytes;
		totals->last_used_ns = RTE_MAX(totals->last_used_ns, counters->last_used_ns);
	}
	for (unsigned int i = 0; i < GW_SA_DROP_COUNT; i++)
		totals->drops[i] = atomic_load_explicit(&sa->drops[i], memory_order_relaxed);
}

// What came between the start and top, less what of it was received or may still come. Received
// numbers are added up after the window is read, so that none looks lost that is not.
uint64_t gw_sa_lost(const struct gw_sa *sa, unsigned int workers)
{
	uint64_t top, due, here;

	if (!sa->replay || sa->replay->window == 0)
		return 0;
	top = atomic_load_explicit(&sa->replay->top, memory_order_relaxed);
	due = top - sa->spec.sequence + sa->missing_at_start;
	here = gw_replay_missing(sa->replay, top);
	for (unsigned int i = 0; i < workers; i++)
		here += *(const volatile uint64_t *)&sa->counters[i].received;
	return due > here ? due - here : 0;
}

// The largest payload that ESP with its header, IV, trailer and ICV, or AH, fits around within room
// bytes; below 0: there is none.
static int largest_payload(const struct gw_sa *sa, int room)
{
	if (sa->protocol == GW_PROTOCOL_AH)
		return room - sa->ah_bytes;
	room -= GW_ESP_HEADER_BYTES + sa->iv_bytes + sa->icv_bytes;
	return (room & -sa->align_bytes) - GW_ESP_TRAILER_BYTES;
}

uint16_t gw_sa_transport_mtu(const struct gw_sa *sa, uint32_t header_bytes, uint16_t path_mtu)
{
	int payload = largest_payload(sa, path_mtu - (int)header_bytes - sa->udp_bytes);

	return payload < 0 ? 0 : (uint16_t)((int)header_bytes + payload);
}

uint16_t gw_sa_inner_mtu(const struct gw_sa *sa, uint16_t path_mtu)
{
	int payload;

	if (sa->in_tcp)
		return path_mtu;
	if (sa->mode == GW_MODE_TRANSPORT)
		return gw_sa_transport_mtu(sa, sa->outer_bytes - (uint32_t)sa->udp_bytes, path_mtu);
	payload = largest_payload(sa, path_mtu - sa->outer_bytes);
	return payload < 0 ? 0 : (uint16_t)payload;
}

// Relaxed: numbers that speak for themselves.
void gw_sa_path_mtu_set(struct gw_sa *sa, uint16_t path_mtu)
{
	atomic_store_explicit(&sa->path_mtu, path_mtu, memory_order_relaxed);
	atomic_store_explicit(&sa->inner_mtu, gw_sa_inner_mtu(sa, path_mtu), memory_order_relaxed);
}

// Segments are counted without options (RFC 6691). What IPv6 carries on any link is never refused.
uint16_t gw_sa_mss(const struct gw_sa *sa, uint8_t family)
{
	int headers = family == 4 ? 40 : 60, least = family == 4 ? GW_LEAST_MSS : 1280 - headers;

	if (sa->mss_clamp != GW_SIZE_AUTO)
		return sa->mss_clamp;
	return (uint16_t)RTE_MAX((int)gw_sa_inner_mtu_now(sa) - headers, least);
}
