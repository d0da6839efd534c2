// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Security associations as values: reading and writing. sa_check.c holds the rules.

#include "spec/sa.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/secret.h"
#include "spec/insecure.h"
#include "spec/lifetime_fields.h"
#include "spec/reading.h"
#include "spec/sa_check.h"
#include "spec/sa_header.h"
#include "spec/selector.h"
#include "spec/tables.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *const gw_direction_words[] = { "in", "out", NULL };
static const char *const mode_words[] = { "tunnel", "transport", NULL };
// What GW_SIZE_AUTO is called.
#define TFC_WORD "path_mtu"
#define MSS_WORD "auto"
// What GW_KEEPALIVE_DEFAULT is called.
#define DEFAULT_WORD "default"

static const char *const df_words[] = { "copy", "set", "clear", NULL };
static const char *const carrier_words[] = { "udp", "tcp", NULL };
static const char *const fragmentation_words[] = { "before", "after", NULL };

static const char *const protocol_words[] = { "esp", "ah", NULL };

const char *gw_protocol_word(enum gw_protocol protocol)
{
	return protocol_words[protocol - GW_PROTOCOL_ESP];
}

int gw_read_protocol(json_t *value, const char *name, void *target, struct gw_error *err)
{
	enum gw_protocol protocol;
	int choice, ret;

	ret = gw_read_word(value, name, protocol_words, &choice, err);
	if (ret)
		return ret;
	protocol = GW_PROTOCOL_ESP + choice;
	memcpy(target, &protocol, sizeof(protocol));
	return 0;
}

static int read_encryption_algorithm(
	json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_sa_spec *spec = target;
	const char *insecure = NULL;
	char list[300];

	if (spec->protocol == GW_PROTOCOL_AH)
		return gw_error_at(err, EINVAL, value, name,
			"AH does not encrypt (RFC 4302); leave encryption out, or use ESP");
	if (json_is_string(value)) {
		spec->encryption = gw_encryption_find(json_string_value(value));
		insecure = gw_insecure_encryption(json_string_value(value));
	}
	if (insecure)
		return gw_error_at(
			err, EINVAL, value, name, "%s %s", json_string_value(value), insecure);
	if (spec->encryption == GW_ENCRYPTION_UNSET)
		return gw_value_wrong(
			value, name, err, "%s", gw_encryption_names(false, list, sizeof(list)));
	return 0;
}

static int read_integrity_algorithm(
	json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_sa_spec *spec = target;
	const char *insecure = NULL;
	char list[300];

	if (json_is_string(value)) {
		spec->integrity = gw_integrity_find(json_string_value(value));
		insecure = gw_insecure_integrity(json_string_value(value));
	}
	if (insecure)
		return gw_error_at(
			err, EINVAL, value, name, "%s %s", json_string_value(value), insecure);
	if (spec->integrity != GW_INTEGRITY_NONE)
		return 0;
	gw_integrity_names(list, sizeof(list));
	if (spec->protocol != GW_PROTOCOL_AH)
		return gw_value_wrong(value, name, err, "%s", list);
	if (json_is_string(value) &&
		gw_encryption_find(json_string_value(value)) == GW_ENCRYPTION_AES_GMAC) {
		spec->encryption = GW_ENCRYPTION_AES_GMAC;
		return 0;
	}
	return gw_value_wrong(value, name, err, "%s, or for AH \"%s\"", list,
		gw_encryptions[GW_ENCRYPTION_AES_GMAC].name);
}

// Errors about keys never repeat the value.
static int read_key(json_t *value, const char *name, uint8_t *key, size_t size, uint8_t *bytes,
	struct gw_error *err)
{
	ssize_t length = -EINVAL;

	if (json_is_string(value))
		length = gw_hex_decode(json_string_value(value), key, size);
	if (length == -ENOSPC)
		return gw_error_at(err, EINVAL, value, name,
			"the key has more bytes than any algorithm takes: %zu is the most", size);
	if (length < 0)
		return gw_error_at(err, EINVAL, value, name,
			"must be text of hexadecimal digits, two for each byte of the key");
	*bytes = (uint8_t)length;
	return 0;
}

static int read_encryption_key(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_sa_spec *spec = target;

	return read_key(value, name, spec->encryption_key, sizeof(spec->encryption_key),
		&spec->encryption_key_bytes, err);
}

