/* command_files.c - see command_files.h. */
#include "config.h"

#include "worker/command_files.h"

#include "wire/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    NUMBER_MAX = 32, /* of "HAY_OUT_4294967295=" and of counts */
    FIXED = 4,       /* HAY_IN, HAY_OUT and the counts */
};

/* Where a command's paths begin: up to two folders, each with its '/'. */
struct base {
    const char *part[2];
    size_t size[2];
};

static void add_part(struct base *base, int i, const char *folder)
{
    base->part[i] = folder;
    base->size[i] = folder == NULL ? 0 : strlen(folder) + 1;
}

static struct base base_of(const struct hayi_command_view *view,
                           const char *folder)
{
    struct base base = {{NULL, NULL}, {0, 0}};
    if (view->cwd == NULL || view->cwd[0] != '/') {
        add_part(&base, 0, folder);
    }
    add_part(&base, 1, view->cwd);
    return base;
}

/* Bytes of the whole path without the 0. */
static size_t whole_size(const struct base *base, const char *file)
{
    size_t size = strlen(file);
    return file[0] == '/' ? size : base->size[0] + base->size[1] + size;
}

/* Writes it, with the 0; where that stands. */
static char *put_whole(char *at, const struct base *base, const char *file)
{
    for (int i = 0; i < 2 && file[0] != '/'; i++) {
        if (base->size[i] > 0) {
            memcpy(at, base->part[i], base->size[i] - 1);
            at += base->size[i];
            at[-1] = '/';
        }
    }
    size_t size = strlen(file);
    memcpy(at, file, size + 1);
    return at + size;
}

/* ---- variables ---------------------------------------------------------- */

/* All paths of a list with ':' between; 0 of none. */
static size_t joined_size(const struct base *base, const char *const *files)
{
    size_t size = 0;
    for (size_t i = 0; files[i] != NULL; i++) {
        size += whole_size(base, files[i]) + 1;
    }
    return size;
}

struct room {
    char **list; /* next place */
    char *at;
};

static void put_number(struct room *room, const char *name, size_t number)
{
    *room->list++ = room->at;
    room->at +=
        (size_t)snprintf(room->at, NUMBER_MAX, "%s=%zu", name, number) + 1;
}

static void put_files(struct room *room,
                      const struct base *base,
                      const char *const *files,
                      const char *name,
                      size_t joined)
{
    for (size_t i = 0; files[i] != NULL; i++) {
        *room->list++ = room->at;
        room->at +=
            (size_t)snprintf(room->at, NUMBER_MAX, "%s_%zu=", name, i + 1);
        room->at = put_whole(room->at, base, files[i]) + 1;
    }
    if (joined == 0 || joined > HAYI_COMMAND_FILES_JOINED_MAX) {
        return;
    }
    *room->list++ = room->at;
    room->at += (size_t)snprintf(room->at, NUMBER_MAX, "%s=", name);
    for (size_t i = 0; files[i] != NULL; i++) {
        room->at = put_whole(room->at, base, files[i]);
        *room->at++ = ':';
    }
    room->at[-1] = 0;
}

hay_status hayi_command_files_env(const struct hayi_command_view *view,
                                  const char *folder,
                                  char ***list,
                                  struct hayi_error *err)
{
    size_t count = (size_t)view->in_count + view->out_count;
    if (count == 0) {
        *list = NULL;
        return HAY_OK;
    }
    const struct base base = base_of(view, folder);
    const char *const *in = (const char *const *)view->in_files;
    const char *const *out = (const char *const *)view->out_files;
    size_t in_size = joined_size(&base, in);
    size_t out_size = joined_size(&base, out);
    size_t places = (count + FIXED + 1) * sizeof(char *);
    char **memory = malloc(places + (count + FIXED) * NUMBER_MAX
                           + 2 * (in_size + out_size));
    if (memory == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a command");
    }
    struct room room = {memory, (char *)memory + places};
    put_number(&room, "HAY_IN_COUNT", view->in_count);
    put_number(&room, "HAY_OUT_COUNT", view->out_count);
    put_files(&room, &base, in, "HAY_IN", in_size);
    put_files(&room, &base, out, "HAY_OUT", out_size);
    *room.list = NULL;
    *list = memory;
    return HAY_OK;
}

