/* disbatch.c - task files of disBatch; see disbatch.h.
 *
 * A barrier is a block without a command: it comes after all blocks since the
 * barrier above it, in whatever way these end (CHECK: they must succeed), and
 * all blocks up to the next one come after it.  Barriers come after each other
 * by success, so that nothing runs any more below a check that has failed.
 *
 * A command sees its numbers in variables that the shell sets before it becomes
 * bash; in a REPEAT, which is an array, it reckons them from the element.
 */
#include "config.h"

#include "disbatch.h"
#include "units.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define DIRECTIVE "#DISBATCH"
#define BLANKS    " \t\v\f"
#define INDEX_MAX ((uint64_t)1 << 40)

struct reader {
    struct workload *w;
    struct fault *fault;
    uint32_t line;
    const struct request *request;
    struct text prefix, suffix;
    uint32_t barrier; /* the last one; NO_BLOCK: none yet */
    uint32_t since;   /* first block behind it */
};

struct repeat {
    uint64_t count, start, step;
};

#define FAULT(r, ...) fault_at((r)->fault, (r)->w->file, (r)->line, __VA_ARGS__)

bool disbatch_guess(const char *line)
{
    size_t length = strlen(DIRECTIVE);
    return strncmp(line, DIRECTIVE, length) == 0
           && (line[length] == ' ' || line[length] == '\t');
}

/* ---- commands ---- */

/* " DISBATCH_NAME=VALUE" and the same with six digits. */
static void add_number(struct text *text, const char *name, int64_t value)
{
    text_format(text,
                " DISBATCH_%s=%" PRId64 " DISBATCH_%s_ZP=%06" PRId64,
                name,
                value,
                name,
                value);
}

/* The same of base + step * {n}, in an array. */
static void
add_reckoned(struct text *text, const char *name, uint64_t base, uint64_t step)
{
    struct text value = TEXT_INIT;
    text_format(&value, "$((%" PRIu64 "+%" PRIu64 "*{n}))", base, step);
    text_format(text,
                " DISBATCH_%s=%s DISBATCH_%s_ZP=$(printf %%06d %s)",
                name,
                value.data,
                name,
                value.data);
    text_fini(&value);
}

/* repeat: NULL: it is no array. */
static void add_variables(const struct reader *r,
                          const struct repeat *repeat,
                          struct text *text)
{
    text_add_string(text, "export");
    if (repeat == NULL) {
        add_number(text, "TASKID", (int64_t)r->w->task_count);
        add_number(text, "REPEAT_INDEX", -1);
    } else {
        add_reckoned(text, "TASKID", r->w->task_count, 1);
        add_reckoned(text, "REPEAT_INDEX", repeat->start, repeat->step);
    }
    add_number(text, "STREAM_INDEX", (int64_t)r->line);
    text_add_string(text, " DISBATCH_CORES_PER_TASK=$HAY_TASK_CORES\n");
}

static const char *array_name(struct reader *r)
{
    struct text name = TEXT_INIT;
    text_format(&name, "line.%" PRIu32, r->line);
    const char *copy = arena_text(&r->w->arena, name.data, name.length);
    text_fini(&name);
    return copy;
}

static hay_status
add_task(struct reader *r, const char *command, const struct repeat *repeat)
{
    struct arena *arena = &r->w->arena;
    struct text source = TEXT_INIT, quoted = TEXT_INIT, text = TEXT_INIT;
    struct dep after = {.block = r->barrier, .count = 1};
    uint32_t index;
    text_add(&source, r->prefix.data, r->prefix.length);
    text_add_string(&source, command);
    text_add(&source, r->suffix.data, r->suffix.length);
    shell_quote(&quoted, source.data);
    add_variables(r, repeat, &text);
    text_add_string(&text, "exec /bin/bash -c ");
    if (repeat == NULL) {
        text_add_string(&text, quoted.data);
    } else {
        block_literal(&text, quoted.data);
    }
    hay_status status = workload_check(r->w, r->line, text.length, r->fault);
    if (status == HAY_OK) {
        struct block block = {
            .name = repeat != NULL ? array_name(r) : NULL,
            .text = arena_text(arena, text.data, text.length),
            .source = arena_text(arena, source.data, source.length),
            .request = r->request,
            .step = 1,
            .count = repeat != NULL ? repeat->count : 1,
            .line = r->line,
            .array = repeat != NULL,
        };
        status = workload_add(r->w, &block, &index, r->fault);
    }
    if (status == HAY_OK && r->barrier != NO_BLOCK) {
        workload_add_dep(r->w, &after);
        r->w->blocks[r->barrier].users++;
    }
    text_fini(&source);
    text_fini(&quoted);
    text_fini(&text);
    return status;
}

