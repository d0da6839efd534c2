// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Each candidate seals and opens a burst of packets of three lengths, some times over; the least
// counts, because whatever disturbs a run makes it longer. One that is far behind soon gets
// no other. What the plan's rules had chosen stays unless something is clearly faster, so
// that two starts on one machine agree.

#include "crypto/measure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_malloc.h>

#include "base/log.h"
#include "crypto/internal.h"

#define PACKETS       32u
#define PACKET_BYTES  1536u
#define RUNS          4u
#define CLEARLY(cost) ((cost) - (cost) / 32)

const uint32_t gw_crypto_measured_bytes[GW_CRYPTO_SIZES] = { 64, 512, 1424 };

static_assert(1424 + 8 + 16 + GW_CRYPTO_MAX_ICV_BYTES <= PACKET_BYTES, "the longest fits");

static struct gw_crypto_family families[GW_CRYPTO_MOST_FAMILIES]; // control: rw
static unsigned int family_count;                                 // control: rw

struct rig {
	struct gw_crypto_engine *engine; // for what the ways keep in it; its lanes are not used
	struct gw_crypto_op ops[PACKETS];
	struct gw_crypto_op *sorted[PACKETS];
	uint8_t *packets;
	enum gw_crypto_pin pin;
};

static const struct {
	uint64_t features;
	const char *name;
	enum gw_crypto_path path;
} pins[] = {
	[GW_CRYPTO_PIN_VAES] = { GW_VAES_FEATURES, "vaes", GW_CRYPTO_PATH_COUNT },
	[GW_CRYPTO_PIN_AVX512] = { IMB_CPUFLAGS_AVX512, "avx512", GW_CRYPTO_AVX512 },
	[GW_CRYPTO_PIN_AVX2] = { IMB_CPUFLAGS_AVX2, "avx2", GW_CRYPTO_AVX2 },
	[GW_CRYPTO_PIN_AVX] = { IMB_CPUFLAGS_AVX, "avx", GW_CRYPTO_AVX },
	[GW_CRYPTO_PIN_SSE] = { IMB_CPUFLAGS_SSE, "sse", GW_CRYPTO_SSE },
};

const struct gw_crypto_family *gw_crypto_measured(unsigned int *count)
{
	*count = family_count;
	return families;
}

const char *gw_crypto_choice_name(
	const struct gw_crypto_choice *choice, char *buffer, unsigned int size)
{
	if (choice->way->own)
		snprintf(buffer, size, "%s", choice->way->name);
	else
		snprintf(buffer, size, "%s, %s", choice->way->name,
			gw_crypto_path_name(choice->path));
	return buffer;
}

// --- what there is

static bool is_gcm(const struct gw_crypto_family *family)
{
	return gw_crypto_cipher(family->encryption) == IMB_CIPHER_GCM;
}

// The keys fit one candidate alone.
static bool keys_are_laid_out(const struct gw_crypto_family *family)
{
	return is_gcm(family) || family->encryption == GW_ENCRYPTION_AES_GMAC;
}

// The ways of IPsec-MB that a family has, ended by NULL.
static const struct gw_crypto_way *const *ways_of(const struct gw_crypto_family *family)
{
	static const struct gw_crypto_way *const gcm[] = { &gw_crypto_gcm_direct, NULL };
	static const struct gw_crypto_way *const gmac[] = { &gw_crypto_gmac_direct, NULL };
	static const struct gw_crypto_way *const ccm[] = { &gw_crypto_ccm_job, NULL };
	static const struct gw_crypto_way *const chacha[] = { &gw_crypto_chacha_direct,
		&gw_crypto_chacha_job, NULL };
	static const struct gw_crypto_way *const others[] = { &gw_crypto_cipher_hash_burst, NULL };

	switch (gw_crypto_cipher(family->encryption)) {
	case IMB_CIPHER_GCM:
		return gcm;
	case IMB_CIPHER_CCM:
		return ccm;
	case IMB_CIPHER_CHACHA20_POLY1305:
		return chacha;
	default:
		return family->integrity == GW_INTEGRITY_NONE ? gmac : others;
	}
}

