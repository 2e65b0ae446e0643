/* persist_tasks.c - what the tasks of persist.h do. */
#include "config.h"

#include "client/persist.h"

#include "data/chunk_file.h"
#include "data/h5store.h"
#include "wire/args.h"
#include "worker/task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ERROR_CODE = 1 };

static hay_status fail(hay_task *task, const struct hayi_error *err)
{
    return hay_task_fail(task, ERROR_CODE, "%s", err->text);
}

/* ---- describe ------------------------------------------------------------ */

static hay_status append_shape(struct hayi_buffer *out,
                               const struct hayi_value *value)
{
    struct hayi_persist_shape shape = {
        .type = (uint32_t)value->type,
        .size = value->type == HAY_NONE ? 0 : value->size,
    };
    if (value->type == HAY_STRING) {
        shape.size--;
    } else if (value->type == HAY_ARRAY) {
        shape.dtype = (uint32_t)value->array.dtype;
        shape.ndim = value->array.ndim;
        memcpy(shape.shape, value->array.shape, sizeof(shape.shape));
    }
    return hayi_buffer_append(out, &shape, sizeof(shape));
}

static hay_status describe_one(hay_task *task,
                               const struct hayi_value *value,
                               struct hayi_buffer *out)
{
    uint64_t count = value->type == HAY_LIST ? value->count : 1;
    hay_status st = hayi_buffer_append(out, &count, sizeof(count));
    if (value->type != HAY_LIST) {
        return st == HAY_OK ? append_shape(out, value) : st;
    }
    for (size_t i = 0; st == HAY_OK && i < value->count; i++) {
        struct hayi_value element;
        (void)hayi_list_get(value, i, &element);
        if (element.type == HAY_LIST) {
            return hay_task_fail(
                task, ERROR_CODE, "a list in a list cannot be persisted");
        }
        st = append_shape(out, &element);
    }
    return st;
}

hay_status hayi_persist_describe(hay_task *task)
{
    struct hayi_buffer out;
    hay_status st = HAY_OK;
    hayi_buffer_init(&out);
    for (size_t i = 0; st == HAY_OK && i < hay_arg_count(task); i++) {
        struct hayi_value value;
        (void)hayi_args_get(task->args, i, &value);
        st = describe_one(task, &value, &out);
    }
    if (st == HAY_OK) {
        st = hay_return_bytes(task, out.data, out.size);
    }
    hayi_buffer_fini(&out);
    return st;
}

/* ---- layout -------------------------------------------------------------- */

struct layout {
    size_t future_count;
    uint64_t *counts;                  /* [future_count], results of each */
    struct hayi_persist_shape *shapes; /* [shape_count] */
    size_t shape_count;
    struct hayi_h5_item *items; /* [item_count], those with an address */
    size_t item_count;
    struct hayi_buffer names; /* of the items */
};

static void layout_fini(struct layout *l)
{
    free(l->counts);
    free(l->shapes);
    free(l->items);
    hayi_buffer_fini(&l->names);
}

/* What one describe returned; out: NULL to count only. */
static hay_status
take_shapes(struct layout *l, const void *data, size_t size, bool count_only)
{
    const unsigned char *at = data;
    const unsigned char *end = at + size;
    while (at < end) {
        uint64_t count = 0;
        if ((size_t)(end - at) < sizeof(count)) {
            return HAY_ETYPE;
        }
        memcpy(&count, at, sizeof(count));
        at += sizeof(count);
        size_t bytes = (size_t)(end - at);
        if (count > bytes / sizeof(struct hayi_persist_shape)) {
            return HAY_ETYPE;
        }
        bytes = (size_t)count * sizeof(struct hayi_persist_shape);
        if (!count_only) {
            l->counts[l->future_count] = count;
            memcpy(l->shapes + l->shape_count, at, bytes);
        }
        l->future_count++;
        l->shape_count += (size_t)count;
        at += bytes;
    }
    return HAY_OK;
}

