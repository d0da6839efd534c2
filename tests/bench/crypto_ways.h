// Called by: programs that measure
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

// The ways in which IPsec-MB computes ESP's cryptography: each of its calls, under each code path
// ("manager") that this CPU can run, over vectors of packets that lie in buffers of their own and
// have one key.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <intel-ipsec-mb.h>

#define VECTOR       256u // packets that a worker hands over at once
#define BUFFER_BYTES 2048u
#define BURST        64u // jobs given to one burst call

struct algorithm {
	const char *name;
	IMB_CIPHER_MODE cipher;
	IMB_HASH_ALG hash;
	unsigned int key_bytes;
	unsigned int iv_bytes;
	unsigned int block_bytes;
	unsigned int icv_bytes;
};

extern const struct algorithm algorithms[];
extern const size_t algorithm_count;

struct manager {
	const char *name;
	uint64_t features; // which the code path needs
	void (*init)(IMB_MGR *);
};

#define MANAGERS 4
extern const struct manager managers[MANAGERS];

// One algorithm, expanded for one manager, at work on one size in one direction.
struct rig {
	IMB_MGR *mgr;
	const struct algorithm *algorithm;
	bool seal;
	unsigned int payload_bytes;
	DECLARE_ALIGNED(struct gcm_key_data gcm, 64); // the library's type does not align itself
	DECLARE_ALIGNED(struct chacha20_poly1305_context_data chacha, 64);
	uint8_t key[32];
	DECLARE_ALIGNED(uint32_t encrypt[15 * 4], 16);
	DECLARE_ALIGNED(uint32_t decrypt[15 * 4], 16);
	DECLARE_ALIGNED(uint8_t ipad[64], 16);
	DECLARE_ALIGNED(uint8_t opad[64], 16);
	DECLARE_ALIGNED(uint8_t nonce[16], 16);
	uint8_t tags[VECTOR][16];
	uint8_t *packets;
	IMB_JOB jobs[BURST];
};

struct way {
	const char *name;
	bool (*has)(const struct rig *);
	void (*run)(struct rig *); // over one vector
};

#define WAYS 7
extern const struct way ways[WAYS];

// NULL when this CPU lacks what the manager's code needs. packets: VECTOR buffers, each
// BUFFER_BYTES + 64 apart.
struct rig *rig_new(const struct manager *manager, uint8_t *packets);
void rig_free(struct rig *rig);

// Gives the rig an algorithm, with a key.
void rig_expand(struct rig *rig, const struct algorithm *algorithm);
