/* chunks.c - datasets of HDF5 files as inputs of commands; see chunks.h.
 *
 * Datasets are opened on this rank, few at a time: the tasks of an array read
 * the same one as a rule.
 */
#include "config.h"

#include "chunks.h"
#include "files.h"
#include "runfolder.h"
#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_MAX   8
#define NAME_SHOWN "%.300s"

/* An open dataset. */
struct open_one {
    struct text key; /* file and dataset */
    hay_dataset *dataset;
    hay_array_info info;
};

struct chunks {
    hay_executor *ex;
    struct workload *w;
    struct text folder; /* "": none */
    bool made;
    struct open_one open[OPEN_MAX];
    size_t next; /* to be replaced */
    struct text file, dataset, number, key;
    bool numbered; /* one chunk of it is wanted */
    /* of the task at hand */
    struct text *texts; /* [room] */
    const char **env;   /* [room + 1] */
    size_t count, room;
    const char **paths;
    struct text *path_texts;
    struct text identity;
    hay_future **futures;
    size_t path_room;
};

/* The task's argument is its result. */
HAY_TASK(hayfork_chunk)
{
    return hay_return_arg(task, 0);
}

struct chunks *
chunks_new(hay_executor *ex, struct workload *w, const char *run_folder)
{
    struct chunks *c = mem_alloc(1, sizeof *c);
    char *whole = run_folder != NULL ? realpath(run_folder, NULL) : NULL;
    *c = (struct chunks){.ex = ex, .w = w};
    text_clear(&c->folder);
    if (whole != NULL) {
        text_format(&c->folder, "%s/chunks", whole);
    }
    free(whole);
    return c;
}

void chunks_free(struct chunks *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < OPEN_MAX; i++) {
        hay_array_release(c->open[i].dataset);
        text_fini(&c->open[i].key);
    }
    for (size_t i = 0; i < c->room; i++) {
        text_fini(&c->texts[i]);
    }
    for (size_t i = 0; i < c->path_room; i++) {
        text_fini(&c->path_texts[i]);
    }
    if (c->made) {
        runfolder_remove_tree(c->folder.data);
    }
    free(c->path_texts);
    free(c->texts);
    free(c->env);
    free(c->paths);
    free(c->futures);
    text_fini(&c->folder);
    text_fini(&c->file);
    text_fini(&c->dataset);
    text_fini(&c->number);
    text_fini(&c->key);
    text_fini(&c->identity);
    free(c);
}

/* ---- datasets ------------------------------------------------------------ */

/* The names of an element's input: c->file, ->dataset, ->number. */
static void expand_names(struct chunks *c,
                         const struct block *block,
                         uint64_t element,
                         size_t in)
{
    const struct block_files *files = block->files;
    files_whole(c->w, block, element, files->in[in], &c->file);
    block_expand(block, element, files->dataset[in], &c->dataset);
    text_clear(&c->number);
    c->numbered = files->chunk[in] != NULL;
    if (c->numbered) {
        block_expand(block, element, files->chunk[in], &c->number);
    }
}

/* What c->file and c->dataset name. */
static hay_status open_dataset(struct chunks *c,
                               const struct block *block,
                               const struct open_one **found,
                               struct fault *fault)
{
    text_clear(&c->key);
    text_format(&c->key, "%s:%s", c->file.data, c->dataset.data);
    for (size_t i = 0; i < OPEN_MAX; i++) {
        if (c->open[i].dataset != NULL
            && strcmp(c->open[i].key.data, c->key.data) == 0) {
            *found = &c->open[i];
            return HAY_OK;
        }
    }
    hay_dataset *dataset = NULL;
    hay_array_info info = {.size = sizeof info};
    hay_status status =
        hay_array_open(c->ex, c->file.data, c->dataset.data, NULL, &dataset);
    if (status == HAY_OK) {
        status = hay_array_get_info(dataset, &info);
    }
    if (status != HAY_OK) {
        (void)fault_at(fault, c->w->file, block->line, "%s", hay_error_text());
        hay_array_release(dataset);
        return status;
    }
    struct open_one *one = &c->open[c->next++ % OPEN_MAX];
    hay_array_release(one->dataset);
    one->dataset = dataset;
    one->info = info;
    text_clear(&one->key);
    text_add_string(&one->key, c->key.data);
    *found = one;
    return HAY_OK;
}

