/* h5store_open.c - what a dataset is, and how its elements are reached.
 *
 * The quickest way that surely gives the right elements: addresses for data
 * that lies in the file as it is (HDF5's "implicit" index has them in order;
 * other indices are asked for each chunk while there are few, since each
 * question costs as much as there are chunks), packed chunks if we know their
 * filters, else the library.
 */
#include "config.h"

#include "data/h5store.h"

#include "data/h5store_inside.h"

#include "base/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NAMES_MAX = 10,    /* datasets that an error names */
    DEPTH_MAX = 8,     /* groups that are looked into for them */
    LINKS_MAX = 10000, /* links that are looked at */
    PROBES = 8,        /* chunks whose addresses are compared */
};

/* What is looked at; handles are greater than 0. */
struct look {
    const char *path;
    const char *name;
    hid_t file;
    hid_t dataset;
    hid_t type;
    hid_t space;
    hid_t plist;
    bool native; /* elements are stored as they are delivered */
    struct hayi_dataset head;
    uint64_t *addresses; /* ours; NULL: none */
};

/* ---- names for an error ------------------------------------------------- */

struct names {
    char text[300];
    size_t used;
    unsigned count;
    unsigned links;
};

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t size = strlen(end);
    return length > size && strcmp(text + length - size, end) == 0;
}

/* NAME.chunks and NAME.meta of ours are no datasets that anybody means. */
static bool is_record(hid_t group, const char *link)
{
    char base[HAYI_H5_LINK_MAX];
    size_t cut = ends_with(link, ".chunks") ? 7
                 : ends_with(link, ".meta") ? 5
                                            : 0;
    size_t length = strlen(link);
    if (cut == 0 || length >= sizeof(base)) {
        return false;
    }
    memcpy(base, link, length - cut);
    base[length - cut] = 0;
    return H5Lexists(group, base, H5P_DEFAULT) > 0;
}

static void note_name(struct names *names, const char *name)
{
    if (names->count++ >= NAMES_MAX) {
        return;
    }
    int many = snprintf(names->text + names->used,
                        sizeof(names->text) - names->used,
                        "%s%s",
                        names->used == 0 ? "" : ", ",
                        name);
    names->used += many > 0 ? (size_t)many : 0;
    if (names->used >= sizeof(names->text)) {
        names->used = sizeof(names->text) - 1;
        names->count = NAMES_MAX + 1;
    }
}

/* The datasets below a group, whose name is 'prefix' ("" for the root).  The
 * path grows in one buffer, and the groups to visit stand in a stack, so deep
 * files need no recursion of ours. */
static void find_names(hid_t group,
                       const char *prefix,
                       unsigned depth,
                       struct names *names);

static void find_link(hid_t group,
                      const char *prefix,
                      hsize_t index,
                      unsigned depth,
                      struct names *names)
{
    char link[256];
    char whole[HAYI_H5_LINK_MAX];
    ssize_t length = H5Lget_name_by_idx(group,
                                        ".",
                                        H5_INDEX_NAME,
                                        H5_ITER_INC,
                                        index,
                                        link,
                                        sizeof(link),
                                        H5P_DEFAULT);
    if (length <= 0 || (size_t)length >= sizeof(link)
        || is_record(group, link)) {
        return;
    }
    int many = snprintf(whole, sizeof(whole), "%s/%s", prefix, link);
    hid_t object = H5Oopen(group, link, H5P_DEFAULT);
    if (object < 0 || many < 0 || (size_t)many >= sizeof(whole)) {
        hayi_h5_close(object);
        return;
    }
    if (H5Iget_type(object) == H5I_DATASET) {
        note_name(names, whole);
    } else if (H5Iget_type(object) == H5I_GROUP && depth < DEPTH_MAX) {
        find_names(object, whole, depth + 1, names);
    }
    hayi_h5_close(object);
}

static void
find_names(hid_t group, const char *prefix, unsigned depth, struct names *names)
{
    H5G_info_t info;
    if (H5Gget_info(group, &info) < 0) {
        return;
    }
    for (hsize_t i = 0; i < info.nlinks && names->count <= NAMES_MAX
                        && names->links++ < LINKS_MAX;
         i++) {
        find_link(group, prefix, i, depth, names);
    }
}

