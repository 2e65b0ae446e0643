/* session.h - one run of `run` or `replay`: in this process, as a rank, or as
 * the launcher of mpirun.
 */
#ifndef APPS_SESSION_H
#define APPS_SESSION_H

#include "options.h"

/* Reads options->file into the workload, which is set up. */
typedef hay_status (*session_read_fn)(const struct options *options,
                                      struct workload *w,
                                      struct fault *fault);

/* argv: the word and all that came behind it, as main got it. */
int session_main(enum options_word word,
                 int argc,
                 char **argv,
                 session_read_fn read);

#endif
