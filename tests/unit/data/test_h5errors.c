/* test_h5errors.c - what is said of files that cannot be opened or made. */
#include "config.h"

#include "data/chunk_file.h"
#include "data/h5store.h"

#include "support/unit.h"
#include "unit/data/h5_files.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path;

static void setup(void)
{
    path = h5_path("errors.h5");
}

static void teardown(void)
{
    hayi_h5_close_all();
    (void)unlink(path);
}

static void make(void)
{
    struct h5_make made = {
        .path = path,
        .name = "a",
        .dtype = HAY_F64,
        .type = H5T_NATIVE_DOUBLE,
        .ndim = 1,
        .shape = {10000},
        .plist = H5P_DEFAULT,
        .creation = H5P_DEFAULT,
        .access = H5P_DEFAULT,
    };
    h5_make(&made);
}

/* Opening fails so, with these words, the file's name among them. */
static void refuses(const char *file,
                    const char *name,
                    hay_status status,
                    const char *words)
{
    struct hayi_dataset *dataset = NULL;
    struct hayi_error err = {.text = ""};
    CU_ASSERT_EQUAL(hayi_h5_open(file, name, &dataset, &err), status);
    CU_ASSERT_PTR_NULL(dataset);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, strrchr(file, '/')));
    if (strstr(err.text, words) == NULL) {
        printf("# said: %s\n", err.text);
    }
}

static void missing_files_are_named(void)
{
    refuses(h5_path("none.h5"), "a", HAY_EIO, "no such file");
    refuses(h5_path("no/folder"), "a", HAY_EIO, "no such file");
}

static void write_bytes(const void *bytes, size_t size)
{
    FILE *out = fopen(path, "wb");
    CU_ASSERT_EQUAL(fwrite(bytes, 1, size, out), size);
    (void)fclose(out);
}

static void other_files_are_told(void)
{
    static const char text[2000] = "no HDF5 at all";
    write_bytes(text, sizeof(text));
    refuses(path, "a", HAY_EIO, "is not an HDF5 file");
    write_bytes(text, 0);
    refuses(path, "a", HAY_EIO, "is not an HDF5 file");
    refuses(h5_path("errors.h5/.."), "a", HAY_EIO, "");
    CU_ASSERT_EQUAL(unlink(path), 0);
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    refuses(path, "a", HAY_EIO, "is a folder");
    CU_ASSERT_EQUAL(rmdir(path), 0);
    CU_ASSERT_EQUAL(mkfifo(path, 0700), 0);
    refuses(path, "a", HAY_EIO, "not an HDF5 file");
}

static void truncated_files_are_told(void)
{
    make();
    CU_ASSERT_EQUAL(truncate(path, 50000), 0);
    refuses(path, "a", HAY_EIO, "is truncated: it has 50000 bytes");
}

static void damage_is_an_error_and_no_crash(void)
{
    size_t size = 0;
    make();
    unsigned char *bytes = h5_slurp(path, &size);
    h5_seed(3);
    unsigned failed = 0;
    for (int round = 0; round < 300; round++) {
        struct hayi_dataset *dataset = NULL;
        struct hayi_error err = {.text = ""};
        size_t at = h5_dice(2048);
        unsigned char old = bytes[at];
        bytes[at] = (unsigned char)h5_dice(256);
        (void)unlink(path);
        write_bytes(bytes, size);
        bytes[at] = old;
        if (hayi_h5_open(path, "a", &dataset, &err) != HAY_OK) {
            CU_ASSERT_STRING_NOT_EQUAL(err.text, "");
            failed++;
        }
        hayi_dataset_free(dataset);
    }
    CU_ASSERT_TRUE(failed > 10);
    free(bytes);
}

static void files_open_for_writing_are_told(void)
{
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    (void)H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    (void)H5Fflush(file, H5F_SCOPE_LOCAL);
    refuses(path, "a", HAY_EIO, "h5clear -s");
    (void)H5Fclose(file);
    (void)H5Pclose(access);
    refuses(path, "a", HAY_EINVAL, "the file has no datasets");
}

