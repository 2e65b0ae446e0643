/* taskfile.c - Hayfork's own task file; see taskfile.h.
 *
 * Physical lines become logical ones (\ at the end continues), and each is a
 * directive, a comment or a command.  A continued command keeps its \ and
 * newline, since the shell reads them too.  Names in after= are looked up when
 * all is read, in a stream when the command is read.
 */
#include "config.h"

#include "directive.h"
#include "disbatch.h"
#include "files.h"
#include "lines.h"
#include "taskfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A reference of a block, to be looked up at the end. */
struct open_ref {
    struct reference ref;
    uint32_t block;
};

struct taskfile {
    struct workload *w;
    bool stream;
    const struct request *defaults;
    struct directive directive;
    struct text line;    /* of which the end has not come yet */
    struct text logical; /* of which lines are still to come */
    bool continued;
    uint32_t line_number;    /* of the last physical line */
    uint32_t logical_number; /* of the logical line's first */
    struct open_ref *refs;
    size_t ref_count, ref_room;
};

struct taskfile *
taskfile_new(struct workload *w, const struct request *defaults, bool stream)
{
    struct taskfile *tf = mem_alloc(1, sizeof *tf);
    struct request *copy = arena_alloc(&w->arena, sizeof *copy);
    *copy = *defaults;
    *tf = (struct taskfile){
        .w = w, .stream = stream, .defaults = copy, .line = TEXT_INIT};
    text_clear(&tf->line);
    text_clear(&tf->logical);
    directive_init(&tf->directive);
    directive_reset(&tf->directive, tf->defaults);
    return tf;
}

void taskfile_free(struct taskfile *tf)
{
    if (tf != NULL) {
        directive_fini(&tf->directive);
        text_fini(&tf->line);
        text_fini(&tf->logical);
        free(tf->refs);
        free(tf);
    }
}

/* ---- references ---- */

static hay_status resolve(struct workload *w,
                          const struct reference *ref,
                          uint32_t user_index,
                          struct dep *dep,
                          struct fault *fault)
{
    const struct block *user = &w->blocks[user_index];
    uint32_t index = workload_find(w, ref->name);
    if (index == NO_BLOCK) {
        return fault_at(
            fault, w->file, ref->line, "unknown task '%.80s'", ref->name);
    }
    struct block *parent = &w->blocks[index];
    *dep = (struct dep){.block = index, .any = ref->any, .same = ref->same};
    dep->count = parent->count;
    if ((ref->same || ref->element) && !parent->array) {
        return fault_at(
            fault, w->file, ref->line, "'%.80s' is no array", ref->name);
    }
    if (ref->same && !user->array) {
        return fault_at(fault,
                        w->file,
                        ref->line,
                        "after '%.80s[n]', but this task is no array",
                        ref->name);
    }
    if (ref->same && !block_covers(parent, user)) {
        return fault_at(fault,
                        w->file,
                        ref->line,
                        "'%.80s' has no element for each index of '%.80s'",
                        ref->name,
                        user->name);
    }
    if (ref->element) {
        uint64_t last;
        if (!block_element(parent, ref->first, &dep->first)
            || !block_element(parent, ref->last, &last)) {
            return fault_at(fault,
                            w->file,
                            ref->line,
                            "'%.80s' has no element %" PRIu64,
                            ref->name,
                            block_element(parent, ref->first, &last)
                                ? ref->last
                                : ref->first);
        }
        dep->count = last - dep->first + 1;
    }
    parent->users++;
    return HAY_OK;
}

static hay_status
resolve_now(struct taskfile *tf, uint32_t block, struct fault *fault)
{
    for (size_t i = 0; i < tf->directive.ref_count; i++) {
        struct dep dep;
        hay_status status =
            resolve(tf->w, &tf->directive.refs[i], block, &dep, fault);
        if (status != HAY_OK) {
            return status;
        }
        workload_add_dep(tf->w, &dep);
    }
    return HAY_OK;
}

