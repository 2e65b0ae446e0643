/* past.c - what a run that goes on took from its journal; see past.h. */
#include "config.h"

#include "past.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool past_note(struct past *past, const hay_future *future)
{
    hay_why why = hay_future_why(future);
    if ((unsigned)why < PAST_WHYS) {
        past->count[why]++;
    }
    return why == HAY_WHY_RECORDED;
}

/* "3 new, 2 command changed"; the number of all. */
static uint64_t list_whys(const struct past *past, struct text *text, int first)
{
    uint64_t all = 0;
    for (int why = first; why < PAST_WHYS; why++) {
        if (past->count[why] > 0 && why != HAY_WHY_RECORDED) {
            text_format(text,
                        "%s%" PRIu64 " %s",
                        all > 0 ? ", " : "",
                        past->count[why],
                        hay_why_name((hay_why)why));
            all += past->count[why];
        }
    }
    return all;
}

void past_sum_up(const struct past *past)
{
    struct text text = TEXT_INIT;
    uint64_t again = list_whys(past, &text, HAY_WHY_COMMAND);
    if (again > 0) {
        say("%" PRIu64 " of them had been submitted before: %s",
            again,
            text.data);
    }
    text_fini(&text);
}

/* Tabs and line ends would break the line. */
static void put_text(const char *text)
{
    for (; *text != '\0'; text++) {
        putchar((unsigned char)*text < ' ' ? ' ' : *text);
    }
}

void past_tell(const struct workload *w,
               uint64_t task,
               const hay_future *future)
{
    bool done = hay_future_why(future) == HAY_WHY_RECORDED;
    hay_outcome outcome = {.size = sizeof outcome};
    const char *name = hay_future_name(future);
    fputs(done ? "done\t" : "runs\t", stdout);
    if (name[0] != '\0') {
        put_text(name);
    } else {
        const struct block *block = &w->blocks[workload_block_of(w, task)];
        put_text(w->file);
        printf(":%" PRIu32, block->line);
        if (block->array) {
            printf("[%" PRIu64 "]", task - block->first_task + 1);
        }
    }
    if (!done && hay_future_outcome(future, &outcome) == HAY_OK) {
        putchar('\t');
        put_text(outcome.reason);
    }
    putchar('\n');
}

static void tell_gone(hay_task_id id, const char *name, void *data)
{
    uint64_t *count = data;
    ++*count;
    fputs("gone\t", stdout);
    if (name[0] != '\0') {
        put_text(name);
    } else {
        printf("task %" PRIu64, id);
    }
    putchar('\n');
}

bool past_tell_rest(const struct past *past, hay_executor *ex)
{
    struct text text = TEXT_INIT;
    uint64_t gone = 0;
    (void)hay_executor_each_left(ex, tell_gone, &gone);
    bool good = fflush(stdout) == 0 && !ferror(stdout);
    uint64_t runs = list_whys(past, &text, HAY_WHY_NEW);
    uint64_t each_time = past->count[HAY_WHY_NONE];
    if (each_time > 0) {
        text_format(
            &text, "%s%" PRIu64 " each time", runs > 0 ? ", " : "", each_time);
        runs += each_time;
    }
    say("%" PRIu64 " done before, %" PRIu64 " would run%s%s",
        past->count[HAY_WHY_RECORDED],
        runs,
        runs > 0 ? ": " : "",
        runs > 0 ? text.data : "");
    if (gone > 0) {
        say("%" PRIu64 " of the run %s not in the file any more",
            gone,
            gone == 1 ? "is" : "are");
    }
    text_fini(&text);
    return good;
}