/* ---- directives ---- */

static void set_affix(struct text *affix, const char *text)
{
    text_clear(affix);
    text_add_string(affix, text);
}

static hay_status add_barrier(struct reader *r, bool check)
{
    struct text name = TEXT_INIT;
    uint32_t index;
    text_format(&name, "barrier.%" PRIu32, r->line);
    struct block block = {
        .name = arena_text(&r->w->arena, name.data, name.length),
        .source = "",
        .request = r->request,
        .step = 1,
        .count = 1,
        .line = r->line,
    };
    text_fini(&name);
    hay_status status = workload_add(r->w, &block, &index, r->fault);
    if (status != HAY_OK) {
        return status;
    }
    if (r->barrier != NO_BLOCK) {
        struct dep dep = {.block = r->barrier, .count = 1};
        workload_add_dep(r->w, &dep);
        r->w->blocks[r->barrier].users++;
    }
    for (uint32_t i = r->since; i < index; i++) {
        struct dep dep = {
            .block = i, .any = !check, .count = r->w->blocks[i].count};
        workload_add_dep(r->w, &dep);
        r->w->blocks[i].users++;
    }
    r->barrier = index;
    r->since = index + 1;
    return HAY_OK;
}

/* What stands behind BARRIER. */
static hay_status read_barrier(struct reader *r, const char *rest)
{
    bool check =
        strncmp(rest, " CHECK", 6) == 0 && (rest[6] == '\0' || rest[6] == ' ');
    rest += check ? 6 : 0;
    if (rest[strspn(rest, BLANKS)] != '\0') {
        return FAULT(r,
                     "BARRIER with a key (%.40s): there is no key-value store "
                     "here to put it into",
                     rest + strspn(rest, BLANKS));
    }
    return add_barrier(r, check);
}

/* Digits at *text, behind blanks. */
static bool take_number(const char **text, uint64_t *number)
{
    const char *at = *text + strspn(*text, BLANKS);
    char digits[24];
    size_t length = strspn(at, "0123456789");
    if (at == *text || length == 0 || length >= sizeof digits) {
        return false;
    }
    memcpy(digits, at, length);
    digits[length] = '\0';
    *text = at + length;
    return units_uint(digits, INDEX_MAX, number);
}

/* "  word N" at *text. */
static void take_option(const char **text, const char *word, uint64_t *number)
{
    const char *at = *text + strspn(*text, BLANKS);
    if (at > *text && strncasecmp(at, word, strlen(word)) == 0) {
        at += strlen(word);
        if (take_number(&at, number)) {
            *text = at;
        }
    }
}

/* What stands behind REPEAT: N [start S] [step K] [COMMAND]. */
static hay_status read_repeat(struct reader *r, const char *rest)
{
    struct repeat repeat = {.step = 1};
    if (!take_number(&rest, &repeat.count)) {
        return FAULT(
            r, "REPEAT wants a number (at most %" PRIu64 ")", INDEX_MAX);
    }
    take_option(&rest, "start", &repeat.start);
    take_option(&rest, "step", &repeat.step);
    if (rest[strspn(rest, BLANKS)] == '\0') {
        rest = "";
    } else if (*rest != ' ') {
        return FAULT(
            r, "REPEAT N [start S] [step K] [COMMAND]: not '%.40s'", rest);
    } else {
        rest++;
    }
    return repeat.count == 0 ? HAY_OK : add_task(r, rest, &repeat);
}

