/* show.c - what tasks printed; see show.h.  The library has put it into few
 * files, and tells place and length; here it is only copied.  In order, the
 * places of tasks that ended early are kept until it is their turn. */
#include "config.h"

#include "arena.h"
#include "show.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_SIZE ((size_t)65536)

struct show_piece {
    bool ended;
    const char *path[2];
    uint64_t offset[2], length[2];
};

void show_init(struct show *show, enum show_mode mode)
{
    *show = (struct show){.mode = mode, .fd = {-1, -1}};
}

void show_fini(struct show *show)
{
    for (int i = 0; i < 2; i++) {
        if (show->fd[i] >= 0) {
            close(show->fd[i]);
        }
    }
    free(show->pieces);
    show_init(show, SHOW_NONE);
}

hay_status show_copy(int file, uint64_t offset, uint64_t length, int out)
{
    char data[COPY_SIZE];
    while (length > 0) {
        size_t want = length < COPY_SIZE ? (size_t)length : COPY_SIZE;
        ssize_t got = pread(file, data, want, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return HAY_EIO;
        }
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(out, data + done, (size_t)(got - done));
            if (put < 0 && errno != EINTR) {
                return HAY_ECLOSED;
            }
            done += put > 0 ? put : 0;
        }
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return HAY_OK;
}

static void show_piece(struct show *show, const struct show_piece *piece)
{
    static const int outs[2] = {STDOUT_FILENO, STDERR_FILENO};
    for (int i = 0; i < 2; i++) {
        if (piece->length[i] == 0 || piece->path[i] == NULL) {
            continue;
        }
        if (show->path[i] == NULL
            || strcmp(show->path[i], piece->path[i]) != 0) {
            if (show->fd[i] >= 0) {
                close(show->fd[i]);
            }
            show->fd[i] = open(piece->path[i], O_RDONLY | O_CLOEXEC);
            show->path[i] = piece->path[i];
        }
        if (show->fd[i] >= 0
            && show_copy(
                   show->fd[i], piece->offset[i], piece->length[i], outs[i])
                   == HAY_ECLOSED) {
            show->closed = show->closed || i == 0;
        }
    }
}

/* pieces[start ..] belong to the tasks next, next + 1, ... */
static void
keep_piece(struct show *show, uint64_t task, const struct show_piece *piece)
{
    size_t at = show->start + (size_t)(task - show->next);
    while (at >= show->room) {
        size_t live = show->count - show->start;
        if (show->start > live) {
            memmove(show->pieces,
                    show->pieces + show->start,
                    live * sizeof *show->pieces);
            at -= show->start;
            show->count = live;
            show->start = 0;
        } else {
            show->room = show->room == 0 ? 1024 : 2 * show->room;
            show->pieces =
                mem_resize(show->pieces, show->room, sizeof *show->pieces);
        }
    }
    while (show->count <= at) {
        show->pieces[show->count++].ended = false;
    }
    show->pieces[at] = *piece;
    while (show->start < show->count && show->pieces[show->start].ended) {
        show_piece(show, &show->pieces[show->start++]);
        show->next++;
    }
}

void show_task(struct show *show, uint64_t task, const hay_future *future)
{
    hay_capture capture = {.size = sizeof capture};
    struct show_piece piece = {.ended = true};
    if (show->mode == SHOW_NONE) {
        return;
    }
    if (future != NULL && hay_future_capture(future, &capture) == HAY_OK) {
        for (int i = 0; i < 2; i++) {
            piece.path[i] = capture.path[i];
            piece.offset[i] = capture.offset[i];
            piece.length[i] = capture.length[i];
        }
    }
    if (show->mode == SHOW_GROUPED) {
        show_piece(show, &piece);
    } else {
        keep_piece(show, task, &piece);
    }
}
