// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// esplanade, the gateway: start and stop order on one screen.

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <event2/event.h>
#include <rte_eal.h>
#include <rte_mbuf.h>
#include <rte_rcu_qsbr.h>

#include "base/clock.h"
#include "base/log.h"
#include "conf/conf.h"
#include "crypto/measure.h"
#include "esplanade/eal.h"
#include "esplanade/events.h"
#include "esplanade/parts.h"
#include "esplanade/xfrm.h"
#include "linux/confine.h"
#include "linux/notify.h"
#include "spec/fields.h"

#define DEFAULT_CONFIG "/etc/esplanade/esplanade.conf"
#define VERSION        GATEWAY_VERSION

// Peers in UDP, from which on finding one of them takes more than a few steps.
#define MOST_KEEPALIVE_BUCKETS 65536u

static const char usage[] =
	"usage: esplanade [-c FILE]      run the gateway (default " DEFAULT_CONFIG ")\n"
	"       esplanade --check FILE   check a configuration and say what is wrong\n"
	"       esplanade --version | --help\n";

// Told after each committed change of SAs and policies.
static void on_ipsec_change(void *ctx, enum gw_ipsec_change change, struct gw_sa *sa,
	const struct gw_policy_spec *policy)
{
	static const char *const sa_changes[] = {
		[GW_IPSEC_SA_ADDED] = "added",
		[GW_IPSEC_SA_DELETED] = "deleted",
		[GW_IPSEC_SA_UPDATED] = "updated",
	};
	struct gateway *gateway = ctx;

	if (change == GW_IPSEC_SA_ADDED || change == GW_IPSEC_SA_UPDATED)
		gateway_path_mtu_set(gateway, sa);
	// An update leaves the time that an SA has as it is.
	if (sa && change != GW_IPSEC_SA_UPDATED)
		gateway_expiry_changed(gateway, sa, change == GW_IPSEC_SA_ADDED);
	if (sa && sa->interface)
		gateway->interface_mtu_stale = true;
	if (sa)
		gateway_tcp_changed(gateway, sa, change == GW_IPSEC_SA_DELETED);
	if (sa)
		gateway_keepalive_changed(gateway, sa, change != GW_IPSEC_SA_DELETED);
	if (sa && sa->direction == GW_DIRECTION_OUT)
		gateway_sa_hold_changed(gateway, sa->reqid);
	if (sa)
		gateway_xfrm_sa_changed(gateway, sa, change);
	if (change == GW_IPSEC_POLICY_DELETED)
		gateway_xfrm_policy_deleted(gateway, policy);
	if (!gateway->api)
		return;
	if (sa)
		gateway_event_sa(gateway, sa, sa_changes[change]);
	else
		gateway_event_policy(gateway, policy, change == GW_IPSEC_POLICY_ADDED);
}

// Many routes may change at once: the control loop looks at the SAs' paths a moment later, once for
// all.
static void on_routes_change(void *ctx)
{
	struct gateway *gateway = ctx;

	gateway->path_mtu_stale = true;
}

