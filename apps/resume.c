/* resume.c - what another tool has done already; see resume.h.
 *
 * Tasks are known by their number there (parallel, disBatch) and must have the
 * command that they had: the file of tasks may have changed since.  Commands of
 * a joblog are compared as the shell reads them, since versions of GNU parallel
 * quote differently.
 */
#include "config.h"

#include "resume.h"
#include "taskfile.h"
#include "units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define JOBLOG_FIELDS 9
#define STATUS_FIELDS 15
#define JOBLOG_HEADER "Seq\tHost\t"
#define STATUS_HEADER "ROE["

struct reader {
    struct lines lines;
    struct workload *w;
    struct fault *fault;
    bool header; /* of a joblog: was it there? */
    struct text text;
};

typedef hay_status (*record_fn)(struct reader *r, char *line);

#define FAULT(r, ...)                                                          \
    fault_at((r)->fault, (r)->lines.file, (r)->lines.number, __VA_ARGS__)

/* Cut a line at its tabs, in place; the last field has the rest. */
static bool cut_fields(char *line, char **fields, size_t count)
{
    for (size_t i = 0; i + 1 < count; i++) {
        char *tab = strchr(line, '\t');
        if (tab == NULL) {
            return false;
        }
        *tab = '\0';
        fields[i] = line;
        line = tab + 1;
    }
    fields[count - 1] = line;
    return true;
}

/* A place in a command line, as the shell reads it. */
struct place {
    const char *at;
    char quote; /* open: ' or ", or 0 */
};

/* The next byte that is no quote itself, 0 at the end.  quoted: it stands for
 * itself. */
static char next_byte(struct place *p, bool *quoted)
{
    for (;; p->at++) {
        char c = *p->at;
        if (c == '\\' && p->quote != '\'' && p->at[1] != '\0') {
            p->at += 2;
            *quoted = true;
            return p->at[-1];
        }
        if (p->quote == 0 && (c == '\'' || c == '"')) {
            p->quote = c;
        } else if (c == p->quote && c != '\0') {
            p->quote = 0;
        } else {
            p->at += c != '\0';
            *quoted = p->quote != 0;
            return c;
        }
    }
}

/* Are they the same for the shell, whatever the way in which they quote?  A
 * letter, a digit or the like may be quoted or not. */
static bool same_command(const char *a, const char *b)
{
    struct place x = {.at = a};
    struct place y = {.at = b};
    bool x_quoted, y_quoted;
    char c;
    do {
        c = next_byte(&x, &x_quoted);
        if (c != next_byte(&y, &y_quoted)
            || (x_quoted != y_quoted && !isalnum((unsigned char)c)
                && strchr("_-./,:+@%=^", c) == NULL
                && (unsigned char)c < 0x80)) {
            return false;
        }
    } while (c != '\0');
    return true;
}

static hay_status
check_number(struct reader *r, const char *field, uint64_t base, uint64_t *task)
{
    if (!units_uint(field, WORKLOAD_TASKS_MAX, task) || *task < base) {
        return FAULT(r, "'%.40s' is no number of a task", field);
    }
    *task -= base;
    if (*task >= r->w->task_count) {
        return FAULT(r,
                     "there is no task %.40s: this run has %" PRIu64 " tasks",
                     field,
                     r->w->task_count);
    }
    return HAY_OK;
}

static hay_status
changed(struct reader *r, const char *number, const char *then, const char *now)
{
    return FAULT(
        r, "task %s was '%.100s' then and is '%.100s' now", number, then, now);
}

