/* directive.c - one "#HAY key=value ..." line; see directive.h.
 *
 * Words are separated by blanks.  In a value '...' and "..." quote, \ quotes
 * one character (in "..." only before " and \).  A word that begins with #
 * starts a comment.  A comma that is quoted in in= or out= is part of a name.
 */
#include "config.h"

#include "amounts.h"
#include "directive.h"
#include "units.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ENV_MAX    1000
#define WORD_SHOWN "%.80s"
/* A quoted comma; no task file has this byte. */
#define QUOTED_COMMA '\x01'

struct context {
    struct directive *d;
    struct arena *arena;
    const char *file;
    uint32_t line;
    struct fault *fault;
};

typedef hay_status (*key_fn)(struct context *c, const char *key, char *value);

static hay_status
bad_value(struct context *c, const char *key, const char *value)
{
    return fault_at(c->fault,
                    c->file,
                    c->line,
                    "bad value " WORD_SHOWN "=" WORD_SHOWN,
                    key,
                    value);
}

/* ---- names ---- */

static bool name_char(char c)
{
    unsigned char u = (unsigned char)c;
    return u > 0x20 && u != 0x7f && strchr(",[]\"'=\\", c) == NULL;
}

/* How many of text's first bytes are a name. */
static size_t name_length(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0' && name_char(text[length])) {
        length++;
    }
    return length;
}

/* "N" or "A..B" or "A..B:S", up to "]" and the end of 'text'. */
static bool
parse_span(char *text, uint64_t *first, uint64_t *last, uint64_t *step)
{
    const uint64_t max = UINT64_C(1) << 62;
    size_t length = strlen(text);
    if (length == 0 || text[length - 1] != ']') {
        return false;
    }
    text[length - 1] = '\0';
    char *dots = strstr(text, "..");
    *step = 1;
    if (dots == NULL) {
        bool good = units_uint(text, max, first);
        *last = good ? *first : 0;
        return good;
    }
    *dots = '\0';
    char *colon = strchr(dots + 2, ':');
    if (colon != NULL) {
        *colon = '\0';
        if (!units_uint(colon + 1, max, step) || *step == 0) {
            return false;
        }
    }
    return units_uint(text, max, first) && units_uint(dots + 2, max, last);
}

static hay_status set_name(struct context *c, const char *key, char *value)
{
    struct directive *d = c->d;
    size_t length = name_length(value);
    if (length == 0 || (value[length] != '\0' && value[length] != '[')) {
        return bad_value(c, key, value);
    }
    d->name = arena_text(c->arena, value, length);
    if (value[length] == '\0') {
        return HAY_OK;
    }
    uint64_t last;
    char *copy = arena_string(c->arena, value + length + 1);
    if (strstr(copy, "..") == NULL
        || !parse_span(copy, &d->first, &last, &d->step)) {
        return fault_at(c->fault,
                        c->file,
                        c->line,
                        "bad array name=" WORD_SHOWN
                        " (NAME[FIRST..LAST] or NAME[FIRST..LAST:STEP])",
                        value);
    }
    if (last < d->first) {
        return fault_at(c->fault,
                        c->file,
                        c->line,
                        "the array name=" WORD_SHOWN " has no elements",
                        value);
    }
    d->array = true;
    d->count = (last - d->first) / d->step + 1;
    return HAY_OK;
}

/* One of the names in after=; ends[0] is what stood behind it. */
static hay_status add_reference(struct context *c, const char *key, char *word)
{
    struct directive *d = c->d;
    size_t length = name_length(word);
    struct reference ref = {.line = c->line,
                            .any = strcmp(key, "afterany") == 0};
    if (length == 0 || (word[length] != '\0' && word[length] != '[')) {
        return bad_value(c, key, word);
    }
    ref.name = arena_text(c->arena, word, length);
    if (strcmp(word + length, "[n]") == 0) {
        ref.same = true;
    } else if (word[length] == '[') {
        uint64_t step;
        char *copy = arena_string(c->arena, word + length + 1);
        if (!parse_span(copy, &ref.first, &ref.last, &step) || step != 1
            || ref.last < ref.first) {
            return bad_value(c, key, word);
        }
        ref.element = true;
    }
    d->refs = mem_grow(d->refs, d->ref_count, &d->ref_room, sizeof ref);
    d->refs[d->ref_count++] = ref;
    return HAY_OK;
}

