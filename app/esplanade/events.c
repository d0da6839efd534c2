// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/events.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "esplanade/xfrm.h"

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

// The selector that exactly this flow matches (RFC 7296 section 2.9 starts a negotiation with it).
static json_t *flow_object(const struct gw_flow *flow)
{
	struct gw_policy_spec spec = { .selector.protocol = flow->protocol };
	struct gw_selector *selector = &spec.selector;
	json_t *object, *result;

	selector->source.first.family = selector->destination.first.family = flow->family;
	memcpy(selector->source.first.bytes, flow->source, sizeof(flow->source));
	memcpy(selector->destination.first.bytes, flow->destination, sizeof(flow->destination));
	selector->source.last = selector->source.first;
	selector->destination.last = selector->destination.first;
	selector->source_port = selector->destination_port = (struct gw_port_range){ 0, 65535 };
	if (flow->ports_known) {
		selector->source_port.first = selector->source_port.last = flow->source_port;
		selector->destination_port.first = selector->destination_port.last =
			flow->destination_port;
	}
	object = gw_policy_spec_write(&spec);
	result = json_incref(json_object_get(object, "selector"));
	json_decref(object);
	return result;
}

void gateway_event_acquire(struct gateway *gateway, const struct gw_flow *flow, uint32_t reqid)
{
	json_t *params;

	gateway_xfrm_acquire(gateway, flow, reqid);
	if (!gw_api_wanted(gateway->api, GATEWAY_EVENT_ACQUIRE))
		return;
	params = event_new(GATEWAY_EVENT_ACQUIRE);
	json_object_set_new(params, "reqid", json_integer(reqid));
	json_object_set_new(params, "selector", flow_object(flow));
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
