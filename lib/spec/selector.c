// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Traffic selectors (RFC 4301 section 4.4.1.1) as values.

#include "spec/selector.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spec/reading.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum {
	ICMP = 1,
	TCP = 6,
	UDP = 17,
	DCCP = 33,
	ICMPV6 = 58,
	SCTP = 132,
	UDPLITE = 136,
};

// The first name of a number is the one that is written.
static const struct {
	uint8_t number;
	const char *name;
} protocols[] = {
	{ GW_PROTOCOL_ANY, "any" },
	{ ICMP, "icmp" },
	{ TCP, "tcp" },
	{ UDP, "udp" },
	{ ICMPV6, "icmpv6" },
	{ ICMPV6, "ipv6-icmp" },
	{ SCTP, "sctp" },
	{ DCCP, "dccp" },
	{ UDPLITE, "udplite" },
	{ 2, "igmp" },
	{ 4, "ipip" },
	{ 41, "ipv6" },
	{ 47, "gre" },
	{ 50, "esp" },
	{ 51, "ah" },
	{ 89, "ospf" },
	{ 103, "pim" },
	{ 112, "vrrp" },
	{ 115, "l2tp" },
	{ GW_PROTOCOL_OPAQUE, "opaque" },
};

static const struct gw_port_range any_port = { 0, UINT16_MAX };
static const struct gw_port_range opaque_port = { UINT16_MAX, 0 };

// What the outside gives: ICMP's members beside the ports whose place they take.
struct selector_input {
	struct gw_selector selector;
	struct gw_port_range icmp_type;
	struct gw_port_range icmp_code;
};

static bool is_icmp(uint8_t protocol)
{
	return protocol == ICMP || protocol == ICMPV6;
}

static bool has_ports(uint8_t protocol)
{
	return protocol == TCP || protocol == UDP || protocol == SCTP || protocol == DCCP ||
	       protocol == UDPLITE;
}

static int read_protocol(json_t *value, const char *name, void *target, struct gw_error *err)
{
	uint8_t *protocol = target;
	uint64_t number;

	for (size_t i = 0; json_is_string(value) && i < COUNT(protocols); i++) {
		if (strcmp(json_string_value(value), protocols[i].name) == 0) {
			*protocol = protocols[i].number;
			return 0;
		}
	}
	if (gw_read_number(value, name, 1, 255, &number, NULL))
		return gw_value_wrong(value, name, err,
			"\"any\", a name such as \"tcp\", \"udp\", \"icmp\" or \"icmpv6\", "
			"\"opaque\", or a number from 1 to 255");
	*protocol = (uint8_t)number;
	return 0;
}

// Decimal digits alone, at most most.
static bool parse_bound(const char *text, size_t length, uint16_t most, uint16_t *number)
{
	unsigned int value = 0;

	if (length == 0 || length > 5)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (unsigned int)(text[i] - '0');
	}
	*number = (uint16_t)value;
	return value <= most;
}

static bool parse_range(const char *text, uint16_t most, struct gw_port_range *range)
{
	size_t first = strcspn(text, "-");
	const char *last = text[first] ? text + first + 1 : text;

	if (strcmp(text, "any") == 0) {
		*range = any_port;
		return true;
	}
	if (strcmp(text, "opaque") == 0) {
		*range = opaque_port;
		return true;
	}
	return parse_bound(text, first, most, &range->first) &&
	       parse_bound(last, strlen(last), most, &range->last) && range->first <= range->last;
}

static int read_range(json_t *value, const char *name, uint16_t most, struct gw_port_range *range,
	struct gw_error *err)
{
	uint64_t number;

	if (json_is_string(value) && parse_range(json_string_value(value), most, range))
		return 0;
	if (gw_read_number(value, name, 0, most, &number, NULL))
		return gw_value_wrong(value, name, err,
			"\"any\", \"opaque\", a whole number from 0 to %u, or a range "
			"\"first-last\" of "
			"them",
			most);
	*range = (struct gw_port_range){ (uint16_t)number, (uint16_t)number };
	return 0;
}

static int read_port_range(json_t *value, const char *name, void *target, struct gw_error *err)
{
	return read_range(value, name, UINT16_MAX, target, err);
}

static int read_icmp_range(json_t *value, const char *name, void *target, struct gw_error *err)
{
	return read_range(value, name, UINT8_MAX, target, err);
}

#define OFFSET(member) offsetof(struct selector_input, member)
#define PORTS          "\"any\", \"opaque\", a whole number from 0 to 65535, or a range \"first-last\""
#define ICMP_RANGE     "\"any\", \"opaque\", a whole number from 0 to 255, or a range \"first-last\""

