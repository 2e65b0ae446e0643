/* spawner_capture.c - see spawner_capture.h.
 *
 * APPEND: a slot has a pair of scratch files, opened once, which its commands
 * write to directly, one after the other; after each one two fstat() tell what
 * it wrote, and mostly that is nothing.  If there is something:
 *
 *   short  it is copied to the end of generation 0 of the slot's append files,
 *          and the scratch file is emptied;
 *   long   the scratch files are renamed and become generation 1, 2, ...;
 *          nothing is copied.
 *
 * Why not let commands write to the append files themselves: they share
 * the file with all commands before them, and "echo > /dev/stderr" opens it
 * anew, truncates it and takes earlier output along.  In its own scratch file a
 * command meets what a shell's "command > file" would do to it.
 *
 * A process that outlives its command keeps the scratch files: they are
 * unlinked, and the next command opens a new pair.
 *
 * FILES: a command writes to hidden files of its slot, which get their names
 * when it has ended: nobody sees half an output.
 *
 * A full disk: what cannot be copied stays behind as a generation of its own by
 * renaming; if not even that works the event says output_lost.
 */
#include "config.h"

#include "worker/spawner_capture.h"

#include "base/file_name.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    COPY_MAX = 256 * 1024, /* longer output is renamed */
    CHUNK = 64 * 1024,
    PREFIX_MAX = 200,
    GENERATIONS_MAX = 1 << 30
};

static const char *const ends[2] = {"out", "err"};

struct slot {
    int scratch[2]; /* APPEND: of all its commands; FILES: of this one; -1 */
    int file[2];    /* generation 0; -1 */
    uint64_t size[2];
    uint32_t generation; /* the highest one taken */
    char *name;          /* FILES: what this command's files will be called */
};

struct hayi_capture {
    enum hayi_capture_mode mode;
    int folder;
    char *prefix;
    uint32_t slots;
    struct slot *slot;
    char chunk[CHUNK];
};

static void close_fd(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static void scratch_name(const struct hayi_capture *capture,
                         uint32_t slot,
                         int which,
                         char name[256])
{
    (void)snprintf(name,
                   256,
                   "%s%s.s%u.now.%s",
                   capture->mode == HAYI_CAPTURE_FILES ? "." : "",
                   capture->prefix,
                   slot,
                   ends[which]);
}

static void generation_name(const struct hayi_capture *capture,
                            uint32_t slot,
                            uint32_t generation,
                            int which,
                            char name[256])
{
    (void)snprintf(name,
                   256,
                   "%s.s%u.%u.%s",
                   capture->prefix,
                   slot,
                   generation,
                   ends[which]);
}

int hayi_capture_new(enum hayi_capture_mode mode,
                     const char *folder,
                     const char *prefix,
                     uint32_t slots,
                     struct hayi_capture **capture)
{
    struct hayi_capture *c = calloc(1, sizeof(*c));
    if (c == NULL) {
        return ENOMEM;
    }
    int error = 0;
    c->mode = mode;
    c->slots = slots;
    c->folder = -1;
    c->prefix = strndup(prefix != NULL ? prefix : "w", PREFIX_MAX);
    c->slot = calloc(slots, sizeof(*c->slot));
    if (c->prefix == NULL || c->slot == NULL) {
        error = ENOMEM;
        goto drop;
    }
    for (uint32_t i = 0; i < slots; i++) {
        c->slot[i] = (struct slot){.scratch = {-1, -1}, .file = {-1, -1}};
    }
    if (mode == HAYI_CAPTURE_APPEND || mode == HAYI_CAPTURE_FILES) {
        c->folder = open(folder != NULL ? folder : ".",
                         O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (c->folder < 0) {
            error = errno;
            goto drop;
        }
    }
    *capture = c;
    return 0;
drop:
    hayi_capture_free(c);
    return error;
}

/* Close the scratch files; those that hold nothing, or whose content is not
 * wanted, are removed. */
static void
scratch_close(struct hayi_capture *capture, uint32_t slot, bool remove_all)
{
    struct slot *s = &capture->slot[slot];
    for (int i = 0; i < 2; i++) {
        struct stat facts;
        if (s->scratch[i] >= 0 && capture->mode == HAYI_CAPTURE_APPEND
            && (remove_all
                || (fstat(s->scratch[i], &facts) == 0 && facts.st_size == 0))) {
            char name[256];
            scratch_name(capture, slot, i, name);
            (void)unlinkat(capture->folder, name, 0);
        }
        close_fd(&s->scratch[i]);
    }
}

void hayi_capture_free(struct hayi_capture *capture)
{
    if (capture == NULL) {
        return;
    }
    for (uint32_t i = 0; capture->slot != NULL && i < capture->slots; i++) {
        scratch_close(capture, i, false);
        close_fd(&capture->slot[i].file[0]);
        close_fd(&capture->slot[i].file[1]);
        free(capture->slot[i].name);
    }
    close_fd(&capture->folder);
    free(capture->prefix);
    free(capture->slot);
    free(capture);
}

/* ---- begin --------------------------------------------------------------- */

/* A task's name as the name of a file; without a name, its id.  false: out of
 * memory. */
static bool keep_name(struct slot *s, const char *name, uint64_t id)
{
    char text[HAYI_FILE_NAME_MAX];
    char number[32];
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)id);
    hayi_file_name(
        name != NULL && name[0] != '\0' ? name : number, text, sizeof(text));
    free(s->name);
    s->name = strdup(text);
    return s->name != NULL;
}