static hay_status set_after(struct context *c, const char *key, char *value)
{
    char *word;
    while ((word = strsep(&value, ",")) != NULL) {
        hay_status status = add_reference(c, key, word);
        if (status != HAY_OK) {
            return status;
        }
    }
    return HAY_OK;
}

/* ---- requests ---- */

static hay_status set_cores(struct context *c, const char *key, char *value)
{
    return amounts_cores(c->arena, &c->d->request, value)
               ? HAY_OK
               : bad_value(c, key, value);
}

static hay_status set_gpus(struct context *c, const char *key, char *value)
{
    return amounts_gpus(c->arena, &c->d->request, value)
               ? HAY_OK
               : bad_value(c, key, value);
}

static hay_status set_request(struct context *c, const char *key, char *value)
{
    return amounts_request(c->arena, &c->d->request, value)
               ? HAY_OK
               : bad_value(c, key, value);
}

/* key: "res.NAME". */
static hay_status
set_resource(struct context *c, const char *key, const char *value)
{
    return amounts_named(c->arena, &c->d->request, key + strlen("res."), value)
               ? HAY_OK
               : bad_value(c, key, value);
}

static hay_status set_retries(struct context *c, const char *key, char *value)
{
    uint64_t n;
    if (!units_uint(value, 1000000, &n)) {
        return bad_value(c, key, value);
    }
    c->d->request.retries = (uint32_t)n;
    return HAY_OK;
}

static hay_status
set_retry_pause(struct context *c, const char *key, char *value)
{
    return units_time(value, &c->d->request.retry_pause_ns)
               ? HAY_OK
               : bad_value(c, key, value);
}

static hay_status set_once(struct context *c, const char *key, char *value)
{
    c->d->request.once = strcmp(value, "yes") == 0;
    return c->d->request.once || strcmp(value, "no") == 0
               ? HAY_OK
               : bad_value(c, key, value);
}

static hay_status set_priority(struct context *c, const char *key, char *value)
{
    return units_int32(value, &c->d->request.priority)
               ? HAY_OK
               : bad_value(c, key, value);
}

static hay_status set_mem(struct context *c, const char *key, char *value)
{
    return units_size(value, &c->d->request.memory_bytes)
               ? HAY_OK
               : bad_value(c, key, value);
}

static hay_status set_mem_limit(struct context *c, const char *key, char *value)
{
    return units_size(value, &c->d->request.memory_limit_bytes)
               ? HAY_OK
               : bad_value(c, key, value);
}

static hay_status
set_mem_retries(struct context *c, const char *key, char *value)
{
    uint64_t n;
    if (!units_uint(value, UINT32_MAX, &n)) {
        return bad_value(c, key, value);
    }
    c->d->request.memory_retries = (uint32_t)n;
    return HAY_OK;
}

static hay_status
set_output_limit(struct context *c, const char *key, char *value)
{
    return units_size(value, &c->d->request.output_limit_bytes)
               ? HAY_OK
               : bad_value(c, key, value);
}

static hay_status set_grace(struct context *c, const char *key, char *value)
{
    return units_time(value, &c->d->request.grace_ns)
               ? HAY_OK
               : bad_value(c, key, value);
}

static hay_status set_warn(struct context *c, const char *key, char *value)
{
    return units_time(value, &c->d->request.warn_ns) ? HAY_OK
                                                     : bad_value(c, key, value);
}

static hay_status set_time(struct context *c, const char *key, char *value)
{
    return units_time(value, &c->d->request.time_limit_ns)
               ? HAY_OK
               : bad_value(c, key, value);
}

