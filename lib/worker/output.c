/* output.c - see output.h. */
#include "config.h"

#include "worker/output.h"

#include "worker/inputs.h"
#include "worker/results.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SHAPE_TEXT = 250 };

/* ---- is it the block? -----------------------------------------------------
 */

static const char *dtype_name(hay_dtype dtype)
{
    static const char *const names[] = {
        [HAY_F64] = "float64",
        [HAY_F32] = "float32",
        [HAY_I64] = "int64",
        [HAY_I32] = "int32",
        [HAY_I16] = "int16",
        [HAY_I8] = "int8",
        [HAY_U64] = "uint64",
        [HAY_U32] = "uint32",
        [HAY_U16] = "uint16",
        [HAY_U8] = "uint8",
    };
    return (int)dtype >= HAY_F64 && (int)dtype <= HAY_U8 ? names[dtype] : "?";
}

/* "float32 [3, 5]". */
static void print_array(hay_dtype dtype,
                        uint32_t ndim,
                        const uint64_t *shape,
                        char text[SHAPE_TEXT])
{
    int used = snprintf(text, SHAPE_TEXT, "%s [", dtype_name(dtype));
    for (uint32_t d = 0; d < ndim && used < SHAPE_TEXT; d++) {
        used += snprintf(text + used,
                         SHAPE_TEXT - (size_t)used,
                         "%s%" PRIu64,
                         d > 0 ? ", " : "",
                         shape[d]);
    }
    if (used < SHAPE_TEXT) {
        (void)snprintf(text + used, SHAPE_TEXT - (size_t)used, "]");
    }
}

static bool is_block(const struct hayi_value *value,
                     hay_dtype dtype,
                     const hay_region *region)
{
    return value->type == HAY_ARRAY && value->array.dtype == dtype
           && value->array.ndim == region->ndim
           && memcmp(value->array.shape,
                     region->count,
                     region->ndim * sizeof(region->count[0]))
                  == 0;
}

/* What the task has returned, if it is its block. */
static hay_status check_block(struct hay_task *task, struct hayi_value *value)
{
    const struct hayi_output_head *output = task->inputs->output;
    const hay_region *region = &output->block.region;
    bool one = hayi_results_look(task, value);
    if (one && is_block(value, output->dtype, region)) {
        return HAY_OK;
    }
    char got[SHAPE_TEXT];
    char wanted[SHAPE_TEXT];
    if (value->type == HAY_ARRAY) {
        print_array(
            value->array.dtype, value->array.ndim, value->array.shape, got);
    } else {
        (void)snprintf(got,
                       sizeof(got),
                       "%s",
                       value->type == HAY_NONE ? "nothing"
                                               : hayi_type_name(value->type));
    }
    print_array(output->dtype, region->ndim, region->count, wanted);
    return hayi_fail(
        &task->error, HAY_ETYPE, "returned %s, its block is %s", got, wanted);
}

/* ---- chunk by chunk -------------------------------------------------------
 */

/* The block's bytes and what they are of. */
struct source {
    const struct hayi_dataset *dataset;
    struct hayi_grid grid;
    hay_region block;
    const void *data;
    size_t element_bytes;
};

static bool is_empty(const struct source *source)
{
    return hayi_region_count(&source->block) == 0;
}

/* What is left of a chunk that the block has: the whole of it, unless the block
 * is not made of chunks. */
static hay_status chunk_region(struct hay_task *task,
                               const struct source *source,
                               uint64_t index,
                               hay_region *chunk)
{
    hayi_grid_region(&source->grid, index, chunk);
    return hayi_region_holds(&source->block, chunk)
               ? HAY_OK
               : hayi_fail(&task->error,
                           HAY_EMISMATCH,
                           "damaged arguments: a block that cuts a chunk");
}

/* Its bytes, one after the other: where they are, or copied to 'spare', which
 * is taken from scratch at the first call that needs it. */
