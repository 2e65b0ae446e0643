/* cmd_output.c - hayfork output TASK: prints what a task of a run wrote.
 *
 * tasks.tsv tells which attempts there were, output.tsv where their output
 * lies. Both are read line by line, once each, whatever the number of tasks.
 */
#include "config.h"

#include "arena.h"
#include "farm.h"
#include "output_all.h"
#include "runfolder.h"
#include "show.h"
#include "table.h"
#include "units.h"
#include "words.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COLUMNS_MIN 9

struct wanted {
    const char *text; /* a name or a number */
    uint64_t task;    /* 0: not found */
    uint64_t attempt;
    bool by_name;
    char *path[2]; /* NULL: nothing printed */
    uint64_t offset[2], length[2];
};

struct question {
    const char *folder;
    uint64_t attempt; /* 0: the last one */
    bool streams[2];  /* standard output, standard error */
    bool all;
    struct wanted *list;
    size_t count;
};

/* tasks.tsv: task, name, attempt, ... */
static void task_row(void *context, char **columns, size_t count)
{
    struct question *q = context;
    (void)count;
    uint64_t task;
    uint64_t attempt;
    if (!units_uint(columns[0], UINT64_MAX, &task)
        || !units_uint(columns[2], UINT64_MAX, &attempt)) {
        return;
    }
    for (size_t i = 0; i < q->count; i++) {
        struct wanted *w = &q->list[i];
        bool named = columns[1][0] != '\0' && strcmp(columns[1], w->text) == 0;
        bool numbered = !w->by_name && strcmp(columns[0], w->text) == 0;
        if (!named && !numbered) {
            continue;
        }
        w->attempt =
            w->task != task || attempt > w->attempt ? attempt : w->attempt;
        w->task = task;
        w->by_name = named;
    }
}

/* output.tsv: task, name, attempt, then path, offset, length twice. */
static void output_row(void *context, char **columns, size_t count)
{
    struct question *q = context;
    (void)count;
    uint64_t task;
    uint64_t attempt;
    if (!units_uint(columns[0], UINT64_MAX, &task)
        || !units_uint(columns[2], UINT64_MAX, &attempt)) {
        return;
    }
    for (size_t i = 0; i < q->count; i++) {
        struct wanted *w = &q->list[i];
        if (w->task != task
            || attempt != (q->attempt != 0 ? q->attempt : w->attempt)) {
            continue;
        }
        for (int s = 0; s < 2; s++) {
            char **part = columns + 3 + 3 * s;
            if (units_uint(part[1], INT64_MAX, &w->offset[s])
                && units_uint(part[2], INT64_MAX, &w->length[s])) {
                free(w->path[s]);
                w->path[s] = strdup(part[0]);
            }
        }
    }
}

static hay_status
print_one(const struct question *q, const struct wanted *w, struct fault *fault)
{
    static const int outs[2] = {STDOUT_FILENO, STDERR_FILENO};
    hay_status status = HAY_OK;
    for (int s = 0; s < 2 && status == HAY_OK; s++) {
        struct text path = TEXT_INIT;
        if (w->path[s] == NULL || w->length[s] == 0 || !q->streams[s]) {
            continue;
        }
        if (w->path[s][0] != '/') {
            text_format(&path, "%s/", q->folder);
        }
        text_format(&path, "%s", w->path[s]);
        int fd = open(path.data, O_RDONLY | O_CLOEXEC);
        if (fd < 0
            || show_copy(fd, w->offset[s], w->length[s], outs[s]) == HAY_EIO) {
            status = fault_set(fault,
                               HAY_EIO,
                               "%.500s: %s",
                               path.data,
                               fd < 0 ? strerror(errno) : "it is cut short");
        }
        if (fd >= 0) {
            close(fd);
        }
        text_fini(&path);
    }
    return status;
}

