/* file_name.c - see file_name.h. */
#include "config.h"

#include "base/file_name.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void hayi_file_name(const char *name, char *text, size_t size)
{
    size_t i = 0;
    assert(size > 0);
    for (; name[i] != 0 && i + 1 < size; i++) {
        unsigned char c = (unsigned char)name[i];
        text[i] = c < ' ' || c == '/' || c == 127 ? '_' : name[i];
    }
    text[i] = 0;
    if (text[0] == '.') {
        text[0] = '_';
    }
}

void hayi_output_prefix(uint32_t epoch,
                        uint32_t worker,
                        char text[HAYI_OUTPUT_PREFIX_MAX])
{
    if (epoch > 1) {
        (void)snprintf(text,
                       HAYI_OUTPUT_PREFIX_MAX,
                       "e%" PRIu32 ".w%" PRIu32,
                       epoch,
                       worker);
    } else {
        (void)snprintf(text, HAYI_OUTPUT_PREFIX_MAX, "w%" PRIu32, worker);
    }
}

bool hayi_output_is_scratch(const char *name)
{
    unsigned epoch;
    unsigned worker;
    unsigned slot;
    char end[4] = "";
    int used = 0;
    name += name[0] == '.';
    if (sscanf(name, "e%9u.%n", &epoch, &used) == 1 && used > 0) {
        name += used;
    }
    used = 0;
    return sscanf(name, "w%9u.s%9u.now.%3s%n", &worker, &slot, end, &used) == 3
           && name[used] == 0
           && (strcmp(end, "out") == 0 || strcmp(end, "err") == 0);
}
