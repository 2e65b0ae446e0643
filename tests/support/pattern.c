/* pattern.c - see pattern.h. */
#include "config.h"

#include "support/pattern.h"

#include <string.h>

/* A word of an object's pattern. */
static uint64_t word_of(uint64_t seed, uint64_t i)
{
    return (seed * 0x9e3779b97f4a7c15u) ^ (i * 0xbf58476d1ce4e5b9u);
}

void pattern_fill(void *data, uint64_t size_bytes, uint64_t seed)
{
    uint64_t *words = data;
    for (uint64_t i = 0; i < size_bytes / 8; i++) {
        words[i] = word_of(seed, i);
    }
    memset((char *)data + size_bytes / 8 * 8, 0x5a, size_bytes % 8);
}

bool pattern_is_in(const void *data, uint64_t size_bytes, uint64_t seed)
{
    const uint64_t *words = data;
    for (uint64_t i = 0; i < size_bytes / 8; i++) {
        if (words[i] != word_of(seed, i)) {
            return false;
        }
    }
    for (uint64_t i = size_bytes / 8 * 8; i < size_bytes; i++) {
        if (((const unsigned char *)data)[i] != 0x5a) {
            return false;
        }
    }
    return true;
}
