/* array_tree.c - reductions: trees of tasks that combine up to 16 results each.
 *
 * A level is made from left to right, a rest of one goes up as it is; so the
 * shape of the tree depends on the number of leaves only, and the order in
 * which results are combined on nothing else.
 */
#include "config.h"

#include "client/array_box.h"
#include "client/check.h"
#include "client/executor.h"
#include "client/put.h"
#include "client/task_options.h"
#include "worker/registry.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARITY = 16,
    NAME_MAX_BYTES = 1000, /* without [...] */
};

static hay_status wrong(const char *what)
{
    return hayi_fail(hayi_thread_error(), HAY_EINVAL, "%s", what);
}

static hay_status no_memory(void)
{
    return hayi_fail(
        hayi_thread_error(), HAY_ENOMEM, "out of memory for a reduction");
}

static bool is_registered(hay_task_fn function)
{
    return function != NULL && hayi_registry_find(function) != UINT32_MAX;
}

/* ---- a tree ------------------------------------------------------------- */

struct tree {
    hay_executor *ex;
    hay_task_fn combine;
    hay_task_options options; /* of each task */
    const char *name;         /* tasks are NAME[number]; NULL: no names */
    uint64_t number;
    char text[NAME_MAX_BYTES + 30];
};

static const char *next_name(struct tree *tree)
{
    if (tree->name == NULL) {
        return NULL;
    }
    (void)snprintf(tree->text,
                   sizeof(tree->text),
                   "%s[%" PRIu64 "]",
                   tree->name,
                   tree->number++);
    return tree->text;
}

/* One task over the futures; they stay the caller's. */
static hay_status combine(struct tree *tree,
                          hay_future *const *futures,
                          size_t count,
                          hay_future **result)
{
    hay_arg args[ARITY];
    for (size_t i = 0; i < count; i++) {
        args[i] = hay_ref(futures[i]);
    }
    tree->options.name = next_name(tree);
    return hay_submit(tree->ex,
                      tree->combine,
                      (hay_args){args, count},
                      &tree->options,
                      result);
}

/* Combine list[count] (counted, taken in any case) until one is left. */
static hay_status
build(struct tree *tree, hay_future **list, size_t count, hay_future **result)
{
    hay_status st = HAY_OK;
    while (st == HAY_OK && count > 1) {
        size_t up = 0;
        for (size_t i = 0; i < count; i += ARITY) {
            size_t n = count - i < ARITY ? count - i : ARITY;
            hay_future *one = NULL;
            if (st == HAY_OK && n > 1) {
                st = combine(tree, list + i, n, &one);
            } else if (st == HAY_OK) {
                one = hay_future_retain(list[i]);
            }
            for (size_t k = 0; k < n; k++) {
                hay_future_release(list[i + k]);
                list[i + k] = NULL;
            }
            list[up++] = one;
        }
        count = up;
    }
    if (st != HAY_OK) {
        for (size_t i = 0; i < count; i++) {
            hay_future_release(list[i]);
        }
        return st;
    }
    *result = list[0];
    return HAY_OK;
}

static hay_status check_tree(hay_executor *ex,
                             hay_task_fn function,
                             hay_future *const *futures,
                             size_t count,
                             const hay_task_options *options)
{
    struct hayi_error *err = hayi_thread_error();
    hay_status st =
        hayi_task_options_check(ex, options, HAYI_TASK_FUNCTION, err);
    if (st != HAY_OK) {
        return st;
    }
    if (!is_registered(function)) {
        return wrong("hay_tree: this function is not registered");
    }
    if (count == 0 || futures == NULL) {
        return wrong("hay_tree: there are no futures");
    }
    for (size_t i = 0; i < count; i++) {
        if (futures[i] == NULL || futures[i]->ex != ex) {
            return wrong("hay_tree: a future is NULL or of another executor");
        }
    }
    return hayi_check_text(options->name, NAME_MAX_BYTES, "the name", err);
}

