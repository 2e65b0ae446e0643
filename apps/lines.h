/* lines.h - the lines of a text file in memory, one after the other, and words
 * for the shell.
 */
#ifndef APPS_LINES_H
#define APPS_LINES_H

#include "arena.h"
#include "fault.h"

#include <stdint.h>

struct lines {
    const char *file; /* for messages; borrowed */
    char *at, *end;
    uint32_t number; /* of the line that was got last, from 1 */
};

/* data[size], with a 0 behind it, is cut into lines in place; borrowed.  A
 * byte order mark at its beginning is passed over. */
void lines_init(struct lines *lines, const char *file, char *data, size_t size);

/* The next line without its end, NULL after the last one.  HAY_EINVAL: it is
 * too long, or no text. */
hay_status lines_next(struct lines *lines, char **line, struct fault *fault);

/* Are these bytes a text?  byte: the first that no text has. */
bool lines_text(const char *line, size_t length, unsigned *byte);

/* Append a word so that the shell takes it as it is. */
void shell_quote(struct text *text, const char *word);

#endif