static void datasets_that_are_there_are_named(void)
{
    struct h5_make made = {
        .path = path,
        .name = "/first",
        .dtype = HAY_F64,
        .type = H5T_NATIVE_DOUBLE,
        .ndim = 1,
        .shape = {10},
        .plist = H5P_DEFAULT,
        .creation = H5P_DEFAULT,
        .access = H5P_DEFAULT,
    };
    char name[30];
    h5_make(&made);
    made.add = true;
    made.name = "group/inside/second";
    h5_make(&made);
    refuses(path,
            "third",
            HAY_EINVAL,
            "no such dataset; there are /first, /group/inside/second");
    refuses(path, "group/third", HAY_EINVAL, "no such dataset");
    refuses(path, "third/fourth", HAY_EINVAL, "no such dataset");
    refuses(path, "", HAY_EINVAL, "no such dataset");
    refuses(path, "group", HAY_EINVAL, "this is no dataset; there are /first");
    refuses(path, "/", HAY_EINVAL, "this is no dataset");
    for (int i = 0; i < 12; i++) {
        (void)snprintf(name, sizeof(name), "a%02d", i);
        made.name = name;
        h5_make(&made);
    }
    refuses(path, "third", HAY_EINVAL, "/a08, /a09, ...");
}

static void
with_type(const char *words, hay_status status, hid_t type, int ndim)
{
    hsize_t dims[10] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    (void)unlink(path);
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    hid_t space =
        ndim == 0 ? H5Screate(H5S_NULL) : H5Screate_simple(ndim, dims, NULL);
    hid_t dataset = H5Dcreate2(
        file, "a", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    CU_ASSERT_TRUE(dataset > 0);
    (void)H5Dclose(dataset);
    (void)H5Sclose(space);
    (void)H5Fclose(file);
    refuses(path, "a", status, words);
}

static void what_are_no_numbers_is_told(void)
{
    hid_t record = H5Tcreate(H5T_COMPOUND, 8);
    hid_t list = H5Tvlen_create(H5T_NATIVE_INT);
    (void)H5Tinsert(record, "x", 0, H5T_NATIVE_DOUBLE);
    with_type("has strings, not numbers", HAY_ETYPE, H5T_C_S1, 1);
    with_type("has records, not numbers", HAY_ETYPE, record, 1);
    with_type("has lists, not numbers", HAY_ETYPE, list, 1);
    with_type("10 dimensions, the limit is 8",
              HAY_EUNSUPPORTED,
              H5T_NATIVE_DOUBLE,
              10);
    with_type("no elements", HAY_EUNSUPPORTED, H5T_NATIVE_DOUBLE, 0);
    (void)H5Tclose(record);
    (void)H5Tclose(list);
}

/* A program that uses HDF5 too hears of its own errors, and of none of ours. */
static unsigned heard;

static herr_t hear(hid_t stack, void *data)
{
    (void)stack, (void)data;
    heard++;
    return 0;
}

static void errors_of_the_program_stay_its_own(void)
{
    H5E_auto2_t before = NULL;
    void *data = NULL;
    (void)H5Eget_auto2(H5E_DEFAULT, &before, &data);
    (void)H5Eset_auto2(H5E_DEFAULT, hear, NULL);
    heard = 0;
    make();
    refuses(path, "b", HAY_EINVAL, "no such dataset; there are /a");
    CU_ASSERT_EQUAL(heard, 0);
    CU_ASSERT_TRUE(H5Fopen("/dev/null/none", H5F_ACC_RDONLY, 0) < 0);
    CU_ASSERT_EQUAL(heard, 1);
    (void)H5Eset_auto2(H5E_DEFAULT, before, data);
}

/* ---- as somebody else --------------------------------------------------- */

static struct hayi_h5_plan plan_of(const char *file, uint64_t count)
{
    return (struct hayi_h5_plan){
        .path = file,
        .name = "a",
        .dtype = HAY_F64,
        .ndim = 1,
        .shape = {count},
    };
}

/* In a child without root's rights: 'try' tells by its status what it was told.
 */
static void as_nobody(hay_status (*try)(struct hayi_error *err),
                      const char *words)
{
    int said[2];
    struct hayi_error err = {.text = ""};
    CU_ASSERT_EQUAL_FATAL(pipe(said), 0);
    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) {
            _exit(2);
        }
        hay_status status = try(&err);
        (void)!write(said[1], err.text, sizeof(err.text));
        _exit(status == HAY_EIO ? 0 : 1);
    }
    int result = -1;
    CU_ASSERT_EQUAL(waitpid(child, &result, 0), child);
    CU_ASSERT_EQUAL(result, 0);
    if (result == 0) {
        CU_ASSERT_TRUE(read(said[0], err.text, sizeof(err.text)) > 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
    }
    (void)close(said[0]);
    (void)close(said[1]);
}

static hay_status try_open(struct hayi_error *err)
{
    struct hayi_dataset *dataset = NULL;
    return hayi_h5_open(path, "a", &dataset, err);
}

static hay_status try_create(struct hayi_error *err)
{
    struct hayi_dataset *dataset = NULL;
    char file[400];
    (void)snprintf(file, sizeof(file), "%s/new.h5", path);
    struct hayi_h5_plan plan = plan_of(file, 10);
    return hayi_h5_create(&plan, &dataset, err);
}

