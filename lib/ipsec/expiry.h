// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

struct gw_sa;

// SAs in order of the time at which something about them is due: a binary heap. Looking whether
// anything is due costs the same for one SA and for a million.
struct gw_expiry;

struct gw_expiry *gw_expiry_new(void); // NULL when there is no memory
void gw_expiry_free(struct gw_expiry *expiry);

// Puts the SA in, or moves it, to when_ns; UINT64_MAX takes it out. 0 or -ENOMEM, and then it is
// not in.
int gw_expiry_set(struct gw_expiry *expiry, struct gw_sa *sa, uint64_t when_ns);

// Takes out one whose time has come; NULL: there is none.
struct gw_sa *gw_expiry_take(struct gw_expiry *expiry, uint64_t now_ns);
