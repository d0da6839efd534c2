// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>

#include <check.h>

// Runs suite in this process (no fork: EAL does not survive one) and returns main's exit code. With
// eal, DPDK is initialised first, in ordinary memory, without root, hugepages, files or devices.
int gw_test_run(Suite *suite, bool eal);