static void add(struct gw_crypto_family *family, const struct gw_crypto_way *way,
	enum gw_crypto_path path, uint64_t features)
{
	if ((gw_crypto_plan_features() & features) != features ||
		family->count == GW_CRYPTO_MOST_CANDIDATES)
		return;
	family->candidates[family->count++].choice = (struct gw_crypto_choice){ way, path };
}

static void find_candidates(struct gw_crypto_family *family, enum gw_crypto_pin pin)
{
	const bool only_ours = pin == GW_CRYPTO_PIN_VAES && is_gcm(family);
	const bool only_theirs = pin > GW_CRYPTO_PIN_VAES;

	family->count = 0;
	if (is_gcm(family) && !only_theirs) {
		add(family, &gw_crypto_gcm_vaes_wide, GW_CRYPTO_AVX2, GW_VAES_WIDE_FEATURES);
		add(family, &gw_crypto_gcm_vaes, GW_CRYPTO_AVX2, GW_VAES_FEATURES);
	}
	// The newest first: it shows how far behind the others are.
	for (int path = GW_CRYPTO_PATH_COUNT - 1; path >= 0 && !only_ours; path--) {
		if (only_theirs && pins[pin].path != (enum gw_crypto_path)path)
			continue;
		for (const struct gw_crypto_way *const *way = ways_of(family); *way; way++)
			add(family, *way, path, gw_crypto_path_features(path));
	}
}

static bool same_family(const struct gw_crypto_family *family, enum gw_encryption_id encryption,
	enum gw_integrity_id integrity)
{
	return family->integrity == integrity &&
	       gw_crypto_cipher(family->encryption) == gw_crypto_cipher(encryption) &&
	       (family->encryption == GW_ENCRYPTION_AES_GMAC) ==
		       (encryption == GW_ENCRYPTION_AES_GMAC);
}

static int find_families(enum gw_crypto_pin pin)
{
	family_count = 0;
	for (int e = 0; e < GW_ENCRYPTION_COUNT; e++) {
		for (int i = 0; i < GW_INTEGRITY_COUNT; i++) {
			unsigned int f = 0;

			if (!gw_crypto_plan_exists(gw_crypto_plan(gw_crypto_class(e, 0, i))))
				continue;
			while (f < family_count && !same_family(&families[f], e, i))
				f++;
			if (f < family_count)
				continue;
			if (f == GW_CRYPTO_MOST_FAMILIES)
				return -ENOMEM;
			families[f] = (struct gw_crypto_family){ .encryption = e, .integrity = i };
			find_candidates(&families[f], pin);
			family_count++;
		}
	}
	return 0;
}

// --- one measurement

static void set_plan(const struct gw_crypto_family *family, const struct gw_crypto_plan *plan)
{
	for (int e = 0; e < GW_ENCRYPTION_COUNT; e++) {
		for (unsigned int k = 0; k < GW_KEY_LENGTHS; k++) {
			unsigned int class = gw_crypto_class(e, k, family->integrity);

			if (same_family(family, e, family->integrity) &&
				gw_crypto_plan_exists(gw_crypto_plan(class)))
				gw_crypto_plan_choose(class, plan);
		}
	}
}

static struct gw_crypto_key *make_key(const struct gw_crypto_family *family,
	const struct gw_crypto_choice *choice, struct gw_error *err)
{
	static const uint8_t zeros[GW_MAX_ENCRYPTION_KEY + GW_MAX_INTEGRITY_KEY];
	const struct gw_encryption *encryption = &gw_encryptions[family->encryption];
	struct gw_crypto_plan plan;

	for (int d = 0; d < GW_CRYPTO_DIRECTIONS; d++)
		for (int s = 0; s < GW_CRYPTO_SIZES; s++)
			plan.choices[d][s] = *choice;
	gw_crypto_plan_choose(gw_crypto_class(family->encryption, 0, family->integrity), &plan);
	return gw_crypto_key_make(
		&(struct gw_crypto_key_spec){
			.encryption = family->encryption,
			.integrity = family->integrity,
			.encryption_key = zeros,
			.encryption_key_bytes = encryption->key_bytes[0] + encryption->salt_bytes,
			.integrity_key = zeros,
			.integrity_key_bytes = gw_integrities[family->integrity].key_bytes,
		},
		err);
}

