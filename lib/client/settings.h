/* settings.h - options of an executor from the environment and a command line.
 *
 * Owns: nothing.
 * Never: prints; the caller shows what is wrong.
 * Threads: any, before main's own.
 */
#ifndef HAYI_CLIENT_SETTINGS_H
#define HAYI_CLIENT_SETTINGS_H

#include "base/error.h"

/* Fill 'options' from HAYFORK_... and take --hay-... out of argv.  *help: the
 * user asked for --hay-help.  HAY_EINVAL names the option and what is wrong.
 * Strings are borrowed from argv and the environment. */
hay_status hayi_settings_take(int *argc,
                              char **argv,
                              hay_options *options,
                              bool *help,
                              struct hayi_error *err);
/* What --hay-help shows. */
const char *hayi_settings_help(void);
/* Copy options of another (smaller or larger) size, with defaults for what is
 * not there.  HAY_EINVAL. */
hay_status hayi_options_copy(const hay_options *given,
                             hay_options *options,
                             struct hayi_error *err);

#endif