static const struct gw_field selector_fields[] = {
	{ "source", gw_read_range, OFFSET(selector.source), true,
		.help = "The addresses that the inner packet may come from." },
	{ "destination", gw_read_range, OFFSET(selector.destination), true,
		.help = "The addresses that it may go to, of the same family." },
	{ "protocol", read_protocol, OFFSET(selector.protocol), false,
		"The upper-layer protocol. `opaque`, with IPv6 alone, is one that cannot be seen: "
		"in a "
		"later fragment, or behind headers out of reach.",
		.standard = "\"any\"",
		.type = "\"any\", a name such as \"tcp\", \"udp\", \"icmp\" or \"icmpv6\", "
			"\"opaque\", or a number from 1 to 255" },
	{ "source_port", read_port_range, OFFSET(selector.source_port), false,
		"For protocols with ports. `opaque` matches packets whose ports cannot be seen, or "
		"whose protocol has none; `any` matches these too (RFC 4301 section 4.4.1.1).",
		.standard = "\"any\"", .type = PORTS },
	{ "destination_port", read_port_range, OFFSET(selector.destination_port), false,
		"For protocols with ports.", .standard = "\"any\"", .type = PORTS },
	{ "icmp_type", read_icmp_range, OFFSET(icmp_type), false, "For icmp and icmpv6.",
		.standard = "\"any\"", .type = ICMP_RANGE },
	{ "icmp_code", read_icmp_range, OFFSET(icmp_code), false,
		"For icmp and icmpv6, together with `icmp_type`.", .standard = "\"any\"",
		.type = ICMP_RANGE },
};

const struct gw_field_table gw_selector_fields = {
	"Which traffic a policy is about (RFC 4301 section 4.4.1.1).",
	selector_fields,
	COUNT(selector_fields),
};

static int refuse(struct gw_error *err, const char *name, const char *member, const char *text)
{
	int ret = gw_error_at(err, EINVAL, NULL, member, "%s", text);

	gw_error_within(err, name, -1);
	return ret;
}

// Puts ICMP's type and code where ports would be.
static int merge_icmp(struct selector_input *input, const char *name, struct gw_error *err)
{
	struct gw_selector *selector = &input->selector;

	if (!is_icmp(selector->protocol)) {
		if (!gw_port_range_any(&input->icmp_type))
			return refuse(err, name, "icmp_type",
				"needs protocol \"icmp\" or \"icmpv6\" beside it");
		if (!gw_port_range_any(&input->icmp_code))
			return refuse(err, name, "icmp_code",
				"needs protocol \"icmp\" or \"icmpv6\" beside it");
		return 0;
	}
	if (!gw_port_range_any(&selector->source_port))
		return refuse(
			err, name, "source_port", "ICMP has no ports; use icmp_type and icmp_code");
	if (!gw_port_range_any(&selector->destination_port))
		return refuse(err, name, "destination_port",
			"ICMP has no ports; use icmp_type and icmp_code");
	selector->source_port = input->icmp_type;
	selector->destination_port = input->icmp_code;
	return 0;
}

int gw_read_selector(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct selector_input input;
	int ret;

	memset(&input, 0, sizeof(input));
	ret = gw_fields_read(value, name, selector_fields, COUNT(selector_fields), &input, err);
	if (ret == 0)
		ret = merge_icmp(&input, name, err);
	if (ret == 0)
		memcpy(target, &input.selector, sizeof(input.selector));
	return ret;
}

static bool is_range(const struct gw_range *range)
{
	return (range->first.family == 4 || range->first.family == 6) &&
	       range->first.family == range->last.family &&
	       gw_addr_compare(&range->first, &range->last) <= 0;
}

// Of a packet both can be seen or neither.
static int check_opaque(const struct gw_selector *selector, const char *name, const char *first,
	const char *second, struct gw_error *err)
{
	static const char alone[] = "can be seen when the other, which is \"opaque\", cannot: make "
				    "both opaque, or this one \"any\"";

	if (gw_port_range_opaque(&selector->source_port) &&
		!gw_port_range_takes_opaque(&selector->destination_port))
		return refuse(err, name, second, alone);
	if (gw_port_range_opaque(&selector->destination_port) &&
		!gw_port_range_takes_opaque(&selector->source_port))
		return refuse(err, name, first, alone);
	return 0;
}

static int check_icmp(const struct gw_selector *selector, const char *name, struct gw_error *err)
{
	const struct gw_port_range *type = &selector->source_port;
	const struct gw_port_range *code = &selector->destination_port;
	bool icmpv6 = selector->protocol == ICMPV6;

	if (icmpv6 != (selector->source.first.family == 6))
		return refuse(err, name, "protocol",
			icmpv6 ? "\"icmpv6\" is for IPv6 addresses; use \"icmp\" with IPv4"
			       : "\"icmp\" is for IPv4 addresses; use \"icmpv6\" with IPv6");
	if (!gw_port_range_takes_opaque(type) &&
		(type->first > type->last || type->last > UINT8_MAX))
		return refuse(err, name, "icmp_type", "must lie between 0 and 255");
	if (!gw_port_range_takes_opaque(code) &&
		(code->first > code->last || code->last > UINT8_MAX))
		return refuse(err, name, "icmp_code", "must lie between 0 and 255");
	if (gw_port_range_any(type) && !gw_port_range_any(code))
		return refuse(err, name, "icmp_code",
			"means nothing without icmp_type; give both or neither");
	return check_opaque(selector, name, "icmp_type", "icmp_code", err);
}

