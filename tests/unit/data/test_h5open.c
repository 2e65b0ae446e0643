/* test_h5open.c - datasets of every layout, made by HDF5 itself: how they are
 * reached, and that every region of them is read right. */
#include "config.h"

#include "data/chunk_file.h"
#include "data/h5store.h"

#include "support/unit.h"
#include "unit/data/h5_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROUNDS = 60 };

static struct hayi_files *files;
static const char *path;
static hid_t plist;

static void setup(void)
{
    CU_ASSERT_EQUAL_FATAL(hayi_files_new(&files, NULL), HAY_OK);
    path = h5_path("open.h5");
    plist = H5Pcreate(H5P_DATASET_CREATE);
}

static void teardown(void)
{
    hayi_files_free(files);
    hayi_h5_close_all();
    (void)H5Pclose(plist);
    (void)unlink(path);
}

static void chunks(uint32_t ndim, hsize_t a, hsize_t b, hsize_t c)
{
    hsize_t chunk[3] = {a, b, c};
    CU_ASSERT_TRUE_FATAL(H5Pset_chunk(plist, (int)ndim, chunk) >= 0);
}

/* Every element by itself is in its place, in regions of all kinds. */
static void compare(const struct hayi_dataset *dataset, const void *numbers)
{
    hay_region whole;
    size_t element = hayi_dataset_element_bytes(dataset);
    hayi_region_whole(dataset->ndim, dataset->shape, &whole);
    h5_seed(1);
    for (int round = 0; round < ROUNDS; round++) {
        hay_region region = whole;
        if (round > 0) {
            h5_random_region(dataset->ndim, dataset->shape, &region);
        }
        size_t size = (size_t)hayi_region_count(&region) * element;
        char *expected = malloc(size);
        char *out = malloc(size);
        struct hayi_error err = {.text = ""};
        hayi_region_copy(expected, &region, numbers, &whole, &region, element);
        memset(out, 0x55, size);
        CU_ASSERT_EQUAL(hayi_dataset_read(files, dataset, &region, out, &err),
                        HAY_OK);
        CU_ASSERT_STRING_EQUAL(err.text, "");
        CU_ASSERT_EQUAL(memcmp(out, expected, size), 0);
        const void *data = NULL;
        struct hayi_mapping mapping;
        hay_status status =
            hayi_dataset_map(files, dataset, &region, &data, &mapping, &err);
        if (status == HAY_OK) {
            CU_ASSERT_EQUAL(memcmp(data, expected, size), 0);
            hayi_mapping_fini(&mapping);
        } else {
            CU_ASSERT_EQUAL(status, HAY_EUNSUPPORTED);
        }
        free(expected);
        free(out);
    }
}

static struct hayi_dataset *opened(const char *name)
{
    struct hayi_dataset *dataset = NULL;
    struct hayi_error err = {.text = ""};
    CU_ASSERT_EQUAL(hayi_h5_open(path, name, &dataset, &err), HAY_OK);
    CU_ASSERT_STRING_EQUAL_FATAL(err.text, "");
    CU_ASSERT_EQUAL(hayi_dataset_check(dataset, dataset->size_bytes, NULL),
                    HAY_OK);
    CU_ASSERT_STRING_EQUAL(hayi_dataset_name(dataset), name);
    CU_ASSERT_EQUAL(dataset->record_base, 0);
    CU_ASSERT_FALSE(hayi_dataset_writable(dataset));
    return dataset;
}

/* Made by HDF5, opened, read. */
static void holds(const struct h5_make *make, enum hayi_dataset_kind kind)
{
    uint64_t count = 1;
    h5_make(make);
    struct hayi_dataset *dataset = opened(make->name);
    CU_ASSERT_EQUAL(dataset->kind, kind);
    CU_ASSERT_EQUAL(dataset->dtype, make->dtype);
    for (uint32_t d = 0; d < make->ndim; d++) {
        CU_ASSERT_EQUAL(dataset->shape[d], make->shape[d]);
        count *= make->shape[d];
    }
    void *numbers = h5_numbers(make->dtype, count, 1);
    compare(dataset, numbers);
    free(numbers);
    hayi_dataset_free(dataset);
}

