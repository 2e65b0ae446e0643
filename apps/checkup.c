/* checkup.c - what is to be known of a machine; see checkup.h. */
#include "config.h"

#include "checkup.h"
#include "hosts.h"
#include "mpirun.h"
#include "tool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define MIB           UINT64_C(1048576)
#define FILES_MIN     256
#define PROCESSES_MIN 256
#define FILE_SIZE_MIN (512 * MIB) /* what a node's store asks of a file */
#define DISK_MIN      (256 * MIB)
#define SHM_MIN       (64 * MIB) /* Open MPI's queues */
#define WRITE_BYTES   (8 * MIB)
#define WRITE_SLOW_MS 1000
#define CORES_MAX     4096

void checkup_add(struct text *findings,
                 enum checkup_level level,
                 const char *what,
                 const char *mend,
                 const char *format,
                 ...)
{
    static const char *const levels[] = {"ok", "note", "warn", "FAIL"};
    char found[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(found, sizeof found, format, values);
    va_end(values);
    for (char *at = found; *at != '\0'; at++) {
        *at = *at == '\t' || *at == '\n' ? ' ' : *at;
    }
    text_format(findings, "%s\t%s\t%s\t%s\n", levels[level], what, found, mend);
}

static enum checkup_level level_of(const char *word)
{
    return strcmp(word, "ok") == 0     ? CHECKUP_OK
           : strcmp(word, "note") == 0 ? CHECKUP_NOTE
           : strcmp(word, "warn") == 0 ? CHECKUP_WARN
                                       : CHECKUP_FAIL;
}

void checkup_each(char *findings, checkup_fn take, void *context)
{
    char *line;
    while (findings != NULL && (line = strsep(&findings, "\n")) != NULL) {
        char *level = strsep(&line, "\t");
        char *what = strsep(&line, "\t");
        char *found = strsep(&line, "\t");
        if (line != NULL) {
            take(context, level_of(level), what, found, line);
        }
    }
}

static uint64_t now_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
}

/* ---- cores ---- */

/* Processors that a control group may use in all; 0: no limit is told. */
static double group_quota(void)
{
    double quota = 0;
    double period = 0;
    FILE *file = fopen("/sys/fs/cgroup/cpu.max", "re");
    if (file == NULL) {
        return 0;
    }
    if (fscanf(file, "%lf %lf", &quota, &period) != 2 || period <= 0) {
        quota = 0;
        period = 1;
    }
    fclose(file);
    return quota / period;
}

/* Run on each core of the mask once; the number that refused. */
static int pin_to_each(const cpu_set_t *mask, size_t size)
{
    int refused = 0;
    for (size_t cpu = 0; cpu < CORES_MAX; cpu++) {
        if (!CPU_ISSET_S(cpu, size, mask)) {
            continue;
        }
        cpu_set_t *one = CPU_ALLOC(CORES_MAX);
        if (one == NULL) {
            return refused + 1;
        }
        CPU_ZERO_S(size, one);
        CPU_SET_S(cpu, size, one);
        refused +=
            sched_setaffinity(0, size, one) != 0 || sched_getcpu() != (int)cpu;
        CPU_FREE(one);
    }
    (void)sched_setaffinity(0, size, mask);
    return refused;
}

/* The mask of this thread, CORES_MAX wide; NULL: it cannot be read. */
static cpu_set_t *own_mask(size_t size, struct text *findings)
{
    cpu_set_t *mask = CPU_ALLOC(CORES_MAX);
    if (mask != NULL && sched_getaffinity(0, size, mask) == 0) {
        return mask;
    }
    checkup_add(findings,
                CHECKUP_WARN,
                "cores",
                "",
                "the mask cannot be read: %s",
                strerror(errno));
    CPU_FREE(mask);
    return NULL;
}

