// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/tcp_record.h"

#include <string.h>

#define KEEPALIVE 0xff // RFC 3948 section 2.3

static enum gw_tcp_record kind_of(const uint8_t *payload, size_t size)
{
	if (size == 1 && payload[0] == KEEPALIVE)
		return GW_TCP_KEEPALIVE;
	if (size < GW_TCP_MARKER_BYTES)
		return GW_TCP_RUNT;
	if (memcmp(payload, "\0\0\0\0", GW_TCP_MARKER_BYTES) != 0)
		return GW_TCP_ESP;
	return size == GW_TCP_MARKER_BYTES ? GW_TCP_RUNT : GW_TCP_IKE;
}

enum gw_tcp_record gw_tcp_record_read(const uint8_t *data, size_t size, size_t *bytes)
{
	*bytes = GW_TCP_LENGTH_BYTES;
	if (size < GW_TCP_LENGTH_BYTES)
		return GW_TCP_MORE;
	*bytes = (size_t)data[0] << 8 | data[1];
	if (*bytes < GW_TCP_LENGTH_BYTES)
		return GW_TCP_BAD;
	if (size < *bytes)
		return GW_TCP_MORE;
	return kind_of(data + GW_TCP_LENGTH_BYTES, *bytes - GW_TCP_LENGTH_BYTES);
}

bool gw_tcp_prefix_fits(const uint8_t *data, size_t size)
{
	return size <= GW_TCP_PREFIX_BYTES && memcmp(data, GW_TCP_PREFIX, size) == 0;
}

bool gw_tcp_length_write(uint8_t field[GW_TCP_LENGTH_BYTES], size_t payload_bytes)
{
	size_t length = payload_bytes + GW_TCP_LENGTH_BYTES;

	if (payload_bytes > GW_TCP_MOST_PAYLOAD)
		return false;
	field[0] = (uint8_t)(length >> 8);
	field[1] = (uint8_t)length;
	return true;
}