static hay_status
no_dataset(const struct look *look, const char *what, struct hayi_error *err)
{
    struct names names = {.used = 0};
    hid_t root = H5Gopen2(look->file, "/", H5P_DEFAULT);
    if (root >= 0) {
        find_names(root, "", 0, &names);
    }
    hayi_h5_close(root);
    if (names.count == 0) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "%s in %s: %s; the file has no datasets",
                         look->name,
                         look->path,
                         what);
    }
    return hayi_fail(err,
                     HAY_EINVAL,
                     "%s in %s: %s; there are %s%s",
                     look->name,
                     look->path,
                     what,
                     names.text,
                     names.count > NAMES_MAX ? ", ..." : "");
}

/* ---- type and shape ----------------------------------------------------- */

static hay_status
broken(const struct look *look, const char *what, struct hayi_error *err)
{
    char text[200];
    return hayi_fail(err,
                     HAY_EIO,
                     "%s in %s: cannot read %s: %s",
                     look->name,
                     look->path,
                     what,
                     hayi_h5_words(text, sizeof(text)));
}

static hay_status
wrong_type(const struct look *look, const char *what, struct hayi_error *err)
{
    return hayi_fail(err,
                     HAY_ETYPE,
                     "%s in %s has %s, not numbers",
                     look->name,
                     look->path,
                     what);
}

static hay_dtype integer(size_t size, bool is_signed)
{
    return size == 1   ? is_signed ? HAY_I8 : HAY_U8
           : size == 2 ? is_signed ? HAY_I16 : HAY_U16
           : size <= 4 ? is_signed ? HAY_I32 : HAY_U32
           : is_signed ? HAY_I64
                       : HAY_U64;
}

static hay_status look_at_type(struct look *look, struct hayi_error *err)
{
    static const char *const others[] = {
        [H5T_TIME] = "times",
        [H5T_STRING] = "strings",
        [H5T_BITFIELD] = "bit fields",
        [H5T_OPAQUE] = "opaque bytes",
        [H5T_COMPOUND] = "records",
        [H5T_REFERENCE] = "references",
        [H5T_VLEN] = "lists",
        [H5T_ARRAY] = "arrays as elements",
    };
    look->type = H5Dget_type(look->dataset);
    if (look->type < 0) {
        return broken(look, "its type", err);
    }
    H5T_class_t class = H5Tget_class(look->type);
    if (class == H5T_ENUM) {
        /* Such as h5py's bool: the numbers that stand for the names. */
        hid_t super = H5Tget_super(look->type);
        hayi_h5_close(look->type);
        look->type = super;
        class = H5Tget_class(super);
    }
    size_t size = H5Tget_size(look->type);
    hay_dtype dtype;
    if (class == H5T_INTEGER) {
        if (size > 8) {
            return wrong_type(look, "integers of more than 8 bytes", err);
        }
        dtype = integer(size, H5Tget_sign(look->type) != H5T_SGN_NONE);
    } else if (class == H5T_FLOAT) {
        dtype = size <= 4 ? HAY_F32 : HAY_F64;
    } else {
        const char *what = NULL;
        if (class >= 0 && (size_t) class < sizeof(others) / sizeof(others[0])) {
            what = others[class];
        }
        return wrong_type(look, what == NULL ? "unknown things" : what, err);
    }
    look->head.dtype = (uint8_t)dtype;
    look->native = H5Tequal(look->type, hayi_h5_native(dtype)) > 0;
    return HAY_OK;
}

static hay_status look_at_shape(struct look *look, struct hayi_error *err)
{
    hsize_t dims[H5S_MAX_RANK];
    look->space = H5Dget_space(look->dataset);
    if (look->space < 0) {
        return broken(look, "its shape", err);
    }
    H5S_class_t class = H5Sget_simple_extent_type(look->space);
    if (class == H5S_NULL) {
        return hayi_fail(err,
                         HAY_EUNSUPPORTED,
                         "%s in %s has no elements at all",
                         look->name,
                         look->path);
    }
    if (class == H5S_SCALAR) {
        look->head.ndim = 1;
        look->head.shape[0] = 1;
        return HAY_OK;
    }
    int ndim = H5Sget_simple_extent_dims(look->space, dims, NULL);
    if (ndim < 1) {
        return broken(look, "its shape", err);
    }
    if (ndim > HAY_NDIM_MAX) {
        return hayi_fail(err,
                         HAY_EUNSUPPORTED,
                         "%s in %s has %d dimensions, the limit is %d",
                         look->name,
                         look->path,
                         ndim,
                         HAY_NDIM_MAX);
    }
    look->head.ndim = (uint8_t)ndim;
    for (int d = 0; d < ndim; d++) {
        look->head.shape[d] = dims[d];
    }
    return HAY_OK;
}