static struct h5_make square(void)
{
    return (struct h5_make){
        .path = path,
        .name = "a",
        .dtype = HAY_F64,
        .type = H5T_NATIVE_DOUBLE,
        .ndim = 2,
        .shape = {50, 70},
        .plist = plist,
        .creation = H5P_DEFAULT,
        .access = H5P_DEFAULT,
    };
}

static void contiguous_is_read_by_address(void)
{
    struct h5_make make = square();
    holds(&make, HAYI_CONTIGUOUS);
    make.name = "/group/in group/b";
    make.ndim = 3;
    make.shape[2] = 9;
    holds(&make, HAYI_CONTIGUOUS);
    make.shape[0] = 1;
    make.shape[1] = 1;
    make.shape[2] = 100000;
    holds(&make, HAYI_CONTIGUOUS);
}

static void every_type_of_numbers_is_known(void)
{
    for (int dtype = HAY_F64; dtype <= HAY_U8; dtype++) {
        struct h5_make make = square();
        make.dtype = (hay_dtype)dtype;
        make.type = h5_native(make.dtype);
        holds(&make, HAYI_CONTIGUOUS);
    }
}

static void chunks_of_old_files_are_read_by_address(void)
{
    struct h5_make make = square();
    chunks(2, 8, 32, 0);
    holds(&make, HAYI_CHUNKED);
    make.unlimited = true;
    holds(&make, HAYI_CHUNKED);
}