// Cycles per packet; UINT32_MAX when one failed.
static uint32_t run(struct rig *rig, const struct gw_crypto_choice *choice, bool seal)
{
	IMB_MGR *manager = choice->way->own ? NULL : gw_crypto_manager_shared(choice->path);
	uint64_t start, used;

	for (unsigned int i = 0; i < PACKETS; i++)
		rig->ops[i].status = GW_CRYPTO_FAILED;
	start = rte_rdtsc();
	if (seal)
		choice->way->seal(rig->engine, manager, rig->sorted, PACKETS);
	else
		choice->way->open(rig->engine, manager, rig->sorted, PACKETS);
	used = rte_rdtsc() - start;
	for (unsigned int i = 0; i < PACKETS; i++)
		if (rig->ops[i].status != GW_CRYPTO_OK)
			return UINT32_MAX;
	return used / PACKETS < UINT32_MAX ? used / PACKETS : UINT32_MAX - 1;
}

static uint32_t least_of(const struct gw_crypto_family *family, int direction, int size)
{
	uint32_t least = UINT32_MAX;

	for (unsigned int c = 0; c < family->count; c++)
		if (family->candidates[c].cycles[direction][size])
			least = RTE_MIN(least, family->candidates[c].cycles[direction][size]);
	return least;
}

static void measure_size(struct rig *rig, const struct gw_crypto_family *family,
	struct gw_crypto_candidate *candidate, const struct gw_crypto_key *key, int size)
{
	uint32_t best_seal = least_of(family, GW_CRYPTO_SEAL, size);
	uint32_t best_open = least_of(family, GW_CRYPTO_OPEN, size);
	uint32_t seal = UINT32_MAX, open = UINT32_MAX;

	for (unsigned int i = 0; i < PACKETS; i++) {
		rig->sorted[i] = &rig->ops[i];
		rig->ops[i].key = key;
		rig->ops[i].esp = rig->packets + i * PACKET_BYTES;
		rig->ops[i].payload_bytes = gw_crypto_measured_bytes[size];
	}
	for (unsigned int n = 0; n < RUNS; n++) {
		for (unsigned int i = 0; i < PACKETS; i++)
			rig->ops[i].sequence = 1 + n * PACKETS + i;
		seal = RTE_MIN(seal, run(rig, &candidate->choice, true));
		open = RTE_MIN(open, run(rig, &candidate->choice, false));
		// Twice as slow. A first run says nothing: it fetches code from disk and wakes
		// parts of the CPU, and may take fifty times as long as those behind it.
		if (n > 0 && seal / 2 > best_seal && open / 2 > best_open)
			break;
	}
	candidate->cycles[GW_CRYPTO_SEAL][size] = seal;
	candidate->cycles[GW_CRYPTO_OPEN][size] = open;
}

static int measure_candidate(struct rig *rig, const struct gw_crypto_family *family,
	struct gw_crypto_candidate *candidate, struct gw_error *err)
{
	struct gw_crypto_key *key = make_key(family, &candidate->choice, err);

	if (!key || (!candidate->choice.way->own &&
			    !gw_crypto_manager_shared(candidate->choice.path))) {
		gw_crypto_key_free(key);
		return gw_error_set(err, ENOMEM, "there is no memory to measure cryptography");
	}
	for (int size = 0; size < GW_CRYPTO_SIZES; size++)
		measure_size(rig, family, candidate, key, size);
	gw_crypto_key_free(key);
	return 0;
}

// --- the choice

static bool same_choice(const struct gw_crypto_choice *a, const struct gw_crypto_choice *b)
{
	return a->way == b->way && a->path == b->path;
}

