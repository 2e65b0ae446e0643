/* paralleljob.c - a command line in the style of GNU parallel; see
 * paralleljob.h.
 *
 * The template is cut into pieces once: text, or a replacement string.  Values
 * are quoted for the shell where they are put, as GNU parallel does, unless the
 * values themselves are the commands.  {%} is only known when a task starts: it
 * becomes an expression over HAY_TASK_SLOT, outside of single quotes.
 */
#include "config.h"

#include "lines.h"
#include "paralleljob.h"
#include "taskfile.h"
#include "units.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum piece_kind { TEXT, VALUE, SEQUENCE, SLOT };
enum piece_part {
    WHOLE = 0,
    NO_ENDING,     /* {.} */
    BASE,          /* {/} */
    FOLDER,        /* {//} */
    BASE_NO_ENDING /* {/.} */
};

struct piece {
    enum piece_kind kind;
    enum piece_part part;
    long source; /* from 1; 0: all of them */
    const char *text;
    bool quoted; /* stands between single quotes */
};

/* One list of values. */
struct source {
    const char **values;
    size_t count, room;
    bool linked; /* to the one before */
};

struct reader {
    struct workload *w;
    struct fault *fault;
    const struct request *defaults;
    struct piece *pieces;
    size_t piece_count, piece_room;
    struct source *sources;
    size_t source_count, source_room;
    size_t *at; /* at[source_count]: which value of each */
    struct text text;
    bool plain; /* the values are the commands: not quoted */
};

void paralleljob_number(struct workload *w)
{
    struct text text = TEXT_INIT;
    text_format(&text, "PARALLEL_PID=%ld", (long)getpid());
    w->number_name = "PARALLEL_SEQ";
    w->number_env = arena_text(&w->arena, text.data, text.length);
    text_fini(&text);
}

bool paralleljob_begins(const char *word)
{
    return strcmp(word, ":::") == 0 || strcmp(word, "::::") == 0
           || strcmp(word, ":::+") == 0 || strcmp(word, "::::+") == 0;
}

/* ---- lists of values ---- */

static struct source *add_source(struct reader *r, bool linked)
{
    r->sources = mem_grow(
        r->sources, r->source_count, &r->source_room, sizeof *r->sources);
    r->sources[r->source_count] = (struct source){.linked = linked};
    return &r->sources[r->source_count++];
}

static void add_value(struct source *source, const char *value)
{
    source->values = mem_grow(
        source->values, source->count, &source->room, sizeof(const char *));
    source->values[source->count++] = value;
}

/* The lines of a file are a list of their own. */
static hay_status read_values(struct reader *r, const char *path, bool linked)
{
    char *data = NULL;
    char *line;
    size_t size = 0;
    struct lines lines;
    struct source *source = add_source(r, linked);
    if (strcmp(path, "-") == 0) {
        return fault_set(r->fault,
                         HAY_EINVAL,
                         "run: :::: - is not known: write the values to a file "
                         "(hayfork run - reads commands)");
    }
    hay_status status = file_read(path, &data, &size, r->fault);
    if (status != HAY_OK) {
        return status;
    }
    lines_init(&lines, path, data, size);
    while ((status = lines_next(&lines, &line, r->fault)) == HAY_OK
           && line != NULL) {
        add_value(source, arena_string(&r->w->arena, line));
    }
    if (status == HAY_OK && source->count == 0) {
        status = fault_at(r->fault, path, 1, "the file is empty");
    }
    free(data);
    return status;
}

/* words[0] begins a list.  used: how many words are in it. */
static hay_status
read_list(struct reader *r, char *const *words, size_t count, size_t *used)
{
    const char *begin = words[0];
    bool linked = begin[strlen(begin) - 1] == '+';
    bool files = strncmp(begin, "::::", 4) == 0;
    hay_status status = HAY_OK;
    size_t n = 1;
    if (linked && r->source_count == 0) {
        return fault_set(r->fault,
                         HAY_EINVAL,
                         "run: %s stands before any other list",
                         begin);
    }
    struct source *source = files ? NULL : add_source(r, linked);
    for (; n < count && !paralleljob_begins(words[n]) && status == HAY_OK;
         n++) {
        if (files) {
            status = read_values(r, words[n], linked);
        } else {
            add_value(source, words[n]);
        }
    }
    if (n == 1) {
        return fault_set(
            r->fault, HAY_EINVAL, "run: nothing stands behind %s", begin);
    }
    *used = n;
    return status;
}

/* ---- the template ---- */

static struct piece *add_piece(struct reader *r, enum piece_kind kind)
{
    r->pieces =
        mem_grow(r->pieces, r->piece_count, &r->piece_room, sizeof *r->pieces);
    r->pieces[r->piece_count] = (struct piece){.kind = kind};
    return &r->pieces[r->piece_count++];
}

