/* cmd_resume.c - hayfork resume [RUN]: the run's command line again, where it
 * was given, on the same run folder.
 *
 * Programs are started as `hayfork run` is, by `hayfork launch` if they were.
 * Ours looks at ENV_RESUME for the run folder, whatever --run-folder and --new
 * of that time say; programs at HAYFORK_RUN_FOLDER.  How a program was started
 * by mpirun itself is not known to the last word: then it is told what to type.
 */
#include "config.h"

#include "farm.h"
#include "goon.h"
#include "lines.h"
#include "options.h"
#include "paralleljob.h"
#include "runfolder.h"
#include "words.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where further options of `run` may stand behind those that are there: before
 * "--", or the command that lists of values are put into. */
static size_t options_end(const hay_run_info *info)
{
    size_t at = 0;
    bool lists = false;
    struct options options;
    struct fault fault;
    while (at < info->argc && strcmp(info->argv[at], "--") != 0 && !lists) {
        lists = paralleljob_begins(info->argv[at]);
        at += lists ? 0 : 1;
    }
    if (!lists) {
        return at;
    }
    char **copy = mem_alloc(info->argc, sizeof(char *));
    memcpy(copy, info->argv + 1, (info->argc - 1) * sizeof(char *));
    copy[info->argc - 1] = NULL;
    if (options_parse(WORD_RUN, (int)info->argc - 1, copy, &options, &fault)
            == HAY_OK
        && options.words != NULL) {
        at = info->argc - options.word_count;
    }
    options_fini(&options);
    free(copy);
    return at;
}

/* The recorded command line with 'more' behind its options. */
static const char **
new_line(const hay_run_info *info, const char *self, char **more)
{
    size_t end = options_end(info);
    size_t extra = 0;
    while (more[extra] != NULL) {
        extra++;
    }
    const char **line = mem_alloc(info->argc + extra + 1, sizeof *line);
    size_t count = 0;
    size_t i = 0;
    for (; i < end; i++) {
        line[count++] = info->argv[i];
    }
    memcpy(line + count, more, extra * sizeof *line);
    count += extra;
    for (; i < info->argc; i++) {
        line[count++] = info->argv[i];
    }
    line[count] = NULL;
    line[0] = self != NULL ? self : line[0];
    return line;
}

/* Was it `hayfork run` or `replay`, not a program that uses the library? */
static bool is_ours(const hay_run_info *info)
{
    const char *slash = strrchr(info->argv[0], '/');
    const char *name = slash != NULL ? slash + 1 : info->argv[0];
    return info->argc > 1
           && (strcmp(name, "hayfork") == 0 || strcmp(name, "lt-hayfork") == 0)
           && (strcmp(info->argv[1], "run") == 0
               || strcmp(info->argv[1], "replay") == 0);
}

/* Under mpirun: what would do it. */
static hay_status
word_mpirun(const char *folder, const hay_run_info *info, struct fault *fault)
{
    struct text line = TEXT_INIT;
    char *whole = realpath(folder, NULL);
    text_format(&line, "cd ");
    shell_quote(&line, info->cwd);
    text_format(&line, " && HAYFORK_RUN_FOLDER=");
    shell_quote(&line, whole != NULL ? whole : folder);
    for (size_t i = 0; i < info->argc; i++) {
        text_format(&line, " ");
        shell_quote(&line, info->argv[i]);
    }
    puts(line.data);
    hay_status status =
        fault_set(fault,
                  HAY_EINVAL,
                  "%.500s was started by mpirun: the line above, with the "
                  "options that mpirun had, goes on with it",
                  folder);
    text_fini(&line);
    free(whole);
    return status;
}

static bool reads_stdin(const hay_run_info *info)
{
    for (size_t i = 2; i < info->argc; i++) {
        if (strcmp(info->argv[i], "-") == 0) {
            return true;
        }
    }
    return false;
}

static hay_status check(const char *folder,
                        const hay_run_info *info,
                        char **more,
                        struct fault *fault)
{
    hay_status status = goon_check(folder, info, fault);
    if (status != HAY_OK) {
        return status;
    }
    if (!info->recorded || info->argc == 0) {
        return fault_set(
            fault, HAY_EINVAL, "%.500s has no journal to go on with", folder);
    }
    if (is_ours(info) && reads_stdin(info)) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "%.400s took its tasks from standard input: give them "
                         "again to hayfork run --run-folder %.400s -",
                         folder,
                         folder);
    }
    if (strcmp(info->argv[0], "mpirun") == 0) {
        return word_mpirun(folder, info, fault);
    }
    if (!is_ours(info) && more[0] != NULL) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "resume: options (%.100s) are for runs of hayfork run "
                         "only, and this one is of %.400s",
                         more[0],
                         info->argv[0]);
    }
    return HAY_OK;
}

/* Does not return if all is well. */
static hay_status start(const char *folder,
                        const hay_run_info *info,
                        char **more,
                        struct fault *fault)
{
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    char *whole = realpath(folder, NULL);
    if (whole == NULL || length <= 0) {
        free(whole);
        return fault_set(fault, HAY_EIO, "%.500s: %s", folder, strerror(errno));
    }
    self[length] = '\0';
    if (chdir(info->cwd) != 0) {
        free(whole);
        return fault_set(fault,
                         HAY_EIO,
                         "%.400s, where the run was started: %s",
                         info->cwd,
                         strerror(errno));
    }
    bool ours = is_ours(info);
    setenv(ours ? ENV_RESUME : "HAYFORK_RUN_FOLDER", whole, 1);
    const char **line = new_line(info, ours ? self : NULL, more);
    union {
        const char **from;
        char *const *to;
    } argv = {.from = line};
    execvp(line[0], argv.to);
    (void)fault_set(fault, HAY_EIO, "%.500s: %s", line[0], strerror(errno));
    free(line);
    free(whole);
    return HAY_EIO;
}

static bool wants_help(char **argv)
{
    for (; *argv != NULL; argv++) {
        if (strcmp(*argv, "--help") == 0 || strcmp(*argv, "-h") == 0) {
            return true;
        }
    }
    return false;
}

int cmd_resume(int argc, char **argv)
{
    struct text folder = TEXT_INIT;
    struct fault fault;
    hay_run_info info = {.size = sizeof info};
    const char *given = argc > 1 && argv[1][0] != '-' ? argv[1] : NULL;
    char **more = argv + (given != NULL ? 2 : 1);
    if (wants_help(argv)) {
        fputs(help_text("resume"), stdout);
        return EXIT_DONE;
    }
    hay_status status = runfolder_find(given, &folder, &fault);
    if (status == HAY_OK
        && (status = hay_run_look(folder.data, &info)) != HAY_OK) {
        fault_library(&fault, status);
    }
    if (status == HAY_OK) {
        status = check(folder.data, &info, more, &fault);
    }
    if (status == HAY_OK) {
        status = start(folder.data, &info, more, &fault);
    }
    fault_print(&fault);
    hay_run_info_fini(&info);
    text_fini(&folder);
    return EXIT_USE;
}