static void choose_each(struct gw_crypto_family *family, const struct gw_crypto_plan *rules)
{
	for (int d = 0; d < GW_CRYPTO_DIRECTIONS; d++) {
		for (int s = 0; s < GW_CRYPTO_SIZES; s++) {
			uint32_t least = least_of(family, d, s);

			for (unsigned int c = 0; c < family->count; c++) {
				const struct gw_crypto_candidate *candidate =
					&family->candidates[c];

				if (candidate->cycles[d][s] == least)
					family->chosen[d][s] = c;
			}
			for (unsigned int c = 0; c < family->count; c++) {
				const struct gw_crypto_candidate *candidate =
					&family->candidates[c];

				if (same_choice(&candidate->choice, &rules->choices[d][s]) &&
					CLEARLY(candidate->cycles[d][s]) <= least)
					family->chosen[d][s] = c;
			}
		}
	}
}

// How a candidate stands over all directions and sizes: the sum of its costs in relation to the
// least, where no size counts for more than another.
static double standing(
	const struct gw_crypto_family *family, const struct gw_crypto_candidate *candidate)
{
	double sum = 0;

	for (int d = 0; d < GW_CRYPTO_DIRECTIONS; d++)
		for (int s = 0; s < GW_CRYPTO_SIZES; s++)
			sum += (double)candidate->cycles[d][s] / least_of(family, d, s);
	return sum;
}

static void choose_one(struct gw_crypto_family *family)
{
	unsigned int best = 0;

	for (unsigned int c = 1; c < family->count; c++)
		if (standing(family, &family->candidates[c]) <
			standing(family, &family->candidates[best]))
			best = c;
	memset(family->chosen, (int)best, sizeof(family->chosen));
}

static int measure_family(struct rig *rig, struct gw_crypto_family *family, struct gw_error *err)
{
	const struct gw_crypto_plan rules =
		*gw_crypto_plan(gw_crypto_class(family->encryption, 0, family->integrity));
	struct gw_crypto_plan plan;

	for (unsigned int c = 0; c < family->count; c++)
		if (measure_candidate(rig, family, &family->candidates[c], err) < 0)
			return -err->code;
	if (keys_are_laid_out(family))
		choose_one(family);
	else
		choose_each(family, &rules);
	for (int d = 0; d < GW_CRYPTO_DIRECTIONS; d++)
		for (int s = 0; s < GW_CRYPTO_SIZES; s++)
			plan.choices[d][s] = family->candidates[family->chosen[d][s]].choice;
	set_plan(family, &plan);
	return 0;
}

static int measure_all(struct rig *rig, struct gw_error *err)
{
	if (find_families(rig->pin) < 0)
		return gw_error_set(err, ENOMEM, "there are more algorithms than can be measured");
	for (unsigned int f = 0; f < family_count; f++)
		if (measure_family(rig, &families[f], err) < 0)
			return -err->code;
	return 0;
}

int gw_crypto_measure(enum gw_crypto_pin pin, struct gw_error *err)
{
	struct rig rig = { .pin = pin };
	const uint64_t features = gw_crypto_plan_features(), start = rte_rdtsc();
	int ret;

	gw_crypto_plan_limit(features);
	family_count = 0;
	if ((features & pins[pin].features) != pins[pin].features)
		return gw_error_set(err, ENOTSUP,
			"crypto.code = \"%s\": this CPU cannot run it; choose \"measured\"",
			pins[pin].name);
	rig.engine = rte_zmalloc("crypto measurement", sizeof(*rig.engine), RTE_CACHE_LINE_SIZE);
	rig.packets =
		rte_zmalloc("crypto measurement", PACKETS * PACKET_BYTES, RTE_CACHE_LINE_SIZE);
	if (rig.engine && rig.packets)
		ret = measure_all(&rig, err);
	else
		ret = gw_error_set(err, ENOMEM, "there is no memory to measure cryptography");
	rte_free(rig.packets);
	rte_free(rig.engine);
	if (ret < 0) {
		family_count = 0;
		gw_crypto_plan_limit(features);
		return ret;
	}
	gw_log_info("cryptography measured in %.1f ms",
		(double)(rte_rdtsc() - start) * 1e3 / (double)rte_get_tsc_hz());
	return 0;
}
