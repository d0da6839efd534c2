// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// A pair of addresses and ports stands in the slot of the second when it is to be looked at next.
// Workers write down when they last used an SA; nothing else of them is needed, and the packet path
// knows nothing of keepalives.

#include "ipsec/keepalive.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include <rte_random.h>

#include "ipsec/esp.h"
#include "ipsec/index.h"
#include "ipsec/siphash.h"

#define SECOND_NS UINT64_C(1000000000)
// Seconds ahead that have a slot of their own; what is farther away is met earlier and stays.
#define SLOTS 128

// The bytes that are hashed and compared: no gaps.
struct key {
	uint8_t source[16];
	uint8_t destination[16];
	uint16_t source_port;
	uint16_t destination_port;
	uint32_t family;
};
static_assert(sizeof(struct key) == 40, "no gaps");

struct gw_keepalive_path {
	struct key key;
	struct gw_index_link by_key;
	TAILQ_ENTRY(gw_keepalive_path) in_slot;
	TAILQ_HEAD(, gw_sa) sas;
	uint64_t due;    // the second of the next look
	uint64_t sent;   // the second of the last keepalive, or of the first SA's addition
	uint32_t wanted; // seconds: the least that an SA wants; looked up again with each look
};

struct gw_keepalives {
	struct gw_index index;
	uint8_t secret[GW_SIPHASH_SECRET_BYTES];
	uint64_t now; // the last second whose slot was looked at
	uint16_t standard;
	TAILQ_HEAD(slot, gw_keepalive_path) slots[SLOTS];
};

struct gw_keepalives *gw_keepalives_new(uint32_t expected, uint16_t standard, uint64_t now_ns)
{
	struct gw_keepalives *keepalives = calloc(1, sizeof(*keepalives));

	if (!keepalives)
		return NULL;
	for (unsigned int i = 0; i < SLOTS; i++)
		TAILQ_INIT(&keepalives->slots[i]);
	keepalives->now = now_ns / SECOND_NS;
	keepalives->standard = standard;
	if (gw_index_init(&keepalives->index, expected) != 0 ||
		getrandom(keepalives->secret, sizeof(keepalives->secret), 0) !=
			sizeof(keepalives->secret)) {
		gw_keepalives_free(keepalives);
		return NULL;
	}
	return keepalives;
}

void gw_keepalives_free(struct gw_keepalives *keepalives)
{
	struct gw_keepalive_path *path;

	if (!keepalives)
		return;
	for (unsigned int i = 0; i < SLOTS; i++) {
		while ((path = TAILQ_FIRST(&keepalives->slots[i]))) {
			TAILQ_REMOVE(&keepalives->slots[i], path, in_slot);
			free(path);
		}
	}
	gw_index_fini(&keepalives->index);
	free(keepalives);
}

static struct key key_of(const struct gw_sa_spec *spec)
{
	struct key key = {
		.source_port = spec->encapsulation.source_port,
		.destination_port = spec->encapsulation.destination_port,
		.family = spec->source.family,
	};

	memcpy(key.source, spec->source.bytes, sizeof(key.source));
	memcpy(key.destination, spec->destination.bytes, sizeof(key.destination));
	return key;
}

static struct slot *slot_of(struct gw_keepalives *keepalives, uint64_t second)
{
	return &keepalives->slots[second % SLOTS];
}

static void enter_slot(
	struct gw_keepalives *keepalives, struct gw_keepalive_path *path, uint64_t due)
{
	path->due = RTE_MAX(due, keepalives->now + 1); // the slots until now are done
	TAILQ_INSERT_TAIL(slot_of(keepalives, path->due), path, in_slot);
}

static void leave_slot(struct gw_keepalives *keepalives, struct gw_keepalive_path *path)
{
	TAILQ_REMOVE(slot_of(keepalives, path->due), path, in_slot);
}

static struct gw_keepalive_path *find(
	const struct gw_keepalives *keepalives, const struct key *key, uint64_t hash)
{
	struct gw_index_link *link = gw_index_first(&keepalives->index, hash);

	for (; link; link = gw_index_next(link)) {
		struct gw_keepalive_path *path =
			container_of(link, struct gw_keepalive_path, by_key);

		if (memcmp(&path->key, key, sizeof(*key)) == 0)
			return path;
	}
	return NULL;
}

// After how many seconds of silence; UINT32_MAX: never, as the gateway has it.
static uint32_t wanted_by(const struct gw_keepalives *keepalives, const struct gw_sa_spec *spec)
{
	if (spec->encapsulation.keepalive != GW_KEEPALIVE_DEFAULT)
		return spec->encapsulation.keepalive;
	return keepalives->standard ? keepalives->standard : UINT32_MAX;
}

// The path of the SA, made where it is the first on it; NULL: no memory.
static struct gw_keepalive_path *get(
	struct gw_keepalives *keepalives, const struct gw_sa_spec *spec, uint64_t now)
{
	struct key key = key_of(spec);
	uint64_t hash = gw_siphash_128(keepalives->secret, &key, sizeof(key)).low;
	struct gw_keepalive_path *path = find(keepalives, &key, hash);

	if (path)
		return path;
	path = calloc(1, sizeof(*path));
	if (!path)
		return NULL;
	path->key = key;
	path->sent = now;
	path->wanted = UINT32_MAX;
	TAILQ_INIT(&path->sas);
	gw_index_insert(&keepalives->index, &path->by_key, hash);
	enter_slot(keepalives, path, now + wanted_by(keepalives, spec));
	return path;
}

