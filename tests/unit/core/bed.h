/* bed.h - a scheduler on the test bench: events in, printed actions out.
 *
 * Owns: one scheduler and the text of the actions since the last bed_expect().
 * Never: lets a step pass without hayi_sched_check().
 * Threads: one.
 *
 * Tasks are known by their id, which is their payload too.  The bed remembers
 * the last hand-out of each id below BED_IDS, and of ranges each one by its
 * first item.
 */
#ifndef HAYI_TESTS_CORE_BED_H
#define HAYI_TESTS_CORE_BED_H

#include "core/sched.h"

#define BED_IDS    64
#define BED_RANGES 512

struct bed_attempt {
    hayi_handle task;
    uint32_t attempt;
    uint32_t worker;
    uint64_t id;
    uint64_t first;
    uint64_t count;
    bool prompt;
};

struct bed {
    struct hayi_sched *sched;
    uint64_t now_ns;
    char text[1 << 16];
    size_t size;
    hayi_handle task[BED_IDS]; /* of submits */
    struct bed_attempt last[BED_IDS];
    struct bed_attempt ranges[BED_RANGES]; /* handed out, in order */
    size_t range_count;
    uint64_t recalls;
};

/* The one bed; made by bed_setup(), whose config may be changed before
 * bed_open(). */
extern struct bed bed;
extern struct hayi_sched_config bed_config;

void bed_setup(void);    /* CUnit set-up: default config, nothing open */
void bed_teardown(void); /* CUnit tear-down */
void bed_open(void);

/* A step at the present time, its check, its actions appended to the text. */
hay_status bed_step(struct hayi_event *event);
void bed_dispatch(void);
/* Compare the text since the last call ("a; b; c"), and forget it. */
void bed_expect(const char *file, int line, const char *text);
#define BED_EXPECT(text) bed_expect(__FILE__, __LINE__, (text))
/* Forget the text. */
void bed_forget(void);
/* How often 'word' stands in the text. */
size_t bed_count(const char *word);

void bed_join(uint32_t worker, uint32_t cores);
/* A task of one core after the tasks of 'after' (0 ends the list). */
void bed_task(uint64_t id, const uint64_t *after);
struct hayi_event bed_task_event(uint64_t id);
struct hayi_event bed_map_event(uint64_t id, uint64_t count);
hay_status bed_submit(struct hayi_event *event);
void bed_started(uint64_t id);
void bed_ended(uint64_t id, enum hayi_outcome outcome, uint64_t run_ns);
void bed_returned(uint64_t id);
/* Of the i-th range handed out. */
void bed_range_started(size_t i);
void bed_range_ended(size_t i,
                     uint64_t items,
                     uint64_t failed,
                     uint64_t run_ns);
void bed_range_outcome(size_t i, enum hayi_outcome outcome, uint64_t items);
void bed_range_returned(size_t i);
void bed_recall_done(uint32_t worker);
void bed_cancel(uint64_t id, bool force);
/* Tasks in tasks: by the last hand-out of their ids; 0: none, or several. */
void bed_child(uint64_t id, uint64_t parent, const uint64_t *after);
void bed_suspended(uint64_t id, uint64_t waits_for);
void bed_resumed(uint64_t id);
void bed_claim(uint64_t id, uint64_t child);
/* Was it taken so? */
bool bed_follow(uint64_t id, uint64_t target);
void bed_unwanted(uint64_t id);
void bed_cancel_nested(uint64_t id, bool force);
/* Compare the story of a task, but for how long. */
void bed_story(const char *file, int line, uint64_t id, const char *text);
#define BED_STORY(id, text) bed_story(__FILE__, __LINE__, (id), (text))
void bed_close(bool cancel_pending);
void bed_lost(uint32_t worker);
struct hayi_sched_stats bed_stats(void);

#endif
