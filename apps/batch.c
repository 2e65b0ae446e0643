/* batch.c - Slurm, Grid Engine, PBS, and this machine by itself; see batch.h.
 *
 * qsub, qstat and qdel are Grid Engine's and PBS's: what they print of
 * themselves tells them apart.
 */
#include "config.h"

#include "batch.h"
#include "runfolder.h"
#include "tool.h"
#include "units.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {
    [BATCH_NONE] = "none",
    [BATCH_SLURM] = "slurm",
    [BATCH_GRIDENGINE] = "gridengine",
    [BATCH_PBS] = "pbs",
    [BATCH_LOCAL] = "local",
};
#define NAME_COUNT (sizeof names / sizeof names[0])

const char *batch_name(enum batch_system system)
{
    return names[system];
}

static bool system_by_name(const char *name, enum batch_system *system)
{
    for (size_t i = BATCH_SLURM; i < NAME_COUNT; i++) {
        if (strcmp(name, names[i]) == 0) {
            *system = (enum batch_system)i;
            return true;
        }
    }
    return false;
}

static bool prints(const char *program, const char *option, const char *what)
{
    const char *const argv[] = {program, option, NULL};
    struct text out = TEXT_INIT;
    struct text error = TEXT_INIT;
    struct fault fault;
    int code = 0;
    bool does =
        tool_run(argv, &out, &error, &code, &fault) == HAY_OK
        && ((out.data != NULL && strcasestr(out.data, what) != NULL)
            || (error.data != NULL && strcasestr(error.data, what) != NULL));
    text_fini(&out);
    text_fini(&error);
    return does;
}

hay_status
batch_find(const char *wanted, enum batch_system *system, struct fault *fault)
{
    struct arena arena = ARENA_INIT;
    bool sbatch = tool_find(&arena, "sbatch") != NULL;
    bool qsub = tool_find(&arena, "qsub") != NULL;
    hay_status status = HAY_OK;
    arena_fini(&arena);
    if (wanted != NULL) {
        return system_by_name(wanted, system)
                   ? HAY_OK
                   : fault_set(fault,
                               HAY_EINVAL,
                               "--system=%.80s: it is one of slurm, "
                               "gridengine, pbs, local",
                               wanted);
    }
    if (sbatch && qsub && getenv("SGE_ROOT") != NULL
        && getenv("SLURM_CONF") == NULL) {
        sbatch = false; /* both are installed: this one is set up */
    }
    if (sbatch) {
        *system = BATCH_SLURM;
    } else if (qsub && prints("qstat", "--version", "pbs")) {
        *system = BATCH_PBS;
    } else if (qsub && prints("qstat", "-help", "usage: qstat")) {
        *system = BATCH_GRIDENGINE;
    } else {
        status = fault_set(fault,
                           HAY_EINVAL,
                           "no batch system is found here (neither sbatch nor "
                           "a qsub that answers); --system=local runs it in "
                           "the background on this machine");
    }
    return status;
}

/* ---- asking ---- */

/* The first line that has something on it; what a refusal is worded with. */
static void first_line(struct text *text)
{
    const char *from = text->data == NULL ? "" : text->data;
    size_t length = 0;
    from += strspn(from, " \t\r\n");
    length = strcspn(from, "\r\n");
    char *copy = strndup(from, length);
    text_clear(text);
    text_add_string(text, copy == NULL ? "" : copy);
    free(copy);
}

hay_status batch_submit(enum batch_system system,
                        const char *const *argv,
                        char id[BATCH_ID_MAX],
                        struct fault *fault)
{
    struct text out = TEXT_INIT;
    struct text error = TEXT_INIT;
    int code = 0;
    hay_status status = tool_run(argv, &out, &error, &code, fault);
    if (status == HAY_OK) {
        first_line(code == 0 ? &out : &error);
        size_t length = code != 0 ? 0 : strcspn(out.data, "; \t");
        if (code != 0 || length == 0 || length >= BATCH_ID_MAX) {
            status = fault_set(fault,
                               HAY_EFARM,
                               "%s refused the job: %.500s",
                               argv[0],
                               code != 0 ? error.data : "it told no id");
        } else {
            memcpy(id, out.data, length);
            id[length] = '\0';
            /* An array's "12.1-3:1" does not come here; "12.server" does. */
            if (system == BATCH_GRIDENGINE) {
                id[strcspn(id, ".")] = '\0';
            }
        }
    }
    text_fini(&out);
    text_fini(&error);
    return status;
}

