/* command_files.h - the files that a command says it reads and writes: what it
 * sees of them, and what there is of them when it has ended.
 *
 * Owns: nothing.
 * Never: opens a file; waits for one to appear.
 * Threads: any; may block on the file system.
 */
#ifndef HAYI_WORKER_COMMAND_FILES_H
#define HAYI_WORKER_COMMAND_FILES_H

#include "base/buffer.h"
#include "wire/command.h"

enum {
    /* HAY_IN and HAY_OUT are left out when they would be longer: the system
     * takes no variable above 128 KiB. */
    HAYI_COMMAND_FILES_JOINED_MAX = 120 << 10,
};

/* The variables of the environment that tell them, NULL-terminated; one
 * allocation: free() it.  *list: NULL if the command names no files.
 * folder: where relative paths begin if the command has no folder of its own,
 * and where its folder begins if that is relative; NULL: paths stay relative.
 * HAY_ENOMEM. */
hay_status hayi_command_files_env(const struct hayi_command_view *view,
                                  const char *folder,
                                  char ***list,
                                  struct hayi_error *err);

/* It has ended well.  Appended to 'value', if it names files: a list of one
 * object for each output (its size, HAYI_PLACE_FILE), then an array of the
 * inputs' sizes (uint64; UINT64_MAX: cannot be told).
 * HAY_ETASK with words: an output is not there; HAY_ENOMEM. */
hay_status hayi_command_files_end(const void *command,
                                  size_t size,
                                  const char *folder,
                                  struct hayi_buffer *value,
                                  struct hayi_error *err);

#endif
