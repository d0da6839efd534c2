// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

#include <x86intrin.h>

// Where two workers can get in each other's way, at every place and without waiting for luck: one
// function runs one instruction at a time by the processor's trap flag, and before the n-th one the
// other function runs as a whole, as if another worker had been faster. Neither may depend on what
// a signal handler must not do.

#define INTERLEAVE_TRAP_FLAG 0x100u

static struct {
	unsigned int before; // which instruction
	unsigned int passed;
	void (*inner)(void *context);
	void *context;
	bool done;
} interleave_state;

static inline void interleave_step(int, siginfo_t *, void *machine)
{
	ucontext_t *user = machine;

	if (++interleave_state.passed < interleave_state.before)
		return;
	user->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)INTERLEAVE_TRAP_FLAG;
	interleave_state.inner(interleave_state.context);
	interleave_state.done = true;
}

// Runs outer(context), and inner(context) before its n-th instruction. False when outer ends before
// that: then inner has not run.
static inline bool interleave(
	unsigned int n, void (*outer)(void *context), void (*inner)(void *context), void *context)
{
	struct sigaction action = { .sa_sigaction = interleave_step, .sa_flags = SA_SIGINFO }, old;

	interleave_state.before = n;
	interleave_state.passed = 0;
	interleave_state.inner = inner;
	interleave_state.context = context;
	interleave_state.done = false;
	sigaction(SIGTRAP, &action, &old);
	__writeeflags(__readeflags() | INTERLEAVE_TRAP_FLAG);
	outer(context);
	__writeeflags(__readeflags() & ~(unsigned long long)INTERLEAVE_TRAP_FLAG);
	sigaction(SIGTRAP, &old, NULL);
	return interleave_state.done;
}
