// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What a security association must be, whoever describes it.

#include "spec/sa_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "spec/lifetime_fields.h"
#include "spec/reading.h"
#include "spec/sa.h"
#include "spec/sa_header.h"
#include "spec/selector.h"

#define SMALLEST_WINDOW 32 // RFC 4303 section 3.4.3 asks for no less

static void add_name(char *buffer, size_t size, size_t *used, const char *name, unsigned int i,
	unsigned int last)
{
	const char *before = i == 0 ? "" : i == last ? " or " : ", ";

	if (*used < size)
		*used += snprintf(buffer + *used, size - *used, "%s\"%s\"", before, name);
}

// An AEAD with an implicit IV is no advice for whoever gives keys by hand.
static bool is_listed(int id, bool aead_only)
{
	return !aead_only || (gw_encryptions[id].aead && !gw_encryption_has_implicit_iv(id));
}

const char *gw_encryption_names(bool aead_only, char *buffer, size_t size)
{
	unsigned int last = 0, count = 0;
	size_t used = 0;

	for (int id = 1; id < GW_ENCRYPTION_COUNT; id++)
		last += is_listed(id, aead_only);
	for (int id = 1; id < GW_ENCRYPTION_COUNT; id++)
		if (is_listed(id, aead_only))
			add_name(buffer, size, &used, gw_encryptions[id].name, count++, last - 1);
	return buffer;
}

const char *gw_integrity_names(char *buffer, size_t size)
{
	size_t used = 0;

	for (int id = 1; id < GW_INTEGRITY_COUNT; id++)
		add_name(buffer, size, &used, gw_integrities[id].name, id - 1,
			GW_INTEGRITY_COUNT - 2);
	return buffer;
}

static int check_name(const struct gw_sa_spec *spec, struct gw_error *err)
{
	if (!gw_name_is_valid(spec->name))
		return gw_error_at(err, EINVAL, NULL, "name",
			"must be text of at most %d printable ASCII characters without quotes",
			GW_NAME_SIZE - 1);
	return 0;
}

static int check_kind(const struct gw_sa_spec *spec, struct gw_error *err)
{
	if (spec->direction > GW_DIRECTION_OUT)
		return gw_error_at(err, EINVAL, NULL, "direction", "must be \"in\" or \"out\"");
	if (spec->protocol != GW_PROTOCOL_ESP && spec->protocol != GW_PROTOCOL_AH)
		return gw_error_at(err, EINVAL, NULL, "protocol", "must be \"esp\" or \"ah\"");
	if (spec->mode > GW_MODE_TRANSPORT)
		return gw_error_at(
			err, EINVAL, NULL, "mode", "must be \"tunnel\" or \"transport\"");
	if (spec->spi < GW_FIRST_SPI)
		return gw_error_at(err, EINVAL, NULL, "spi",
			"%" PRIu32 " is reserved (RFC 4303 section 2.1); it must be 256 or more",
			spec->spi);
	if (spec->reqid == 0)
		return gw_error_at(err, EINVAL, NULL, "reqid",
			"0 names no policies; it must be 1 or more, as in the policies it serves");
	if (spec->fragmentation > GW_FRAGMENT_AFTER)
		return gw_error_at(
			err, EINVAL, NULL, "fragmentation", "must be \"before\" or \"after\"");
	if (spec->df > GW_DF_CLEAR)
		return gw_error_at(
			err, EINVAL, NULL, "df", "must be \"copy\", \"set\" or \"clear\"");
	return 0;
}

// Members about an outer header, which transport mode has not.
static int check_mode(const struct gw_sa_spec *spec, struct gw_error *err)
{
	const char *rule = "is about the outer header of a tunnel; leave it out in transport mode";

	if (spec->mode == GW_MODE_TRANSPORT && spec->fragmentation != GW_FRAGMENT_BEFORE)
		return gw_error_at(err, EINVAL, NULL, "fragmentation", "%s", rule);
	if (spec->mode == GW_MODE_TRANSPORT && spec->df != GW_DF_COPY)
		return gw_error_at(err, EINVAL, NULL, "df", "%s", rule);
	return 0;
}

