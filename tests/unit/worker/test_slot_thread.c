/* test_slot_thread.c - a core's thread: order, revokes, and when it rings. */
#include "config.h"

#include "worker/hand.h"

#include "base/clock.h"

#include "support/unit.h"

#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>

static struct hayi_slot_thread slot;
static struct hayi_hands hands;
static struct hayi_bell bell;
static struct hayi_mpsc ended;
static sem_t began, go_on; /* of a gate */
static atomic_uint runs;

static void nobody_logs(void *context, const char *text)
{
    (void)context;
    (void)text;
}
static const struct hayi_task_farm farm = {.seed = 1,
                                           .worker = 0,
                                           .log = nobody_logs};

HAY_TASK(counts)
{
    (void)task;
    atomic_fetch_add(&runs, 1);
    return HAY_OK;
}

/* Long enough for the loop to have seen the one before, short enough not to be
 * told for its length. */
HAY_TASK(takes_a_while)
{
    (void)task;
    for (uint64_t end = hayi_clock_ns() + 200000; hayi_clock_ns() < end;) {
    }
    return HAY_OK;
}

/* Says that it runs, and does so until told. */
HAY_TASK(gate)
{
    (void)sem_post(&began);
    (void)sem_wait(&go_on);
    return HAY_OK;
}

static int setup_suite(void)
{
    return hayi_registry_seal(NULL) != HAY_OK;
}

static void setup(void)
{
    memset(&slot, 0, sizeof(slot));
    CU_ASSERT_EQUAL(hayi_bell_init(&bell), HAY_OK);
    hayi_mpsc_init(&ended);
    (void)sem_init(&began, 0, 0);
    (void)sem_init(&go_on, 0, 0);
    atomic_store(&runs, 0);
    memset(&hands, 0, sizeof(hands));
    hands.loop_bell = &bell;
    hands.news = &ended;
    hands.spare_max = 2;
    hayi_hands_init(&hands);
    slot.hands = &hands;
}

static void teardown(void)
{
    hayi_hands_fini(&hands);
    hayi_bell_fini(&bell);
    (void)sem_destroy(&began);
    (void)sem_destroy(&go_on);
}

static struct hay_task *make(hay_task_fn function, uint64_t id)
{
    const struct {
        struct hayi_task_record head;
        uint64_t args[1];
    } body = {
        .head = {.id = id,
                 .function = hayi_registry_find(function),
                 .args_size = 8,
                 .cores = 1,
                 .kind = HAYI_TASK_FUNCTION},
    };
    struct hay_task *task = NULL;
    CU_ASSERT_EQUAL_FATAL(
        hayi_task_new(&farm, &body, sizeof(body), &task, NULL), HAY_OK);
    return task;
}

static struct hay_task *give(hay_task_fn function, uint64_t id)
{
    struct hay_task *task = make(function, id);
    hayi_slot_give(&slot, task);
    return task;
}

/* The next that ended; NULL: none within ten seconds. */
static struct hay_task *next_ended(void)
{
    for (int i = 0; i < 10000; i++) {
        struct hayi_mpsc_node *node = hayi_mpsc_pop(&ended);
        if (node != NULL) {
            return (struct hay_task *)node;
        }
        hayi_slot_refill(&slot);
        (void)poll(NULL, 0, 1);
    }
    return NULL;
}

static bool rings_within(int limit_ms)
{
    struct pollfd fd = {.fd = bell.fd, .events = POLLIN};
    return poll(&fd, 1, limit_ms) == 1;
}

/* ---- order ---- */

static void attempts_run_in_order(void)
{
    enum { MANY = 300 };
    for (uint64_t i = 1; i <= MANY; i++) {
        (void)give(counts, i);
    }
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    for (uint64_t i = 1; i <= MANY; i++) {
        struct hay_task *task = next_ended();
        CU_ASSERT_PTR_NOT_NULL_FATAL(task);
        CU_ASSERT_EQUAL(task->record.id, i);
        CU_ASSERT_EQUAL(task->outcome, HAYI_OUTCOME_FINISHED);
        CU_ASSERT_TRUE(task->end_ns >= task->start_ns);
        hayi_task_free(task);
    }
    CU_ASSERT_EQUAL(atomic_load(&runs), MANY);
}

