/* files.c - which task writes which file; see files.h.
 *
 * A table of hashes, open addressing, 24 bytes a file: the name itself is made
 * again from its block when two hashes are equal, so that arrays of millions
 * need no memory for their names.
 */
#include "config.h"

#include "files.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOM_MIN   64
#define NAME_SHOWN "%.300s"

struct entry {
    uint64_t hash;
    uint64_t element;
    uint32_t block;
    uint32_t out; /* 1 + which of its out=; 0: a free place */
};

struct files {
    struct entry *entries; /* [room], a power of two */
    size_t count, room;
    struct text folder; /* where relative paths begin */
    struct text path, other, part;
    uint32_t *seen; /* by block: 1 + the last user that was linked to it */
    size_t seen_count;
};

static struct files *files_of(struct workload *w)
{
    char cwd[4096];
    if (w->files == NULL) {
        w->files = mem_alloc(1, sizeof(struct files));
        *w->files = (struct files){.path = TEXT_INIT};
        text_clear(&w->files->folder);
        if (getcwd(cwd, sizeof cwd) != NULL) {
            text_add_string(&w->files->folder, cwd);
        }
    }
    return w->files;
}

void files_fini(struct workload *w)
{
    struct files *f = w->files;
    if (f != NULL) {
        text_fini(&f->folder);
        text_fini(&f->path);
        text_fini(&f->other);
        text_fini(&f->part);
        free(f->entries);
        free(f->seen);
        free(f);
        w->files = NULL;
    }
}

/* ---- names ---- */

/* Append 'name', an absolute one instead of what stands there. */
static void join(struct text *path, const char *name)
{
    if (name[0] == '/') {
        text_clear(path);
    } else {
        text_add(path, "/", 1);
    }
    text_add_string(path, name);
}

/* Without empty parts, "." and "..". */
static void normalise(struct text *path)
{
    char *out = path->data;
    char *end = out;
    for (const char *in = path->data; *in != '\0';) {
        in += strspn(in, "/");
        size_t length = strcspn(in, "/");
        if (length == 2 && memcmp(in, "..", 2) == 0) {
            while (end > out && *--end != '/') {
            }
        } else if (length > 0 && !(length == 1 && in[0] == '.')) {
            *end++ = '/';
            memmove(end, in, length);
            end += length;
        }
        in += length;
    }
    *end = '\0';
    path->length = (size_t)(end - out);
}

/* The whole name of a file of an element. */
static void whole_name(struct files *f,
                       const struct block *block,
                       uint64_t element,
                       const char *template,
                       struct text *path)
{
    text_clear(path);
    text_add_string(path, f->folder.data);
    if (block->request->cwd != NULL) {
        block_expand(block, element, block->request->cwd, &f->part);
        join(path, f->part.data);
    }
    block_expand(block, element, template, &f->part);
    join(path, f->part.data);
    normalise(path);
}

void files_whole(struct workload *w,
                 const struct block *block,
                 uint64_t element,
                 const char *template,
                 struct text *path)
{
    whole_name(files_of(w), block, element, template, path);
}

/* FNV-1a, then mixed, since its low bits are weak. */
static uint64_t hash_of(const struct text *path)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < path->length; i++) {
        hash = (hash ^ (unsigned char)path->data[i]) * UINT64_C(1099511628211);
    }
    hash ^= hash >> 32;
    hash *= UINT64_C(0xd6e8feb86659fd93);
    return hash ^ (hash >> 32);
}

/* ---- the table ---- */

/* The entry of this name, or the free place for it. */
static struct entry *
find(struct workload *w, const struct text *path, uint64_t hash)
{
    struct files *f = w->files;
    size_t at = (size_t)hash & (f->room - 1);
    for (;; at = (at + 1) & (f->room - 1)) {
        struct entry *e = &f->entries[at];
        if (e->out == 0) {
            return e;
        }
        if (e->hash == hash) {
            const struct block *block = &w->blocks[e->block];
            const char *template = block->files->out[e->out - 1];
            whole_name(f, block, e->element, template, &f->other);
            if (strcmp(f->other.data, path->data) == 0) {
                return e;
            }
        }
    }
}

static void grow(struct files *f)
{
    struct entry *old = f->entries;
    size_t old_room = f->room;
    f->room = old_room == 0 ? ROOM_MIN : 2 * old_room;
    f->entries = mem_alloc(f->room, sizeof *f->entries);
    memset(f->entries, 0, f->room * sizeof *f->entries);
    for (size_t i = 0; i < old_room; i++) {
        size_t at = (size_t)old[i].hash & (f->room - 1);
        while (f->entries[at].out != 0) {
            at = (at + 1) & (f->room - 1);
        }
        if (old[i].out != 0) {
            f->entries[at] = old[i];
        }
    }
    free(old);
}

static hay_status twice(const struct workload *w,
                        const struct entry *other,
                        uint32_t index,
                        uint64_t element,
                        const char *name,
                        struct fault *fault)
{
    const struct block *block = &w->blocks[index];
    if (other->block != index) {
        return fault_at(fault,
                        w->file,
                        block->line,
                        "out=" NAME_SHOWN
                        " is written by the task of line %" PRIu32 " as well",
                        name,
                        w->blocks[other->block].line);
    }
    return fault_at(fault,
                    w->file,
                    block->line,
                    other->element == element
                        ? "out= names " NAME_SHOWN " twice"
                        : "out=" NAME_SHOWN
                          " is written by several elements of the array",
                    name);
}

