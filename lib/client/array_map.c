/* array_map.c - a task for each block of an array's chunks.
 *
 * The tasks of a map are made one after the other, each from the same list of
 * arguments: a box of each input, what the caller added, the place of the
 * output.  The array's handle knows of them when all are made, so that a map
 * from an array in memory to itself reads the chunks of before.
 */
#include "config.h"

#include "client/array_box.h"
#include "client/array_tasks.h"
#include "client/check.h"
#include "client/executor.h"
#include "client/put.h"
#include "wire/value.h"
#include "worker/registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAME_MAX_BYTES = 1000, /* without [...] */
    RESULTS_MAX = 65536,   /* of one task, see hay_return_count() */
};

void hay_array_map_options_init(hay_array_map_options *options)
{
    *options = (hay_array_map_options)HAY_ARRAY_MAP_OPTIONS_INIT;
}

/* What a map is made with. */
struct making {
    hay_executor *ex;
    hay_task_fn function;
    const hay_array_map_options *options;
    hay_dataset *output; /* NULL: nothing is written */
    hay_dataset *shape;  /* the output, or input 0 */
    struct hayi_grid blocks;
    uint64_t block[HAY_NDIM_MAX]; /* chunks of one */
    /* the arguments of a task: boxes, further ones, output */
    struct hayi_array_box *boxes; /* [options->input_count] */
    struct hayi_array_args further;
    struct hayi_put_args put; /* the further ones that are large */
    hay_arg *args;
    size_t arg_count;
    struct hayi_output_head head;
    hay_arg output_list[2];
    hay_future **after;
    size_t after_room;
    char *name;
    /* what was made */
    hay_future **tasks; /* [blocks.total]; NULL: not wanted */
    uint64_t task_count;
};

static hay_status wrong(const char *what)
{
    return hayi_fail(
        hayi_thread_error(), HAY_EINVAL, "hay_array_map: %s", what);
}

static hay_status no_memory(void)
{
    return hayi_fail(
        hayi_thread_error(), HAY_ENOMEM, "out of memory for a map");
}

/* ---- looks before anything is made -------------------------------------- */

static hay_status check_inputs(const struct making *m)
{
    const hay_array_map_options *o = m->options;
    bool halo = false;
    for (uint32_t d = 0; d < HAY_NDIM_MAX; d++) {
        halo = halo || o->halo[d] > 0;
    }
    for (size_t i = 0; i < o->input_count; i++) {
        const hay_dataset *input = o->inputs[i];
        if (input == NULL || input->ex != m->ex) {
            return wrong("an input is NULL, or of another executor");
        }
        if (input->grid.ndim != m->shape->grid.ndim
            || memcmp(input->grid.shape,
                      m->shape->grid.shape,
                      input->grid.ndim * sizeof(uint64_t))
                   != 0) {
            return wrong("the inputs and the output have different shapes");
        }
        if (halo && input == m->output && !hayi_array_in_memory(input)) {
            return wrong("an array in a file cannot be the output and an input "
                         "with a halo: tasks would see what others write");
        }
    }
    return HAY_OK;
}

static hay_status check_map(const struct making *m)
{
    const hay_array_map_options *o = m->options;
    struct hayi_error *err = hayi_thread_error();
    hay_status st = hayi_check_in(o, sizeof(*o), "hay_array_map_options", err);
    if (st == HAY_OK) {
        st = hayi_check_text(o->name, NAME_MAX_BYTES, "the name", err);
    }
    if (st != HAY_OK) {
        return st;
    }
    if (m->ex == NULL || (o->input_count > 0 && o->inputs == NULL)) {
        return wrong(m->ex == NULL ? "the executor is NULL"
                                   : "the list of inputs is NULL");
    }
    if (m->function == NULL && (m->output == NULL || o->input_count == 0)) {
        return wrong("without a function it copies input 0 to the output");
    }
    if (hayi_registry_find(m->function) == UINT32_MAX && m->function != NULL) {
        return wrong("this function is not registered: define it with "
                     "HAY_TASK or call hay_register() first");
    }
    if (m->shape == NULL) {
        return wrong("neither an output nor an input");
    }
    if (m->output != NULL
        && (m->output->ex != m->ex
            || !(hayi_array_in_memory(m->output) || m->output->done != NULL))) {
        return wrong("the output is of another executor, or was opened to be "
                     "read");
    }
    if (m->function == NULL && o->inputs[0] != NULL
        && o->inputs[0]->file->dtype != m->output->file->dtype) {
        return wrong("a copy has the type of its input");
    }
    return check_inputs(m);
}