static void chunks_of_new_files_need_one_address(void)
{
    struct h5_make make = square();
    chunks(2, 8, 32, 0);
    make.access = H5Pcreate(H5P_FILE_ACCESS);
    (void)H5Pset_libver_bounds(
        make.access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    (void)H5Pset_alloc_time(plist, H5D_ALLOC_TIME_EARLY);
    holds(&make, HAYI_CHUNKED);
    struct hayi_dataset *dataset = opened("a");
    CU_ASSERT_EQUAL(dataset->address_count, 0);
    CU_ASSERT_EQUAL(dataset->chunk[0], 8);
    CU_ASSERT_EQUAL(dataset->chunk[1], 32);
    hayi_dataset_free(dataset);
    make.unlimited = true;
    holds(&make, HAYI_CHUNKED);
    (void)H5Pclose(make.access);
}

static void many_scattered_chunks_are_found_by_the_library(void)
{
    struct h5_make make = square();
    make.shape[0] = 6000;
    make.shape[1] = 2;
    chunks(2, 1, 2, 0);
    holds(&make, HAYI_RAW);
}

static void packed_chunks_are_unpacked_by_us(void)
{
    for (int shuffle = 0; shuffle < 2; shuffle++) {
        for (int level = 0; level <= 6; level += 3) {
            struct h5_make make = square();
            (void)H5Pclose(plist);
            plist = H5Pcreate(H5P_DATASET_CREATE);
            make.plist = plist;
            make.dtype = HAY_I32;
            make.type = H5T_NATIVE_INT32;
            make.ndim = 3;
            make.shape[2] = 11;
            chunks(3, 20, 32, 5);
            if (shuffle != 0) {
                (void)H5Pset_shuffle(plist);
            }
            if (level != 0 || shuffle == 0) {
                (void)H5Pset_deflate(plist, (unsigned)level);
            }
            holds(&make, HAYI_RAW);
        }
    }
}

static void other_filters_are_left_to_the_library(void)
{
    struct h5_make make = square();
    chunks(2, 8, 32, 0);
    (void)H5Pset_fletcher32(plist);
    holds(&make, HAYI_LIBRARY);
    (void)H5Pclose(plist);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    make.plist = plist;
    chunks(2, 8, 32, 0);
    (void)H5Pset_deflate(plist, 1);
    (void)H5Pset_shuffle(plist); /* the other way round */
    holds(&make, HAYI_LIBRARY);
}

static void szip_is_left_to_the_library(void)
{
    unsigned config = 0;
    if (H5Zfilter_avail(H5Z_FILTER_SZIP) <= 0
        || H5Zget_filter_info(H5Z_FILTER_SZIP, &config) < 0
        || (config & H5Z_FILTER_CONFIG_ENCODE_ENABLED) == 0) {
        hayi_unit_skip("this HDF5 cannot pack with szip");
        return;
    }
    struct h5_make make = square();
    chunks(2, 8, 32, 0);
    (void)H5Pset_szip(plist, H5_SZIP_NN_OPTION_MASK, 16);
    holds(&make, HAYI_LIBRARY);
}

static void other_byte_orders_are_converted(void)
{
    struct h5_make make = square();
    make.type = H5T_IEEE_F64BE;
    holds(&make, HAYI_LIBRARY);
    chunks(2, 8, 32, 0);
    (void)H5Pset_deflate(plist, 1);
    make.dtype = HAY_U16;
    make.type = H5T_STD_U16BE;
    holds(&make, HAYI_LIBRARY);
}

static void odd_types_are_delivered_as_the_next_larger_one(void)
{
    struct h5_make make = square();
    hid_t three = H5Tcopy(H5T_STD_I32LE);
    (void)H5Tset_precision(three, 24);
    (void)H5Tset_size(three, 3);
    make.dtype = HAY_I32;
    make.type = three;
    holds(&make, HAYI_LIBRARY);
    (void)H5Tclose(three);
    make.dtype = HAY_F64;
    make.type = H5T_NATIVE_LDOUBLE;
    holds(&make, HAYI_LIBRARY);
}

static void truths_are_bytes(void)
{
    int8_t no = 0;
    int8_t yes = 1;
    int8_t data[2] = {1, 0};
    struct h5_make make = square();
    hid_t truth = H5Tenum_create(H5T_NATIVE_INT8);
    (void)H5Tenum_insert(truth, "FALSE", &no);
    (void)H5Tenum_insert(truth, "TRUE", &yes);
    make.type = truth;
    make.ndim = 1;
    make.shape[0] = 2;
    make.unwritten = true;
    h5_make(&make);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    hid_t dataset = H5Dopen2(file, "a", H5P_DEFAULT);
    (void)H5Dwrite(dataset, truth, H5S_ALL, H5S_ALL, 0, data);
    (void)H5Dclose(dataset);
    (void)H5Fclose(file);
    (void)H5Tclose(truth);
    struct hayi_dataset *found = opened("a");
    CU_ASSERT_EQUAL(found->dtype, HAY_I8);
    CU_ASSERT_EQUAL(found->kind, HAYI_CONTIGUOUS);
    compare(found, data);
    hayi_dataset_free(found);
}

static void compact_and_external_data_are_left_to_the_library(void)
{
    struct h5_make make = square();
    (void)H5Pset_layout(plist, H5D_COMPACT);
    holds(&make, HAYI_LIBRARY);
    (void)H5Pclose(plist);
    plist = H5Pcreate(H5P_DATASET_CREATE);
    make.plist = plist;
    const char *raw = h5_path("raw");
    (void)H5Pset_external(plist, raw, 0, 50 * 70 * 8);
    holds(&make, HAYI_LIBRARY);
    (void)unlink(raw);
}

static void virtual_datasets_are_left_to_the_library(void)
{
    const char *source = h5_path("source.h5");
    struct h5_make make = square();
    hsize_t dims[2] = {50, 70};
    hid_t space = H5Screate_simple(2, dims, NULL);
    make.path = source;
    h5_make(&make);
    make.path = path;
    make.unwritten = true;
    (void)H5Pset_virtual(plist, space, source, "a", space);
    (void)H5Sclose(space);
    holds(&make, HAYI_LIBRARY);
    (void)unlink(source);
}

static void user_blocks_do_not_move_the_data(void)
{
    struct h5_make make = square();
    make.creation = H5Pcreate(H5P_FILE_CREATE);
    (void)H5Pset_userblock(make.creation, 1024);
    holds(&make, HAYI_CONTIGUOUS);
    chunks(2, 8, 32, 0);
    holds(&make, HAYI_RAW);
    (void)H5Pclose(make.creation);
}

static void what_was_never_written_is_the_fill_value(void)
{
    double fill = 2.5;
    double *expected = malloc(50 * 70 * sizeof(*expected));
    for (int i = 0; i < 50 * 70; i++) {
        expected[i] = fill;
    }
    for (int way = 0; way < 3; way++) {
        struct h5_make make = square();
        (void)H5Pclose(plist);
        plist = H5Pcreate(H5P_DATASET_CREATE);
        make.plist = plist;
        make.unwritten = true;
        (void)H5Pset_fill_value(plist, H5T_NATIVE_DOUBLE, &fill);
        if (way > 0) {
            chunks(2, 8, 32, 0);
        }
        if (way > 1) {
            (void)H5Pset_deflate(plist, 1);
        }
        h5_make(&make);
        struct hayi_dataset *dataset = opened("a");
        CU_ASSERT_EQUAL(dataset->kind, way == 0 ? HAYI_LIBRARY : HAYI_RAW);
        compare(dataset, expected);
        hayi_dataset_free(dataset);
    }
    free(expected);
}

static void scalars_are_arrays_of_one(void)
{
    struct h5_make make = square();
    make.ndim = 0;
    h5_make(&make);
    struct hayi_dataset *dataset = opened("a");
    CU_ASSERT_EQUAL(dataset->ndim, 1);
    CU_ASSERT_EQUAL(dataset->shape[0], 1);
    double *numbers = h5_numbers(HAY_F64, 1, 1);
    compare(dataset, numbers);
    free(numbers);
    hayi_dataset_free(dataset);
}

static void arrays_without_elements_can_be_opened(void)
{
    struct h5_make make = square();
    struct hayi_grid grid;
    make.shape[0] = 0;
    chunks(2, 8, 32, 0);
    make.unlimited = true;
    h5_make(&make);
    struct hayi_dataset *dataset = opened("a");
    hayi_dataset_grid(dataset, &grid);
    CU_ASSERT_EQUAL(grid.total, 0);
    hay_region all;
    hayi_region_whole(2, dataset->shape, &all);
    CU_ASSERT_EQUAL(hayi_dataset_read(files, dataset, &all, NULL, NULL),
                    HAY_OK);
    hayi_dataset_free(dataset);
}

static void replaced_files_are_noticed(void)
{
    struct h5_make make = square();
    struct hayi_error err;
    hay_region region = {2, {0, 0}, {1, 1}};
    for (int way = 0; way < 3; way++) {
        double number = 0;
        if (way > 0) {
            chunks(2, 8, 32, 0);
        }
        if (way > 1) {
            (void)H5Pset_deflate(plist, 1);
        }
        (void)unlink(path);
        h5_make(&make);
        struct hayi_dataset *dataset = opened("a");
        CU_ASSERT_EQUAL(
            hayi_dataset_read(files, dataset, &region, &number, NULL), HAY_OK);
        /* Another file, and the same one with other contents. */
        const char *other = h5_path("other.h5");
        make.path = other;
        h5_make(&make);
        make.path = path;
        (void)rename(other, path);
        struct hayi_dataset *second = opened("a");
        CU_ASSERT_EQUAL(
            hayi_dataset_read(files, second, &region, &number, &err), HAY_OK);
        if (way == 2) {
            CU_ASSERT_EQUAL(
                hayi_dataset_read(files, dataset, &region, &number, &err),
                HAY_EIO);
            CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "since it was opened"));
        }
        CU_ASSERT_EQUAL_FATAL(truncate(path, 1500), 0);
        CU_ASSERT_EQUAL(
            hayi_dataset_read(files, second, &region, &number, &err), HAY_EIO);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
        hayi_dataset_free(dataset);
        hayi_dataset_free(second);
    }
}

