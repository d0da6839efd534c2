// Called by: control core (a worker never logs)
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

#include <stdbool.h>

// The program's log: one line a message on standard error, with the priority in front as systemd's
// journal reads it
// ("<4>") when standard error is not a terminal. Never give it a key.
enum gw_log_level {
	GW_LOG_ERROR = 3, // the numbers of syslog(3)
	GW_LOG_WARNING = 4,
	GW_LOG_NOTICE = 5,
	GW_LOG_INFO = 6,
	GW_LOG_DEBUG = 7,
};

void gw_log_set_level(enum gw_log_level level);
bool gw_log_level_parse(const char *name, enum gw_log_level *level);

void gw_log(enum gw_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define gw_log_error(...)   gw_log(GW_LOG_ERROR, __VA_ARGS__)
#define gw_log_warning(...) gw_log(GW_LOG_WARNING, __VA_ARGS__)
#define gw_log_notice(...)  gw_log(GW_LOG_NOTICE, __VA_ARGS__)
#define gw_log_info(...)    gw_log(GW_LOG_INFO, __VA_ARGS__)
#define gw_log_debug(...)   gw_log(GW_LOG_DEBUG, __VA_ARGS__)
