/* signals.h - Ctrl-C and its kin, as a level that only rises.
 *
 * SIGINT raises it by one, and so does the launcher's SIGALRM; SIGTERM and
 * SIGHUP make it at least FORCE.  Beyond FORCE the process ends at once, with
 * status 130.  SIGUSR1 and SIGUSR2 are no more than a batch system's hint that
 * the time is nearly up: they are counted.
 */
#ifndef APPS_SIGNALS_H
#define APPS_SIGNALS_H

#include <stdbool.h>

enum signals_level {
    SIGNALS_NONE = 0,
    SIGNALS_DRAIN = 1, /* start nothing more */
    SIGNALS_FORCE = 2  /* end what runs */
};

/* First thing in main of what becomes a farm.  rank 0: as above.  Others: the
 * drain signals do nothing, and the end is the default's. */
void signals_setup(unsigned rank);
/* For a worker that has joined a run: the first SIGINT, SIGTERM or SIGHUP, and
 * if hints count SIGUSR1 and SIGUSR2, call 'leave', which must be fit for
 * signal handlers; a second one ends the process. */
void signals_setup_guest(void (*leave)(void), bool hints);
int signals_level(void);
/* Did a hint come since the last call? */
bool signals_hint(void);
/* Readable when the level has risen; signals_level() empties it. */
int signals_fd(void);

/* For the launcher: all of these wake signals_fd(), SIGCHLD too, and nothing
 * else is done. */
void signals_setup_launcher(void);
/* How often 'number' came since the last call. */
int signals_take(int number);

#endif
