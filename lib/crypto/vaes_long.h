// Called by: both (vaes.c alone)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "crypto/vaes.h"

// A packet of more than 224 bytes, for CPUs with GW_VAES_FEATURES.
void gw_vaes_long_seal(struct gw_vaes_packet *packet, unsigned int rounds);
void gw_vaes_long_open(struct gw_vaes_packet *packet, unsigned int rounds);