static enum batch_state slurm_look(const char *id, struct text *words)
{
    const char *const argv[] = {
        "squeue", "-h", "-o", "%T (%r), %L left", "-j", id, NULL};
    struct text error = TEXT_INIT;
    struct fault fault;
    int code = 0;
    enum batch_state state = BATCH_UNKNOWN;
    if (tool_run(argv, words, &error, &code, &fault) == HAY_OK) {
        if (code == 0 && words->length > 0) {
            state = strncmp(words->data, "PENDING", 7) == 0 ? BATCH_WAITING
                                                            : BATCH_RUNNING;
        } else if (code == 0
                   || (error.data != NULL
                       && strstr(error.data, "Invalid job id") != NULL)) {
            state = BATCH_GONE;
        }
        first_line(words);
    }
    text_fini(&error);
    return state;
}

/* qstat's table: id, priority, name, user, state ... */
static enum batch_state gridengine_look(const char *id, struct text *words)
{
    const char *const argv[] = {"qstat", "-u", "*", NULL};
    struct text out = TEXT_INIT;
    struct text error = TEXT_INIT;
    struct fault fault;
    int code = 0;
    enum batch_state state = BATCH_UNKNOWN;
    if (tool_run(argv, &out, &error, &code, &fault) == HAY_OK && code == 0) {
        char *rest = out.data;
        char *line;
        state = BATCH_GONE;
        while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
            char *columns[5] = {NULL};
            size_t count = 0;
            char *word;
            while (count < 5 && (word = strsep(&line, " ")) != NULL) {
                if (word[0] != '\0') {
                    columns[count++] = word;
                }
            }
            if (count == 5 && strcmp(columns[0], id) == 0) {
                state = strchr(columns[4], 'q') != NULL ? BATCH_WAITING
                                                        : BATCH_RUNNING;
                text_format(words, "%s", columns[4]);
            }
        }
    }
    text_fini(&out);
    text_fini(&error);
    return state;
}

static enum batch_state pbs_look(const char *id, struct text *words)
{
    const char *const argv[] = {"qstat", "-f", id, NULL};
    struct text out = TEXT_INIT;
    struct text error = TEXT_INIT;
    struct fault fault;
    int code = 0;
    enum batch_state state = BATCH_UNKNOWN;
    if (tool_run(argv, &out, &error, &code, &fault) == HAY_OK) {
        const char *at =
            out.data == NULL ? NULL : strstr(out.data, "job_state = ");
        if (code == 0 && at != NULL) {
            at += strlen("job_state = ");
            state = *at == 'R' || *at == 'E'   ? BATCH_RUNNING
                    : *at == 'F' || *at == 'C' ? BATCH_GONE
                                               : BATCH_WAITING;
            text_format(words, "%.1s", at);
        } else if (code != 0) {
            state = BATCH_GONE;
        }
    }
    text_fini(&out);
    text_fini(&error);
    return state;
}

static bool here(const struct batch_record *record)
{
    char host[256] = "";
    (void)gethostname(host, sizeof host - 1);
    return strcmp(host, record->host) == 0;
}

static pid_t local_pid(const struct batch_record *record)
{
    uint64_t pid;
    return units_uint(record->id, INT32_MAX, &pid) ? (pid_t)pid : 0;
}

static enum batch_state local_look(const struct batch_record *record,
                                   struct text *words)
{
    pid_t pid = local_pid(record);
    if (!here(record)) {
        text_format(words, "on %s", record->host);
        return BATCH_UNKNOWN;
    }
    return pid > 0 && kill(pid, 0) == 0 ? BATCH_RUNNING : BATCH_GONE;
}

enum batch_state batch_look(const struct batch_record *record,
                            struct text *words)
{
    text_clear(words);
    switch (record->system) {
    case BATCH_SLURM:
        return slurm_look(record->id, words);
    case BATCH_GRIDENGINE:
        return gridengine_look(record->id, words);
    case BATCH_PBS:
        return pbs_look(record->id, words);
    case BATCH_LOCAL:
        return local_look(record, words);
    case BATCH_NONE:
        break;
    }
    return BATCH_UNKNOWN;
}