static void what_does_not_fit_into_the_ring_waits_its_turn(void)
{
    enum { MANY = 3 * HAYI_SLOT_RING };
    struct hay_task *last = NULL;
    for (uint64_t i = 1; i <= MANY; i++) {
        last = give(counts, i);
    }
    CU_ASSERT_PTR_NULL(last->entry);
    CU_ASSERT_TRUE(hayi_slot_revoke(&slot, last)); /* the tail of those */
    struct hay_task *late = give(counts, MANY);
    CU_ASSERT_TRUE(hayi_slot_revoke(&slot, late));
    hayi_task_free(late);
    hayi_slot_give(&slot, last);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    for (uint64_t i = 1; i <= MANY; i++) {
        struct hay_task *task = next_ended();
        CU_ASSERT_PTR_NOT_NULL_FATAL(task);
        CU_ASSERT_EQUAL(task->record.id, i);
        hayi_task_free(task);
    }
}

/* ---- revoking ---- */

static void revoked_one_does_not_run(void)
{
    struct hay_task *first = give(gate, 1);
    struct hay_task *second = give(counts, 2);
    struct hay_task *third = give(counts, 3);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    (void)sem_wait(&began);
    CU_ASSERT_TRUE(hayi_slot_runs(first));
    CU_ASSERT_FALSE(hayi_slot_runs(second));
    CU_ASSERT_FALSE(hayi_slot_revoke(&slot, first));
    CU_ASSERT_TRUE(hayi_slot_revoke(&slot, second));
    (void)sem_post(&go_on);
    CU_ASSERT_PTR_EQUAL(next_ended(), first);
    CU_ASSERT_PTR_EQUAL(next_ended(), third);
    CU_ASSERT_EQUAL(atomic_load(&runs), 1);
    CU_ASSERT_FALSE(hayi_slot_revoke(&slot, first));
    CU_ASSERT_FALSE(hayi_slot_revoke(&slot, third));
    hayi_task_free(first);
    hayi_task_free(second);
    hayi_task_free(third);
}

static void revoke_of_one_whose_place_was_given_again_comes_too_late(void)
{
    struct hay_task *first = give(counts, 1);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    CU_ASSERT_PTR_EQUAL(next_ended(), first);
    for (uint64_t i = 0; i < HAYI_SLOT_RING - 1; i++) {
        (void)give(counts, 2);
        CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
        hayi_task_free(next_ended());
    }
    struct hay_task *plug = give(gate, 3);
    CU_ASSERT_PTR_EQUAL(plug->entry, first->entry);
    CU_ASSERT_FALSE(hayi_slot_revoke(&slot, first));
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    (void)sem_wait(&began);
    (void)sem_post(&go_on);
    CU_ASSERT_PTR_EQUAL(next_ended(), plug);
    hayi_task_free(first);
    hayi_task_free(plug);
}

/* Each attempt either ends or is taken back, and never both. */
static void revoke_wins_or_loses_exactly_once(void)
{
    enum { ROUNDS = 100000, HELD = 40 };
    struct hay_task *held[HELD] = {NULL};
    uint64_t given = 0;
    uint64_t came = 0;
    uint64_t revoked = 0;
    unsigned dice = 1;
    while (given < ROUNDS || came < ROUNDS / 4 || came + revoked < given) {
        while (given - came - revoked < HELD
               && (given < ROUNDS || came < ROUNDS / 4)) {
            size_t i = 0;
            while (held[i] != NULL) {
                i++;
            }
            held[i] = give(counts, i);
            given++;
            dice = dice * 1664525u + 1013904223u;
            if (dice >> 30 == 0) {
                break;
            }
        }
        CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
        hayi_slot_refill(&slot);
        if (dice >> 27 == 1) {
            (void)sched_yield();
        }
        for (int n = 0; n < 2; n++) {
            dice = dice * 1664525u + 1013904223u;
            size_t i = (dice >> 16) % HELD;
            if (held[i] != NULL && hayi_slot_revoke(&slot, held[i])) {
                hayi_task_free(held[i]);
                held[i] = NULL;
                revoked++;
            }
        }
        struct hayi_mpsc_node *node;
        while ((node = hayi_mpsc_pop(&ended)) != NULL) {
            struct hay_task *task = (struct hay_task *)node;
            CU_ASSERT_PTR_EQUAL_FATAL(held[task->record.id], task);
            held[task->record.id] = NULL;
            hayi_task_free(task);
            came++;
        }
    }
    CU_ASSERT_EQUAL(came + revoked, given);
    CU_ASSERT_EQUAL(atomic_load(&runs), came);
    CU_ASSERT_TRUE(revoked > 0);
    CU_ASSERT_TRUE(came > 0);
}