/* "{3/.}" and so on, at 'text'.  length: of all of it.  false: it is text. */
static bool read_piece(const char *text, struct piece *piece, size_t *length)
{
    static const struct {
        const char *text;
        enum piece_part part;
    } parts[] = {{"/.}", BASE_NO_ENDING},
                 {"//}", FOLDER},
                 {"/}", BASE},
                 {".}", NO_ENDING},
                 {"}", WHOLE}};
    *piece = (struct piece){.kind = VALUE};
    if (strncmp(text, "{#}", 3) == 0 || strncmp(text, "{%}", 3) == 0) {
        piece->kind = text[1] == '#' ? SEQUENCE : SLOT;
        *length = 3;
        return true;
    }
    char *end = NULL;
    const char *at = text + 1;
    if (strspn(at + (*at == '-'), "0123456789") > 0) {
        piece->source = strtol(at, &end, 10);
        /* 0 is all of them here, and {0} is nothing. */
        piece->source = piece->source == 0 ? LONG_MAX : piece->source;
        at = end;
    }
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (strncmp(at, parts[i].text, strlen(parts[i].text)) == 0) {
            piece->part = parts[i].part;
            *length = (size_t)(at - text) + strlen(parts[i].text);
            return true;
        }
    }
    return false;
}

/* Does a single quote open or close at 'at'? */
static void follow_quotes(const char *at, char *quote)
{
    if (*quote == 0 && (*at == '\'' || *at == '"')) {
        *quote = *at;
    } else if (*quote == *at) {
        *quote = 0;
    }
}

static hay_status check_source(struct reader *r, struct piece *piece)
{
    long count = (long)r->source_count;
    long given = piece->source;
    if (piece->source < 0) {
        piece->source += count + 1;
    }
    if (given == 0 || (piece->source >= 1 && piece->source <= count)) {
        return HAY_OK;
    }
    return fault_set(r->fault,
                     HAY_EINVAL,
                     "run: {%ld} is none of the %ld list%s of values",
                     given == LONG_MAX ? 0 : given,
                     count,
                     count == 1 ? "" : "s");
}

static void add_text(struct reader *r, const char *text, size_t length)
{
    if (length > 0) {
        add_piece(r, TEXT)->text = arena_text(&r->w->arena, text, length);
    }
}

static hay_status cut_template(struct reader *r, const char *template)
{
    const char *start = template;
    bool any = false;
    char quote = 0;
    for (const char *at = template; *at != '\0';) {
        struct piece piece;
        size_t length;
        if (strncmp(at, "{=", 2) == 0) {
            return fault_set(r->fault,
                             HAY_EINVAL,
                             "run: {= =}: Perl expressions are not known");
        }
        if (*at == '\\' && quote != '\'' && at[1] != '\0'
            && strchr("'\"\\", at[1]) != NULL) {
            at += 2;
            continue;
        }
        if (*at != '{' || !read_piece(at, &piece, &length)) {
            follow_quotes(at++, &quote);
            continue;
        }
        hay_status status =
            piece.kind == VALUE ? check_source(r, &piece) : HAY_OK;
        if (status != HAY_OK) {
            return status;
        }
        add_text(r, start, (size_t)(at - start));
        piece.quoted = quote == '\'';
        *add_piece(r, piece.kind) = piece;
        any = true;
        at += length;
        start = at;
    }
    add_text(r, start, strlen(start));
    if (!any) {
        add_text(r, " ", 1);
        add_piece(r, VALUE);
    }
    return HAY_OK;
}

/* The words before the lists, as one text; none: the values are commands. */
static hay_status
read_template(struct reader *r, char *const *words, size_t count)
{
    struct text text = TEXT_INIT;
    text_clear(&text);
    for (size_t i = 0; i < count; i++) {
        text_add_string(&text, i > 0 ? " " : "");
        text_add_string(&text, words[i]);
    }
    r->plain = text.data[strspn(text.data, " \t\n")] == '\0';
    hay_status status = cut_template(r, r->plain ? "{}" : text.data);
    text_fini(&text);
    return status;
}

/* ---- tasks ---- */

/* The part of a value that a replacement string stands for. */
static void part_of(const char *value, enum piece_part part, struct text *text)
{
    const char *slash = strrchr(value, '/');
    const char *from = value;
    size_t length = strlen(value);
    text_clear(text);
    if (part == FOLDER) {
        if (slash == NULL) {
            text_add(text, ".", 1);
            return;
        }
        /* As dirname: a/ has the folder "." and /a has "/". */
        while (length > 1 && value[length - 1] == '/') {
            length--;
        }
        while (length > 0 && value[length - 1] != '/') {
            length--;
        }
        while (length > 1 && value[length - 1] == '/') {
            length--;
        }
        text_add_string(text, length == 0 ? "." : "");
        text_add(text, value, length);
        return;
    }
    if ((part == BASE || part == BASE_NO_ENDING) && slash != NULL) {
        from = slash + 1;
        length = strlen(from);
    }
    if (part == NO_ENDING || part == BASE_NO_ENDING) {
        const char *dot = strrchr(from, '.');
        if (dot != NULL && strchr(dot, '/') == NULL) {
            length = (size_t)(dot - from);
        }
    }
    text_add(text, from, length);
}