static const void *chunk_bytes(struct hay_task *task,
                               const struct source *source,
                               const hay_region *chunk,
                               void **spare)
{
    uint64_t first = 0;
    if (hayi_region_run(&source->block, chunk, &first)) {
        return (const char *)source->data + first * source->element_bytes;
    }
    if (*spare == NULL) {
        *spare = hayi_scratch_take(task->scratch,
                                   hayi_dataset_chunk_bytes(source->dataset));
    }
    if (*spare != NULL) {
        hayi_region_copy(*spare,
                         chunk,
                         source->data,
                         &source->block,
                         chunk,
                         source->element_bytes);
    }
    return *spare;
}

static hay_status write_file(struct hay_task *task, const struct source *source)
{
    struct hayi_chunks walk;
    hay_region chunk;
    uint64_t index = 0;
    void *spare = NULL;
    hayi_chunks_begin(&walk, &source->grid, &source->block);
    while (hayi_chunks_next(&walk, &index)) {
        hay_status status = chunk_region(task, source, index, &chunk);
        if (status != HAY_OK) {
            return status;
        }
        const void *data = chunk_bytes(task, source, &chunk, &spare);
        if (data == NULL) {
            return hayi_fail(
                &task->error, HAY_ENOMEM, "out of memory for a chunk");
        }
        size_t bytes = hayi_region_count(&chunk) * source->element_bytes;
        status = hayi_dataset_write_chunk(task->farm->files,
                                          source->dataset,
                                          index,
                                          data,
                                          bytes,
                                          &task->error);
        if (status != HAY_OK) {
            return status;
        }
    }
    return HAY_OK;
}

/* The block lies in scratch, or in an argument: each chunk becomes a result. */
static hay_status cut(struct hay_task *task, const struct source *source)
{
    struct hayi_chunks walk;
    hay_region chunk;
    uint64_t index = 0;
    size_t count = 0;
    hayi_chunks_begin(&walk, &source->grid, &source->block);
    while (hayi_chunks_next(&walk, &index)) {
        count++;
    }
    hay_status status = count > HAYI_PARTS_MAX
                            ? hayi_fail(&task->error,
                                        HAY_EINVAL,
                                        "a block of %zu chunks: at most %d",
                                        count,
                                        HAYI_PARTS_MAX)
                            : hayi_results_split(task, count);
    hayi_chunks_begin(&walk, &source->grid, &source->block);
    for (size_t i = 0; status == HAY_OK && hayi_chunks_next(&walk, &index);
         i++) {
        void *room = NULL;
        task->part = i;
        status = chunk_region(task, source, index, &chunk);
        if (status == HAY_OK) {
            status = hay_return_alloc_array(task,
                                            (hay_dtype)source->dataset->dtype,
                                            chunk.ndim,
                                            chunk.count,
                                            &room);
        }
        if (status == HAY_OK) {
            hayi_region_copy(room,
                             &chunk,
                             source->data,
                             &source->block,
                             &chunk,
                             source->element_bytes);
        }
    }
    return status;
}

hay_status hayi_output_write(struct hay_task *task, bool *farm)
{
    const struct hayi_inputs *inputs = task->inputs;
    struct hayi_value value;
    *farm = false;
    if (inputs->dataset == NULL) {
        return HAY_OK; /* its result is whatever it likes */
    }
    hay_status status = check_block(task, &value);
    if (status != HAY_OK || !inputs->staged) {
        return status;
    }
    struct source source = {
        .dataset = inputs->dataset,
        .block = inputs->output->block.region,
        .data = value.data,
        .element_bytes = hayi_dataset_element_bytes(inputs->dataset),
    };
    hayi_dataset_grid(inputs->dataset, &source.grid);
    *farm = true;
    if (inputs->dataset->kind == HAYI_MEMORY) {
        return cut(task, &source);
    }
    status = is_empty(&source) ? HAY_OK : write_file(task, &source);
    hayi_results_drop(task);
    task->result.size = 0;
    return status;
}
