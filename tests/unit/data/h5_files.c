/* h5_files.c - see h5_files.h. */
#include "config.h"

#include "unit/data/h5_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t dice_state;

const char *h5_path(const char *name)
{
    static char paths[16][300];
    static unsigned next;
    char *path = paths[next++ % 16];
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path,
                   sizeof(paths[0]),
                   "%s/hay-%ld-%s",
                   folder == NULL ? "/tmp" : folder,
                   (long)getpid(),
                   name);
    return path;
}

hid_t h5_native(hay_dtype dtype)
{
    switch (dtype) {
    case HAY_F64:
        return H5T_NATIVE_DOUBLE;
    case HAY_F32:
        return H5T_NATIVE_FLOAT;
    case HAY_I64:
        return H5T_NATIVE_INT64;
    case HAY_I32:
        return H5T_NATIVE_INT32;
    case HAY_I16:
        return H5T_NATIVE_INT16;
    case HAY_I8:
        return H5T_NATIVE_INT8;
    case HAY_U64:
        return H5T_NATIVE_UINT64;
    case HAY_U32:
        return H5T_NATIVE_UINT32;
    case HAY_U16:
        return H5T_NATIVE_UINT16;
    case HAY_U8:
        return H5T_NATIVE_UINT8;
    }
    return -1;
}

void *h5_numbers(hay_dtype dtype, uint64_t count, uint64_t first)
{
    static const size_t sizes[] = {0, 8, 4, 8, 4, 2, 1, 8, 4, 2, 1};
    size_t size = sizes[dtype];
    unsigned char *bytes = malloc(count * size + 1);
    for (uint64_t i = 0; i < count; i++) {
        double d = (double)(first + i) * 0.25 - 100;
        float f = (float)(first + i) * 0.25f - 100;
        uint64_t n =
            dtype == HAY_I64 || dtype == HAY_I32 ? first + i - 1000 : first + i;
        const void *from = dtype == HAY_F64   ? (const void *)&d
                           : dtype == HAY_F32 ? (const void *)&f
                                              : (const void *)&n;
        memcpy(bytes + i * size, from, size);
    }
    return bytes;
}

void h5_make(const struct h5_make *make)
{
    hsize_t dims[HAY_NDIM_MAX];
    hsize_t most[HAY_NDIM_MAX];
    uint64_t count = 1;
    for (uint32_t d = 0; d < make->ndim; d++) {
        dims[d] = make->shape[d];
        most[d] = make->unlimited && d == 0 ? H5S_UNLIMITED : dims[d];
        count *= dims[d];
    }
    if (!make->add) {
        /* Somebody may have the old one open. */
        (void)unlink(make->path);
    }
    hid_t file =
        make->add ? H5Fopen(make->path, H5F_ACC_RDWR, make->access)
                  : H5Fcreate(
                      make->path, H5F_ACC_TRUNC, make->creation, make->access);
    hid_t space = make->ndim == 0
                      ? H5Screate(H5S_SCALAR)
                      : H5Screate_simple((int)make->ndim, dims, most);
    hid_t links = H5Pcreate(H5P_LINK_CREATE);
    (void)H5Pset_create_intermediate_group(links, 1);
    hid_t dataset = H5Dcreate2(
        file, make->name, make->type, space, links, make->plist, H5P_DEFAULT);
    if (!make->unwritten) {
        void *data = h5_numbers(make->dtype, count, 1);
        if (H5Dwrite(dataset, h5_native(make->dtype), H5S_ALL, H5S_ALL, 0, data)
            < 0) {
            abort();
        }
        free(data);
    }
    (void)H5Dclose(dataset);
    (void)H5Pclose(links);
    (void)H5Sclose(space);
    (void)H5Fclose(file);
}

void h5_seed(uint64_t seed)
{
    dice_state = seed;
}

uint64_t h5_dice(uint64_t sides)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (dice_state >> 33) % sides;
}

void h5_random_region(uint32_t ndim, const uint64_t *shape, hay_region *region)
{
    *region = (hay_region){.ndim = ndim};
    for (uint32_t d = 0; d < ndim; d++) {
        region->start[d] = h5_dice(shape[d]);
        region->count[d] = 1 + h5_dice(shape[d] - region->start[d]);
    }
}

void *h5_slurp(const char *path, size_t *size)
{
    struct stat st;
    FILE *in = fopen(path, "rb");
    if (in == NULL) {
        return NULL;
    }
    (void)fstat(fileno(in), &st);
    char *bytes = malloc((size_t)st.st_size + 1);
    *size = fread(bytes, 1, (size_t)st.st_size, in);
    (void)fclose(in);
    return bytes;
}