static hay_status set_cwd(struct context *c, const char *key, char *value)
{
    if (value[0] == '\0') {
        return bad_value(c, key, value);
    }
    c->d->request.cwd = arena_string(c->arena, value);
    return HAY_OK;
}

static hay_status set_stdin(struct context *c, const char *key, char *value)
{
    if (value[0] == '\0') {
        return bad_value(c, key, value);
    }
    c->d->request.stdin_path = arena_string(c->arena, value);
    return HAY_OK;
}

static void unquote_commas(char *name)
{
    for (; *name != '\0'; name++) {
        if (*name == QUOTED_COMMA) {
            *name = ',';
        }
    }
}

/* in= and out=. */
static hay_status set_files(struct context *c, const char *key, char *value)
{
    struct file_list *list = strcmp(key, "in") == 0 ? &c->d->in : &c->d->out;
    size_t count = 1;
    for (const char *p = value; *p != '\0'; p++) {
        count += *p == ',';
    }
    list->names = arena_alloc(c->arena, count * sizeof(const char *));
    list->count = 0;
    char *word;
    while ((word = strsep(&value, ",")) != NULL) {
        if (word[0] == '\0') {
            return fault_at(
                c->fault, c->file, c->line, "%s= has an empty name", key);
        }
        unquote_commas(word);
        list->names[list->count++] = arena_string(c->arena, word);
    }
    return HAY_OK;
}

static bool env_name_ok(const char *name)
{
    if (name[0] == '\0' || (name[0] >= '0' && name[0] <= '9')) {
        return false;
    }
    for (; *name != '\0'; name++) {
        char c = *name;
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'
              || (c >= '0' && c <= '9'))) {
            return false;
        }
    }
    return true;
}

/* key: "env.NAME".  The list is copied when it is first changed. */
static hay_status set_env(struct context *c, const char *key, const char *value)
{
    struct directive *d = c->d;
    struct request *r = &d->request;
    const char *name = key + strlen("env.");
    size_t length = strlen(name);
    struct text pair = TEXT_INIT;
    size_t at = 0;
    if (!env_name_ok(name) || r->env_count == ENV_MAX) {
        return bad_value(c, key, value);
    }
    while (at < r->env_count
           && !(strncmp(r->env[at], name, length) == 0
                && r->env[at][length] == '=')) {
        at++;
    }
    size_t count = at == r->env_count ? at + 1 : r->env_count;
    const char **env =
        arena_alloc(c->arena, (count + 1) * sizeof(const char *));
    for (size_t i = 0; i < r->env_count; i++) {
        env[i] = r->env[i];
    }
    text_format(&pair, "%s=%s", name, value);
    env[at] = arena_text(c->arena, pair.data, pair.length);
    env[count] = NULL;
    text_fini(&pair);
    r->env = env;
    r->env_count = count;
    return HAY_OK;
}

/* ---- lines ---- */

static const struct key {
    const char *name;
    key_fn set;
    bool request; /* may stand in defaults */
} keys[] = {
    {"after", set_after, false},
    {"afterany", set_after, false},
    {"cores", set_cores, true},
    {"cwd", set_cwd, true},
    {"gpus", set_gpus, true},
    {"grace", set_grace, true},
    {"in", set_files, false},
    {"mem", set_mem, true},
    {"mem_limit", set_mem_limit, true},
    {"mem_retries", set_mem_retries, true},
    {"name", set_name, false},
    {"once", set_once, true},
    {"out", set_files, false},
    {"output_limit", set_output_limit, true},
    {"priority", set_priority, true},
    {"request", set_request, true},
    {"retries", set_retries, true},
    {"retry_pause", set_retry_pause, true},
    {"stdin", set_stdin, true},
    {"time", set_time, true},
    {"warn", set_warn, true},
};
#define KEY_COUNT (sizeof keys / sizeof keys[0])