static int read_integrity_key(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_sa_spec *spec = target;

	if (gw_sa_spec_in_ah_gmac(spec))
		return read_encryption_key(value, name, target, err);
	return read_key(value, name, spec->integrity_key, sizeof(spec->integrity_key),
		&spec->integrity_key_bytes, err);
}

// A size in bytes, or a word for none or for one that follows the path. (uint16_t)
static int read_size(json_t *value, const char *word, const char *name, uint64_t least,
	void *target, struct gw_error *err)
{
	uint16_t *size = target;
	const char *text = json_string_value(value);
	uint64_t number;

	if (text && strcmp(text, "off") == 0) {
		*size = GW_SIZE_OFF;
	} else if (text && strcmp(text, word) == 0) {
		*size = GW_SIZE_AUTO;
	} else if (gw_read_number(value, name, least, GW_SIZE_AUTO - 1, &number, NULL) == 0) {
		*size = (uint16_t)number;
	} else {
		return gw_value_wrong(value, name, err,
			"\"off\", \"%s\" or a whole number from %u to %u", word,
			(unsigned int)least, GW_SIZE_AUTO - 1);
	}
	return 0;
}

static int read_tfc(json_t *value, const char *name, void *target, struct gw_error *err)
{
	return read_size(value, TFC_WORD, name, 1, target, err);
}

static int read_mss_clamp(json_t *value, const char *name, void *target, struct gw_error *err)
{
	return read_size(value, MSS_WORD, name, GW_LEAST_MSS, target, err);
}

static int read_keepalive(json_t *value, const char *name, void *target, struct gw_error *err)
{
	const char *text = json_string_value(value);
	uint16_t *keepalive = target;
	uint64_t seconds;

	if (text && strcmp(text, DEFAULT_WORD) == 0)
		*keepalive = GW_KEEPALIVE_DEFAULT;
	else if (gw_read_number(value, name, 0, GW_MAX_KEEPALIVE, &seconds, NULL) == 0)
		*keepalive = (uint16_t)seconds;
	else
		return gw_value_wrong(value, name, err, "\"%s\" or a whole number from 0 to %d",
			DEFAULT_WORD, GW_MAX_KEEPALIVE);
	return 0;
}

static int read_replay_bitmap(json_t *value, const char *name, void *target, struct gw_error *err)
{
	struct gw_sa_spec *spec = target;
	const char *text;
	ssize_t length;
	size_t room;

	text = gw_value_text(value, name, "text of hexadecimal digits", err);
	if (!text)
		return -EINVAL;
	room = (strlen(text) + 1) / 2;
	if (room == 0)
		return 0;
	if (room > GW_MAX_REPLAY_BITMAP + 1) // "0x" may stand in front
		return gw_error_at(err, EINVAL, value, name,
			"is longer than the largest window: at most %d bytes are right",
			GW_MAX_REPLAY_BITMAP);
	spec->replay_bitmap = calloc(1, room);
	if (!spec->replay_bitmap)
		return gw_error_at(err, ENOMEM, value, name, "there is no memory for it");
	length = gw_hex_decode(text, spec->replay_bitmap, room);
	if (length < 0)
		return gw_error_at(err, EINVAL, value, name,
			"must be hexadecimal digits, two for each byte of the bitmap");
	spec->replay_bitmap_bytes = (uint32_t)length;
	return 0;
}

#define OFFSET(member) offsetof(struct gw_sa_spec, member)

// The targets of these two tables are whole SAs.
static const struct gw_field encryption_fields[] = {
	{ "algorithm", read_encryption_algorithm, 0, true,
		"Its name here or the one that `ip xfrm` uses.",
		.type = "the name of an algorithm" },
	{ "key", read_encryption_key, 0, false,
		"The key, then the salt where the algorithm has one. It is never shown again.",
		.type = "hexadecimal digits, two for each byte" },
};
static const struct gw_field_table encryption_table = {
	"The encryption algorithm of an SA and its key.",
	encryption_fields,
	COUNT(encryption_fields),
};

