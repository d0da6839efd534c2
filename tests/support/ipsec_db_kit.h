// Called by: tests of the ipsec room
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdatomic.h>

#include "ipsec_kit.h"

// One database for the tests of a program, and short words for what is done to it.

#ifndef MAX_SAS
#define MAX_SAS 4
#endif
#define MAX_POLICIES 3

static struct kit_db kit;

static inline void setup(void)
{
	kit_db_open(&kit, MAX_SAS, MAX_POLICIES, NULL, NULL);
}

static inline void teardown(void)
{
	kit_db_close(&kit);
}

static inline int add_sa(struct gw_txn *txn, struct gw_sa_spec spec, struct gw_error *err)
{
	return gw_sa_add(kit.db, txn, &spec, GW_ORIGIN_CONTROL, err);
}

static inline int delete_sa(struct gw_txn *txn, struct gw_sa_spec spec, struct gw_error *err)
{
	struct gw_sa_id id = gw_sa_spec_id(&spec);

	return gw_sa_delete(kit.db, txn, &id, err);
}

static inline struct gw_sa *find_sa(struct gw_sa_spec spec)
{
	struct gw_sa_id id = gw_sa_spec_id(&spec);

	return gw_sa_find(kit.db, &id);
}

static inline int add_policy(struct gw_txn *txn, struct gw_policy_spec spec, struct gw_error *err)
{
	return gw_policy_add(kit.db, txn, &spec, GW_ORIGIN_CONFIG, err);
}

static inline int delete_policy(
	struct gw_txn *txn, struct gw_policy_spec spec, struct gw_error *err)
{
	struct gw_policy_id id = gw_policy_spec_id(&spec);

	return gw_policy_delete(kit.db, txn, &id, err);
}

static inline const struct gw_policy_record *find_policy(struct gw_policy_spec spec)
{
	struct gw_policy_id id = gw_policy_spec_id(&spec);

	return gw_policy_find(kit.db, &id);
}

static inline void commit_sa(struct gw_sa_spec spec)
{
	struct gw_txn *txn = gw_txn_new();
	struct gw_error err = {};

	ck_assert_msg(add_sa(txn, spec, &err) == 0, "%s", err.text);
	gw_txn_commit(txn);
}

static inline void commit_policy(struct gw_policy_spec spec)
{
	struct gw_txn *txn = gw_txn_new();
	struct gw_error err = {};

	ck_assert_msg(add_policy(txn, spec, &err) == 0, "%s", err.text);
	gw_txn_commit(txn);
}

static inline void commit_delete(struct gw_sa_spec spec)
{
	struct gw_txn *txn = gw_txn_new();

	ck_assert_int_eq(delete_sa(txn, spec, NULL), 0);
	gw_txn_commit(txn);
}

static inline const struct gw_sa *newest(struct gw_policy_spec policy)
{
	return atomic_load(&find_policy(policy)->policy->carrier->newest);
}

static inline struct gw_sa_spec in_sa(uint32_t spi)
{
	return kit_sa(GW_DIRECTION_IN, spi, spi);
}

static inline struct gw_sa_spec out_sa(uint32_t spi)
{
	return kit_sa(GW_DIRECTION_OUT, spi, spi);
}

static inline struct gw_sa_spec cbc_sa(uint32_t spi)
{
	struct gw_sa_spec spec = kit_sa(GW_DIRECTION_OUT, spi, 1);

	spec.encryption = GW_ENCRYPTION_AES_CBC;
	spec.encryption_key_bytes = 16;
	spec.integrity = GW_INTEGRITY_HMAC_SHA2_256_128;
	spec.integrity_key_bytes = 32;
	return spec;
}

// The database holds in_sa(0x1000), out_sa(0x1000) and one policy.
static inline void stock(void)
{
	commit_sa(in_sa(0x1000));
	commit_sa(out_sa(0x1000));
	commit_policy(kit_policy(GW_DIRECTION_OUT, 10, 1));
}

static inline struct gw_sa_spec same_in(void)
{
	return kit_sa(GW_DIRECTION_IN, 0x1000, 0x9999);
}

static inline struct gw_sa_spec same_out(void)
{
	return kit_sa(GW_DIRECTION_OUT, 0x1000, 0x9999);
}

static inline struct gw_sa_spec same_key(void)
{
	return kit_sa(GW_DIRECTION_OUT, 0x2000, 0x1000);
}
