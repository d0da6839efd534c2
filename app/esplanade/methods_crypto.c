// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/methods.h"

#include "crypto/measure.h"

// Costs of one direction by length; null: the code failed.
static json_t *costs(const struct gw_crypto_candidate *candidate, int direction)
{
	json_t *list = json_array();

	for (int s = 0; s < GW_CRYPTO_SIZES; s++) {
		uint32_t cycles = candidate->cycles[direction][s];

		json_array_append_new(
			list, cycles == UINT32_MAX ? json_null() : json_integer(cycles));
	}
	return list;
}

static json_t *chosen(const struct gw_crypto_family *family, unsigned int candidate, int direction)
{
	json_t *list = json_array();

	for (int s = 0; s < GW_CRYPTO_SIZES; s++)
		json_array_append_new(
			list, json_boolean(family->chosen[direction][s] == candidate));
	return list;
}

static void put_family(json_t *codes, const struct gw_crypto_family *family)
{
	char name[64];

	for (unsigned int c = 0; c < family->count; c++) {
		const struct gw_crypto_candidate *candidate = &family->candidates[c];
		json_t *code =
			json_pack("{s:s}", "encryption", gw_encryptions[family->encryption].name);

		if (family->integrity != GW_INTEGRITY_NONE)
			gateway_put(code, "integrity",
				json_string(gw_integrities[family->integrity].name));
		gateway_put(code, "code",
			json_string(gw_crypto_choice_name(&candidate->choice, name, sizeof(name))));
		gateway_put(code, "seal_cycles", costs(candidate, GW_CRYPTO_SEAL));
		gateway_put(code, "seal_chosen", chosen(family, c, GW_CRYPTO_SEAL));
		gateway_put(code, "open_cycles", costs(candidate, GW_CRYPTO_OPEN));
		gateway_put(code, "open_chosen", chosen(family, c, GW_CRYPTO_OPEN));
		json_array_append_new(codes, code);
	}
}

json_t *gateway_crypto_measured(struct gw_rpc_call *call, json_t *params)
{
	const struct gw_crypto_family *families;
	json_t *bytes, *codes;
	unsigned int count;

	if (!gateway_no_params(call, params))
		return NULL;
	bytes = json_array();
	for (int s = 0; s < GW_CRYPTO_SIZES; s++)
		json_array_append_new(bytes, json_integer(gw_crypto_measured_bytes[s]));
	codes = json_array();
	families = gw_crypto_measured(&count);
	for (unsigned int f = 0; f < count; f++)
		put_family(codes, &families[f]);
	return json_pack("{s:o, s:o}", "payload_bytes", bytes, "codes", codes);
}
