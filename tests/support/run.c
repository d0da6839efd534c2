// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "run.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>

static int eal_start(void)
{
	// EAL does not write into its arguments, it only reorders the array.
	const char *arguments[] = { "test", "--no-huge", "--no-shconf", "--no-pci",
		"--no-telemetry", "-m", "512", "-l", "0", "--log-level", "lib.*:error", NULL };

	return rte_eal_init(
		sizeof(arguments) / sizeof(arguments[0]) - 1, (char **)(uintptr_t)arguments);
}

int gw_test_run(Suite *suite, bool eal)
{
	SRunner *runner;
	int failed;

	if (eal && eal_start() < 0) {
		fprintf(stderr, "DPDK's environment abstraction layer does not start\n");
		return EXIT_FAILURE;
	}
	runner = srunner_create(suite);
	srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	if (eal)
		rte_eal_cleanup();
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
