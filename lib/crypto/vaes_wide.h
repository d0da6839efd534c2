// Called by: both (vaes.c alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "crypto/vaes.h"

// A packet, the longer the better, for CPUs with GW_VAES_WIDE_FEATURES.
void gw_vaes_wide_seal(struct gw_vaes_packet *packet, unsigned int rounds);
void gw_vaes_wide_open(struct gw_vaes_packet *packet, unsigned int rounds);