hay_status batch_cancel(const struct batch_record *record, struct fault *fault)
{
    const char *const argv[] = {
        record->system == BATCH_SLURM ? "scancel" : "qdel", record->id, NULL};
    struct text out = TEXT_INIT;
    struct text error = TEXT_INIT;
    int code = 0;
    hay_status status = HAY_OK;
    if (record->system == BATCH_LOCAL) {
        pid_t pid = local_pid(record);
        if (!here(record)) {
            return fault_set(fault,
                             HAY_EFARM,
                             "it runs on %.200s: cancel it there",
                             record->host);
        }
        return pid > 0 && kill(pid, SIGTERM) == 0
                   ? HAY_OK
                   : fault_set(fault,
                               HAY_EFARM,
                               "process %.60s: %s",
                               record->id,
                               strerror(errno));
    }
    status = tool_run(argv, &out, &error, &code, fault);
    if (status == HAY_OK && code != 0) {
        first_line(error.length > 0 ? &error : &out);
        status = fault_set(fault,
                           HAY_EFARM,
                           "%s refused: %.500s",
                           argv[0],
                           error.length > 0 ? error.data : out.data);
    }
    text_fini(&out);
    text_fini(&error);
    return status;
}

/* ---- the record ---- */

hay_status batch_write(const char *folder,
                       enum batch_system system,
                       const char *id,
                       struct fault *fault)
{
    struct text path = TEXT_INIT;
    struct text line = TEXT_INIT;
    char host[256] = "";
    hay_status status = HAY_OK;
    (void)gethostname(host, sizeof host - 1);
    text_format(&path, "%s/" RUNFOLDER_JOB, folder);
    text_format(&line,
                "%s\t%s\t%s\t%" PRId64 "\n",
                names[system],
                id,
                host,
                (int64_t)time(NULL));
    int fd = open(path.data, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, line.data, line.length) != (ssize_t)line.length) {
        status =
            fault_set(fault, HAY_EIO, "%.500s: %s", path.data, strerror(errno));
    }
    if (fd >= 0 && close(fd) != 0 && status == HAY_OK) {
        status =
            fault_set(fault, HAY_EIO, "%.500s: %s", path.data, strerror(errno));
    }
    text_fini(&path);
    text_fini(&line);
    return status;
}

static bool read_line(char *line, struct batch_record *record)
{
    char *system = strsep(&line, "\t");
    char *id = strsep(&line, "\t");
    char *host = strsep(&line, "\t");
    uint64_t time_s;
    if (host == NULL || line == NULL || strlen(id) >= sizeof record->id
        || strlen(host) >= sizeof record->host
        || !system_by_name(system, &record->system)
        || !units_uint(line, INT64_MAX, &time_s)) {
        return false;
    }
    memcpy(record->id, id, strlen(id) + 1);
    memcpy(record->host, host, strlen(host) + 1);
    record->time = (int64_t)time_s;
    return true;
}

hay_status
batch_read(const char *folder, struct batch_record *record, struct fault *fault)
{
    struct text path = TEXT_INIT;
    char *line = NULL;
    size_t room = 0;
    ssize_t got;
    bool found = false;
    text_format(&path, "%s/" RUNFOLDER_JOB, folder);
    FILE *file = fopen(path.data, "re");
    hay_status status = HAY_OK;
    if (file == NULL) {
        status = fault_set(fault,
                           errno == ENOENT ? HAY_EEMPTY : HAY_EIO,
                           "%.500s: %s",
                           path.data,
                           strerror(errno));
    }
    while (file != NULL && (got = getline(&line, &room, file)) > 0) {
        struct batch_record one;
        line[strcspn(line, "\n")] = '\0';
        if (read_line(line, &one)) {
            *record = one;
            found = true;
        }
    }
    if (file != NULL && !found) {
        status =
            fault_set(fault, HAY_EIO, "%.500s: no line names a job", path.data);
    }
    free(line);
    if (file != NULL) {
        fclose(file);
    }
    text_fini(&path);
    return status;
}