/* ---- ringing ---- */

static void bell_is_rung_when_nothing_is_left(void)
{
    hayi_bell_announce(&bell);
    struct hay_task *task = give(counts, 1);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    CU_ASSERT_TRUE(rings_within(10000));
    CU_ASSERT_PTR_EQUAL(next_ended(), task);
    hayi_task_free(task);
}

static void bell_is_rung_when_half_is_done(void)
{
    struct hay_task *list[10];
    for (size_t i = 0; i < 10; i++) {
        list[i] = give(i == 6 ? gate : counts, i);
    }
    hayi_bell_announce(&bell);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    (void)sem_wait(&began);
    CU_ASSERT_TRUE(rings_within(0)); /* it has been, before the seventh began */
    (void)sem_post(&go_on);
    for (size_t i = 0; i < 10; i++) {
        CU_ASSERT_PTR_EQUAL(next_ended(), list[i]);
        hayi_task_free(list[i]);
    }
}

static void prompt_one_rings_at_its_end(void)
{
    struct hay_task *list[6];
    for (size_t i = 0; i < 6; i++) {
        list[i] = make(i == 1 ? gate : counts, i);
        list[i]->record.flags = i == 0 ? HAYI_TASK_PROMPT : 0;
        hayi_slot_give(&slot, list[i]);
    }
    hayi_bell_announce(&bell);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    (void)sem_wait(&began);
    CU_ASSERT_TRUE(rings_within(0));
    (void)sem_post(&go_on);
    for (size_t i = 0; i < 6; i++) {
        CU_ASSERT_PTR_EQUAL(next_ended(), list[i]);
        hayi_task_free(list[i]);
    }
}

/* All that the ring holds is revoked before the thread sees it: no end tells
 * the loop of the room for those that wait for it. */
static void what_waits_for_room_is_asked_for(void)
{
    enum { WAITING = 8 };
    static struct hay_task *given[HAYI_SLOT_RING];
    for (size_t i = 0; i < HAYI_SLOT_RING; i++) {
        given[i] = give(counts, 1 + i);
    }
    for (size_t i = 0; i < WAITING; i++) {
        (void)give(counts, 1000 + i);
    }
    for (size_t i = 0; i < HAYI_SLOT_RING; i++) {
        CU_ASSERT_TRUE(hayi_slot_revoke(&slot, given[i]));
        hayi_task_free(given[i]);
    }
    hayi_bell_announce(&bell);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    CU_ASSERT_TRUE(rings_within(10000));
    for (size_t i = 0; i < WAITING; i++) {
        struct hay_task *task = next_ended();
        CU_ASSERT_PTR_NOT_NULL_FATAL(task);
        CU_ASSERT_EQUAL(task->record.id, 1000 + i);
        hayi_task_free(task);
    }
}

/* The thread counts on those behind to ring; if they are taken back, it has to
 * do so itself. */
static void bell_is_rung_when_the_rest_was_revoked(void)
{
    enum { BEHIND = 6 };
    struct hay_task *behind[BEHIND];
    struct hay_task *first = make(gate, 1);
    struct hay_task *second = make(takes_a_while, 2);
    first->record.flags = HAYI_TASK_PROMPT;
    hayi_slot_give(&slot, first);
    hayi_slot_give(&slot, second);
    for (size_t i = 0; i < BEHIND; i++) {
        behind[i] = give(counts, 3 + i);
    }
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    (void)sem_wait(&began);
    for (size_t i = 0; i < BEHIND; i++) {
        CU_ASSERT_TRUE(hayi_slot_revoke(&slot, behind[i]));
        hayi_task_free(behind[i]);
    }
    (void)sem_post(&go_on);
    for (int done = 0; done < 2;) {
        hayi_bell_announce(&bell);
        struct hay_task *task = (struct hay_task *)hayi_mpsc_pop(&ended);
        if (task != NULL) {
            CU_ASSERT_PTR_EQUAL(task, done == 0 ? first : second);
            hayi_task_free(task);
            done++;
        } else {
            CU_ASSERT_TRUE_FATAL(rings_within(10000));
        }
        hayi_bell_awake(&bell);
    }
}

