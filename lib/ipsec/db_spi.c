// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

#include "ipsec/db_private.h"

#include <errno.h>
#include <sys/random.h>

#include <rte_byteorder.h>
#include <rte_common.h>

#include "base/clock.h"

// Allocation of inbound SPIs. They are drawn at random, so that an SPI of a former SA, which the
// peer may still use, does not soon stand for another one.

#define RANDOM_TRIES 64

static bool is_free(struct gw_ipsec_db *db, const struct gw_sad_key *key)
{
	return !gw_spi_book_has(&db->spis, key) && !gw_db_sa_inbound_exists(db, key);
}

// Tries at random first, which succeeds at once unless the range is nearly full, then goes through
// it from a random place. Among as many SPIs as are in use, and one more, there is a free one.
static int pick(struct gw_ipsec_db *db, struct gw_sad_key *key, uint32_t first, uint32_t last)
{
	uint64_t span = (uint64_t)last - first + 1;
	uint64_t used = (uint64_t)db->sa_count.committed + db->pending + db->spis.count;
	uint64_t random;

	for (unsigned int i = 0; i < RANDOM_TRIES; i++) {
		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -EIO;
		key->spi = rte_cpu_to_be_32((uint32_t)(first + random % span));
		if (is_free(db, key))
			return 0;
	}
	for (uint64_t i = 0; i < RTE_MIN(span, used + 1); i++) {
		key->spi = rte_cpu_to_be_32((uint32_t)(first + (random + i) % span));
		if (is_free(db, key))
			return 0;
	}
	return -ENOSPC;
}

int gw_spi_allocate(struct gw_ipsec_db *db, const struct gw_spi_wanted *wanted, uint32_t *spi,
	struct gw_error *err)
{
	const struct gw_addr *destination = &wanted->destination;
	uint32_t first = wanted->first, last = wanted->last;
	struct gw_sad_key key;
	int result;

	if (destination->family != 4 && destination->family != 6)
		return gw_error_set(err, EINVAL, "an SPI is allocated for a destination address");
	if (first < GW_FIRST_SPI || first > last)
		return gw_error_set(err, EINVAL,
			"SPIs 0x%x to 0x%x are no range from 0x%x on, where SPIs begin", first,
			last, GW_FIRST_SPI);
	gw_spi_expire(db);
	gw_sad_key_make(&key, 0, (uint8_t)wanted->protocol, destination);
	result = pick(db, &key, first, last);
	if (result == -ENOSPC)
		return gw_error_set(err, ENOSPC,
			"every SPI from 0x%x to 0x%x is in use or set aside for this destination: "
			"give a wider range",
			first, last);
	if (result == -EIO)
		return gw_error_set(err, EIO, "the kernel gives no random numbers");
	result = gw_spi_book_hold(&db->spis, &key, gw_clock_ns());
	if (result == -ENOSPC)
		return gw_error_set(err, ENOSPC,
			"%u SPIs are set aside and no SA has taken them: try again later",
			db->spis.count);
	if (result != 0)
		return gw_error_set(err, ENOMEM, "no memory to set an SPI aside");
	*spi = rte_be_to_cpu_32(key.spi);
	return 0;
}

bool gw_spi_is_held(const struct gw_ipsec_db *db, const struct gw_sa_id *id)
{
	struct gw_sad_key key;

	gw_sad_key_make(&key, rte_cpu_to_be_32(id->spi), (uint8_t)id->protocol, &id->destination);
	return gw_spi_book_has(&db->spis, &key);
}

bool gw_spi_release(struct gw_ipsec_db *db, const struct gw_sa_id *id)
{
	struct gw_sad_key key;

	gw_sad_key_make(&key, rte_cpu_to_be_32(id->spi), (uint8_t)id->protocol, &id->destination);
	if (!gw_spi_book_has(&db->spis, &key))
		return false;
	gw_spi_book_take(&db->spis, &key);
	return true;
}

void gw_spi_expire(struct gw_ipsec_db *db)
{
	gw_spi_book_expire(&db->spis, gw_clock_ns());
}