/* ---- where it lies ------------------------------------------------------ */

/* One that is not cut into chunks. */
static hay_status look_at_contiguous(struct look *look, struct hayi_error *err)
{
    struct hayi_dataset *head = &look->head;
    uint64_t count = 0;
    size_t element = hay_dtype_size((hay_dtype)head->dtype);
    if (!hayi_shape_count(head->ndim, head->shape, element, &count)) {
        return hayi_fail(err,
                         HAY_EUNSUPPORTED,
                         "%s in %s has too many elements",
                         look->name,
                         look->path);
    }
    hayi_shape_slab(head->ndim, head->shape, element, 0, head->chunk);
    head->kind = HAYI_LIBRARY;
    if (H5Pget_layout(look->plist) != H5D_CONTIGUOUS || !look->native
        || H5Pget_external_count(look->plist) != 0) {
        return HAY_OK;
    }
    haddr_t base = H5Dget_offset(look->dataset);
    if (base == HADDR_UNDEF || count == 0) {
        return HAY_OK; /* nothing has been written: HDF5 knows what it reads */
    }
    if (base > head->file_bytes || count * element > head->file_bytes - base) {
        return hayi_fail(err,
                         HAY_EIO,
                         "%s is truncated: %s should reach to byte %" PRIu64
                         ", the file has %" PRIu64,
                         look->path,
                         look->name,
                         base + count * element,
                         head->file_bytes);
    }
    head->kind = HAYI_CONTIGUOUS;
    head->data_base = base;
    return HAY_OK;
}

/* Filters that we have ourselves?  Fills them in. */
static bool filters_known(struct look *look)
{
    struct hayi_filters *filters = &look->head.filters;
    int count = H5Pget_nfilters(look->plist);
    for (int i = 0; i < count; i++) {
        unsigned flags = 0;
        size_t many = 4;
        unsigned values[4] = {0};
        unsigned config = 0;
        H5Z_filter_t filter = H5Pget_filter2(
            look->plist, (unsigned)i, &flags, &many, values, 0, NULL, &config);
        if (filter == H5Z_FILTER_SHUFFLE && i == 0 && many >= 1
            && values[0] == H5Tget_size(look->type)) {
            filters->shuffle = 1;
        } else if (filter == H5Z_FILTER_DEFLATE && filters->deflate == 0) {
            /* 0 stores without packing, but in the same format. */
            filters->deflate = 1;
            if (many >= 1 && values[0] >= 1 && values[0] <= 9) {
                filters->deflate = (uint8_t)values[0];
            }
        } else {
            return false;
        }
    }
    unsigned options = 0;
    return H5Pget_chunk_opts(look->plist, &options) >= 0 && options == 0;
}

static bool user_block(hid_t file)
{
    hsize_t size = 1;
    hid_t plist = H5Fget_create_plist(file);
    if (H5Pget_userblock(plist, &size) < 0) {
        size = 1;
    }
    hayi_h5_close(plist);
    return size != 0;
}

/* Where chunk 'index' lies; false: nowhere, or not as it is. */
static bool address_of(const struct look *look,
                       const struct hayi_grid *grid,
                       uint64_t index,
                       uint64_t chunk_bytes,
                       uint64_t *address)
{
    hay_region box;
    hsize_t start[HAY_NDIM_MAX];
    unsigned mask = 0;
    haddr_t at = HADDR_UNDEF;
    hsize_t size = 0;
    hayi_grid_box(grid, index, &box);
    for (uint32_t d = 0; d < grid->ndim; d++) {
        start[d] = box.start[d];
    }
    if (H5Dget_chunk_info_by_coord(look->dataset, start, &mask, &at, &size) < 0
        || at == HADDR_UNDEF || mask != 0 || size != chunk_bytes
        || at > look->head.file_bytes || size > look->head.file_bytes - at) {
        return false;
    }
    *address = at;
    return true;
}