static hay_status
set_key(struct context *c, const char *key, char *value, bool defaults)
{
    struct directive *d = c->d;
    if (strncmp(key, "env.", 4) == 0) {
        d->shared = NULL;
        return set_env(c, key, value);
    }
    if (strncmp(key, "res.", 4) == 0) {
        d->shared = NULL;
        return set_resource(c, key, value);
    }
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if (strcmp(key, keys[i].name) != 0) {
            continue;
        }
        if (defaults && !keys[i].request) {
            return fault_at(
                c->fault, c->file, c->line, "%s= cannot be a default", key);
        }
        if ((d->given & (UINT64_C(1) << i)) != 0) {
            return fault_at(
                c->fault, c->file, c->line, "%s= is given twice", key);
        }
        d->given |= UINT64_C(1) << i;
        if (keys[i].request) {
            d->shared = NULL;
        }
        return keys[i].set(c, key, value);
    }
    return fault_at(
        c->fault, c->file, c->line, "unknown key '" WORD_SHOWN "'", key);
}

/* Is it a list of files of which 'word' is the beginning? */
static bool lists_files(const struct text *word)
{
    return strncmp(word->data, "in=", 3) == 0
           || strncmp(word->data, "out=", 4) == 0;
}

/* The next word of *text, unquoted, into 'word'; false at the end. */
static hay_status
next_word(struct context *c, const char **text, struct text *word, bool *found)
{
    const char *p = *text + strspn(*text, " \t\f\v");
    char quote = '\0';
    text_clear(word);
    *found = *p != '\0' && *p != '#';
    if (!*found) {
        return HAY_OK;
    }
    for (; *p != '\0'; p++) {
        if (quote == '\0' && strchr(" \t\f\v", *p) != NULL) {
            break;
        }
        if (quote == '\0' && (*p == '\'' || *p == '"')) {
            quote = *p;
        } else if (quote != '\0' && *p == quote) {
            quote = '\0';
        } else {
            bool escapes = quote == '\0'
                           || (quote == '"' && (p[1] == '"' || p[1] == '\\'));
            bool quoted = quote != '\0';
            if (*p == '\\' && escapes && p[1] != '\0') {
                quoted = true;
                p++;
            }
            bool kept = quoted && *p == ',' && lists_files(word);
            text_add(word, kept ? (const char[]){QUOTED_COMMA} : p, 1);
        }
    }
    if (quote != '\0') {
        return fault_at(
            c->fault, c->file, c->line, "a quote %c is not closed", quote);
    }
    *text = p;
    return HAY_OK;
}

hay_status directive_parse(struct directive *d,
                           struct arena *arena,
                           const char *text,
                           bool defaults,
                           const char *file,
                           uint32_t line,
                           struct fault *fault)
{
    struct context c = {d, arena, file, line, fault};
    struct text word = TEXT_INIT;
    bool found = true;
    if (!d->open) {
        d->open = true;
        d->line = line;
    }
    hay_status status = next_word(&c, &text, &word, &found);
    while (status == HAY_OK && found) {
        char *equals = strchr(word.data, '=');
        if (equals == NULL) {
            status = fault_at(fault,
                              file,
                              line,
                              "'" WORD_SHOWN "' is not KEY=VALUE",
                              word.data);
            break;
        }
        *equals = '\0';
        status = set_key(&c, word.data, equals + 1, defaults);
        if (status == HAY_OK) {
            status = next_word(&c, &text, &word, &found);
        }
    }
    text_fini(&word);
    return status;
}

void directive_init(struct directive *d)
{
    *d = (struct directive){.open = false};
}

void directive_fini(struct directive *d)
{
    free(d->refs);
    *d = (struct directive){.open = false};
}

void directive_reset(struct directive *d, const struct request *defaults)
{
    struct reference *refs = d->refs;
    size_t room = d->ref_room;
    *d = (struct directive){.refs = refs, .ref_room = room};
    d->request = *defaults;
    d->shared = defaults;
    d->step = 1;
    d->count = 1;
}

const struct request *directive_request(struct directive *d,
                                        struct arena *arena)
{
    if (d->shared == NULL) {
        struct request *copy = arena_alloc(arena, sizeof *copy);
        *copy = d->request;
        d->shared = copy;
    }
    return d->shared;
}