/* ---- what all tasks have ------------------------------------------------ */

/* Blocks are whole chunks; one is at most the array. */
static hay_status init_blocks(struct making *m)
{
    const struct hayi_grid *grid = &m->shape->grid;
    uint64_t chunk[HAY_NDIM_MAX];
    uint64_t results = 1;
    for (uint32_t d = 0; d < grid->ndim; d++) {
        uint64_t chunks = grid->count[d] > 0 ? grid->count[d] : 1;
        uint64_t want = m->options->block[d];
        m->block[d] = want == 0 ? 1 : want < chunks ? want : chunks;
        chunk[d] = m->block[d] * grid->chunk[d];
        results = results > RESULTS_MAX || m->block[d] > RESULTS_MAX
                      ? RESULTS_MAX + 1
                      : results * m->block[d];
    }
    if (m->output != NULL && hayi_array_in_memory(m->output)
        && results > RESULTS_MAX) {
        return wrong("a block of an array in memory has more than 65536 "
                     "chunks");
    }
    return hayi_grid_init(
        &m->blocks, grid->ndim, grid->shape, chunk, hayi_thread_error());
}

/* Large values are put once, and not with each task. */
static hay_status add_further(struct making *m)
{
    const hay_args further = {m->further.list, m->further.count};
    hay_status st =
        hayi_put_args_init(m->ex, further, &m->put, hayi_thread_error());
    for (size_t i = 0; st == HAY_OK && i < further.count; i++) {
        m->args[m->options->input_count + i] = m->put.args.list[i];
    }
    return st;
}

static void init_output(struct making *m)
{
    m->head.dtype = (hay_dtype)(m->output != NULL ? m->output->file->dtype : 0);
    m->head.copy = m->function == NULL;
    m->head.block.count = m->blocks.total;
    m->output_list[0] = hay_bytes(&m->head, sizeof(m->head));
    m->output_list[1] = m->output != NULL ? hay_ref(m->output->blob)
                                          : (hay_arg){.kind = HAY_NONE};
    m->args[m->arg_count - 1] = (hay_arg){
        .kind = HAYI_KIND_OUTPUT, .count = 2, .u.data = m->output_list};
}

static hay_status prepare(struct making *m)
{
    const hay_array_map_options *o = m->options;
    hay_status st = init_blocks(m);
    if (st == HAY_OK) {
        st = hayi_array_args_init(
            &m->further, m->ex, o->args, hayi_thread_error());
    }
    if (st != HAY_OK) {
        return st;
    }
    m->arg_count = o->input_count + o->args.count + 1;
    m->boxes = calloc(o->input_count + 1, sizeof(*m->boxes));
    m->args = calloc(m->arg_count, sizeof(*m->args));
    m->tasks = calloc((size_t)m->blocks.total + 1, sizeof(*m->tasks));
    m->name = o->name != NULL ? malloc(strlen(o->name) + 24) : NULL;
    if (m->boxes == NULL || m->args == NULL || m->tasks == NULL
        || (o->name != NULL && m->name == NULL)) {
        return no_memory();
    }
    st = add_further(m);
    init_output(m);
    return st;
}

static void making_fini(struct making *m)
{
    const hay_array_map_options *o = m->options;
    for (size_t i = 0; m->boxes != NULL && i < o->input_count; i++) {
        hayi_array_box_fini(&m->boxes[i]);
    }
    for (uint64_t i = 0; m->tasks != NULL && i < m->blocks.total; i++) {
        hay_future_release(m->tasks[i]);
    }
    hayi_put_args_fini(&m->put);
    hayi_array_args_fini(&m->further);
    free(m->boxes);
    free(m->args);
    free(m->after);
    free(m->name);
    free(m->tasks);
}

/* ---- one task ----------------------------------------------------------- */

/* With the mutex of the output: has every chunk of the block been computed? */
static bool block_done(const struct making *m, const hay_region *region)
{
    struct hayi_chunks walk;
    uint64_t chunk = 0;
    hayi_chunks_begin(&walk, &m->shape->grid, region);
    while (hayi_chunks_next(&walk, &chunk)) {
        if (!hayi_array_is_done(m->output, chunk)) {
            return false;
        }
    }
    return true;
}

