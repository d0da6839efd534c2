// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include <intel-ipsec-mb.h>

// IPsec-MB's managers. A manager is one code path of the library with the memory it works in, used
// by one thread alone. The library's own choice of code path is not always the fastest one, so each
// is asked for by name.

enum gw_crypto_path {
	GW_CRYPTO_SSE,
	GW_CRYPTO_AVX,
	GW_CRYPTO_AVX2,
	GW_CRYPTO_AVX512,
	GW_CRYPTO_PATH_COUNT,
};

const char *gw_crypto_path_name(enum gw_crypto_path path);
// The features a CPU must have for it: bits of imb_get_feature_flags().
uint64_t gw_crypto_path_features(enum gw_crypto_path path);

// NULL when there is no memory, the CPU cannot run the path or the library's own self-test failed;
// the reason is logged.
IMB_MGR *gw_crypto_manager_new(enum gw_crypto_path path);
// Wipes what it worked on. NULL is allowed.
void gw_crypto_manager_free(IMB_MGR *manager);

// The control core's own manager of a path, for the expansion of keys; made when first asked for
// and kept.
IMB_MGR *gw_crypto_manager_shared(enum gw_crypto_path path);
