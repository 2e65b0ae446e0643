/* report.c - the summary at the end of a run; see report.h. */
#include "config.h"

#include "report.h"
#include "units.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void copy_line(char *to, size_t size, const char *from)
{
    size_t length = strcspn(from, "\n");
    snprintf(to, size, "%.*s", (int)(length < size ? length : size), from);
}

static void take_failure(struct report *report,
                         const struct block *block,
                         const hay_future *future,
                         const hay_outcome *outcome)
{
    hay_capture capture = {.size = sizeof capture};
    const char *name = hay_future_name(future);
    if (report->failure_count == REPORT_FAILURES) {
        return;
    }
    struct report_failure *failure = &report->failures[report->failure_count++];
    if (name[0] != '\0') {
        copy_line(failure->name, sizeof failure->name, name);
    } else {
        snprintf(failure->name,
                 sizeof failure->name,
                 "%" PRIu64,
                 hay_future_id(future));
    }
    copy_line(failure->reason, sizeof failure->reason, outcome->reason);
    failure->task = hay_future_id(future);
    failure->culprit = outcome->culprit;
    failure->line = block->line;
    failure->farm = outcome->status == HAY_EFARM;
    failure->printed = hay_future_capture(future, &capture) == HAY_OK
                       && capture.length[0] + capture.length[1] > 0;
}

/* Is it for want of a chunk that could not be brought, which no line of the
 * file has told yet? */
static bool lacks_chunk(const struct report *report,
                        const struct block *block,
                        const hay_outcome *outcome)
{
    if (block->files == NULL || !block->files->datasets
        || report->failure_count == REPORT_FAILURES) {
        return false;
    }
    for (size_t i = 0; i < report->failure_count; i++) {
        if (report->failures[i].task == outcome->culprit
            || report->failures[i].culprit == outcome->culprit) {
            return false;
        }
    }
    return true;
}

void report_task(struct report *report,
                 const struct block *block,
                 const hay_future *future)
{
    hay_outcome outcome = {.size = sizeof outcome};
    report->ended++;
    if (hay_future_outcome(future, &outcome) != HAY_OK) {
        report->failed++;
        return;
    }
    if (outcome.attempts > 0 && outcome.end_ns > outcome.start_ns) {
        report->core_s += (double)(outcome.end_ns - outcome.start_ns) / 1e9
                          * block->request->cores;
    }
    report->retried += outcome.attempts > 0 ? outcome.attempts - 1 : 0;
    if (outcome.state == HAY_FINISHED) {
        report->finished++;
    } else if (outcome.state == HAY_CANCELLED) {
        report->cancelled++;
        report->walltime += outcome.cause == HAY_CAUSE_WALLTIME;
        report->saved +=
            outcome.cause == HAY_CAUSE_WALLTIME && outcome.exit_code == 75;
    } else {
        report->failed++;
        if (outcome.status == HAY_EDEPENDENCY) {
            report->by_input++;
        }
        if (outcome.status != HAY_EDEPENDENCY
            || lacks_chunk(report, block, &outcome)) {
            take_failure(report, block, future, &outcome);
        }
    }
}

static void print_failures(const struct report *r,
                           const struct report_facts *facts)
{
    uint64_t own = r->failed - r->by_input, told = 0;
    for (size_t i = 0; i < r->failure_count; i++) {
        const struct report_failure *failure = &r->failures[i];
        struct text text = TEXT_INIT;
        told += failure->culprit == 0;
        if (facts->broken && failure->farm) {
            continue;
        }
        text_format(&text,
                    "task %s (%s:%" PRIu32 ") failed: %s%s",
                    failure->name,
                    facts->file,
                    failure->line,
                    failure->culprit != 0 ? "no input: " : "",
                    failure->reason);
        if (failure->printed && facts->run_folder != NULL) {
            text_format(&text, "; see hayfork output ");
            text_format(&text, "--run-folder %s ", facts->run_folder);
            text_format(&text,
                        strpbrk(failure->name, "[*?$&;<>()| ") != NULL ? "'%s'"
                                                                       : "%s",
                        failure->name);
        }
        say("%s", text.data);
        text_fini(&text);
    }
    if (own > told && !facts->broken) {
        say("... and %" PRIu64 " more failed", own - told);
    }
}

static void print_counts(const struct report *r,
                         const struct report_facts *facts)
{
    struct text text = TEXT_INIT;
    char time[64];
    text_format(&text,
                "%" PRIu64 " task%s: %" PRIu64 " finished",
                r->ended,
                r->ended == 1 ? "" : "s",
                r->finished);
    if (r->failed > 0) {
        text_format(&text, ", %" PRIu64 " failed", r->failed);
    }
    if (r->by_input > 0) {
        text_format(
            &text, " (%" PRIu64 " of them for want of an input)", r->by_input);
    }
    if (r->cancelled > 0) {
        text_format(&text, ", %" PRIu64 " cancelled", r->cancelled);
    }
    if (facts->before > 0) {
        text_format(&text, ", %" PRIu64 " done before", facts->before);
    }
    if (facts->growing) {
        text_format(&text, "; the rest of the input was not read");
    } else if (facts->never > 0) {
        text_format(&text, "; %" PRIu64 " more were not started", facts->never);
    }
    if (facts->unfinished > 0) {
        text_format(&text, ", %" PRIu64 " not ended", facts->unfinished);
    }
    if (r->retried > 0) {
        text_format(&text,
                    "; %" PRIu64 " attempt%s more",
                    r->retried,
                    r->retried == 1 ? "" : "s");
    }
    say("%s", text.data);
    text_clear(&text);
    double offered =
        (double)facts->wall_ns / 1e9 * facts->cores + facts->gone_core_s;
    text_format(&text,
                "%s on %" PRIu32 " core%s of %" PRIu32 " worker%s",
                units_show_time(facts->wall_ns, time, sizeof time),
                facts->cores,
                facts->cores == 1 ? "" : "s",
                facts->workers,
                facts->workers == 1 ? "" : "s");
    if (r->core_s < 360) {
        text_format(&text, "; tasks took %.1f core-seconds", r->core_s);
    } else {
        text_format(&text, "; tasks took %.2f core-hours", r->core_s / 3600);
    }
    if (offered > 0) {
        text_format(&text, ", %.0f %% of it", 100 * r->core_s / offered);
    }
    say("%s", text.data);
    text_fini(&text);
}

/* Why it is not done, and whether another job as long will do more. */
static void print_left(const struct report *r, const struct report_facts *facts)
{
    char saved[100] = "";
    if (r->saved > 0) {
        snprintf(saved,
                 sizeof saved,
                 ", %" PRIu64 " of them %s saved what %s had",
                 r->saved,
                 r->saved == 1 ? "has" : "have",
                 r->saved == 1 ? "it" : "they");
    }
    say("the walltime leaves %" PRIu64 " task%s over%s: %s",
        facts->left,
        facts->left == 1 ? "" : "s",
        saved,
        r->finished + r->saved > 0 ? "there is more to do (exit status 75)"
                                   : "since none has finished, another job as "
                                     "long would do no better");
}

void report_print(const struct report *report, const struct report_facts *facts)
{
    print_failures(report, facts);
    if (!facts->quiet) {
        print_counts(report, facts);
        if (facts->left > 0) {
            print_left(report, facts);
        }
        if (facts->run_folder != NULL) {
            say("the run folder is %s", facts->run_folder);
        }
    }
}
