/* formats.c - the formats of task files; see formats.h.
 *
 * A format is told by the first line that is no plain comment, and by lines
 * that only one tool has; by the ending .toml.  All else is Hayfork's own, of
 * which plain lists of commands are a part.
 */
#include "config.h"

#include "disbatch.h"
#include "formats.h"
#include "hqtoml.h"
#include "pmc.h"
#include "taskfile.h"
#include "wfformat.h"

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

static hay_status guess(const char *path,
                        const char *data,
                        size_t size,
                        enum format *format,
                        struct fault *fault)
{
    struct signs signs = {.begun = false};
    struct text line = TEXT_INIT;
    uint32_t number = 0;
    if (wfformat_guess(data, size)) {
        return fault_at(fault,
                        path,
                        1,
                        "this is JSON; recorded workflows are run by hayfork "
                        "replay");
    }
    for (const char *at = data; at < data + size;) {
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
                                       : FORMAT_HAYFORK;
    return HAY_OK;
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