hay_status hay_tree(hay_executor *ex,
                    hay_task_fn function,
                    hay_future *const *futures,
                    size_t count,
                    const hay_task_options *options,
                    hay_future **result)
{
    const hay_task_options *o = hayi_task_options_or_default(options);
    struct tree tree = {.ex = ex, .combine = function};
    hay_future *made = NULL;
    hay_status st = check_tree(ex, function, futures, count, o);
    if (st != HAY_OK) {
        return st;
    }
    hay_future **list = malloc(count * sizeof(*list));
    if (list == NULL) {
        return no_memory();
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = hay_future_retain(futures[i]);
    }
    tree.options = *o;
    tree.name = o->name;
    tree.options.queue = NULL;
    st = build(&tree, list, count, &made);
    free(list);
    if (st == HAY_OK && o->queue != NULL) {
        st = hay_queue_add(o->queue, made);
    }
    if (st == HAY_OK && result != NULL) {
        *result = made;
    } else {
        hay_future_release(made);
    }
    return st;
}

/* ---- reductions over axes ----------------------------------------------- */

/* The chunks that give one result each: a grid of them in a grid of results. */
struct axes {
    const struct hayi_grid *grid;
    uint32_t reduced; /* bits */
    uint64_t results; /* how many there are */
    uint64_t leaves;  /* chunks of each */
};

static void
axes_init(struct axes *axes, const struct hayi_grid *grid, uint32_t reduced)
{
    uint32_t all = (1u << grid->ndim) - 1;
    *axes = (struct axes){grid, reduced == 0 ? all : reduced, 1, 1};
    for (uint32_t d = 0; d < grid->ndim; d++) {
        bool over = (axes->reduced >> d & 1) != 0;
        axes->results *= over ? 1 : grid->count[d];
        axes->leaves *= over ? grid->count[d] : 1;
    }
}

/* The chunk that is leaf 'leaf' of result 'result'; both row-major. */
static uint64_t
axes_chunk(const struct axes *axes, uint64_t result, uint64_t leaf)
{
    uint64_t at[HAY_NDIM_MAX];
    for (uint32_t d = axes->grid->ndim; d-- > 0;) {
        uint64_t *of = (axes->reduced >> d & 1) != 0 ? &leaf : &result;
        at[d] = *of % axes->grid->count[d];
        *of /= axes->grid->count[d];
    }
    return hayi_grid_index(axes->grid, at);
}

/* What a reduction is made with. */
struct reduction {
    struct tree tree;
    hay_dataset *input;
    hay_task_fn each;
    struct axes axes;
    hay_arg *args; /* [arg_count]; 0 is the box */
    size_t arg_count;
    struct hayi_array_args further;
    struct hayi_put_args put; /* the further ones that are large */
    hay_future **leaves;
};

/* 'each' on one chunk. */
static hay_status
make_leaf(struct reduction *r, uint64_t chunk, hay_future **leaf)
{
    hay_region region;
    hayi_grid_region(r->axes.grid, chunk, &region);
    r->args[0] = hay_array_region(r->input, &region);
    hay_task_options o = r->tree.options;
    o.name = next_name(&r->tree);
    o.after = r->further.after;
    o.after_count = r->further.after_count;
    return hayi_array_submit(
        r->tree.ex, r->each, (hay_args){r->args, r->arg_count}, &o, leaf);
}

static hay_status
make_result(struct reduction *r, uint64_t result, hay_future **future)
{
    hay_status st = HAY_OK;
    size_t made = 0;
    for (uint64_t i = 0; st == HAY_OK && i < r->axes.leaves; i++) {
        uint64_t chunk = axes_chunk(&r->axes, result, i);
        st = make_leaf(r, chunk, &r->leaves[i]);
        made += st == HAY_OK ? 1 : 0;
    }
    if (st == HAY_OK) {
        return build(&r->tree, r->leaves, made, future);
    }
    for (size_t i = 0; i < made; i++) {
        hay_future_release(r->leaves[i]);
    }
    return st;
}

static hay_status check_reduce(hay_executor *ex,
                               hay_dataset *input,
                               hay_task_fn each,
                               hay_task_fn combine_fn,
                               uint32_t axes,
                               const hay_array_map_options *o)
{
    struct hayi_error *err = hayi_thread_error();
    hay_status st = hayi_check_in(o, sizeof(*o), "hay_array_map_options", err);
    if (st == HAY_OK) {
        st = hayi_check_text(o->name, NAME_MAX_BYTES, "the name", err);
    }
    if (st != HAY_OK) {
        return st;
    }
    if (ex == NULL || input == NULL || input->ex != ex) {
        return wrong("hay_array_reduce: the executor or the dataset is NULL, "
                     "or they do not belong together");
    }
    if (!is_registered(each) || !is_registered(combine_fn)) {
        return wrong("hay_array_reduce: a function is not registered");
    }
    if (axes >> input->grid.ndim != 0) {
        return wrong("hay_array_reduce: the array has not so many axes");
    }
    if (input->grid.total == 0) {
        return wrong("hay_array_reduce: the array is empty");
    }
    for (uint32_t d = 0; d < HAY_NDIM_MAX; d++) {
        if (o->input_count > 0 || o->halo[d] > 0 || o->block[d] > 1) {
            return wrong("hay_array_reduce: inputs, halo and block are for "
                         "maps");
        }
    }
    return HAY_OK;
}

