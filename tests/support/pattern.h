/* pattern.h - bytes that tell whose they are.
 *
 * Owns: nothing.
 * Never: takes a size that its buffer has not.
 * Threads: any.
 */
#ifndef HAYFORK_TESTS_SUPPORT_PATTERN_H
#define HAYFORK_TESTS_SUPPORT_PATTERN_H

#include <stdbool.h>
#include <stdint.h>

void pattern_fill(void *data, uint64_t size_bytes, uint64_t seed);
/* Is each byte what pattern_fill() wrote? */
bool pattern_is_in(const void *data, uint64_t size_bytes, uint64_t seed);

#endif
