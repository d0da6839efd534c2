// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/methods.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static const struct gw_field fields[] = {
	{ .name = "destination",
		.read = gw_read_addr,
		.offset = offsetof(struct gw_spi_wanted, destination),
		.required = true,
		.help = "The gateway's own outer address, to which the peer will send." },
	{ .name = "protocol",
		.read = gw_read_protocol,
		.offset = offsetof(struct gw_spi_wanted, protocol),
		.standard = "\"esp\"",
		.help = "The protocol of the SA that will take it." },
	{ .name = "first",
		.read = gw_read_u32,
		.offset = offsetof(struct gw_spi_wanted, first),
		.least = GW_FIRST_SPI,
		.most = UINT32_MAX,
		.help = "The lowest SPI that will do." },
	{ .name = "last",
		.read = gw_read_u32,
		.offset = offsetof(struct gw_spi_wanted, last),
		.least = GW_FIRST_SPI,
		.most = UINT32_MAX,
		.help = "The highest SPI that will do." },
};

json_t *gateway_spi_allocate(struct gw_rpc_call *call, json_t *params)
{
	struct gw_spi_wanted wanted = { .first = GW_FIRST_SPI, .last = UINT32_MAX };
	struct gateway *gateway = call->ctx;
	char text[16];
	uint32_t spi;

	if (gw_fields_read(params, NULL, fields, RTE_DIM(fields), &wanted, call->err) != 0)
		return NULL;
	if (wanted.first > wanted.last) {
		gw_error_at(call->err, EINVAL, json_object_get(params, "first"), "first",
			"is %u, above last, which is %u", wanted.first, wanted.last);
		return NULL;
	}
	if (gw_spi_allocate(gateway->ipsec, &wanted, &spi, call->err) != 0)
		return NULL;
	snprintf(text, sizeof(text), "0x%08" PRIx32, spi);
	return json_pack("{s:s}", "spi", text);
}
