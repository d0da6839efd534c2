// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Ports as values. route.c has routes and neighbours.

#include "spec/port.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "spec/port_name.h"
#include "spec/reading.h"
#include "spec/tables.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define LEAST_MTU      576  // what every IPv4 host takes (RFC 791)
#define MOST_MTU       9600 // what the larger NICs take
#define LEAST_MTU_IPV6 1280 // RFC 8200 section 5

const char *const gw_side_words[] = { "protected", "unprotected", NULL };
static const char *const rss_words[] = { "auto", "hardware", "software", "off", NULL };

int gw_read_port_name(json_t *value, const char *name, void *target, struct gw_error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	const char *text = json_string_value(value);
	size_t length = text ? strlen(text) : 0;

	// The kernel takes more characters, but not "." and "..", which are directories in sysfs.
	if (length == 0 || length >= GW_PORT_NAME_SIZE || text[strspn(text, allowed)] ||
		strcmp(text, ".") == 0 || strcmp(text, "..") == 0)
		return gw_value_wrong(value, name, err,
			"a name as Linux interfaces have: 1 to %d letters, digits, dots, dashes "
			"and "
			"underscores",
			GW_PORT_NAME_SIZE - 1);
	memcpy(target, text, length + 1);
	return 0;
}

static bool is_hex(const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isxdigit((unsigned char)text[i]))
			return false;
	return true;
}

// "0000:01:00.0", the domain may be missing.
static bool is_pci_address(const char *text)
{
	if (strlen(text) == 12 && is_hex(text, 4) && text[4] == ':')
		text += 5;
	return strlen(text) == 7 && is_hex(text, 2) && text[2] == ':' && is_hex(text + 3, 2) &&
	       text[5] == '.' && text[6] >= '0' && text[6] <= '7';
}

// A DPDK virtual device, "driver0,key=value": printable and without blanks, because EAL takes it as
// one argument.
static bool is_virtual_device(const char *text)
{
	size_t name = strcspn(text, ",");

	if (!isalpha((unsigned char)text[0]) || memchr(text, ':', name))
		return false;
	for (; *text; text++)
		if (!isgraph((unsigned char)*text))
			return false;
	return true;
}

static int read_device(json_t *value, const char *name, void *target, struct gw_error *err)
{
	const char *text = json_string_value(value);

	if (!text || strlen(text) >= GW_DEVICE_SIZE ||
		(!is_pci_address(text) && !is_virtual_device(text)))
		return gw_value_wrong(value, name, err,
			"a PCI address such as \"0000:01:00.0\" or a DPDK virtual device such as "
			"\"net_af_packet0,iface=eth1\", at most %d characters without blanks",
			GW_DEVICE_SIZE - 1);
	memcpy(target, text, strlen(text) + 1);
	return 0;
}

// The target is the whole port.
static int read_port_mac(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_port_spec *spec = target;
	int ret = gw_read_unicast_mac(value, name, spec->mac, err);

	spec->has_mac = ret == 0;
	return ret;
}

int gw_read_unicast_mac(json_t *value, const char *name, void *target, struct gw_error *err)
{
	int ret = gw_read_mac(value, name, target, err);

	if (ret == 0 && !gw_mac_is_unicast(target))
		return gw_value_wrong(value, name, err,
			"the MAC address of one interface, whose first byte is even and which is "
			"not zero");
	return ret;
}

static int read_address(
	json_t *value, const char *name, struct gw_prefix *address, struct gw_error *err)
{
	if (!json_is_string(value) || !strchr(json_string_value(value), '/') ||
		!gw_prefix_parse(json_string_value(value), false, address))
		return gw_value_wrong(value, name, err,
			"an address with its prefix length, such as \"192.0.2.1/24\"");
	if (!gw_addr_is_unicast(&address->addr) || address->length == 0)
		return gw_value_wrong(value, name, err,
			"an address that one host can have, such as \"192.0.2.1/24\"");
	return 0;
}

// The target is the whole port.
static int read_addresses(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_port_spec *spec = target;
	int ret;

	if (!json_is_array(value) || json_array_size(value) > GW_MAX_PORT_ADDRESSES)
		return gw_value_wrong(value, name, err,
			"a list of at most %d addresses such as [\"192.0.2.1/24\"]",
			GW_MAX_PORT_ADDRESSES);
	for (size_t i = 0; i < json_array_size(value); i++) {
		ret = read_address(json_array_get(value, i), NULL, &spec->addresses[i], err);
		if (ret) {
			gw_error_within(err, name, (int)i);
			return ret;
		}
	}
	spec->address_count = (unsigned int)json_array_size(value);
	return 0;
}

#define OFFSET(member) offsetof(struct gw_port_spec, member)