static void resolve_later(struct taskfile *tf, uint32_t block)
{
    for (size_t i = 0; i < tf->directive.ref_count; i++) {
        struct dep none = {.block = NO_BLOCK};
        tf->refs =
            mem_grow(tf->refs, tf->ref_count, &tf->ref_room, sizeof *tf->refs);
        tf->refs[tf->ref_count++] =
            (struct open_ref){tf->directive.refs[i], block};
        workload_add_dep(tf->w, &none);
    }
}

/* ---- lines ---- */

/* FILE:/DATASET#N in its parts. */
static void cut_name(struct arena *arena,
                     const char **file,
                     const char **dataset,
                     const char **chunk)
{
    const char *colon = strstr(*file, ":/");
    *dataset = NULL;
    *chunk = NULL;
    if (colon == NULL || colon == *file) {
        return;
    }
    const char *name = colon + 1;
    const char *sharp = strrchr(name, '#');
    if (sharp != NULL) {
        *chunk = sharp + 1;
    }
    size_t length = sharp != NULL ? (size_t)(sharp - name) : strlen(name);
    *dataset = arena_text(arena, name, length);
    *file = arena_text(arena, *file, (size_t)(colon - *file));
}

static struct block_files *files_of(struct arena *arena,
                                    const struct directive *d)
{
    if (d->in.count == 0 && d->out.count == 0) {
        return NULL;
    }
    struct block_files *files = arena_alloc(arena, sizeof *files);
    const char **list =
        arena_alloc(arena, (2 * d->in.count + 1) * sizeof *list);
    const char **dataset = list;
    const char **chunk = list + d->in.count;
    bool datasets = false;
    for (size_t i = 0; i < d->in.count; i++) {
        cut_name(arena, &d->in.names[i], &dataset[i], &chunk[i]);
        datasets = datasets || dataset[i] != NULL;
    }
    *files = (struct block_files){
        .in = d->in.names,
        .dataset = dataset,
        .chunk = chunk,
        .datasets = datasets,
        .in_count = d->in.count,
        .out = d->out.names,
        .out_count = d->out.count,
    };
    return files;
}

/* A stream's last block does not run. */
static void take_back(struct workload *w)
{
    struct block *block = &w->blocks[--w->block_count];
    w->task_count -= block->count;
    if (block->files != NULL) {
        free(block->files->makers);
    }
}

/* Only inputs may name a dataset. */
static hay_status check_out(struct taskfile *tf, struct fault *fault)
{
    const struct directive *d = &tf->directive;
    for (size_t i = 0; i < d->out.count; i++) {
        const char *colon = strstr(d->out.names[i], ":/");
        if (colon != NULL && colon != d->out.names[i]) {
            return fault_at(fault,
                            tf->w->file,
                            d->line,
                            "out=%.300s: name the file only, no dataset in it",
                            d->out.names[i]);
        }
    }
    return HAY_OK;
}

static hay_status
add_command(struct taskfile *tf, const char *text, struct fault *fault)
{
    struct workload *w = tf->w;
    struct directive *d = &tf->directive;
    uint32_t index;
    size_t length = strlen(text);
    hay_status status = workload_check(w, tf->logical_number, length, fault);
    if (status != HAY_OK) {
        return status;
    }
    struct block block = {
        .name = d->name,
        .text = arena_text(&w->arena, text, length),
        .request = directive_request(d, &w->arena),
        .first = d->array ? d->first : 0,
        .step = d->array ? d->step : 1,
        .count = d->array ? d->count : 1,
        .line = d->open ? d->line : tf->logical_number,
        .array = d->array,
        .files = files_of(&w->arena, d),
    };
    status = check_out(tf, fault);
    if (status != HAY_OK) {
        return status;
    }
    status = workload_add(w, &block, &index, fault);
    if (status == HAY_OK && tf->stream) {
        status = resolve_now(tf, index, fault);
        if (status == HAY_OK) {
            status = files_resolve(w, index, true, fault);
        }
        if (status == HAY_OK) {
            status = files_add(w, index, fault);
        }
        if (status != HAY_OK) {
            take_back(w);
        }
    } else if (status == HAY_OK) {
        resolve_later(tf, index);
    }
    if (status == HAY_OK && d->name != NULL && !workload_name(w, index)) {
        uint32_t other = workload_find(w, d->name);
        uint32_t line = w->blocks[other].line;
        if (tf->stream) {
            take_back(w);
        }
        status = fault_at(fault,
                          w->file,
                          block.line,
                          "the name '%.80s' is taken by line %" PRIu32,
                          d->name,
                          line);
    }
    directive_reset(d, tf->defaults);
    return status;
}