/* Only what a file has already may be left out. */
static bool is_wanted(const struct making *m, const hay_region *region)
{
    hay_dataset *output = m->output;
    if (output == NULL || output->done == NULL || m->options->again) {
        return true;
    }
    (void)pthread_mutex_lock(&output->mutex);
    bool done = block_done(m, region);
    (void)pthread_mutex_unlock(&output->mutex);
    return !done;
}

/* All that must end before the task: the writers of boxes in files. */
static hay_status list_after(struct making *m, size_t *count)
{
    size_t n = m->further.after_count;
    for (size_t i = 0; i < m->options->input_count; i++) {
        n += m->boxes[i].in_memory ? 0 : m->boxes[i].held_count;
    }
    if (n > m->after_room) {
        free(m->after);
        m->after_room = 0;
        m->after = malloc(2 * n * sizeof(hay_future *));
        if (m->after == NULL) {
            return no_memory();
        }
        m->after_room = 2 * n;
    }
    *count = 0;
    for (size_t i = 0; i < m->further.after_count; i++) {
        m->after[(*count)++] = m->further.after[i];
    }
    for (size_t i = 0; i < m->options->input_count; i++) {
        const struct hayi_array_box *box = &m->boxes[i];
        for (size_t k = 0; !box->in_memory && k < box->held_count; k++) {
            m->after[(*count)++] = box->held[k];
        }
    }
    return HAY_OK;
}

/* The boxes of the inputs, as arguments. */
static hay_status set_inputs(struct making *m, const hay_region *region)
{
    const hay_array_map_options *o = m->options;
    hay_region grown;
    hay_status st = HAY_OK;
    hayi_region_grow(region, o->halo, o->halo, m->shape->grid.shape, &grown);
    hayi_region_tidy(region, &m->head.block.region);
    hayi_region_tidy(&grown, &m->head.block.inputs);
    for (size_t i = 0; st == HAY_OK && i < o->input_count; i++) {
        st = hayi_array_box_set(
            &m->boxes[i], o->inputs[i], &grown, hayi_thread_error());
        if (st == HAY_OK) {
            m->args[i] = hayi_array_box_arg(&m->boxes[i]);
        }
    }
    return st;
}

static hay_status make_task(struct making *m, uint64_t index)
{
    const hay_array_map_options *o = m->options;
    hay_task_options t = HAY_TASK_OPTIONS_INIT;
    hay_region region;
    hayi_grid_region(&m->blocks, index, &region);
    if (!is_wanted(m, &region)) {
        return HAY_OK;
    }
    m->head.block.index = index;
    hay_status st = set_inputs(m, &region);
    if (st == HAY_OK) {
        st = list_after(m, &t.after_count);
    }
    if (st == HAY_OK) {
        if (m->name != NULL) {
            (void)snprintf(m->name,
                           strlen(o->name) + 24,
                           "%s[%" PRIu64 "]",
                           o->name,
                           index);
        }
        t.name = m->name;
        t.category = o->name != NULL && strlen(o->name) < 256 ? o->name : NULL;
        t.priority = o->priority;
        t.memory_bytes = o->memory_bytes;
        t.retries = o->retries;
        t.after = m->after;
        st =
            hay_submit(m->ex,
                       m->function != NULL ? m->function : hayi_array_copy_task,
                       (hay_args){m->args, m->arg_count},
                       &t,
                       &m->tasks[index]);
    }
    for (size_t i = 0; i < o->input_count; i++) {
        hayi_array_box_drop(&m->boxes[i]);
    }
    return st;
}

/* ---- the output's handle ------------------------------------------------ */

/* From here to end_making() no other map of this handle can begin. */
static hay_status begin_making(struct making *m)
{
    hay_dataset *output = m->output;
    hay_status st = HAY_OK;
    if (output == NULL) {
        return HAY_OK;
    }
    (void)pthread_mutex_lock(&output->mutex);
    if (hayi_array_busy(output)) {
        st = wrong("another map of this dataset is unfinished");
    }
    if (st == HAY_OK && output->writers == NULL) {
        output->writers =
            calloc((size_t)output->grid.total + 1, sizeof(*output->writers));
        st = output->writers != NULL ? HAY_OK : no_memory();
    }
    if (st == HAY_OK) {
        hayi_array_settle(output);
        output->making = true;
    }
    (void)pthread_mutex_unlock(&output->mutex);
    return st;
}