/* Does HDF5 itself compute the addresses? */
static bool in_order(const struct look *look)
{
#ifdef HAVE_H5DGET_CHUNK_INDEX_TYPE
    H5D_chunk_index_t index = H5D_CHUNK_IDX_BTREE;
    return H5Dget_chunk_index_type(look->dataset, &index) >= 0
           && index == H5D_CHUNK_IDX_NONE;
#else
    (void)look;
    return false;
#endif
}

/* One address if the chunks lie in order, else a list if there are few. */
static bool look_at_addresses(struct look *look, const struct hayi_grid *grid)
{
    struct hayi_dataset *head = &look->head;
    uint64_t bytes = hayi_dataset_chunk_bytes(head);
    uint64_t base = 0;
    if (grid->total == 0 || !address_of(look, grid, 0, bytes, &base)) {
        return false;
    }
    if (in_order(look)) {
        for (uint64_t i = 1; i <= PROBES; i++) {
            uint64_t index = (grid->total - 1) / PROBES * i;
            index = i == PROBES ? grid->total - 1 : index;
            uint64_t at = 0;
            if (!address_of(look, grid, index, bytes, &at)
                || at != base + index * bytes) {
                return false;
            }
        }
        head->data_base = base;
        return true;
    }
    if (grid->total > HAYI_DATASET_ADDRESSES_MAX) {
        return false;
    }
    uint64_t *list = malloc(grid->total * sizeof(*list));
    bool ordered = true;
    for (uint64_t i = 0; list != NULL && i < grid->total; i++) {
        if (!address_of(look, grid, i, bytes, &list[i])) {
            free(list);
            return false;
        }
        ordered = ordered && list[i] == base + i * bytes;
    }
    if (list == NULL) {
        return false;
    }
    head->data_base = base;
    if (ordered) {
        free(list);
    } else {
        look->addresses = list;
        head->address_count = (uint32_t)grid->total;
    }
    return true;
}

static hay_status look_at_chunks(struct look *look, struct hayi_error *err)
{
    struct hayi_dataset *head = &look->head;
    hsize_t chunk[HAY_NDIM_MAX] = {0};
    if (H5Pget_chunk(look->plist, HAY_NDIM_MAX, chunk) != head->ndim) {
        return broken(look, "its chunks", err);
    }
    for (uint32_t d = 0; d < head->ndim; d++) {
        head->chunk[d] = chunk[d];
    }
    struct hayi_grid grid;
    hay_status status =
        hayi_grid_init(&grid, head->ndim, head->shape, head->chunk, err);
    if (status != HAY_OK) {
        return status;
    }
    head->kind = HAYI_LIBRARY;
    if (!look->native || !filters_known(look)) {
        head->filters = (struct hayi_filters){0, 0};
        return HAY_OK;
    }
    head->kind = HAYI_RAW;
    if (head->filters.shuffle == 0 && head->filters.deflate == 0
        && !user_block(look->file) && look_at_addresses(look, &grid)) {
        head->kind = HAYI_CHUNKED;
    }
    return HAY_OK;
}

/* ---- records of ours ---------------------------------------------------- */

/* The address of a dataset of uint64 of this shape; 0: it is none. */
static uint64_t words_at(const struct look *look,
                         const char *ending,
                         int ndim,
                         const uint64_t *shape,
                         uint64_t *words)
{
    char name[HAYI_H5_LINK_MAX];
    hsize_t dims[H5S_MAX_RANK];
    uint64_t at = 0;
    (void)snprintf(name, sizeof(name), "%s%s", look->name, ending);
    if (!hayi_h5_link_there(look->file, name)) {
        return 0;
    }
    hid_t dataset = H5Dopen2(look->file, name, H5P_DEFAULT);
    if (dataset < 0) {
        return 0;
    }
    hid_t space = H5Dget_space(dataset);
    hid_t type = H5Dget_type(dataset);
    bool fits = H5Tequal(type, H5T_NATIVE_UINT64) > 0
                && H5Sget_simple_extent_ndims(space) == ndim
                && H5Sget_simple_extent_dims(space, dims, NULL) == ndim;
    for (int d = 0; fits && d < ndim; d++) {
        fits = dims[d] == shape[d];
    }
    haddr_t offset = fits ? H5Dget_offset(dataset) : HADDR_UNDEF;
    if (offset != HADDR_UNDEF && offset < look->head.file_bytes
        && (words == NULL
            || H5Dread(dataset, H5T_NATIVE_UINT64, H5S_ALL, H5S_ALL, 0, words)
                   >= 0)) {
        at = offset;
    }
    hayi_h5_close(space);
    hayi_h5_close(type);
    hayi_h5_close(dataset);
    return at;
}

