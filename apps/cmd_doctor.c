/* cmd_doctor.c - hayfork doctor: is everything there that a farm needs?
 *
 * What concerns the start is looked at first, outside of MPI; then a farm is
 * started as `hayfork run` would start it, and each of its workers looks at
 * its own machine, the shared folder and its clock.
 */
#include "config.h"

#include "checkup.h"
#include "launcher.h"
#include "mpirun.h"
#include "options.h"
#include "runfolder.h"
#include "signals.h"
#include "units.h"
#include "words.h"

#include <hayfork/data.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_NS    (30 * NS_PER_S)
#define JOIN_WAIT_NS (60 * NS_PER_S)
#define CLOCK_ROUNDS 5
#define CLOCK_FAR_NS INT64_C(1000000000)
#define SEEN_TRIES   100 /* for what another host wrote, 50 ms apart */

static struct {
    enum checkup_level worst;
    bool first_told; /* what is well is told for one worker only */
} doctor;

/* ---- printing ---- */

struct printing {
    bool wells;
    unsigned well_count;
};

static void print_finding(void *context,
                          enum checkup_level level,
                          const char *what,
                          const char *found,
                          const char *mend)
{
    static const char *const names[] = {"ok", "note", "warn", "FAIL"};
    struct printing *printing = context;
    doctor.worst = level > doctor.worst ? level : doctor.worst;
    if (level == CHECKUP_OK && !printing->wells) {
        printing->well_count++;
        return;
    }
    printf("%-5s %-16s %s\n", names[level], what, found);
    if (mend[0] != '\0') {
        printf("      %-16s -> %s\n", "", mend);
    }
}

static void print_findings(char *findings, bool wells)
{
    struct printing printing = {.wells = wells};
    checkup_each(findings, print_finding, &printing);
    if (printing.well_count > 0) {
        printf("%-5s %u more checks\n", "ok", printing.well_count);
    }
    fflush(stdout);
}

static int exit_status(void)
{
    return doctor.worst == CHECKUP_FAIL   ? EXIT_FARM
           : doctor.worst == CHECKUP_WARN ? EXIT_TASKS
                                          : EXIT_DONE;
}

/* ---- on each worker ---- */

static int64_t clock_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

HAY_TASK(hayfork_doctor_clock)
{
    return hay_return_int64(task, clock_ns());
}

/* Is the file that rank 0 wrote there, and after how many milliseconds? */
static int64_t wait_for_file(const char *folder, const char *name)
{
    struct text path = TEXT_INIT;
    struct timespec pause = {.tv_nsec = 50 * 1000 * 1000};
    int64_t start = clock_ns();
    bool there = false;
    text_format(&path, "%s/%s", folder, name);
    for (int i = 0; i < SEEN_TRIES && !there; i++) {
        if (i > 0) {
            nanosleep(&pause, NULL);
        }
        there = access(path.data, R_OK) == 0;
    }
    text_fini(&path);
    return there ? (clock_ns() - start) / 1000000 : -1;
}

/* Do file locks work there?  Hayfork needs none; HDF5 and SQLite may. */
static bool lock_works(const char *folder, const char *name)
{
    struct text path = TEXT_INIT;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
    text_format(&path, "%s/%s", folder, name);
    int fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    bool works = fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0;
    if (fd >= 0) {
        close(fd);
    }
    text_fini(&path);
    return works;
}

static void
check_shared(struct text *findings, const char *folder, const char *own_name)
{
    int64_t took = wait_for_file(folder, "from-rank-0");
    if (took < 0) {
        checkup_add(findings,
                    CHECKUP_FAIL,
                    "shared folder",
                    "start in a folder that all nodes share, at the same path",
                    "what rank 0 wrote to %s is not seen here",
                    folder);
        return;
    }
    checkup_add(findings,
                took > 1000 ? CHECKUP_NOTE : CHECKUP_OK,
                "shared folder",
                took > 1000 ? "files come late: attribute caching of NFS" : "",
                "what rank 0 wrote is seen after %" PRId64 " ms",
                took);
    checkup_add(findings,
                lock_works(folder, own_name) ? CHECKUP_OK : CHECKUP_NOTE,
                "file locks",
                "",
                "%s",
                lock_works(folder, own_name)
                    ? "work"
                    : "do not work there; Hayfork needs none, HDF5 programs "
                      "may need HDF5_USE_FILE_LOCKING=FALSE");
}