static bool wants_keepalives(const struct gw_sa *sa)
{
	return sa->direction == GW_DIRECTION_OUT && sa->udp_bytes &&
	       sa->spec.encapsulation.keepalive;
}

int gw_keepalives_add(struct gw_keepalives *keepalives, struct gw_sa *sa, uint64_t now_ns)
{
	uint64_t now = now_ns / SECOND_NS;
	uint32_t wanted = wanted_by(keepalives, &sa->spec);
	struct gw_keepalive_path *path;

	gw_keepalives_remove(keepalives, sa);
	if (!wants_keepalives(sa))
		return 0;
	path = get(keepalives, &sa->spec, now);
	if (!path)
		return -ENOMEM;
	sa->keepalive = path;
	TAILQ_INSERT_TAIL(&path->sas, sa, keepalive_link);
	if (wanted < path->wanted) {
		path->wanted = wanted;
		leave_slot(keepalives, path);
		enter_slot(keepalives, path, RTE_MIN(path->due, now + wanted));
	}
	return 0;
}

void gw_keepalives_remove(struct gw_keepalives *keepalives, struct gw_sa *sa)
{
	struct gw_keepalive_path *path = sa->keepalive;

	if (!path)
		return;
	TAILQ_REMOVE(&path->sas, sa, keepalive_link);
	sa->keepalive = NULL;
	if (!TAILQ_EMPTY(&path->sas))
		return;
	leave_slot(keepalives, path);
	gw_index_remove(&keepalives->index, &path->by_key);
	free(path);
}

// The second when something was last sent on the path. What its SAs want is found on the way.
static uint64_t last_sent(const struct gw_keepalives *keepalives, struct gw_keepalive_path *path,
	unsigned int workers)
{
	uint64_t last_ns = path->sent * SECOND_NS;
	const struct gw_sa *sa;

	path->wanted = UINT32_MAX;
	TAILQ_FOREACH (sa, &path->sas, keepalive_link) {
		const volatile struct gw_sa_worker_counters *counters = sa->counters;

		path->wanted = RTE_MIN(path->wanted, wanted_by(keepalives, &sa->spec));
		for (unsigned int i = 0; i < workers; i++)
			last_ns = RTE_MAX(last_ns, counters[i].last_used_ns);
	}
	return last_ns / SECOND_NS;
}

// Looks at a path that is due and says when the next look is.
static uint64_t look(const struct gw_keepalives *keepalives, struct gw_keepalive_path *path,
	unsigned int workers, uint64_t now, void (*send)(void *ctx, struct gw_sa *sa), void *ctx)
{
	uint64_t silent_since = last_sent(keepalives, path, workers);

	if (silent_since + path->wanted <= now) {
		send(ctx, TAILQ_FIRST(&path->sas));
		path->sent = silent_since = now;
	}
	return silent_since + path->wanted;
}

// Each pair is looked at anew at the next tick.
void gw_keepalives_set_standard(struct gw_keepalives *keepalives, uint16_t standard)
{
	struct slot all = TAILQ_HEAD_INITIALIZER(all);
	struct gw_keepalive_path *path;

	keepalives->standard = standard;
	for (unsigned int i = 0; i < SLOTS; i++)
		TAILQ_CONCAT(&all, &keepalives->slots[i], in_slot);
	while ((path = TAILQ_FIRST(&all))) {
		TAILQ_REMOVE(&all, path, in_slot);
		enter_slot(keepalives, path, keepalives->now + 1);
	}
}

uint16_t gw_keepalives_standard(const struct gw_keepalives *keepalives)
{
	return keepalives->standard;
}

void gw_keepalives_tick(struct gw_keepalives *keepalives, unsigned int workers, uint64_t now_ns,
	void (*send)(void *ctx, struct gw_sa *sa), void *ctx)
{
	uint64_t now = now_ns / SECOND_NS;
	// After a pause one round looks at all slots.
	uint64_t second = RTE_MAX(keepalives->now + 1, now < SLOTS ? 0 : now - SLOTS + 1);
	struct gw_keepalive_path *path, *next;

	keepalives->now = RTE_MAX(keepalives->now, now);
	for (; second <= now; second++) {
		for (path = TAILQ_FIRST(slot_of(keepalives, second)); path; path = next) {
			next = TAILQ_NEXT(path, in_slot);
			if (path->due > now)
				continue;
			leave_slot(keepalives, path);
			enter_slot(
				keepalives, path, look(keepalives, path, workers, now, send, ctx));
		}
	}
}

// The SA's own template, so that the NAT sees no difference to its packets. One byte is never cut
// on the way.
void gw_keepalive_write(struct gw_sa *sa, uint8_t *packet)
{
	const struct gw_esp_inner inner = { .family = 4, .dont_fragment = true };
	uint32_t bytes = sa->outer_bytes + GW_KEEPALIVE_BYTES;
	uint16_t id = (uint16_t)rte_rand();

	packet[sa->outer_bytes] = 0xff;
	gw_esp_outer_write(sa, packet, &inner, bytes, rte_cpu_to_be_16(id));
	if (sa->outer_family == 6)
		gw_esp_udp_checksum(packet, packet + sa->outer_bytes - sa->udp_bytes);
}