/* The text behind "#HAY", or NULL if 'text' is no such line. */
static const char *directive_text(const char *text)
{
    text += strspn(text, " \t");
    if (strncmp(text, "#HAY", 4) == 0
        && (text[4] == '\0' || strchr(" \t", text[4]) != NULL)) {
        return text + 4;
    }
    return NULL;
}

static hay_status
add_directive(struct taskfile *tf, const char *text, struct fault *fault)
{
    struct directive *d = &tf->directive;
    const char *file = tf->w->file;
    uint32_t line = tf->logical_number;
    size_t skip = strspn(text, " \t");
    size_t word = strcspn(text + skip, " \t");
    if (word != strlen("defaults")
        || strncmp(text + skip, "defaults", word) != 0) {
        return directive_parse(
            d, &tf->w->arena, text, false, file, line, fault);
    }
    if (d->open) {
        return fault_at(
            fault,
            file,
            line,
            "defaults between the #HAY line of a task (line %" PRIu32
            ") and its command",
            d->line);
    }
    hay_status status = directive_parse(
        d, &tf->w->arena, text + skip + word, true, file, line, fault);
    tf->defaults = directive_request(d, &tf->w->arena);
    directive_reset(d, tf->defaults);
    return status;
}

static hay_status logical_line(struct taskfile *tf, struct fault *fault)
{
    const char *text = tf->logical.data + strspn(tf->logical.data, " \t\f\v");
    const char *directive = directive_text(text);
    hay_status status = HAY_OK;
    if (tf->stream && disbatch_guess(text)) {
        status = fault_at(fault,
                          tf->w->file,
                          tf->logical_number,
                          "a line of disBatch; files of other tools are not "
                          "read from standard input");
    } else if (directive != NULL) {
        status = add_directive(tf, directive, fault);
    } else if (*text != '\0' && *text != '#') {
        status = add_command(tf, text, fault);
    }
    text_clear(&tf->logical);
    return status;
}

/* Is the last backslash of the line one that continues it? */
static bool continues(const char *line, size_t length)
{
    size_t backslashes = 0;
    while (backslashes < length && line[length - 1 - backslashes] == '\\') {
        backslashes++;
    }
    return backslashes % 2 == 1;
}

static hay_status physical_line(struct taskfile *tf,
                                const char *line,
                                size_t length,
                                struct fault *fault)
{
    const char *file = tf->w->file;
    unsigned byte;
    if (tf->line_number == UINT32_MAX - 1) {
        return fault_at(fault, file, tf->line_number, "too many lines");
    }
    tf->line_number++;
    if (tf->line_number == 1 && length >= 3
        && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
        line += 3;
        length -= 3;
    }
    if (length > 0 && line[length - 1] == '\r') {
        length--;
    }
    if (tf->logical.length + length > TASKFILE_LINE_MAX) {
        return fault_at(fault,
                        file,
                        tf->line_number,
                        "a line longer than %zu bytes",
                        TASKFILE_LINE_MAX);
    }
    if (!lines_text(line, length, &byte)) {
        return fault_at(fault,
                        file,
                        tf->line_number,
                        "not a text: a byte 0x%02x; is the file binary?",
                        byte);
    }
    if (!tf->continued) {
        tf->logical_number = tf->line_number;
    }
    text_add(&tf->logical, line, length);
    const char *text = tf->logical.data + strspn(tf->logical.data, " \t\f\v");
    bool directive = directive_text(text) != NULL;
    tf->continued = continues(line, length) && (directive || text[0] != '#');
    if (!tf->continued) {
        return logical_line(tf, fault);
    }
    if (directive) {
        tf->logical.data[tf->logical.length - 1] = ' ';
    } else {
        text_add(&tf->logical, "\n", 1);
    }
    return HAY_OK;
}

