/* pmc.c - task files of pegasus-mpi-cluster; see pmc.h.
 *
 * A task becomes a command line of quoted words, with PMC_TASK, PMC_MEMORY and
 * PMC_CPUS before them.  What it forwards is collected in a file of its own and
 * appended to its destination, under a lock, once it has ended well: as there,
 * data of one task is never mixed with another's.
 */
#include "config.h"

#include "pmc.h"
#include "units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS         " \t\r\v\f"
#define MEGABYTE       ((uint64_t)1 << 20)
#define MEMORY_MAX     ((double)((uint64_t)1 << 32)) /* MB */
#define TRIES_MAX      1000001
#define FORWARDS_MAX   7 /* file descriptors 3 to 9: those of one digit */
#define NAME_MAX_BYTES 1000

struct forward {
    const char *from, *to;
};

struct words {
    char **list;
    size_t count, room;
};

struct reader {
    struct workload *w;
    struct fault *fault;
    uint32_t line;
    const struct request *defaults;
    const struct request *last; /* that was made last, for tasks like it */
    struct workload_edge *edges;
    size_t edge_count, edge_room;
    struct words words;

    /* of the task that is being read */
    const char *name;
    struct request request;
    uint64_t memory_mb;
    struct forward pipes[FORWARDS_MAX], files[FORWARDS_MAX];
    size_t pipe_count, file_count;
};

#define FAULT(r, ...) fault_at((r)->fault, (r)->w->file, (r)->line, __VA_ARGS__)

/* ---- words ---- */

static void add_word(struct words *words, char *word)
{
    words->list =
        mem_grow(words->list, words->count, &words->room, sizeof(char *));
    words->list[words->count++] = word;
}

/* Split 'text' in place.  false: a quote does not close. */
static bool split(char *text, struct words *words)
{
    bool quoted = false;
    char *to = text;
    char *word = text;
    words->count = 0;
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '"') {
            if (quoted) {
                *to++ = '\0'; /* takes the place of the quote */
                add_word(words, word);
                word = to;
            }
            quoted = !quoted;
        } else if (*text == '\\' && text[1] != '\0') {
            *to++ = *++text;
        } else if (strchr(BLANKS, *text) != NULL && !quoted) {
            if (to > word) {
                *to++ = '\0';
                add_word(words, word);
                word = to;
            }
        } else {
            *to++ = *text;
        }
    }
    if (to > word) {
        *to = '\0';
        add_word(words, word);
    }
    return !quoted;
}

/* The next word of a record, cut off in place; NULL: there is none. */
static char *cut_word(char **rest)
{
    char *word = *rest + strspn(*rest, BLANKS);
    char *end = word + strcspn(word, BLANKS);
    *rest = *end == '\0' ? end : end + 1;
    *end = '\0';
    return *word == '\0' ? NULL : word;
}

/* ---- options of a task ---- */

static bool rounded_up(const char *value, double max, uint64_t *n)
{
    double number;
    if (!units_real(value, &number) || number > max) {
        return false;
    }
    *n = (uint64_t)number;
    *n += (double)*n < number;
    return true;
}

static bool set_memory(struct reader *r, char *value)
{
    if (!rounded_up(value, MEMORY_MAX, &r->memory_mb)) {
        return false;
    }
    r->request.memory_bytes = r->memory_mb * MEGABYTE;
    return true;
}

static bool set_cpus(struct reader *r, char *value)
{
    uint64_t n;
    if (!rounded_up(value, UINT32_MAX - 1, &n) || n == 0) {
        return false;
    }
    r->request.cores = (uint32_t)n;
    return true;
}

static bool set_tries(struct reader *r, char *value)
{
    uint64_t n;
    if (!units_uint(value, TRIES_MAX, &n) || n == 0) {
        return false;
    }
    r->request.retries = (uint32_t)n - 1;
    return true;
}

static bool set_priority(struct reader *r, char *value)
{
    return units_int32(value, &r->request.priority);
}

static bool cut_forward(char *value, struct forward *forward)
{
    char *equals = strchr(value, '=');
    if (equals == NULL || equals == value || equals[1] == '\0') {
        return false;
    }
    *equals = '\0';
    *forward = (struct forward){value, equals + 1};
    return true;
}

static bool variable_name(const char *name)
{
    return strspn(name,
                  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                  "0123456789")
               == strlen(name)
           && (name[0] < '0' || name[0] > '9');
}

static bool add_pipe(struct reader *r, char *value)
{
    struct forward *forward = &r->pipes[r->pipe_count];
    return r->pipe_count++ < FORWARDS_MAX && cut_forward(value, forward)
           && variable_name(forward->from);
}

static bool add_file(struct reader *r, char *value)
{
    struct forward *forward = &r->files[r->file_count];
    return r->file_count++ < FORWARDS_MAX && cut_forward(value, forward);
}

