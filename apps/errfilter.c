/* errfilter.c - see errfilter.h.
 *
 * A line ends with \n or \r (progress lines are drawn over each other).  What
 * has no end yet is held back until it has one or a moment has passed.
 */
#include "config.h"

#include "errfilter.h"

#include <stdio.h>
#include <string.h>

void errfilter_init(struct errfilter *f)
{
    *f = (struct errfilter){.line = TEXT_INIT};
    text_clear(&f->line);
}

void errfilter_fini(struct errfilter *f)
{
    text_fini(&f->line);
}

/* Where a line begins that says nothing to a user: PMIx's words about each
 * death (see Open MPI 4.1's pmix_event_notification.c), and mpirun's that it
 * passed on our own signal.  The latter may follow a progress line, which has
 * no end. */
static const char *find_noise(const char *line)
{
    const char *forwarding = strstr(line, "mpirun: Forwarding signal");
    if (forwarding != NULL) {
        return forwarding;
    }
    return strstr(line, "PMIX ERROR: BAD-PARAM in file") != NULL
                   || strstr(line, "plm:rsh: Warning: setpgid(") != NULL
               ? line
               : NULL;
}

bool errfilter_status(struct errfilter *f, const char *text)
{
    char word[8];
    int code;
    if (sscanf(text, "%7s %d", word, &code) != 2 || code < 0 || code > 255
        || (strcmp(word, "exit") != 0 && strcmp(word, "signal") != 0)) {
        return false;
    }
    f->ended = true;
    f->by_signal = word[0] == 's';
    f->code = code;
    return true;
}

/* The line is complete, its end included. */
static void finish_line(struct errfilter *f, struct text *out)
{
    const char *mark = strstr(f->line.data, ERRFILTER_MARK);
    if (mark != NULL) {
        text_add(out, f->line.data, (size_t)(mark - f->line.data));
        mark += strlen(ERRFILTER_MARK);
        if (strncmp(mark, "up", 2) == 0) {
            f->up = true;
        } else {
            errfilter_status(f, mark);
        }
    } else {
        const char *noise = find_noise(f->line.data);
        text_add(out,
                 f->line.data,
                 noise != NULL ? (size_t)(noise - f->line.data)
                               : f->line.length);
    }
    f->passing = false;
    text_clear(&f->line);
}

void errfilter_feed(struct errfilter *f,
                    const char *data,
                    size_t size,
                    struct text *out)
{
    for (size_t i = 0; i < size; i++) {
        /* A 0 would hide what comes behind it. */
        text_add(&f->line, data[i] == '\0' ? "?" : &data[i], 1);
        if (data[i] == '\n' || data[i] == '\r') {
            finish_line(f, out);
        }
    }
}

void errfilter_flush(struct errfilter *f, struct text *out)
{
    if (f->line.length == 0 || strchr(f->line.data, '\x1e') != NULL) {
        return;
    }
    text_add(out, f->line.data, f->line.length);
    text_clear(&f->line);
    f->passing = true;
}