static hay_status prepare(struct reduction *r, const hay_array_map_options *o)
{
    struct hayi_error *err = hayi_thread_error();
    hay_status st = hayi_array_args_init(&r->further, r->tree.ex, o->args, err);
    if (st != HAY_OK) {
        return st;
    }
    st = hayi_put_args_init(r->tree.ex,
                            (hay_args){r->further.list, r->further.count},
                            &r->put,
                            err);
    if (st != HAY_OK) {
        return st;
    }
    r->arg_count = 1 + r->further.count;
    r->args = malloc(r->arg_count * sizeof(*r->args));
    r->leaves = calloc((size_t)r->axes.leaves, sizeof(*r->leaves));
    if (r->args == NULL || r->leaves == NULL) {
        return no_memory();
    }
    if (r->further.count > 0) {
        memcpy(
            r->args + 1, r->put.args.list, r->further.count * sizeof(*r->args));
    }
    r->tree.name = o->name;
    r->tree.options = (hay_task_options)HAY_TASK_OPTIONS_INIT;
    r->tree.options.category =
        o->name != NULL && strlen(o->name) < 256 ? o->name : NULL;
    r->tree.options.priority = o->priority;
    r->tree.options.memory_bytes = o->memory_bytes;
    r->tree.options.retries = o->retries;
    return HAY_OK;
}

/* futures[results]: all of them, or none and a failure. */
static hay_status make_results(struct reduction *r, hay_future **futures)
{
    hay_status st = HAY_OK;
    uint64_t made = 0;
    while (st == HAY_OK && made < r->axes.results) {
        st = make_result(r, made, &futures[made]);
        made += st == HAY_OK ? 1 : 0;
    }
    for (uint64_t i = 0; st != HAY_OK && i < made; i++) {
        hay_future_release(futures[i]);
    }
    return st;
}

/* On failure the futures are released. */
static hay_status queue_all(hay_queue *queue, hay_future **list, uint64_t count)
{
    hay_status st = HAY_OK;
    for (uint64_t i = 0; st == HAY_OK && i < count; i++) {
        st = hay_queue_add(queue, list[i]);
    }
    for (uint64_t i = 0; st != HAY_OK && i < count; i++) {
        hay_future_release(list[i]);
    }
    return st;
}

hay_status hay_array_reduce(hay_executor *ex,
                            hay_dataset *input,
                            hay_task_fn each,
                            hay_task_fn combine_fn,
                            uint32_t axes,
                            const hay_array_map_options *options,
                            hay_future ***futures,
                            size_t *count)
{
    static const hay_array_map_options defaults = HAY_ARRAY_MAP_OPTIONS_INIT;
    const hay_array_map_options *o = options != NULL ? options : &defaults;
    hay_status st = check_reduce(ex, input, each, combine_fn, axes, o);
    if (st != HAY_OK) {
        return st;
    }
    struct reduction r = {
        .tree = {.ex = ex, .combine = combine_fn},
        .input = input,
        .each = each,
    };
    axes_init(&r.axes, &input->grid, axes);
    hay_future **list = calloc((size_t)r.axes.results, sizeof(*list));
    st = list != NULL ? prepare(&r, o) : no_memory();
    if (st == HAY_OK) {
        st = make_results(&r, list);
    }
    if (st == HAY_OK && o->queue != NULL) {
        st = queue_all(o->queue, list, r.axes.results);
    }
    hayi_put_args_fini(&r.put);
    hayi_array_args_fini(&r.further);
    free(r.args);
    free(r.leaves);
    if (st != HAY_OK) {
        free(list);
        return st;
    }
    *futures = list;
    *count = (size_t)r.axes.results;
    return HAY_OK;
}
