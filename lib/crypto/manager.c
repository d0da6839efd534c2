// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "crypto/manager.h"

#include <stddef.h>

#include <rte_common.h>
#include <rte_malloc.h>

#include "base/log.h"
#include "base/secret.h"

static const struct {
	const char *name;
	uint64_t features;
	void (*init)(IMB_MGR *);
} paths[GW_CRYPTO_PATH_COUNT] = {
	[GW_CRYPTO_SSE] = { "SSE", IMB_CPUFLAGS_SSE, init_mb_mgr_sse },
	[GW_CRYPTO_AVX] = { "AVX", IMB_CPUFLAGS_AVX, init_mb_mgr_avx },
	[GW_CRYPTO_AVX2] = { "AVX2", IMB_CPUFLAGS_AVX2, init_mb_mgr_avx2 },
	[GW_CRYPTO_AVX512] = { "AVX512", IMB_CPUFLAGS_AVX512, init_mb_mgr_avx512 },
};

static IMB_MGR *shared[GW_CRYPTO_PATH_COUNT];

const char *gw_crypto_path_name(enum gw_crypto_path path)
{
	return paths[path].name;
}

uint64_t gw_crypto_path_features(enum gw_crypto_path path)
{
	return paths[path].features;
}

IMB_MGR *gw_crypto_manager_new(enum gw_crypto_path path)
{
	const uint64_t missing = paths[path].features & ~imb_get_feature_flags();
	IMB_MGR *manager;
	void *memory;

	if (missing) {
		gw_log_error("this CPU cannot run IPsec-MB's %s code: it lacks features 0x%llx",
			paths[path].name, (unsigned long long)missing);
		return NULL;
	}
	memory = rte_zmalloc("crypto manager", imb_get_mb_mgr_size(), RTE_CACHE_LINE_SIZE);
	if (!memory) {
		gw_log_error("no memory for an IPsec-MB manager of %zu bytes: raise memory.size_mb",
			imb_get_mb_mgr_size());
		return NULL;
	}
	manager = imb_set_pointers_mb_mgr(memory, 0, 1);
	paths[path].init(manager);
	if (imb_get_errno(manager) || ((manager->features & IMB_FEATURE_SELF_TEST) &&
					      !(manager->features & IMB_FEATURE_SELF_TEST_PASS))) {
		gw_log_error("IPsec-MB's %s code fails the library's self-test: %s",
			paths[path].name, imb_get_strerror(imb_get_errno(manager)));
		gw_crypto_manager_free(manager);
		return NULL;
	}
	return manager;
}

void gw_crypto_manager_free(IMB_MGR *manager)
{
	if (!manager)
		return;
	gw_wipe(manager, imb_get_mb_mgr_size());
	rte_free(manager);
}

IMB_MGR *gw_crypto_manager_shared(enum gw_crypto_path path)
{
	if (!shared[path])
		shared[path] = gw_crypto_manager_new(path);
	return shared[path];
}
