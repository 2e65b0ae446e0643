/* amount.c - see amount.h. */
#include "config.h"

#include "base/amount.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static_assert(HAYI_AMOUNT_DECIMALS == 4 && HAYI_AMOUNT_ONE == 10000,
              "the words and the unit have as many decimals");

void hayi_amount_print(uint64_t units, char *text, size_t size)
{
    uint64_t whole = units / HAYI_AMOUNT_ONE;
    unsigned rest = (unsigned)(units % HAYI_AMOUNT_ONE);
    int digits = HAYI_AMOUNT_DECIMALS;
    if (rest == 0) {
        (void)snprintf(text, size, "%" PRIu64, whole);
        return;
    }
    while (rest % 10 == 0) {
        rest /= 10;
        digits--;
    }
    (void)snprintf(text, size, "%" PRIu64 ".%0*u", whole, digits, rest);
}
