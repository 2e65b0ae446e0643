/* test_filter.c - our shuffle and deflate against HDF5's own. */
#include "config.h"

#include "data/filter.h"

#include "support/unit.h"

#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 10000, ELEMENTS_MAX = 8 };

static unsigned char data[COUNT * ELEMENTS_MAX];
static char path[200];

static int setup(void)
{
    const char *folder = getenv("TMPDIR");
    (void)snprintf(path,
                   sizeof(path),
                   "%s/filter-%ld.h5",
                   folder == NULL ? "/tmp" : folder,
                   (long)getpid());
    uint32_t state = 7;
    for (size_t i = 0; i < sizeof(data); i++) {
        state = state * 1664525 + 1013904223;
        data[i] = i % 8 < 3 ? (unsigned char)(state >> 24) : (unsigned char)i;
    }
    return 0;
}

static int teardown(void)
{
    (void)unlink(path);
    return 0;
}

static hid_t type_of(size_t element)
{
    return element == 1   ? H5T_NATIVE_UINT8
           : element == 2 ? H5T_NATIVE_UINT16
           : element == 4 ? H5T_NATIVE_UINT32
                          : H5T_NATIVE_UINT64;
}

/* One chunk of the data, written by HDF5; its bytes in the file.  Given. */
static void *
stored(const struct hayi_filters *filters, size_t element, size_t *size)
{
    hsize_t dims[1] = {COUNT};
    hsize_t zero[1] = {0};
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, dims, NULL);
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE);
    (void)H5Pset_chunk(plist, 1, dims);
    if (filters->shuffle != 0) {
        (void)H5Pset_shuffle(plist);
    }
    if (filters->deflate != 0) {
        (void)H5Pset_deflate(plist, filters->deflate);
    }
    hid_t dataset = H5Dcreate2(
        file, "a", type_of(element), space, H5P_DEFAULT, plist, H5P_DEFAULT);
    (void)H5Dwrite(dataset, type_of(element), H5S_ALL, H5S_ALL, 0, data);
    (void)H5Fflush(file, H5F_SCOPE_LOCAL);
    hsize_t many = 0;
    uint32_t mask = 99;
    (void)H5Dget_chunk_storage_size(dataset, zero, &many);
    void *bytes = malloc((size_t)many + 1);
    (void)H5Dread_chunk(dataset, H5P_DEFAULT, zero, &mask, bytes);
    CU_ASSERT_EQUAL(mask, 0);
    (void)H5Dclose(dataset);
    (void)H5Pclose(plist);
    (void)H5Sclose(space);
    (void)H5Fclose(file);
    *size = (size_t)many;
    return bytes;
}

static void packed_bytes_are_those_of_hdf5(void)
{
    static const struct hayi_filters all[] = {
        {1, 0}, {0, 1}, {1, 1}, {0, 6}, {1, 9}, {0, 0}};
    static unsigned char back[sizeof(data)];
    for (size_t element = 1; element <= ELEMENTS_MAX; element *= 2) {
        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
            size_t theirs_size = 0;
            size_t ours_size = 0;
            void *ours = NULL;
            void *theirs = stored(&all[i], element, &theirs_size);
            size_t size = COUNT * element;
            CU_ASSERT_EQUAL_FATAL(
                hayi_filters_pack(
                    &all[i], element, data, size, &ours, &ours_size, NULL),
                HAY_OK);
            CU_ASSERT_EQUAL_FATAL(ours_size, theirs_size);
            CU_ASSERT_EQUAL(memcmp(ours, theirs, ours_size), 0);
            memset(back, 0, sizeof(back));
            CU_ASSERT_EQUAL(
                hayi_filters_unpack(
                    &all[i], element, 0, theirs, theirs_size, back, size, NULL),
                HAY_OK);
            CU_ASSERT_EQUAL(memcmp(back, data, size), 0);
            free(ours);
            free(theirs);
        }
    }
}

static void bytes_behind_the_last_element_stay(void)
{
    unsigned char in[11] = "abcdefghijk";
    unsigned char out[11];
    unsigned char back[11];
    hayi_shuffle(in, 11, 4, out);
    CU_ASSERT_EQUAL(memcmp(out, "aebfcgdhijk", 11), 0);
    hayi_unshuffle(out, 11, 4, back);
    CU_ASSERT_EQUAL(memcmp(back, in, 11), 0);
}

static void filters_that_were_left_out_are_left_out(void)
{
    struct hayi_filters both = {1, 3};
    struct hayi_filters shuffle = {1, 0};
    struct hayi_filters deflate = {0, 3};
    static unsigned char back[COUNT];
    void *packed = NULL;
    size_t size = 0;
    CU_ASSERT_EQUAL_FATAL(
        hayi_filters_pack(&deflate, 4, data, COUNT, &packed, &size, NULL),
        HAY_OK);
    CU_ASSERT_EQUAL(
        hayi_filters_unpack(&both, 4, 1, packed, size, back, COUNT, NULL),
        HAY_OK);
    CU_ASSERT_EQUAL(memcmp(back, data, COUNT), 0);
    free(packed);
    CU_ASSERT_EQUAL_FATAL(
        hayi_filters_pack(&shuffle, 4, data, COUNT, &packed, &size, NULL),
        HAY_OK);
    memset(back, 0, sizeof(back));
    CU_ASSERT_EQUAL(
        hayi_filters_unpack(&both, 4, 2, packed, size, back, COUNT, NULL),
        HAY_OK);
    CU_ASSERT_EQUAL(memcmp(back, data, COUNT), 0);
    free(packed);
    CU_ASSERT_EQUAL(
        hayi_filters_unpack(&both, 4, 3, data, COUNT, back, COUNT, NULL),
        HAY_OK);
    CU_ASSERT_EQUAL(memcmp(back, data, COUNT), 0);
}

static void damage_is_told(void)
{
    struct hayi_filters filters = {1, 6};
    struct hayi_filters none = {0, 0};
    struct hayi_error err;
    static unsigned char back[COUNT];
    void *packed = NULL;
    size_t size = 0;
    CU_ASSERT_EQUAL_FATAL(
        hayi_filters_pack(&filters, 2, data, COUNT, &packed, &size, NULL),
        HAY_OK);
    CU_ASSERT_EQUAL(hayi_filters_unpack(
                        &filters, 2, 0, packed, size - 1, back, COUNT, &err),
                    HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "damaged"));
    CU_ASSERT_EQUAL(hayi_filters_unpack(
                        &filters, 2, 0, packed, size, back, COUNT - 1, &err),
                    HAY_EIO);
    ((unsigned char *)packed)[size / 2] ^= 1;
    CU_ASSERT_EQUAL(
        hayi_filters_unpack(&filters, 2, 0, packed, size, back, COUNT, &err),
        HAY_EIO);
    CU_ASSERT_EQUAL(
        hayi_filters_unpack(&none, 2, 0, packed, size, back, COUNT, &err),
        HAY_EIO);
    free(packed);
}

static CU_TestInfo tests[] = {
    {"packed_bytes_are_those_of_hdf5", packed_bytes_are_those_of_hdf5},
    {"bytes_behind_the_last_element_stay", bytes_behind_the_last_element_stay},
    {"filters_that_were_left_out_are_left_out",
     filters_that_were_left_out_are_left_out},
    {"damage_is_told", damage_is_told},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"data/filter", setup, teardown, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