static const struct gw_field port_fields[] = {
	{ "name", gw_read_port_name, OFFSET(name), true, "Its name, which its TAP bears in Linux.",
		.type = "text of 1 to 15 letters, digits, dots, dashes and underscores" },
	{ "device", read_device, OFFSET(device), true,
		"The device behind it: a PCI address such as `0000:01:00.0`, or a DPDK virtual "
		"device "
		"such as `net_af_packet0,iface=eth1`.",
		.type = "a PCI address or a DPDK virtual device with its arguments" },
	{ "side", NULL, OFFSET(side), true,
		"Clear text enters and leaves on the protected side, ESP on the unprotected side.",
		.words = gw_side_words },
	{ "mtu", gw_read_u16, OFFSET(mtu), false,
		"Bytes of the largest IP packet; with an IPv6 address 1280 or more.",
		.standard = "1500", .least = LEAST_MTU, .most = MOST_MTU },
	{ "rx_queues", gw_read_u16, OFFSET(rx_queues), false,
		"Receive queues; 0 for one for each worker, or as many as the device has.",
		.standard = "0", .least = 0, .most = 64 },
	{ "rx_descriptors", gw_read_u16, OFFSET(rx_descriptors), false,
		"Packets that one receive queue holds.", .standard = "1024", .least = 64,
		.most = 16384 },
	{ "tx_descriptors", gw_read_u16, OFFSET(tx_descriptors), false,
		"Packets that one transmit queue holds.", .standard = "1024", .least = 64,
		.most = 16384 },
	{ "rss", NULL, OFFSET(rss), false,
		"How packets are dealt out to workers: by the device, by the worker that receives "
		"them, "
		"or not at all; `auto` takes the device where it can and says so in the log.",
		.standard = "\"auto\"", .words = rss_words },
	{ "mac", read_port_mac, 0, false,
		"The MAC address to set; without it, the device keeps its own.",
		.type = "a MAC address such as \"02:00:00:00:00:01\"" },
	{ "tap", gw_read_bool, OFFSET(tap), false,
		"Whether Linux sees the port as a TAP interface of the same name.",
		.standard = "true" },
	{ "addresses", read_addresses, 0, false,
		"The gateway's own addresses on the port. With a TAP they are best given to that "
		"by "
		"`ip address`.",
		.standard = "[]", .type = "a list of addresses with prefix lengths" },
};

const struct gw_field_table gw_port_fields = {
	"A port of the gateway.",
	port_fields,
	COUNT(port_fields),
};

int gw_port_spec_read(json_t *object, struct gw_port_spec *spec, struct gw_error *err)
{
	int ret;

	memset(spec, 0, sizeof(*spec));
	ret = gw_fields_read(object, NULL, port_fields, COUNT(port_fields), spec, err);
	for (unsigned int i = 0; ret == 0 && i < spec->address_count; i++)
		if (spec->addresses[i].addr.family == 6 && spec->mtu < LEAST_MTU_IPV6)
			ret = gw_error_at(err, EINVAL, NULL, "mtu",
				"is %u, but the port has an IPv6 address; IPv6 needs %d or more "
				"(RFC "
				"8200 section 5)",
				spec->mtu, LEAST_MTU_IPV6);
	return ret;
}

static json_t *write_addresses(const struct gw_port_spec *spec)
{
	char text[GW_ADDR_STRLEN + 4];
	json_t *list = json_array();

	for (unsigned int i = 0; list && i < spec->address_count; i++) {
		gw_prefix_format(&spec->addresses[i], text);
		if (json_array_append_new(list, json_string(text))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static bool put_members(json_t *object, const struct gw_port_spec *spec)
{
	char mac[18];

	return gw_json_put(object, "name", json_string(spec->name)) &&
	       gw_json_put(object, "device", json_string(spec->device)) &&
	       gw_json_put(object, "side", json_string(gw_side_words[spec->side])) &&
	       gw_json_put(object, "mtu", json_integer(spec->mtu)) &&
	       gw_json_put(object, "rx_queues", json_integer(spec->rx_queues)) &&
	       gw_json_put(object, "rx_descriptors", json_integer(spec->rx_descriptors)) &&
	       gw_json_put(object, "tx_descriptors", json_integer(spec->tx_descriptors)) &&
	       gw_json_put(object, "rss", json_string(rss_words[spec->rss])) &&
	       (!spec->has_mac ||
		       gw_json_put(object, "mac", json_string(gw_mac_format(spec->mac, mac)))) &&
	       gw_json_put(object, "tap", json_boolean(spec->tap)) &&
	       gw_json_put(object, "addresses", write_addresses(spec));
}

json_t *gw_port_spec_write(const struct gw_port_spec *spec)
{
	json_t *object = json_object();

	if (object && !put_members(object, spec)) {
		json_decref(object);
		return NULL;
	}
	return object;
}
