/* output_all.h - what all tasks of a run printed, in the order of its file. */
#ifndef APPS_OUTPUT_ALL_H
#define APPS_OUTPUT_ALL_H

#include "fault.h"

#include <stdbool.h>

/* To standard output and error: of each task's last attempt.  HAY_EIO;
 * HAY_ECLOSED: nobody reads it any more. */
hay_status
output_all(const char *run_folder, const bool streams[2], struct fault *fault);

#endif
