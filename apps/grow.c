/* grow.c - how many worker jobs a run should have; see grow.h. */
#include "config.h"

#include "grow.h"

#include <math.h>

#define WINDOW_S 30.0 /* the rate is that of one to two windows */

uint64_t grow_backlog(const struct load *load)
{
    uint64_t ahead =
        load->running > load->cores ? load->running - load->cores : 0;
    return load->ready + ahead;
}

/* ---- the trend ---- */

void grow_note(struct grow_trend *trend, const struct load *load)
{
    bool busy = grow_backlog(load) > 0;
    if (!trend->begun || load->ended < trend->ended
        || load->time_s < trend->now_s) {
        *trend = (struct grow_trend){.begun = true,
                                     .from_s = load->time_s,
                                     .half_s = load->time_s,
                                     .from_ended = load->ended,
                                     .half_ended = load->ended,
                                     .busy_s = -1,
                                     .dry_s = -1};
    }
    trend->now_s = load->time_s;
    trend->ended = load->ended;
    if (trend->now_s - trend->half_s > WINDOW_S) {
        trend->from_s = trend->half_s;
        trend->from_ended = trend->half_ended;
        trend->half_s = trend->now_s;
        trend->half_ended = trend->ended;
    }
    if (!busy) {
        trend->busy_s = -1;
        trend->dry_s = trend->dry_s < 0 ? trend->now_s : trend->dry_s;
    } else {
        trend->dry_s = -1;
        trend->busy_s = trend->busy_s < 0 ? trend->now_s : trend->busy_s;
    }
}

double grow_rate(const struct grow_trend *trend)
{
    double time_s = trend->now_s - trend->from_s;
    return time_s > 0 ? (double)(trend->ended - trend->from_ended) / time_s : 0;
}

/* ---- the choice ---- */

static uint32_t at_most(double n, uint32_t max)
{
    return n >= max ? max : n > 0 ? (uint32_t)n : 0;
}

/* So long the backlog takes on the cores that there are. */
static double drain_s(const struct grow_rules *rules,
                      const struct load *load,
                      const struct grow_trend *trend)
{
    double rate = grow_rate(trend);
    if (rate > 0) {
        return (double)grow_backlog(load) / rate;
    }
    /* Nothing has ended yet: at least as long as that is so. */
    return trend->busy_s >= 0
                   && trend->now_s - trend->busy_s >= rules->backlog_s
               ? HUGE_VAL
               : 0;
}

/* How many more jobs the backlog can use, besides those that are to come. */
static uint32_t useful(const struct grow_rules *rules,
                       const struct load *load,
                       const struct grow_trend *trend,
                       uint32_t coming)
{
    uint32_t workers = load->workers > 0 ? load->workers : 1;
    double cores = load->cores > 0 ? load->cores : 1;
    double each = fmax(1, cores / workers);
    double tasks_each = fmin(fmax(1, (double)load->running / workers), each);
    double backlog = (double)grow_backlog(load);
    double there = cores + coming * each;
    double takes_s = drain_s(rules, load, trend);
    if (takes_s * cores / there <= rules->backlog_s) {
        return 0;
    }
    double by_tasks = ceil(backlog / tasks_each) - coming;
    double by_time =
        rules->backlog_s > 0
            ? ceil((takes_s * cores / rules->backlog_s - there) / each)
            : HUGE_VAL;
    return at_most(fmin(by_tasks, by_time), rules->max);
}

struct grow_choice grow_choose(const struct grow_rules *rules,
                               const struct load *load,
                               const struct grow_trend *trend,
                               const struct grow_jobs *jobs)
{
    struct grow_choice choice = {0, 0};
    uint32_t all = jobs->waiting + jobs->running;
    uint32_t guests = load->workers > load->own ? load->workers - load->own : 0;
    /* Of those that run, some are still to join. */
    uint32_t coming =
        jobs->waiting + (jobs->running > guests ? jobs->running - guests : 0);
    bool dry = trend->dry_s >= 0 && trend->now_s - trend->dry_s >= GROW_DRY_S;
    if (load->ending || dry) {
        choice.cancel = jobs->waiting;
    } else if (grow_backlog(load) > 0 && all < rules->max
               && (load->left_s == GROW_FOREVER
                   || (double)load->left_s > rules->backlog_s)) {
        uint32_t more = useful(rules, load, trend, coming);
        choice.submit = more < rules->max - all ? more : rules->max - all;
    }
    return choice;
}

/* ---- pauses ---- */

bool grow_pauses(const struct grow_pause *pause, double now_s)
{
    return pause->pause_s > 0 && now_s < pause->until_s;
}

void grow_fruitless(struct grow_pause *pause, double now_s)
{
    if (grow_pauses(pause, now_s)) {
        return; /* one of several at a time */
    }
    pause->pause_s = pause->pause_s > 0 ? fmin(2 * pause->pause_s, GROW_LAST_S)
                                        : GROW_PAUSE_S;
    pause->until_s = now_s + pause->pause_s;
}

void grow_fruitful(struct grow_pause *pause)
{
    *pause = (struct grow_pause){0, 0};
}
