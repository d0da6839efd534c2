// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// What ICMP errors quote. Bit 0 of the first byte: IPv6; bit 1: the checksum is left as it comes,
// else it is made right, so that mutants reach the quote. The rest is the ICMP message. What is
// read has to be what the receiver relies on. conformance: I5

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "net/checksum.h"
#include "net/icmp_quote.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

// The whole packet, in memory of exactly its size.
static uint8_t *make(bool six, bool repair, const uint8_t *message, uint32_t bytes)
{
	uint32_t header = six ? 40 : 20, sum = 0;
	uint8_t *packet = calloc(1, header + bytes + 1);

	packet[0] = six ? 0x60 : 0x45;
	memcpy(packet + header, message, bytes);
	if (repair && bytes >= 8) {
		uint8_t rest[8] = { [2] = (uint8_t)(bytes >> 8), [3] = (uint8_t)bytes, [7] = 58 };
		uint16_t checksum;

		memset(packet + header + 2, 0, 2);
		if (six)
			sum = gw_checksum_add(gw_checksum_add(0, packet + 8, 32), rest, 8);
		checksum = gw_checksum_finish(gw_checksum_add(sum, packet + header, bytes));
		memcpy(packet + header + 2, &checksum, 2);
	}
	return packet;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct gw_icmp_quote quote;
	uint32_t header, bytes;
	uint8_t *packet, *exact;
	bool six;

	if (length < 1 || length > 2000)
		return 0;
	six = data[0] & 1;
	header = six ? 40 : 20;
	bytes = (uint32_t)length - 1;
	packet = make(six, !(data[0] & 2), data + 1, bytes);
	exact = malloc(header + bytes);
	memcpy(exact, packet, header + bytes);
	free(packet);
	if (gw_icmp_quote_read(exact, header, header + bytes, &quote)) {
		require(quote.flow.family == (six ? 6 : 4));
		require(quote.flow.protocol == 50 || quote.flow.protocol == 51 ||
			quote.flow.protocol == 17);
		require(quote.spi != 0);
		require(quote.mtu >= (six ? 1280 : 68) && quote.mtu < UINT16_MAX);
		require(bytes >= 8 + header + 8);
	}
	free(exact);
	return 0;
}
