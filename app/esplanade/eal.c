// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "esplanade/eal.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_errno.h>

#include "base/log.h"
#include "stats/counters.h"

struct arguments {
	char *values[32 + GW_MAX_EAL_ARGUMENTS + 2 * GW_MAX_PORTS];
	int count;
};

static void __attribute__((format(printf, 2, 3)))
add(struct arguments *arguments, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(&arguments->values[arguments->count], format, args) < 0)
		abort();
	va_end(args);
	arguments->count++;
}

bool gateway_device_is_pci(const char *device)
{
	size_t length = strcspn(device, ",");
	size_t hex = strspn(device, "0123456789abcdefABCDEF:.");

	return hex == length && memchr(device, ':', length) && memchr(device, '.', length);
}

// Free pages of all sizes, in megabytes.
static unsigned long free_huge_megabytes(void)
{
	static const char root[] = "/sys/kernel/mm/hugepages";
	unsigned long megabytes = 0;
	struct dirent *entry;
	DIR *directory = opendir(root);

	while (directory && (entry = readdir(directory))) {
		unsigned long kilobytes, pages = 0;
		char path[512];
		FILE *file;

		if (sscanf(entry->d_name, "hugepages-%lukB", &kilobytes) != 1)
			continue;
		snprintf(path, sizeof(path), "%s/%s/free_hugepages", root, entry->d_name);
		file = fopen(path, "r");
		if (file && fscanf(file, "%lu", &pages) == 1)
			megabytes += pages * kilobytes / 1024;
		if (file)
			fclose(file);
	}
	if (directory)
		closedir(directory);
	return megabytes;
}

static int add_memory(
	struct arguments *arguments, const struct gw_config *config, struct gw_error *err)
{
	unsigned long megabytes;

	add(arguments, "-m");
	add(arguments, "%u", config->memory_mb);
	add(arguments, "--iova-mode=va");
	if (!config->huge) {
		add(arguments, "--no-huge");
		add(arguments, "--no-shconf");
		gw_log_notice(
			"running without hugepages as configured (memory.huge = false): slower, "
			"and only virtual devices work");
		return 0;
	}
	megabytes = free_huge_megabytes();
	if (megabytes < config->memory_mb)
		return gw_error_set(err, ENOMEM,
			"%lu MB of hugepages are free and memory.size_mb asks for %u: run "
			"`scripts/hugepages %u`, or set memory.huge = false",
			megabytes, config->memory_mb, (config->memory_mb + 1) / 2);
	add(arguments, "--in-memory");
	return 0;
}

static void add_devices(struct arguments *arguments, const struct gw_config *config)
{
	bool any_pci = false;

	for (unsigned int i = 0; i < config->port_count; i++) {
		bool pci = gateway_device_is_pci(config->ports[i].device);

		any_pci |= pci;
		add(arguments, pci ? "-a" : "--vdev");
		add(arguments, "%s", config->ports[i].device);
	}
	if (!any_pci)
		add(arguments, "--no-pci");
}

static void add_cores(struct arguments *arguments, const struct gw_config *config)
{
	char text[16 * (GW_MAX_CPUS + 1)];
	int length = snprintf(text, sizeof(text), "0@%u", config->control_cpu);

	for (unsigned int i = 0; i < config->worker_count; i++)
		length += snprintf(text + length, sizeof(text) - (size_t)length, ",%u@%u", i + 1,
			config->worker_cpus[i]);
	add(arguments, "--lcores");
	add(arguments, "%s", text);
	add(arguments, "--main-lcore");
	add(arguments, "0");
}

int gateway_eal_start(const struct gw_config *config, struct gw_error *err)
{
	// EAL keeps pointers to its arguments, so they live as long as the program. It also puts
	// one of them out of its list, which therefore is a copy.
	static struct arguments arguments;
	char *values[RTE_DIM(arguments.values)];
	int rc;

	add(&arguments, "esplanade");
	rc = add_memory(&arguments, config, err);
	if (rc)
		return rc;
	add_cores(&arguments, config);
	add_devices(&arguments, config);
	add(&arguments, "--no-telemetry");
	add(&arguments, "--log-level=5"); // warnings and worse
	for (unsigned int i = 0; i < config->eal_argument_count; i++)
		add(&arguments, "%s", config->eal_arguments[i]);
	memcpy(values, arguments.values, sizeof(values));
	if (rte_eal_init(arguments.count, values) < 0)
		return gw_error_set(err, rte_errno ? rte_errno : EINVAL,
			"DPDK does not start (%s): its own messages above say why; check the "
			"ports' devices, "
			"memory and eal in the configuration",
			rte_strerror(rte_errno));
	return 0;
}
