// Called by: control core
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

// Tells the service manager that started the process what has become of it, as sd_notify(3) does:
// "READY=1", "STOPPING=1". 0: told, or nobody wants to know; otherwise -errno, for a log: the
// manager's socket ($NOTIFY_SOCKET) takes nothing.
int gw_notify(const char *state);
