/* size_words.h - sizes in words: "17 bytes", "1.5 GiB".
 *
 * Owns: nothing.
 * Never: needs more than HAYI_SIZE_WORDS_MAX bytes for one.
 * Threads: any.
 */
#ifndef HAYI_BASE_SIZE_WORDS_H
#define HAYI_BASE_SIZE_WORDS_H

#include <stddef.h>
#include <stdint.h>

enum { HAYI_SIZE_WORDS_MAX = 32 };

/* One decimal, rounded down: never more than it is. */
void hayi_size_words(uint64_t bytes, char *text, size_t size);
/* The same rounded up. */
void hayi_size_words_up(uint64_t bytes, char *text, size_t size);

#endif