/* ---- waiting ---- */

/* Waits until it is woken and has its turn. */
HAY_TASK(parks)
{
    struct hayi_hand *hand = hayi_hand_current();
    return hayi_hand_wait_begin(hand) && hayi_hand_wait_end(hand, UINT64_MAX)
               ? HAY_OK
               : HAY_ECLOSED;
}

/* The next news; they must be of this kind. */
static struct hayi_news *next_news(enum hayi_news_kind kind)
{
    struct hayi_news *news = (struct hayi_news *)next_ended();
    CU_ASSERT_PTR_NOT_NULL_FATAL(news);
    CU_ASSERT_EQUAL_FATAL(news->kind, kind);
    return news;
}

static void a_slot_serves_others_while_its_task_waits(void)
{
    struct hay_task *first = give(parks, 1);
    struct hay_task *second = give(counts, 2);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    struct hayi_news *news = next_news(HAYI_NEWS_SUSPENDED);
    struct hayi_hand *hand = news->hand;
    CU_ASSERT_PTR_EQUAL(news->task, first);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    CU_ASSERT_PTR_EQUAL(next_news(HAYI_NEWS_ENDED)->task, second);
    hayi_hand_wake(hand);
    hayi_hand_wake(hand); /* the second time is nothing */
    CU_ASSERT_PTR_EQUAL(next_news(HAYI_NEWS_WAKE)->task, first);
    hayi_slot_give_turn(&slot, hand);
    CU_ASSERT_PTR_EQUAL(next_news(HAYI_NEWS_RESUMED)->task, first);
    CU_ASSERT_PTR_EQUAL(next_news(HAYI_NEWS_ENDED)->task, first);
    CU_ASSERT_EQUAL(first->outcome, HAYI_OUTCOME_FINISHED);
    hayi_task_free(first);
    hayi_task_free(second);
}

static void a_turn_comes_after_what_runs_and_before_the_rest(void)
{
    struct hay_task *first = give(parks, 1);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    struct hayi_hand *hand = next_news(HAYI_NEWS_SUSPENDED)->hand;
    struct hay_task *second = give(gate, 2);
    struct hay_task *third = give(counts, 3);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    (void)sem_wait(&began);
    hayi_hand_wake(hand);
    (void)next_news(HAYI_NEWS_WAKE);
    hayi_slot_give_turn(&slot, hand);
    CU_ASSERT_TRUE(hayi_slot_revoke_turn(&slot, hand));
    CU_ASSERT_FALSE(hayi_slot_revoke_turn(&slot, hand));
    hayi_slot_give_turn(&slot, hand);
    (void)sem_post(&go_on);
    CU_ASSERT_PTR_EQUAL(next_news(HAYI_NEWS_ENDED)->task, second);
    CU_ASSERT_PTR_EQUAL(next_news(HAYI_NEWS_RESUMED)->task, first);
    CU_ASSERT_PTR_EQUAL(next_news(HAYI_NEWS_ENDED)->task, first);
    CU_ASSERT_PTR_EQUAL(next_news(HAYI_NEWS_ENDED)->task, third);
    hayi_task_free(first);
    hayi_task_free(second);
    hayi_task_free(third);
}

static void the_end_wakes_those_that_wait(void)
{
    struct hay_task *first = give(parks, 1);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    (void)next_news(HAYI_NEWS_SUSPENDED);
    hayi_hands_fini(&hands);
    hayi_hands_init(&hands);
    CU_ASSERT_PTR_EQUAL(next_news(HAYI_NEWS_ENDED)->task, first);
    CU_ASSERT_EQUAL(first->outcome, HAYI_OUTCOME_FAILED);
    hayi_task_free(first);
}