/* Arguments: the folder of the check, "" for none; the working folder. */
HAY_TASK(hayfork_doctor_node)
{
    const char *folder = NULL;
    const char *working = NULL;
    struct text findings = TEXT_INIT;
    char host[256] = "?";
    char name[300];
    HAY_TRY(hay_arg_string(task, 0, &folder));
    HAY_TRY(hay_arg_string(task, 1, &working));
    (void)gethostname(host, sizeof host - 1);
    snprintf(name, sizeof name, "worker-%" PRIu32, hay_task_worker(task));
    checkup_add(&findings, CHECKUP_OK, "host", "", "%s", host);
    checkup_machine(&findings, working);
    if (folder[0] != '\0') {
        check_shared(&findings, folder, name);
    }
    hay_status status = hay_return_string(task, findings.data);
    text_fini(&findings);
    return status;
}

/* ---- on rank 0 ---- */

/* The clock of a worker against ours: of some rounds the quickest one. */
static void
check_clock(hay_executor *ex, uint32_t worker, struct text *findings)
{
    int64_t best = INT64_MAX;
    int64_t offset = 0;
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    options.worker = worker;
    for (int i = 0; i < CLOCK_ROUNDS; i++) {
        hay_future *future = NULL;
        int64_t there = 0;
        int64_t before = clock_ns();
        if (hay_submit(ex,
                       hayfork_doctor_clock,
                       HAY_ARGS(hay_int64(0)),
                       &options,
                       &future)
                != HAY_OK
            || hay_result_int64(future, ANSWER_NS, &there) != HAY_OK) {
            hay_future_release(future);
            return;
        }
        int64_t took = clock_ns() - before;
        if (took < best) {
            best = took;
            offset = there - (before + took / 2);
        }
        hay_future_release(future);
    }
    bool far = offset > CLOCK_FAR_NS || offset < -CLOCK_FAR_NS;
    checkup_add(findings,
                far ? CHECKUP_WARN : CHECKUP_OK,
                "clock",
                far ? "run an NTP client: file times are compared at a resume"
                    : "",
                "%+.3f ms against rank 0's, by %.3f ms at most wrong",
                (double)offset / 1e6,
                (double)best / 2e6);
}

static void ask_worker(hay_executor *ex,
                       uint32_t worker,
                       const char *folder,
                       const char *working)
{
    hay_task_options options = HAY_TASK_OPTIONS_INIT;
    hay_future *future = NULL;
    const char *text = NULL;
    struct text findings = TEXT_INIT;
    options.worker = worker;
    hay_status status =
        hay_submit(ex,
                   hayfork_doctor_node,
                   HAY_ARGS(hay_string(folder), hay_string(working)),
                   &options,
                   &future);
    if (status == HAY_OK) {
        status = hay_result_string(future, ANSWER_NS, &text);
    }
    if (status == HAY_OK) {
        text_add_string(&findings, text);
        if (folder[0] != '\0') {
            check_clock(ex, worker, &findings);
        }
    } else {
        checkup_add(&findings,
                    CHECKUP_FAIL,
                    "worker",
                    "look at that node: does it run, does it answer?",
                    "%s",
                    status == HAY_ETIMEDOUT ? "no answer within 30 s"
                                            : hay_error_text());
    }
    printf("\nworker %" PRIu32 "\n", worker);
    print_findings(findings.data, !doctor.first_told);
    doctor.first_told = true;
    hay_future_release(future);
    text_fini(&findings);
}

/* Did the workers' files come to us, too? */
static void
look_back(const char *folder, uint32_t workers, struct text *findings)
{
    uint32_t seen = 0;
    for (uint32_t i = 1; i <= workers; i++) {
        char name[64];
        snprintf(name, sizeof name, "worker-%" PRIu32, i);
        seen += wait_for_file(folder, name) >= 0;
    }
    checkup_add(
        findings,
        seen == workers ? CHECKUP_OK : CHECKUP_FAIL,
        "shared folder",
        seen == workers
            ? ""
            : "start in a folder that all nodes share, at the same path",
        "rank 0 sees what %" PRIu32 " of %" PRIu32 " workers wrote",
        seen,
        workers);
}

