/* load.h - RUN FOLDER/load: what a run that may be joined has to do, written
 * again and again while it lasts, for whoever decides on more workers.
 */
#ifndef APPS_LOAD_H
#define APPS_LOAD_H

#include "fault.h"
#include "grow.h"

#define LOAD_FILE "load"

/* Errors are nobody's concern: the next one may come through. */
void load_write(const char *folder, const struct load *load);
void load_remove(const char *folder);

/* HAY_EEMPTY: there is none (now); HAY_EIO. */
hay_status
load_read(const char *folder, struct load *load, struct fault *fault);

#endif
