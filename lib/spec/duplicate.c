// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Entries of the configuration that are alike are found by sorting, because a concentrator has a
// hundred thousand of them.

#include "spec/duplicate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spec/selector.h"

struct items {
	const char *first;
	size_t size; // of one
	unsigned int count;
	int (*compare)(const void *a, const void *b); // 0: alike
};

struct pair {
	unsigned int earlier;
	unsigned int later;
};

static int compare_entries(const void *a, const void *b, void *context)
{
	const struct items *items = context;
	unsigned int i = *(const unsigned int *)a, j = *(const unsigned int *)b;
	int order = items->compare(items->first + i * items->size, items->first + j * items->size);

	// Among those alike, the order of the file.
	return order ? order : (i > j) - (i < j);
}

// 1 with pair filled, 0 when all differ, -ENOMEM.
static int find_pair(struct items *items, struct pair *pair)
{
	unsigned int *order;
	int found = 0;

	if (items->count < 2)
		return 0;
	order = calloc(items->count, sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (unsigned int i = 0; i < items->count; i++)
		order[i] = i;
	qsort_r(order, items->count, sizeof(*order), compare_entries, items);
	for (unsigned int i = 1; i < items->count && !found; i++) {
		pair->earlier = order[i - 1];
		pair->later = order[i];
		found = items->compare(items->first + pair->earlier * items->size,
				items->first + pair->later * items->size) == 0;
	}
	free(order);
	return found;
}

static int compare_sas(const void *a, const void *b)
{
	const struct gw_sa_spec *x = a, *y = b;

	if (x->direction != y->direction)
		return (int)x->direction - (int)y->direction;
	if (x->protocol != y->protocol)
		return (int)x->protocol - (int)y->protocol;
	if (x->spi != y->spi)
		return x->spi < y->spi ? -1 : 1;
	return gw_addr_compare(&x->destination, &y->destination);
}

static bool counts_nonces(const struct gw_sa_spec *spec)
{
	return spec->direction == GW_DIRECTION_OUT && gw_encryption_counts_ivs(spec->encryption);
}

// Key and salt together: with another salt the nonces differ. The algorithm does not matter:
// AES-GCM makes one and the same key stream for each length of its ICV. SAs that this is not about
// are all different from each other and stand before the others.
static int compare_keys(const void *a, const void *b)
{
	const struct gw_sa_spec *x = a, *y = b;
	bool x_counts = counts_nonces(x), y_counts = counts_nonces(y);

	if (x_counts != y_counts)
		return x_counts ? 1 : -1;
	if (!x_counts)
		return (x > y) - (x < y);
	if (x->encryption_key_bytes != y->encryption_key_bytes)
		return x->encryption_key_bytes - y->encryption_key_bytes;
	return memcmp(x->encryption_key, y->encryption_key, x->encryption_key_bytes);
}

static int compare_policies(const void *a, const void *b)
{
	struct gw_policy_id x = gw_policy_spec_id(a), y = gw_policy_spec_id(b);

	return gw_policy_id_compare(&x, &y);
}

static int compare_routes(const void *a, const void *b)
{
	const struct gw_route_spec *x = a, *y = b;
	int order = gw_addr_compare(&x->destination.addr, &y->destination.addr);

	return order ? order : x->destination.length - y->destination.length;
}

static int compare_neighbours(const void *a, const void *b)
{
	const struct gw_neighbour_spec *x = a, *y = b;
	int order = strcmp(x->port, y->port);

	return order ? order : gw_addr_compare(&x->address, &y->address);
}

struct rule {
	const char *list;
	const char *member; // the one at fault
	struct items items;
	const char *text; // with the number of the earlier one before it
};

static int apply(struct rule *rule, struct gw_error *err)
{
	struct pair pair;
	int found = find_pair(&rule->items, &pair);

	if (found < 0)
		return gw_error_set(
			err, -found, "there is no memory to compare the %s", rule->list);
	if (!found)
		return 0;
	gw_error_at(
		err, EEXIST, NULL, rule->member, "%s[%u] %s", rule->list, pair.earlier, rule->text);
	gw_error_within(err, rule->list, (int)pair.later);
	return -EEXIST;
}

int gw_config_check_duplicates(const struct gw_config *config, struct gw_error *err)
{
	struct rule rules[] = {
		{ "sas", "spi",
			{ (const char *)config->sas, sizeof(*config->sas), config->sa_count,
				compare_sas },
			"has the same direction, SPI and destination; give each SA an SPI of its "
			"own" },
		{ "sas", "encryption.key",
			{ (const char *)config->sas, sizeof(*config->sas), config->sa_count,
				compare_keys },
			"encrypts under the same key, and this algorithm gives its secrets away "
			"when two "
			"SAs do (RFC 4106 section 3); give each a key of its own" },
		{ "policies", "selector",
			{ (const char *)config->policies, sizeof(*config->policies),
				config->policy_count, compare_policies },
			"has the same direction, priority and selector; take one away or change "
			"its "
			"priority" },
		{ "routes", "destination",
			{ (const char *)config->routes, sizeof(*config->routes),
				config->route_count, compare_routes },
			"has the same destination; take one away" },
		{ "neighbours", "address",
			{ (const char *)config->neighbours, sizeof(*config->neighbours),
				config->neighbour_count, compare_neighbours },
			"is the same address on the same port; take one away" },
	};
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(rules) / sizeof(rules[0]); i++)
		ret = apply(&rules[i], err);
	return ret;
}
