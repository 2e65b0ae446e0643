/* test_spill.c - the file of spilled objects. */
#include "config.h"

#include "data/spill.h"

#include "support/pattern.h"
#include "support/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)

static struct hayi_spill spill;
static struct hayi_error err;
static char *buffer;
static bool open_now;

static int setup_suite(void)
{
    buffer = mmap(NULL,
                  4 * MIB,
                  PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS,
                  -1,
                  0);
    return buffer == MAP_FAILED;
}

static int clean_suite(void)
{
    return munmap(buffer, 4 * MIB);
}

static void setup(void)
{
    err.text[0] = 0;
    open_now = hayi_spill_make_usual(&spill, &err) == HAY_OK;
    CU_ASSERT_TRUE_FATAL(open_now);
}

static void teardown(void)
{
    if (open_now) {
        hayi_spill_close(&spill);
    }
}

static void bytes_come_back_on_either_side_of_the_cache(void)
{
    static const uint64_t sizes[] = {
        1, 4096, 65537, MIB - 1, MIB, MIB + 1, 3 * MIB + 4095};
    enum { COUNT = sizeof(sizes) / sizeof(sizes[0]) };
    for (uint64_t i = 0; i < COUNT; i++) {
        pattern_fill(buffer, sizes[i], i);
        CU_ASSERT_EQUAL(
            hayi_spill_reserve(&spill, i * 4 * MIB, sizes[i], true, &err),
            HAY_OK);
        CU_ASSERT_EQUAL(
            hayi_spill_write(&spill, i * 4 * MIB, buffer, sizes[i], &err),
            HAY_OK);
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        memset(buffer, 0, 4 * MIB);
        CU_ASSERT_EQUAL(
            hayi_spill_read(&spill, i * 4 * MIB, buffer, sizes[i], &err),
            HAY_OK);
        CU_ASSERT_TRUE(pattern_is_in(buffer, sizes[i], i));
    }
}

static void reading_beyond_the_end_is_told(void)
{
    struct stat info;
    CU_ASSERT_EQUAL(hayi_spill_write(&spill, 0, buffer, 5000, &err), HAY_OK);
    CU_ASSERT_EQUAL(fstat(spill.fd, &info), 0);
    CU_ASSERT_EQUAL(hayi_spill_read(&spill, 4096, buffer, 2000, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "2000 bytes"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "ends too early"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, spill.folder));
    CU_ASSERT_EQUAL(hayi_spill_read(&spill, 8 * MIB, buffer, 2 * MIB, &err),
                    HAY_EIO);
}

static void reserved_bytes_can_be_mapped_and_released(void)
{
    struct stat before, after;
    CU_ASSERT_EQUAL(hayi_spill_reserve(&spill, MIB, 2 * MIB, true, &err),
                    HAY_OK);
    CU_ASSERT_EQUAL(fstat(spill.fd, &before), 0);
    CU_ASSERT_TRUE((uint64_t)before.st_size >= 3 * MIB);
    char *map = mmap(NULL,
                     2 * MIB,
                     PROT_READ | PROT_WRITE,
                     MAP_SHARED,
                     spill.fd,
                     (off_t)MIB);
    CU_ASSERT_PTR_NOT_EQUAL_FATAL(map, MAP_FAILED);
    pattern_fill(map, 2 * MIB, 9);
    CU_ASSERT_EQUAL(hayi_spill_read(&spill, MIB, buffer, 2 * MIB, &err),
                    HAY_OK);
    CU_ASSERT_TRUE(pattern_is_in(buffer, 2 * MIB, 9));
    (void)munmap(map, 2 * MIB);
    errno = 0;
    hayi_spill_release(&spill, MIB, 2 * MIB);
    CU_ASSERT_EQUAL(fstat(spill.fd, &after), 0);
    CU_ASSERT_EQUAL(after.st_size, before.st_size);
    /* Not every file system can make holes. */
    CU_ASSERT_TRUE(after.st_blocks < before.st_blocks || errno == EOPNOTSUPP);
}

static void file_of_another_is_the_same_file(void)
{
    struct hayi_spill other;
    pattern_fill(buffer, 100000, 4);
    CU_ASSERT_EQUAL(hayi_spill_write(&spill, 0, buffer, 100000, &err), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(
        hayi_spill_open(
            &other, getpid(), spill.fd, spill.inode, spill.folder, &err),
        HAY_OK);
    hayi_spill_close(&spill); /* it lives as long as one has it */
    spill = other;
    memset(buffer, 0, 100000);
    CU_ASSERT_EQUAL(hayi_spill_read(&spill, 0, buffer, 100000, &err), HAY_OK);
    CU_ASSERT_TRUE(pattern_is_in(buffer, 100000, 4));
    CU_ASSERT_EQUAL(
        hayi_spill_open(&other, getpid(), spill.fd, spill.inode + 1, "", &err),
        HAY_EIO);
    CU_ASSERT_EQUAL(hayi_spill_open(&other, getpid(), 1 << 29, 1, "", &err),
                    HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot be opened"));
}

static void folder_that_is_none_is_told(void)
{
    struct hayi_spill other;
    CU_ASSERT_EQUAL(hayi_spill_make(&other, "/proc/nothing", &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/proc/nothing"));
}

static CU_TestInfo tests[] = {
    {"bytes_come_back_on_either_side_of_the_cache",
     bytes_come_back_on_either_side_of_the_cache},
    {"reading_beyond_the_end_is_told", reading_beyond_the_end_is_told},
    {"reserved_bytes_can_be_mapped_and_released",
     reserved_bytes_can_be_mapped_and_released},
    {"file_of_another_is_the_same_file", file_of_another_is_the_same_file},
    {"folder_that_is_none_is_told", folder_that_is_none_is_told},
    CU_TEST_INFO_NULL,
};
static const CU_SuiteInfo suites[] = {
    {"data/spill", setup_suite, clean_suite, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
