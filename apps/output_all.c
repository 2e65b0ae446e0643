/* output_all.c - what all tasks of a run printed; see output_all.h.
 *
 * A row for each place in the file: some 40 bytes a task.
 */
#include "config.h"

#include "order.h"
#include "output_all.h"
#include "show.h"
#include "table.h"
#include "units.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COLUMNS_MIN 9
#define PLACES_MAX  ((uint64_t)1 << 40)
#define NOTHING     UINT32_MAX

struct place {
    uint64_t attempt; /* 1 + the last one that is known; 0: none */
    uint64_t offset, length;
    uint32_t path; /* NOTHING, or place in 'paths' */
};

struct all {
    struct order order;
    struct place *places; /* [count] */
    size_t count, room;
    int stream;
    char **paths; /* each once, in the order of their first use */
    size_t path_count, path_room;
    int fd; /* of the last one */
    uint32_t fd_path;
};

static struct place *place_of(struct all *a, const char *number_text)
{
    uint64_t number;
    uint64_t at;
    if (!units_uint(number_text, UINT64_MAX, &number)
        || !order_place(&a->order, number, &at) || at >= PLACES_MAX) {
        return NULL;
    }
    if (at >= a->room) {
        size_t room = 2 * (size_t)at + 64;
        a->places = mem_resize(a->places, room, sizeof *a->places);
        a->room = room;
    }
    for (; a->count <= at; a->count++) {
        a->places[a->count] = (struct place){.path = NOTHING};
    }
    return &a->places[at];
}

/* tasks.tsv: task, name, attempt, ... */
static void task_row(void *context, char **columns, size_t count)
{
    struct place *place = place_of(context, columns[0]);
    uint64_t attempt;
    (void)count;
    if (place != NULL && units_uint(columns[2], UINT32_MAX, &attempt)
        && attempt + 1 > place->attempt) {
        place->attempt = attempt + 1;
    }
}

/* Files of slots come one after the other: the last ones are looked at first.
 */
static uint32_t path_number(struct all *a, const char *path)
{
    size_t tries = a->path_count < 4096 ? a->path_count : 16;
    for (size_t i = 0; i < tries; i++) {
        size_t at = a->path_count - 1 - i;
        if (strcmp(a->paths[at], path) == 0) {
            return (uint32_t)at;
        }
    }
    a->paths =
        mem_grow(a->paths, a->path_count, &a->path_room, sizeof *a->paths);
    a->paths[a->path_count] = strdup(path);
    return (uint32_t)a->path_count++;
}

/* output.tsv: task, name, attempt, then path, offset, length twice. */
static void output_row(void *context, char **columns, size_t count)
{
    struct all *a = context;
    struct place *place = place_of(a, columns[0]);
    char **part = columns + 3 + 3 * a->stream;
    uint64_t attempt;
    (void)count;
    if (place != NULL && units_uint(columns[2], UINT32_MAX, &attempt)
        && attempt + 1 == place->attempt
        && units_uint(part[1], INT64_MAX, &place->offset)
        && units_uint(part[2], INT64_MAX, &place->length)) {
        place->path =
            place->length > 0 ? path_number(a, part[0]) : (uint32_t)NOTHING;
    }
}

static hay_status print_place(struct all *a,
                              const char *folder,
                              const struct place *place,
                              struct fault *fault)
{
    struct text path = TEXT_INIT;
    const char *name = a->paths[place->path];
    hay_status status = HAY_OK;
    if (name[0] != '/') {
        text_format(&path, "%s/", folder);
    }
    text_add_string(&path, name);
    if (a->fd < 0 || a->fd_path != place->path) {
        if (a->fd >= 0) {
            close(a->fd);
        }
        a->fd = open(path.data, O_RDONLY | O_CLOEXEC);
        a->fd_path = place->path;
    }
    if (a->fd < 0) {
        status =
            fault_set(fault, HAY_EIO, "%.500s: %s", path.data, strerror(errno));
    } else {
        status = show_copy(a->fd,
                           place->offset,
                           place->length,
                           a->stream == 0 ? STDOUT_FILENO : STDERR_FILENO);
        if (status == HAY_EIO) {
            (void)fault_set(
                fault, HAY_EIO, "%.500s: it is cut short", path.data);
        } else if (status != HAY_OK) {
            (void)fault_set(fault, status, "nobody reads the output");
        }
    }
    text_fini(&path);
    return status;
}

static hay_status
one_stream(const char *folder, int stream, struct fault *fault)
{
    struct all a = {.stream = stream, .fd = -1};
    hay_status status = order_read(folder, &a.order, fault);
    if (status == HAY_OK) {
        status =
            table_read(folder, "tasks.tsv", COLUMNS_MIN, task_row, &a, fault);
    }
    if (status == HAY_OK) {
        status = table_read(
            folder, "output.tsv", COLUMNS_MIN, output_row, &a, fault);
    }
    for (size_t i = 0; status == HAY_OK && i < a.count; i++) {
        if (a.places[i].path != NOTHING) {
            status = print_place(&a, folder, &a.places[i], fault);
        }
    }
    if (a.fd >= 0) {
        close(a.fd);
    }
    for (size_t i = 0; i < a.path_count; i++) {
        free(a.paths[i]);
    }
    free(a.paths);
    free(a.places);
    order_fini(&a.order);
    return status;
}

hay_status
output_all(const char *run_folder, const bool streams[2], struct fault *fault)
{
    hay_status status = HAY_OK;
    for (int i = 0; i < 2 && status == HAY_OK; i++) {
        if (streams[i]) {
            status = one_stream(run_folder, i, fault);
        }
    }
    return status;
}
