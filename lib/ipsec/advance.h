// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "ipsec/sa.h"

// Takes an SA that workers use forward to the state that to tells: sequence, replay_bitmap and what
// was used up of its lifetime. Never back: no number is given out or taken in a second time.
void gw_sa_advance(struct gw_sa *sa, const struct gw_sa_spec *to);
