/* session.c - one run of `run` or `replay`; see session.h.
 *
 * The launcher reads and checks the file before it starts mpirun, so that bad
 * input costs nothing and leaves nothing; rank 0 reads it again.  The launcher
 * also makes the run folder, and tells rank 0 by a variable.
 */
#include "config.h"

#include "deadline.h"
#include "goon.h"
#include "growing.h"
#include "mpirun.h"
#include "runfolder.h"
#include "session.h"
#include "signals.h"
#include "words.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the farm function needs; it has no parameter for it. */
static struct {
    struct farm_plan plan;
    bool no_work; /* the input was bad: end in order */
    bool called;
    int code;
} session;

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    session.called = true;
    session.code = session.no_work ? EXIT_USE : farm_run(ex, &session.plan);
    /* The exit status is ours; the library hears of success. */
    return HAY_OK;
}

static int run_farm(struct options *o)
{
    hay_options defaults = HAY_OPTIONS_INIT;
    int code = hay_main_with(o->farm_argc, o->farm_argv, &defaults, farm);
    if (!session.called || code == EXIT_FARM) {
        return code;
    }
    return session.code;
}

/* ---- the run folder ---- */

/* made: there is nothing in it yet. */
static hay_status choose_folder(const struct options *o,
                                struct text *folder,
                                bool *made,
                                struct fault *fault)
{
    const char *given = getenv(ENV_RUN_FOLDER);
    const char *wanted = o->run_folder;
    *made = false;
    if (given != NULL) {
        text_clear(folder);
        text_add_string(folder, given);
        return HAY_OK;
    }
    if (wanted == NULL) {
        wanted = getenv("HAYFORK_RUN_FOLDER");
        wanted = wanted != NULL && wanted[0] != '\0' ? wanted : NULL;
    }
    return goon_choose(o, wanted, folder, made, fault);
}

/* Tell the library: by its whole path, since commands may run elsewhere. */
static void use_folder(struct options *o, const struct text *folder)
{
    char *whole = realpath(folder->data, NULL);
    options_add_farm(o, "run-folder", whole != NULL ? whole : folder->data);
    free(whole);
    session.plan.run_folder = o->why ? NULL : folder->data;
}

/* ---- as a farm ---- */

/* Are tasks typed in?  A progress line would be in the way. */
static bool types_tasks(const struct options *o)
{
    return strcmp(o->file, "-") == 0 && o->progress == PROGRESS_AUTO
           && isatty(STDIN_FILENO);
}

static void make_plan(const struct options *o, struct workload *w)
{
    const char *progress = getenv(ENV_PROGRESS);
    session.plan = (struct farm_plan){
        .w = w,
        .stream = strcmp(o->file, "-") == 0,
        .defaults = &o->request,
        .work = o->work,
        .time_scale = o->time_scale,
        .show = o->show,
        .progress = o->why ? PROGRESS_NONE : o->progress,
        .columns = o->columns,
        .quiet = o->quiet,
        .pending_max = o->pending_max,
        .max_fails = o->max_fails,
        .why = o->why,
        .listen = o->listen && !o->why,
    };
    if (progress != NULL) {
        (void)progress_parse(
            progress, &session.plan.progress, &session.plan.columns);
    } else if (types_tasks(o)) {
        session.plan.progress = PROGRESS_NONE;
    }
}

/* What is between the launcher and its ranks is not the commands'. */
static void clean_environment(void)
{
    unsetenv(ENV_RUN_FOLDER);
    unsetenv(ENV_PROGRESS);
    unsetenv(ENV_DRAINS);
    if (getenv(ENV_STATUS_FILE) != NULL) {
        setenv(ENV_LAUNCH_LINE, "", 0); /* the ranks are our launcher's */
    }
    unsetenv(ENV_STATUS_FILE);
    unsetenv(ENV_RESUME);
    unsetenv("HAYFORK_RUN_FOLDER");
}

/* Read the input, make the folder: HAY_OK, or words. */
static hay_status prepare(struct options *o,
                          session_read_fn read,
                          struct workload *w,
                          struct text *folder,
                          bool *made,
                          struct fault *fault)
{
    hay_status status = HAY_OK;
    if (!session.plan.stream) {
        status = read(o, w, fault);
    }
    if (status == HAY_OK) {
        status = choose_folder(o, folder, made, fault);
    }
    if (status == HAY_OK) {
        use_folder(o, folder);
    }
    return status;
}