static int databases_new(struct gateway *gateway, struct gw_error *err)
{
	const struct gw_config *config = gateway->config;
	struct gw_dataplane *dataplane = &gateway->dataplane;
	struct gw_ipsec_db_options ipsec = {
		.max_sas = config->max_sas,
		.spi_hold_seconds = config->spi_hold_seconds,
		.max_policies = config->max_policies,
		.workers = config->worker_count,
		.changed = on_ipsec_change,
		.ctx = gateway,
	};
	struct gw_route_db_options routes = {
		.max_routes = config->max_routes,
		.max_neighbours = config->max_neighbours,
		.port_index = gateway_link_index,
		.port_name = gateway_link_name,
		.neighbour_known = gateway_host_neighbour_known,
		.routes_changed = on_routes_change,
		.ctx = gateway,
	};
	size_t size = rte_rcu_qsbr_get_memsize(config->worker_count);

	gateway->qsbr =
		aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE));
	if (!gateway->qsbr || rte_rcu_qsbr_init(gateway->qsbr, config->worker_count) != 0)
		return gw_error_set(err, ENOMEM, "no memory");
	gateway->reclaim = gw_reclaim_new(gateway->qsbr);
	// A scan of a whole prefix must not be able to hold more than a quarter of the packet
	// buffers.
	gateway->hold = gw_hold_new(config->neighbour_queue,
		RTE_MAX(1u, RTE_MIN(config->max_neighbours,
				    config->buffers / 4 / RTE_MAX(1u, config->neighbour_queue))));
	if (config->sa_queue)
		gateway->sa_hold = gw_hold_new(config->sa_queue,
			RTE_MAX(1u, RTE_MIN(config->max_policies,
					    config->buffers / 4 / config->sa_queue)));
	if (!gateway->reclaim || !gateway->hold || (config->sa_queue && !gateway->sa_hold))
		return gw_error_set(err, ENOMEM, "no memory");
	ipsec.qsbr = gateway->qsbr;
	ipsec.reclaim = routes.reclaim = gateway->reclaim;
	gateway->expiry = gw_expiry_new();
	gateway->keepalives = gw_keepalives_new(RTE_MIN(config->max_sas, MOST_KEEPALIVE_BUCKETS),
		config->udp_keepalive_seconds, gw_clock_ns());
	if (!gateway->expiry || !gateway->keepalives)
		return gw_error_set(err, ENOMEM, "no memory");
	gateway->ipsec = gw_ipsec_db_new(&ipsec, err);
	if (!gateway->ipsec)
		return -ENOMEM;
	gateway->routes = gw_route_db_new(&routes, err);
	if (!gateway->routes)
		return -ENOMEM;
	dataplane->qsbr = gateway->qsbr;
	dataplane->sad = gw_ipsec_db_sad(gateway->ipsec);
	dataplane->spd_out = gw_ipsec_db_spd(gateway->ipsec, GW_DIRECTION_OUT);
	dataplane->spd_in = gw_ipsec_db_spd(gateway->ipsec, GW_DIRECTION_IN);
	dataplane->fib = gw_route_db_fib(gateway->routes);
	dataplane->local = gw_route_db_local(gateway->routes);
	return 0;
}

// The plan first: the self-test proves what it has chosen.
static int crypto_start(const struct gw_config *config, struct gw_error *err)
{
	int failed = gw_crypto_measure((enum gw_crypto_pin)config->crypto_code, err);

	if (failed < 0)
		return failed;
	failed = gw_crypto_self_test();
	if (failed < 0)
		return gw_error_set(err, -failed, "the crypto self-test could not run");
	return 0;
}

static bool has_pci_port(const struct gw_config *config)
{
	for (unsigned int i = 0; i < config->port_count; i++)
		if (gateway_device_is_pci(config->ports[i].device))
			return true;
	return false;
}

// Before there are threads, which have what the one that starts them has.
static int confine_first(const struct gw_config *config, struct gw_error *err)
{
	struct gw_error why = {};

	if (config->lock_memory && gw_confine_lock(&why) != 0)
		gw_log_warning("memory may be swapped out, keys included: %s; or set "
			       "hardening.lock_memory = false",
			why.text);
	return config->drop_capabilities ? gw_confine_capabilities(has_pci_port(config), err) : 0;
}

// When all threads are there and all libraries loaded.
static int confine_last(const struct gw_config *config, struct gw_error *err)
{
	int rc = config->filter_syscalls ? gw_confine_syscalls(err) : 0;

	if (rc != -ENOTSUP)
		return rc;
	gw_log_notice("system calls are not filtered: %s", err->text);
	*err = (struct gw_error){};
	return 0;
}

// Everything that has to be there before the first packet, lowest first.
static int start(struct gateway *gateway, struct gw_error *err)
{
	int rc = confine_first(gateway->config, err);

	if (!rc)
		rc = gateway_eal_start(gateway->config, err);
	gateway->events = rc ? NULL : event_base_new();
	if (!rc && !gateway->events)
		rc = gw_error_set(err, ENOMEM, "no event loop");
	if (!rc)
		rc = crypto_start(gateway->config, err);
	if (!rc)
		rc = gateway_buffers_new(gateway, err);
	if (!rc)
		rc = gateway_ports_new(gateway, err);
	if (!rc)
		rc = databases_new(gateway, err);
	if (!rc)
		rc = gateway_interfaces_new(gateway, err);
	if (!rc)
		rc = gateway_seed(gateway, err);
	if (!rc)
		rc = gateway_workers_new(gateway, err);
	if (!rc)
		rc = gateway_host_new(gateway, err);
	if (!rc)
		rc = gateway_workers_start(gateway, err);
	if (!rc)
		rc = gateway_tcp_new(gateway, err);
	if (!rc)
		rc = gateway_control_new(gateway, err);
	if (!rc && gateway->config->xfrm_path[0])
		rc = gateway_xfrm_new(gateway, err);
	return rc ? rc : confine_last(gateway->config, err);
}