/* What this process was given by who started it. */
static void check_mask(struct text *findings)
{
    size_t size = CPU_ALLOC_SIZE(CORES_MAX);
    cpu_set_t *mask = own_mask(size, findings);
    if (mask == NULL) {
        return;
    }
    int count = CPU_COUNT_S(size, mask);
    long there = sysconf(_SC_NPROCESSORS_ONLN);
    double quota = group_quota();
    checkup_add(findings,
                count < there ? CHECKUP_NOTE : CHECKUP_OK,
                "cores",
                count < there ? "if all are yours: ask for the whole node "
                                "(--exclusive, --cpus)"
                              : "",
                "%d of %ld of this host may be used",
                count,
                there);
    if (quota > 0 && quota < count) {
        checkup_add(findings,
                    CHECKUP_WARN,
                    "cores",
                    "use --slots, or raise the control group's cpu.max",
                    "the control group gives the time of %.1f only",
                    quota);
    }
    CPU_FREE(mask);
}

/* A worker's: the mask is that of a task with all of its cores. */
static void check_pinning(struct text *findings)
{
    size_t size = CPU_ALLOC_SIZE(CORES_MAX);
    cpu_set_t *mask = own_mask(size, findings);
    if (mask == NULL) {
        return;
    }
    int count = CPU_COUNT_S(size, mask);
    int refused = pin_to_each(mask, size);
    checkup_add(findings,
                refused > 0 ? CHECKUP_WARN : CHECKUP_OK,
                "pinning",
                refused > 0 ? "the kernel or a sandbox refuses "
                              "sched_setaffinity; tasks will not stay on "
                              "their cores"
                            : "",
                "this worker has %d core%s; %d can be pinned to",
                count,
                count == 1 ? "" : "s",
                count - refused);
    CPU_FREE(mask);
}

/* ---- memory and kernel ---- */

static void check_memory(struct text *findings)
{
    struct sysinfo info;
    struct statvfs shm;
    if (sysinfo(&info) == 0) {
        uint64_t all = (uint64_t)info.totalram * info.mem_unit;
        checkup_add(findings,
                    CHECKUP_OK,
                    "memory",
                    "",
                    "%" PRIu64 " MiB, of which %" PRIu64
                    " MiB are for objects (--hay-memory-limit)",
                    all / MIB,
                    all / 10 * 3 / MIB);
    }
    if (statvfs("/dev/shm", &shm) != 0) {
        checkup_add(findings,
                    CHECKUP_WARN,
                    "/dev/shm",
                    "mount a tmpfs there",
                    "%s; Open MPI's ranks of one node talk through it",
                    strerror(errno));
    } else {
        uint64_t room = (uint64_t)shm.f_bavail * shm.f_frsize;
        checkup_add(findings,
                    room < SHM_MIN ? CHECKUP_WARN : CHECKUP_OK,
                    "/dev/shm",
                    room < SHM_MIN ? "make it larger (mount -o "
                                     "remount,size=1g), or remove what others "
                                     "left there; Open MPI needs 64 MiB"
                                   : "",
                    "%" PRIu64 " MiB are free",
                    room / MIB);
    }
}

static void check_kernel(struct text *findings)
{
    int pid = (int)syscall(SYS_pidfd_open, getpid(), 0);
    int memory = memfd_create("hayfork-doctor", MFD_CLOEXEC);
    bool sized = memory >= 0 && ftruncate(memory, (off_t)MIB) == 0;
    checkup_add(findings,
                sized ? CHECKUP_OK : CHECKUP_FAIL,
                "shared memory",
                sized ? ""
                      : "a farm's objects lie in a memfd: a kernel of "
                        "3.17 or later, without a sandbox that refuses it",
                "memfd_create: %s",
                sized ? "works" : strerror(errno));
    checkup_add(findings,
                pid >= 0 ? CHECKUP_OK : CHECKUP_NOTE,
                "deaths",
                "",
                "pidfd_open: %s",
                pid >= 0 ? "works"
                         : "refused; deaths are seen by the connection's end");
    if (pid >= 0) {
        close(pid);
    }
    if (memory >= 0) {
        close(memory);
    }
}

/* ---- limits ---- */

