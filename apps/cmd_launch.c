/* cmd_launch.c - hayfork launch PROGRAM: starts a program under mpirun. */
#include "config.h"

#include "deadline.h"
#include "launcher.h"
#include "mpirun.h"
#include "options.h"
#include "words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A program named by a path should be there, unless only other hosts run it. */
static hay_status check_program(const struct options *o, struct fault *fault)
{
    const char *program = o->program[0];
    if (strchr(program, '/') != NULL && o->launch.hosts == NULL
        && access(program, X_OK) != 0) {
        return fault_set(
            fault, HAY_EINVAL, "%.500s: %s", program, strerror(errno));
    }
    return HAY_OK;
}

/* For the journal of the program: a resume starts it in the same way. */
static void tell_line(int argc, char **argv)
{
    static const char separator[] = "\x1f";
    struct text line = TEXT_INIT;
    char self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0) {
        return;
    }
    text_add(&line, self, (size_t)length);
    bool good = true;
    for (int i = 0; i < argc; i++) {
        good = good && strchr(argv[i], separator[0]) == NULL;
        text_format(&line, "%s%s", separator, argv[i]);
    }
    if (good) {
        setenv(ENV_LAUNCH_LINE, line.data, 1);
    }
    text_fini(&line);
}

static int launch(struct options *o)
{
    struct fault fault;
    bool wanted = false;
    hay_status status = check_program(o, &fault);
    if (status == HAY_OK) {
        status = launcher_wanted(&o->launch, &wanted, &fault);
    }
    if (status != HAY_OK) {
        fault_print(&fault);
        return EXIT_USE;
    }
    if (o->has_time_left) {
        deadline_set_left(o->time_left_ns);
    }
    if (!wanted) {
        execvp(o->program[0], o->program);
        say("%.500s: %s", o->program[0], strerror(errno));
        return EXIT_USE;
    }
    o->launch.argv = (const char *const *)o->program;
    o->launch.pass_stdin = !isatty(STDIN_FILENO);
    return launcher_run(&o->launch);
}

int cmd_launch(int argc, char **argv)
{
    struct options options;
    struct fault fault;
    int code = EXIT_USE;
    if (options_parse(WORD_LAUNCH, argc, argv, &options, &fault) != HAY_OK) {
        fault_print(&fault);
    } else if (options.help) {
        fputs(help_text("launch"), stdout);
        code = EXIT_DONE;
    } else {
        tell_line(argc, argv);
        code = launch(&options);
    }
    options_fini(&options);
    return code;
}
