// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// SAs of the configuration, old against new. An SA that did not change is not touched: its sequence
// numbers and its replay window go on. One that changed under the same keys goes on where it was,
// because numbers that start again with a key break what the key protects (RFC 4303 section 3.3.3,
// RFC 4106 section 3.1). One that somebody deleted over the control socket stays deleted as long as
// the configuration has no other key for it, because nobody knows how far it had come. One that was
// changed there, or has followed its peer, is no longer the configuration's and stays as it is.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_rcu_qsbr.h>

#include "base/log.h"
#include "base/secret.h"
#include "esplanade/reload.h"

// CBC's outbound numbers are read while the old SA still sends: the new one starts this far ahead.
// (Counter modes are handed over by the database after a grace period.)
#define SEQUENCE_AHEAD (UINT64_C(1) << 20)

struct reload_window {
	struct gw_sa_id id;
	const struct gw_sa *old;
};

struct list {
	const struct gw_sa_spec **specs; // in order of their ids
	size_t count;
};

// The three sides, and where in the configuration the SA at hand stands.
struct sides {
	struct list old;
	struct list running; // specs of the SAs themselves, without keys
	struct list others;  // of those that are no longer the configuration's
	const struct gw_sa_spec *fresh;
};

static int compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int compare_but_destination(const void *a, const void *b)
{
	const struct gw_sa_spec *x = *(const struct gw_sa_spec *const *)a;
	const struct gw_sa_spec *y = *(const struct gw_sa_spec *const *)b;
	int order = compare_numbers(x->direction, y->direction);

	if (!order)
		order = compare_numbers(x->protocol, y->protocol);
	if (!order)
		order = compare_numbers(x->spi, y->spi);
	return order;
}

static int compare(const void *a, const void *b)
{
	const struct gw_sa_spec *x = *(const struct gw_sa_spec *const *)a;
	const struct gw_sa_spec *y = *(const struct gw_sa_spec *const *)b;
	int order = compare_but_destination(a, b);

	return order ? order : gw_addr_compare(&x->destination, &y->destination);
}

static int list_new(struct list *list, const struct gw_sa_spec *specs, size_t count)
{
	list->specs = calloc(count + 1, sizeof(*list->specs));
	list->count = 0;
	if (!list->specs)
		return -ENOMEM;
	for (size_t i = 0; specs && i < count; i++)
		list->specs[list->count++] = &specs[i];
	qsort(list->specs, list->count, sizeof(*list->specs), compare);
	return 0;
}

static const struct gw_sa_spec *find(const struct list *list, const struct gw_sa_spec *like)
{
	const struct gw_sa_spec **found =
		bsearch(&like, list->specs, list->count, sizeof(*list->specs), compare);

	return found ? *found : NULL;
}

static int take_running(void *ctx, struct gw_sa *sa, enum gw_origin origin)
{
	struct sides *sides = ctx;
	struct list *list = origin == GW_ORIGIN_CONFIG ? &sides->running : &sides->others;

	list->specs[list->count++] = &sa->spec;
	return 0;
}

static bool same_keys(const struct gw_sa_spec *a, const struct gw_sa_spec *b)
{
	return a->encryption == b->encryption && a->integrity == b->integrity &&
	       a->encryption_key_bytes == b->encryption_key_bytes &&
	       a->integrity_key_bytes == b->integrity_key_bytes &&
	       gw_equal_in_constant_time(
		       a->encryption_key, b->encryption_key, a->encryption_key_bytes) &&
	       gw_equal_in_constant_time(
		       a->integrity_key, b->integrity_key, a->integrity_key_bytes);
}

static bool same_encapsulation(const struct gw_encapsulation *a, const struct gw_encapsulation *b)
{
	return a->source_port == b->source_port && a->destination_port == b->destination_port &&
	       a->keepalive == b->keepalive && a->follow_peer == b->follow_peer &&
	       a->protocol == b->protocol && a->connect == b->connect;
}

// Beside the keys. Sequence and replay bitmap only say where the SA starts.
static bool same_parameters(const struct gw_sa_spec *a, const struct gw_sa_spec *b)
{
	return strcmp(a->name, b->name) == 0 && a->mode == b->mode &&
	       gw_addr_equal(&a->source, &b->source) && a->reqid == b->reqid &&
	       a->if_id == b->if_id && a->esn == b->esn && a->replay_window == b->replay_window &&
	       a->df == b->df && a->fragmentation == b->fragmentation && a->dscp == b->dscp &&
	       a->inner_dscp == b->inner_dscp && a->ecn == b->ecn && a->ttl == b->ttl &&
	       a->flow_label == b->flow_label &&
	       memcmp(a->dscp_map, b->dscp_map, sizeof(a->dscp_map)) == 0 && a->tfc == b->tfc &&
	       a->mss_clamp == b->mss_clamp &&
	       gw_sa_selectors_equal(&a->selectors, &b->selectors) &&
	       same_encapsulation(&a->encapsulation, &b->encapsulation) &&
	       gw_lifetime_equal(&a->lifetime, &b->lifetime);
}

