/* cmd_grow.c - hayfork grow RUN: submits workers for a run that listens, as
 * long as it has more to do than is done soon (grow.h), and cancels those that
 * still wait when it has not.
 *
 * Started by the user on a login node, or by a run of --grow (--attached): then
 * standard input tells the run's end.  RUN/job.workers names the jobs; who has
 * it locked is the only one that submits.
 */
#include "config.h"

#include "jobspec.h"
#include "load.h"
#include "runfolder.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define TURN_MS    1000
#define LOOK_S     5.0 /* a batch system is not asked more often */
#define STALE_S    60.0
#define RUN_LOOK_S 5.0
#define ABSENT_MAX 2 /* looks that see no run, before it is believed */

struct worker_job {
    double since_s; /* it was submitted, or found */
    bool cancelled;
};

struct grower {
    const char *folder; /* whole path */
    const char **command;
    struct jobspec *spec;
    struct grow_rules rules;
    struct grow_trend trend;
    struct grow_pause pause;
    struct load load;
    double heard_s; /* the last load; < 0: none (now) */
    struct batch_record *records;
    enum batch_state *states;
    struct worker_job *jobs;
    size_t count, room;
    double looked_s, run_looked_s;
    unsigned absent;
    pid_t parent;
    char refusal[FAULT_TEXT_MAX]; /* told already */
};

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- the jobs ---- */

static void add_job(struct grower *g, const struct batch_record *record)
{
    size_t old = g->room;
    g->records = mem_grow(g->records, g->count, &g->room, sizeof *g->records);
    if (g->room != old) {
        g->states = mem_resize(g->states, g->room, sizeof *g->states);
        g->jobs = mem_resize(g->jobs, g->room, sizeof *g->jobs);
    }
    g->records[g->count] = *record;
    g->states[g->count] = BATCH_UNKNOWN;
    g->jobs[g->count] = (struct worker_job){.since_s = now_s()};
    g->count++;
}

static void drop_job(struct grower *g, size_t i)
{
    g->count--;
    g->records[i] = g->records[g->count];
    g->states[i] = g->states[g->count];
    g->jobs[i] = g->jobs[g->count];
}

/* Those that another start has left. */
static hay_status read_jobs(struct grower *g, struct fault *fault)
{
    struct batch_record *list;
    size_t count;
    hay_status status =
        batch_read_all(g->folder, RUNFOLDER_WORKERS, &list, &count, fault);
    for (size_t i = 0; i < count; i++) {
        add_job(g, &list[i]);
    }
    free(list);
    return status;
}

/* A job has ended.  Was it for nothing? */
static void job_ended(struct grower *g, size_t i)
{
    double lived_s = now_s() - g->jobs[i].since_s;
    double limit_s = (double)g->spec->job.time_s;
    if (g->jobs[i].cancelled || g->states[i] == BATCH_UNKNOWN) {
        return;
    }
    if (g->heard_s >= 0 && !g->load.ending && grow_backlog(&g->load) > 0
        && (limit_s <= 0 || lived_s < limit_s / 2)) {
        if (grow_pauses(&g->pause, now_s())) {
            return;
        }
        grow_fruitless(&g->pause, now_s());
        say("worker job %s has ended although %" PRIu64
            " tasks wait (%.400s/job-%s.out tells more); the next one in %d s "
            "at the earliest",
            g->records[i].id,
            grow_backlog(&g->load),
            g->folder,
            g->records[i].id,
            (int)g->pause.pause_s);
    } else {
        grow_fruitful(&g->pause);
    }
}

/* Ask for all of them, and forget those that have ended. */
static void look(struct grower *g)
{
    g->looked_s = now_s();
    if (g->count == 0) {
        return;
    }
    enum batch_state *states = mem_alloc(g->count, sizeof *states);
    batch_look_all(g->records, g->count, states);
    for (size_t i = g->count; i > 0; i--) {
        enum batch_state state = states[i - 1];
        if (state == BATCH_GONE) {
            job_ended(g, i - 1);
            drop_job(g, i - 1); /* one that was looked at takes its place */
        } else if (state != BATCH_UNKNOWN) {
            g->states[i - 1] = state;
        }
    }
    free(states);
}