int hayi_capture_begin(struct hayi_capture *capture,
                       uint32_t slot,
                       uint64_t id,
                       const char *name,
                       int fds[2])
{
    struct slot *s = &capture->slot[slot];
    fds[0] = -1;
    fds[1] = -1;
    if (capture->mode != HAYI_CAPTURE_APPEND
        && capture->mode != HAYI_CAPTURE_FILES) {
        return 0;
    }
    if (capture->mode == HAYI_CAPTURE_FILES && !keep_name(s, name, id)) {
        return ENOMEM;
    }
    for (int i = 0; i < 2; i++) {
        if (s->scratch[i] < 0) {
            char file[256];
            scratch_name(capture, slot, i, file);
            s->scratch[i] =
                openat(capture->folder,
                       file,
                       O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC,
                       0666);
            if (s->scratch[i] < 0) {
                return errno;
            }
        }
        fds[i] = s->scratch[i];
    }
    return 0;
}

/* ---- end ----------------------------------------------------------------- */

/* Generation 0 is open afterwards. */
static bool open_append(struct hayi_capture *capture, uint32_t slot, int which)
{
    struct slot *s = &capture->slot[slot];
    if (s->file[which] < 0) {
        char name[256];
        struct stat facts;
        generation_name(capture, slot, 0, which, name);
        s->file[which] =
            openat(capture->folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        if (s->file[which] >= 0 && fstat(s->file[which], &facts) == 0) {
            s->size[which] = (uint64_t)facts.st_size;
        } else {
            close_fd(&s->file[which]);
        }
    }
    return s->file[which] >= 0;
}

/* Copy length bytes of the scratch file to the end of generation 0. */
static bool copy_out(struct hayi_capture *capture,
                     uint32_t slot,
                     int which,
                     uint64_t length)
{
    struct slot *s = &capture->slot[slot];
    if (!open_append(capture, slot, which)) {
        return false;
    }
    uint64_t done = 0;
    while (done < length) {
        size_t want = length - done < CHUNK ? (size_t)(length - done) : CHUNK;
        ssize_t got =
            pread(s->scratch[which], capture->chunk, want, (off_t)done);
        if (got <= 0) {
            break;
        }
        ssize_t put = pwrite(s->file[which],
                             capture->chunk,
                             (size_t)got,
                             (off_t)(s->size[which] + done));
        if (put <= 0) {
            break;
        }
        done += (uint64_t)put;
    }
    if (done < length) { /* leave no half of it behind */
        int unused = ftruncate(s->file[which], (off_t)s->size[which]);
        (void)unused;
    }
    return done == length;
}

/* The next generation number that no earlier run has used. */
static uint32_t next_generation(struct hayi_capture *capture, uint32_t slot)
{
    struct slot *s = &capture->slot[slot];
    char name[2][256];
    while (s->generation < GENERATIONS_MAX) {
        s->generation++;
        generation_name(capture, slot, s->generation, 0, name[0]);
        generation_name(capture, slot, s->generation, 1, name[1]);
        if (faccessat(capture->folder, name[0], F_OK, 0) != 0
            && faccessat(capture->folder, name[1], F_OK, 0) != 0) {
            break;
        }
    }
    return s->generation;
}

/* The scratch files become a generation; false: they could not, and are gone
 * or stay where they are until the next command. */
static bool rename_out(struct hayi_capture *capture,
                       uint32_t slot,
                       struct hayi_spawn_event *event)
{
    struct slot *s = &capture->slot[slot];
    uint32_t generation = next_generation(capture, slot);
    bool fine = true;
    for (int i = 0; i < 2; i++) {
        char from[256], to[256];
        scratch_name(capture, slot, i, from);
        generation_name(capture, slot, generation, i, to);
        if (event->length[i] > 0
            && renameat(capture->folder, from, capture->folder, to) != 0) {
            fine = false;
        } else if (event->length[i] == 0) {
            (void)unlinkat(capture->folder, from, 0);
        }
        close_fd(&s->scratch[i]);
        event->offset[i] = 0;
    }
    event->file = generation;
    return fine;
}

static void end_append(struct hayi_capture *capture,
                       uint32_t slot,
                       bool stained,
                       struct hayi_spawn_event *event)
{
    struct slot *s = &capture->slot[slot];
    bool fine = event->length[0] <= COPY_MAX && event->length[1] <= COPY_MAX;
    for (int i = 0; fine && i < 2; i++) {
        fine = event->length[i] == 0
               || copy_out(capture, slot, i, event->length[i]);
        event->offset[i] = s->size[i];
    }
    if (!fine) {
        event->output_lost = !rename_out(capture, slot, event);
        return;
    }
    for (int i = 0; i < 2; i++) {
        s->size[i] += event->length[i];
        if (event->length[i] > 0
            && (ftruncate(s->scratch[i], 0) != 0
                || lseek(s->scratch[i], 0, SEEK_SET) != 0)) {
            stained = true;
        }
    }
    if (stained) {
        scratch_close(capture, slot, true);
    }
}

/* The hidden files get their names. */
static void end_files(struct hayi_capture *capture,
                      uint32_t slot,
                      struct hayi_spawn_event *event)
{
    struct slot *s = &capture->slot[slot];
    for (int i = 0; i < 2; i++) {
        char from[256], to[256];
        scratch_name(capture, slot, i, from);
        (void)snprintf(
            to, sizeof(to), "%s.%s", s->name != NULL ? s->name : "", ends[i]);
        if (s->scratch[i] >= 0
            && renameat(capture->folder, from, capture->folder, to) != 0) {
            event->output_lost = true;
        }
        close_fd(&s->scratch[i]);
    }
    free(s->name);
    s->name = NULL;
}

static uint64_t size_of(const struct slot *s, int which)
{
    struct stat facts;
    return s->scratch[which] >= 0 && fstat(s->scratch[which], &facts) == 0
               ? (uint64_t)facts.st_size
               : 0;
}

uint64_t hayi_capture_written(const struct hayi_capture *capture, uint32_t slot)
{
    const struct slot *s = &capture->slot[slot];
    return size_of(s, 0) + size_of(s, 1);
}

/* So that both streams together have no more than 'limit': the shorter one
 * keeps half of it, or all it has. */
static void
cut(const struct slot *s, uint64_t limit, struct hayi_spawn_event *event)
{
    int shorter = event->length[1] < event->length[0];
    uint64_t kept[2];
    if (event->length[0] + event->length[1] <= limit) {
        return;
    }
    event->over_output = true;
    kept[shorter] =
        event->length[shorter] < limit / 2 ? event->length[shorter] : limit / 2;
    kept[1 - shorter] = limit - kept[shorter];
    for (int i = 0; i < 2; i++) {
        if (event->length[i] > kept[i]
            && ftruncate(s->scratch[i], (off_t)kept[i]) == 0) {
            event->length[i] = kept[i];
        }
    }
}

void hayi_capture_end(struct hayi_capture *capture,
                      uint32_t slot,
                      uint64_t limit,
                      bool stained,
                      struct hayi_spawn_event *event)
{
    struct slot *s = &capture->slot[slot];
    for (int i = 0; i < 2; i++) {
        event->length[i] = size_of(s, i);
    }
    if (limit != 0) {
        cut(s, limit, event);
    }
    if (capture->mode == HAYI_CAPTURE_FILES) {
        end_files(capture, slot, event);
        return;
    }
    if (event->length[0] + event->length[1] > 0) {
        end_append(capture, slot, stained, event);
    } else if (stained) {
        scratch_close(capture, slot, true);
    }
}
