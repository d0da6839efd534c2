// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The TCP encapsulation of IKE and IPsec packets (RFC 9329 section 3) as bytes. A stream begins,
// from the side that opened it, with a prefix; then records follow: a length of two bytes that
// counts itself, and an ESP packet, or an IKE message behind four zero bytes, the non-ESP marker.

#define GW_TCP_PREFIX       "IKETCP" // RFC 9329 section 4, without the zero that C adds
#define GW_TCP_PREFIX_BYTES 6
#define GW_TCP_LENGTH_BYTES 2
#define GW_TCP_MARKER_BYTES 4
#define GW_TCP_MOST_PAYLOAD (UINT16_MAX - GW_TCP_LENGTH_BYTES)

enum gw_tcp_record {
	GW_TCP_MORE,      // the record is not whole yet
	GW_TCP_ESP,       // begins with an SPI that is not zero
	GW_TCP_IKE,       // begins with the marker
	GW_TCP_KEEPALIVE, // one byte 0xff, which has no place in TCP and is ignored
	GW_TCP_RUNT,      // too short to be anything
	GW_TCP_BAD,       // a length that cannot be: there is no way to go on
};

// The record at the front of a stream after the prefix, of which size bytes are there. *bytes is
// how many it has with its length; with GW_TCP_MORE how many there must be before it is worth
// another look.
enum gw_tcp_record gw_tcp_record_read(const uint8_t *data, size_t size, size_t *bytes);

// Of the prefix, size bytes are there, as many as it has or fewer: whether they can be it.
bool gw_tcp_prefix_fits(const uint8_t *data, size_t size);

// The length field of a record with that payload; false when it does not fit.
bool gw_tcp_length_write(uint8_t field[GW_TCP_LENGTH_BYTES], size_t payload_bytes);