static hay_status
take_all_shapes(hay_task *task, struct layout *l, bool count_only)
{
    size_t batches = 0;
    hay_status st = hay_arg_list(task, 2, &batches);
    l->future_count = 0;
    l->shape_count = 0;
    for (size_t i = 0; st == HAY_OK && i < batches; i++) {
        const void *data = NULL;
        size_t size = 0;
        st = hay_arg_list_bytes(task, 2, i, &data, &size);
        if (st == HAY_OK && take_shapes(l, data, size, count_only) != HAY_OK) {
            st = hay_task_fail(task, ERROR_CODE, "damaged descriptions");
        }
    }
    return st;
}

static hay_status read_shapes(hay_task *task, struct layout *l)
{
    hay_status st = take_all_shapes(task, l, true);
    if (st != HAY_OK) {
        return st;
    }
    if (l->shape_count > HAYI_PERSIST_ITEMS) {
        return hay_task_fail(task,
                             ERROR_CODE,
                             "%zu results: at most %d can be persisted into "
                             "one file",
                             l->shape_count,
                             (int)HAYI_PERSIST_ITEMS);
    }
    l->counts = calloc(l->future_count + 1, sizeof(*l->counts));
    l->shapes = calloc(l->shape_count + 1, sizeof(*l->shapes));
    l->items = calloc(l->shape_count + 1, sizeof(*l->items));
    if (l->counts == NULL || l->shapes == NULL || l->items == NULL) {
        return hay_task_fail(task, ERROR_CODE, "out of memory");
    }
    return take_all_shapes(task, l, false);
}

/* The item of a result; false: it has none. */
static bool make_item(const struct hayi_persist_shape *shape,
                      struct hayi_h5_item *item)
{
    *item = (struct hayi_h5_item){.dtype = HAY_U8, .ndim = 1};
    item->shape[0] = shape->size;
    switch (shape->type) {
    case HAY_DOUBLE:
        item->dtype = HAY_F64;
        item->ndim = 0;
        return true;
    case HAY_INT64:
        item->dtype = HAY_I64;
        item->ndim = 0;
        return true;
    case HAY_STRING:
        item->text = true;
        return true;
    case HAY_BYTES:
        return true;
    case HAY_ARRAY:
        item->dtype = (hay_dtype)shape->dtype;
        item->ndim = shape->ndim;
        memcpy(item->shape, shape->shape, sizeof(item->shape));
        return true;
    default:
        return false;
    }
}

/* Append the name of result 'k' of 'count'. */
static hay_status append_name(struct hayi_buffer *names,
                              const char *name,
                              uint64_t k,
                              uint64_t count)
{
    char end[24] = "";
    if (count != 1) {
        (void)snprintf(end, sizeof(end), ".%llu", (unsigned long long)k);
    }
    hay_status st = hayi_buffer_append(names, name, strlen(name));
    return st == HAY_OK ? hayi_buffer_append(names, end, strlen(end) + 1) : st;
}

/* names[future_count] one after the other, each with its 0. */
static hay_status
make_items(struct layout *l, const char *names, size_t names_size)
{
    const char *end = names + names_size;
    size_t shape = 0;
    for (size_t i = 0; i < l->future_count; i++) {
        size_t room = (size_t)(end - names);
        size_t length = strnlen(names, room);
        if (length == room) {
            return HAY_ETYPE;
        }
        for (uint64_t k = 0; k < l->counts[i]; k++, shape++) {
            if (make_item(&l->shapes[shape], &l->items[l->item_count])) {
                if (append_name(&l->names, names, k, l->counts[i]) != HAY_OK) {
                    return HAY_ENOMEM;
                }
                l->item_count++;
            }
        }
        names += length + 1;
    }
    const char *name = (const char *)l->names.data;
    for (size_t i = 0; i < l->item_count; i++) {
        l->items[i].name = name;
        name += strlen(name) + 1;
    }
    return HAY_OK;
}

static hay_status identify(const char *path, struct hayi_persist_file *file)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return HAY_EIO;
    }
    *file = (struct hayi_persist_file){
        .inode = (uint64_t)info.st_ino,
        .size = (uint64_t)info.st_size,
    };
    return HAY_OK;
}

