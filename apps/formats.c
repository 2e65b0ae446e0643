/* formats.c - the formats of task files; see formats.h.
 *
 * A format is told by the first line that is no plain comment, and by lines
 * that only one tool has; by the ending .toml.  All else is Hayfork's own, of
 * which plain lists of commands are a part, unless the commands look at a
 * number that only one tool gives them.
 */
#include "config.h"

#include "disbatch.h"
#include "formats.h"
#include "hqtoml.h"
#include "paralleljob.h"
#include "pmc.h"
#include "taskfile.h"
#include "wfformat.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *option, *tool;
    enum format format;
} names[] = {
    {"hayfork", "Hayfork", FORMAT_HAYFORK},
    {"pmc", "pegasus-mpi-cluster", FORMAT_PMC},
    {"hq", "HyperQueue", FORMAT_HQ},
    {"disbatch", "disBatch", FORMAT_DISBATCH},
    {"parallel", "GNU parallel", FORMAT_PARALLEL},
    {"launcher", "Launcher", FORMAT_LAUNCHER},
};
#define NAME_COUNT (sizeof names / sizeof names[0])

bool formats_named(const char *name, enum format *format)
{
    for (size_t i = 0; i < NAME_COUNT; i++) {
        if (strcmp(name, names[i].option) == 0) {
            *format = names[i].format;
            return true;
        }
    }
    *format = FORMAT_AUTO;
    return strcmp(name, "auto") == 0;
}

const char *formats_tool(enum format format, const char **option)
{
    size_t i = 0;
    while (names[i].format != format) {
        i++;
    }
    *option = names[i].option;
    return names[i].tool;
}

/* Which lines that only one tool has are there. */
struct signs {
    bool begun; /* a line that is no comment was seen */
    bool hay, disbatch, pmc, hq;
    uint32_t line; /* where a second tool's begin; 0: nowhere */
};

static bool is_hay(const char *line)
{
    line += strspn(line, " \t");
    return strncmp(line, "#HAY", 4) == 0
           && (line[4] == '\0' || line[4] == ' ' || line[4] == '\t');
}

static void look_at(struct signs *signs, const char *line, uint32_t number)
{
    bool before = signs->hay || signs->disbatch;
    const char *text = line + strspn(line, " \t");
    signs->hay = signs->hay || is_hay(line);
    signs->disbatch = signs->disbatch || disbatch_guess(line);
    if (signs->hay && signs->disbatch && before && signs->line == 0) {
        signs->line = number;
    }
    if (!signs->begun && *text != '\0' && *text != '#') {
        signs->begun = true;
        signs->pmc = pmc_guess(line);
        signs->hq = hqtoml_guess(line);
    }
}

static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path);
    size_t size = strlen(ending);
    return length > size && strcmp(path + length - size, ending) == 0;
}

/* A plain list whose commands look at a tool's variables? */
static enum format guess_list(const char *data)
{
    return strstr(data, "PARALLEL_SEQ") != NULL     ? FORMAT_PARALLEL
           : strstr(data, "LAUNCHER_JID") != NULL   ? FORMAT_LAUNCHER
           : strstr(data, "LAUNCHER_NJOBS") != NULL ? FORMAT_LAUNCHER
                                                    : FORMAT_HAYFORK;
}

static hay_status guess(const char *path,
                        const char *data,
                        size_t size,
                        enum format *format,
                        struct fault *fault)
{
    struct signs signs = {.begun = false};
    struct text line = TEXT_INIT;
    uint32_t number = 0;
    const char *first = data;
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        first += 3; /* a byte order mark */
    }
    if (wfformat_guess(data, size)) {
        return fault_at(fault,
                        path,
                        1,
                        "this is JSON; recorded workflows are run by hayfork "
                        "replay");
    }
    for (const char *at = first; at < data + size;) {
        size_t length = strcspn(at, "\n");
        text_clear(&line);
        text_add(&line, at, length < 100 ? length : 100);
        look_at(&signs, line.data, ++number);
        at += length + 1;
    }
    text_fini(&line);
    if (signs.line != 0) {
        return fault_at(fault,
                        path,
                        signs.line,
                        "lines of disBatch and of Hayfork in one file; say "
                        "which it is by --format=disbatch or --format=hayfork");
    }
    *format = ends_with(path, ".toml") ? FORMAT_HQ
              : signs.hay              ? FORMAT_HAYFORK
              : signs.disbatch         ? FORMAT_DISBATCH
              : signs.pmc              ? FORMAT_PMC
              : signs.hq               ? FORMAT_HQ
                                       : guess_list(data);
    return HAY_OK;
}

