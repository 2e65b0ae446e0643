/* lines.c - the lines of a text file in memory; see lines.h. */
#include "config.h"

#include "lines.h"
#include "taskfile.h"

#include <string.h>

void lines_init(struct lines *lines, const char *file, char *data, size_t size)
{
    *lines = (struct lines){.file = file, .at = data, .end = data + size};
    if (size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0) {
        lines->at += 3;
    }
}

bool lines_text(const char *line, size_t length, unsigned *byte)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)line[i];
        /* 0x1b colours terminals and is fine. */
        if (c < 0x20 && (c < '\a' || c > '\r') && c != 0x1b) {
            *byte = c;
            return false;
        }
    }
    return true;
}

hay_status lines_next(struct lines *lines, char **line, struct fault *fault)
{
    unsigned byte;
    if (lines->at == lines->end) {
        *line = NULL;
        return HAY_OK;
    }
    if (lines->number == UINT32_MAX - 1) {
        return fault_at(fault, lines->file, lines->number, "too many lines");
    }
    lines->number++;
    char *start = lines->at;
    char *newline = memchr(start, '\n', (size_t)(lines->end - start));
    size_t length = (size_t)((newline == NULL ? lines->end : newline) - start);
    lines->at = newline == NULL ? lines->end : newline + 1;
    if (length > 0 && start[length - 1] == '\r') {
        length--;
    }
    if (length > TASKFILE_LINE_MAX) {
        return fault_at(fault,
                        lines->file,
                        lines->number,
                        "a line longer than %zu bytes",
                        TASKFILE_LINE_MAX);
    }
    if (!lines_text(start, length, &byte)) {
        return fault_at(fault,
                        lines->file,
                        lines->number,
                        "not a text: a byte 0x%02x; is the file binary?",
                        byte);
    }
    start[length] = '\0';
    *line = start;
    return HAY_OK;
}

/* What no shell looks at twice. */
static const char plain[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    "0123456789_-./,:+@%";

void shell_quote(struct text *text, const char *word)
{
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        text_add_string(text, word);
        return;
    }
    text_add(text, "'", 1);
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            text_add_string(text, "'\"'\"'");
        } else {
            text_add(text, word, 1);
        }
    }
    text_add(text, "'", 1);
}