static hay_status chunk_number(struct chunks *c,
                               const struct block *block,
                               const hay_array_info *info,
                               uint64_t *number,
                               struct fault *fault)
{
    if (!units_uint(c->number.data, UINT64_MAX / 2, number)) {
        return fault_at(fault,
                        c->w->file,
                        block->line,
                        "in=" NAME_SHOWN "#" NAME_SHOWN ": '" NAME_SHOWN
                        "' is no number of a chunk",
                        c->key.data,
                        c->number.data,
                        c->number.data);
    }
    if (info->chunk_count == 0) {
        return fault_at(fault,
                        c->w->file,
                        block->line,
                        "in=" NAME_SHOWN " is empty: it has no chunk %" PRIu64,
                        c->key.data,
                        *number);
    }
    if (*number >= info->chunk_count) {
        return fault_at(fault,
                        c->w->file,
                        block->line,
                        "in=" NAME_SHOWN " has chunks 0 to %" PRIu64
                        ", no chunk %" PRIu64,
                        c->key.data,
                        info->chunk_count - 1,
                        *number);
    }
    return HAY_OK;
}

/* Row-major in the grid of chunks, cut at the array's edge. */
static hay_region region_of(const hay_array_info *info, uint64_t number)
{
    hay_region region = {.ndim = info->ndim};
    for (uint32_t d = info->ndim; d-- > 0;) {
        uint64_t chunk = info->chunk[d];
        uint64_t count = (info->shape[d] + chunk - 1) / chunk;
        region.start[d] = number % count * chunk;
        region.count[d] = info->shape[d] - region.start[d];
        region.count[d] = region.count[d] < chunk ? region.count[d] : chunk;
        number /= count;
    }
    return region;
}

static hay_status check_one(struct chunks *c,
                            const struct block *block,
                            uint64_t element,
                            size_t in,
                            struct fault *fault)
{
    const struct open_one *one;
    uint64_t number;
    expand_names(c, block, element, in);
    hay_status status = open_dataset(c, block, &one, fault);
    if (status == HAY_OK && c->numbered) {
        status = chunk_number(c, block, &one->info, &number, fault);
    }
    return status;
}

hay_status chunks_check(struct chunks *c, uint32_t index, struct fault *fault)
{
    const struct block *block = &c->w->blocks[index];
    hay_status status = HAY_OK;
    if (block->files == NULL || !block->files->datasets) {
        return HAY_OK;
    }
    for (size_t k = 0; k < block->files->in_count; k++) {
        if (block->files->dataset[k] == NULL) {
            continue;
        }
        for (uint64_t i = 0; i < block->count && status == HAY_OK; i++) {
            uint32_t maker;
            uint64_t at;
            if (!files_maker(c->w, index, i, k, false, &maker, &at)) {
                status = check_one(c, block, i, k, fault);
            }
        }
    }
    return status;
}

/* ---- a task's chunks ----------------------------------------------------- */

/* A free text that becomes a variable of the task. */
static struct text *new_variable(struct chunks *c)
{
    if (c->count == c->room) {
        size_t room = c->room == 0 ? 16 : 2 * c->room;
        c->texts = mem_resize(c->texts, room, sizeof *c->texts);
        c->env = mem_resize(c->env, room + 1, sizeof *c->env);
        for (; c->room < room; c->room++) {
            c->texts[c->room] = (struct text)TEXT_INIT;
        }
    }
    struct text *text = &c->texts[c->count++];
    text_clear(text);
    return text;
}

static void tell_numbers(struct chunks *c,
                         size_t in,
                         const char *what,
                         uint32_t ndim,
                         const uint64_t *list)
{
    struct text *text = new_variable(c);
    text_format(text, "HAY_IN_%zu_%s=", in + 1, what);
    for (uint32_t d = 0; d < ndim; d++) {
        text_format(text, "%s%" PRIu64, d > 0 ? "," : "", list[d]);
    }
}

/* The last part of a dataset's name. */
static const char *base_name(const char *dataset)
{
    const char *slash = strrchr(dataset, '/');
    return slash != NULL && slash[1] != '\0' ? slash + 1 : dataset;
}

static void chunk_path(const struct chunks *c,
                       const struct block *block,
                       uint64_t element,
                       size_t in,
                       struct text *path)
{
    text_clear(path);
    text_format(path,
                "%s/%" PRIu64 ".%zu.h5",
                c->folder.data,
                block->first_task + element + 1,
                in + 1);
}

static hay_status make_folder(struct chunks *c, struct fault *fault)
{
    if (c->folder.length == 0) {
        return fault_set(fault, HAY_EINVAL, "chunks need a run folder");
    }
    if (!c->made && mkdir(c->folder.data, 0777) != 0 && errno != EEXIST) {
        return fault_set(
            fault, HAY_EIO, NAME_SHOWN ": %s", c->folder.data, strerror(errno));
    }
    c->made = true;
    return HAY_OK;
}