static bool make_token(struct text *folder, const char *working)
{
    struct text path = TEXT_INIT;
    text_format(folder, "%s/.hayfork-doctor-XXXXXX", working);
    bool made = mkdtemp(folder->data) != NULL;
    if (made) {
        text_format(&path, "%s/from-rank-0", folder->data);
        int fd = open(path.data, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
        made = fd >= 0;
        if (fd >= 0) {
            close(fd);
        }
    }
    text_fini(&path);
    return made;
}

/* A file written and read as a run does it. */
static void
check_hdf5(hay_executor *ex, const char *working, struct text *findings)
{
    struct text path = TEXT_INIT;
    uint64_t shape[1] = {16};
    hay_dataset *dataset = NULL;
    text_format(&path, "%s/.hayfork-doctor-%ld.h5", working, (long)getpid());
    hay_status status =
        hay_array_create(ex, path.data, "x", HAY_F64, 1, shape, NULL, &dataset);
    hay_array_release(dataset);
    dataset = NULL;
    if (status == HAY_OK) {
        status = hay_array_open(ex, path.data, "x", NULL, &dataset);
    }
    checkup_add(findings,
                status == HAY_OK ? CHECKUP_OK : CHECKUP_WARN,
                "HDF5",
                status == HAY_OK ? ""
                                 : "programs with arrays will not run here; if "
                                   "it is about locks: "
                                   "HDF5_USE_FILE_LOCKING=FALSE",
                "%s",
                status == HAY_OK ? "a file is written and read back"
                                 : hay_error_text());
    hay_array_release(dataset);
    unlink(path.data);
    text_fini(&path);
}

static void check_size(const hay_stats *stats, struct text *findings)
{
    checkup_add(findings,
                stats->workers > 0 ? CHECKUP_OK : CHECKUP_FAIL,
                "farm",
                "",
                "%" PRIu32 " worker%s, %" PRIu32 " cores",
                stats->workers,
                stats->workers == 1 ? "" : "s",
                stats->cores);
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    hay_stats stats = {.size = sizeof stats};
    struct text findings = TEXT_INIT;
    struct text folder = TEXT_INIT;
    char working[PATH_MAX] = ".";
    (void)argc;
    (void)argv;
    (void)!getcwd(working, sizeof working);
    if (hay_executor_wait_workers(ex, JOIN_WAIT_NS) != HAY_OK) {
        checkup_add(&findings,
                    CHECKUP_FAIL,
                    "start",
                    "are the nodes reachable from the first one?",
                    "%s",
                    hay_error_text());
    }
    (void)hay_executor_stats(ex, &stats);
    check_size(&stats, &findings);
    check_hdf5(ex, working, &findings);
    print_findings(findings.data, true);
    bool several =
        hosts_is_rank() && stats.workers > 0 && make_token(&folder, working);
    for (uint32_t i = 1; i <= stats.workers; i++) {
        ask_worker(ex, i, several ? folder.data : "", working);
    }
    if (several) {
        text_clear(&findings);
        look_back(folder.data, stats.workers, &findings);
        printf("\nrank 0\n");
        print_findings(findings.data, true);
        runfolder_remove_tree(folder.data);
    }
    text_fini(&findings);
    text_fini(&folder);
    return HAY_OK;
}

static int examine(struct options *o)
{
    hay_options defaults = HAY_OPTIONS_INIT;
    signals_setup(hosts_is_rank() ? hosts_rank() : 0);
    (void)hay_prefork();
    int code = hay_main_with(o->farm_argc, o->farm_argv, &defaults, farm);
    return code == EXIT_DONE ? exit_status() : code;
}

/* ---- the command line ---- */

static int launch(struct options *o, int argc, char **argv)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) {
        say("/proc: %s", strerror(errno));
        return EXIT_FARM;
    }
    self[length] = '\0';
    const char **program = mem_alloc((size_t)argc + 2, sizeof(char *));
    program[0] = self;
    for (int i = 0; i <= argc; i++) {
        program[i + 1] = argv[i];
    }
    o->launch.argv = program;
    int code = launcher_run(&o->launch);
    free(program);
    return code;
}

static int go(struct options *o, int argc, char **argv)
{
    struct text findings = TEXT_INIT;
    struct fault fault;
    bool launcher = false;
    signal(SIGXFSZ, SIG_IGN); /* a limit is to be found, not to end us */
    if (hosts_is_rank()) {
        return examine(o);
    }
    checkup_launching(&findings);
    print_findings(findings.data, true);
    text_fini(&findings);
    if (doctor.worst == CHECKUP_FAIL) {
        return EXIT_FARM;
    }
    if (launcher_wanted(&o->launch, &launcher, &fault) != HAY_OK) {
        fault_print(&fault);
        return EXIT_USE;
    }
    int code = launcher ? launch(o, argc, argv) : examine(o);
    return code == EXIT_DONE ? exit_status() : code;
}

int cmd_doctor(int argc, char **argv)
{
    struct options options;
    struct fault fault;
    int code = EXIT_USE;
    char **copy = mem_alloc((size_t)argc + 1, sizeof(char *));
    memcpy(copy, argv, ((size_t)argc + 1) * sizeof(char *));
    if (options_parse(WORD_DOCTOR, argc, argv, &options, &fault) != HAY_OK) {
        fault_print(&fault);
    } else if (options.help) {
        fputs(help_text("doctor"), stdout);
        code = EXIT_DONE;
    } else {
        code = go(&options, argc, copy);
    }
    options_fini(&options);
    free(copy);
    return code;
}