static const struct gw_field integrity_fields[] = {
	{ "algorithm", read_integrity_algorithm, 0, true,
		"Its name here or the one that `ip xfrm` uses.",
		.type = "the name of an algorithm" },
	{ "key", read_integrity_key, 0, true,
		"The key, for AES-GMAC in AH followed by the salt. It is never shown again.",
		.type = "hexadecimal digits, two for each byte" },
};
static const struct gw_field_table integrity_table = {
	"The integrity algorithm of an SA and its key: needed for AH, which takes `aes-gmac` as "
	"well (RFC 4543), and in ESP beside an encryption algorithm that is not an AEAD; refused "
	"beside one that is (RFC 8221).",
	integrity_fields,
	COUNT(integrity_fields),
};

#define PORT_OFFSET(member) offsetof(struct gw_encapsulation, member)

static const struct gw_field encapsulation_fields[] = {
	{ "protocol", NULL, PORT_OFFSET(protocol), false,
		"What carries ESP: `udp` (RFC 3948), or `tcp` (RFC 9329) for networks that let no "
		"UDP "
		"through. See tcp_encapsulation.",
		.standard = "\"udp\"", .words = carrier_words },
	{ "source_port", gw_read_u16, PORT_OFFSET(source_port), false,
		"Outbound: the UDP source port. Inbound: the one that the peer's packets are "
		"expected from; another is accepted, and an event tells it (`mapping`).",
		.standard = "4500", .least = 1, .most = UINT16_MAX },
	{ "destination_port", gw_read_u16, PORT_OFFSET(destination_port), false,
		"The UDP destination port: the peer's, or what a NAT shows of it; inbound 4500. "
		"With TCP, outbound: the peer's port, where `connect` is set.",
		.standard = "4500", .least = 1, .most = UINT16_MAX },
	{ "keepalive", read_keepalive, PORT_OFFSET(keepalive), false,
		"Outbound: after so many seconds without a packet between these addresses and "
		"ports a keepalive is sent (RFC 3948 section 4), so that a NAT before us goes on "
		"to know them; 0: never; `default`: as `udp_encapsulation.keepalive_seconds` says.",
		.standard = "\"default\"", .type = "\"default\" or a whole number from 0 to 3600" },
	{ "follow_peer", gw_read_bool, PORT_OFFSET(follow_peer), false,
		"Inbound: when the peer sends from another address or port, the outbound SAs of "
		"the same `reqid` that sent to the place before go with it by themselves, as "
		"RFC 7296 section 2.23 lets them; otherwise only an event tells of it "
		"(`mapping`).",
		.standard = "false" },
	{ "connect", gw_read_bool, PORT_OFFSET(connect), false,
		"TCP, outbound: the gateway opens the connection, from the SA's `source` to its "
		"`destination` (it is the TCP originator). Otherwise packets take the connection "
		"that the peer opened.",
		.standard = "false" },
};
static const struct gw_field_table encapsulation_table = {
	"ESP in UDP (RFC 3948), for peers behind a NAT, or in TCP (RFC 9329): the ports. Without "
	"it "
	"ESP stands bare. What comes in another form is dropped.",
	encapsulation_fields,
	COUNT(encapsulation_fields),
};