static void check_limit(struct text *findings,
                        int resource,
                        const char *what,
                        uint64_t least,
                        enum checkup_level level,
                        const char *mend)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) != 0) {
        return;
    }
    bool low = limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < least;
    if (limit.rlim_cur == RLIM_INFINITY) {
        checkup_add(findings, CHECKUP_OK, what, "", "unlimited");
    } else {
        checkup_add(findings,
                    low ? level : CHECKUP_OK,
                    what,
                    low ? mend : "",
                    "%" PRIu64 "%s%" PRIu64,
                    (uint64_t)limit.rlim_cur,
                    low ? ", needed " : ", enough: ",
                    least);
    }
}

static void check_limits(struct text *findings)
{
    check_limit(findings,
                RLIMIT_NOFILE,
                "open files",
                FILES_MIN,
                CHECKUP_WARN,
                "ulimit -n 4096");
    check_limit(findings,
                RLIMIT_NPROC,
                "processes",
                PROCESSES_MIN,
                CHECKUP_WARN,
                "ulimit -u 4096, or ask the administrator");
    check_limit(findings,
                RLIMIT_FSIZE,
                "file size",
                FILE_SIZE_MIN,
                CHECKUP_FAIL,
                "ulimit -f unlimited: it holds for shared memory, too");
    check_limit(findings,
                RLIMIT_AS,
                "address space",
                4096 * MIB,
                CHECKUP_WARN,
                "ulimit -v unlimited; use --mem-limit for tasks");
}

/* ---- disk ---- */

/* Milliseconds to write WRITE_BYTES and sync them; < 0: errno. */
static int64_t write_speed(const char *folder)
{
    struct text path = TEXT_INIT;
    char *bytes = mem_alloc(1, WRITE_BYTES);
    text_format(&path, "%s/.hayfork-doctor-XXXXXX", folder);
    memset(bytes, 'x', WRITE_BYTES);
    uint64_t start = now_ns();
    int fd = mkostemp(path.data, O_CLOEXEC);
    int64_t took = fd < 0 ? -errno : 0;
    if (fd >= 0) {
        ssize_t put = write(fd, bytes, WRITE_BYTES);
        if (put != (ssize_t)WRITE_BYTES) {
            took = put < 0 ? -errno : -ENOSPC;
        } else if (fsync(fd) != 0) {
            took = -errno;
        }
        close(fd);
        unlink(path.data);
    }
    free(bytes);
    text_fini(&path);
    return took < 0 ? took : (int64_t)((now_ns() - start) / 1000000);
}

static void
check_disk(struct text *findings, const char *what, const char *folder)
{
    struct statvfs fs;
    int64_t took = write_speed(folder);
    if (took < 0) {
        checkup_add(findings,
                    CHECKUP_FAIL,
                    what,
                    "make it writable, or take another",
                    "%s: %s",
                    folder,
                    strerror((int)-took));
        return;
    }
    uint64_t room = statvfs(folder, &fs) == 0
                        ? (uint64_t)fs.f_bavail * fs.f_frsize
                        : UINT64_MAX;
    checkup_add(findings,
                room < DISK_MIN        ? CHECKUP_WARN
                : took > WRITE_SLOW_MS ? CHECKUP_NOTE
                                       : CHECKUP_OK,
                what,
                room < DISK_MIN        ? "free some room, or take another"
                : took > WRITE_SLOW_MS ? "it is slow: local disks serve "
                                         "better for --hay-spill-folder"
                                       : "",
                "%s: %" PRIu64 " MiB are free, 8 MiB are on disk after %" PRId64
                " ms",
                folder,
                room / MIB,
                took);
}

void checkup_machine(struct text *findings, const char *folder)
{
    const char *temporary = getenv("TMPDIR");
    check_pinning(findings);
    check_memory(findings);
    check_limits(findings);
    check_kernel(findings);
    check_disk(findings, "run folder", folder);
    check_disk(findings,
               "temporary folder",
               temporary != NULL && temporary[0] != '\0' ? temporary : "/tmp");
}

/* ---- launching ---- */