/* The tasks that make the file; *future: when it is there. */
static hay_status bring(struct chunks *c,
                        const struct block *block,
                        const struct open_one *one,
                        const hay_region *region,
                        const char *path,
                        hay_future **future)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    const char *names[1] = {base_name(c->dataset.data)};
    hay_future *chunk = NULL;
    options.priority = block->request->priority;
    options.name = "chunk";
    options.category = "hay.chunk"; /* a step of what reads it */
    hay_status status =
        hay_submit(c->ex,
                   hayfork_chunk,
                   HAY_ARGS(hay_array_region(one->dataset, region)),
                   &options,
                   &chunk);
    if (status == HAY_OK) {
        status = hay_persist(c->ex, &chunk, names, 1, path, future);
    }
    hay_future_release(chunk);
    return status;
}

/* A line of what a resumed run compares. */
static void identify(struct chunks *c, uint64_t number)
{
    struct stat st = {.st_size = -1};
    (void)stat(c->file.data, &st);
    text_format(&c->identity,
                "%s:%s#%" PRIu64 " %jd %jd.%09ld\n",
                c->file.data,
                c->dataset.data,
                number,
                (intmax_t)st.st_size,
                (intmax_t)st.st_mtim.tv_sec,
                st.st_mtim.tv_nsec);
}

static hay_status submit_chunk(struct chunks *c,
                               const struct block *block,
                               uint64_t element,
                               size_t in,
                               bool wanted,
                               struct chunks_inputs *inputs,
                               struct fault *fault)
{
    const struct open_one *one;
    uint64_t number = 0;
    hay_status status = open_dataset(c, block, &one, fault);
    if (status == HAY_OK) {
        status = chunk_number(c, block, &one->info, &number, fault);
    }
    if (status == HAY_OK && wanted) {
        status = make_folder(c, fault);
    }
    if (status != HAY_OK) {
        return status;
    }
    hay_region region = region_of(&one->info, number);
    identify(c, number);
    tell_numbers(c, in, "START", region.ndim, region.start);
    tell_numbers(c, in, "SHAPE", region.ndim, one->info.shape);
    if (!wanted) {
        return HAY_OK;
    }
    struct text *path = &c->path_texts[in];
    chunk_path(c, block, element, in, path);
    status = bring(
        c, block, one, &region, path->data, &c->futures[inputs->future_count]);
    if (status == HAY_OK) {
        inputs->future_count++;
        c->paths[in] = path->data;
    } else {
        (void)fault_at(fault, c->w->file, block->line, "%s", hay_error_text());
    }
    return status;
}

static void begin_task(struct chunks *c, size_t in_count)
{
    c->count = 0;
    if (c->path_room < in_count) {
        c->paths = mem_resize(c->paths, in_count, sizeof *c->paths);
        c->futures = mem_resize(c->futures, in_count, sizeof *c->futures);
        c->path_texts =
            mem_resize(c->path_texts, in_count, sizeof *c->path_texts);
        for (; c->path_room < in_count; c->path_room++) {
            c->path_texts[c->path_room] = (struct text)TEXT_INIT;
        }
    }
    for (size_t i = 0; i < in_count; i++) {
        c->paths[i] = NULL;
        c->futures[i] = NULL;
    }
}

hay_status chunks_submit(struct chunks *c,
                         uint32_t index,
                         uint64_t element,
                         bool wanted,
                         struct chunks_inputs *inputs,
                         struct fault *fault)
{
    const struct block *block = &c->w->blocks[index];
    const struct block_files *files = block->files;
    hay_status status = HAY_OK;
    begin_task(c, files->in_count);
    text_clear(&c->identity);
    *inputs = (struct chunks_inputs){.paths = c->paths, .futures = c->futures};
    for (size_t k = 0; k < files->in_count && status == HAY_OK; k++) {
        if (files->dataset[k] == NULL) {
            continue;
        }
        expand_names(c, block, element, k);
        if (c->numbered) {
            status = submit_chunk(c, block, element, k, wanted, inputs, fault);
        }
        struct text *name = new_variable(c);
        text_format(name,
                    "HAY_IN_%zu_DATASET=%s",
                    k + 1,
                    c->numbered ? base_name(c->dataset.data) : c->dataset.data);
    }
    if (status != HAY_OK) {
        for (size_t i = 0; i < inputs->future_count; i++) {
            hay_future_release(c->futures[i]);
        }
        return status;
    }
    for (size_t i = 0; i < c->count; i++) {
        c->env[i] = c->texts[i].data;
    }
    c->env[c->count] = NULL;
    inputs->env = c->env;
    inputs->identity = c->identity.data;
    return HAY_OK;
}

void chunks_ended(struct chunks *c, uint32_t index, uint64_t element)
{
    const struct block *block = &c->w->blocks[index];
    struct text path = TEXT_INIT;
    if (!c->made || block->files == NULL || !block->files->datasets) {
        return;
    }
    for (size_t k = 0; k < block->files->in_count; k++) {
        if (block->files->chunk[k] != NULL) {
            chunk_path(c, block, element, k, &path);
            (void)unlink(path.data);
        }
    }
    text_fini(&path);
}