/* What stands behind PERENGINE: START or STOP, and a command. */
static hay_status read_perengine(struct reader *r, const char *rest)
{
    struct workload *w = r->w;
    struct text source = TEXT_INIT, text = TEXT_INIT;
    bool stop = strncasecmp(rest, " STOP ", 6) == 0;
    if (!stop && strncasecmp(rest, " START ", 7) != 0) {
        return FAULT(r, "PERENGINE wants START or STOP, and a command");
    }
    if (w->block_count > 0) {
        return FAULT(r, "PERENGINE stands below a task");
    }
    text_add(&source, r->prefix.data, r->prefix.length);
    text_add_string(&source, rest + (stop ? 6 : 7));
    text_add(&source, r->suffix.data, r->suffix.length);
    text_add_string(&text, "exec /bin/bash -c ");
    shell_quote(&text, source.data);
    hay_status status = workload_check(w, r->line, text.length, r->fault);
    if (status == HAY_OK) {
        w->worker_commands = mem_grow(w->worker_commands,
                                      w->worker_command_count,
                                      &w->worker_command_room,
                                      sizeof *w->worker_commands);
        w->worker_commands[w->worker_command_count++] = (struct worker_command){
            .text = arena_text(&w->arena, text.data, text.length),
            .line = r->line,
            .stop = stop};
    }
    text_fini(&source);
    text_fini(&text);
    return status;
}

/* Does 'text' begin with this word?  rest: behind it. */
static bool
begins(const char *text, const char *word, bool any_case, const char **rest)
{
    size_t length = strlen(word);
    *rest = text + length;
    return (any_case ? strncasecmp(text, word, length)
                     : strncmp(text, word, length))
               == 0
           && (text[length] == '\0' || isspace((unsigned char)text[length]));
}

static hay_status read_directive(struct reader *r, const char *line)
{
    const char *rest;
    const char *text = line + strlen(DIRECTIVE);
    text += *text == ' ';
    if (begins(text, "PREFIX", true, &rest) && *rest == ' ') {
        set_affix(&r->prefix, rest + 1);
        return HAY_OK;
    }
    if (begins(text, "SUFFIX", true, &rest) && *rest == ' ') {
        set_affix(&r->suffix, rest + 1);
        return HAY_OK;
    }
    if (begins(text, "REPEAT", true, &rest)) {
        return read_repeat(r, rest);
    }
    if (begins(text, "BARRIER", false, &rest)) {
        return read_barrier(r, rest);
    }
    if (begins(text, "PERENGINE", true, &rest)) {
        return read_perengine(r, rest);
    }
    return FAULT(r,
                 "unknown directive '%.60s' (PREFIX TEXT, SUFFIX TEXT, REPEAT, "
                 "BARRIER, PERENGINE)",
                 line);
}

static hay_status read_line(struct reader *r, const char *line)
{
    const char *text = line + strspn(line, BLANKS);
    if (strncmp(line, DIRECTIVE, strlen(DIRECTIVE)) == 0) {
        return read_directive(r, line);
    }
    if (*text == '\0' || *text == '#') {
        return HAY_OK;
    }
    return add_task(r, line, NULL);
}

/* With the variables that are the same for all tasks. */
static const struct request *common(struct workload *w,
                                    const struct request *defaults)
{
    struct request *request = arena_alloc(&w->arena, sizeof *request);
    const char **env = arena_alloc(&w->arena, 2 * sizeof(const char *));
    const char *slash = strrchr(w->file, '/');
    struct text text = TEXT_INIT;
    text_format(&text,
                "DISBATCH_NAMETASKS=%s",
                slash != NULL && slash[1] != '\0' ? slash + 1 : w->file);
    env[0] = arena_text(&w->arena, text.data, text.length);
    env[1] = NULL;
    w->worker_env = env[0];
    text_fini(&text);
    *request = *defaults;
    request->env = env;
    request->env_count = 1;
    return request;
}

hay_status disbatch_parse(struct lines *lines,
                          const struct request *defaults,
                          struct workload *w,
                          struct fault *fault)
{
    struct reader r = {.w = w,
                       .fault = fault,
                       .request = common(w, defaults),
                       .prefix = TEXT_INIT,
                       .suffix = TEXT_INIT,
                       .barrier = NO_BLOCK};
    char *line;
    hay_status status;
    text_clear(&r.prefix);
    text_clear(&r.suffix);
    while ((status = lines_next(lines, &line, fault)) == HAY_OK
           && line != NULL) {
        r.line = lines->number;
        status = read_line(&r, line);
        if (status != HAY_OK) {
            break;
        }
    }
    if (status == HAY_OK && w->block_count == 0) {
        r.line = lines->number == 0 ? 1 : lines->number;
        status = FAULT(&r, "no task in the file");
    }
    if (status == HAY_OK) {
        status = workload_order(w, fault);
    }
    text_fini(&r.prefix);
    text_fini(&r.suffix);
    return status;
}
