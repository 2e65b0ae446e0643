/* start_watch.h - ends a rank that waits in vain for the others to start.
 *
 * Owns: a thread between begin and end.
 * Never: calls MPI.
 * Threads: begin and end by the same one.
 *
 * A rank that dies before it is in MPI_Init leaves all others waiting there for
 * ever: MPI has no way to give up.
 */
#ifndef HAYI_TRANSPORT_START_WATCH_H
#define HAYI_TRANSPORT_START_WATCH_H

struct hayi_start_watch;

/* Seconds that starting may take: HAYFORK_START_SECONDS, or 120. */
unsigned hayi_start_seconds(void);

/* Unless end() comes within hayi_start_seconds(), rank 0 says why on standard
 * error, and the process exits with 3.  NULL (no thread, no memory): nobody
 * watches. */
struct hayi_start_watch *hayi_start_watch_begin(void);
/* NULL is fine. */
void hayi_start_watch_end(struct hayi_start_watch *watch);

#endif
