/* launcher.h - starts a program under mpirun and owns its end.
 *
 * mpirun gets the flags with which a farm survives the loss of a rank.  Its own
 * exit status then tells nothing, so rank 0 is started by a guard (guard.c)
 * that tells how it ended; mpirun is removed if it does not end by itself.
 */
#ifndef APPS_LAUNCHER_H
#define APPS_LAUNCHER_H

#include "hosts.h"

struct launch {
    const char *hosts;       /* --hosts; NULL: none */
    uint32_t ranks;          /* -n; 0: not told */
    uint32_t ranks_per_node; /* worker ranks of a node; 0: 1 */
    const char *rsh;         /* --rsh; NULL: ssh, or the batch system's */
    bool pass_stdin;         /* standard input is rank 0's */
    bool drains;             /* SIGALRM drains it, another one ends its tasks;
                                it knows what to do with hints, SIGUSR1 */
    const char *const *argv; /* the program; NULL-terminated */
};

/* Must mpirun be used: asked for by options, or in an allocation of several
 * hosts?  Not if this process is a rank already. */
hay_status
launcher_wanted(const struct launch *launch, bool *wanted, struct fault *fault);

/* Run it to its end.  Returns the exit status: rank 0's, 3 if there is none,
 * 130 if it was interrupted before it began, 2 if the options are wrong. */
int launcher_run(const struct launch *launch);

#endif
