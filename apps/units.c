/* units.c - numbers, times and sizes as users write them; see units.h. */
#include "config.h"

#include "units.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool units_uint(const char *text, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    if (*text == '\0') {
        return false;
    }
    for (; *text != '\0'; text++) {
        if (!is_digit(*text)) {
            return false;
        }
        uint64_t digit = (uint64_t)(*text - '0');
        if (sum > (max - digit) / 10 || digit > max) {
            return false;
        }
        sum = 10 * sum + digit;
    }
    *value = sum;
    return true;
}

bool units_int32(const char *text, int32_t *value)
{
    bool minus = *text == '-';
    uint64_t number;
    if (!units_uint(text + (minus || *text == '+' ? 1 : 0),
                    (uint64_t)INT32_MAX,
                    &number)) {
        return false;
    }
    *value = minus ? -(int32_t)number : (int32_t)number;
    return true;
}

/* The number at the start of 'text'; NULL, or what comes after it. */
static const char *real_prefix(const char *text, double *value)
{
    char *end;
    if (!is_digit(text[0]) && !(text[0] == '.' && is_digit(text[1]))) {
        return NULL;
    }
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        return NULL;
    }
    double number = strtod(text, &end);
    if (!isfinite(number)) {
        return NULL;
    }
    *value = number;
    return end;
}

bool units_real(const char *text, double *value)
{
    double number;
    const char *end = real_prefix(text, &number);
    if (end == NULL || *end != '\0') {
        return false;
    }
    *value = number;
    return true;
}

static bool to_u64(double number, uint64_t *value)
{
    if (!(number >= 0 && number < 9.2e18)) {
        return false;
    }
    *value = (uint64_t)(number + 0.5);
    return true;
}

/* 'text' is [D-][[H:]M:]S with at least one colon; parts below the first one
 * have two digits below 60 (hours after days: below 24). */
static bool clock_time(const char *text, double *seconds)
{
    static const double unit[] = {1, 60, 3600};
    double sum = 0;
    uint64_t parts[3];
    size_t count = 0;
    char copy[64];
    char *rest = copy;
    char *part;
    const char *dash = strchr(text, '-');
    if (dash != NULL) {
        uint64_t days;
        size_t length = (size_t)(dash - text);
        if (length >= sizeof copy) {
            return false;
        }
        memcpy(copy, text, length);
        copy[length] = '\0';
        if (!units_uint(copy, 100000, &days)) {
            return false;
        }
        sum = (double)days * 86400;
        text = dash + 1;
    }
    if (strlen(text) >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, strlen(text) + 1);
    while ((part = strsep(&rest, ":")) != NULL) {
        bool first = count == 0 && dash == NULL;
        uint64_t max = first ? 100000000 : count == 0 ? 23 : 59;
        if (count == 3 || (count > 0 && strlen(part) != 2)
            || !units_uint(part, max, &parts[count])) {
            return false;
        }
        count++;
    }
    if (dash != NULL && count != 3) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        sum += (double)parts[i] * unit[count - 1 - i];
    }
    *seconds = sum;
    return true;
}

bool units_time(const char *text, uint64_t *time_ns)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {
        {"", 1},
        {"ms", 1e-3},
        {"s", 1},
        {"m", 60},
        {"min", 60},
        {"h", 3600},
        {"d", 86400},
    };
    double number;
    if (strchr(text, ':') != NULL) {
        return clock_time(text, &number) && to_u64(number * 1e9, time_ns);
    }
    const char *end = real_prefix(text, &number);
    if (end == NULL) {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].name) == 0) {
            return to_u64(number * units[i].seconds * 1e9, time_ns);
        }
    }
    return false;
}

bool units_size(const char *text, uint64_t *size_bytes)
{
    static const char letters[] = "KMGT";
    double number;
    const char *end = real_prefix(text, &number);
    if (end == NULL) {
        return false;
    }
    if (*end != '\0' && strcmp(end, "B") != 0) {
        char letter = *end >= 'a' && *end <= 'z' ? (char)(*end - 32) : *end;
        const char *found = strchr(letters, letter);
        if (found == NULL
            || (end[1] != '\0' && strcasecmp(end + 1, "iB") != 0)) {
            return false;
        }
        number *= (double)(UINT64_C(1) << (10 * (found - letters + 1)));
    }
    return to_u64(number, size_bytes);
}

char *units_show_time(uint64_t time_ns, char *text, size_t size)
{
    double seconds = (double)time_ns / 1e9;
    uint64_t whole = time_ns / NS_PER_S;
    if (seconds < 9.95) {
        snprintf(text, size, "%.1f s", seconds);
    } else if (whole < 120) {
        snprintf(text, size, "%llu s", (unsigned long long)whole);
    } else if (whole < 7200) {
        snprintf(text,
                 size,
                 "%llu min %llu s",
                 (unsigned long long)(whole / 60),
                 (unsigned long long)(whole % 60));
    } else {
        snprintf(text,
                 size,
                 "%llu h %llu min",
                 (unsigned long long)(whole / 3600),
                 (unsigned long long)(whole / 60 % 60));
    }
    return text;
}