static struct grow_jobs count_jobs(const struct grower *g)
{
    struct grow_jobs jobs = {0, 0};
    for (size_t i = 0; i < g->count; i++) {
        if (g->states[i] == BATCH_WAITING) {
            jobs.waiting += !g->jobs[i].cancelled;
        } else { /* or the system does not answer: it may */
            jobs.running++;
        }
    }
    return jobs;
}

/* false: refused; the next one would be, too. */
static bool submit_one(struct grower *g)
{
    struct batch_record record = {.system = g->spec->system};
    struct fault fault;
    hay_status status =
        batch_submit(g->spec->system, g->command, record.id, &fault);
    if (status == HAY_OK) {
        (void)gethostname(record.host, sizeof record.host - 1);
        add_job(g, &record);
        g->states[g->count - 1] = BATCH_WAITING;
        status = batch_write(
            g->folder, RUNFOLDER_WORKERS, g->spec->system, record.id, &fault);
        if (!g->spec->quiet) {
            say("worker job %s (%s) is submitted: %" PRIu64 " tasks wait",
                record.id,
                batch_name(g->spec->system),
                grow_backlog(&g->load));
        }
    }
    if (status != HAY_OK) {
        if (strcmp(g->refusal, fault.text) != 0) {
            snprintf(g->refusal, sizeof g->refusal, "%s", fault.text);
            say("no worker job: %.700s; the run goes on without, it is tried "
                "again now and then",
                fault.text);
        }
        grow_fruitless(&g->pause, now_s());
    }
    return status == HAY_OK;
}

/* The last ones first: they would wait longest. */
static void cancel(struct grower *g, uint32_t count)
{
    for (size_t i = g->count; i > 0 && count > 0; i--) {
        struct fault fault;
        if (g->states[i - 1] != BATCH_WAITING || g->jobs[i - 1].cancelled) {
            continue;
        }
        g->jobs[i - 1].cancelled = true;
        count--;
        if (batch_cancel(&g->records[i - 1], &fault) != HAY_OK) {
            fault_print(&fault);
        } else if (!g->spec->quiet) {
            say("worker job %s is cancelled: the run has no work for it",
                g->records[i - 1].id);
        }
    }
}

/* ---- the run ---- */

static void listen_to(struct grower *g)
{
    struct load load = {.time_s = 0};
    struct fault fault;
    hay_status status = load_read(g->folder, &load, &fault);
    if (status == HAY_EEMPTY) {
        g->heard_s = -1;
    } else if (status == HAY_OK
               && (g->heard_s < 0 || load.time_s != g->load.time_s)) {
        g->load = load;
        g->heard_s = now_s();
        grow_note(&g->trend, &load);
    }
}

/* The batch job of the run itself may come (again). */
static bool job_is_there(const struct grower *g)
{
    struct batch_record record;
    struct text words = TEXT_INIT;
    struct fault fault;
    bool there = batch_read(g->folder, &record, &fault) == HAY_OK
                 && batch_look(&record, &words) != BATCH_GONE;
    text_fini(&words);
    return there;
}

/* Nobody runs it, and nobody will. */
static bool run_is_gone(struct grower *g)
{
    hay_run_info info = {.size = sizeof info};
    if (g->heard_s >= 0 || now_s() - g->run_looked_s < RUN_LOOK_S) {
        return false;
    }
    g->run_looked_s = now_s();
    bool there = hay_run_look(g->folder, &info) != HAY_OK || info.running;
    bool ended = !there && info.ended;
    hay_run_info_fini(&info);
    there = there || (!ended && job_is_there(g));
    g->absent = there ? 0 : g->absent + 1;
    return ended || g->absent >= ABSENT_MAX;
}

static bool is_over(struct grower *g)
{
    return interrupted || (g->spec->attached && getppid() != g->parent)
           || (!g->spec->attached && run_is_gone(g));
}