/* With the mutex: a block's chunks have this writer from now on. */
static void set_writer(struct making *m, uint64_t index, hay_future *task)
{
    hay_dataset *output = m->output;
    hay_region region;
    struct hayi_chunks walk;
    uint64_t chunk = 0;
    hayi_grid_region(&m->blocks, index, &region);
    hayi_chunks_begin(&walk, &output->grid, &region);
    while (hayi_chunks_next(&walk, &chunk)) {
        hay_future *before = output->writers[chunk];
        output->writers[chunk] = hay_future_retain(task);
        hay_future_release(before);
        if (output->done != NULL) {
            output->done[chunk / 8] &= (uint8_t) ~(1u << (chunk % 8));
        }
    }
}

/* map: NULL: it could not be made whole; what was made of it has been cancelled
 * as far as possible, but may still write into a file. */
static void end_making(struct making *m, hay_future *map)
{
    hay_dataset *output = m->output;
    if (output == NULL) {
        return;
    }
    bool take = m->tasks != NULL && (map != NULL || output->done != NULL);
    (void)pthread_mutex_lock(&output->mutex);
    for (uint64_t i = 0; take && i < m->blocks.total; i++) {
        if (m->tasks[i] != NULL) {
            set_writer(m, i, m->tasks[i]);
        }
    }
    if (map != NULL) {
        memcpy(output->block, m->block, sizeof(output->block));
        hay_future_release(output->map);
        output->map = hay_future_retain(map);
    }
    output->loose = map == NULL;
    output->making = false;
    (void)pthread_mutex_unlock(&output->mutex);
}

/* ---- the whole ---------------------------------------------------------- */

/* After a failure, whose words stay. */
static void cancel_made(struct making *m)
{
    struct hayi_error before = *hayi_thread_error();
    for (uint64_t i = 0; i < m->blocks.total; i++) {
        if (m->tasks[i] != NULL) {
            (void)hay_future_cancel(m->tasks[i], 0);
        }
    }
    *hayi_thread_error() = before;
}

static hay_status end_map(struct making *m, hay_future **map)
{
    hay_future **list = malloc(((size_t)m->task_count + 1) * sizeof(*list));
    size_t n = 0;
    if (list == NULL) {
        return no_memory();
    }
    for (uint64_t i = 0; i < m->blocks.total; i++) {
        if (m->tasks[i] != NULL) {
            list[n++] = m->tasks[i];
        }
    }
    hay_status st = hayi_array_end(m->ex, list, n, m->output, m->options, map);
    free(list);
    return st;
}

static hay_status make_all(struct making *m, hay_future **map)
{
    hay_status st = prepare(m);
    for (uint64_t i = 0; st == HAY_OK && i < m->blocks.total; i++) {
        st = make_task(m, i);
        m->task_count += st == HAY_OK && m->tasks[i] != NULL ? 1 : 0;
    }
    if (st == HAY_OK) {
        st = end_map(m, map);
    }
    if (st != HAY_OK && m->tasks != NULL) {
        cancel_made(m);
    }
    return st;
}

hay_status hay_array_map(hay_executor *ex,
                         hay_task_fn function,
                         const hay_array_map_options *options,
                         hay_dataset *output,
                         hay_future **map)
{
    static const hay_array_map_options defaults = HAY_ARRAY_MAP_OPTIONS_INIT;
    hay_future *made = NULL;
    struct making m = {
        .ex = ex,
        .function = function,
        .options = options != NULL ? options : &defaults,
        .output = output,
    };
    m.shape = output != NULL ? output
              : m.options->inputs != NULL && m.options->input_count > 0
                  ? m.options->inputs[0]
                  : NULL;
    hay_status st = check_map(&m);
    if (st == HAY_OK) {
        st = begin_making(&m);
    }
    if (st != HAY_OK) {
        return st;
    }
    st = make_all(&m, &made);
    end_making(&m, made);
    making_fini(&m);
    if (st == HAY_OK && map != NULL) {
        *map = made;
    } else {
        hay_future_release(made);
    }
    return st;
}