static void regions_outside_are_refused(void)
{
    struct h5_make make = square();
    struct hayi_error err;
    hay_region region = {2, {0, 0}, {51, 1}};
    const void *data;
    struct hayi_mapping mapping;
    double number = 7;
    h5_make(&make);
    struct hayi_dataset *dataset = opened("a");
    CU_ASSERT_EQUAL(hayi_dataset_read(files, dataset, &region, &number, &err),
                    HAY_EINVAL);
    CU_ASSERT_EQUAL(
        hayi_dataset_map(files, dataset, &region, &data, &mapping, &err),
        HAY_EINVAL);
    CU_ASSERT_EQUAL(hayi_h5_read(dataset, &region, &number, &err), HAY_EINVAL);
    CU_ASSERT_EQUAL(number, 7);
    hayi_dataset_free(dataset);
}

static void more_files_than_are_kept_open_can_be_read(void)
{
    struct hayi_dataset *all[HAYI_FILES_MAX + 10];
    char name[40];
    enum { COUNT = sizeof(all) / sizeof(all[0]) };
    struct h5_make make = square();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            (void)snprintf(name, sizeof(name), "many-%d.h5", i);
            path = h5_path(name);
            make.path = path;
            make.type = i % 2 == 0 ? H5T_IEEE_F64BE : H5T_IEEE_F64LE;
            if (round == 0) {
                h5_make(&make);
                all[i] = opened("a");
            }
            double numbers[70];
            hay_region region = {2, {3, 0}, {1, 70}};
            CU_ASSERT_EQUAL(
                hayi_dataset_read(files, all[i], &region, numbers, NULL),
                HAY_OK);
            CU_ASSERT_EQUAL(numbers[69], 280 * 0.25 - 100);
            if (round == 1) {
                (void)unlink(path);
                hayi_dataset_free(all[i]);
            }
        }
    }
    CU_ASSERT_TRUE(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_FILE) <= 64);
}

