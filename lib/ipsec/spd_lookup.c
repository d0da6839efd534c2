// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// How a worker asks the SPD.
//
//   1. read the generation, once for the vector
//   2. flows that the flow cache decided in this generation are done
//   3. for the others shape by shape, best first: mask them, look up all keys together, take the
//      first entry whose ports match; a flow is done when it has found an entry that ranks before
//      the best of the next shape
//   4. remember what was found, "no policy" included, under the generation of step 1
//
// A look-up sees the SPD exactly as it was in the generation of step 1, however many changes are
// made meanwhile, because an entry says which generations it belongs to, and what the generation
// needs is there until every worker has passed a quiescent state (spd.c). A search that took what
// it met on its way could meet a new bypass policy and have missed, in a shape visited before, the
// protect policy that was made first and ranks before it: clear text would leave.
//
// So a remembered decision is right for its generation without exception, and the policy it names
// may be followed as long as the SPD's generation is the same: whoever removes a policy raises the
// generation before the grace period starts in which the policy is freed.

#include "ipsec/spd.h"

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_hash.h>
#include <rte_prefetch.h>

#include "ipsec/flow_cache.h"
#include "ipsec/spd_table.h"

#define CHUNK RTE_HASH_LOOKUP_BULK_MAX

// Flows of one family on their way through the shapes.
struct search {
	unsigned int count;
	const struct gw_flow *flows[CHUNK];
	const struct gw_policy **answers[CHUNK];
	uint64_t ranks[CHUNK]; // of what was found
};

static inline bool port_matches(const struct gw_port_range *range, uint16_t port)
{
	return range->first <= port && port <= range->last;
}

// A port that the key holds is looked at once more, so that an OPAQUE flow, whose ports are 0, does
// not pass for one with port 0. No port lies in the range that stands for OPAQUE.
static inline bool ports_match(const struct gw_spd_entry *entry, const struct gw_flow *flow)
{
	if (unlikely(!flow->ports_known))
		return gw_port_range_takes_opaque(&entry->source_port) &&
		       gw_port_range_takes_opaque(&entry->destination_port);
	return port_matches(&entry->source_port, flow->source_port) &&
	       port_matches(&entry->destination_port, flow->destination_port);
}

// Relaxed: a worker that misses a change of died asks for a generation before it.
static inline bool belongs(const struct gw_spd_entry *entry, uint64_t generation)
{
	return entry->born <= generation &&
	       generation < atomic_load_explicit(&entry->died, memory_order_relaxed);
}

// The first of the entries behind one key that decides flow.
static inline const struct gw_spd_entry *first_match(
	const struct gw_spd_entry *entry, const struct gw_flow *flow, uint64_t generation)
{
	// Acquire: pairs with the release by which the control core links an entry.
	for (; entry; entry = atomic_load_explicit(&entry->next, memory_order_acquire))
		if (ports_match(entry, flow) && belongs(entry, generation))
			break;
	return entry;
}

static inline void make_key(
	const struct gw_spd_view *view, const struct gw_flow *flow, struct gw_spd_key *key)
{
	memcpy(key->flow, flow, sizeof(key->flow));
	for (unsigned int i = 0; i < GW_SPD_FLOW_WORDS; i++)
		key->flow[i] &= view->mask[i];
	key->shape = view->shape;
}

// Asks one shape about the flows in pending.
static void visit(const struct gw_spd *spd, const struct gw_spd_view *view, uint64_t generation,
	struct search *search, const uint8_t *pending, unsigned int count)
{
	struct gw_spd_key keys[CHUNK];
	const void *pointers[CHUNK];
	void *firsts[CHUNK];
	uint64_t hits = 0;

	for (unsigned int i = 0; i < count; i++) {
		make_key(view, search->flows[pending[i]], &keys[i]);
		pointers[i] = &keys[i];
	}
	rte_hash_lookup_bulk_data(spd->table, pointers, count, &hits, firsts);
	for (uint64_t left = hits; left; left &= left - 1)
		rte_prefetch0(firsts[__builtin_ctzll(left)]);
	for (; hits; hits &= hits - 1) {
		unsigned int hit = (unsigned int)__builtin_ctzll(hits);
		unsigned int flow = pending[hit];
		const struct gw_spd_entry *entry =
			first_match(firsts[hit], search->flows[flow], generation);

		if (entry && (!*search->answers[flow] || entry->rank < search->ranks[flow])) {
			*search->answers[flow] = entry->policy;
			search->ranks[flow] = entry->rank;
		}
	}
}

