/* test_starving.c - large requests among a flood of small ones.
 *
 * For a second small tasks come faster than the farm can run them; each of a
 * few large ones asks for what is never free at once while they flow.  With
 * reservation each begins soon after reserve_ns; without, after the flood.
 */
#include "config.h"

#include "sim/cluster.h"
#include "support/unit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS          UINT64_C(1000000)
#define WORKERS_MAX 6u
#define SMALL_NS    (4 * MS)
#define LARGE_NS    (6 * MS)
#define RESERVE_NS  (50 * MS)
#define FLOOD_NS    (1000 * MS)
#define LARGE_AT_NS (100 * MS)
#define SEEDS       10

enum { POOL = 0, LICENCE = 1 }; /* of the farm; of each worker */
enum { LARGE_COUNT = 4 };

struct scene {
    struct hayi_sim *sim;
    struct hayi_dice dice;
    uint32_t workers;
    uint32_t cores;
    uint32_t large[LARGE_COUNT];
    uint64_t begun_ns[LARGE_COUNT]; /* 0: not yet */
    uint64_t small_since;           /* begun between the first large one's
                                       submit and the last one's begin */
};

static void note(void *context, uint64_t now_ns, const char *line)
{
    struct scene *scene = context;
    uint32_t worker = 0;
    uint32_t task = 0;
    if (sscanf(line, "w%" SCNu32 " begins %" SCNu32, &worker, &task) != 2) {
        return;
    }
    bool all = true;
    for (size_t i = 0; i < LARGE_COUNT; i++) {
        if (task == scene->large[i] && scene->begun_ns[i] == 0) {
            scene->begun_ns[i] = now_ns;
        }
        all = all && scene->begun_ns[i] != 0;
    }
    scene->small_since += now_ns > LARGE_AT_NS && !all ? 1 : 0;
}

static void make_farm(struct scene *scene, uint64_t seed, uint64_t reserve_ns)
{
    struct hayi_sim_node_config nodes[WORKERS_MAX];
    uint64_t join_ns[WORKERS_MAX] = {0};
    hayi_dice_init(&scene->dice, seed);
    scene->workers = (uint32_t)hayi_dice_between(&scene->dice, 1, WORKERS_MAX);
    scene->cores = (uint32_t)hayi_dice_between(&scene->dice, 2, 6);
    struct hayi_sim_config config = {
        .seed = seed,
        .worker_count = scene->workers,
        .nodes = nodes,
        .join_ns = join_ns,
        .sched = {.silence_ns = 2000 * MS, .reserve_ns = reserve_ns},
        .latency_ns = 10000,
        .trace = note,
        .trace_context = scene};
    for (uint32_t i = 0; i < scene->workers; i++) {
        nodes[i] = (struct hayi_sim_node_config){.index = i,
                                                 .cores = scene->cores,
                                                 .slow_permille = 1000,
                                                 .suspended_max = UINT32_MAX,
                                                 .beat_ns = 400 * MS};
    }
    scene->sim = hayi_sim_new(&config);
    CU_ASSERT_PTR_NOT_NULL_FATAL(scene->sim);
    struct hayi_wealth *wealth = hayi_sim_wealth(scene->sim);
    wealth->pools = 1;
    wealth->units[POOL] =
        (uint64_t)scene->workers * scene->cores * HAYI_AMOUNT_ONE / 2;
    for (uint32_t i = 0; i < scene->workers; i++) {
        wealth->workers[i].has.gpus = 2;
        wealth->workers[i].has.units[LICENCE] = scene->cores * HAYI_AMOUNT_ONE;
    }
}

static uint32_t request(struct scene *scene, struct hayi_variant variant)
{
    uint32_t index = 0;
    CU_ASSERT_EQUAL_FATAL(
        hayi_wealth_request(hayi_sim_wealth(scene->sim), &variant, 1, &index),
        HAY_OK);
    return index;
}

static uint32_t
submit(struct scene *scene, uint32_t ask, uint64_t at_ns, uint64_t duration_ns)
{
    struct hayi_sim_spec spec = {.duration_ns = duration_ns, .needs.cores = 1};
    struct hayi_sim_wish wish = {.kind = HAYI_SIM_WISH_SUBMIT};
    spec.needs.request = ask & (HAYI_REQUEST_MAX - 1);
    CU_ASSERT_EQUAL_FATAL(hayi_sim_task(scene->sim, &spec, &wish.task), HAY_OK);
    CU_ASSERT_EQUAL_FATAL(hayi_sim_wish(scene->sim, at_ns, &wish), HAY_OK);
    return wish.task;
}