static void add_part(struct reader *r,
                     const struct piece *piece,
                     size_t source,
                     struct text *line)
{
    const char *value = r->sources[source].values[r->at[source]];
    part_of(value, piece->part, &r->text);
    if (r->plain) {
        text_add(line, r->text.data, r->text.length);
    } else {
        shell_quote(line, r->text.data);
    }
}

static void add_slot(const struct piece *piece, struct text *line)
{
    const char *quote = piece->quoted ? "'" : "";
    text_format(line, "%s$((HAY_TASK_SLOT+1))%s", quote, quote);
}

static void fill(struct reader *r, struct text *line)
{
    text_clear(line);
    for (size_t i = 0; i < r->piece_count; i++) {
        const struct piece *piece = &r->pieces[i];
        if (piece->kind == TEXT) {
            text_add_string(line, piece->text);
        } else if (piece->kind == SEQUENCE) {
            text_format(line, "%" PRIu64, r->w->task_count + 1);
        } else if (piece->kind == SLOT) {
            add_slot(piece, line);
        } else if (piece->source > 0) {
            add_part(r, piece, (size_t)piece->source - 1, line);
        } else {
            for (size_t s = 0; s < r->source_count; s++) {
                text_add_string(line, s > 0 ? " " : "");
                add_part(r, piece, s, line);
            }
        }
    }
}

static hay_status add_task(struct reader *r, struct text *line)
{
    uint32_t index;
    uint32_t number = (uint32_t)(r->w->task_count + 1);
    fill(r, line);
    hay_status status = workload_check(r->w, number, line->length, r->fault);
    if (status != HAY_OK) {
        return status;
    }
    struct block block = {
        .text = arena_text(&r->w->arena, line->data, line->length),
        .request = r->defaults,
        .step = 1,
        .count = 1,
        .line = number,
        .number = number,
    };
    return workload_add(r->w, &block, &index, r->fault);
}

/* The length of a list that is linked to others is that of the shortest. */
static void cut_linked(struct reader *r)
{
    for (size_t first = 0, i = 0; i < r->source_count; i++) {
        first = r->sources[i].linked ? first : i;
        for (size_t k = first; k < i; k++) {
            if (r->sources[k].count > r->sources[i].count) {
                r->sources[k].count = r->sources[i].count;
            }
            if (r->sources[i].count > r->sources[k].count) {
                r->sources[i].count = r->sources[k].count;
            }
        }
    }
}

/* The next combination, the last list first.  false: there is none. */
static bool next_values(struct reader *r)
{
    size_t i = r->source_count;
    while (i > 0) {
        size_t end = i--;
        while (r->sources[i].linked) {
            i--;
        }
        bool more = r->at[i] + 1 < r->sources[i].count;
        for (size_t k = i; k < end; k++) {
            r->at[k] = more ? r->at[k] + 1 : 0;
        }
        if (more) {
            return true;
        }
    }
    return false;
}

static hay_status add_tasks(struct reader *r)
{
    struct text line = TEXT_INIT;
    hay_status status;
    paralleljob_number(r->w);
    cut_linked(r);
    r->at = mem_alloc(r->source_count, sizeof *r->at);
    memset(r->at, 0, r->source_count * sizeof *r->at);
    do {
        status = add_task(r, &line);
    } while (status == HAY_OK && next_values(r));
    text_fini(&line);
    return status == HAY_OK ? workload_order(r->w, r->fault) : status;
}

hay_status paralleljob_parse(char *const *words,
                             size_t count,
                             const struct request *defaults,
                             struct workload *w,
                             struct fault *fault)
{
    struct reader r = {.w = w, .fault = fault, .defaults = defaults};
    size_t command = 0;
    size_t used;
    hay_status status = HAY_OK;
    while (command < count && !paralleljob_begins(words[command])) {
        command++;
    }
    for (size_t at = command; at < count && status == HAY_OK; at += used) {
        used = 1;
        status = read_list(&r, words + at, count - at, &used);
    }
    if (status == HAY_OK) {
        status = read_template(&r, words, command);
    }
    if (status == HAY_OK) {
        status = add_tasks(&r);
    }
    for (size_t i = 0; i < r.source_count; i++) {
        free(r.sources[i].values);
    }
    free(r.sources);
    free(r.pieces);
    free(r.at);
    text_fini(&r.text);
    return status;
}