static void look_at_records(struct look *look)
{
    struct hayi_dataset *head = &look->head;
    struct hayi_grid grid;
    uint64_t meta_shape[1] = {HAYI_META_WORDS};
    uint64_t meta[HAYI_META_WORDS] = {0};
    uint64_t meta_at = words_at(look, ".meta", 1, meta_shape, meta);
    hayi_dataset_grid(head, &grid);
    if (meta_at == 0 || meta[HAYI_META_MAGIC] != HAYI_H5_META_MAGIC
        || meta[HAYI_META_VERSION] != HAYI_H5_VERSION
        || meta[HAYI_META_CHUNKS] != grid.total
        || meta[HAYI_META_CHUNK_BYTES] != hayi_dataset_chunk_bytes(head)
        || meta[HAYI_META_HASH] > UINT8_MAX
        || !hayi_hash_has((uint32_t)meta[HAYI_META_HASH])) {
        return;
    }
    uint64_t shape[2] = {grid.total, HAYI_RECORD_WORDS};
    uint64_t records_at = words_at(look, ".chunks", 2, shape, NULL);
    if (records_at != 0) {
        head->meta_base = meta_at;
        head->record_base = records_at;
        head->hash_kind = (uint8_t)meta[HAYI_META_HASH];
    }
}

/* ---- all of it ---------------------------------------------------------- */

static hay_status look_at(struct look *look, struct hayi_error *err)
{
    struct stat st = {0};
    hay_status status = hayi_h5_open_file(look->path, &look->file, &st, err);
    if (status != HAY_OK) {
        return status;
    }
    look->head.inode = (uint64_t)st.st_ino;
    look->head.file_bytes = (uint64_t)st.st_size;
    look->head.mtime_ns = hayi_dataset_mtime_ns(&st);
    if (!hayi_h5_link_there(look->file, look->name)) {
        return no_dataset(look, "no such dataset", err);
    }
    hid_t object = H5Oopen(look->file, look->name, H5P_DEFAULT);
    if (object < 0) {
        return broken(look, "the dataset", err);
    }
    if (H5Iget_type(object) != H5I_DATASET) {
        hayi_h5_close(object);
        return no_dataset(look, "this is no dataset", err);
    }
    look->dataset = object;
    look->plist = H5Dget_create_plist(look->dataset);
    if (look->plist < 0) {
        return broken(look, "its properties", err);
    }
    status = look_at_type(look, err);
    if (status == HAY_OK) {
        status = look_at_shape(look, err);
    }
    if (status == HAY_OK) {
        status = H5Pget_layout(look->plist) == H5D_CHUNKED
                     ? look_at_chunks(look, err)
                     : look_at_contiguous(look, err);
    }
    if (status == HAY_OK) {
        look_at_records(look);
    }
    return status;
}

hay_status hayi_h5_open(const char *path,
                        const char *name,
                        struct hayi_dataset **dataset,
                        struct hayi_error *err)
{
    if (path == NULL || path[0] == 0 || name == NULL
        || strlen(path) > HAYI_DATASET_PATH_MAX
        || strlen(name) > HAYI_DATASET_NAME_MAX) {
        return hayi_fail(err,
                         HAY_EINVAL,
                         "a file and a dataset in it must be named, with at "
                         "most %d and %d bytes",
                         HAYI_DATASET_PATH_MAX,
                         HAYI_DATASET_NAME_MAX);
    }
    struct hayi_h5_guard guard;
    hay_status status = hayi_h5_enter(&guard, err);
    if (status != HAY_OK) {
        return status;
    }
    /* Other processes may have another working folder. */
    char *whole = realpath(path, NULL);
    struct look look = {.path = whole == NULL ? path : whole, .name = name};
    status = look_at(&look, err);
    hayi_h5_close(look.plist);
    hayi_h5_close(look.space);
    hayi_h5_close(look.type);
    hayi_h5_close(look.dataset);
    hayi_h5_close(look.file);
    hayi_h5_leave(&guard);
    if (status == HAY_OK) {
        status = hayi_dataset_new(
            &look.head, look.path, look.name, look.addresses, dataset, err);
    }
    free(look.addresses);
    free(whole);
    return status;
}