static const struct gw_field sa_fields[] = {
	{ "name", gw_read_name, OFFSET(name), false, "For people; it identifies nothing.",
		.standard = "\"\"" },
	{ "direction", NULL, OFFSET(direction), true,
		"`out` protects towards the unprotected side, `in` takes from it.",
		.words = gw_direction_words },
	{ "protocol", gw_read_protocol, OFFSET(protocol), false,
		"The security protocol: `esp` encrypts (RFC 4303), `ah` authenticates the outer or "
		"own IP header too and encrypts nothing (RFC 4302).",
		.standard = "\"esp\"", .type = "\"esp\" or \"ah\"" },
	{ "mode", NULL, OFFSET(mode), false,
		"`tunnel` encapsulates whole packets; `transport` (RFC 4301 section 4.1) protects "
		"what is behind the IP header of packets between `source` and `destination` "
		"themselves.",
		.standard = "\"tunnel\"", .words = mode_words },
	{ "spi", gw_read_u32, OFFSET(spi), true,
		"The security parameters index; 0 to 255 are reserved (RFC 4303 section 2.1).",
		.least = GW_FIRST_SPI, .most = UINT32_MAX },
	{ "source", gw_read_addr, OFFSET(source), true,
		.help = "Source address of the outer header." },
	{ "destination", gw_read_addr, OFFSET(destination), true,
		.help = "Destination address of the outer header, of the same family." },
	{ "reqid", gw_read_u32, OFFSET(reqid), true,
		"Which policies the SA serves: those with the same number.", .least = 1,
		.most = UINT32_MAX },
	{ "if_id", gw_read_u32, OFFSET(if_id), false,
		"The tunnel interface whose traffic it carries, with the policies of the same "
		"number; 0 for traffic of no interface.",
		.standard = "0" },
	{ "encryption", NULL, 0, false,
		"The encryption algorithm and its key: always with ESP, never with AH.",
		.table = &encryption_table },
	{ "integrity", NULL, 0, false,
		"The integrity algorithm and its key; not with an AEAD, always with AH.",
		.table = &integrity_table },
	{ "esn", gw_read_bool, OFFSET(esn), false,
		"Extended, 64-bit sequence numbers (RFC 4303 section 2.2.1).",
		.standard = "false" },
	{ "replay_window", gw_read_u32, OFFSET(replay_window), false,
		"Inbound: packets that may arrive out of order, 32 at least; 0 turns replay "
		"protection "
		"off, which `esn` does not allow.",
		.standard = "4096", .least = 0, .most = GW_MAX_REPLAY_WINDOW },
	{ "df", NULL, OFFSET(df), false,
		"Outbound: the don't-fragment bit of an outer IPv4 header (RFC 4301 section 8.1).",
		.standard = "\"copy\"", .words = df_words },
	{ "fragmentation", NULL, OFFSET(fragmentation), false,
		"Outbound, for inner IPv4 packets that are too long for the tunnel and may be "
		"fragmented: cut `before` encryption, or `after` it where the outer header allows "
		"that.",
		.standard = "\"before\"", .words = fragmentation_words },
	{ "dscp", gw_read_dscp, 0, false,
		"Outbound: the DSCP of the outer header; `copy` takes the inner one, a list the "
		"number at the place of the inner one.",
		.standard = "\"copy\"",
		.type = "\"copy\", a whole number from 0 to 63 or a list of 64" },
	{ "inner_dscp", gw_read_inner_dscp, 0, false,
		"Inbound: the DSCP of what comes out of the tunnel; `keep` leaves it (RFC 4301 "
		"section 5.1.2), `copy` takes the outer one, a number sets it, a list has the "
		"number at the place of the outer one.",
		.standard = "\"keep\"",
		.type = "\"keep\", \"copy\", a whole number from 0 to 63 or a list of 64" },
	{ "ecn", NULL, OFFSET(ecn), false,
		"Outbound: `copy` shows the inner packet's congestion marks outside (RFC 6040, "
		"normal mode); `no` hides them from the network (compatibility mode), for a peer "
		"that does not take marks over into the inner packet.",
		.standard = "\"copy\"", .words = gw_ecn_words },
	{ "ttl", gw_read_u8, OFFSET(ttl), false,
		"Outbound: the time to live or hop limit of the outer header.", .standard = "64",
		.least = 1, .most = UINT8_MAX },
	{ "flow_label", gw_read_flow_label, OFFSET(flow_label), false,
		"Outbound: the flow label of an outer IPv6 header; `copy` takes that of an inner "
		"IPv6 packet, which tells its flows apart on the outside.",
		.standard = "0", .type = "\"copy\" or a whole number from 0 to 1048575" },
	{ "tfc", read_tfc, OFFSET(tfc), false,
		"Outbound, in tunnel mode: traffic flow confidentiality (RFC 4303 section 2.7). "
		"Shorter packets are padded to so many bytes, or to as many as the path takes, so "
		"that their lengths tell less.",
		.standard = "\"off\"",
		.type = "\"off\", \"path_mtu\" or a whole number from 1 to 65534" },
	{ "mss_clamp", read_mss_clamp, OFFSET(mss_clamp), false,
		"The most that TCP connections through the SA may offer as maximum segment size: "
		"bytes, or `auto` for what fits into the path. Inbound it limits what hosts here "
		"send, outbound what the peer's hosts do.",
		.standard = "\"off\"",
		.type = "\"off\", \"auto\" or a whole number from 64 to 65534" },
	{ "encapsulation", NULL, OFFSET(encapsulation), false,
		"ESP in UDP (RFC 3948) or TCP (RFC 9329); left out: ESP stands bare.",
		.table = &encapsulation_table },
	{ "lifetime", NULL, OFFSET(lifetime), false,
		"After how much the SA is to be renewed, and when it ends; left out: only when its "
		"sequence numbers or its key are used up.",
		.table = &gw_lifetime_table },
	{ "selectors", gw_read_sa_selectors, OFFSET(selectors), false,
		"Which inner packets the SA carries, of those that its policies cover: any of "
		"these "
		"has to match (RFC 4301 section 4.4.2.1). Left out: all. Of several outbound SAs "
		"of "
		"one reqid the newest carries a packet whose selectors match.",
		.table = &gw_selector_fields, .type = "a list of 1 to 8 selectors" },
	{ "sequence", gw_read_u64, OFFSET(sequence), false,
		"State from an earlier life of the SA. Outbound: the last sequence number used; "
		"inbound: the highest one received.",
		.standard = "0" },
	{ "replay_bitmap", read_replay_bitmap, 0, false,
		"State from an earlier life of the SA, inbound: bit i, the least significant of "
		"the "
		"first byte being bit 0, is set when `sequence` - i was received. Without it, "
		"every "
		"number up to `sequence` counts as received.",
		.type = "hexadecimal digits, two for each byte" },
};