// The window's bits as the new one wants them: what it sees farther back than the old one did
// counts as received.
static int carry_window(const struct gw_sa_spec *now, struct gw_sa_spec *spec)
{
	uint32_t bytes = (spec->replay_window + 7) / 8;

	spec->sequence = now->sequence;
	spec->replay_bitmap = NULL;
	spec->replay_bitmap_bytes = 0;
	if (bytes == 0)
		return 0;
	spec->replay_bitmap = malloc(bytes);
	if (!spec->replay_bitmap)
		return -ENOMEM;
	memset(spec->replay_bitmap, 0xff, bytes);
	if (now->replay_bitmap)
		memcpy(spec->replay_bitmap, now->replay_bitmap,
			RTE_MIN(bytes, now->replay_bitmap_bytes));
	spec->replay_bitmap_bytes = bytes;
	return 0;
}

// Makes spec, a copy of the configuration's, go on where the running SA is. It then owns its
// bitmap.
static int carry_state(struct reload *reload, const struct gw_sa *sa, struct gw_sa_spec *spec)
{
	struct gw_sa_spec now;
	int rc = gw_sa_snapshot(sa, &now);

	if (rc)
		return gw_error_set(reload->err, -rc, "out of memory");
	spec->lifetime.used_bytes = now.lifetime.used_bytes;
	spec->lifetime.used_packets = now.lifetime.used_packets;
	if (spec->direction == GW_DIRECTION_IN) {
		rc = carry_window(&now, spec);
		if (rc)
			gw_error_set(reload->err, ENOMEM, "out of memory");
		reload->windows[reload->window_count++] =
			(struct reload_window){ gw_sa_spec_id(spec), sa };
	} else {
		spec->sequence = now.sequence +
				 (gw_encryption_counts_ivs(spec->encryption) ? 0 : SEQUENCE_AHEAD);
		if (spec->sequence >= gw_sequence_last(spec->esn))
			rc = gw_error_set(reload->err, EOVERFLOW,
				"the SA has too few sequence numbers left to go on: give it a new "
				"key");
	}
	gw_sa_spec_wipe(&now);
	return rc;
}

static int replace(struct reload *reload, const struct gw_sa_spec *was, const struct gw_sa *sa,
	const struct gw_sa_spec *fresh)
{
	struct gw_ipsec_db *db = reload->gateway->ipsec;
	struct gw_sa_id id = gw_sa_spec_id(fresh);
	bool carried = same_keys(was, fresh);
	struct gw_sa_spec spec = *fresh;
	int rc = carried ? carry_state(reload, sa, &spec) : 0;

	if (!rc)
		rc = gw_sa_delete(db, reload->txn, &id, reload->err);
	if (!rc)
		rc = gw_sa_add(db, reload->txn, &spec, GW_ORIGIN_CONFIG, reload->err);
	if (spec.replay_bitmap != fresh->replay_bitmap)
		free(spec.replay_bitmap);
	gw_wipe(&spec, sizeof(spec));
	reload->replaced++;
	return rc;
}

// An SA of the configuration that is there no more under its id stays as it is: gone, or changed
// (sa.update, follow_peer), perhaps with another destination.
static void warn_skipped(const struct sides *sides, const struct gw_sa_spec *fresh)
{
	const struct gw_sa_spec **changed = bsearch(&fresh, sides->others.specs,
		sides->others.count, sizeof(*sides->others.specs), compare_but_destination);
	char destination[GW_ADDR_STRLEN], from[GW_ADDR_STRLEN], to[GW_ADDR_STRLEN];

	gw_addr_format(&fresh->destination, destination);
	if (!changed || (*changed)->reqid != fresh->reqid) {
		gw_log_warning(
			"reload: the SA with SPI 0x%08x and destination %s was deleted over the "
			"control socket or has expired, and stays so: give it a new key to have "
			"it back",
			fresh->spi, destination);
		return;
	}
	gw_log_warning("reload: the SA with SPI 0x%08x and destination %s was changed over the "
		       "control socket or has followed its peer, goes from %s to %s now, and stays "
		       "so: delete it and give it a new key to have it as configured",
		fresh->spi, destination, gw_addr_format(&(*changed)->source, from),
		gw_addr_format(&(*changed)->destination, to));
}