static void missing_permission_is_told(void)
{
    /* Where others may look, too. */
    static char open_path[60];
    (void)snprintf(open_path,
                   sizeof(open_path),
                   "/tmp/hay-permission-%ld.h5",
                   (long)getpid());
    path = open_path;
    make();
    (void)chmod(path, 0);
    as_nobody(try_open, "no permission to read");
    (void)unlink(path);
    CU_ASSERT_EQUAL(mkdir(path, 0500), 0);
    as_nobody(try_create, "Permission denied");
    (void)rmdir(path);
}

/* ---- new files ---------------------------------------------------------- */

static void
not_made(const struct hayi_h5_plan *plan, hay_status status, const char *words)
{
    struct hayi_dataset *dataset = NULL;
    struct hayi_error err = {.text = ""};
    CU_ASSERT_EQUAL(hayi_h5_create(plan, &dataset, &err), status);
    CU_ASSERT_PTR_NULL(dataset);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, words));
    if (strstr(err.text, words) == NULL) {
        printf("# said: %s\n", err.text);
    }
    CU_ASSERT_NOT_EQUAL(access(path, F_OK), 0);
}

static void wrong_plans_are_refused(void)
{
    struct hayi_h5_plan plan = plan_of(path, 10);
    plan.name = "";
    not_made(&plan, HAY_EINVAL, "the name of the dataset is missing");
    plan.name = "a/";
    not_made(&plan, HAY_EINVAL, "the name of the dataset is missing");
    plan = plan_of("", 10);
    not_made(&plan, HAY_EINVAL, "the name of the file is missing");
    plan = plan_of(h5_path("no/where.h5"), 10);
    not_made(&plan, HAY_EIO, "folder is not there");
    plan = plan_of(path, 0);
    not_made(&plan, HAY_EINVAL, "no elements");
    plan = plan_of(path, (uint64_t)1 << 60);
    not_made(&plan, HAY_EINVAL, "too many");
    plan.ndim = 0;
    not_made(&plan, HAY_EINVAL, "no elements");
    plan = plan_of(path, 10);
    plan.ndim = 9;
    not_made(&plan, HAY_EINVAL, "too many dimensions");
    plan = plan_of(path, 10);
    plan.dtype = (hay_dtype)11;
    not_made(&plan, HAY_EINVAL, "unknown type");
    plan = plan_of(path, (uint64_t)1 << 40);
    plan.chunk[0] = (uint64_t)1 << 30;
    not_made(&plan, HAY_EINVAL, "less than 4 GiB");
    plan = plan_of(path, 10);
    plan.filters.deflate = 10;
    not_made(&plan, HAY_EINVAL, "levels 1 to 9");
    plan = plan_of(path, (uint64_t)1 << 57);
    not_made(&plan, HAY_EIO, "no room for");
}