static void check_environment(struct text *findings)
{
    static const char *const harms[][2] = {
        {"OMP_NUM_THREADS",
         "Hayfork sets it for each task; here it is for the rest of the job"},
        {"HDF5_USE_FILE_LOCKING", "FALSE is needed on folders without locks"},
        {"LD_PRELOAD", "it is loaded into each task"},
        {"OMPI_MCA_btl", "it overrides what the farm asks for"},
        {"OMPI_MCA_pml", "it overrides what the farm asks for"},
    };
    for (size_t i = 0; i < sizeof harms / sizeof harms[0]; i++) {
        const char *value = getenv(harms[i][0]);
        if (value != NULL && value[0] != '\0') {
            checkup_add(findings,
                        CHECKUP_NOTE,
                        "environment",
                        harms[i][1],
                        "%s=%.200s",
                        harms[i][0],
                        value);
        }
    }
}

static void check_mpirun(struct text *findings)
{
    struct arena arena = ARENA_INIT;
    struct text out = TEXT_INIT;
    struct text error = TEXT_INIT;
    struct fault fault;
    const char *path = NULL;
    int code = 0;
    if (mpirun_find(&arena, &path, &fault) != HAY_OK) {
        checkup_add(findings,
                    CHECKUP_WARN,
                    "mpirun",
                    "install Open MPI, load its module, or set "
                    "HAYFORK_MPIRUN; without it one process runs all",
                    "%s",
                    fault.text);
    } else {
        const char *const argv[] = {path, "--version", NULL};
        bool open_mpi = tool_run(argv, &out, &error, &code, &fault) == HAY_OK
                        && out.data != NULL
                        && strstr(out.data, "Open MPI") != NULL;
        size_t length = out.data == NULL ? 0 : strcspn(out.data, "\n");
        checkup_add(findings,
                    open_mpi ? CHECKUP_OK : CHECKUP_WARN,
                    "mpirun",
                    open_mpi ? ""
                             : "hayfork run -n knows Open MPI's; with another "
                               "start programs by its own mpirun",
                    "%s: %.*s",
                    path,
                    (int)length,
                    out.data == NULL ? "" : out.data);
    }
    if (geteuid() == 0 && getenv("OMPI_ALLOW_RUN_AS_ROOT") == NULL) {
        checkup_add(findings,
                    CHECKUP_WARN,
                    "mpirun",
                    "set OMPI_ALLOW_RUN_AS_ROOT=1 and "
                    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1, or be another user",
                    "Open MPI refuses to run as root");
    }
    text_fini(&out);
    text_fini(&error);
    arena_fini(&arena);
}

static void check_deadline(struct text *findings)
{
    const char *deadline = getenv("HAYFORK_DEADLINE");
    long long left =
        deadline == NULL ? 0 : atoll(deadline) - (long long)time(NULL);
    if (deadline != NULL) {
        checkup_add(findings,
                    left < 60 ? CHECKUP_WARN : CHECKUP_OK,
                    "time left",
                    left < 60 ? "the job ends too soon to start anything" : "",
                    "%lld s",
                    left);
    } else {
        checkup_add(findings,
                    CHECKUP_NOTE,
                    "time left",
                    "use hayfork submit or the scripts in batch/, or "
                    "--time-left",
                    "not known to the farm (HAYFORK_DEADLINE is not set)");
    }
}

void checkup_launching(struct text *findings)
{
    static const char *const systems[] = {
        "none", "Slurm", "Grid Engine", "PBS", "local"};
    struct hosts hosts;
    struct fault fault;
    enum batch_system system = BATCH_NONE;
    hosts_init(&hosts);
    check_mask(findings);
    check_limits(findings);
    check_kernel(findings);
    check_environment(findings);
    check_mpirun(findings);
    if (hosts_allocation(&hosts, &system, &fault) != HAY_OK) {
        checkup_add(findings,
                    CHECKUP_FAIL,
                    "allocation",
                    "is the job's environment whole?",
                    "%s",
                    fault.text);
    } else if (system == BATCH_NONE) {
        checkup_add(
            findings, CHECKUP_OK, "allocation", "", "no batch job: this host");
    } else {
        checkup_add(findings,
                    CHECKUP_OK,
                    "allocation",
                    "",
                    "%s, %zu node%s",
                    systems[system],
                    hosts.count,
                    hosts.count == 1 ? "" : "s");
        check_deadline(findings);
    }
    hosts_fini(&hosts);
}
