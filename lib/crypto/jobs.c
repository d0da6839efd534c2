// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Jobs one by one through the manager's ring, for algorithms that IPsec-MB 1.3 takes in neither a
// cipher nor a hash burst. The ring is empty before and after: a burst is shorter than it, and is
// flushed to its end, so that no job waits in a lane of the library for packets that may not come.

#include "crypto/internal.h"

static_assert(GW_CRYPTO_BURST < IMB_MAX_JOBS, "a burst fits the ring");

bool gw_crypto_jobs_run(IMB_MGR *manager, const IMB_JOB *jobs, unsigned int count)
{
	unsigned int done = 0;
	IMB_JOB *job;

	for (unsigned int i = 0; i < count; i++) {
		job = IMB_GET_NEXT_JOB(manager);
		*job = jobs[i];
		job = IMB_SUBMIT_JOB_NOCHECK(manager);
		done += job && job->status == IMB_STATUS_COMPLETED;
	}
	while ((job = IMB_FLUSH_JOB(manager)))
		done += job->status == IMB_STATUS_COMPLETED;
	return done == count;
}
