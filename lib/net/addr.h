// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// An IP address. Unused bytes are zero, so addresses compare with memcmp.
struct gw_addr {
	uint8_t family;    // 4 or 6; 0: unset
	uint8_t bytes[16]; // network order; IPv4 uses the first four
};

struct gw_prefix {
	struct gw_addr addr; // host bits are zero
	uint8_t length;      // bits
};

// An inclusive range of addresses of one family.
struct gw_range {
	struct gw_addr first;
	struct gw_addr last;
};

#define GW_ADDR_STRLEN  46
#define GW_RANGE_STRLEN (2 * GW_ADDR_STRLEN + 1)

static inline unsigned int gw_addr_bytes(uint8_t family)
{
	return family == 4 ? 4 : 16;
}

// "192.0.2.1" or "2001:db8::1"; false when text is neither.
bool gw_addr_parse(const char *text, struct gw_addr *addr);
// "192.0.2.0/24", or an address alone as its full length. False on host bits set, when strict;
// otherwise they are kept, as the address of an interface wants it.
bool gw_prefix_parse(const char *text, bool strict, struct gw_prefix *prefix);
// A prefix without host bits, an address, or "first-last" with first <= last.
bool gw_range_parse(const char *text, struct gw_range *range);

// Each returns buffer. An address needs GW_ADDR_STRLEN bytes, a prefix 4 more, a range
// GW_RANGE_STRLEN. A range that is exactly a prefix is written as one.
char *gw_addr_format(const struct gw_addr *addr, char *buffer);
char *gw_prefix_format(const struct gw_prefix *prefix, char *buffer);
char *gw_range_format(const struct gw_range *range, char *buffer);

bool gw_addr_equal(const struct gw_addr *a, const struct gw_addr *b);
// Orders by family, then by bytes: below, at or above zero.
int gw_addr_compare(const struct gw_addr *a, const struct gw_addr *b);
// The prefix's bits alone are compared.
bool gw_prefix_contains(const struct gw_prefix *prefix, const struct gw_addr *addr);
bool gw_range_contains(const struct gw_range *range, const struct gw_addr *addr);

// The fewest prefixes that make up range, lowest first. Returns how many there are, which may be
// more than size: then only size of them were written. At most 62 for IPv4 and 254 for IPv6.
unsigned int gw_range_to_prefixes(
	const struct gw_range *range, struct gw_prefix *prefixes, unsigned int size);
#define GW_RANGE_MAX_PREFIXES 254

// 48-bit Ethernet address, "02:00:00:00:00:01".
bool gw_mac_parse(const char *text, uint8_t mac[6]);
char *gw_mac_format(const uint8_t mac[6], char *buffer); // 18 bytes
