/* test_grow.c - how many worker jobs a run should have. */
#include "config.h"

#include "support/unit.h"

#include "grow.h"
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct load load;
static struct grow_trend trend;
static struct grow_jobs jobs;
static struct grow_rules rules;

/* A worker of four cores, all busy; nothing waits. */
static void setup(void)
{
    load = (struct load){.time_s = 1000,
                         .running = 4,
                         .cores = 4,
                         .workers = 1,
                         .own = 1,
                         .left_s = GROW_FOREVER};
    trend = (struct grow_trend){.begun = false};
    jobs = (struct grow_jobs){0, 0};
    rules = (struct grow_rules){.max = 10, .backlog_s = 30};
}

/* So many seconds later so many have ended. */
static void after(double time_s, uint64_t ended)
{
    grow_note(&trend, &load);
    load.time_s += time_s;
    load.ended += ended;
    grow_note(&trend, &load);
}

static void chooses(uint32_t submit, uint32_t cancel)
{
    struct grow_choice choice = grow_choose(&rules, &load, &trend, &jobs);
    CU_ASSERT_EQUAL(choice.submit, submit);
    CU_ASSERT_EQUAL(choice.cancel, cancel);
}

static void nothing_waits_so_nothing_is_submitted(void)
{
    after(10, 10);
    chooses(0, 0);
}

static void what_is_soon_done_needs_no_further_job(void)
{
    load.ready = 29;
    after(10, 10); /* one a second */
    chooses(0, 0);
    load.ready = 31;
    after(1, 1);
    chooses(1, 0);
}

static void jobs_bring_the_time_down_to_the_rule(void)
{
    load.ready = 120;
    after(10, 10); /* 120 s on 4 cores: 16 cores do it in 30 s */
    chooses(3, 0);
    jobs.waiting = 2;
    chooses(1, 0);
    jobs.waiting = 3;
    chooses(0, 0);
}

static void not_more_than_the_user_allows(void)
{
    load.ready = 100000;
    after(10, 10);
    chooses(10, 0);
    jobs.waiting = 3;
    jobs.running = 5;
    chooses(2, 0);
    jobs.running = 7;
    chooses(0, 0);
    jobs.running = 9;
    chooses(0, 0);
}

static void not_more_than_there_are_tasks_for(void)
{
    load.ready = 6;
    after(100, 1); /* they are long: 600 s */
    chooses(2, 0);
    jobs.waiting = 1;
    chooses(1, 0);
    /* Tasks that take a whole worker each. */
    jobs.waiting = 0;
    load.running = 1;
    chooses(6, 0);
}

static void what_was_handed_out_ahead_waits_too(void)
{
    load.running = 12;
    CU_ASSERT_EQUAL(grow_backlog(&load), 8);
    after(100, 1);
    chooses(2, 0);
}

static void a_job_that_runs_and_has_not_joined_is_counted(void)
{
    load.ready = 8;
    after(100, 1);
    jobs.running = 1;
    chooses(1, 0);
    load.workers = 2; /* now it has, and the same still waits */
    load.cores = 8;
    load.running = 8;
    chooses(2, 0);
}

static void unknown_tasks_are_watched_for_a_while(void)
{
    load.ready = 8;
    after(29, 0);
    chooses(0, 0);
    after(1, 0);
    chooses(2, 0);
}

static void waiting_jobs_are_cancelled_when_the_queue_is_dry(void)
{
    load.ready = 100;
    after(10, 10);
    jobs = (struct grow_jobs){.waiting = 3, .running = 2};
    load.ready = 0;
    after(1, 1);
    after(GROW_DRY_S - 1.5, 1); /* perhaps more becomes ready */
    chooses(0, 0);
    after(1, 1);
    chooses(0, 3);
    load.ready = 1;
    after(1, 0);
    chooses(0, 0);
}

static void a_run_that_ends_wants_nobody(void)
{
    load.ready = 1000;
    after(10, 10);
    jobs.waiting = 2;
    load.ending = true;
    chooses(0, 2);
}

static void no_job_for_the_last_seconds(void)
{
    load.ready = 1000;
    load.left_s = 20;
    after(10, 10);
    chooses(0, 0);
    load.left_s = 2000;
    chooses(10, 0);
}

static void the_rate_is_that_of_the_last_minute(void)
{
    after(100, 1000);
    after(31, 31);
    after(31, 31);
    after(1, 1);
    CU_ASSERT_DOUBLE_EQUAL(grow_rate(&trend), 1, 1e-9);
}

static void another_start_begins_anew(void)
{
    after(100, 1000);
    load.ended = 0;
    load.time_s += 5;
    grow_note(&trend, &load);
    CU_ASSERT_DOUBLE_EQUAL(grow_rate(&trend), 0, 1e-9);
    after(10, 20);
    CU_ASSERT_DOUBLE_EQUAL(grow_rate(&trend), 2, 1e-9);
}

