/* guard.h - two small programs inside of hayfork that mpirun starts. */
#ifndef APPS_GUARD_H
#define APPS_GUARD_H

/* hayfork rank-guard PROGRAM ARGUMENT...: what mpirun starts as each rank.
 * Rank 0 becomes a child, and how it ended is told to the launcher; the others
 * become the program. */
int guard_main(int argc, char **argv);

/* hayfork rsh-agent HOST COMMAND...: Open MPI's remote shell.  Runs
 * $HAYFORK_RSH (its first word and so on), pbsdsh, qrsh or ssh; its exit status
 * is always 0, since mpirun ends the job when a remote shell fails, as it does
 * when a host is lost. */
int rsh_main(int argc, char **argv);

#endif
