/* dataset.c - see dataset.h. */
#include "config.h"

#include "data/dataset.h"

#include "base/hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* "hayf", and the version of the layout. */
static const uint32_t magic = 0x68617900u + 1;

static_assert(sizeof(struct hayi_dataset) == 208, "no holes");

/* ---- looking at it ------------------------------------------------------ */

static const char *text_at(const struct hayi_dataset *dataset, uint32_t at)
{
    return (const char *)dataset + at;
}

const char *hayi_dataset_path(const struct hayi_dataset *dataset)
{
    return text_at(dataset, dataset->path_at);
}

const char *hayi_dataset_name(const struct hayi_dataset *dataset)
{
    return text_at(dataset, dataset->name_at);
}

size_t hayi_dataset_element_bytes(const struct hayi_dataset *dataset)
{
    return hay_dtype_size((hay_dtype)dataset->dtype);
}

void hayi_dataset_grid(const struct hayi_dataset *dataset,
                       struct hayi_grid *grid)
{
    hay_status status = hayi_grid_init(
        grid, dataset->ndim, dataset->shape, dataset->chunk, NULL);
    assert(status == HAY_OK);
    (void)status;
}

uint64_t hayi_dataset_chunk_bytes(const struct hayi_dataset *dataset)
{
    uint64_t bytes = hayi_dataset_element_bytes(dataset);
    for (uint32_t d = 0; d < dataset->ndim; d++) {
        bytes *= dataset->chunk[d];
    }
    return bytes;
}

uint64_t hayi_dataset_chunk_at(const struct hayi_dataset *dataset,
                               uint64_t index)
{
    assert(dataset->kind == HAYI_CHUNKED);
    if (dataset->address_count != 0) {
        assert(index < dataset->address_count);
        uint64_t address;
        memcpy(&address,
               (const char *)dataset + dataset->address_at
                   + index * sizeof(address),
               sizeof(address));
        return address;
    }
    return dataset->data_base + index * hayi_dataset_chunk_bytes(dataset);
}

bool hayi_dataset_writable(const struct hayi_dataset *dataset)
{
    return dataset->ours != 0
           && (dataset->kind == HAYI_CHUNKED || dataset->kind == HAYI_PACKED);
}

/* ---- making it ---------------------------------------------------------- */

static uint32_t round8(size_t size)
{
    return (uint32_t)((size + 7) & ~(size_t)7);
}

hay_status hayi_dataset_new(const struct hayi_dataset *head,
                            const char *path,
                            const char *name,
                            const uint64_t *addresses,
                            struct hayi_dataset **dataset,
                            struct hayi_error *err)
{
    path = path == NULL ? "" : path;
    name = name == NULL ? "" : name;
    size_t path_bytes = strlen(path) + 1;
    size_t name_bytes = strlen(name) + 1;
    if (path_bytes > HAYI_DATASET_PATH_MAX + 1
        || name_bytes > HAYI_DATASET_NAME_MAX + 1
        || head->address_count > HAYI_DATASET_ADDRESSES_MAX) {
        return hayi_fail(
            err, HAY_EINVAL, "the name of a file or a dataset is too long");
    }
    struct hayi_dataset made = *head;
    size_t address_bytes = made.address_count * sizeof(*addresses);
    made.magic = magic;
    made.address_at = (uint32_t)sizeof(made);
    made.path_at = made.address_at + (uint32_t)address_bytes;
    made.name_at = made.path_at + (uint32_t)path_bytes;
    made.size_bytes = round8(made.name_at + name_bytes);
    char *blob = calloc(1, made.size_bytes);
    if (blob == NULL) {
        return hayi_fail(err, HAY_ENOMEM, "out of memory for a dataset");
    }
    memcpy(blob, &made, sizeof(made));
    if (address_bytes != 0) {
        memcpy(blob + made.address_at, addresses, address_bytes);
    }
    memcpy(blob + made.path_at, path, path_bytes);
    memcpy(blob + made.name_at, name, name_bytes);
    hay_status status = hayi_dataset_check(blob, made.size_bytes, err);
    if (status != HAY_OK) {
        free(blob);
        return status;
    }
    *dataset = (struct hayi_dataset *)(void *)blob;
    return HAY_OK;
}

hay_status hayi_dataset_new_memory(hay_dtype dtype,
                                   uint32_t ndim,
                                   const uint64_t *shape,
                                   const uint64_t *chunk,
                                   struct hayi_dataset **dataset,
                                   struct hayi_error *err)
{
    struct hayi_dataset head = {
        .kind = HAYI_MEMORY,
        .dtype = (uint8_t)dtype,
        .ndim = (uint8_t)ndim,
        .sync = HAYI_SYNC_NONE,
        .ours = 1,
    };
    size_t element = hay_dtype_size(dtype);
    if (ndim == 0 || ndim > HAY_NDIM_MAX || element == 0) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "an array has 1 to %d dimensions, and elements of a "
                         "known type",
                         HAY_NDIM_MAX);
    }
    memcpy(head.shape, shape, ndim * sizeof(*shape));
    if (chunk != NULL) {
        memcpy(head.chunk, chunk, ndim * sizeof(*chunk));
    } else {
        hayi_shape_chunk(ndim, shape, element, 0, head.chunk);
    }
    return hayi_dataset_new(&head, NULL, NULL, NULL, dataset, err);
}

