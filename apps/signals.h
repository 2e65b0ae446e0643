/* signals.h - Ctrl-C and its kin, as a level that only rises.
 *
 * SIGINT raises it by one; SIGUSR1 (from the launcher) makes it at least DRAIN,
 * SIGTERM, SIGHUP and SIGUSR2 at least FORCE.  Beyond FORCE the process ends at
 * once, with status 130.
 */
#ifndef APPS_SIGNALS_H
#define APPS_SIGNALS_H

enum signals_level {
    SIGNALS_NONE = 0,
    SIGNALS_DRAIN = 1, /* start nothing more */
    SIGNALS_FORCE = 2  /* end what runs */
};

/* First thing in main of what becomes a farm.  rank 0: as above.  Others: the
 * drain signals do nothing, and the end is the default's. */
void signals_setup(unsigned rank);
int signals_level(void);
/* Readable when the level has risen; signals_level() empties it. */
int signals_fd(void);

/* For the launcher: all of these wake signals_fd(), SIGCHLD too, and nothing
 * else is done. */
void signals_setup_launcher(void);
/* How often 'number' came since the last call. */
int signals_take(int number);

#endif
