// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>

#include "base/error.h"

// What the process gives up, so that whoever takes it over by a packet finds little. Each can be
// done once and not be taken back.

// No core files, and no other process of the same user reads the memory. Keys are in it.
void gw_confine_memory(void);

// What is touched from now on is never swapped out. 0, or -EPERM with err filled: the process may
// not lock memory, and nothing has changed.
int gw_confine_lock(struct gw_error *err);

// The calling thread, and threads that it starts later, keep those of their capabilities that a
// gateway needs while it runs: for the network, for locked memory, for a socket's group; with
// devices those that drivers of PCI devices ask for as well. No program that is executed ever has
// more. 0 or -errno with err filled.
int gw_confine_capabilities(bool devices, struct gw_error *err);

// No thread executes programs, starts processes, looks into others, mounts, loads modules, or
// changes user or namespace from now on: such system calls fail with EPERM. 0 or -errno with err
// filled; -ENOTSUP where sanitizers are built in, which need them.
int gw_confine_syscalls(struct gw_error *err);