static void pauses_grow_and_are_forgotten(void)
{
    struct grow_pause pause = {0, 0};
    CU_ASSERT_FALSE(grow_pauses(&pause, 0));
    grow_fruitless(&pause, 100);
    CU_ASSERT_TRUE(grow_pauses(&pause, 100 + GROW_PAUSE_S - 1));
    CU_ASSERT_FALSE(grow_pauses(&pause, 100 + GROW_PAUSE_S));
    grow_fruitless(&pause, 200);
    CU_ASSERT_TRUE(grow_pauses(&pause, 200 + 2 * GROW_PAUSE_S - 1));
    double until_s = pause.until_s;
    grow_fruitless(&pause, 201); /* it came with the one before */
    CU_ASSERT_DOUBLE_EQUAL(pause.until_s, until_s, 1e-9);
    for (int i = 0; i < 20; i++) {
        grow_fruitless(&pause, pause.until_s);
    }
    CU_ASSERT_DOUBLE_EQUAL(pause.pause_s, GROW_LAST_S, 1e-9);
    grow_fruitful(&pause);
    CU_ASSERT_FALSE(grow_pauses(&pause, 200));
}

/* ---- what a run writes ---- */

static void a_load_is_read_as_it_was_written(void)
{
    char folder[] = "/tmp/hgrow.XXXXXX";
    struct load got = {.time_s = 0};
    struct fault fault;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    CU_ASSERT_EQUAL(load_read(folder, &got, &fault), HAY_EEMPTY);
    load = (struct load){.time_s = 1700000000.25,
                         .ready = 1,
                         .running = 2,
                         .ended = 3,
                         .cores = 4,
                         .workers = 5,
                         .own = 6,
                         .left_s = 7,
                         .ending = true};
    load_write(folder, &load);
    CU_ASSERT_EQUAL(load_read(folder, &got, &fault), HAY_OK);
    CU_ASSERT_DOUBLE_EQUAL(got.time_s, load.time_s, 1e-3);
    CU_ASSERT(got.ready == 1 && got.running == 2 && got.ended == 3);
    CU_ASSERT(got.cores == 4 && got.workers == 5 && got.own == 6);
    CU_ASSERT(got.left_s == 7 && got.ending);
    load.left_s = GROW_FOREVER;
    load_write(folder, &load);
    CU_ASSERT_EQUAL(load_read(folder, &got, &fault), HAY_OK);
    CU_ASSERT_EQUAL(got.left_s, GROW_FOREVER);
    load_remove(folder);
    CU_ASSERT_EQUAL(load_read(folder, &got, &fault), HAY_EEMPTY);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

static void another_file_is_no_load(void)
{
    char folder[] = "/tmp/hgrow.XXXXXX";
    char path[64];
    struct load got = {.time_s = 0};
    struct fault fault;
    CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
    (void)snprintf(path, sizeof path, "%s/" LOAD_FILE, folder);
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT(fputs("time_s\t12\nready\tmany\n", file) >= 0);
    CU_ASSERT_EQUAL(fclose(file), 0);
    CU_ASSERT_EQUAL(load_read(folder, &got, &fault), HAY_EIO);
    load_remove(folder);
    CU_ASSERT_EQUAL(rmdir(folder), 0);
}

static CU_TestInfo tests[] = {
    {"nothing_waits_so_nothing_is_submitted",
     nothing_waits_so_nothing_is_submitted},
    {"what_is_soon_done_needs_no_further_job",
     what_is_soon_done_needs_no_further_job},
    {"jobs_bring_the_time_down_to_the_rule",
     jobs_bring_the_time_down_to_the_rule},
    {"not_more_than_the_user_allows", not_more_than_the_user_allows},
    {"not_more_than_there_are_tasks_for", not_more_than_there_are_tasks_for},
    {"what_was_handed_out_ahead_waits_too",
     what_was_handed_out_ahead_waits_too},
    {"a_job_that_runs_and_has_not_joined_is_counted",
     a_job_that_runs_and_has_not_joined_is_counted},
    {"unknown_tasks_are_watched_for_a_while",
     unknown_tasks_are_watched_for_a_while},
    {"waiting_jobs_are_cancelled_when_the_queue_is_dry",
     waiting_jobs_are_cancelled_when_the_queue_is_dry},
    {"a_run_that_ends_wants_nobody", a_run_that_ends_wants_nobody},
    {"no_job_for_the_last_seconds", no_job_for_the_last_seconds},
    {"the_rate_is_that_of_the_last_minute",
     the_rate_is_that_of_the_last_minute},
    {"another_start_begins_anew", another_start_begins_anew},
    {"pauses_grow_and_are_forgotten", pauses_grow_and_are_forgotten},
    {"a_load_is_read_as_it_was_written", a_load_is_read_as_it_was_written},
    {"another_file_is_no_load", another_file_is_no_load},
    CU_TEST_INFO_NULL,
};

static CU_SuiteInfo suites[] = {
    {"apps/grow", NULL, NULL, setup, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
