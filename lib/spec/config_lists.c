// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "spec/config_lists.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spec/config.h"
#include "spec/reading.h"

#define OFFSET(member) offsetof(struct gw_config, member)

struct list {
	size_t size;  // of an item
	size_t items; // where in the configuration the pointer to them is
	size_t count; // where in it their number is
	int (*read)(json_t *value, void *item, struct gw_error *err);
	void (*wipe)(void *item); // undoes a successful read; NULL: nothing to do
};

static int read_list(json_t *value, const char *name, const struct list *list, void *config,
	struct gw_error *err)
{
	size_t size = json_array_size(value), i;
	char *items;
	int ret = 0;

	if (!json_is_array(value))
		return gw_value_wrong(value, name, err, "a list of groups, ( { ... }, { ... } )");
	if (size == 0)
		return 0;
	items = calloc(size, list->size);
	if (!items)
		return gw_error_at(err, ENOMEM, value, name, "there is no memory for it");
	for (i = 0; i < size; i++) {
		ret = list->read(json_array_get(value, i), items + i * list->size, err);
		if (ret) {
			gw_error_within(err, name, (int)i);
			goto fail;
		}
	}
	memcpy((char *)config + list->items, &items, sizeof(items));
	*(unsigned int *)((char *)config + list->count) = (unsigned int)size;
	return 0;
fail:
	while (list->wipe && i-- > 0)
		list->wipe(items + i * list->size);
	free(items);
	return ret;
}

static int read_port(json_t *value, void *item, struct gw_error *err)
{
	return gw_port_spec_read(value, item, err);
}

static int read_interface(json_t *value, void *item, struct gw_error *err)
{
	return gw_interface_spec_read(value, item, err);
}

static int read_sa(json_t *value, void *item, struct gw_error *err)
{
	return gw_sa_spec_read(value, item, err);
}

static void wipe_sa(void *item)
{
	gw_sa_spec_wipe(item);
}

static int read_policy(json_t *value, void *item, struct gw_error *err)
{
	return gw_policy_spec_read(value, item, err);
}

static int read_route(json_t *value, void *item, struct gw_error *err)
{
	return gw_route_spec_read(value, item, err);
}

static int read_neighbour(json_t *value, void *item, struct gw_error *err)
{
	return gw_neighbour_spec_read(value, item, err);
}

int gw_read_ports(json_t *value, const char *name, void *target, struct gw_error *err)
{
	static const struct list list = {
		.size = sizeof(struct gw_port_spec),
		.items = OFFSET(ports),
		.count = OFFSET(port_count),
		.read = read_port,
	};

	return read_list(value, name, &list, target, err);
}

int gw_read_interfaces(json_t *value, const char *name, void *target, struct gw_error *err)
{
	static const struct list list = {
		.size = sizeof(struct gw_interface_spec),
		.items = OFFSET(interfaces),
		.count = OFFSET(interface_count),
		.read = read_interface,
	};

	return read_list(value, name, &list, target, err);
}

int gw_read_sas(json_t *value, const char *name, void *target, struct gw_error *err)
{
	static const struct list list = {
		.size = sizeof(struct gw_sa_spec),
		.items = OFFSET(sas),
		.count = OFFSET(sa_count),
		.read = read_sa,
		.wipe = wipe_sa,
	};

	return read_list(value, name, &list, target, err);
}

int gw_read_policies(json_t *value, const char *name, void *target, struct gw_error *err)
{
	static const struct list list = {
		.size = sizeof(struct gw_policy_spec),
		.items = OFFSET(policies),
		.count = OFFSET(policy_count),
		.read = read_policy,
	};

	return read_list(value, name, &list, target, err);
}

int gw_read_routes(json_t *value, const char *name, void *target, struct gw_error *err)
{
	static const struct list list = {
		.size = sizeof(struct gw_route_spec),
		.items = OFFSET(routes),
		.count = OFFSET(route_count),
		.read = read_route,
	};

	return read_list(value, name, &list, target, err);
}

int gw_read_neighbours(json_t *value, const char *name, void *target, struct gw_error *err)
{
	static const struct list list = {
		.size = sizeof(struct gw_neighbour_spec),
		.items = OFFSET(neighbours),
		.count = OFFSET(neighbour_count),
		.read = read_neighbour,
	};

	return read_list(value, name, &list, target, err);
}
