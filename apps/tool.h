/* tool.h - runs another program and takes what it prints. */
#ifndef APPS_TOOL_H
#define APPS_TOOL_H

#include "arena.h"
#include "fault.h"

/* Its path in PATH, in the arena; NULL: there is none. */
const char *tool_find(struct arena *arena, const char *name);

/* Run argv[0] (found in PATH) with nothing to read, wait for its end.
 * out: what it wrote to standard output.  error: the same for standard error;
 * NULL: that goes to ours.  *code: its exit status, 128 + N if signal N ended
 * it.  HAY_EIO: it could not be started. */
hay_status tool_run(const char *const *argv,
                    struct text *out,
                    struct text *error,
                    int *code,
                    struct fault *fault);

#endif
