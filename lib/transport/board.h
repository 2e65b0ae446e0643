/* board.h - what the processes of a host tell each other in shared memory: who
 * sleeps, and how many messages each has sent to each.
 *
 * A sleeper sets its flag, then compares the counts with what it has received.
 * A sender sends, writes its count, then exchanges the flag for 0, and rings if
 * it was 1.  Thus one of the two sees the other, and nobody sleeps while
 * something is on its way to him.
 *
 * Owns: the mapping; its name only until all have joined.
 * Never: locks, waits.  A process that dies leaves its part as it is.
 * Threads: any may use flags and counts; the rest one.
 */
#ifndef HAYI_TRANSPORT_BOARD_H
#define HAYI_TRANSPORT_BOARD_H

#include "base/error.h"

#include <stdatomic.h>

enum { HAYI_BOARD_NAME = 48 };

struct hayi_board {
    uint32_t members;
    size_t size; /* bytes */
    unsigned char *memory;
};

/* Make one, all 0, under a new name; the others join by it; then its maker
 * forgets the name.  HAY_EIO. */
hay_status hayi_board_make(struct hayi_board *board,
                           uint32_t members,
                           char name[HAYI_BOARD_NAME],
                           struct hayi_error *err);
hay_status hayi_board_join(struct hayi_board *board,
                           uint32_t members,
                           const char *name,
                           struct hayi_error *err);
void hayi_board_forget(const char *name);
void hayi_board_fini(struct hayi_board *board);

/* 1 while the member sleeps.  Borrowed until hayi_board_fini(). */
atomic_uint *hayi_board_asleep(const struct hayi_board *board, uint32_t member);
/* Messages that 'from' has sent to 'to'. */
atomic_uint *
hayi_board_sent(const struct hayi_board *board, uint32_t from, uint32_t to);

#endif