/* ---- the loop ---- */

static void turn(struct grower *g)
{
    struct load nothing = {.ending = true, .left_s = GROW_FOREVER};
    double now = now_s();
    listen_to(g);
    if (g->count > 0
        && (g->spec->system == BATCH_LOCAL || now - g->looked_s >= LOOK_S)) {
        look(g);
    }
    struct grow_jobs jobs = count_jobs(g);
    bool stale = g->heard_s >= 0 && now - g->heard_s > STALE_S;
    struct grow_choice choice = grow_choose(
        &g->rules, g->heard_s >= 0 ? &g->load : &nothing, &g->trend, &jobs);
    if (g->heard_s < 0 && g->spec->attached) {
        return; /* it is about to begin, or its end will be told */
    }
    if (stale || grow_pauses(&g->pause, now)) {
        choice.submit = 0;
    }
    if (choice.cancel > 0) {
        look(g);
        cancel(g, choice.cancel);
    }
    while (choice.submit > 0 && !interrupted && submit_one(g)) {
        choice.submit--;
    }
}

static void loop(struct grower *g)
{
    struct pollfd end = {.fd = g->spec->attached ? STDIN_FILENO : -1,
                         .events = POLLIN};
    bool told = false;
    while (!told && !is_over(g)) {
        turn(g);
        told = poll(&end, 1, TURN_MS) > 0;
    }
    /* What waits now would find nobody. */
    g->heard_s = -1;
    look(g);
    cancel(g, UINT32_MAX);
}

/* ---- the beginning ---- */

/* What the job of the run has set is not the workers': they have their own. */
static void clean_environment(void)
{
    static const char *const starts[] = {
        "SLURM_",
        "SLURMD_",
        "PBS_JOB",
        "PBS_NODE",
        "PBS_TASK",
        "PBS_O_",
        "OMPI_COMM_",
        "OMPI_MCA_orte_",
        "PMIX_",
        "PMI_",
        "HAYFORK_LAUNCH_",
    };
    static const char *const names[] = {
        "HAYFORK_DEADLINE",
        "HAYFORK_DEADLINE_FILE",
        "HAYFORK_TIME_LIMIT",
        "HAYFORK_RUN_FOLDER",
        "HAYFORK_RESUME",
        "PE_HOSTFILE",
        "PE",
        "NSLOTS",
        "NHOSTS",
        "JOB_ID",
        "SGE_TASK_ID",
    };
    extern char **environ;
    bool again = true;
    while (again) {
        again = false;
        for (char **at = environ; *at != NULL && !again; at++) {
            for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
                if (strncmp(*at, starts[i], strlen(starts[i])) == 0
                    && strncmp(*at, "SLURM_CONF=", 11) != 0
                    && strncmp(*at, "SLURM_CLUSTERS=", 15) != 0
                    && strncmp(*at, "SLURM_JWT=", 10) != 0) {
                    char *name = strndup(*at, strcspn(*at, "="));
                    again = name != NULL && unsetenv(name) == 0;
                    free(name);
                    break;
                }
            }
        }
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        unsetenv(names[i]);
    }
}

/* One at a time.  An attached one waits for the one that was there before. */
static hay_status take_lock(const struct grower *g, struct fault *fault)
{
    struct text path = TEXT_INIT;
    struct pollfd end = {.fd = g->spec->attached ? STDIN_FILENO : -1,
                         .events = POLLIN};
    hay_status status = HAY_OK;
    text_format(&path, "%s/" RUNFOLDER_WORKERS, g->folder);
    int fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0) {
        status =
            fault_set(fault, HAY_EIO, "%.500s: %s", path.data, strerror(errno));
    }
    while (status == HAY_OK && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            break; /* a file system without locks: the user sees to it */
        }
        if (!g->spec->attached || poll(&end, 1, TURN_MS) > 0
            || getppid() != g->parent) {
            status = fault_set(fault,
                               HAY_EFARM,
                               "another hayfork grow submits workers for "
                               "%.500s",
                               g->folder);
        }
    }
    text_fini(&path);
    return status;
}