/* malloc'ed; NULL: out of memory. */
static char *part_of(const char *path)
{
    size_t length = strlen(path);
    char *part = malloc(length + sizeof(".part"));
    if (part != NULL) {
        memcpy(part, path, length);
        memcpy(part + length, ".part", sizeof(".part"));
    }
    return part;
}

/* The places of a group's futures.  shape, item: the group's first ones. */
static hay_status append_places(const struct layout *l,
                                size_t first,
                                size_t *shape,
                                size_t *item,
                                struct hayi_buffer *out)
{
    hay_status st = HAY_OK;
    for (size_t i = first;
         st == HAY_OK && i < l->future_count && i < first + HAYI_PERSIST_GROUP;
         i++) {
        st = hayi_buffer_append(out, &l->counts[i], sizeof(l->counts[i]));
        for (uint64_t k = 0; st == HAY_OK && k < l->counts[i]; k++, ++*shape) {
            const struct hayi_persist_shape *s = &l->shapes[*shape];
            struct hayi_h5_item unused;
            struct hayi_persist_place place = {.type = s->type,
                                               .size = s->size};
            if (make_item(s, &unused)) {
                place.address = l->items[(*item)++].address;
            }
            st = hayi_buffer_append(out, &place, sizeof(place));
        }
    }
    return st;
}

static hay_status return_places(hay_task *task,
                                const struct layout *l,
                                const struct hayi_persist_file *file)
{
    struct hayi_buffer out;
    size_t groups =
        (l->future_count + HAYI_PERSIST_GROUP - 1) / HAYI_PERSIST_GROUP;
    size_t shape = 0;
    size_t item = 0;
    hay_status st = hay_return_count(task, 1 + groups);
    if (st == HAY_OK) {
        st = hay_return_bytes(task, file, sizeof(*file));
    }
    hayi_buffer_init(&out);
    for (size_t g = 0; st == HAY_OK && g < groups; g++) {
        out.size = 0;
        st = append_places(l, g * HAYI_PERSIST_GROUP, &shape, &item, &out);
        if (st == HAY_OK) {
            st = hay_return_select(task, 1 + g);
        }
        if (st == HAY_OK) {
            st = hay_return_bytes(task, out.data, out.size);
        }
    }
    hayi_buffer_fini(&out);
    return st;
}

static hay_status
lay_out(hay_task *task, const char *path, const struct layout *l)
{
    struct hayi_error err = {.text = ""};
    struct hayi_persist_file file;
    char *part = part_of(path);
    if (part == NULL) {
        return hay_task_fail(task, ERROR_CODE, "out of memory");
    }
    hay_status st = hayi_h5_layout(path, l->items, l->item_count, &err);
    if (st == HAY_OK && (st = identify(part, &file)) != HAY_OK) {
        (void)hayi_fail(&err, st, "%s: %s", part, strerror(errno));
    }
    if (st != HAY_OK) {
        st = fail(task, &err);
    } else if ((st = return_places(task, l, &file)) != HAY_OK) {
        hayi_h5_abandon(path);
    }
    free(part);
    return st;
}

hay_status hayi_persist_layout(hay_task *task)
{
    struct layout l = {.future_count = 0};
    const char *path = NULL;
    const void *names = NULL;
    size_t names_size = 0;
    hayi_buffer_init(&l.names);
    hay_status st = hay_arg_string(task, 0, &path);
    if (st == HAY_OK) {
        st = hay_arg_bytes(task, 1, &names, &names_size);
    }
    if (st == HAY_OK) {
        st = read_shapes(task, &l);
    }
    if (st == HAY_OK && make_items(&l, names, names_size) != HAY_OK) {
        st = hay_task_fail(task, ERROR_CODE, "out of memory for names");
    }
    if (st == HAY_OK) {
        st = lay_out(task, path, &l);
    }
    layout_fini(&l);
    return st;
}

/* ---- write --------------------------------------------------------------- */

/* A result's bytes; numbers lie in 'number'. */
struct bytes {
    const void *data;
    size_t size;
    union {
        double d;
        int64_t i;
    } number;
};

