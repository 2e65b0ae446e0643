/* bench_data.c - the data plane against the raw operations that limit it:
 * memcpy, pread and pwrite, O_DIRECT, MPI's send.
 *
 *     bench_data [--tsv] [--rounds 5] [--scale 1] [--folder DIR] [--only ROW]
 *                [--local] [--farm]
 *
 * Without a launcher it measures store, files and filters in this process
 * (--local: only these), then starts mpirun with 3 ranks of itself for the rows
 * of a whole farm on one node (--farm: only these).  Between nodes:
 * bench_mpi_data, and data_hosts.sh for two pseudo-hosts.  --scale 0.02 is a
 * quick look: the sizes are that part of those that the goals speak of.
 *
 * Each row alternates ours and raw; the ratio of the medians is what counts.
 * The folder (TMPDIR, or /var/tmp) should be on the local disk.
 */
#include "config.h"

#include "bench_data.h"
#include "bench_support.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { LIMIT_LEAST = 8 };

struct data_options data_options = {.rounds = 5, .scale = 1};

/* ---- rows ---------------------------------------------------------------- */

void data_die(const char *what, const char *words)
{
    (void)fprintf(stderr, "bench_data: %s: %s\n", what, words);
    exit(1);
}

bool data_wanted(const char *name)
{
    const char *only = data_options.only;
    return only == NULL || strncmp(name, only, strlen(only)) == 0;
}

static void
line(const char *name, const char *part, double value, const char *unit)
{
    char text[96];
    (void)snprintf(text, sizeof text, "data.%s.%s", name, part);
    bench_line(true, text, value, unit);
}

void data_value(const char *name,
                double value,
                const char *unit,
                const char *goal)
{
    if (data_options.tsv) {
        line(name, "ours", value, unit);
    } else {
        printf("  %-28s %12.4g %12s %8s  %-7s %s\n",
               name,
               value,
               "",
               "",
               unit,
               goal);
    }
    (void)fflush(stdout);
}

void data_row(const char *name,
              const char *unit,
              data_fn ours,
              data_fn raw,
              void *context,
              double goal)
{
    double a[DATA_ROUNDS_MAX];
    double b[DATA_ROUNDS_MAX];
    size_t rounds = (size_t)data_options.rounds;
    char words[32] = "";
    if (!data_wanted(name)) {
        return;
    }
    /* One of each first, which brings memory and caches into being. */
    for (size_t i = 0; i <= rounds; i++) {
        size_t at = i == 0 ? 0 : i - 1;
        b[at] = raw(context);
        a[at] = ours(context);
        if (a[at] <= 0 || b[at] <= 0) {
            (void)fprintf(stderr, "bench_data: no %s here\n", name);
            return;
        }
    }
    double ours_rate = bench_median(a, rounds);
    double raw_rate = bench_median(b, rounds);
    if (goal > 0) {
        (void)snprintf(words, sizeof words, "goal %.3g", goal);
    }
    if (data_options.tsv) {
        line(name, "ours", ours_rate, unit);
        line(name, "raw", raw_rate, unit);
        line(name, "ratio", ours_rate / raw_rate, "ratio");
    } else {
        printf("  %-28s %12.4g %12.4g %8.3f  %-7s %s\n",
               name,
               ours_rate,
               raw_rate,
               ours_rate / raw_rate,
               unit,
               words);
    }
    (void)fflush(stdout);
}

static void title(const char *text)
{
    if (!data_options.tsv) {
        printf("%-30s %12s %12s %8s\n", text, "ours", "raw", "ratio");
        (void)fflush(stdout);
    }
}

/* ---- what the rows need -------------------------------------------------- */

size_t data_pieces(double bytes, size_t least)
{
    double pieces = bytes * data_options.scale / DATA_PIECE;
    return pieces < (double)least ? least : (size_t)pieces;
}

void *data_memory(size_t size)
{
    double *data = NULL;
    if (posix_memalign((void **)&data, 4096, size) != 0) {
        data_die("memory", strerror(ENOMEM));
    }
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < size / sizeof *data; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        data[i] = (double)(int)(x % 20000) * 1e-4; /* as measured values are */
    }
    return data;
}

const char *
data_path(char *text, size_t size, const char *folder, const char *name)
{
    (void)snprintf(
        text, size, "%s/bench-data.%ld.%s", folder, (long)getpid(), name);
    return text;
}

/* A file without a name; -1: no O_DIRECT there. */
static int direct_file(const char *folder, size_t pieces)
{
    char path[4096];
    data_path(path, sizeof path, folder, "direct");
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_DIRECT, 0600);
    if (fd >= 0) {
        (void)unlink(path);
        if (posix_fallocate(fd, 0, (off_t)(pieces * DATA_PIECE)) != 0) {
            data_die(folder, "no room for a file");
        }
    }
    return fd;
}

