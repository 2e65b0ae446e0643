/* array_box.c - see array_box.h. */
#include "config.h"

#include "client/array_box.h"

#include "client/check.h"
#include "client/task_options.h"
#include "wire/value.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- regions ------------------------------------------------------------ */

void hayi_region_from(const hay_dataset *dataset,
                      const hay_region *region,
                      hay_region *out)
{
    if (region != NULL) {
        *out = *region;
    } else {
        hayi_region_whole(dataset->grid.ndim, dataset->grid.shape, out);
    }
}

void hayi_region_tidy(const hay_region *region, hay_region *out)
{
    memset(out, 0, sizeof(*out));
    out->ndim = region->ndim;
    for (uint32_t d = 0; d < region->ndim; d++) {
        out->start[d] = region->start[d];
        out->count[d] = region->count[d];
    }
}

hay_arg hay_array_region(hay_dataset *dataset, const hay_region *region)
{
    return (hay_arg){
        .kind = HAYI_KIND_DATASET,
        .u.data = dataset,
        .shape = (const uint64_t *)(const void *)region,
    };
}

/* ---- boxes -------------------------------------------------------------- */

/* Room for one more of 'size' bytes each; false: no memory. */
static bool grow(void **list, size_t *room, size_t count, size_t size)
{
    if (count < *room) {
        return true;
    }
    size_t more = *room == 0 ? 8 : 2 * *room;
    void *larger = realloc(*list, more * size);
    if (larger == NULL) {
        return false;
    }
    *list = larger;
    *room = more;
    return true;
}

static hay_status no_memory(struct hayi_error *err)
{
    return hayi_fail(err, HAY_ENOMEM, "out of memory for a region");
}

static bool add_arg(struct hayi_array_box *box, const hay_arg *arg)
{
    void *list = box->list;
    if (!grow(&list, &box->list_room, box->list_count, sizeof(*box->list))) {
        return false;
    }
    box->list = list;
    box->list[box->list_count++] = *arg;
    return true;
}

static bool hold(struct hayi_array_box *box, hay_future *future)
{
    void *list = box->held;
    if (!grow(&list, &box->held_room, box->held_count, sizeof(*box->held))) {
        return false;
    }
    box->held = list;
    box->held[box->held_count++] = hay_future_retain(future);
    return true;
}

static hay_status
never(const hay_dataset *dataset, uint64_t chunk, struct hayi_error *err)
{
    char label[200];
    hayi_array_label(dataset, label, sizeof(label));
    return hayi_fail(err,
                     HAY_EINVAL,
                     "chunk %" PRIu64 " of %s has never been computed",
                     chunk,
                     label);
}

/* With the mutex: what one chunk adds.  '*parts': it is a part of a result. */
static hay_status add_chunk(struct hayi_array_box *box,
                            const hay_dataset *dataset,
                            uint64_t chunk,
                            struct hayi_error *err)
{
    hay_future *writer =
        dataset->writers != NULL ? dataset->writers[chunk] : NULL;
    if (writer == NULL) {
        bool there = !box->in_memory && hayi_array_is_done(dataset, chunk);
        return there ? HAY_OK : never(dataset, chunk, err);
    }
    if (!box->in_memory
        && (hay_future_state(writer) == HAY_FINISHED
            || (box->held_count > 0
                && box->held[box->held_count - 1] == writer))) {
        return HAY_OK;
    }
    bool room = hold(box, writer);
    if (room && box->in_memory) {
        uint64_t part = hayi_array_part(dataset, chunk);
        const hay_arg arg =
            part == 0 ? hay_ref(writer) : hay_ref_at(writer, (size_t)part - 1);
        room = add_arg(box, &arg);
    }
    return room ? HAY_OK : no_memory(err);
}

