/* directive.h - one "#HAY key=value ..." line of a task file.
 *
 * The words of a line are added to a struct directive, which then tells what
 * the next command asks for.
 */
#ifndef APPS_DIRECTIVE_H
#define APPS_DIRECTIVE_H

#include "workload.h"

/* One name in after= or afterany=; what it stands for is looked up later. */
struct reference {
    const char *name;
    uint32_t line;
    bool any;
    bool same;            /* NAME[n] */
    bool element;         /* NAME[first] or NAME[first..last] */
    uint64_t first, last; /* indices */
};

/* The names in in= or out=, in the arena. */
struct file_list {
    const char **names;
    size_t count;
};

struct directive {
    bool open;        /* something was said for the next command */
    uint32_t line;    /* of its first word */
    uint64_t given;   /* which keys were */
    const char *name; /* NULL: none */
    bool array;
    uint64_t first, step, count;
    struct request request;
    const struct request *shared; /* request, if nothing changed it */
    struct reference *refs;       /* malloc'ed */
    size_t ref_count, ref_room;
    struct file_list in, out;
};

void directive_init(struct directive *d);
void directive_fini(struct directive *d);
/* Begin anew with these defaults. */
void directive_reset(struct directive *d, const struct request *defaults);

/* Add the words of 'text', which comes after "#HAY".  What is kept is copied to
 * the arena.  defaults: 'text' came after "#HAY defaults".
 * HAY_EINVAL: fault says what and where. */
hay_status directive_parse(struct directive *d,
                           struct arena *arena,
                           const char *text,
                           bool defaults,
                           const char *file,
                           uint32_t line,
                           struct fault *fault);

/* What it asks for, as one request in the arena. */
const struct request *directive_request(struct directive *d,
                                        struct arena *arena);

#endif
