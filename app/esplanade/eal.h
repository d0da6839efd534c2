// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "base/error.h"
#include "spec/config.h"

// Starts DPDK's environment abstraction layer as the configuration says: memory, devices, one
// thread a worker and this one as the control core. lcore 0 is the control core, lcore 1 + i is
// worker i.
int gateway_eal_start(const struct gw_config *config, struct gw_error *err);

// "0000:01:00.0" or "01:00.0": a PCI device; anything else is a virtual one.
bool gateway_device_is_pci(const char *device);
