/* progress.c - how far a run is; see progress.h.  The rate is an average that
 * forgets with a time constant of some seconds.  The estimate of the end does
 * not follow it: tasks end in bursts, and after a loss for a while none may.
 * It counts core-seconds for each task, forgets with a time constant of half of
 * the run, and changes at once only with the number of cores. */
#include "config.h"

#include "arena.h"
#include "progress.h"
#include "units.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINE_NS     (NS_PER_S / 5)
#define PLAIN_NS    (10 * NS_PER_S)
#define FORGET_S    5.0
#define BAR_WIDTH   20
#define COLUMNS_MIN 40

unsigned progress_terminal(void)
{
    struct winsize size;
    if (!isatty(STDERR_FILENO)) {
        return 0;
    }
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) {
        return 80;
    }
    return size.ws_col;
}

void progress_init(struct progress *p,
                   enum progress_mode mode,
                   unsigned columns,
                   uint64_t now_ns)
{
    unsigned own = progress_terminal();
    if (mode == PROGRESS_AUTO) {
        mode = own > 0 ? PROGRESS_LINE : PROGRESS_PLAIN;
    }
    *p = (struct progress){.mode = mode,
                           .columns = columns != 0 ? columns
                                      : own != 0   ? own
                                                   : 80,
                           .start_ns = now_ns,
                           .rate_ns = now_ns};
    p->next_ns = mode == PROGRESS_NONE   ? UINT64_MAX
                 : mode == PROGRESS_LINE ? now_ns + LINE_NS
                                         : now_ns + PLAIN_NS;
}

uint64_t progress_next_ns(const struct progress *p)
{
    return p->next_ns;
}

static void
update_rate(struct progress *p, const struct progress_counts *c, uint64_t now)
{
    double passed = (double)(now - p->rate_ns) / 1e9;
    double age = (double)(now - p->start_ns) / 1e9;
    if (passed <= 0) {
        return;
    }
    uint64_t done = c->done - c->before;
    uint64_t fresh = done - p->rate_done;
    double latest = (double)fresh / passed;
    /* Young runs average over their whole life. */
    double memory = age < FORGET_S ? age : FORGET_S;
    double weight = 1 - exp(-passed / memory);
    double past = age / 2 > FORGET_S ? age / 2 : FORGET_S;
    double keep = age <= FORGET_S ? 1 : exp(-passed / past);
    p->past_done = p->past_done * keep + (double)fresh;
    p->past_core_s = p->past_core_s * keep + passed * c->cores;
    if (age <= FORGET_S) {
        p->rate = (double)done / age;
    } else {
        p->rate += weight * (latest - p->rate);
    }
    p->rate_ns = now;
    p->rate_done = done;
}

double progress_left_s(const struct progress *p,
                       const struct progress_counts *c)
{
    if (c->growing || c->cores == 0 || p->past_done < 0.5
        || c->done >= c->total) {
        return 0;
    }
    return (double)(c->total - c->done) * p->past_core_s / p->past_done
           / c->cores;
}

static void add_rate(struct text *line, double rate)
{
    if (rate >= 100) {
        text_format(line, ", %.0f/s", rate);
    } else if (rate >= 0.1) {
        text_format(line, ", %.1f/s", rate);
    } else if (rate > 0) {
        text_format(line, ", %.1f/min", 60 * rate);
    }
}

static void
compose(struct progress *p, const struct progress_counts *c, struct text *line)
{
    char time[64];
    text_clear(line);
    text_format(line,
                "%" PRIu64 "/%" PRIu64 "%s done, %" PRIu64 " running",
                c->done,
                c->total,
                c->growing ? "+" : "",
                c->running);
    if (c->failed > 0) {
        text_format(line, ", %" PRIu64 " failed", c->failed);
    }
    if (c->cancelled > 0) {
        text_format(line, ", %" PRIu64 " cancelled", c->cancelled);
    }
    if (c->ending) {
        return;
    }
    add_rate(line, p->rate);
    double left = progress_left_s(p, c);
    if (left > 0 && left < 1e8) {
        text_format(line,
                    ", %s left",
                    units_show_time((uint64_t)(left * 1e9), time, sizeof time));
    }
}

static void draw(struct progress *p,
                 const struct progress_counts *c,
                 const struct text *words)
{
    struct text line = TEXT_INIT;
    text_format(&line, "\r\033[K");
    size_t start = line.length;
    if (!c->growing && c->total > 0 && p->columns >= 80) {
        int full = (int)((double)c->done / (double)c->total * BAR_WIDTH);
        text_format(&line,
                    "[%.*s%.*s] ",
                    full,
                    "====================",
                    BAR_WIDTH - full,
                    "                    ");
    }
    text_add(&line, words->data, words->length);
    if (p->columns >= COLUMNS_MIN && line.length - start >= p->columns) {
        line.length = start + p->columns - 1;
    }
    ssize_t put = write(STDERR_FILENO, line.data, line.length);
    (void)put;
    p->drawn = true;
    text_fini(&line);
}

void progress_tell(struct progress *p,
                   const struct progress_counts *counts,
                   uint64_t now_ns)
{
    struct text words = TEXT_INIT;
    if (now_ns < p->next_ns) {
        return;
    }
    update_rate(p, counts, now_ns);
    compose(p, counts, &words);
    if (p->mode == PROGRESS_LINE) {
        draw(p, counts, &words);
        p->next_ns = now_ns + LINE_NS;
    } else {
        text_add(&words, "\n", 1);
        struct text line = TEXT_INIT;
        text_format(&line, "hayfork: %s", words.data);
        ssize_t put = write(STDERR_FILENO, line.data, line.length);
        (void)put;
        text_fini(&line);
        p->next_ns = now_ns + PLAIN_NS;
    }
    text_fini(&words);
}

void progress_clear(struct progress *p)
{
    if (p->drawn) {
        ssize_t put = write(STDERR_FILENO, "\r\033[K", 4);
        (void)put;
        p->drawn = false;
    }
}

bool progress_parse(const char *text,
                    enum progress_mode *mode,
                    unsigned *columns)
{
    static const char *const names[] = {"auto", "none", "line", "plain"};
    const char *colon = strchr(text, ':');
    size_t length = colon == NULL ? strlen(text) : (size_t)(colon - text);
    uint64_t number = 0;
    if (colon != NULL && !units_uint(colon + 1, 10000, &number)) {
        return false;
    }
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strlen(names[i]) == length
            && strncmp(text, names[i], length) == 0) {
            *mode = (enum progress_mode)i;
            *columns = (unsigned)number;
            return true;
        }
    }
    return false;
}
