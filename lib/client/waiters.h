/* waiters.h - tasks that wait for something of an executor; see nested.h.
 *
 * Owns: nothing; the members lie on the stacks of those that wait.
 * Never: used but by nested.c, and made and ended by the executor.
 * Threads: under the mutex; 'count' any.
 */
#ifndef HAYI_CLIENT_WAITERS_H
#define HAYI_CLIENT_WAITERS_H

#include <pthread.h>
#include <stdatomic.h>

struct hayi_waiter;

struct hayi_waiters {
    pthread_mutex_t mutex;
    struct hayi_waiter *first;
    atomic_uint count;
};

#endif
