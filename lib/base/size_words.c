/* size_words.c - see size_words.h. */
#include "config.h"

#include "base/size_words.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>

static void print(uint64_t bytes, bool up, char *text, size_t size)
{
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    if (bytes < 1024) {
        (void)snprintf(text, size, "%" PRIu64 " bytes", bytes);
        return;
    }
    size_t unit = 0;
    uint64_t one = 1024;
    while (unit < 3 && bytes / one >= 1024) {
        one *= 1024;
        unit++;
    }
    uint64_t whole = bytes / one;
    uint64_t rest = bytes % one * 10; /* less than 10 TiB */
    uint64_t tenths = rest / one + (up && rest % one != 0 ? 1 : 0);
    (void)snprintf(text,
                   size,
                   "%" PRIu64 ".%" PRIu64 " %s",
                   whole + tenths / 10,
                   tenths % 10,
                   units[unit]);
}

void hayi_size_words(uint64_t bytes, char *text, size_t size)
{
    print(bytes, false, text, size);
}

void hayi_size_words_up(uint64_t bytes, char *text, size_t size)
{
    print(bytes, true, text, size);
}
