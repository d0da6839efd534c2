// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/sad.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_prefetch.h>
#include <rte_rcu_qsbr.h>

#include "net/addr.h"

// The inbound SAD is one rte_hash that the control core writes and workers read without locks.
//
// A removed key's slot waits in the hash table's own queue until the workers that may be comparing
// with it have passed a quiescent state. Until then it is lost to new keys, so the table has more
// slots than SAs may exist; should they run out all the same, because one transaction replaced very
// many, an insertion waits for the workers once.

struct gw_sad {
	struct rte_hash *hash;
	struct rte_rcu_qsbr *qsbr; // the caller's
};

// Slots that are handed back each time the queue of removed ones is looked at: enough that one
// removal more than pays for itself, few enough that none takes long.
#define RECLAIM_TRIGGER 256
#define RECLAIM_AT_ONCE 1024

static uint32_t hash_key(const void *data, uint32_t, uint32_t initial)
{
	uint64_t words[3];

	memcpy(words, data, sizeof(words));
	return rte_hash_crc_8byte(
		words[2], rte_hash_crc_8byte(words[1], rte_hash_crc_8byte(words[0], initial)));
}

static int compare_keys(const void *a, const void *b, size_t)
{
	uint64_t x[3], y[3];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2])) != 0;
}

static struct rte_hash *make_hash(const char *name, uint32_t slots, struct rte_rcu_qsbr *qsbr)
{
	const struct rte_hash_parameters parameters = {
		.name = name,
		.entries = slots,
		.key_len = sizeof(struct gw_sad_key),
		.hash_func = hash_key,
		.socket_id = SOCKET_ID_ANY,
		.extra_flag =
			RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF | RTE_HASH_EXTRA_FLAGS_EXT_TABLE,
	};
	struct rte_hash_rcu_config rcu = {
		.v = qsbr,
		.mode = RTE_HASH_QSBR_MODE_DQ,
		.trigger_reclaim_limit = RECLAIM_TRIGGER,
		.max_reclaim_size = RECLAIM_AT_ONCE,
	};
	struct rte_hash *hash = rte_hash_create(&parameters);

	if (!hash)
		return NULL;
	rte_hash_set_cmp_func(hash, compare_keys);
	if (rte_hash_rcu_qsbr_add(hash, &rcu) != 0) {
		rte_hash_free(hash);
		return NULL;
	}
	return hash;
}

struct gw_sad *gw_sad_new(
	const char *name, uint32_t size, struct rte_rcu_qsbr *qsbr, struct gw_error *err)
{
	uint64_t slots = (uint64_t)size + size / 4 + 1024;
	struct gw_sad *sad = calloc(1, sizeof(*sad));

	if (!sad) {
		gw_error_set(err, ENOMEM, "no memory for the SAD");
		return NULL;
	}
	sad->qsbr = qsbr;
	if (slots <= RTE_HASH_ENTRIES_MAX)
		sad->hash = make_hash(name, (uint32_t)slots, qsbr);
	if (!sad->hash) {
		gw_error_set(err, ENOMEM,
			"no memory for a SAD of %u security associations: lower limits.sas or "
			"raise "
			"memory.size_mb",
			size);
		free(sad);
		return NULL;
	}
	return sad;
}

void gw_sad_free(struct gw_sad *sad)
{
	if (!sad)
		return;
	rte_hash_free(sad->hash);
	free(sad);
}

int gw_sad_insert(struct gw_sad *sad, const struct gw_sad_key *key, struct gw_sa *sa)
{
	int result = rte_hash_add_key_data(sad->hash, key, sa);

	if (result == -ENOSPC) {
		// After the grace period the hash table takes back removed slots by itself.
		rte_rcu_qsbr_synchronize(sad->qsbr, RTE_QSBR_THRID_INVALID);
		result = rte_hash_add_key_data(sad->hash, key, sa);
	}
	return result;
}

void gw_sad_remove(struct gw_sad *sad, const struct gw_sad_key *key)
{
	rte_hash_del_key(sad->hash, key);
}

void gw_sad_key_make(
	struct gw_sad_key *key, rte_be32_t spi, uint8_t protocol, const struct gw_addr *destination)
{
	*key = (struct gw_sad_key){
		.spi = spi,
		.family = destination->family,
		.protocol = protocol,
	};
	memcpy(key->destination, destination->bytes, gw_addr_bytes(destination->family));
}

static void lookup_chunk(const struct gw_sad *sad, const struct gw_sad_key *keys,
	unsigned int count, struct gw_sa **sas)
{
	const void *pointers[RTE_HASH_LOOKUP_BULK_MAX];
	uint64_t hits = 0;

	for (unsigned int i = 0; i < count; i++)
		pointers[i] = &keys[i];
	rte_hash_lookup_bulk_data(sad->hash, pointers, count, &hits, (void **)sas);
	for (unsigned int i = 0; i < count; i++) {
		if (hits & UINT64_C(1) << i)
			rte_prefetch0(sas[i]);
		else
			sas[i] = NULL;
	}
}

// By now the first lines have arrived, which say where the rest is.
static void prefetch_rest(struct gw_sa **sas, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		if (!sas[i])
			continue;
		rte_prefetch0(sas[i]->key);
		rte_prefetch0(sas[i]->replay);
	}
}

void gw_sad_lookup(const struct gw_sad *sad, const struct gw_sad_key *keys, unsigned int count,
	struct gw_sa **sas)
{
	for (unsigned int i = 0; i < count; i += RTE_HASH_LOOKUP_BULK_MAX)
		lookup_chunk(
			sad, keys + i, RTE_MIN(count - i, RTE_HASH_LOOKUP_BULK_MAX + 0u), sas + i);
	prefetch_rest(sas, count);
}