static hay_status from_argument(hay_task *task, hay_type type, struct bytes *b)
{
    hay_array_view view;
    const char *text = NULL;
    hay_status st = HAY_OK;
    switch (type) {
    case HAY_DOUBLE:
        return hay_arg_double(task, 3, &b->number.d);
    case HAY_INT64:
        return hay_arg_int64(task, 3, &b->number.i);
    case HAY_STRING:
        st = hay_arg_string(task, 3, &text);
        b->data = text;
        b->size = st == HAY_OK ? strlen(text) : 0;
        return st;
    case HAY_BYTES:
        return hay_arg_bytes(task, 3, &b->data, &b->size);
    default:
        st = hay_arg_array(task, 3, &view);
        b->data = view.data;
        b->size = view.size_bytes;
        return st;
    }
}

static hay_status
from_list(hay_task *task, hay_type type, size_t k, struct bytes *b)
{
    hay_array_view view;
    const char *text = NULL;
    hay_status st = HAY_OK;
    switch (type) {
    case HAY_DOUBLE:
        return hay_arg_list_double(task, 3, k, &b->number.d);
    case HAY_INT64:
        return hay_arg_list_int64(task, 3, k, &b->number.i);
    case HAY_STRING:
        st = hay_arg_list_string(task, 3, k, &text);
        b->data = text;
        b->size = st == HAY_OK ? strlen(text) : 0;
        return st;
    case HAY_BYTES:
        return hay_arg_list_bytes(task, 3, k, &b->data, &b->size);
    default:
        st = hay_arg_list_array(task, 3, k, &view);
        b->data = view.data;
        b->size = view.size_bytes;
        return st;
    }
}

static hay_status write_one(hay_task *task,
                            struct hayi_files *files,
                            const char *part,
                            const struct hayi_persist_place *place,
                            size_t k)
{
    struct hayi_error err = {.text = ""};
    struct bytes b = {.size = sizeof(b.number)};
    hay_type type = (hay_type)place->type;
    if (place->address == 0) {
        return HAY_OK; /* none, or empty */
    }
    b.data = &b.number;
    hay_status st = hay_arg_type(task, 3) == HAY_LIST
                        ? from_list(task, type, k, &b)
                        : from_argument(task, type, &b);
    if (st != HAY_OK) {
        return st;
    }
    if (b.size != place->size) {
        return hay_task_fail(task,
                             ERROR_CODE,
                             "a result of %zu bytes, its dataset has %llu",
                             b.size,
                             (unsigned long long)place->size);
    }
    st = hayi_files_write(files, part, place->address, b.data, b.size, &err);
    return st == HAY_OK ? st : fail(task, &err);
}

/* The places of future 'index' of a group; NULL: there are none. */
static const unsigned char *
places_of(const void *group, size_t size, uint64_t index, uint64_t *count)
{
    const unsigned char *at = group;
    const unsigned char *end = at + size;
    for (uint64_t i = 0;; i++) {
        if ((size_t)(end - at) < sizeof(*count)) {
            return NULL;
        }
        memcpy(count, at, sizeof(*count));
        at += sizeof(*count);
        size_t left = (size_t)(end - at) / sizeof(struct hayi_persist_place);
        if (*count > left) {
            return NULL;
        }
        if (i == index) {
            return at;
        }
        at += *count * sizeof(struct hayi_persist_place);
    }
}

static hay_status write_all(hay_task *task,
                            const char *part,
                            const unsigned char *places,
                            uint64_t count)
{
    struct hayi_error err = {.text = ""};
    struct hayi_files *files = NULL;
    hay_status st = hayi_files_new(&files, &err);
    if (st != HAY_OK) {
        return fail(task, &err);
    }
    for (size_t k = 0; st == HAY_OK && k < count; k++) {
        struct hayi_persist_place place;
        memcpy(&place, places + k * sizeof(place), sizeof(place));
        st = write_one(task, files, part, &place, k);
    }
    hayi_files_free(files);
    return st;
}