static void deeper_ones_go_before_what_is_in_the_ring(void)
{
    struct hay_task *list[6];
    static const uint16_t depths[6] = {0, 0, 2, 1, 2, 3};
    static const uint64_t order[6] = {0, 5, 2, 4, 3, 1};
    for (size_t i = 0; i < 6; i++) {
        list[i] = make(i == 0 ? gate : counts, i);
        list[i]->record.depth = depths[i];
        hayi_slot_give(&slot, list[i]);
        if (i == 0) {
            CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
            (void)sem_wait(&began);
        }
    }
    CU_ASSERT_TRUE(hayi_slot_revoke(&slot, list[3]));
    CU_ASSERT_FALSE(hayi_slot_revoke(&slot, list[0]));
    hayi_slot_give(&slot, list[3]);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    (void)sem_post(&go_on);
    for (size_t i = 0; i < 6; i++) {
        CU_ASSERT_PTR_EQUAL(next_news(HAYI_NEWS_ENDED)->task, list[order[i]]);
        hayi_task_free(list[order[i]]);
    }
}

/* ---- the end ---- */

static void stop_does_not_wait_for_what_has_not_begun(void)
{
    struct hay_task *list[20];
    for (size_t i = 0; i < 20; i++) {
        list[i] = give(i == 0 ? gate : counts, i);
    }
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    (void)sem_wait(&began);
    (void)atomic_exchange(&hands.stop, 1); /* as hayi_hands_fini() does */
    (void)sem_post(&go_on);
    hayi_hands_fini(&hands);
    hayi_hands_init(&hands); /* for the teardown */
    CU_ASSERT_EQUAL(atomic_load(&runs), 0);
    CU_ASSERT_PTR_EQUAL(hayi_mpsc_pop(&ended), &list[0]->ended.node);
    for (size_t i = 0; i < 20; i++) {
        hayi_task_free(list[i]);
    }
}

static void stop_of_an_idle_or_unstarted_one_returns(void)
{
    hayi_hands_fini(&hands);
    hayi_hands_init(&hands);
    atomic_store(&hands.stop, 0);
    struct hay_task *task = give(counts, 1);
    CU_ASSERT_EQUAL(hayi_slot_wake(&slot, NULL), HAY_OK);
    CU_ASSERT_PTR_EQUAL(next_ended(), task);
    hayi_task_free(task);
    hayi_hands_fini(&hands);
    hayi_hands_init(&hands);
    CU_ASSERT_PTR_NULL(hands.all);
}

static CU_TestInfo tests[] = {
    {"a_slot_serves_others_while_its_task_waits",
     a_slot_serves_others_while_its_task_waits},
    {"a_turn_comes_after_what_runs_and_before_the_rest",
     a_turn_comes_after_what_runs_and_before_the_rest},
    {"the_end_wakes_those_that_wait", the_end_wakes_those_that_wait},
    {"deeper_ones_go_before_what_is_in_the_ring",
     deeper_ones_go_before_what_is_in_the_ring},
    {"attempts_run_in_order", attempts_run_in_order},
    {"what_does_not_fit_into_the_ring_waits_its_turn",
     what_does_not_fit_into_the_ring_waits_its_turn},
    {"revoked_one_does_not_run", revoked_one_does_not_run},
    {"revoke_of_one_whose_place_was_given_again_comes_too_late",
     revoke_of_one_whose_place_was_given_again_comes_too_late},
    {"revoke_wins_or_loses_exactly_once", revoke_wins_or_loses_exactly_once},
    {"bell_is_rung_when_nothing_is_left", bell_is_rung_when_nothing_is_left},
    {"bell_is_rung_when_half_is_done", bell_is_rung_when_half_is_done},
    {"prompt_one_rings_at_its_end", prompt_one_rings_at_its_end},
    {"what_waits_for_room_is_asked_for", what_waits_for_room_is_asked_for},
    {"bell_is_rung_when_the_rest_was_revoked",
     bell_is_rung_when_the_rest_was_revoked},
    {"stop_does_not_wait_for_what_has_not_begun",
     stop_does_not_wait_for_what_has_not_begun},
    {"stop_of_an_idle_or_unstarted_one_returns",
     stop_of_an_idle_or_unstarted_one_returns},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"worker/slot_thread", setup_suite, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
