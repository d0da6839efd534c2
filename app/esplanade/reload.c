// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/reload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/log.h"
#include "conf/conf.h"

static json_t *result_object(const struct reload *reload)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "added", (json_int_t)reload->added, "deleted",
		(json_int_t)reload->deleted, "replaced", (json_int_t)reload->replaced, "unchanged",
		(json_int_t)reload->unchanged, "skipped", (json_int_t)reload->skipped);
}

static int stage(struct reload *reload)
{
	int rc = gateway_reload_allowed(reload->old, reload->fresh, reload->err);

	if (!rc)
		rc = gateway_reload_interfaces(reload);
	if (!rc)
		rc = gateway_reload_routes(reload);
	if (!rc)
		rc = gateway_reload_sas(reload);
	if (!rc)
		rc = gateway_reload_policies(reload);
	return rc;
}

// The configuration takes effect: nothing here can fail.
static void apply(struct reload *reload, struct gw_config *fresh)
{
	struct gateway *gateway = reload->gateway;
	enum gw_log_level level;

	gw_txn_commit(reload->txn);
	gateway_reload_windows(reload);
	gateway_reload_interfaces_done(reload, true);
	if (gw_log_level_parse(fresh->log_level, &level))
		gw_log_set_level(level);
	gw_keepalives_set_standard(gateway->keepalives, fresh->udp_keepalive_seconds);
	gw_config_free(gateway->config);
	gateway->config = fresh;
	gw_log_notice("configuration reloaded: %" PRIu64 " added, %" PRIu64 " deleted, %" PRIu64
		      " replaced, %" PRIu64 " unchanged, %" PRIu64 " skipped",
		reload->added, reload->deleted, reload->replaced, reload->unchanged,
		reload->skipped);
}

json_t *gateway_reload(struct gateway *gateway, struct gw_error *err)
{
	struct reload reload = { .gateway = gateway, .old = gateway->config, .err = err };
	struct gw_config *fresh = gw_conf_load(gateway->config_path, err);
	json_t *result = NULL;

	if (!fresh)
		return NULL;
	reload.fresh = fresh;
	reload.txn = gw_txn_new();
	if (!reload.txn) {
		gw_error_set(err, ENOMEM, "out of memory");
	} else if (stage(&reload) != 0 || !(result = result_object(&reload))) {
		gw_error_set(err, ENOMEM, "out of memory");
		gw_txn_abort(reload.txn);
		gateway_reload_interfaces_done(&reload, false);
	} else {
		apply(&reload, fresh);
		fresh = NULL;
	}
	gw_config_free(fresh);
	free(reload.windows);
	return result;
}