// Behind an inner packet its length tells padding apart; an upper layer's payload has none (RFC
// 4303 section 2.7).
static int check_tfc(const struct gw_sa_spec *spec, struct gw_error *err)
{
	if (spec->tfc == GW_SIZE_OFF)
		return 0;
	if (spec->protocol != GW_PROTOCOL_ESP)
		return gw_error_at(
			err, EINVAL, NULL, "tfc", "is ESP's; AH hides nothing: leave it out");
	if (spec->mode != GW_MODE_TUNNEL)
		return gw_error_at(err, EINVAL, NULL, "tfc",
			"is for tunnel mode alone (RFC 4303 section 2.7); leave it out");
	if (spec->direction != GW_DIRECTION_OUT)
		return gw_error_at(err, EINVAL, NULL, "tfc",
			"belongs to an outbound SA; padding that the peer sends is cut off always");
	return 0;
}

static int check_addresses(const struct gw_sa_spec *spec, struct gw_error *err)
{
	const char *rule = "must be an address that one host can have: not unspecified, loopback, "
			   "multicast or broadcast";

	if (!gw_addr_is_unicast(&spec->source))
		return gw_error_at(err, EINVAL, NULL, "source", "%s", rule);
	if (!gw_addr_is_unicast(&spec->destination))
		return gw_error_at(err, EINVAL, NULL, "destination", "%s", rule);
	if (spec->source.family != spec->destination.family)
		return gw_error_at(err, EINVAL, NULL, "destination",
			"is IPv%d, but source is IPv%d; both must be of one family",
			spec->destination.family, spec->source.family);
	if (gw_addr_equal(&spec->source, &spec->destination))
		return gw_error_at(err, EINVAL, NULL, "destination",
			"is the same as source; it must be the other end of the tunnel");
	return 0;
}

// Inbound, the destination is the gateway, which looks for ESP in UDP on one port alone: the one
// that it shares with IKE (RFC 3948 section 2.1).
static int check_encapsulation(const struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct gw_encapsulation *ports = &spec->encapsulation;

	if (spec->protocol == GW_PROTOCOL_AH && (ports->source_port || ports->destination_port))
		return gw_error_at(err, EINVAL, NULL, "encapsulation",
			"is about ESP: AH covers the addresses that a NAT changes, and RFC 3948 "
			"has no AH in UDP; leave it out");
	if (ports->keepalive > GW_MAX_KEEPALIVE && ports->keepalive != GW_KEEPALIVE_DEFAULT)
		return gw_error_at(err, EINVAL, NULL, "encapsulation.keepalive",
			"must be 0 or at most %d seconds", GW_MAX_KEEPALIVE);
	if (ports->follow_peer && ports->protocol == GW_CARRIER_TCP)
		return gw_error_at(err, EINVAL, NULL, "encapsulation.follow_peer",
			"is about UDP; in TCP packets take the connection that the peer uses "
			"without it: leave it out");
	if (ports->follow_peer && spec->direction != GW_DIRECTION_IN)
		return gw_error_at(err, EINVAL, NULL, "encapsulation.follow_peer",
			"belongs to the inbound SA: only what the peer sends tells where it is");
	if (!ports->source_port != !ports->destination_port)
		return gw_error_at(err, EINVAL, NULL, "encapsulation",
			"must have both ports, or neither where ESP stands bare");
	if (ports->protocol > GW_CARRIER_TCP)
		return gw_error_at(
			err, EINVAL, NULL, "encapsulation.protocol", "must be \"udp\" or \"tcp\"");
	if (ports->connect && !(gw_sa_spec_in_tcp(spec) && spec->direction == GW_DIRECTION_OUT))
		return gw_error_at(err, EINVAL, NULL, "encapsulation.connect",
			"belongs to an outbound SA in TCP; leave it out");
	if (gw_sa_spec_in_tcp(spec) && spec->mode != GW_MODE_TUNNEL)
		return gw_error_at(err, EINVAL, NULL, "encapsulation.protocol",
			"is \"tcp\", which carries no IP header for transport mode to keep: use "
			"tunnel mode");
	if (gw_sa_spec_in_tcp(spec) && spec->inner_dscp != GW_INNER_DSCP_KEEP)
		return gw_error_at(err, EINVAL, NULL, "inner_dscp",
			"must be \"keep\" in TCP, which shows no outer header to take it from");
	if (gw_sa_spec_in_udp(spec) && spec->direction == GW_DIRECTION_IN &&
		ports->destination_port != GW_NAT_T_PORT)
		return gw_error_at(err, EINVAL, NULL, "encapsulation.destination_port",
			"is %u; of an inbound SA it must be %d, the port on which the gateway "
			"takes ESP in UDP",
			ports->destination_port, GW_NAT_T_PORT);
	return 0;
}

