// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Tunnel interfaces of the configuration, old against new. Linux makes one at once: new ones are
// there before the transaction, whose routes may lead into them, and go again if it comes to
// nothing; old ones go after it.

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "esplanade/interface.h"
#include "esplanade/reload.h"

static const struct gw_interface_spec *find(const struct gw_config *config, const char *name)
{
	for (unsigned int i = 0; i < config->interface_count; i++)
		if (strcmp(config->interfaces[i].name, name) == 0)
			return &config->interfaces[i];
	return NULL;
}

static int stage_one(struct reload *reload, const struct gw_interface_spec *spec)
{
	const struct gateway_interface *running =
		gateway_interface_find(reload->gateway, spec->name);
	int rc;

	if (running && running->spec.if_id != spec->if_id)
		return gw_error_at(reload->err, EBUSY, NULL, "if_id",
			"of an interface cannot change: take the interface out, reload, and put "
			"it back");
	if (running) {
		reload->unchanged++;
		return 0;
	}
	rc = gateway_interface_add(reload->gateway, spec, GW_ORIGIN_CONFIG, reload->err);
	reload->added += rc == 0;
	return rc;
}

int gateway_reload_interfaces(struct reload *reload)
{
	const struct gw_config *fresh = reload->fresh;
	int rc = 0;

	for (unsigned int i = 0; !rc && i < fresh->interface_count; i++) {
		rc = stage_one(reload, &fresh->interfaces[i]);
		if (rc && reload->err->where[0])
			gw_error_within(reload->err, "interfaces", (int)i);
	}
	for (unsigned int i = 0; i < reload->old->interface_count; i++)
		reload->deleted += !find(fresh, reload->old->interfaces[i].name);
	return rc;
}

// Those of one configuration that the other does not have, and that came from a configuration.
static void delete_missing(
	struct gateway *gateway, const struct gw_config *here, const struct gw_config *there)
{
	for (unsigned int i = 0; i < here->interface_count; i++) {
		const char *name = here->interfaces[i].name;
		const struct gateway_interface *interface = gateway_interface_find(gateway, name);
		struct gw_error err = {};

		if (find(there, name) || !interface || interface->origin != GW_ORIGIN_CONFIG)
			continue;
		if (gateway_interface_delete(gateway, name, &err) != 0)
			gw_log_warning("interface %s stays: %s", name, err.text);
	}
}

void gateway_reload_interfaces_done(struct reload *reload, bool committed)
{
	if (committed)
		delete_missing(reload->gateway, reload->old, reload->fresh);
	else
		delete_missing(reload->gateway, reload->fresh, reload->old);
}
