// Called by: espctl
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdio.h>

#include "espctl/grammar.h"

// Help is made from the tables that commands are read by.
void espctl_help_all(FILE *out);
void espctl_help_family(const struct espctl_family *family, FILE *out);
