// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// The choice of code by measuring: whatever the times are, everything is chosen from what the CPU
// has, only what is fastest, and passes the self-test.

#include "crypto/measure.h"

#include <errno.h>

#include "crypto_kit.h"
#include "run.h"

// What the family's candidate costs that is chosen.
static uint32_t cost_of(const struct gw_crypto_family *family, int direction, int size)
{
	return family->candidates[family->chosen[direction][size]].cycles[direction][size];
}

static void check_choice(const struct gw_crypto_family *family, int direction, int size)
{
	const unsigned int class = gw_crypto_class(family->encryption, 0, family->integrity);
	const struct gw_crypto_choice *planned = &gw_crypto_plan(class)->choices[direction][size];
	const struct gw_crypto_choice *chosen =
		&family->candidates[family->chosen[direction][size]].choice;
	const IMB_CIPHER_MODE cipher = gw_crypto_cipher(family->encryption);
	const bool one_for_all =
		cipher == IMB_CIPHER_GCM || family->encryption == GW_ENCRYPTION_AES_GMAC;

	ck_assert_ptr_eq(planned->way, chosen->way);
	ck_assert_int_eq(planned->path, chosen->path);
	for (unsigned int c = 0; c < family->count; c++) {
		uint32_t cycles = family->candidates[c].cycles[direction][size];

		ck_assert_uint_ne(cycles, UINT32_MAX);
		ck_assert_uint_ne(cycles, 0);
		// What the rules name may be a thirty-second slower.
		if (!one_for_all)
			ck_assert_uint_le(
				cost_of(family, direction, size), cycles + cycles / 30 + 1);
	}
	if (one_for_all)
		ck_assert_uint_eq(family->chosen[direction][size], family->chosen[0][0]);
}

static void check_families(void)
{
	const struct gw_crypto_family *families;
	unsigned int count;

	families = gw_crypto_measured(&count);
	ck_assert_uint_gt(count, 0);
	for (unsigned int f = 0; f < count; f++) {
		ck_assert_uint_gt(families[f].count, 0);
		for (int d = 0; d < GW_CRYPTO_DIRECTIONS; d++)
			for (int s = 0; s < GW_CRYPTO_SIZES; s++)
				check_choice(&families[f], d, s);
	}
}

START_TEST(only_the_fastest_is_chosen)
{
	struct gw_error err = {};

	gw_crypto_plan_limit(kit_features[_i]);
	ck_assert_msg(gw_crypto_measure(GW_CRYPTO_PIN_NONE, &err) == 0, "%s", err.text);
	check_families();
	ck_assert_int_eq(gw_crypto_self_test(), 0);
	gw_crypto_plan_limit(UINT64_MAX);
}
END_TEST

// Whether every choice of a plan is of that path, or our own code where own is set.
static bool all_are(const struct gw_crypto_plan *plan, bool own, enum gw_crypto_path path)
{
	for (int d = 0; d < GW_CRYPTO_DIRECTIONS; d++)
		for (int s = 0; s < GW_CRYPTO_SIZES; s++)
			if (plan->choices[d][s].way->own != own ||
				(!own && plan->choices[d][s].path != path))
				return false;
	return true;
}

static const struct {
	enum gw_crypto_pin pin;
	enum gw_crypto_path path;
	uint64_t features;
} pins[] = {
	{ GW_CRYPTO_PIN_SSE, GW_CRYPTO_SSE, IMB_CPUFLAGS_SSE },
	{ GW_CRYPTO_PIN_AVX, GW_CRYPTO_AVX, IMB_CPUFLAGS_AVX },
	{ GW_CRYPTO_PIN_AVX2, GW_CRYPTO_AVX2, IMB_CPUFLAGS_AVX2 },
	{ GW_CRYPTO_PIN_AVX512, GW_CRYPTO_AVX512, IMB_CPUFLAGS_AVX512 },
};

START_TEST(pinned_path_computes_everything)
{
	struct gw_error err = {};

	if ((imb_get_feature_flags() & pins[_i].features) != pins[_i].features)
		return;
	gw_crypto_plan_limit(UINT64_MAX);
	ck_assert_msg(gw_crypto_measure(pins[_i].pin, &err) == 0, "%s", err.text);
	for (unsigned int c = 0; c < GW_CRYPTO_CLASSES; c++)
		ck_assert(!gw_crypto_plan_exists(gw_crypto_plan(c)) ||
			  all_are(gw_crypto_plan(c), false, pins[_i].path));
	ck_assert_int_eq(gw_crypto_self_test(), 0);
	gw_crypto_plan_limit(UINT64_MAX);
}
END_TEST

START_TEST(our_own_code_can_be_pinned)
{
	const unsigned int gcm = gw_crypto_class(GW_ENCRYPTION_AES_GCM_8, 2, GW_INTEGRITY_NONE);
	struct gw_error err = {};

	if ((imb_get_feature_flags() & GW_VAES_FEATURES) != GW_VAES_FEATURES)
		return;
	gw_crypto_plan_limit(UINT64_MAX);
	ck_assert_msg(gw_crypto_measure(GW_CRYPTO_PIN_VAES, &err) == 0, "%s", err.text);
	ck_assert(all_are(gw_crypto_plan(gcm), true, GW_CRYPTO_AVX2));
	check_families();
	ck_assert_int_eq(gw_crypto_self_test(), 0);
	gw_crypto_plan_limit(UINT64_MAX);
}
END_TEST

START_TEST(pin_needs_the_cpu)
{
	struct gw_error err = {};
	unsigned int count;

	gw_crypto_plan_limit(IMB_CPUFLAGS_SSE);
	ck_assert_int_eq(gw_crypto_measure(GW_CRYPTO_PIN_AVX2, &err), -ENOTSUP);
	ck_assert_str_eq(
		err.text, "crypto.code = \"avx2\": this CPU cannot run it; choose \"measured\"");
	gw_crypto_measured(&count);
	ck_assert_uint_eq(count, 0);
	ck_assert_int_eq(gw_crypto_measure(GW_CRYPTO_PIN_VAES, &err), -ENOTSUP);
	gw_crypto_plan_limit(UINT64_MAX);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("crypto_measure");
	TCase *tcase = tcase_create("measure");

	tcase_add_loop_test(tcase, only_the_fastest_is_chosen, 0, RTE_DIM(kit_features));
	tcase_add_loop_test(tcase, pinned_path_computes_everything, 0, RTE_DIM(pins));
	tcase_add_test(tcase, our_own_code_can_be_pinned);
	tcase_add_test(tcase, pin_needs_the_cpu);
	suite_add_tcase(suite, tcase);
	return gw_test_run(suite, true);
}