static void drop_held(void *ctx, struct rte_mbuf *packet)
{
	struct gateway *gateway = ctx;

	gw_count_drop(&gateway->counters, GW_DROP_SHUTDOWN);
	rte_pktmbuf_free(packet);
}

// The reverse of start; works from wherever start stopped.
static void stop(struct gateway *gateway)
{
	gateway_xfrm_free(gateway);
	if (gateway->events)
		gateway_control_free(gateway);
	gateway_tcp_free(gateway);
	if (gateway->events)
		gateway_host_say_goodbye(gateway);
	gateway_host_free(gateway);
	gateway_interfaces_free(gateway);
	if (gateway->qsbr)
		gateway_workers_stop(gateway);
	if (gateway->hold)
		gw_hold_free(gateway->hold, drop_held, gateway);
	if (gateway->sa_hold)
		gw_hold_free(gateway->sa_hold, drop_held, gateway);
	gateway->hold = gateway->sa_hold = NULL;
	gateway_workers_free(gateway);
	gateway_ports_free(gateway);
	if (gateway->ipsec)
		gw_ipsec_db_free(gateway->ipsec);
	gw_expiry_free(gateway->expiry);
	gw_keepalives_free(gateway->keepalives);
	gateway_follow_free();
	if (gateway->routes)
		gw_route_db_free(gateway->routes);
	gw_reclaim_free(gateway->reclaim);
	free(gateway->qsbr);
	gateway_buffers_free(gateway);
	if (gateway->events)
		event_base_free(gateway->events);
	gw_config_free(gateway->config);
}

// The service manager, where one waits to hear it, starts what needs the gateway when it is ready.
static void tell_manager(const char *state)
{
	int rc = gw_notify(state);

	if (rc)
		gw_log_warning("the service manager does not hear %s: %s", state, strerror(-rc));
}

static int run(const char *path)
{
	static struct gateway gateway;
	struct gw_error err = {};
	enum gw_log_level level;
	char text[600];
	int rc;

	gateway.config_path = path;
	gateway.started_ns = gw_clock_ns();
	gateway.config = gw_conf_load(path, &err);
	if (!gateway.config) {
		gw_log_error("%s", gw_error_string(&err, text, sizeof(text)));
		return EX_CONFIG;
	}
	if (gw_log_level_parse(gateway.config->log_level, &level))
		gw_log_set_level(level);
	rc = start(&gateway, &err);
	if (rc) {
		gw_log_error("%s", gw_error_string(&err, text, sizeof(text)));
	} else {
		gw_log_notice("ready: %u ports, %u workers, control socket %s",
			gateway.dataplane.port_count, gateway.dataplane.worker_count,
			gateway.config->socket_path);
		tell_manager("READY=1");
		gateway_control_run(&gateway);
		tell_manager("STOPPING=1");
	}
	stop(&gateway);
	rte_eal_cleanup();
	return rc ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int check(const char *path)
{
	struct gw_error err = {};
	struct gw_config *config = gw_conf_load(path, &err);
	char text[600];

	if (!config) {
		fprintf(stderr, "%s\n", gw_error_string(&err, text, sizeof(text)));
		return EXIT_FAILURE;
	}
	printf("%s: good: %u ports, %u SAs, %u policies, %u routes, %u neighbours\n", path,
		config->port_count, config->sa_count, config->policy_count, config->route_count,
		config->neighbour_count);
	gw_config_free(config);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", required_argument, NULL, 'C' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{},
	};
	const char *path = DEFAULT_CONFIG;
	int option;

	gw_confine_memory();
	gw_fields_wipe_on_free();
	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 'C':
			return check(optarg);
		case 'V':
			printf("esplanade %s\n", VERSION);
			return EXIT_SUCCESS;
		case 'h':
			fputs(usage, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fputs(usage, stderr);
		return 2;
	}
	optind = 1; // EAL parses its own arguments with getopt
	return run(path);
}
