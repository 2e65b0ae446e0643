/* tomlfile.h - a TOML document as a tree, each value with its line.
 *
 * Read by toml++, which is C++ and may be absent when Hayfork is built: then
 * every document is refused with that word.
 */
#ifndef APPS_TOMLFILE_H
#define APPS_TOMLFILE_H

#include "arena.h"
#include "fault.h"

#include <stdint.h>

enum toml_kind {
    TOML_TEXT,
    TOML_INTEGER,
    TOML_REAL,
    TOML_BOOLEAN,
    TOML_LIST,
    TOML_TABLE,
    TOML_TIME /* dates and times, of which only that is told */
};

/* All of it lies in the arena. */
struct toml_node {
    enum toml_kind kind;
    uint32_t line;
    const char *key;  /* in a table; else NULL */
    const char *text; /* without a 0 in it */
    int64_t integer;
    double real;
    bool boolean;
    struct toml_node *items; /* items[count], of lists and tables */
    size_t count;
};

/* data[size], of 'file' as it is called in messages.  HAY_EINVAL: it is not
 * TOML, "FILE:LINE: what"; HAY_EUNSUPPORTED: built without toml++. */
hay_status tomlfile_parse(struct arena *arena,
                          const char *file,
                          const char *data,
                          size_t size,
                          struct toml_node *root,
                          struct fault *fault);

/* Was Hayfork built with toml++? */
bool tomlfile_available(void);

#endif
