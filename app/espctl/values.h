// Called by: espctl
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include "espctl/grammar.h"

// Readers of values. A value is one word where nothing else is said.

espctl_reader espctl_read_text;
espctl_reader espctl_read_number;  // what is no number goes as text, for the daemon to refuse
espctl_reader espctl_read_list;    // words with commas between
espctl_reader espctl_read_numbers; // the same, or several with commas between
espctl_reader espctl_read_switch;  // on, off
espctl_reader espctl_read_choice;  // one of the parameter's choices, as short as may be
espctl_reader espctl_read_ports;   // two numbers: source and destination
espctl_reader espctl_read_tcp;     // accept, or connect and a port
espctl_reader espctl_read_flag;    // no word: the parameter itself says true
espctl_reader espctl_read_json;
espctl_reader espctl_read_encryption; // algorithm, and a key unless the algorithm has none
espctl_reader espctl_read_integrity;  // algorithm and key

extern const char *const espctl_switch_words[];
extern const char *const espctl_encryption_words[];
extern const char *const espctl_integrity_words[];
