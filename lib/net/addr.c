// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

// Addresses as numbers: 32 or 128 bits, the family's own width.
typedef unsigned __int128 number;

static unsigned int family_bits(uint8_t family)
{
	return gw_addr_bytes(family) * 8;
}

static number addr_number(const struct gw_addr *addr)
{
	number value = 0;

	for (unsigned int i = 0; i < gw_addr_bytes(addr->family); i++)
		value = value << 8 | addr->bytes[i];
	return value;
}

static struct gw_addr number_addr(number value, uint8_t family)
{
	struct gw_addr addr = { .family = family };
	unsigned int bytes = gw_addr_bytes(family);

	for (unsigned int i = 0; i < bytes; i++)
		addr.bytes[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
	return addr;
}

// The lowest `bits` bits.
static number low_mask(unsigned int bits)
{
	return bits >= 128 ? ~(number)0 : ((number)1 << bits) - 1;
}

static number host_mask(const struct gw_prefix *prefix)
{
	return low_mask(family_bits(prefix->addr.family) - prefix->length);
}

bool gw_addr_parse(const char *text, struct gw_addr *addr)
{
	*addr = (struct gw_addr){};
	if (inet_pton(AF_INET, text, addr->bytes) == 1) {
		addr->family = 4;
		return true;
	}
	*addr = (struct gw_addr){};
	if (inet_pton(AF_INET6, text, addr->bytes) == 1) {
		addr->family = 6;
		return true;
	}
	*addr = (struct gw_addr){};
	return false;
}

// A decimal number without sign, blanks or leading zeros.
static bool parse_length(const char *text, unsigned int most, uint8_t *length)
{
	unsigned int value = 0;

	if (!*text || (text[0] == '0' && text[1]))
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (unsigned int)(*text - '0');
		if (value > most)
			return false;
	}
	*length = (uint8_t)value;
	return true;
}

// The text before end as an address.
static bool parse_addr_before(const char *text, const char *end, struct gw_addr *addr)
{
	char buffer[GW_ADDR_STRLEN];
	size_t length = (size_t)(end - text);

	if (length >= sizeof(buffer))
		return false;
	memcpy(buffer, text, length);
	buffer[length] = '\0';
	return gw_addr_parse(buffer, addr);
}

bool gw_prefix_parse(const char *text, bool strict, struct gw_prefix *prefix)
{
	const char *slash = strchr(text, '/');

	*prefix = (struct gw_prefix){};
	if (!slash) {
		if (!gw_addr_parse(text, &prefix->addr))
			return false;
		prefix->length = (uint8_t)family_bits(prefix->addr.family);
		return true;
	}
	if (!parse_addr_before(text, slash, &prefix->addr) ||
		!parse_length(slash + 1, family_bits(prefix->addr.family), &prefix->length))
		return false;
	return !strict || !(addr_number(&prefix->addr) & host_mask(prefix));
}

bool gw_range_parse(const char *text, struct gw_range *range)
{
	const char *dash = strchr(text, '-');
	struct gw_prefix prefix;

	*range = (struct gw_range){};
	if (dash)
		return parse_addr_before(text, dash, &range->first) &&
		       gw_addr_parse(dash + 1, &range->last) &&
		       range->first.family == range->last.family &&
		       gw_addr_compare(&range->first, &range->last) <= 0;
	if (!gw_prefix_parse(text, true, &prefix))
		return false;
	range->first = prefix.addr;
	range->last =
		number_addr(addr_number(&prefix.addr) | host_mask(&prefix), prefix.addr.family);
	return true;
}

char *gw_addr_format(const struct gw_addr *addr, char *buffer)
{
	if (addr->family == 0 || !inet_ntop(addr->family == 4 ? AF_INET : AF_INET6, addr->bytes,
					 buffer, GW_ADDR_STRLEN))
		strcpy(buffer, "unset");
	return buffer;
}

char *gw_prefix_format(const struct gw_prefix *prefix, char *buffer)
{
	gw_addr_format(&prefix->addr, buffer);
	sprintf(buffer + strlen(buffer), "/%u", prefix->length);
	return buffer;
}

char *gw_range_format(const struct gw_range *range, char *buffer)
{
	struct gw_prefix prefix;

	if (gw_range_to_prefixes(range, &prefix, 1) == 1)
		return gw_prefix_format(&prefix, buffer);
	gw_addr_format(&range->first, buffer);
	strcat(buffer, "-");
	gw_addr_format(&range->last, buffer + strlen(buffer));
	return buffer;
}

bool gw_addr_equal(const struct gw_addr *a, const struct gw_addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

int gw_addr_compare(const struct gw_addr *a, const struct gw_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool gw_prefix_contains(const struct gw_prefix *prefix, const struct gw_addr *addr)
{
	return prefix->addr.family == addr->family &&
	       ((addr_number(&prefix->addr) ^ addr_number(addr)) & ~host_mask(prefix)) == 0;
}

bool gw_range_contains(const struct gw_range *range, const struct gw_addr *addr)
{
	return gw_addr_compare(&range->first, addr) <= 0 &&
	       gw_addr_compare(addr, &range->last) <= 0;
}

// Host bits of the largest prefix that begins at first and does not go beyond last.
static unsigned int fitting_bits(number first, number last, unsigned int width)
{
	unsigned int bits = 0;

	while (bits < width && !(first & low_mask(bits + 1)) &&
		(first | low_mask(bits + 1)) <= last)
		bits++;
	return bits;
}

unsigned int gw_range_to_prefixes(
	const struct gw_range *range, struct gw_prefix *prefixes, unsigned int size)
{
	uint8_t family = range->first.family;
	unsigned int width = family_bits(family);
	number first = addr_number(&range->first), last = addr_number(&range->last);
	unsigned int count = 0;

	for (;;) {
		unsigned int bits = fitting_bits(first, last, width);

		if (count < size)
			prefixes[count] = (struct gw_prefix){
				.addr = number_addr(first, family),
				.length = (uint8_t)(width - bits),
			};
		count++;
		first |= low_mask(bits);
		if (first >= last)
			return count;
		first++;
	}
}

bool gw_mac_parse(const char *text, uint8_t mac[6])
{
	char digits[13];
	uint8_t bytes[6];
	unsigned int count = 0;

	if (strlen(text) != 17)
		return false;
	for (unsigned int i = 0; i < 17; i++) {
		if (i % 3 != 2)
			digits[count++] = text[i];
		else if (text[i] != ':')
			return false;
	}
	digits[count] = '\0';
	if (gw_hex_decode(digits, bytes, sizeof(bytes)) != sizeof(bytes))
		return false;
	memcpy(mac, bytes, sizeof(bytes));
	return true;
}

char *gw_mac_format(const uint8_t mac[6], char *buffer)
{
	sprintf(buffer, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
	return buffer;
}