static void catch_signals(const struct grower *g)
{
    struct sigaction action = {.sa_handler =
                                   g->spec->attached ? SIG_IGN : on_signal};
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    sigaction(SIGUSR1, &ignore, NULL);
    sigaction(SIGUSR2, &ignore, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

static hay_status
grow(struct grower *g, struct arena *arena, struct fault *fault)
{
    struct jobspec *spec = g->spec;
    hay_status status = batch_find(spec->system_name, &spec->system, fault);
    if (status == HAY_OK) {
        status = jobspec_find_files(spec, arena, fault);
    }
    if (status == HAY_OK) {
        status =
            jobspec_worker_command(spec, g->folder, arena, &g->command, fault);
    }
    if (status == HAY_OK && spec->dry_run) {
        struct text text = TEXT_INIT;
        jobspec_command_text(g->command, &text);
        printf("# each worker job, at most %" PRIu32 " at once:\n%s",
               spec->grow,
               text.data);
        text_fini(&text);
        return HAY_OK;
    }
    if (status == HAY_OK) {
        catch_signals(g);
        clean_environment();
        setenv("HAYFORK", spec->job.program, 1);
        status = take_lock(g, fault);
    }
    if (status == HAY_OK) {
        status = read_jobs(g, fault);
    }
    if (status == HAY_OK) {
        look(g);
        loop(g);
    }
    return status;
}

static hay_status parse(struct jobspec *spec,
                        int argc,
                        char **argv,
                        char **run,
                        struct fault *fault)
{
    int end = 1;
    int next = 0;
    while (end < argc && strcmp(argv[end], "--") != 0) {
        end++;
    }
    hay_status status = jobspec_parse(spec, end, argv, &next, fault);
    *run = next < end ? argv[next] : NULL;
    spec->job.extra = (const char *const *)argv + end + (end < argc);
    if (status != HAY_OK || spec->help) {
        return status;
    }
    if (next + 1 < end) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "grow: at most one run is to be named (hayfork help "
                         "grow tells more)");
    }
    if (spec->grow == 0) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "grow: --max=N is missing: how many worker jobs there "
                         "may be at once (hayfork help grow tells more)");
    }
    if (spec->job.nodes != 1) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "grow: each worker job has one node; --max says how "
                         "many there may be");
    }
    return HAY_OK;
}

int cmd_grow(int argc, char **argv)
{
    struct jobspec spec = JOBSPEC_INIT;
    struct grower g = {.spec = &spec, .heard_s = -1, .parent = getppid()};
    struct arena arena = ARENA_INIT;
    struct text folder = TEXT_INIT;
    struct fault fault;
    char *run = NULL;
    char *whole = NULL;
    hay_status status = parse(&spec, argc, argv, &run, &fault);
    if (status == HAY_OK && spec.help) {
        fputs(help_text("grow"), stdout);
        return EXIT_DONE;
    }
    if (status == HAY_OK) {
        status = spec.attached ? HAY_OK : runfolder_find(run, &folder, &fault);
        whole = realpath(spec.attached ? run : folder.data, NULL);
    }
    if (status == HAY_OK && whole == NULL) {
        status = fault_set(&fault, HAY_EIO, "grow: %s", strerror(errno));
    }
    if (status == HAY_OK) {
        g.folder = whole;
        g.rules = (struct grow_rules){
            .max = spec.grow, .backlog_s = (double)spec.backlog_ns / 1e9};
        status = grow(&g, &arena, &fault);
    }
    if (status != HAY_OK) {
        if (spec.attached) {
            say("--grow: %.800s; the run goes on without", fault.text);
        } else {
            fault_print(&fault);
        }
    }
    free(whole);
    free(g.records);
    free(g.states);
    free(g.jobs);
    text_fini(&folder);
    arena_fini(&arena);
    return status != HAY_OK ? (status == HAY_EFARM ? EXIT_FARM : EXIT_USE)
           : interrupted    ? EXIT_INTERRUPTED
                            : EXIT_DONE;
}