hay_status hayi_persist_write(hay_task *task)
{
    const char *path = NULL;
    int64_t index = 0;
    const void *group = NULL;
    size_t size = 0;
    uint64_t count = 0;
    HAY_TRY(hay_arg_string(task, 0, &path));
    HAY_TRY(hay_arg_int64(task, 1, &index));
    HAY_TRY(hay_arg_bytes(task, 2, &group, &size));
    const unsigned char *places =
        places_of(group, size, (uint64_t)index, &count);
    if (places == NULL) {
        return hay_task_fail(task, ERROR_CODE, "damaged places");
    }
    char *part = part_of(path);
    if (part == NULL) {
        return hay_task_fail(task, ERROR_CODE, "out of memory");
    }
    hay_status st = write_all(task, part, places, count);
    free(part);
    return st;
}

/* ---- the end ------------------------------------------------------------- */

/* Is the file at 'path' the one of argument 1? */
static hay_status is_ours(hay_task *task, const char *path, bool *ours)
{
    const void *data = NULL;
    size_t size = 0;
    struct hayi_persist_file file;
    struct hayi_persist_file found;
    HAY_TRY(hay_arg_bytes(task, 1, &data, &size));
    if (size != sizeof(file)) {
        return hay_task_fail(task, ERROR_CODE, "damaged identity of a file");
    }
    memcpy(&file, data, sizeof(file));
    *ours = identify(path, &found) == HAY_OK && found.inode == file.inode
            && found.size == file.size;
    return HAY_OK;
}

static hay_status part_is_ours(hay_task *task, const char *path, bool *ours)
{
    char *part = part_of(path);
    if (part == NULL) {
        return hay_task_fail(task, ERROR_CODE, "out of memory");
    }
    hay_status st = is_ours(task, part, ours);
    free(part);
    return st;
}

hay_status hayi_persist_finish(hay_task *task)
{
    struct hayi_error err = {.text = ""};
    const char *path = NULL;
    bool ours = false;
    HAY_TRY(hay_arg_string(task, 0, &path));
    HAY_TRY(is_ours(task, path, &ours));
    if (ours) {
        return HAY_OK; /* an attempt before this one got so far */
    }
    HAY_TRY(part_is_ours(task, path, &ours));
    if (!ours) {
        return hay_task_fail(task,
                             ERROR_CODE,
                             "%s.part was replaced or removed meanwhile",
                             path);
    }
    hay_status st = hayi_h5_finish(path, HAYI_SYNC_END, &err);
    return st == HAY_OK ? st : fail(task, &err);
}

hay_status hayi_persist_tidy(hay_task *task)
{
    const char *path = NULL;
    bool ours = false;
    HAY_TRY(hay_arg_string(task, 0, &path));
    HAY_TRY(part_is_ours(task, path, &ours));
    if (ours) {
        hayi_h5_abandon(path);
    }
    return HAY_OK;
}

hay_status hayi_persist_identify(const char *path,
                                 struct hayi_persist_identity *identity)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return HAY_EIO;
    }
    *identity = (struct hayi_persist_identity){
        .size = (uint64_t)info.st_size,
        .changed_s = info.st_mtim.tv_sec,
        .changed_ns = info.st_mtim.tv_nsec,
    };
    return HAY_OK;
}

hay_status hayi_persist_done(hay_task *task)
{
    struct hayi_persist_identity identity;
    const char *path = NULL;
    HAY_TRY(hay_arg_string(task, 0, &path));
    return hayi_persist_identify(path, &identity) == HAY_OK
               ? hay_return_bytes(task, &identity, sizeof(identity))
               : HAY_OK; /* somebody was quick to take it away */
}

HAY_CONSTRUCTOR_(register_persist_tasks)
{
    hay_register("hay.persist.describe", hayi_persist_describe);
    hay_register("hay.persist.done", hayi_persist_done);
    hay_register("hay.persist.finish", hayi_persist_finish);
    hay_register("hay.persist.layout", hayi_persist_layout);
    hay_register("hay.persist.tidy", hayi_persist_tidy);
    hay_register("hay.persist.write", hayi_persist_write);
}