/* Small ones, half as many again as the farm can run. */
static void make_flood(struct scene *scene)
{
    struct hayi_dice *d = &scene->dice;
    uint32_t small[4] = {
        0,
        request(scene, (struct hayi_variant){.cores = 1, .gpu_units = 5000}),
        request(scene,
                (struct hayi_variant){
                    .cores = 1,
                    .amount_count = 1,
                    .amounts = {{.resource = POOL, .units = HAYI_AMOUNT_ONE}}}),
        request(scene,
                (struct hayi_variant){.cores = 1,
                                      .amount_count = 1,
                                      .amounts = {{.resource = LICENCE,
                                                   .units = HAYI_AMOUNT_ONE}}}),
    };
    uint64_t gap_ns = SMALL_NS / scene->workers / scene->cores * 2 / 3;
    for (uint64_t at_ns = 0; at_ns < FLOOD_NS; at_ns += gap_ns) {
        (void)submit(scene, small[hayi_dice_below(d, 4)], at_ns, SMALL_NS);
    }
}

static void make_large(struct scene *scene)
{
    struct hayi_wealth *wealth = hayi_sim_wealth(scene->sim);
    struct hayi_variant large[LARGE_COUNT] = {
        {.cores = HAYI_CORES_ALL},
        {.cores = 1, .gpu_units = 2 * HAYI_AMOUNT_ONE},
        {.cores = 1,
         .amount_count = 1,
         .amounts = {{.resource = POOL, .units = wealth->units[POOL]}}},
        {.cores = 2,
         .amount_count = 2,
         .amounts = {{.resource = POOL, .units = wealth->units[POOL] / 2},
                     {.resource = LICENCE,
                      .units = wealth->workers[0].has.units[LICENCE]}}},
    };
    for (uint32_t i = 0; i < LARGE_COUNT; i++) {
        scene->large[i] =
            submit(scene, request(scene, large[i]), LARGE_AT_NS, LARGE_NS);
    }
}

/* When the last of the large ones began. */
static uint64_t play(uint64_t seed, uint64_t reserve_ns)
{
    struct scene scene = {.sim = NULL};
    struct hayi_sim_result result;
    struct hayi_error err = {.status = HAY_OK};
    struct hayi_sim_wish close = {.kind = HAYI_SIM_WISH_CLOSE};
    uint64_t last_ns = 0;

    make_farm(&scene, seed, reserve_ns);
    make_flood(&scene);
    make_large(&scene);
    CU_ASSERT_EQUAL_FATAL(hayi_sim_wish(scene.sim, FLOOD_NS + MS, &close),
                          HAY_OK);
    CU_ASSERT_EQUAL(hayi_sim_run(scene.sim, &result, &err), HAY_OK);
    if (err.status != HAY_OK) {
        printf("# seed %" PRIu64 ": %s\n", seed, err.text);
    }
    for (size_t i = 0; i < LARGE_COUNT; i++) {
        CU_ASSERT_NOT_EQUAL(scene.begun_ns[i], 0);
        last_ns = scene.begun_ns[i] > last_ns ? scene.begun_ns[i] : last_ns;
    }
    CU_ASSERT_TRUE(scene.small_since > 10); /* the others were not held up */
    hayi_sim_free(scene.sim);
    return last_ns;
}

/* Each may have to wait for the others, and for what runs. */
static void large_requests_begin_within_a_bound(void)
{
    uint64_t bound_ns = LARGE_AT_NS + RESERVE_NS
                        + LARGE_COUNT * 2 * (SMALL_NS + LARGE_NS) + 10 * MS;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint64_t last_ns = play(seed, RESERVE_NS);
        CU_ASSERT_TRUE(last_ns <= bound_ns);
        if (last_ns > bound_ns) {
            printf("# seed %" PRIu64 ": the last one began at %" PRIu64 " ms\n",
                   seed,
                   last_ns / MS);
        }
    }
}

static void without_reservation_they_wait_for_the_end_of_the_flood(void)
{
    uint32_t late = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        late += play(seed, UINT64_MAX >> 1) > FLOOD_NS ? 1 : 0;
    }
    CU_ASSERT_TRUE(late > SEEDS / 2);
}

static CU_TestInfo tests[] = {
    {"large_requests_begin_within_a_bound",
     large_requests_begin_within_a_bound},
    {"without_reservation_they_wait_for_the_end_of_the_flood",
     without_reservation_they_wait_for_the_end_of_the_flood},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"sim/starving", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