static int check_ports(const struct gw_selector *selector, const char *name, struct gw_error *err)
{
	static const char needs[] = "needs a protocol with ports beside it: \"tcp\", \"udp\", "
				    "\"sctp\", \"dccp\" or \"udplite\"";

	if (selector->source_port.first > selector->source_port.last &&
		!gw_port_range_opaque(&selector->source_port))
		return refuse(err, name, "source_port",
			"must be a range whose first is not above its last");
	if (selector->destination_port.first > selector->destination_port.last &&
		!gw_port_range_opaque(&selector->destination_port))
		return refuse(err, name, "destination_port",
			"must be a range whose first is not above its last");
	if (!has_ports(selector->protocol) && !gw_port_range_takes_opaque(&selector->source_port))
		return refuse(err, name, "source_port", needs);
	if (!has_ports(selector->protocol) &&
		!gw_port_range_takes_opaque(&selector->destination_port))
		return refuse(err, name, "destination_port", needs);
	return check_opaque(selector, name, "source_port", "destination_port", err);
}

int gw_selector_check(const struct gw_selector *selector, const char *name, struct gw_error *err)
{
	if (!is_range(&selector->source))
		return refuse(err, name, "source",
			"must be a range of addresses of one family, lowest first");
	if (!is_range(&selector->destination))
		return refuse(err, name, "destination",
			"must be a range of addresses of one family, lowest first");
	if (selector->source.first.family != selector->destination.first.family)
		return refuse(err, name, "destination",
			"and source must be of one family; write a policy for each family");
	if (selector->protocol == GW_PROTOCOL_OPAQUE && selector->source.first.family == 4)
		return refuse(err, name, "protocol",
			"\"opaque\" is for IPv6 addresses: every IPv4 packet tells its protocol");
	if (is_icmp(selector->protocol))
		return check_icmp(selector, name, err);
	return check_ports(selector, name, err);
}

static json_t *write_addresses(const struct gw_range *range)
{
	char text[GW_RANGE_STRLEN];

	return json_string(gw_range_format(range, text));
}

static json_t *write_protocol(uint8_t protocol)
{
	for (size_t i = 0; i < COUNT(protocols); i++)
		if (protocols[i].number == protocol)
			return json_string(protocols[i].name);
	return json_integer(protocol);
}

static json_t *write_range(const struct gw_port_range *range)
{
	char text[12];

	if (gw_port_range_any(range))
		return json_string("any");
	if (gw_port_range_opaque(range))
		return json_string("opaque");
	if (range->first == range->last)
		return json_integer(range->first);
	snprintf(text, sizeof(text), "%" PRIu16 "-%" PRIu16, range->first, range->last);
	return json_string(text);
}

json_t *gw_selector_write(const struct gw_selector *selector)
{
	bool icmp = is_icmp(selector->protocol);
	json_t *object = json_object();
	bool done;

	done = object && gw_json_put(object, "source", write_addresses(&selector->source)) &&
	       gw_json_put(object, "destination", write_addresses(&selector->destination)) &&
	       gw_json_put(object, "protocol", write_protocol(selector->protocol)) &&
	       gw_json_put(object, icmp ? "icmp_type" : "source_port",
		       write_range(&selector->source_port)) &&
	       gw_json_put(object, icmp ? "icmp_code" : "destination_port",
		       write_range(&selector->destination_port));
	if (done)
		return object;
	json_decref(object);
	return NULL;
}

static int compare_ranges(const struct gw_range *a, const struct gw_range *b)
{
	int order = gw_addr_compare(&a->first, &b->first);

	return order ? order : gw_addr_compare(&a->last, &b->last);
}

static int compare_ports(const struct gw_port_range *a, const struct gw_port_range *b)
{
	return a->first != b->first ? a->first - b->first : a->last - b->last;
}

int gw_selector_compare(const struct gw_selector *a, const struct gw_selector *b)
{
	int order = compare_ranges(&a->source, &b->source);

	if (order == 0)
		order = compare_ranges(&a->destination, &b->destination);
	if (order == 0)
		order = a->protocol - b->protocol;
	if (order == 0)
		order = compare_ports(&a->source_port, &b->source_port);
	return order ? order : compare_ports(&a->destination_port, &b->destination_port);
}
