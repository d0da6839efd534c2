// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What charon calls the SAs that it has installed: the names of its connections and their children,
// which it tells over VICI. A name may come before its SA (the responder of a new CHILD_SA has the
// outbound one wait for the peer) and an SA may go and come again with another address (MOBIKE), so
// names have a life of their own: they go some time after their SA, or when none comes.

#include "esplanade/xfrm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "esplanade/methods.h"
#include "vici/client.h"

#define RETRY_MS    5000
#define LOOKS       2000 // names that a second's tick looks at
#define PATIENCE_NS UINT64_C(60000000000)

struct gateway_name {
	TAILQ_ENTRY(gateway_name) next; // that which was looked at first is first
	struct gw_index_link by_spi;
	struct gw_sa_id id; // family of the destination 0: charon did not tell
	uint64_t seen_ns;   // when it was told, or its SA was there
	char connection[GW_VICI_NAME_SIZE];
	char child[GW_VICI_NAME_SIZE];
};

// Without the destination, which may change.
static uint64_t hash_of(const struct gateway_xfrm *xfrm, const struct gw_sa_id *id)
{
	uint32_t key[] = { id->spi, (uint32_t)id->direction, (uint32_t)id->protocol };

	return gw_siphash_128(xfrm->secret, key, sizeof(key)).low;
}

static bool is_of(const struct gateway_name *name, const struct gw_sa_id *id)
{
	return name->id.spi == id->spi && name->id.direction == id->direction &&
	       name->id.protocol == id->protocol;
}

static struct gateway_name *find_exactly(const struct gateway_xfrm *xfrm, const struct gw_sa_id *id)
{
	struct gw_index_link *link = gw_index_first(&xfrm->names_by_spi, hash_of(xfrm, id));

	for (; link; link = gw_index_next(link)) {
		struct gateway_name *name = container_of(link, struct gateway_name, by_spi);

		if (is_of(name, id) && gw_addr_equal(&name->id.destination, &id->destination))
			return name;
	}
	return NULL;
}

// The name of an SA whose destination charon told otherwise, or that has moved: peers choose
// outbound SPIs, so that several may have this one. It is one whose own SA is not there, and only
// if there are no several.
static struct gateway_name *find(const struct gateway *gateway, const struct gw_sa_id *id)
{
	const struct gateway_xfrm *xfrm = gateway->xfrm;
	struct gw_index_link *link = gw_index_first(&xfrm->names_by_spi, hash_of(xfrm, id));
	struct gateway_name *name = find_exactly(xfrm, id), *found = NULL;

	if (name)
		return name;
	for (; link; link = gw_index_next(link)) {
		name = container_of(link, struct gateway_name, by_spi);
		if (!is_of(name, id) || gw_sa_find(gateway->ipsec, &name->id))
			continue;
		if (found)
			return NULL;
		found = name;
	}
	return found;
}

static void drop(struct gateway_xfrm *xfrm, struct gateway_name *name)
{
	gw_index_remove(&xfrm->names_by_spi, &name->by_spi);
	TAILQ_REMOVE(&xfrm->names, name, next);
	xfrm->name_count--;
	free(name);
}

// A name more or less harms nothing: without room or memory it is left out.
static void keep(struct gateway *gateway, const struct gw_vici_child *child,
	enum gw_direction direction, uint32_t spi, const struct gw_addr *destination)
{
	struct gateway_xfrm *xfrm = gateway->xfrm;
	struct gw_sa_id id = { .direction = direction,
		.protocol = (enum gw_protocol)child->protocol,
		.spi = spi,
		.destination = *destination };
	struct gateway_name *name;

	if (!spi)
		return;
	name = find_exactly(xfrm, &id);
	if (!name) {
		if (xfrm->name_count >= gateway->config->max_sas)
			return;
		name = calloc(1, sizeof(*name));
		if (!name)
			return;
		name->id = id;
		gw_index_insert(&xfrm->names_by_spi, &name->by_spi, hash_of(xfrm, &id));
		TAILQ_INSERT_TAIL(&xfrm->names, name, next);
		xfrm->name_count++;
	}
	name->seen_ns = gw_clock_ns();
	memcpy(name->connection, child->connection, sizeof(name->connection));
	memcpy(name->child, child->child, sizeof(name->child));
}

static void on_child(void *ctx, const struct gw_vici_child *child)
{
	keep(ctx, child, GW_DIRECTION_IN, child->spi_in, &child->local);
	keep(ctx, child, GW_DIRECTION_OUT, child->spi_out, &child->remote);
}

void gateway_xfrm_name_follow(struct gateway *gateway, const struct gw_sa_id *id)
{
	struct gateway_name *name;

	if (TAILQ_EMPTY(&gateway->xfrm->names))
		return;
	name = find(gateway, id);
	if (name)
		name->id.destination = id->destination;
}

void gateway_put_names(const struct gateway *gateway, json_t *object, const struct gw_sa *sa)
{
	struct gw_sa_id id = gw_sa_spec_id(&sa->spec);
	const struct gateway_name *name = NULL;

	if (gateway->xfrm && !TAILQ_EMPTY(&gateway->xfrm->names))
		name = find(gateway, &id);
	if (!name)
		return;
	gateway_put(object, "connection", json_string(name->connection));
	gateway_put(object, "child", json_string(name->child));
}

void gateway_xfrm_names_tick(struct gateway *gateway)
{
	uint64_t now_ns = gw_clock_ns();

	if (!gateway->xfrm)
		return;
	for (uint32_t i = RTE_MIN(gateway->xfrm->name_count, (uint32_t)LOOKS); i > 0; i--) {
		struct gateway_name *name = TAILQ_FIRST(&gateway->xfrm->names);

		if (gw_sa_find(gateway->ipsec, &name->id))
			name->seen_ns = now_ns;
		if (now_ns - name->seen_ns > PATIENCE_NS) {
			drop(gateway->xfrm, name);
			continue;
		}
		TAILQ_REMOVE(&gateway->xfrm->names, name, next);
		TAILQ_INSERT_TAIL(&gateway->xfrm->names, name, next);
	}
}

int gateway_xfrm_names_init(struct gateway *gateway, struct gw_error *err)
{
	struct gw_vici_client_options options = {
		.events = gateway->events,
		.path = gateway->config->vici_path,
		.child = on_child,
		.ctx = gateway,
		.retry_ms = RETRY_MS,
	};

	if (!gateway->config->vici_path[0])
		return 0;
	if (gw_index_init(&gateway->xfrm->names_by_spi, gateway->config->max_sas) != 0)
		return gw_error_set(err, ENOMEM, "out of memory");
	gateway->xfrm->vici = gw_vici_client_new(&options, err);
	return gateway->xfrm->vici ? 0 : -ENOMEM;
}

void gateway_xfrm_names_free(struct gateway_xfrm *xfrm)
{
	struct gateway_name *name;

	gw_vici_client_free(xfrm->vici);
	while ((name = TAILQ_FIRST(&xfrm->names)))
		drop(xfrm, name);
	gw_index_fini(&xfrm->names_by_spi);
}
