// SPDX-License-Identifier: BSD-3-Clause
// SPDX-FileCopyrightText: 2026 The Esplanade authors

// Numbered UDP packets between two namespaces, every one of which has to arrive. The two ends share
// a file, by which the sender knows what has come: it never has more under way than queues between
// the two hold, so that a busy machine makes it slower and loses nothing.
//
// usage: flood receive FILE PORT
//        flood send FILE ADDRESS PORT PACKETS-A-SECOND SECONDS
// The receiver ends when all have come, or none comes any more, and prints: sent received twice. It
// fails where these are not as they should be.

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define WINDOW     256 // packets under way
#define BATCH      32
#define BYTES      64
#define MOST       (UINT64_C(1) << 26)
#define BUFFER     (8 << 20)
#define NS         UINT64_C(1000000000)
#define STALLED_NS (2 * NS)  // after so long what is under way has been lost
#define QUIET_NS   (10 * NS) // and nothing comes any more

struct shared {
	_Atomic bool receives;
	_Atomic uint64_t next; // one more than the highest number that has come; receiver: wo
	_Atomic uint64_t sent; // when all have been; 0: not yet. sender: wo
};

static void die(const char *what)
{
	perror(what);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * NS + (uint64_t)time.tv_nsec;
}

static void rest(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 200000 }, NULL);
}

static struct shared *share(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	struct shared *shared;

	if (fd < 0 || ftruncate(fd, sizeof(*shared)) != 0)
		die(path);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED)
		die(path);
	close(fd);
	return shared;
}

static int udp(
	const char *address, const char *port, int (*join)(int, const struct sockaddr *, socklen_t))
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = BUFFER;

	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) != 0 ||
		join(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		die("socket");
	return fd;
}

struct batch {
	uint64_t packets[BATCH][BYTES / sizeof(uint64_t)];
	struct iovec vectors[BATCH];
	struct mmsghdr messages[BATCH];
};

static void batch_init(struct batch *batch)
{
	memset(batch, 0, sizeof(*batch));
	for (unsigned int i = 0; i < BATCH; i++) {
		batch->vectors[i] = (struct iovec){ batch->packets[i], BYTES };
		batch->messages[i].msg_hdr.msg_iov = &batch->vectors[i];
		batch->messages[i].msg_hdr.msg_iovlen = 1;
	}
}

// How many may be sent now: the least of what the rate, the window and a batch allow.
static unsigned int allowed(
	const struct shared *shared, uint64_t due, uint64_t sent, uint64_t moved_ns, uint64_t now)
{
	uint64_t under_way = sent - atomic_load_explicit(&shared->next, memory_order_relaxed);
	uint64_t count = due > sent ? due - sent : 0;

	if (now - moved_ns > STALLED_NS)
		under_way = 0;
	if (count > BATCH)
		count = BATCH;
	if (under_way + count > WINDOW)
		count = under_way < WINDOW ? WINDOW - under_way : 0;
	return (unsigned int)count;
}

static void wait_for_receiver(const struct shared *shared)
{
	uint64_t start = now_ns();

	while (!atomic_load_explicit(&shared->receives, memory_order_acquire)) {
		if (now_ns() - start > QUIET_NS) {
			fprintf(stderr, "nobody receives\n");
			exit(2);
		}
		rest();
	}
}

static int flood_send(struct shared *shared, int fd, uint64_t rate, uint64_t seconds)
{
	uint64_t sent = 0, skipped = 0, seen = 0, start, moved_ns;
	struct batch batch;

	batch_init(&batch);
	wait_for_receiver(shared);
	start = moved_ns = now_ns();
	while (now_ns() - start < seconds * NS && sent + BATCH < MOST) {
		uint64_t now = now_ns(), due = (now - start) * rate / NS - skipped;
		uint64_t next = atomic_load_explicit(&shared->next, memory_order_relaxed);
		unsigned int count;
		int done;

		if (next != seen)
			moved_ns = now;
		seen = next;
		// What could not be sent in time is not sent later on top.
		if (due > sent + rate / 100 + BATCH) {
			skipped += due - sent - rate / 100 - BATCH;
			due = sent + rate / 100 + BATCH;
		}
		count = allowed(shared, due, sent, moved_ns, now);
		if (count == 0) {
			rest();
			continue;
		}
		for (unsigned int i = 0; i < count; i++)
			batch.packets[i][0] = sent + i;
		done = sendmmsg(fd, batch.messages, count, 0);
		if (done < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			die("send");
		sent += done > 0 ? (unsigned int)done : 0;
	}
	atomic_store_explicit(&shared->sent, sent, memory_order_release);
	printf("%" PRIu64 " a second\n", sent * NS / (now_ns() - start));
	return 0;
}

static int judge(uint64_t sent, uint64_t received, uint64_t twice, const uint8_t *seen)
{
	unsigned int told = 0;

	printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", sent, received, twice);
	for (uint64_t number = 0; number < sent && told < 20; number++)
		if (!(seen[number / 8] >> number % 8 & 1)) {
			fprintf(stderr, "number %" PRIu64 " is missing\n", number);
			told++;
		}
	return sent == 0 || received != sent || twice != 0;
}

static int flood_receive(struct shared *shared, int fd)
{
	uint64_t received = 0, twice = 0, sent = 0, last_ns = now_ns();
	uint8_t *seen = calloc(MOST / 8, 1);
	struct timeval patience = { .tv_usec = 100000 };
	struct batch batch;

	if (!seen || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) != 0)
		die("receive");
	batch_init(&batch);
	atomic_store_explicit(&shared->receives, true, memory_order_release);
	while (!sent || (received < sent && now_ns() - last_ns < QUIET_NS)) {
		int count = recvmmsg(fd, batch.messages, BATCH, MSG_WAITFORONE, NULL);

		if (count < 0 && errno != EAGAIN && errno != EINTR)
			die("receive");
		for (int i = 0; i < count; i++) {
			uint64_t number = batch.packets[i][0];

			if (number >= MOST)
				die("a packet of somebody else");
			twice += seen[number / 8] >> number % 8 & 1;
			received += !(seen[number / 8] >> number % 8 & 1);
			seen[number / 8] |= (uint8_t)(1 << number % 8);
			if (number >= atomic_load_explicit(&shared->next, memory_order_relaxed))
				atomic_store_explicit(
					&shared->next, number + 1, memory_order_relaxed);
			last_ns = now_ns();
		}
		sent = atomic_load_explicit(&shared->sent, memory_order_acquire);
	}
	return judge(sent, received, twice, seen);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "receive") == 0)
		return flood_receive(share(argv[2]), udp("0.0.0.0", argv[3], bind));
	if (argc == 7 && strcmp(argv[1], "send") == 0)
		return flood_send(share(argv[2]), udp(argv[3], argv[4], connect),
			(uint64_t)atoll(argv[5]), (uint64_t)atoll(argv[6]));
	fprintf(stderr, "usage: flood receive FILE PORT\n       flood send FILE ADDRESS PORT "
			"PACKETS-A-SECOND SECONDS\n");
	return 2;
}