static int check_selectors(const struct gw_sa_spec *spec, struct gw_error *err)
{
	return gw_sa_selectors_check(&spec->selectors, err);
}

static int check_lifetime(const struct gw_sa_spec *spec, struct gw_error *err)
{
	return gw_lifetime_check(&spec->lifetime, err);
}

static int check_encryption_key(const struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct gw_encryption *algorithm = &gw_encryptions[spec->encryption];
	unsigned int salt = algorithm->salt_bytes, given = spec->encryption_key_bytes;
	char with_salt[24], without[24];

	if (gw_encryption_key_place(spec->encryption, given) >= 0)
		return 0;
	if (algorithm->key_bytes[0] == 0)
		return gw_error_at(err, EINVAL, NULL, "encryption.key",
			"%s takes no key; leave it out", algorithm->name);
	gw_encryption_key_lengths(spec->encryption, salt, with_salt, sizeof(with_salt));
	if (salt == 0)
		return gw_error_at(err, EINVAL, NULL, "encryption.key",
			"has %u bytes; %s takes a key of %s bytes", given, algorithm->name,
			with_salt);
	return gw_error_at(err, EINVAL, NULL, "encryption.key",
		"has %u bytes; %s takes %s bytes: a key of %s, then the salt of %u", given,
		algorithm->name, with_salt,
		gw_encryption_key_lengths(spec->encryption, 0, without, sizeof(without)), salt);
}

static int check_integrity_missing(const struct gw_sa_spec *spec, struct gw_error *err)
{
	char integrities[200], aeads[200];

	return gw_error_at(err, EINVAL, NULL, "integrity",
		"is missing: %s alone does not stop forgery (RFC 8221 section 2); add integrity "
		"with %s, "
		"or encrypt with %s",
		gw_encryptions[spec->encryption].name,
		gw_integrity_names(integrities, sizeof(integrities)),
		gw_encryption_names(true, aeads, sizeof(aeads)));
}

static int check_integrity_key(const struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct gw_integrity *integrity = &gw_integrities[spec->integrity];

	if (spec->integrity_key_bytes == integrity->key_bytes)
		return 0;
	return gw_error_at(err, EINVAL, NULL, "integrity.key",
		"has %u bytes; %s takes a key of %u bytes", spec->integrity_key_bytes,
		integrity->name, integrity->key_bytes);
}

// RFC 4302 section 3.2: integrity alone.
static int check_ah_algorithms(const struct gw_sa_spec *spec, struct gw_error *err)
{
	const enum gw_encryption_id gmac = GW_ENCRYPTION_AES_GMAC;
	char list[300], lengths[24];

	if (spec->encryption != GW_ENCRYPTION_UNSET && spec->encryption != gmac)
		return gw_error_at(err, EINVAL, NULL, "encryption",
			"AH does not encrypt (RFC 4302); leave encryption out, or use ESP");
	if (spec->integrity < GW_INTEGRITY_NONE || spec->integrity >= GW_INTEGRITY_COUNT ||
		(spec->encryption == gmac) == (spec->integrity != GW_INTEGRITY_NONE))
		return gw_error_at(err, EINVAL, NULL, "integrity",
			"AH needs one integrity algorithm: %s, or \"%s\"",
			gw_integrity_names(list, sizeof(list)), gw_encryptions[gmac].name);
	if (spec->encryption == gmac &&
		gw_encryption_key_place(gmac, spec->encryption_key_bytes) < 0)
		return gw_error_at(err, EINVAL, NULL, "integrity.key",
			"has %u bytes; %s takes %s bytes, the last %u of them the salt",
			spec->encryption_key_bytes, gw_encryptions[gmac].name,
			gw_encryption_key_lengths(
				gmac, gw_encryptions[gmac].salt_bytes, lengths, sizeof(lengths)),
			gw_encryptions[gmac].salt_bytes);
	return check_integrity_key(spec, err);
}

