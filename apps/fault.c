/* fault.c - an error in words; see fault.h. */
#include "config.h"

#include "fault.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void clean(char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f) {
            *text = '?';
        }
    }
}

hay_status
fault_set(struct fault *fault, hay_status status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(fault->text, sizeof fault->text, format, list);
    va_end(list);
    clean(fault->text);
    return status;
}

hay_status fault_at(struct fault *fault,
                    const char *file,
                    uint64_t line,
                    const char *format,
                    ...)
{
    va_list list;
    int used = snprintf(fault->text,
                        sizeof fault->text,
                        "%.500s:%llu: ",
                        file,
                        (unsigned long long)line);
    size_t start = used > 0 ? (size_t)used : 0;
    va_start(list, format);
    vsnprintf(fault->text + start, sizeof fault->text - start, format, list);
    va_end(list);
    clean(fault->text);
    return HAY_EINVAL;
}

hay_status fault_library(struct fault *fault, hay_status status)
{
    const char *words = hay_error_text();
    return fault_set(fault,
                     status,
                     "%s",
                     words[0] != '\0' ? words : hay_status_name(status));
}

static void print_line(const char *text)
{
    char line[FAULT_TEXT_MAX + 16];
    int length = snprintf(line, sizeof line, "hayfork: %s\n", text);
    if (length > 0) {
        fflush(stderr);
        ssize_t written = write(STDERR_FILENO, line, (size_t)length);
        (void)written;
    }
}

void fault_print(const struct fault *fault)
{
    print_line(fault->text);
}

void say(const char *format, ...)
{
    char text[FAULT_TEXT_MAX];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    print_line(text);
}
