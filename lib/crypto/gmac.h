// Called by: worker (this room alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "crypto/internal.h"

// The library's calls for AES-GMAC with a key of some length.
struct gw_gmac {
	aes_gmac_init_t init;
	aes_gmac_update_t update;
	aes_gmac_finalize_t finalize;
};

struct gw_gmac gw_gmac_functions(const IMB_MGR *manager, const struct gw_crypto_key *key);