static hay_status add_chunks(struct hayi_array_box *box,
                             hay_dataset *dataset,
                             const hay_region *region,
                             struct hayi_error *err)
{
    struct hayi_chunks walk;
    uint64_t chunk = 0;
    hay_status st = HAY_OK;
    if (!box->in_memory && dataset->done == NULL) {
        return HAY_OK; /* a file that is only read */
    }
    if (hayi_region_count(region) == 0) {
        return HAY_OK;
    }
    (void)pthread_mutex_lock(&dataset->mutex);
    hayi_chunks_begin(&walk, &dataset->grid, region);
    while (st == HAY_OK && hayi_chunks_next(&walk, &chunk)) {
        st = add_chunk(box, dataset, chunk, err);
    }
    (void)pthread_mutex_unlock(&dataset->mutex);
    return st;
}

/* Behind head and blob: one list, if each chunk is the whole result of a task.
 */
static bool join_chunks(struct hayi_array_box *box)
{
    const hay_arg list = hay_refs(box->held, box->held_count);
    for (size_t i = 2; i < box->list_count; i++) {
        if (box->list[i].count != 0) {
            return true;
        }
    }
    box->list_count = 2;
    return add_arg(box, &list);
}

static hay_status outside(const hay_dataset *dataset, struct hayi_error *err)
{
    char label[200];
    hayi_array_label(dataset, label, sizeof(label));
    return hayi_fail(
        err, HAY_EINVAL, "the region does not lie inside of %s", label);
}

hay_status hayi_array_box_set(struct hayi_array_box *box,
                              hay_dataset *dataset,
                              const hay_region *region,
                              struct hayi_error *err)
{
    if (!hayi_region_inside(region, dataset->grid.ndim, dataset->grid.shape)) {
        return outside(dataset, err);
    }
    box->list_count = 0;
    box->held_count = 0;
    box->in_memory = hayi_array_in_memory(dataset);
    memset(&box->head, 0, sizeof(box->head));
    hayi_region_tidy(region, &box->head.region);
    const hay_arg head = {.kind = HAY_NONE};
    const hay_arg blob = hay_ref(dataset->blob);
    hay_status st = HAY_OK;
    if (!add_arg(box, &head) || !add_arg(box, &blob)) {
        st = no_memory(err);
    }
    if (st == HAY_OK) {
        st = add_chunks(box, dataset, region, err);
    }
    if (st == HAY_OK && box->in_memory) {
        box->head.chunk_count = box->held_count;
        st = join_chunks(box) ? HAY_OK : no_memory(err);
    }
    if (st != HAY_OK) {
        hayi_array_box_drop(box);
    }
    return st;
}

hay_arg hayi_array_box_arg(const struct hayi_array_box *box)
{
    box->list[0] = hay_bytes(&box->head, sizeof(box->head));
    return (hay_arg){
        .kind = HAYI_KIND_REGION,
        .count = box->list_count,
        .u.data = box->list,
    };
}

void hayi_array_box_drop(struct hayi_array_box *box)
{
    for (size_t i = 0; i < box->held_count; i++) {
        hay_future_release(box->held[i]);
    }
    box->held_count = 0;
    box->list_count = 0;
}

void hayi_array_box_fini(struct hayi_array_box *box)
{
    hayi_array_box_drop(box);
    free(box->held);
    free(box->list);
    *box = (struct hayi_array_box){0};
}

/* ---- arguments with boxes ----------------------------------------------- */

bool hayi_array_among(hay_args args)
{
    for (size_t i = 0; args.list != NULL && i < args.count; i++) {
        if (args.list[i].kind == HAYI_KIND_DATASET) {
            return true;
        }
    }
    return false;
}

/* Argument 'index', a box. */
static hay_status expand(struct hayi_array_args *expanded,
                         hay_executor *ex,
                         const hay_arg *arg,
                         size_t index,
                         struct hayi_error *err)
{
    struct hayi_error inner = {0};
    hay_region region;
    struct hayi_array_box *box = &expanded->boxes[expanded->box_count];
    hay_dataset *dataset = (hay_dataset *)(uintptr_t)arg->u.data;
    if (dataset == NULL || dataset->ex != ex) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "argument %zu: the dataset is %s",
                         index,
                         dataset == NULL ? "NULL" : "of another executor");
    }
    hayi_region_from(
        dataset, (const hay_region *)(const void *)arg->shape, &region);
    hay_status st = hayi_array_box_set(box, dataset, &region, &inner);
    if (st != HAY_OK) {
        hayi_array_box_fini(box);
        return hayi_fail(err, st, "argument %zu: %s", index, inner.text);
    }
    expanded->box_count++;
    expanded->list[index] = hayi_array_box_arg(box);
    expanded->after_count += box->in_memory ? 0 : box->held_count;
    return HAY_OK;
}

