// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdint.h>

#include "api/rpc.h"

// A small database of numbers 0 to 63 with methods to change and read it, for tests of the control
// socket.
//   number.add {"n": 3}     result n; EEXIST when it is there, EINVAL when it is out of range
//   number.list             result: the committed numbers
//   number.fill {"bytes": n} result: a string of that length
//   number.alone            result: "alone"; refused in a batch
//   number.watch {"kinds": n} subscribes the client
struct toy {
	uint64_t committed;
	uint64_t staged; // committed ones and those of the transaction under way
	unsigned int commits;
	unsigned int aborts;
};

extern const struct gw_rpc_method toy_methods[];
extern const size_t toy_method_count;
