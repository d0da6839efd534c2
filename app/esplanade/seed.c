// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What the gateway starts with: the built-in policies and everything the configuration lists, in
// one transaction.

#include "esplanade/parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "base/log.h"

// Behind every policy of an operator or an IKE daemon that uses sensible numbers, so that they can
// be narrowed or overruled.
#define BUILTIN_PRIORITY UINT32_C(4000000000)

#define ANY_PORT                                                                                   \
	{                                                                                          \
		0, 65535                                                                           \
	}

struct builtin {
	const char *name;
	uint8_t family;
	uint8_t protocol;
	struct gw_port_range source_port;
	struct gw_port_range destination_port;
};

// IKE (RFC 7296 section 2, RFC 3948 section 2.2: on port 4500 ip_input lets only IKE come this far)
// and IPv6 neighbour discovery (RFC 4861: types 133 to 137). Both directions of each.
static const struct builtin builtins[] = {
	{ "ike", 4, IPPROTO_UDP, ANY_PORT, { 500, 500 } },
	{ "ike-reply", 4, IPPROTO_UDP, { 500, 500 }, ANY_PORT },
	{ "ike-nat-t", 4, IPPROTO_UDP, ANY_PORT, { 4500, 4500 } },
	{ "ike-nat-t-reply", 4, IPPROTO_UDP, { 4500, 4500 }, ANY_PORT },
	{ "ike", 6, IPPROTO_UDP, ANY_PORT, { 500, 500 } },
	{ "ike-reply", 6, IPPROTO_UDP, { 500, 500 }, ANY_PORT },
	{ "ike-nat-t", 6, IPPROTO_UDP, ANY_PORT, { 4500, 4500 } },
	{ "ike-nat-t-reply", 6, IPPROTO_UDP, { 4500, 4500 }, ANY_PORT },
	{ "neighbour-discovery", 6, IPPROTO_ICMPV6, { 133, 137 }, ANY_PORT },
};

static struct gw_range whole_family(uint8_t family)
{
	struct gw_range range = { .first.family = family, .last.family = family };

	memset(range.last.bytes, 0xff, gw_addr_bytes(family));
	return range;
}

static int seed_builtin(struct gateway *gateway, struct gw_txn *txn, const struct builtin *row,
	struct gw_error *err)
{
	struct gw_policy_spec spec = {
		.priority = BUILTIN_PRIORITY,
		.action = GW_ACTION_BYPASS,
		.selector = {
			.source = whole_family(row->family),
			.destination = whole_family(row->family),
			.protocol = row->protocol,
			.source_port = row->source_port,
			.destination_port = row->destination_port,
		},
	};
	int rc = 0;

	snprintf(spec.name, sizeof(spec.name), "%s", row->name);
	for (int direction = GW_DIRECTION_IN; !rc && direction <= GW_DIRECTION_OUT; direction++) {
		spec.direction = (enum gw_direction)direction;
		rc = gw_policy_add(gateway->ipsec, txn, &spec, GW_ORIGIN_BUILTIN, err);
	}
	return rc;
}

// What carries ESP and IKE in TCP (RFC 9329) is no clear text that has to be protected.
static int seed_tcp(struct gateway *gateway, struct gw_txn *txn, uint16_t port, uint8_t family,
	struct gw_error *err)
{
	struct builtin row = { "ike-tcp", family, IPPROTO_TCP, ANY_PORT, { port, port } };
	struct builtin reply = { "ike-tcp-reply", family, IPPROTO_TCP, { port, port }, ANY_PORT };
	int rc = seed_builtin(gateway, txn, &row, err);

	return rc ? rc : seed_builtin(gateway, txn, &reply, err);
}

static int seed_builtins(struct gateway *gateway, struct gw_txn *txn, struct gw_error *err)
{
	const struct gw_config *config = gateway->config;
	int rc = 0;

	for (size_t i = 0; !rc && i < RTE_DIM(builtins); i++)
		rc = seed_builtin(gateway, txn, &builtins[i], err);
	for (uint32_t i = 0; !rc && i < config->tcp_listen_count; i++) {
		rc = seed_tcp(gateway, txn, config->tcp_listen[i], 4, err);
		if (!rc)
			rc = seed_tcp(gateway, txn, config->tcp_listen[i], 6, err);
	}
	return rc;
}

static int seed_addresses(struct gateway *gateway, struct gw_txn *txn, struct gw_error *err)
{
	for (unsigned int p = 0; p < gateway->config->port_count; p++) {
		const struct gw_port_spec *port = &gateway->config->ports[p];

		for (unsigned int i = 0; i < port->address_count; i++) {
			int rc = gw_port_address_add(gateway->routes, txn, (uint8_t)p,
				&port->addresses[i], GW_ROUTE_STATIC, err);

			if (rc)
				return rc;
		}
	}
	return 0;
}

static int seed_routes(struct gateway *gateway, struct gw_txn *txn, struct gw_error *err)
{
	const struct gw_config *config = gateway->config;
	int rc = 0;

	for (unsigned int i = 0; !rc && i < config->route_count; i++)
		rc = gw_route_add(
			gateway->routes, txn, &config->routes[i], GW_ROUTE_STATIC, 0, err);
	for (unsigned int i = 0; !rc && i < config->neighbour_count; i++)
		rc = gw_neighbour_add(
			gateway->routes, txn, &config->neighbours[i], GW_ROUTE_STATIC, err);
	return rc;
}

static int seed_ipsec(struct gateway *gateway, struct gw_txn *txn, struct gw_error *err)
{
	const struct gw_config *config = gateway->config;
	int rc = config->builtin_policies ? seed_builtins(gateway, txn, err) : 0;

	for (unsigned int i = 0; !rc && i < config->sa_count; i++)
		rc = gw_sa_add(gateway->ipsec, txn, &config->sas[i], GW_ORIGIN_CONFIG, err);
	for (unsigned int i = 0; !rc && i < config->policy_count; i++)
		rc = gw_policy_add(
			gateway->ipsec, txn, &config->policies[i], GW_ORIGIN_CONFIG, err);
	return rc;
}

int gateway_seed(struct gateway *gateway, struct gw_error *err)
{
	struct gw_txn *txn = gw_txn_new();
	int rc;

	if (!txn)
		return gw_error_set(err, ENOMEM, "no memory");
	rc = seed_addresses(gateway, txn, err);
	if (!rc)
		rc = seed_routes(gateway, txn, err);
	if (!rc)
		rc = seed_ipsec(gateway, txn, err);
	if (rc) {
		gw_txn_abort(txn);
		return rc;
	}
	gw_txn_commit(txn);
	return 0;
}
