// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "esplanade/xfrm.h"
#include "ipsec/carrier.h"

static json_t *event_new(enum gateway_event kind)
{
	return json_pack("{s:s}", "kind", gateway_event_word(kind));
}

static void publish(struct gateway *gateway, enum gateway_event kind, json_t *params)
{
	if (params)
		gw_api_publish(gateway->api, kind, params);
	json_decref(params);
}

static json_t *selector_object(const struct gw_selector *selector)
{
	struct gw_policy_spec spec = { .selector = *selector };
	json_t *object = gw_policy_spec_write(&spec), *result;

	result = json_incref(json_object_get(object, "selector"));
	json_decref(object);
	return result;
}

// The selector that exactly this flow matches (RFC 7296 section 2.9 starts a negotiation with it).
static json_t *flow_object(const struct gw_flow *flow)
{
	const struct gw_policy all = { .populate = UINT8_MAX };
	struct gw_selector selector = gw_policy_wanted(&all, flow);

	if (!flow->ports_known)
		selector.source_port = selector.destination_port =
			(struct gw_port_range){ 0, UINT16_MAX };
	return selector_object(&selector);
}

void gateway_event_acquire(struct gateway *gateway, const struct gw_event *event)
{
	json_t *params;

	gateway_xfrm_acquire(gateway, &event->flow, event->reqid);
	if (!gw_api_wanted(gateway->api, GATEWAY_EVENT_ACQUIRE))
		return;
	params = event_new(GATEWAY_EVENT_ACQUIRE);
	json_object_set_new(params, "reqid", json_integer(event->reqid));
	json_object_set_new(params, "selector", flow_object(&event->flow));
	json_object_set_new(params, "wanted", selector_object(&event->wanted));
	publish(gateway, GATEWAY_EVENT_ACQUIRE, params);
}

static json_t *sa_id_object(const struct gw_sa_spec *spec)
{
	char spi[16], destination[GW_ADDR_STRLEN];

	snprintf(spi, sizeof(spi), "0x%08" PRIx32, spec->spi);
	return json_pack("{s:s, s:s, s:s, s:s, s:I}", "direction",
		gw_direction_words[spec->direction], "protocol", gw_protocol_word(spec->protocol),
		"spi", spi, "destination", gw_addr_format(&spec->destination, destination), "reqid",
		(json_int_t)spec->reqid);
}

void gateway_event_expire(
	struct gateway *gateway, struct gw_sa *sa, bool hard, enum gw_expiry_cause cause)
{
	json_t *params;

	gateway_xfrm_expire(gateway, sa, hard);
	if (!gw_api_wanted(gateway->api, GATEWAY_EVENT_EXPIRE))
		return;
	params = event_new(GATEWAY_EVENT_EXPIRE);
	json_object_set_new(params, "hard", json_boolean(hard));
	json_object_set_new(params, "cause", json_string(gw_expiry_words[cause]));
	json_object_set_new(params, "sa", sa_id_object(&sa->spec));
	publish(gateway, GATEWAY_EVENT_EXPIRE, params);
}

static json_t *place_object(const struct gateway_place *place)
{
	char text[GW_ADDR_STRLEN];

	return json_pack("{s:s, s:i}", "address", gw_addr_format(&place->address, text), "port",
		place->port);
}

void gateway_event_mapping(struct gateway *gateway, const struct gw_sa *sa,
	const struct gateway_place *old, const struct gateway_place *fresh, bool followed)
{
	json_t *params;

	gateway_xfrm_mapping(gateway, sa, old, fresh);
	if (!gw_api_wanted(gateway->api, GATEWAY_EVENT_MAPPING))
		return;
	params = event_new(GATEWAY_EVENT_MAPPING);
	json_object_set_new(params, "sa", sa_id_object(&sa->spec));
	json_object_set_new(params, "old", place_object(old));
	json_object_set_new(params, "new", place_object(fresh));
	json_object_set_new(params, "followed", json_boolean(followed));
	publish(gateway, GATEWAY_EVENT_MAPPING, params);
}

void gateway_event_path_mtu(struct gateway *gateway, const struct gw_sa *sa, bool learned)
{
	uint16_t mtu = atomic_load_explicit(&sa->path_mtu, memory_order_relaxed);
	json_t *params;

	if (!gw_api_wanted(gateway->api, GATEWAY_EVENT_PATH_MTU))
		return;
	params = event_new(GATEWAY_EVENT_PATH_MTU);
	json_object_set_new(params, "sa", sa_id_object(&sa->spec));
	json_object_set_new(params, "learned", json_boolean(learned));
	json_object_set_new(params, "path_mtu", json_integer(mtu));
	json_object_set_new(params, "inner_mtu", json_integer(gw_sa_inner_mtu(sa, mtu)));
	publish(gateway, GATEWAY_EVENT_PATH_MTU, params);
}

void gateway_ecn_suspect(const struct gw_sa *sa)
{
	char destination[GW_ADDR_STRLEN];

	gw_log_warning(
		"inbound SA with SPI 0x%08" PRIx32
		" and destination %s: a packet's ECN field outside "
		"does not go with the one inside (RFC 6040 section 4.2); ecn_alarms counts them",
		sa->spec.spi, gw_addr_format(&sa->spec.destination, destination));
}

static const char *change_word(bool added)
{
	return added ? "added" : "deleted";
}

void gateway_event_sa(struct gateway *gateway, struct gw_sa *sa, const char *change)
{
	json_t *params;

	if (!gw_api_wanted(gateway->api, GATEWAY_EVENT_SA))
		return;
	params = event_new(GATEWAY_EVENT_SA);
	json_object_set_new(params, "change", json_string(change));
	json_object_set_new(params, "sa", sa_id_object(&sa->spec));
	publish(gateway, GATEWAY_EVENT_SA, params);
}

void gateway_event_policy(struct gateway *gateway, const struct gw_policy_spec *spec, bool added)
{
	json_t *params;

	if (!gw_api_wanted(gateway->api, GATEWAY_EVENT_POLICY))
		return;
	params = event_new(GATEWAY_EVENT_POLICY);
	json_object_set_new(params, "change", json_string(change_word(added)));
	json_object_set_new(params, "policy", gw_policy_spec_write(spec));
	publish(gateway, GATEWAY_EVENT_POLICY, params);
}

void gateway_event_port(struct gateway *gateway, const struct gw_port *port, bool up)
{
	json_t *params;

	if (!gw_api_wanted(gateway->api, GATEWAY_EVENT_PORT))
		return;
	params = event_new(GATEWAY_EVENT_PORT);
	json_object_set_new(params, "port", json_string(port->spec.name));
	json_object_set_new(params, "link", json_string(up ? "up" : "down"));
	publish(gateway, GATEWAY_EVENT_PORT, params);
}

void gateway_event_controller(struct gateway *gateway, const struct gateway_controller *controller,
	const char *change, uint32_t sas, uint32_t policies)
{
	json_t *params;

	if (!gateway->api || !gw_api_wanted(gateway->api, GATEWAY_EVENT_CONTROLLER))
		return;
	params = event_new(GATEWAY_EVENT_CONTROLLER);
	json_object_set_new(params, "change", json_string(change));
	json_object_set_new(params, "program", json_string(controller->peer.program));
	json_object_set_new(params, "process", json_integer(controller->peer.process));
	json_object_set_new(params, "sas", json_integer(sas));
	json_object_set_new(params, "policies", json_integer(policies));
	publish(gateway, GATEWAY_EVENT_CONTROLLER, params);
}