static void run(
	const struct gw_spd *spd, unsigned int family, uint64_t generation, struct search *search)
{
	// Acquire: pairs with the release by which the control core puts the views in place. They
	// may be younger than the generation, which is harmless: they hold all that it needs.
	const struct gw_spd_views *views =
		atomic_load_explicit(&spd->views[family], memory_order_acquire);
	uint8_t pending[CHUNK];
	unsigned int count = search->count;

	for (unsigned int i = 0; i < count; i++) {
		pending[i] = (uint8_t)i;
		*search->answers[i] = NULL;
	}
	for (uint32_t v = 0; v < views->count; v++) {
		const struct gw_spd_view *view = &views->views[v];
		unsigned int kept = 0;

		for (unsigned int i = 0; i < count; i++) {
			unsigned int flow = pending[i];

			if (!*search->answers[flow] || search->ranks[flow] > view->best)
				pending[kept++] = (uint8_t)flow;
		}
		count = kept;
		if (count == 0)
			break;
		visit(spd, view, generation, search, pending, count);
	}
}

static inline void ask_later(
	struct search *search, const struct gw_flow *flow, const struct gw_policy **answer)
{
	search->flows[search->count] = flow;
	search->answers[search->count++] = answer;
}

// What no line answers: each flow with its answer, as given to the searches.
static void search_all(const struct gw_spd *spd, uint64_t generation,
	const struct gw_flow *const *flows, const uint8_t *asked, unsigned int count,
	const struct gw_policy **policies)
{
	struct search searches[GW_SPD_FAMILIES];

	searches[GW_SPD_IPV4].count = 0;
	searches[GW_SPD_IPV6].count = 0;
	for (unsigned int i = 0; i < count; i++)
		ask_later(&searches[flows[asked[i]]->family == 4 ? GW_SPD_IPV4 : GW_SPD_IPV6],
			flows[asked[i]], &policies[asked[i]]);
	for (unsigned int family = 0; family < GW_SPD_FAMILIES; family++)
		if (searches[family].count)
			run(spd, family, generation, &searches[family]);
}

// Packets of one flow that follow each other share a look-up.
static void look_up(const struct gw_spd *spd, struct gw_flow_cache *cache, uint64_t generation,
	const struct gw_flow *const *flows, unsigned int count, const struct gw_policy **policies)
{
	const struct gw_flow *distinct[CHUNK];
	const struct gw_policy *answers[CHUNK]; // to each of them
	struct gw_flow_line *lines[CHUNK];
	uint8_t of[CHUNK];    // which of them is flow i
	uint8_t asked[CHUNK]; // those that no line answers
	unsigned int used = 0, left = 0;

	for (unsigned int i = 0; i < count; i++) {
		if (i == 0 || !gw_flow_equal(flows[i], distinct[used - 1])) {
			lines[used] = gw_flow_cache_line(cache, flows[i]);
			rte_prefetch0(lines[used]);
			distinct[used++] = flows[i];
		}
		of[i] = (uint8_t)(used - 1);
	}
	for (unsigned int i = 0; i < used; i++) {
		answers[i] = lines[i]->policy;
		if (unlikely(!gw_flow_line_answers(lines[i], distinct[i], generation)))
			asked[left++] = (uint8_t)i;
	}
	if (unlikely(left))
		search_all(spd, generation, distinct, asked, left, answers);
	for (unsigned int i = 0; i < left; i++)
		*lines[asked[i]] =
			(struct gw_flow_line){ *distinct[asked[i]], generation, answers[asked[i]] };
	for (unsigned int i = 0; i < count; i++)
		policies[i] = answers[of[i]];
}

static void look_up_uncached(const struct gw_spd *spd, uint64_t generation,
	const struct gw_flow *const *flows, unsigned int count, const struct gw_policy **policies)
{
	uint8_t asked[CHUNK];

	for (unsigned int i = 0; i < count; i++)
		asked[i] = (uint8_t)i;
	search_all(spd, generation, flows, asked, count, policies);
}

void gw_spd_lookup(const struct gw_spd *spd, struct gw_flow_cache *cache,
	const struct gw_flow *const *flows, unsigned int count, const struct gw_policy **policies)
{
	// Acquire: pairs with the release that ends a change; all entries that belong to the
	// generation are then seen.
	uint64_t generation = atomic_load_explicit(&spd->generation, memory_order_acquire);

	for (unsigned int first = 0; first < count; first += CHUNK) {
		unsigned int chunk = RTE_MIN(count - first, CHUNK);

		if (cache)
			look_up(spd, cache, generation, flows + first, chunk, policies + first);
		else
			look_up_uncached(spd, generation, flows + first, chunk, policies + first);
	}
}