static int stage_one(struct reload *reload, const struct sides *sides)
{
	const struct gw_sa_spec *fresh = sides->fresh;
	const struct gw_sa_spec *was = find(&sides->old, fresh);
	const struct gw_sa_spec *running = find(&sides->running, fresh);

	if (was && running && same_keys(was, fresh) && same_parameters(was, fresh)) {
		reload->unchanged++;
		return 0;
	}
	if (was && running)
		return replace(reload, was, container_of(running, struct gw_sa, spec), fresh);
	if (was && same_keys(was, fresh)) {
		warn_skipped(sides, fresh);
		reload->skipped++;
		return 0;
	}
	reload->added++;
	return gw_sa_add(reload->gateway->ipsec, reload->txn, fresh, GW_ORIGIN_CONFIG, reload->err);
}

static int delete_gone(struct reload *reload, const struct list *running, const struct list *fresh)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < running->count; i++) {
		struct gw_sa_id id = gw_sa_spec_id(running->specs[i]);

		if (find(fresh, running->specs[i]))
			continue;
		rc = gw_sa_delete(reload->gateway->ipsec, reload->txn, &id, reload->err);
		reload->deleted++;
	}
	return rc;
}

static int stage_all(struct reload *reload, struct sides *sides, const struct list *fresh)
{
	const struct gw_config *config = reload->fresh;
	int rc = delete_gone(reload, &sides->running, fresh);

	for (unsigned int i = 0; !rc && i < config->sa_count; i++) {
		sides->fresh = &config->sas[i];
		rc = stage_one(reload, sides);
		if (rc)
			gw_error_within(reload->err, "sas", (int)i);
	}
	return rc;
}

int gateway_reload_sas(struct reload *reload)
{
	struct gw_ipsec_db *db = reload->gateway->ipsec;
	struct sides sides = {};
	struct list fresh = {};
	int rc = list_new(&sides.old, reload->old->sas, reload->old->sa_count);

	if (!rc)
		rc = list_new(&fresh, reload->fresh->sas, reload->fresh->sa_count);
	if (!rc)
		rc = list_new(&sides.running, NULL, gw_sa_count(db));
	if (!rc)
		rc = list_new(&sides.others, NULL, gw_sa_count(db));
	reload->windows = calloc(reload->fresh->sa_count + 1, sizeof(*reload->windows));
	if (rc || !reload->windows) {
		rc = gw_error_set(reload->err, ENOMEM, "out of memory");
	} else {
		gw_sa_each(db, take_running, &sides);
		qsort(sides.running.specs, sides.running.count, sizeof(*sides.running.specs),
			compare);
		qsort(sides.others.specs, sides.others.count, sizeof(*sides.others.specs), compare);
		rc = stage_all(reload, &sides, &fresh);
	}
	free(sides.old.specs);
	free(sides.running.specs);
	free(sides.others.specs);
	free(fresh.specs);
	return rc;
}

static void merge_window(const struct gw_sa *old, struct gw_sa *new)
{
	uint32_t window = old->replay->window;
	uint8_t *bitmap = malloc(window / 8 + 1);
	uint64_t top;

	if (!bitmap) {
		gw_log_error(
			"reload: out of memory: packets of the last moment may be accepted twice "
			"by SPI 0x%08x",
			new->spec.spi);
		return;
	}
	gw_replay_read(old->replay, &top, bitmap);
	for (uint32_t i = 0; i < window && i < top; i++)
		if (bitmap[i / 8] & 1u << i % 8)
			gw_replay_record(new->replay, top - i);
	gw_replay_raise(new->replay, top);
	free(bitmap);
}

// A worker may have recorded packets in the old window between the snapshot and its next quiescent
// state. The old SAs are withdrawn, but not freed: the event loop reclaims, and it waits for us.
void gateway_reload_windows(struct reload *reload)
{
	struct gateway *gateway = reload->gateway;

	if (reload->window_count > 0)
		rte_rcu_qsbr_synchronize(gateway->qsbr, RTE_QSBR_THRID_INVALID);
	for (uint32_t i = 0; i < reload->window_count; i++) {
		struct gw_sa *new = gw_sa_find(gateway->ipsec, &reload->windows[i].id);

		if (new &&new->replay->window > 0)
			merge_window(reload->windows[i].old, new);
	}
}