static double pass(int fd, unsigned char *memory, size_t pieces, bool reads)
{
    double began = bench_now_s();
    for (size_t i = 0; i < pieces; i++) {
        off_t at = (off_t)(i * DATA_PIECE);
        ssize_t done = reads ? pread(fd, memory, DATA_PIECE, at)
                             : pwrite(fd, memory, DATA_PIECE, at);
        if (done != DATA_PIECE) {
            data_die("O_DIRECT", strerror(errno));
        }
    }
    return (double)(pieces * DATA_PIECE) / (bench_now_s() - began) * 1e-9;
}

static double direct(const char *folder, size_t pieces, bool reads)
{
    int fd = direct_file(folder, pieces);
    if (fd < 0) {
        return 0;
    }
    unsigned char *memory = data_memory(DATA_PIECE);
    double rate = pass(fd, memory, pieces, false);
    if (reads) {
        rate = pass(fd, memory, pieces, true);
    }
    free(memory);
    (void)close(fd);
    return rate;
}

double data_direct_write(const char *folder, size_t pieces)
{
    return direct(folder, pieces, false);
}

double data_direct_read(const char *folder, size_t pieces)
{
    return direct(folder, pieces, true);
}

/* ---- places -------------------------------------------------------------- */

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    HAY_TRY(hay_executor_wait_workers(ex, HAY_FOREVER));
    return data_farm_rows(ex, data_options.limit);
}

enum { WORDS_MAX = 48 };

/* This program with 3 ranks; limit: of a node's memory, 0: none. */
static int run_farm(int argc, char **argv, uint64_t limit)
{
    const char *list[WORDS_MAX] = {"mpirun", "--oversubscribe", "-n", "3"};
    char number[32];
    int count = 4;
    list[count++] = argv[0];
    for (int i = 1; i < argc && count < WORDS_MAX - 6; i++) {
        list[count++] = argv[i];
    }
    if (limit > 0) {
        (void)snprintf(number, sizeof number, "%" PRIu64, limit);
        list[count++] = "--limit";
        list[count++] = number;
        list[count++] = "--hay-memory-limit";
        list[count++] = number;
    }
    list[count] = NULL;
    pid_t pid;
    int error = posix_spawnp(
        &pid, list[0], NULL, NULL, (char *const *)(uintptr_t)list, environ);
    if (error != 0) {
        (void)fprintf(stderr, "bench_data: mpirun: %s\n", strerror(error));
        return 1;
    }
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

/* Is any row asked for whose name begins so? */
static bool group_wanted(const char *name)
{
    const char *only = data_options.only;
    return data_wanted(name) || strncmp(name, only, strlen(name)) == 0;
}

static int run_farms(int argc, char **argv)
{
    uint64_t limit = data_pieces(512e6, LIMIT_LEAST) * (uint64_t)DATA_PIECE;
    int status = 0;
    title("3 ranks");
    if (group_wanted("handover") || group_wanted("make_use")
        || group_wanted("array")) {
        status |= run_farm(argc, argv, 0);
    }
    if (group_wanted("workingset")) {
        status |= run_farm(argc, argv, limit);
    }
    return status;
}

/* The text after 'name'; NULL: it is not there. */
static const char *word_after(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], name) == 0) {
            return argv[i + 1];
        }
    }
    return NULL;
}

static void read_options(int argc, char **argv)
{
    double rounds = bench_number(argc, argv, "--rounds", 5);
    const char *folder = word_after(argc, argv, "--folder");
    data_options.tsv = bench_has(argc, argv, "--tsv");
    data_options.scale = bench_number(argc, argv, "--scale", 1);
    data_options.only = word_after(argc, argv, "--only");
    folder = folder != NULL ? folder : getenv("TMPDIR");
    data_options.folder = folder != NULL ? folder : "/var/tmp";
    if (!(rounds >= 1 && rounds <= DATA_ROUNDS_MAX && data_options.scale > 0
          && data_options.scale <= 100)) {
        data_die("--rounds, --scale", "1 to 99, and above 0");
    }
    data_options.rounds = (int)rounds;
    data_options.limit = (uint64_t)bench_number(argc, argv, "--limit", 0);
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    if (getenv("OMPI_COMM_WORLD_SIZE") != NULL || getenv("PMIX_RANK") != NULL) {
        return hay_main(argc, argv, farm);
    }
    bool only_farm = bench_has(argc, argv, "--farm");
    bool only_local = bench_has(argc, argv, "--local");
    if (!only_farm) {
        title("local");
        data_store_rows();
        data_file_rows();
    }
    return only_local ? 0 : run_farms(argc, argv);
}