static CU_TestInfo tests[] = {
    {"contiguous_is_read_by_address", contiguous_is_read_by_address},
    {"every_type_of_numbers_is_known", every_type_of_numbers_is_known},
    {"chunks_of_old_files_are_read_by_address",
     chunks_of_old_files_are_read_by_address},
    {"chunks_of_new_files_need_one_address",
     chunks_of_new_files_need_one_address},
    {"many_scattered_chunks_are_found_by_the_library",
     many_scattered_chunks_are_found_by_the_library},
    {"packed_chunks_are_unpacked_by_us", packed_chunks_are_unpacked_by_us},
    {"other_filters_are_left_to_the_library",
     other_filters_are_left_to_the_library},
    {"szip_is_left_to_the_library", szip_is_left_to_the_library},
    {"other_byte_orders_are_converted", other_byte_orders_are_converted},
    {"odd_types_are_delivered_as_the_next_larger_one",
     odd_types_are_delivered_as_the_next_larger_one},
    {"truths_are_bytes", truths_are_bytes},
    {"compact_and_external_data_are_left_to_the_library",
     compact_and_external_data_are_left_to_the_library},
    {"virtual_datasets_are_left_to_the_library",
     virtual_datasets_are_left_to_the_library},
    {"user_blocks_do_not_move_the_data", user_blocks_do_not_move_the_data},
    {"what_was_never_written_is_the_fill_value",
     what_was_never_written_is_the_fill_value},
    {"scalars_are_arrays_of_one", scalars_are_arrays_of_one},
    {"arrays_without_elements_can_be_opened",
     arrays_without_elements_can_be_opened},
    {"replaced_files_are_noticed", replaced_files_are_noticed},
    {"regions_outside_are_refused", regions_outside_are_refused},
    {"more_files_than_are_kept_open_can_be_read",
     more_files_than_are_kept_open_can_be_read},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"data/h5open", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