/* ---- the end ------------------------------------------------------------ */

/* A file's size; its path in *path, which is resized. */
static hay_status file_size(const struct base *base,
                            const char *file,
                            struct hayi_buffer *path,
                            uint64_t *size,
                            struct hayi_error *err)
{
    struct stat st;
    path->size = 0;
    char *at = hayi_buffer_extend(path, whole_size(base, file) + 1);
    if (at == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a file's name");
    }
    (void)put_whole(at, base, file);
    if (stat(at, &st) != 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? hayi_fail(err,
                               HAY_ETASK,
                               "said to write %.400s, which is not there",
                               file)
                   : hayi_fail(err,
                               HAY_ETASK,
                               "said to write %.400s: %s",
                               file,
                               strerror(errno));
    }
    *size = (uint64_t)st.st_size;
    return HAY_OK;
}

static hay_status append_outputs(const struct hayi_command_view *view,
                                 const struct base *base,
                                 struct hayi_buffer *path,
                                 struct hayi_buffer *elements,
                                 struct hayi_error *err)
{
    for (uint32_t i = 0; i < view->out_count; i++) {
        struct hayi_object_value object = {.place = HAYI_PLACE_FILE};
        hay_status st =
            file_size(base, view->out_files[i], path, &object.size, err);
        if (st != HAY_OK) {
            return st;
        }
        if (hayi_value_append_object(elements, HAY_BYTES, NULL, &object)
            != HAY_OK) {
            return hayi_fail(err, HAY_ENOMEM, "out of memory for a result");
        }
    }
    return HAY_OK;
}

static hay_status append_inputs(const struct hayi_command_view *view,
                                const struct base *base,
                                struct hayi_buffer *path,
                                struct hayi_buffer *elements,
                                struct hayi_error *err)
{
    const uint64_t shape[1] = {view->in_count};
    size_t room = (view->in_count + (size_t)1) * sizeof(uint64_t);
    uint64_t *sizes = malloc(room);
    if (sizes == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a result");
    }
    for (uint32_t i = 0; i < view->in_count; i++) {
        if (file_size(base, view->in_files[i], path, &sizes[i], NULL)
            != HAY_OK) {
            sizes[i] = UINT64_MAX;
        }
    }
    hay_status st =
        hayi_value_append_array(elements, HAY_U64, 1, shape, sizes, err);
    free(sizes);
    return st;
}

static hay_status append_list(struct hayi_buffer *value,
                              const struct hayi_buffer *elements,
                              uint32_t count,
                              struct hayi_error *err)
{
    const struct hayi_value_head head = {
        .type = HAY_LIST, .count = count, .size = elements->size};
    unsigned char *at =
        hayi_buffer_extend(value, hayi_value_size(HAY_LIST, 0, elements->size));
    if (at == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a result");
    }
    (void)hayi_value_write(at, &head, NULL, elements->data, elements->size);
    return HAY_OK;
}

hay_status hayi_command_files_end(const void *command,
                                  size_t size,
                                  const char *folder,
                                  struct hayi_buffer *value,
                                  struct hayi_error *err)
{
    struct hayi_command_view view;
    struct hayi_buffer path, elements;
    if (!hayi_command_has_files(command, size)) {
        return HAY_OK;
    }
    hay_status st = hayi_command_read(command, size, &view, err);
    if (st != HAY_OK) {
        return st;
    }
    const struct base base = base_of(&view, folder);
    hayi_buffer_init(&path);
    hayi_buffer_init(&elements);
    st = append_outputs(&view, &base, &path, &elements, err);
    if (st == HAY_OK) {
        st = append_inputs(&view, &base, &path, &elements, err);
    }
    if (st == HAY_OK) {
        st = append_list(value, &elements, view.out_count + 1, err);
    }
    hayi_buffer_fini(&elements);
    hayi_buffer_fini(&path);
    free(view.memory);
    return st;
}
