// Called by: espctl
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "espctl/grammar.h"

// One of each family of commands, defined in the file of its name or of its kind; commands.c puts
// them in order.
extern const struct espctl_family espctl_sa, espctl_spi;                       // sa.c
extern const struct espctl_family espctl_policy;                               // policy.c
extern const struct espctl_family espctl_route, espctl_neighbour;              // route.c
extern const struct espctl_family espctl_port;                                 // port.c
extern const struct espctl_family espctl_interface;                            // interface.c
extern const struct espctl_family espctl_tcp;                                  // tcp.c
extern const struct espctl_family espctl_worker, espctl_node, espctl_drops;    // stats.c
extern const struct espctl_family espctl_status, espctl_crypto, espctl_config; // status.c
extern const struct espctl_family espctl_monitor;                              // event.c
extern const struct espctl_family espctl_call, espctl_help, espctl_quit;       // commands.c

#define ESPCTL_COUNT(array) (sizeof(array) / sizeof((array)[0]))

// The commands of a family, for its definition.
#define ESPCTL_COMMANDS(array)   .commands = (array), .command_count = ESPCTL_COUNT(array)
#define ESPCTL_PARAMETERS(array) .parameters = (array), .parameter_count = ESPCTL_COUNT(array)

// Says how many entries a command deleted.
void espctl_print_deleted(const json_t *result, const json_t *options, FILE *out);