/* Is anything left in the folder? */
static void nothing_in(const char *folder)
{
    char command[400];
    (void)snprintf(command,
                   sizeof(command),
                   "test -z \"$(ls -A %s)\" || { ls -A %s; exit 1; }",
                   folder,
                   folder);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void full_disks_are_told_and_nothing_is_left(void)
{
    char folder[300];
    char file[320];
    struct hayi_dataset *dataset = NULL;
    struct hayi_error err = {.text = ""};
    (void)snprintf(folder, sizeof(folder), "%s", h5_path("disk"));
    (void)snprintf(file, sizeof(file), "%s/a.h5", folder);
    (void)mkdir(folder, 0700);
    if (mount("none", folder, "tmpfs", 0, "size=2m") != 0) {
        hayi_unit_skip("a small disk can only be mounted by root");
        (void)rmdir(folder);
        return;
    }
    for (uint64_t kib = 1; kib <= 4096; kib = kib * 3 / 2 + 1) {
        for (int packed = 0; packed < 2; packed++) {
            struct hayi_h5_plan plan = plan_of(file, kib * 128);
            plan.filters.deflate = packed == 1;
            err.text[0] = 0;
            hay_status status = hayi_h5_create(&plan, &dataset, &err);
            if (status == HAY_OK) {
                CU_ASSERT_TRUE(packed == 1 || kib < 2048);
                hayi_dataset_free(dataset);
                (void)unlink(file);
                char *parts = malloc(400);
                (void)snprintf(parts, 400, "rm -rf %s/*", folder);
                CU_ASSERT_EQUAL(system(parts), 0);
                free(parts);
            } else {
                CU_ASSERT_EQUAL(status, HAY_EIO);
                CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no room for"));
                CU_ASSERT_PTR_NOT_NULL(strstr(err.text, file));
                nothing_in(folder);
            }
        }
    }
    struct hayi_h5_item item = {
        .name = "x", .dtype = HAY_U8, .ndim = 1, .shape = {4 << 20}};
    CU_ASSERT_EQUAL(hayi_h5_layout(file, &item, 1, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no room for"));
    nothing_in(folder);
    CU_ASSERT_EQUAL(umount(folder), 0);
    (void)rmdir(folder);
}

/* Packed chunks are written until there is no room; what is there stays. */
static void disks_that_become_full_lose_nothing(void)
{
    enum { CHUNK = 8192 };
    static double numbers[CHUNK];
    char folder[300];
    char file[320];
    struct hayi_dataset *dataset = NULL;
    struct hayi_files *files = NULL;
    struct hayi_error err = {.text = ""};
    uint8_t done[200];
    uint64_t count = 0;
    uint64_t written = 0;
    (void)snprintf(folder, sizeof(folder), "%s", h5_path("disk"));
    (void)snprintf(file, sizeof(file), "%s/a.h5", folder);
    (void)mkdir(folder, 0700);
    if (mount("none", folder, "tmpfs", 0, "size=2m") != 0) {
        hayi_unit_skip("a small disk can only be mounted by root");
        (void)rmdir(folder);
        return;
    }
    struct hayi_h5_plan plan = plan_of(file, 1000 * CHUNK);
    plan.chunk[0] = CHUNK;
    plan.filters.deflate = 1;
    h5_seed(1);
    for (int i = 0; i < CHUNK; i++) {
        numbers[i] = (double)h5_dice(1000000) / 7;
    }
    CU_ASSERT_EQUAL_FATAL(hayi_files_new(&files, NULL), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_h5_create(&plan, &dataset, &err), HAY_OK);
    hay_status status = HAY_OK;
    while (status == HAY_OK && written < 1000) {
        status = hayi_dataset_write_chunk(
            files, dataset, written, numbers, sizeof(numbers), &err);
        written += status == HAY_OK;
    }
    CU_ASSERT_EQUAL(status, HAY_EIO);
    CU_ASSERT_TRUE(written > 10 && written < 1000);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "No space left on device"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, file));
    CU_ASSERT_EQUAL(hayi_dataset_done(files, dataset, true, done, &count, NULL),
                    HAY_OK);
    CU_ASSERT_EQUAL(count, written);
    CU_ASSERT_EQUAL(hayi_h5_pack(dataset, false, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no room for"));
    CU_ASSERT_NOT_EQUAL(access(file, F_OK), 0);
    CU_ASSERT_EQUAL(hayi_dataset_done(files, dataset, true, done, &count, NULL),
                    HAY_OK);
    CU_ASSERT_EQUAL(count, written);
    hayi_dataset_free(dataset);
    hayi_files_free(files);
    CU_ASSERT_EQUAL(umount(folder), 0);
    (void)rmdir(folder);
}

/* The same where the file system cannot tell before. */
static void quotas_are_told_and_nothing_is_left(void)
{
    struct rlimit limit;
    struct rlimit small;
    struct hayi_h5_plan plan = plan_of(path, 1 << 20);
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 1 << 20;
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    not_made(&plan, HAY_EIO, "File too large");
    CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
    (void)signal(SIGXFSZ, before);
    char part[320];
    (void)snprintf(part, sizeof(part), "%s.part", path);
    CU_ASSERT_NOT_EQUAL(access(part, F_OK), 0);
}

static CU_TestInfo tests[] = {
    {"missing_files_are_named", missing_files_are_named},
    {"other_files_are_told", other_files_are_told},
    {"truncated_files_are_told", truncated_files_are_told},
    {"damage_is_an_error_and_no_crash", damage_is_an_error_and_no_crash},
    {"files_open_for_writing_are_told", files_open_for_writing_are_told},
    {"datasets_that_are_there_are_named", datasets_that_are_there_are_named},
    {"what_are_no_numbers_is_told", what_are_no_numbers_is_told},
    {"errors_of_the_program_stay_its_own", errors_of_the_program_stay_its_own},
    {"missing_permission_is_told", missing_permission_is_told},
    {"wrong_plans_are_refused", wrong_plans_are_refused},
    {"full_disks_are_told_and_nothing_is_left",
     full_disks_are_told_and_nothing_is_left},
    {"disks_that_become_full_lose_nothing",
     disks_that_become_full_lose_nothing},
    {"quotas_are_told_and_nothing_is_left",
     quotas_are_told_and_nothing_is_left},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"data/h5errors", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return hayi_unit_main(suites, argc, argv);
}