void hayi_dataset_free(struct hayi_dataset *dataset)
{
    free(dataset);
}

/* ---- judging what comes from outside ------------------------------------ */

/* Is there a text at 'at' of a blob of 'size' bytes, at most 'max' long? */
static bool text_holds(const char *blob, size_t size, uint32_t at, size_t max)
{
    if (at < sizeof(struct hayi_dataset) || at >= size) {
        return false;
    }
    size_t room = size - at;
    const char *end = memchr(blob + at, 0, room < max + 1 ? room : max + 1);
    return end != NULL;
}

/* Everything but texts and addresses.  NULL: it holds; else what is wrong. */
static const char *head_wrong(const struct hayi_dataset *head)
{
    size_t element = hay_dtype_size((hay_dtype)head->dtype);
    if (head->kind < HAYI_CONTIGUOUS || head->kind > HAYI_PACKED) {
        return "no such kind";
    }
    if (element == 0) {
        return "no such type of elements";
    }
    if (head->sync > HAYI_SYNC_CHUNK || head->ours > 1
        || head->filters.shuffle > 1 || head->filters.deflate > 9) {
        return "no such option";
    }
    struct hayi_grid grid;
    if (hayi_grid_init(&grid, head->ndim, head->shape, head->chunk, NULL)
        != HAY_OK) {
        return "no such shape";
    }
    for (uint32_t d = head->ndim; d < HAY_NDIM_MAX; d++) {
        if (head->shape[d] != 0 || head->chunk[d] != 0) {
            return "a shape that is too long";
        }
    }
    /* So that no sum or product that is made of it can be too large. */
    const uint64_t far = (uint64_t)INT64_MAX / 4;
    uint64_t most = far / element / hayi_grid_chunk_count(&grid);
    uint64_t elements;
    if (grid.total > most || grid.total > far / HAYI_RECORD_BYTES
        || !hayi_shape_count(grid.ndim, grid.shape, element, &elements)
        || head->data_base > far || head->record_base > far
        || head->meta_base > far) {
        return "it is too large";
    }
    if (head->address_count != 0
        && (head->kind != HAYI_CHUNKED || head->address_count != grid.total)) {
        return "another number of addresses than of chunks";
    }
    if (head->hash_kind != 0 && !hayi_hash_has(head->hash_kind)) {
        return "its hashes are none that this build has";
    }
    if ((head->record_base != 0 || head->kind == HAYI_PACKED)
        && head->hash_kind == 0) {
        return "records without a hash";
    }
    return NULL;
}

hay_status
hayi_dataset_check(const void *data, size_t size_bytes, struct hayi_error *err)
{
    struct hayi_dataset head;
    const char *wrong = NULL;
    if (size_bytes < sizeof(head)) {
        wrong = "it is too short";
    } else {
        memcpy(&head, data, sizeof(head));
        if (head.magic != magic || head.size_bytes != size_bytes) {
            wrong = "it is none";
        } else {
            wrong = head_wrong(&head);
        }
    }
    if (wrong == NULL
        && (!text_holds(data, size_bytes, head.path_at, HAYI_DATASET_PATH_MAX)
            || !text_holds(
                data, size_bytes, head.name_at, HAYI_DATASET_NAME_MAX))) {
        wrong = "a name does not end";
    }
    if (wrong == NULL && head.address_count != 0
        && (head.address_count > HAYI_DATASET_ADDRESSES_MAX
            || head.address_at < sizeof(head) || head.address_at > size_bytes
            || (size_bytes - head.address_at) / sizeof(uint64_t)
                   < head.address_count)) {
        wrong = "addresses are missing";
    }
    for (uint32_t i = 0; wrong == NULL && i < head.address_count; i++) {
        uint64_t address;
        memcpy(&address,
               (const char *)data + head.address_at + i * sizeof(address),
               sizeof(address));
        if (address > (uint64_t)INT64_MAX / 4) {
            wrong = "an address is too large";
        }
    }
    if (wrong != NULL) {
        return hayi_fail(
            err, HAY_EINVAL, "no description of a dataset: %s", wrong);
    }
    return HAY_OK;
}

uint64_t hayi_dataset_mtime_ns(const struct stat *st)
{
    return (uint64_t)st->st_mtim.tv_sec * 1000000000u
           + (uint64_t)st->st_mtim.tv_nsec;
}