hay_status taskfile_feed(struct taskfile *tf,
                         const char *data,
                         size_t size,
                         struct fault *fault)
{
    hay_status status = HAY_OK;
    const char *end = data + size;
    while (data < end && status == HAY_OK) {
        const char *newline = memchr(data, '\n', (size_t)(end - data));
        size_t length = (size_t)((newline == NULL ? end : newline) - data);
        if (newline != NULL && tf->line.length == 0) {
            status = physical_line(tf, data, length, fault);
        } else {
            text_add(&tf->line, data, length);
            if (newline != NULL || tf->line.length > TASKFILE_LINE_MAX) {
                status =
                    physical_line(tf, tf->line.data, tf->line.length, fault);
                text_clear(&tf->line);
            }
        }
        data += length + (newline != NULL ? 1 : 0);
    }
    return status;
}

/* All is read: who writes what, then who reads it. */
static hay_status resolve_files(struct workload *w, struct fault *fault)
{
    hay_status status = HAY_OK;
    for (uint32_t i = 0; i < w->block_count && status == HAY_OK; i++) {
        status = files_add(w, i, fault);
    }
    for (uint32_t i = 0; i < w->block_count && status == HAY_OK; i++) {
        status = files_resolve(w, i, false, fault);
    }
    return status;
}

hay_status taskfile_end(struct taskfile *tf, struct fault *fault)
{
    struct workload *w = tf->w;
    hay_status status = HAY_OK;
    if (tf->line.length > 0) {
        status = physical_line(tf, tf->line.data, tf->line.length, fault);
        text_clear(&tf->line);
    }
    if (status == HAY_OK && tf->continued) {
        return fault_at(fault,
                        w->file,
                        tf->line_number,
                        "the last line ends with \\, and nothing follows");
    }
    if (status == HAY_OK && tf->directive.open) {
        return fault_at(fault,
                        w->file,
                        tf->directive.line,
                        "no command follows this #HAY line");
    }
    if (status == HAY_OK && w->block_count == 0) {
        return fault_at(fault,
                        w->file,
                        tf->line_number == 0 ? 1 : tf->line_number,
                        tf->line_number == 0 ? "the file is empty"
                                             : "no task in the file");
    }
    for (size_t i = 0; i < tf->ref_count && status == HAY_OK; i++) {
        const struct open_ref *open = &tf->refs[i];
        status = resolve(w, &open->ref, open->block, &w->deps[i], fault);
    }
    return status == HAY_OK && !tf->stream ? resolve_files(w, fault) : status;
}

/* ---- files ---- */

hay_status
file_read(const char *path, char **data, size_t *size, struct fault *fault)
{
    size_t room = 1 << 16;
    size_t used = 0;
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return fault_set(fault, HAY_EIO, "%.500s: %s", path, strerror(errno));
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        room = (size_t)st.st_size + 2;
    }
    char *bytes = mem_alloc(room, 1);
    ssize_t got;
    while ((got = read(fd, bytes + used, room - used - 1)) != 0) {
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            fault_set(fault, HAY_EIO, "%.500s: %s", path, strerror(errno));
            free(bytes);
            close(fd);
            return HAY_EIO;
        }
        used += (size_t)got;
        if (used == room - 1) {
            room *= 2;
            bytes = mem_resize(bytes, room, 1);
        }
    }
    close(fd);
    bytes[used] = '\0';
    *data = bytes;
    *size = used;
    return HAY_OK;
}

hay_status taskfile_parse(const char *data,
                          size_t size,
                          const struct request *defaults,
                          struct workload *w,
                          struct fault *fault)
{
    struct taskfile *tf = taskfile_new(w, defaults, false);
    hay_status status = taskfile_feed(tf, data, size, fault);
    if (status == HAY_OK) {
        status = taskfile_end(tf, fault);
    }
    if (status == HAY_OK) {
        status = workload_order(w, fault);
    }
    taskfile_free(tf);
    return status;
}
