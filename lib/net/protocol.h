// Called by: both
// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#pragma once

// In place of an upper-layer protocol that cannot be seen (RFC 4301 section 4.4.1.1): a number that
// IANA reserves.
#define GW_PROTOCOL_OPAQUE 255