/* ---- lists whose commands see their numbers ---- */

/* numbers[count]: of each line, from line 1; Launcher counts those that are not
 * empty, GNU parallel all. */
static uint32_t *
number_lines(const char *data, bool all, size_t *count, uint32_t *last)
{
    uint32_t *numbers = NULL;
    size_t room = 0;
    *count = 0;
    *last = 0;
    while (*data != '\0') {
        size_t length = strcspn(data, "\n");
        bool counts = all || length > (data[0] == '\r' ? 1u : 0u);
        numbers = mem_grow(numbers, *count, &room, sizeof *numbers);
        *last += counts ? 1 : 0;
        numbers[(*count)++] = *last;
        data += length + (data[length] == '\n' ? 1 : 0);
    }
    return numbers;
}

/* What tells of more than a command, of Hayfork's own, has no place there. */
static hay_status check_list(const struct workload *w, struct fault *fault)
{
    for (size_t i = 0; i < w->block_count; i++) {
        const struct block *block = &w->blocks[i];
        if (block->name != NULL || block->dep_count > 0
            || block->files != NULL) {
            return fault_at(fault,
                            w->file,
                            block->line,
                            "a #HAY line in a list of another tool");
        }
    }
    return HAY_OK;
}

static hay_status read_list(char *data,
                            size_t size,
                            enum format format,
                            const struct request *defaults,
                            struct workload *w,
                            struct fault *fault)
{
    bool parallel = format == FORMAT_PARALLEL;
    struct text text = TEXT_INIT;
    size_t count;
    uint32_t last;
    uint32_t *numbers = number_lines(data, parallel, &count, &last);
    hay_status status = taskfile_parse(data, size, defaults, w, fault);
    if (status == HAY_OK) {
        status = check_list(w, fault);
    }
    for (size_t i = 0; i < w->block_count && status == HAY_OK; i++) {
        struct block *block = &w->blocks[i];
        if (block->line >= 1 && block->line <= count) {
            block->number = numbers[block->line - 1];
        }
    }
    if (parallel) {
        paralleljob_number(w);
    } else {
        text_format(&text, "LAUNCHER_NJOBS=%" PRIu32, last);
        w->number_name = "LAUNCHER_JID";
        w->number_env = arena_text(&w->arena, text.data, text.length);
    }
    text_fini(&text);
    free(numbers);
    return status;
}

hay_status formats_parse(char *data,
                         size_t size,
                         enum format format,
                         const struct request *defaults,
                         struct workload *w,
                         enum format *taken,
                         struct fault *fault)
{
    struct lines lines;
    struct request *copy = arena_alloc(&w->arena, sizeof *copy);
    *copy = *defaults;
    lines_init(&lines, w->file, data, size);
    if (format == FORMAT_AUTO) {
        hay_status status = guess(w->file, data, size, &format, fault);
        if (status != HAY_OK) {
            return status;
        }
    }
    *taken = format;
    switch (format) {
    case FORMAT_PMC:
        return pmc_parse(&lines, copy, w, fault);
    case FORMAT_DISBATCH:
        return disbatch_parse(&lines, copy, w, fault);
    case FORMAT_HQ:
        return hqtoml_parse(data, size, copy, w, fault);
    case FORMAT_PARALLEL:
    case FORMAT_LAUNCHER:
        return read_list(data, size, format, copy, w, fault);
    default:
        return taskfile_parse(data, size, copy, w, fault);
    }
}

hay_status formats_read(const char *path,
                        enum format format,
                        const struct request *defaults,
                        struct workload *w,
                        enum format *taken,
                        struct fault *fault)
{
    char *data = NULL;
    size_t size = 0;
    hay_status status = file_read(path, &data, &size, fault);
    if (status == HAY_OK) {
        status = formats_parse(data, size, format, defaults, w, taken, fault);
        free(data);
    }
    return status;
}
