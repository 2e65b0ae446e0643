/* reading.h - what the unit tests of the formats have in common. */
#ifndef TESTS_UNIT_APPS_READING_H
#define TESTS_UNIT_APPS_READING_H

#include "support/unit.h"

#include "formats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct workload w;
static struct fault fault;

static inline void setup(void)
{
    workload_init(&w, "t.x");
    fault.text[0] = '\0';
}

static inline void teardown(void)
{
    workload_fini(&w);
}

/* Read 'text' into an empty workload. */
static inline hay_status read_text(enum format format, const char *text)
{
    static const struct request defaults = REQUEST_INIT;
    enum format taken;
    size_t size = strlen(text);
    char *copy = mem_alloc(size + 1, 1);
    memcpy(copy, text, size + 1);
    teardown();
    setup();
    hay_status status =
        formats_parse(copy, size, format, &defaults, &w, &taken, &fault);
    free(copy);
    return status;
}

static inline void reads(enum format format, const char *text)
{
    hay_status status = read_text(format, text);
    CU_ASSERT_EQUAL_FATAL(status, HAY_OK);
    CU_ASSERT_STRING_EQUAL(fault.text, "");
}

static inline void
refuses(enum format format, const char *text, const char *words)
{
    CU_ASSERT_EQUAL(read_text(format, text), HAY_EINVAL);
    CU_ASSERT_STRING_EQUAL(fault.text, words);
    if (strcmp(fault.text, words) != 0) {
        printf("# said: %s\n", fault.text);
    }
}

/* Does block 'block' come after block 'parent'? */
static inline bool is_after(uint32_t block, uint32_t parent, bool any)
{
    for (uint32_t i = 0; i < w.blocks[block].dep_count; i++) {
        const struct dep *dep = &w.deps[w.blocks[block].dep_first + i];
        if (dep->block == parent && dep->any == any) {
            return true;
        }
    }
    return false;
}

#endif
