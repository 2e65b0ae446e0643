/* one_run.h - words whose only argument is a run: hayfork WORD [RUN]. */
#ifndef APPS_ONE_RUN_H
#define APPS_ONE_RUN_H

#include "fault.h"

/* Call 'function' with the run that is named, or NULL; argv[0] is the word.
 * Returns the exit status: 3 where the function returns HAY_EFARM. */
int one_run(int argc,
            char **argv,
            hay_status (*function)(const char *run, struct fault *fault));

#endif