static hay_status answer(struct question *q, struct fault *fault)
{
    hay_status status =
        table_read(q->folder, "tasks.tsv", COLUMNS_MIN, task_row, q, fault);
    if (status == HAY_OK) {
        status = table_read(
            q->folder, "output.tsv", COLUMNS_MIN, output_row, q, fault);
    }
    for (size_t i = 0; i < q->count && status == HAY_OK; i++) {
        if (q->list[i].task == 0) {
            return fault_set(fault,
                             HAY_EINVAL,
                             "no task '%.80s' has ended in %.500s",
                             q->list[i].text,
                             q->folder);
        }
    }
    for (size_t i = 0; i < q->count && status == HAY_OK; i++) {
        status = print_one(q, &q->list[i], fault);
    }
    return status;
}

/* ---- the command line ---- */

/* The first of several arguments may be the run. */
static void
take_run(struct question *q, int *argc, char ***argv, struct text *folder)
{
    struct fault fault;
    if (q->folder == NULL && *argc > (q->all ? 0 : 1)
        && runfolder_find((*argv)[0], folder, &fault) == HAY_OK) {
        q->folder = folder->data;
        (*argc)--;
        (*argv)++;
    }
    if (q->folder == NULL) {
        q->folder = RUNFOLDER_LATEST;
    }
}

static hay_status parse(struct question *q,
                        int argc,
                        char **argv,
                        bool *help,
                        struct fault *fault)
{
    static const struct option longs[] = {
        {"all", no_argument, NULL, 'A'},
        {"attempt", required_argument, NULL, 'a'},
        {"help", no_argument, NULL, 'h'},
        {"run-folder", required_argument, NULL, 'r'},
        {"stderr", no_argument, NULL, 'e'},
        {"stdout", no_argument, NULL, 'o'},
        {NULL, 0, NULL, 0},
    };
    bool only[2] = {false, false};
    int code;
    optind = 0;
    opterr = 0;
    while ((code = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
        if (code == 'h') {
            *help = true;
        } else if (code == 'A') {
            q->all = true;
        } else if (code == 'r') {
            q->folder = optarg;
        } else if (code == 'o' || code == 'e') {
            only[code == 'e'] = true;
        } else if (code != 'a' || !units_uint(optarg, UINT32_MAX, &q->attempt)
                   || q->attempt == 0) {
            return fault_set(fault,
                             HAY_EINVAL,
                             "output: unknown option or bad value %.100s "
                             "(hayfork help output tells more)",
                             argv[optind - 1]);
        }
    }
    q->streams[0] = only[0] || !only[1];
    q->streams[1] = only[1] || (!only[0] && !q->all);
    return HAY_OK;
}

int cmd_output(int argc, char **argv)
{
    struct question q = {.folder = NULL};
    struct text folder = TEXT_INIT;
    struct fault fault;
    bool help = false;
    hay_status status = parse(&q, argc, argv, &help, &fault);
    if (status == HAY_OK && help) {
        fputs(help_text("output"), stdout);
        return EXIT_DONE;
    }
    if (status == HAY_OK && optind == argc && !q.all) {
        status = fault_set(&fault,
                           HAY_EINVAL,
                           "output: no task given (hayfork help output tells "
                           "more)");
    }
    if (status == HAY_OK) {
        argc -= optind;
        argv += optind;
        take_run(&q, &argc, &argv, &folder);
        q.count = (size_t)argc;
        q.list = mem_alloc(q.count, sizeof *q.list);
        for (size_t i = 0; i < q.count; i++) {
            q.list[i] = (struct wanted){.text = argv[i]};
        }
        if (!q.all) {
            status = answer(&q, &fault);
        } else if (argc > 0) {
            status = fault_set(
                &fault, HAY_EINVAL, "output: --all, and %.100s too?", argv[0]);
        } else {
            status = output_all(q.folder, q.streams, &fault);
        }
    }
    if (status != HAY_OK) {
        fault_print(&fault);
    }
    for (size_t i = 0; i < q.count; i++) {
        free(q.list[i].path[0]);
        free(q.list[i].path[1]);
    }
    free(q.list);
    text_fini(&folder);
    return status == HAY_OK ? EXIT_DONE : EXIT_USE;
}