static int as_farm(struct options *o, session_read_fn read)
{
    struct workload w;
    struct text folder = TEXT_INIT;
    struct fault fault;
    int code = EXIT_USE;
    bool made = false;
    workload_init(&w, o->file);
    make_plan(o, &w);
    hay_status status = prepare(o, read, &w, &folder, &made, &fault);
    clean_environment();
    if (status != HAY_OK) {
        fault_print(&fault);
        session.no_work = true;
        if (o->listen) {
            options_add_farm(o, "listen", "0"); /* for what? */
        }
    }
    /* The other ranks wait for this one. */
    if (status == HAY_OK || hosts_is_rank()) {
        if (status == HAY_OK && o->grow > 0 && !o->why) {
            growing_start(o, folder.data);
        }
        code = run_farm(o);
        growing_wait();
    }
    if (status == HAY_OK && made) {
        runfolder_discard(folder.data);
    }
    text_fini(&folder);
    workload_fini(&w);
    return code;
}

/* ---- as the launcher ---- */

static hay_status
check_input(const struct options *o, session_read_fn read, struct fault *fault)
{
    struct workload w;
    struct stat st;
    if (strcmp(o->file, "-") == 0) {
        return HAY_OK;
    }
    if (o->words == NULL && stat(o->file, &st) == 0 && !S_ISREG(st.st_mode)
        && !S_ISDIR(st.st_mode)) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "%.500s is no regular file: under mpirun it must be "
                         "one, or - with a pipe",
                         o->file);
    }
    workload_init(&w, o->file);
    hay_status status = read(o, &w, fault);
    workload_fini(&w);
    return status;
}

static void set_progress(const struct options *o)
{
    unsigned columns = progress_terminal();
    char text[32];
    if (types_tasks(o)) {
        setenv(ENV_PROGRESS, "none", 1);
    } else if (o->progress == PROGRESS_AUTO && columns > 0) {
        snprintf(text, sizeof text, "line:%u", columns);
        setenv(ENV_PROGRESS, text, 1);
    }
}

static int as_launcher(struct options *o,
                       int argc,
                       char *const *argv,
                       session_read_fn read)
{
    struct text folder = TEXT_INIT;
    struct fault fault;
    char self[PATH_MAX];
    bool made = false;
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    hay_status status = check_input(o, read, &fault);
    if (status == HAY_OK && length <= 0) {
        status = fault_set(&fault, HAY_EIO, "/proc: %s", strerror(errno));
    }
    if (status == HAY_OK) {
        status = choose_folder(o, &folder, &made, &fault);
    }
    if (status != HAY_OK) {
        fault_print(&fault);
        return EXIT_USE;
    }
    self[length] = '\0';
    const char **program = mem_alloc((size_t)argc + 2, sizeof(char *));
    program[0] = self;
    for (int i = 0; i <= argc; i++) {
        program[i + 1] = argv[i];
    }
    setenv(ENV_RUN_FOLDER, folder.data, 1);
    set_progress(o);
    o->launch.argv = program;
    o->launch.drains = true;
    o->launch.pass_stdin = strcmp(o->file, "-") == 0;
    int code = launcher_run(&o->launch);
    if (made) {
        runfolder_discard(folder.data);
    }
    free(program);
    text_fini(&folder);
    return code;
}

static int
decide(struct options *o, int argc, char *const *argv, session_read_fn read)
{
    struct fault fault;
    bool launcher = false;
    bool rank = hosts_is_rank();
    if (o->has_time_left) {
        deadline_set_left(o->time_left_ns);
    }
    if (launcher_wanted(&o->launch, &launcher, &fault) != HAY_OK) {
        fault_print(&fault);
        return EXIT_USE;
    }
    if (launcher && !o->why) {
        return as_launcher(o, argc, argv, read);
    }
    /* Before the file is read: there is little memory to copy yet. */
    if (!rank) {
        deadline_watch(NULL);
    }
    signals_setup(rank ? hosts_rank() : 0);
    (void)hay_prefork();
    if (rank && hosts_rank() != 0) {
        clean_environment();
        return run_farm(o);
    }
    return as_farm(o, read);
}

int session_main(enum options_word word,
                 int argc,
                 char **argv,
                 session_read_fn read)
{
    struct options options;
    struct fault fault;
    int code = EXIT_USE;
    char **copy = mem_alloc((size_t)argc + 1, sizeof(char *));
    memcpy(copy, argv, ((size_t)argc + 1) * sizeof(char *));
    if (options_parse(word, argc, argv, &options, &fault) != HAY_OK) {
        fault_print(&fault);
    } else if (options.help) {
        fputs(help_text(copy[0]), stdout);
        code = EXIT_DONE;
    } else {
        code = decide(&options, argc, copy, read);
    }
    options_fini(&options);
    free(copy);
    return code;
}
