// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "net/ecn.h"

#define DROP -1

// RFC 6040 figure 4.
const int8_t gw_ecn_egress[4][4] = {
	[GW_ECN_NOT_ECT] = {
		[GW_ECN_NOT_ECT] = GW_ECN_NOT_ECT,
		[GW_ECN_ECT_0] = GW_ECN_NOT_ECT,
		[GW_ECN_ECT_1] = GW_ECN_NOT_ECT,
		[GW_ECN_CE] = DROP,
	},
	[GW_ECN_ECT_0] = {
		[GW_ECN_NOT_ECT] = GW_ECN_ECT_0,
		[GW_ECN_ECT_0] = GW_ECN_ECT_0,
		[GW_ECN_ECT_1] = GW_ECN_ECT_1,
		[GW_ECN_CE] = GW_ECN_CE,
	},
	[GW_ECN_ECT_1] = {
		[GW_ECN_NOT_ECT] = GW_ECN_ECT_1,
		[GW_ECN_ECT_0] = GW_ECN_ECT_1,
		[GW_ECN_ECT_1] = GW_ECN_ECT_1,
		[GW_ECN_CE] = GW_ECN_CE,
	},
	[GW_ECN_CE] = {
		[GW_ECN_NOT_ECT] = GW_ECN_CE,
		[GW_ECN_ECT_0] = GW_ECN_CE,
		[GW_ECN_ECT_1] = GW_ECN_CE,
		[GW_ECN_CE] = GW_ECN_CE,
	},
};