const struct gw_field_table gw_sa_fields = {
	"A security association (RFC 4301 section 4.4.2).",
	sa_fields,
	COUNT(sa_fields),
};

int gw_sa_spec_read(json_t *object, struct gw_sa_spec *spec, struct gw_error *err)
{
	int ret;

	memset(spec, 0, sizeof(*spec));
	ret = gw_fields_read(object, NULL, sa_fields, COUNT(sa_fields), spec, err);
	if (ret == 0)
		ret = gw_sa_spec_check(spec, err);
	if (ret)
		gw_sa_spec_wipe(spec);
	return ret;
}

void gw_sa_spec_copy(struct gw_sa_spec *spec, const struct gw_sa_spec *from)
{
	size_t bytes = gw_sa_spec_bytes(from->selectors.count);

	memcpy(spec, from, bytes);
	memset((uint8_t *)spec + bytes, 0, sizeof(*spec) - bytes);
}

void gw_sa_spec_wipe(struct gw_sa_spec *spec)
{
	free(spec->replay_bitmap);
	gw_wipe(spec, sizeof(*spec));
}

static json_t *write_algorithm(const char *name)
{
	return json_pack("{ss}", "algorithm", name);
}

static json_t *write_spi(uint32_t spi)
{
	char text[11];

	snprintf(text, sizeof(text), "0x%08" PRIx32, spi);
	return json_string(text);
}

static json_t *write_addr(const struct gw_addr *addr)
{
	char text[GW_ADDR_STRLEN];

	return json_string(gw_addr_format(addr, text));
}

static json_t *write_bitmap(const struct gw_sa_spec *spec)
{
	char *text = malloc(2 * (size_t)spec->replay_bitmap_bytes + 1);
	json_t *value;

	if (!text)
		return NULL;
	value = json_string(gw_hex_encode(spec->replay_bitmap, spec->replay_bitmap_bytes, text));
	free(text);
	return value;
}

static json_t *write_size(uint16_t size, const char *word)
{
	return size == GW_SIZE_AUTO ? json_string(word) : json_integer(size);
}

static json_t *write_encapsulation(const struct gw_sa_spec *spec)
{
	const struct gw_encapsulation *carrier = &spec->encapsulation;
	json_t *object = json_pack("{si, si}", "source_port", carrier->source_port,
		"destination_port", carrier->destination_port);

	if (!object)
		return NULL;
	if (gw_sa_spec_in_tcp(spec)) {
		json_object_set_new(object, "protocol", json_string(carrier_words[GW_CARRIER_TCP]));
		json_object_set_new(object, "connect", json_boolean(carrier->connect));
		return object;
	}
	if (spec->direction == GW_DIRECTION_OUT)
		json_object_set_new(object, "keepalive",
			carrier->keepalive == GW_KEEPALIVE_DEFAULT
				? json_string(DEFAULT_WORD)
				: json_integer(carrier->keepalive));
	if (carrier->follow_peer)
		json_object_set_new(object, "follow_peer", json_true());
	return object;
}