/* The writers of all boxes, in one list. */
static hay_status list_after(struct hayi_array_args *expanded,
                             struct hayi_error *err)
{
    size_t at = 0;
    if (expanded->after_count == 0) {
        return HAY_OK;
    }
    expanded->after = malloc(expanded->after_count * sizeof(hay_future *));
    if (expanded->after == NULL) {
        return no_memory(err);
    }
    for (size_t i = 0; i < expanded->box_count; i++) {
        const struct hayi_array_box *box = &expanded->boxes[i];
        for (size_t k = 0; !box->in_memory && k < box->held_count; k++) {
            expanded->after[at++] = box->held[k];
        }
    }
    return HAY_OK;
}

hay_status hayi_array_args_init(struct hayi_array_args *expanded,
                                hay_executor *ex,
                                hay_args args,
                                struct hayi_error *err)
{
    hay_status st = HAY_OK;
    *expanded = (struct hayi_array_args){.count = args.count};
    if (args.count == 0) {
        return HAY_OK;
    }
    if (args.list == NULL) {
        return hayi_fail(err, HAY_EINVAL, "the list of arguments is NULL");
    }
    expanded->list = malloc(args.count * sizeof(*expanded->list));
    expanded->boxes = calloc(args.count, sizeof(*expanded->boxes));
    if (expanded->list == NULL || expanded->boxes == NULL) {
        st = hayi_fail(err, HAY_ENOMEM, "out of memory for arguments");
    }
    for (size_t i = 0; st == HAY_OK && i < args.count; i++) {
        expanded->list[i] = args.list[i];
        if (args.list[i].kind == HAYI_KIND_DATASET) {
            st = expand(expanded, ex, &args.list[i], i, err);
        }
    }
    if (st == HAY_OK) {
        st = list_after(expanded, err);
    }
    if (st != HAY_OK) {
        hayi_array_args_fini(expanded);
    }
    return st;
}

void hayi_array_args_fini(struct hayi_array_args *expanded)
{
    for (size_t i = 0; i < expanded->box_count; i++) {
        hayi_array_box_fini(&expanded->boxes[i]);
    }
    free(expanded->boxes);
    free(expanded->list);
    free(expanded->after);
    *expanded = (struct hayi_array_args){0};
}

hay_status hayi_array_submit(hay_executor *ex,
                             hay_task_fn function,
                             hay_args args,
                             const hay_task_options *options,
                             hay_future **future)
{
    struct hayi_error *err = hayi_thread_error();
    hay_task_options o = *hayi_task_options_or_default(options);
    struct hayi_array_args expanded;
    hay_future **after = NULL;
    hay_status st = hayi_task_options_check(ex, &o, HAYI_TASK_FUNCTION, err);
    if (st == HAY_OK) {
        st = hayi_array_args_init(&expanded, ex, args, err);
    }
    if (st != HAY_OK) {
        return st;
    }
    size_t count = o.after_count + expanded.after_count;
    if (expanded.after_count > 0) {
        after = malloc(count * sizeof(hay_future *));
    }
    if (expanded.after_count > 0 && after == NULL) {
        st = hayi_fail(err, HAY_ENOMEM, "out of memory for a task");
    } else if (after != NULL) {
        if (o.after_count > 0) {
            memcpy(after, o.after, o.after_count * sizeof(hay_future *));
        }
        memcpy(after + o.after_count,
               expanded.after,
               expanded.after_count * sizeof(hay_future *));
        o.after = after;
        o.after_count = count;
    }
    if (st == HAY_OK) {
        const hay_args filled = {expanded.list, expanded.count};
        st = hay_submit(ex, function, filled, &o, future);
    }
    free(after);
    hayi_array_args_fini(&expanded);
    return st;
}