static hay_status joblog_record(struct reader *r, char *line)
{
    char *fields[JOBLOG_FIELDS];
    uint64_t task;
    if (!r->header) {
        r->header = strncmp(line, JOBLOG_HEADER, strlen(JOBLOG_HEADER)) == 0;
        return r->header
                   ? HAY_OK
                   : FAULT(r, "no joblog of GNU parallel (Seq, Host, ...)");
    }
    if (strncmp(line, JOBLOG_HEADER, strlen(JOBLOG_HEADER)) == 0) {
        return HAY_OK; /* one was appended to another */
    }
    if (!cut_fields(line, fields, JOBLOG_FIELDS)) {
        return FAULT(r, "a line of a joblog has %d fields", JOBLOG_FIELDS);
    }
    hay_status status = check_number(r, fields[0], 1, &task);
    if (status != HAY_OK) {
        return status;
    }
    const struct block *block = &r->w->blocks[workload_block_of(r->w, task)];
    block_expand(block, task - block->first_task, block->text, &r->text);
    if (!same_command(fields[8], r->text.data)) {
        return changed(r, fields[0], fields[8], r->text.data);
    }
    if (strcmp(fields[6], "0") == 0 && strcmp(fields[7], "0") == 0) {
        workload_set_done(r->w, task);
    }
    return HAY_OK;
}

static hay_status status_record(struct reader *r, char *line)
{
    char *fields[STATUS_FIELDS];
    uint64_t task;
    if (strncmp(line, STATUS_HEADER, strlen(STATUS_HEADER)) == 0) {
        return HAY_OK;
    }
    if (!cut_fields(line, fields, STATUS_FIELDS) || strlen(fields[0]) < 4) {
        return FAULT(
            r, "a line of disBatch's status file has %d fields", STATUS_FIELDS);
    }
    const char *flags = fields[0];
    bool own = strchr(" R", flags[0]) != NULL && strchr(" S", flags[3]) != NULL;
    if (!own) {
        return HAY_OK; /* a barrier, a command of an engine */
    }
    hay_status status = check_number(r, fields[1], 0, &task);
    if (status != HAY_OK) {
        return status;
    }
    const struct block *block = &r->w->blocks[workload_block_of(r->w, task)];
    if (block->source == NULL || strcmp(fields[14], block->source) != 0) {
        return changed(
            r, fields[1], fields[14], block->source ? block->source : "");
    }
    if (strcmp(fields[6], "0") == 0) {
        workload_set_done(r->w, task);
    }
    return HAY_OK;
}

static hay_status rescue_record(struct reader *r, char *line)
{
    char *rest = line + strspn(line, " \t");
    char *word = strsep(&rest, " \t");
    if (word[0] == '#' || word[0] == '\0') {
        return HAY_OK;
    }
    char *name = rest == NULL ? NULL : rest + strspn(rest, " \t");
    if (strcmp(word, "DONE") != 0 || name == NULL || *name == '\0') {
        return FAULT(r, "no rescue file: a line is not DONE and an id");
    }
    size_t length = strlen(name);
    while (length > 0 && strchr(" \t", name[length - 1]) != NULL) {
        name[--length] = '\0';
    }
    uint32_t block = workload_find(r->w, name);
    if (block == NO_BLOCK) {
        return FAULT(r, "the task '%.80s' is not in %.200s", name, r->w->file);
    }
    workload_set_done(r->w, r->w->blocks[block].first_task);
    return HAY_OK;
}

hay_status resume_parse(const char *path,
                        char *data,
                        size_t size,
                        enum format format,
                        struct workload *w,
                        struct fault *fault)
{
    struct reader r = {.w = w, .fault = fault};
    record_fn record = format == FORMAT_PMC        ? rescue_record
                       : format == FORMAT_DISBATCH ? status_record
                                                   : joblog_record;
    char *line;
    hay_status status;
    if (format == FORMAT_HQ) {
        return fault_set(fault,
                         HAY_EINVAL,
                         "%.500s: HyperQueue's journal cannot be read",
                         path);
    }
    while (size > 0 && data[size - 1] != '\n') {
        size--;
    }
    lines_init(&r.lines, path, data, size);
    while ((status = lines_next(&r.lines, &line, fault)) == HAY_OK
           && line != NULL) {
        status = line[0] == '\0' ? HAY_OK : record(&r, line);
        if (status != HAY_OK) {
            break;
        }
    }
    text_fini(&r.text);
    return status;
}

hay_status resume_read(const char *path,
                       enum format format,
                       struct workload *w,
                       struct fault *fault)
{
    char *data = NULL;
    size_t size = 0;
    hay_status status = file_read(path, &data, &size, fault);
    if (status != HAY_OK) {
        return status;
    }
    status = resume_parse(path, data, size, format, w, fault);
    free(data);
    return status;
}
