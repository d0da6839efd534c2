// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <sys/queue.h>

#include "ipsec/index.h"
#include "xfrm/policy.h"

// The policies that came over XFRM. The kernel tells packets for the host (in) from those that are
// passed on (fwd); here one inbound policy stands for both, so that two of its policies may be one
// of ours.
struct gw_xfrm_policy_record {
	struct gw_index_link by_selector, by_number; // the book's own
	TAILQ_ENTRY(gw_xfrm_policy_record) next;     // in the order of addition
	struct gw_xfrm_policy policy;                // info.index is its number
	struct gw_policy_spec spec;                  // ours
};

struct gw_xfrm_policy_book {
	struct gw_index by_selector, by_number;
	TAILQ_HEAD(, gw_xfrm_policy_record) records;
	uint32_t count;
	uint32_t last_number;
};

int gw_xfrm_policy_book_init(struct gw_xfrm_policy_book *book, uint32_t expected); // 0 or -ENOMEM
void gw_xfrm_policy_book_fini(struct gw_xfrm_policy_book *book);

// The one that the kernel would find: by direction, selector, mark and if_id, or by its number.
// spec holds the selector in our form.
struct gw_xfrm_policy_record *gw_xfrm_policy_book_find(const struct gw_xfrm_policy_book *book,
	const struct gw_xfrm_policy *policy, const struct gw_policy_spec *spec);
struct gw_xfrm_policy_record *gw_xfrm_policy_book_at(
	const struct gw_xfrm_policy_book *book, uint32_t number, uint8_t direction);
// Another one than record (NULL: any) that is the same policy of ours.
struct gw_xfrm_policy_record *gw_xfrm_policy_book_twin(const struct gw_xfrm_policy_book *book,
	const struct gw_policy_spec *spec, const struct gw_xfrm_policy_record *record);
// Takes copies and gives the policy its number. NULL: no memory.
struct gw_xfrm_policy_record *gw_xfrm_policy_book_add(struct gw_xfrm_policy_book *book,
	const struct gw_xfrm_policy *policy, const struct gw_policy_spec *spec);
// The same selector, another action, priority or template; the number stays.
void gw_xfrm_policy_book_change(struct gw_xfrm_policy_record *record,
	const struct gw_xfrm_policy *policy, const struct gw_policy_spec *spec);
void gw_xfrm_policy_book_remove(
	struct gw_xfrm_policy_book *book, struct gw_xfrm_policy_record *record);
