/* amount.h - amounts of resources: whole numbers of a ten-thousandth each.
 *
 * Owns: nothing.
 * Never: needs more than HAYI_AMOUNT_WORDS_MAX bytes for one in words.
 * Threads: any.
 */
#ifndef HAYI_BASE_AMOUNT_H
#define HAYI_BASE_AMOUNT_H

#include <stddef.h>
#include <stdint.h>

enum {
    HAYI_AMOUNT_DECIMALS = 4,
    HAYI_AMOUNT_WORDS_MAX = 24, /* with the 0 */
};
/* Units of one. */
#define HAYI_AMOUNT_ONE 10000u

/* "2" or "0.25"; writes at most size bytes, ends with 0. */
void hayi_amount_print(uint64_t units, char *text, size_t size);

#endif