static bool put_members(json_t *object, const struct gw_sa_spec *spec)
{
	return gw_json_put(object, "name", json_string(spec->name)) &&
	       gw_json_put(object, "direction", json_string(gw_direction_words[spec->direction])) &&
	       gw_json_put(object, "protocol", json_string(gw_protocol_word(spec->protocol))) &&
	       gw_json_put(object, "mode", json_string(mode_words[spec->mode])) &&
	       gw_json_put(object, "spi", write_spi(spec->spi)) &&
	       gw_json_put(object, "source", write_addr(&spec->source)) &&
	       gw_json_put(object, "destination", write_addr(&spec->destination)) &&
	       gw_json_put(object, "reqid", json_integer(spec->reqid)) &&
	       (!spec->if_id || gw_json_put(object, "if_id", json_integer(spec->if_id))) &&
	       (spec->encryption == GW_ENCRYPTION_UNSET ||
		       gw_json_put(object, gw_sa_spec_in_ah_gmac(spec) ? "integrity" : "encryption",
			       write_algorithm(gw_encryptions[spec->encryption].name))) &&
	       (spec->integrity == GW_INTEGRITY_NONE ||
		       gw_json_put(object, "integrity",
			       write_algorithm(gw_integrities[spec->integrity].name))) &&
	       gw_json_put(object, "esn", json_boolean(spec->esn)) &&
	       gw_json_put(object, "replay_window", json_integer(spec->replay_window)) &&
	       gw_json_put(object, "df", json_string(df_words[spec->df])) &&
	       gw_json_put(object, "fragmentation",
		       json_string(fragmentation_words[spec->fragmentation])) &&
	       gw_sa_header_write(object, spec) &&
	       (spec->tfc == GW_SIZE_OFF ||
		       gw_json_put(object, "tfc", write_size(spec->tfc, TFC_WORD))) &&
	       (spec->mss_clamp == GW_SIZE_OFF ||
		       gw_json_put(object, "mss_clamp", write_size(spec->mss_clamp, MSS_WORD))) &&
	       (!gw_sa_spec_is_encapsulated(spec) ||
		       gw_json_put(object, "encapsulation", write_encapsulation(spec))) &&
	       gw_lifetime_put(object, &spec->lifetime) &&
	       (!spec->selectors.count ||
		       gw_json_put(object, "selectors", gw_sa_selectors_write(&spec->selectors))) &&
	       gw_json_put(object, "sequence", gw_u64_write(spec->sequence)) &&
	       (!spec->replay_bitmap || gw_json_put(object, "replay_bitmap", write_bitmap(spec)));
}

json_t *gw_sa_spec_write(const struct gw_sa_spec *spec)
{
	json_t *object = json_object();

	if (object && !put_members(object, spec)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

#define ID_OFFSET(member) offsetof(struct gw_sa_id, member)

static const struct gw_field id_fields[] = {
	{ "direction", NULL, ID_OFFSET(direction), true, "The SA's direction.",
		.words = gw_direction_words },
	{ "protocol", gw_read_protocol, ID_OFFSET(protocol), false, "The SA's protocol.",
		.standard = "\"esp\"", .type = "\"esp\" or \"ah\"" },
	{ "spi", gw_read_u32, ID_OFFSET(spi), true, "The SA's security parameters index.",
		.least = GW_FIRST_SPI, .most = UINT32_MAX },
	{ "destination", gw_read_addr, ID_OFFSET(destination), true,
		.help = "The SA's outer destination address." },
};

int gw_sa_id_read(json_t *object, struct gw_sa_id *id, struct gw_error *err)
{
	memset(id, 0, sizeof(*id));
	return gw_fields_read(object, NULL, id_fields, COUNT(id_fields), id, err);
}

struct gw_sa_id gw_sa_spec_id(const struct gw_sa_spec *spec)
{
	return (struct gw_sa_id){
		.direction = spec->direction,
		.protocol = spec->protocol,
		.spi = spec->spi,
		.destination = spec->destination,
	};
}

bool gw_sa_id_equal(const struct gw_sa_id *a, const struct gw_sa_id *b)
{
	return a->direction == b->direction && a->protocol == b->protocol && a->spi == b->spi &&
	       gw_addr_equal(&a->destination, &b->destination);
}