static const struct option_row {
    const char *name, *letter;
    bool (*set)(struct reader *r, char *value);
    const char *form;
} options[] = {
    {"--request-memory", "-m", set_memory, "a number of MB"},
    {"--request-cpus", "-c", set_cpus, "a number above 0"},
    {"--tries", "-t", set_tries, "a number, at least 1"},
    {"--priority", "-p", set_priority, "a number"},
    {"--pipe-forward", "-f", add_pipe, "VARIABLE=FILE, 7 times at most"},
    {"--file-forward", "-F", add_file, "SOURCE=FILE, 7 times at most"},
};
#define OPTION_COUNT (sizeof options / sizeof options[0])

/* at: of the first word that is no option. */
static hay_status read_options(struct reader *r, size_t *at)
{
    char **words = r->words.list;
    size_t i = 0;
    for (; i < r->words.count && words[i][0] == '-'; i += 2) {
        size_t row = 0;
        while (row < OPTION_COUNT && strcmp(words[i], options[row].name) != 0
               && strcmp(words[i], options[row].letter) != 0) {
            row++;
        }
        if (row == OPTION_COUNT) {
            return FAULT(
                r, "task '%.80s': unknown option %.80s", r->name, words[i]);
        }
        if (i + 1 == r->words.count) {
            return FAULT(r,
                         "task '%.80s': %s wants %s",
                         r->name,
                         words[i],
                         options[row].form);
        }
        if (!options[row].set(r, words[i + 1])) {
            return FAULT(r,
                         "task '%.80s': bad value %s %.80s (%s)",
                         r->name,
                         words[i],
                         words[i + 1],
                         options[row].form);
        }
    }
    *at = i;
    return HAY_OK;
}

/* ---- the command ---- */

static void add_append(struct text *text, const char *source, const char *to)
{
    text_add_string(text, "flock ");
    shell_quote(text, to);
    text_add_string(text, " sh -c 'cat -- \"$1\" >>\"$2\"' sh ");
    text_add_string(text, source);
    text_add_string(text, " ");
    shell_quote(text, to);
    text_add_string(text, " || exit 1\n");
}

/* After the command: hand on what is there of an attempt that ended well. */
static void add_forwards(struct reader *r, struct text *text)
{
    struct text source = TEXT_INIT;
    text_add_string(text,
                    "\nhay_status=$?\n[ $hay_status = 0 ] || exit "
                    "$hay_status\n");
    for (size_t i = 0; i < r->pipe_count; i++) {
        text_format(text, "[ ! -s \"$hay_pipe%zu\" ] || ", i);
        text_clear(&source);
        text_format(&source, "\"$hay_pipe%zu\"", i);
        add_append(text, source.data, r->pipes[i].to);
    }
    for (size_t i = 0; i < r->file_count; i++) {
        text_clear(&source);
        shell_quote(&source, r->files[i].from);
        text_format(text, "[ ! -s %s ] || ", source.data);
        add_append(text, source.data, r->files[i].to);
    }
    text_fini(&source);
}

/* Before it: files for pipes, and the removal of all at the end. */
static void add_files(struct reader *r, struct text *text)
{
    struct text remove = TEXT_INIT;
    text_add_string(&remove, "rm -f --");
    for (size_t i = 0; i < r->pipe_count; i++) {
        text_format(&remove, " \"$hay_pipe%zu\"", i);
    }
    for (size_t i = 0; i < r->file_count; i++) {
        text_add_string(&remove, " ");
        shell_quote(&remove, r->files[i].from);
    }
    text_add_string(text, "trap ");
    shell_quote(text, remove.data);
    text_add_string(text, " EXIT\n");
    for (size_t i = 0; i < r->pipe_count; i++) {
        text_format(text, "hay_pipe%zu=$(mktemp) || exit 1\n", i);
    }
    text_fini(&remove);
}

static void add_command(struct reader *r, size_t first, struct text *text)
{
    bool forwards = r->pipe_count + r->file_count > 0;
    if (forwards) {
        add_files(r, text);
    }
    text_add_string(text, "PMC_TASK=");
    shell_quote(text, r->name);
    text_format(text,
                " PMC_MEMORY=%" PRIu64 " PMC_CPUS=%" PRIu32,
                r->memory_mb,
                r->request.cores);
    for (size_t i = 0; i < r->pipe_count; i++) {
        text_format(text, " %s=%zu", r->pipes[i].from, i + 3);
    }
    for (size_t i = first; i < r->words.count; i++) {
        text_add_string(text, " ");
        shell_quote(text, r->words.list[i]);
    }
    for (size_t i = 0; i < r->pipe_count; i++) {
        text_format(text, " %zu>\"$hay_pipe%zu\"", i + 3, i);
    }
    if (forwards) {
        add_forwards(r, text);
    }
}

/* ---- records ---- */