static int check_algorithms(const struct gw_sa_spec *spec, struct gw_error *err)
{
	const struct gw_encryption *encryption;
	char list[300];
	int ret;

	if (spec->protocol == GW_PROTOCOL_AH)
		return check_ah_algorithms(spec, err);
	if (spec->encryption == GW_ENCRYPTION_UNSET)
		return gw_error_at(err, EINVAL, NULL, "encryption", "is missing; ESP needs it: %s",
			gw_encryption_names(false, list, sizeof(list)));
	if (spec->encryption >= GW_ENCRYPTION_COUNT)
		return gw_error_at(err, EINVAL, NULL, "encryption.algorithm", "must be %s",
			gw_encryption_names(false, list, sizeof(list)));
	if (spec->integrity >= GW_INTEGRITY_COUNT)
		return gw_error_at(err, EINVAL, NULL, "integrity.algorithm", "must be %s",
			gw_integrity_names(list, sizeof(list)));
	encryption = &gw_encryptions[spec->encryption];
	ret = check_encryption_key(spec, err);
	if (ret)
		return ret;
	if (encryption->aead && spec->integrity != GW_INTEGRITY_NONE)
		return gw_error_at(err, EINVAL, NULL, "integrity",
			"%s protects integrity itself; leave integrity out", encryption->name);
	if (!encryption->aead && spec->integrity == GW_INTEGRITY_NONE)
		return check_integrity_missing(spec, err);
	return check_integrity_key(spec, err);
}

static int check_inbound(const struct gw_sa_spec *spec, struct gw_error *err)
{
	uint32_t window = spec->replay_window;

	if (window > GW_MAX_REPLAY_WINDOW || (window && window < SMALLEST_WINDOW))
		return gw_error_at(err, EINVAL, NULL, "replay_window",
			"must be 0 or from %d to %d, not %" PRIu32, SMALLEST_WINDOW,
			GW_MAX_REPLAY_WINDOW, window);
	if (spec->esn && window == 0)
		return gw_error_at(err, EINVAL, NULL, "replay_window",
			"extended sequence numbers need the window to tell their upper half; give "
			"%d or "
			"more, or set esn to false",
			SMALLEST_WINDOW);
	if (spec->replay_bitmap_bytes > (window + 7) / 8)
		return gw_error_at(err, EINVAL, NULL, "replay_bitmap",
			"has %" PRIu32 " bytes, but a window of %" PRIu32
			" packets holds at most %" PRIu32,
			spec->replay_bitmap_bytes, window, (window + 7) / 8);
	return 0;
}

static int check_state(const struct gw_sa_spec *spec, struct gw_error *err)
{
	if (!spec->esn && spec->sequence > UINT32_MAX)
		return gw_error_at(err, EINVAL, NULL, "sequence",
			"is above 4294967295, the last number without extended sequence numbers; "
			"set esn to true if the peer uses them");
	if (spec->direction == GW_DIRECTION_IN)
		return check_inbound(spec, err);
	if (spec->replay_bitmap_bytes)
		return gw_error_at(err, EINVAL, NULL, "replay_bitmap",
			"belongs to an inbound SA; leave it out");
	return 0;
}

int gw_sa_spec_check_running(const struct gw_sa_spec *spec, struct gw_error *err)
{
	int (*const checks[])(const struct gw_sa_spec *, struct gw_error *) = {
		check_name,
		check_kind,
		check_mode,
		check_tfc,
		gw_sa_header_check,
		check_addresses,
		check_encapsulation,
	};
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
		ret = checks[i](spec, err);
	return ret;
}

int gw_sa_spec_check(const struct gw_sa_spec *spec, struct gw_error *err)
{
	int (*const checks[])(const struct gw_sa_spec *, struct gw_error *) = {
		gw_sa_spec_check_running,
		check_lifetime,
		check_selectors,
		check_algorithms,
		check_state,
	};
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < sizeof(checks) / sizeof(checks[0]); i++)
		ret = checks[i](spec, err);
	return ret;
}
