/* show.h - what tasks printed, copied to our own standard output and error:
 * --output=grouped (as tasks end) and --output=ordered (in their order).
 */
#ifndef APPS_SHOW_H
#define APPS_SHOW_H

#include <hayfork/hayfork.h>

enum show_mode { SHOW_NONE = 0, SHOW_GROUPED = 1, SHOW_ORDERED = 2 };

struct show_piece;

struct show {
    enum show_mode mode;
    uint64_t next;             /* ordered: the task whose turn it is */
    struct show_piece *pieces; /* ordered: by task, from 'next' on */
    size_t count, room, start;
    const char *path[2]; /* open files, to save opening them each time */
    int fd[2];
    bool closed; /* our standard output is closed */
};

void show_init(struct show *show, enum show_mode mode);
void show_fini(struct show *show);
/* Task number 'task' (from 0) has ended; with 'future' NULL: without output. */
void show_task(struct show *show, uint64_t task, const hay_future *future);

/* Copy length bytes at 'offset' of the file to descriptor 'out'.  HAY_EIO: the
 * file cannot be read; HAY_ECLOSED: nobody reads 'out'. */
hay_status show_copy(int file, uint64_t offset, uint64_t length, int out);

#endif
