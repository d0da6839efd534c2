// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "spec/algorithm.h"

#include <stdio.h>
#include <string.h>

const struct gw_encryption gw_encryptions[GW_ENCRYPTION_COUNT] = {
	[GW_ENCRYPTION_UNSET] = { .name = "none", .xfrm_name = "none" },
#define ENCRYPTION(id, name_, xfrm, aead_, key1, key2, key3, salt, iv, block, icv, ...)            \
	[GW_ENCRYPTION_##id] = {                                                                   \
		.name = name_,                                                                     \
		.xfrm_name = xfrm,                                                                 \
		.aead = aead_,                                                                     \
		.key_bytes = { key1, key2, key3 },                                                 \
		.salt_bytes = salt,                                                                \
		.iv_bytes = iv,                                                                    \
		.block_bytes = block,                                                              \
		.icv_bytes = icv,                                                                  \
	},
#define INTEGRITY(...)
#include "spec/algorithm.def"
#undef ENCRYPTION
#undef INTEGRITY
};

const struct gw_integrity gw_integrities[GW_INTEGRITY_COUNT] = {
	[GW_INTEGRITY_NONE] = { .name = "none", .xfrm_name = "none" },
#define ENCRYPTION(...)
#define INTEGRITY(id, name_, xfrm, key, icv, ...)                                                  \
	[GW_INTEGRITY_##id] = {                                                                    \
		.name = name_,                                                                     \
		.xfrm_name = xfrm,                                                                 \
		.key_bytes = key,                                                                  \
		.icv_bytes = icv,                                                                  \
	},
#include "spec/algorithm.def"
#undef ENCRYPTION
#undef INTEGRITY
};

bool gw_encryption_counts_ivs(enum gw_encryption_id id)
{
	return gw_encryptions[id].salt_bytes > 0;
}

bool gw_encryption_has_implicit_iv(enum gw_encryption_id id)
{
	return gw_encryptions[id].salt_bytes > 0 && gw_encryptions[id].iv_bytes == 0;
}

int gw_encryption_key_place(enum gw_encryption_id id, unsigned int bytes)
{
	const struct gw_encryption *row = &gw_encryptions[id];

	// The first length counts even where it is 0: NULL takes an empty key.
	for (int i = 0; i < GW_KEY_LENGTHS && (i == 0 || row->key_bytes[i]); i++)
		if (bytes == (unsigned int)row->key_bytes[i] + row->salt_bytes)
			return i;
	return -1;
}

const char *gw_encryption_key_lengths(
	enum gw_encryption_id id, unsigned int extra, char *buffer, size_t size)
{
	const uint8_t *lengths = gw_encryptions[id].key_bytes;
	size_t used = 0;

	for (int i = 0; i < GW_KEY_LENGTHS && (i == 0 || lengths[i]) && used < size; i++) {
		bool last = i + 1 == GW_KEY_LENGTHS || !lengths[i + 1];

		used += snprintf(buffer + used, size - used, "%s%u",
			i == 0 ? ""
			: last ? " or "
			       : ", ",
			lengths[i] + extra);
	}
	return buffer;
}

enum gw_encryption_id gw_encryption_find(const char *name)
{
	for (int id = GW_ENCRYPTION_UNSET + 1; id < GW_ENCRYPTION_COUNT; id++)
		if (strcmp(name, gw_encryptions[id].name) == 0 ||
			strcmp(name, gw_encryptions[id].xfrm_name) == 0)
			return id;
	return GW_ENCRYPTION_UNSET;
}

enum gw_integrity_id gw_integrity_find(const char *name)
{
	for (int id = GW_INTEGRITY_NONE + 1; id < GW_INTEGRITY_COUNT; id++)
		if (strcmp(name, gw_integrities[id].name) == 0 ||
			strcmp(name, gw_integrities[id].xfrm_name) == 0)
			return id;
	return GW_INTEGRITY_NONE;
}
