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
static enum batch_state
gridengine_find(const char *table, const char *id, struct text *words)
{
    for (const char *line = table; line != NULL; line = strchr(line, '\n')) {
        char columns[2][BATCH_ID_MAX];
        line += *line == '\n';
        if (sscanf(line, "%63s %*s %*s %*s %63s", columns[0], columns[1]) == 2
            && strcmp(columns[0], id) == 0) {
            text_format(words, "%s", columns[1]);
            return strchr(columns[1], 'q') != NULL ? BATCH_WAITING
                                                   : BATCH_RUNNING;
        }
    }
    return BATCH_GONE;
}

/* false: no answer. */
static bool gridengine_table(struct text *out)
{
    const char *const argv[] = {"qstat", "-u", "*", NULL};
    struct text error = TEXT_INIT;
    struct fault fault;
    int code = 0;
    bool good =
        tool_run(argv, out, &error, &code, &fault) == HAY_OK && code == 0;
    text_fini(&error);
    return good;
}

static enum batch_state gridengine_look(const char *id, struct text *words)
{
    struct text out = TEXT_INIT;
    enum batch_state state = gridengine_table(&out)
                                 ? gridengine_find(out.data, id, words)
                                 : BATCH_UNKNOWN;
    text_fini(&out);
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

/* Not one that has ended and is still to be waited for, by whoever does. */
static bool lives(pid_t pid)
{
    char path[64];
    char text[512] = "";
    const char *state;
    if (pid <= 0 || kill(pid, 0) != 0) {
        return false;
    }
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        fclose(file);
    }
    state = strrchr(text, ')');
    return state == NULL || strncmp(state, ") Z", 3) != 0;
}

static enum batch_state local_look(const struct batch_record *record,
                                   struct text *words)
{
    pid_t pid = local_pid(record);
    if (!here(record)) {
        text_format(words, "on %s", record->host);
        return BATCH_UNKNOWN;
    }
    return lives(pid) ? BATCH_RUNNING : BATCH_GONE;
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

/* ---- asking for many ---- */

/* Of squeue's lines "ID STATE"; false: no answer. */
static bool slurm_table(const char *ids, struct text *out)
{
    const char *const argv[] = {"squeue", "-h", "-o", "%i %T", "-j", ids, NULL};
    struct text error = TEXT_INIT;
    struct fault fault;
    int code = 0;
    bool good = tool_run(argv, out, &error, &code, &fault) == HAY_OK
                && (code == 0
                    || (error.data != NULL
                        && strstr(error.data, "Invalid job id") != NULL));
    text_fini(&error);
    return good;
}

static enum batch_state slurm_find(const char *table, const char *id)
{
    for (const char *line = table; line != NULL; line = strchr(line, '\n')) {
        char columns[2][BATCH_ID_MAX];
        line += *line == '\n';
        if (sscanf(line, "%63s %63s", columns[0], columns[1]) == 2
            && strcmp(columns[0], id) == 0) {
            return strcmp(columns[1], "PENDING") == 0 ? BATCH_WAITING
                                                      : BATCH_RUNNING;
        }
    }
    return BATCH_GONE;
}

static void look_at_slurm(const struct batch_record *records,
                          size_t count,
                          enum batch_state *states)
{
    struct text ids = TEXT_INIT;
    struct text table = TEXT_INIT;
    for (size_t i = 0; i < count; i++) {
        if (records[i].system == BATCH_SLURM) {
            text_format(&ids, ids.length > 0 ? ",%s" : "%s", records[i].id);
        }
    }
    bool good = ids.length > 0 && slurm_table(ids.data, &table);
    for (size_t i = 0; i < count; i++) {
        if (records[i].system == BATCH_SLURM) {
            states[i] =
                good ? slurm_find(table.data, records[i].id) : BATCH_UNKNOWN;
        }
    }
    text_fini(&table);
    text_fini(&ids);
}

static void look_at_gridengine(const struct batch_record *records,
                               size_t count,
                               enum batch_state *states)
{
    struct text table = TEXT_INIT;
    struct text words = TEXT_INIT;
    bool asked = false;
    bool good = false;
    for (size_t i = 0; i < count; i++) {
        if (records[i].system != BATCH_GRIDENGINE) {
            continue;
        }
        good = asked ? good : gridengine_table(&table);
        asked = true;
        text_clear(&words);
        states[i] = good ? gridengine_find(table.data, records[i].id, &words)
                         : BATCH_UNKNOWN;
    }
    text_fini(&words);
    text_fini(&table);
}

void batch_look_all(const struct batch_record *records,
                    size_t count,
                    enum batch_state *states)
{
    struct text words = TEXT_INIT;
    look_at_slurm(records, count, states);
    look_at_gridengine(records, count, states);
    for (size_t i = 0; i < count; i++) {
        if (records[i].system != BATCH_SLURM
            && records[i].system != BATCH_GRIDENGINE) {
            states[i] = batch_look(&records[i], &words);
        }
    }
    text_fini(&words);
}

/* ---- cancelling ---- */

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
                       const char *name,
                       enum batch_system system,
                       const char *id,
                       struct fault *fault)
{
    struct text path = TEXT_INIT;
    struct text line = TEXT_INIT;
    char host[256] = "";
    hay_status status = HAY_OK;
    (void)gethostname(host, sizeof host - 1);
    text_format(&path, "%s/%s", folder, name);
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

hay_status batch_read_all(const char *folder,
                          const char *name,
                          struct batch_record **list,
                          size_t *count,
                          struct fault *fault)
{
    struct text path = TEXT_INIT;
    char *line = NULL;
    size_t line_room = 0;
    size_t room = 0;
    hay_status status = HAY_OK;
    *list = NULL;
    *count = 0;
    text_format(&path, "%s/%s", folder, name);
    FILE *file = fopen(path.data, "re");
    if (file == NULL && errno != ENOENT) {
        status =
            fault_set(fault, HAY_EIO, "%.500s: %s", path.data, strerror(errno));
    }
    while (file != NULL && getline(&line, &line_room, file) > 0) {
        struct batch_record one;
        line[strcspn(line, "\n")] = '\0';
        if (read_line(line, &one)) {
            *list = mem_grow(*list, *count, &room, sizeof **list);
            (*list)[(*count)++] = one;
        }
    }
    free(line);
    if (file != NULL) {
        fclose(file);
    }
    text_fini(&path);
    return status;
}

hay_status
batch_read(const char *folder, struct batch_record *record, struct fault *fault)
{
    struct batch_record *list;
    size_t count;
    hay_status status =
        batch_read_all(folder, RUNFOLDER_JOB, &list, &count, fault);
    if (status == HAY_OK && count > 0) {
        *record = list[count - 1];
    } else if (status == HAY_OK) {
        struct text path = TEXT_INIT;
        text_format(&path, "%s/" RUNFOLDER_JOB, folder);
        bool there = access(path.data, F_OK) == 0;
        status = fault_set(fault,
                           there ? HAY_EIO : HAY_EEMPTY,
                           "%.500s: %s",
                           path.data,
                           there ? "no line names a job" : "it is not there");
        text_fini(&path);
    }
    free(list);
    return status;
}