static hay_status add_one(struct workload *w,
                          uint32_t index,
                          uint64_t element,
                          uint32_t out,
                          struct fault *fault)
{
    struct files *f = w->files;
    const struct block *block = &w->blocks[index];
    if (2 * (f->count + 1) > f->room) {
        grow(f);
    }
    whole_name(f, block, element, block->files->out[out], &f->path);
    uint64_t hash = hash_of(&f->path);
    struct entry *e = find(w, &f->path, hash);
    if (e->out != 0) {
        block_expand(block, element, block->files->out[out], &f->part);
        return twice(w, e, index, element, f->part.data, fault);
    }
    *e = (struct entry){hash, element, index, out + 1};
    f->count++;
    return HAY_OK;
}

hay_status files_add(struct workload *w, uint32_t index, struct fault *fault)
{
    const struct block *block = &w->blocks[index];
    hay_status status = HAY_OK;
    if (block->files == NULL) {
        return HAY_OK;
    }
    (void)files_of(w);
    for (uint64_t i = 0; i < block->count && status == HAY_OK; i++) {
        for (size_t k = 0; k < block->files->out_count && status == HAY_OK;
             k++) {
            status = add_one(w, index, i, (uint32_t)k, fault);
        }
    }
    return status;
}

bool files_maker(struct workload *w,
                 uint32_t user,
                 uint64_t element,
                 size_t in,
                 bool above,
                 uint32_t *block,
                 uint64_t *maker)
{
    struct files *f = files_of(w);
    const struct block *b = &w->blocks[user];
    if (f->room == 0) {
        return false;
    }
    whole_name(f, b, element, b->files->in[in], &f->path);
    const struct entry *e = find(w, &f->path, hash_of(&f->path));
    if (e->out == 0 || (above && e->block >= user)) {
        return false;
    }
    *block = e->block;
    *maker = e->element;
    return true;
}

/* ---- edges ---- */

static void link_to(struct workload *w, uint32_t user, uint32_t maker)
{
    struct files *f = w->files;
    struct block_files *files = w->blocks[user].files;
    while (f->seen_count <= maker) {
        size_t count = f->seen_count == 0 ? ROOM_MIN : 2 * f->seen_count;
        f->seen = mem_resize(f->seen, count, sizeof *f->seen);
        memset(f->seen + f->seen_count,
               0,
               (count - f->seen_count) * sizeof *f->seen);
        f->seen_count = count;
    }
    if (f->seen[maker] == user + 1) {
        return;
    }
    f->seen[maker] = user + 1;
    files->makers = mem_grow(files->makers,
                             files->maker_count,
                             &files->maker_room,
                             sizeof *files->makers);
    files->makers[files->maker_count++] = maker;
    w->blocks[maker].users++;
}

/* Nobody writes it. */
static hay_status must_be_there(struct workload *w,
                                const struct block *block,
                                uint64_t element,
                                const char *template,
                                struct fault *fault)
{
    struct files *f = w->files;
    struct stat st;
    whole_name(f, block, element, template, &f->path);
    if (stat(f->path.data, &st) == 0) {
        return HAY_OK;
    }
    int error = errno;
    block_expand(block, element, template, &f->part);
    return fault_at(fault,
                    w->file,
                    block->line,
                    "in=" NAME_SHOWN ": %s%s",
                    f->part.data,
                    strerror(error),
                    error == ENOENT ? ", and no task writes it" : "");
}

/* A chunk of a file that a task has yet to write. */
static hay_status not_yet(struct workload *w,
                          const struct block *block,
                          uint64_t element,
                          const char *template,
                          uint32_t maker,
                          struct fault *fault)
{
    block_expand(block, element, template, &w->files->part);
    return fault_at(fault,
                    w->file,
                    block->line,
                    "in=" NAME_SHOWN ": a chunk of a file that is not there "
                    "before, but written by the task of line %" PRIu32,
                    w->files->part.data,
                    w->blocks[maker].line);
}

hay_status files_resolve(struct workload *w,
                         uint32_t index,
                         bool above,
                         struct fault *fault)
{
    const struct block *block = &w->blocks[index];
    hay_status status = HAY_OK;
    if (block->files == NULL) {
        return HAY_OK;
    }
    (void)files_of(w);
    for (size_t k = 0; k < block->files->in_count; k++) {
        const char *template = block->files->in[k];
        bool same = !block->array || strstr(template, "{n}") == NULL;
        same = same
               && (block->request->cwd == NULL
                   || strstr(block->request->cwd, "{n}") == NULL);
        uint64_t count = same ? 1 : block->count;
        for (uint64_t i = 0; i < count && status == HAY_OK; i++) {
            uint32_t maker;
            uint64_t element;
            if (!files_maker(w, index, i, k, above, &maker, &element)) {
                status = must_be_there(w, block, i, template, fault);
            } else if (block->files->chunk[k] != NULL) {
                status = not_yet(w, block, i, template, maker, fault);
            } else {
                link_to(w, index, maker);
            }
        }
    }
    return status;
}
