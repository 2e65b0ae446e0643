/* units.h - numbers, times and sizes as users write them. */
#ifndef APPS_UNITS_H
#define APPS_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NS_PER_S UINT64_C(1000000000)

/* Each returns false if the text is not wholly such a value; the result is
 * then not written. */

/* Digits only, at most 'max'. */
bool units_uint(const char *text, uint64_t max, uint64_t *value);
bool units_int32(const char *text, int32_t *value);
/* A decimal number >= 0 such as 12, 0.5, 1e-3. */
bool units_real(const char *text, double *value);
/* "10", "10s", "1.5m", "2h", "1d", "500ms"; "1:30" (min:s), "1:30:00",
 * "2-00:00:00". */
bool units_time(const char *text, uint64_t *time_ns);
/* "4096", "2K", "1.5G", "1T"; K = 1024; "KiB" and so on too. */
bool units_size(const char *text, uint64_t *size_bytes);

/* "1.3 s", "2 min 5 s", "1 h 2 min"; writes to text[size], returns it. */
char *units_show_time(uint64_t time_ns, char *text, size_t size);

#endif