/* The request of the task, shared with the one before if it is the same. */
static const struct request *shared_request(struct reader *r)
{
    const struct request *a = &r->request;
    const struct request *b = r->last;
    if (a->memory_bytes != b->memory_bytes || a->cores != b->cores
        || a->retries != b->retries || a->priority != b->priority) {
        struct request *copy = arena_alloc(&r->w->arena, sizeof *copy);
        *copy = *a;
        r->last = copy;
    }
    return r->last;
}

static hay_status add_task(struct reader *r, char *name, size_t first)
{
    struct text text = TEXT_INIT;
    uint32_t index;
    add_command(r, first, &text);
    hay_status status = workload_check(r->w, r->line, text.length, r->fault);
    struct block block = {
        .name = arena_string(&r->w->arena, name),
        .text = arena_text(&r->w->arena, text.data, text.length),
        .request = shared_request(r),
        .step = 1,
        .count = 1,
        .line = r->line,
    };
    text_fini(&text);
    if (status == HAY_OK) {
        status = workload_add(r->w, &block, &index, r->fault);
    }
    if (status == HAY_OK && !workload_name(r->w, index)) {
        status = FAULT(r,
                       "the task '%.80s' is there already, in line %" PRIu32,
                       name,
                       r->w->blocks[workload_find(r->w, name)].line);
    }
    return status;
}

static hay_status read_task(struct reader *r, char *rest)
{
    char *name = cut_word(&rest);
    size_t first = 0;
    if (name == NULL || rest[strspn(rest, BLANKS)] == '\0') {
        return FAULT(r, "TASK wants an id and a command");
    }
    if (strlen(name) > NAME_MAX_BYTES) {
        return FAULT(r, "the id of a task is longer than %d", NAME_MAX_BYTES);
    }
    r->name = name;
    r->request = *r->defaults;
    r->memory_mb = r->defaults->memory_bytes / MEGABYTE;
    r->pipe_count = 0;
    r->file_count = 0;
    if (!split(rest, &r->words)) {
        return FAULT(r, "task '%.80s': a quote does not close", name);
    }
    hay_status status = read_options(r, &first);
    if (status == HAY_OK && first == r->words.count) {
        status = FAULT(r, "task '%.80s' has no command", name);
    }
    return status == HAY_OK ? add_task(r, name, first) : status;
}

static hay_status read_edge(struct reader *r, char *rest)
{
    char *names[2] = {cut_word(&rest), cut_word(&rest)};
    uint32_t blocks[2];
    if (names[0] == NULL || names[1] == NULL || cut_word(&rest) != NULL) {
        return FAULT(r, "EDGE wants the ids of two tasks");
    }
    for (int i = 0; i < 2; i++) {
        blocks[i] = workload_find(r->w, names[i]);
        if (blocks[i] == NO_BLOCK) {
            return FAULT(r, "no task '%.80s' is above this EDGE", names[i]);
        }
    }
    r->edges =
        mem_grow(r->edges, r->edge_count, &r->edge_room, sizeof *r->edges);
    r->edges[r->edge_count++] =
        (struct workload_edge){.parent = blocks[0], .child = blocks[1]};
    return HAY_OK;
}

static hay_status read_record(struct reader *r, char *line)
{
    char *rest = line;
    char *word = cut_word(&rest);
    if (word == NULL || word[0] == '#') {
        return HAY_OK; /* "#@ ..." is for Pegasus's own records */
    }
    if (strcmp(word, "TASK") == 0) {
        return read_task(r, rest);
    }
    if (strcmp(word, "EDGE") == 0) {
        return read_edge(r, rest);
    }
    return FAULT(r, "unknown record '%.80s' (TASK or EDGE)", word);
}

bool pmc_guess(const char *line)
{
    line += strspn(line, BLANKS);
    if (strncmp(line, "TASK", 4) != 0 || line[4] == '\0'
        || strchr(BLANKS, line[4]) == NULL) {
        return false;
    }
    line += 4;
    line += strspn(line, BLANKS);
    line += strcspn(line, BLANKS);
    return line[strspn(line, BLANKS)] != '\0';
}

hay_status pmc_parse(struct lines *lines,
                     const struct request *defaults,
                     struct workload *w,
                     struct fault *fault)
{
    struct reader r = {
        .w = w, .fault = fault, .defaults = defaults, .last = defaults};
    char *line;
    hay_status status;
    while ((status = lines_next(lines, &line, fault)) == HAY_OK
           && line != NULL) {
        r.line = lines->number;
        status = read_record(&r, line);
        if (status != HAY_OK) {
            break;
        }
    }
    if (status == HAY_OK && w->block_count == 0) {
        r.line = lines->number == 0 ? 1 : lines->number;
        status = FAULT(&r, "no task in the file");
    }
    if (status == HAY_OK) {
        workload_set_edges(w, r.edges, r.edge_count);
        status = workload_order(w, fault);
    }
    free(r.edges);
    free(r.words.list);
    return status;
}
