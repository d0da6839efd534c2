// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Configuration files. What is refused has an error that names a line; what is accepted passes
// the checks of its parts.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "spec/fields.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_config(const struct gw_config *config)
{
	require(gw_config_check(config, NULL) == 0);
	require(config->port_count > 0 && config->worker_count > 0);
	for (unsigned int i = 0; i < config->sa_count; i++)
		require(gw_sa_spec_check(&config->sas[i], NULL) == 0);
	for (unsigned int i = 0; i < config->policy_count; i++)
		require(gw_policy_spec_check(&config->policies[i], NULL) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

int LLVMFuzzerInitialize(int *, char ***)
{
	gw_fields_wipe_on_free();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	struct gw_error err = {};
	struct gw_config *config;
	char *text;

	// What other files hold must not decide anything: no inclusion.
	if (length > 65536 || memmem(data, length, "@include", strlen("@include")))
		return 0;
	// Memory of exactly that size, so that a read beyond it is seen.
	text = malloc(length ? length : 1);
	if (length)
		memcpy(text, data, length);
	config = gw_conf_parse_bytes(text, length, "fuzz", &err);
	free(text);
	if (config)
		check_config(config);
	else
		require(err.code > 0 && strncmp(err.text, "fuzz:", 5) == 0 && !err.where[0]);
	gw_config_free(config);
	return 0;
}
