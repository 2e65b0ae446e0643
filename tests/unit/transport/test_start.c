/* test_start.c - the small parts of starting and ordering: identity, netaddr,
 * parcel, card. */
#include "config.h"

#include "support/unit.h"
#include "transport/card.h"
#include "transport/identity.h"
#include "transport/netaddr.h"
#include "transport/parcel.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- identity ----------------------------------------------------------- */

static const char *tell(const char *first, const char *other)
{
    static char words[320];
    hayi_identity_tell(
        first, strlen(first), 0, other, strlen(other), words, sizeof words);
    return words;
}

static void first_line_that_differs_is_told(void)
{
    CU_ASSERT_STRING_EQUAL(tell("a\nbc\nd\n", "a\nbd\nd\n"),
                           "it has \"bd\" where rank 0 has \"bc\"");
    CU_ASSERT_STRING_EQUAL(tell("a\n", "a\nb\n"),
                           "it has \"b\" where rank 0 has nothing more");
    CU_ASSERT_STRING_EQUAL(tell("a\nb", "a\n"),
                           "it has nothing more where rank 0 has \"b\"");
    CU_ASSERT_STRING_EQUAL(tell("", "x"),
                           "it has \"x\" where rank 0 has nothing more");
}

static void long_lines_are_cut(void)
{
    char line[1000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    CU_ASSERT(strlen(tell("y", line)) < 200);
}

static void equal_texts_have_equal_hashes(void)
{
    CU_ASSERT_EQUAL(hayi_identity_hash("ab", 2), hayi_identity_hash("ab", 2));
    CU_ASSERT_NOT_EQUAL(hayi_identity_hash("ab", 2),
                        hayi_identity_hash("ba", 2));
}

/* ---- netaddr ------------------------------------------------------------ */

static struct hayi_netaddr addresses(const char *one, const char *two)
{
    struct hayi_netaddr list = {.count = two != NULL ? 2 : 1};
    list.address[0] = inet_addr(one);
    list.address[1] = two != NULL ? inet_addr(two) : 0;
    list.mask[0] = list.mask[1] = inet_addr("255.255.0.0");
    return list;
}

static void near_addresses_come_first(void)
{
    /* Both have the bridge of a container, which leads nowhere. */
    struct hayi_netaddr own = addresses("172.17.0.1", "10.1.0.5");
    struct hayi_netaddr other = addresses("172.17.0.1", "10.1.0.6");
    uint32_t list[HAYI_NETADDR_TRY_MAX];
    CU_ASSERT_EQUAL(hayi_netaddr_order(&own, &other, false, list), 1);
    CU_ASSERT_EQUAL(list[0], inet_addr("10.1.0.6"));
    other = addresses("192.168.0.1", "10.1.0.6");
    CU_ASSERT_EQUAL(hayi_netaddr_order(&own, &other, false, list), 2);
    CU_ASSERT_EQUAL(list[0], inet_addr("10.1.0.6"));
}

static void own_host_is_reached_by_loopback(void)
{
    struct hayi_netaddr own = addresses("10.1.0.5", NULL);
    uint32_t list[HAYI_NETADDR_TRY_MAX];
    CU_ASSERT_EQUAL(hayi_netaddr_order(&own, &own, true, list), 2);
    CU_ASSERT_EQUAL(list[0], inet_addr("127.0.0.1"));
    CU_ASSERT_EQUAL(list[1], inet_addr("10.1.0.5"));
}

static void counts_of_others_are_not_trusted(void)
{
    struct hayi_netaddr own = addresses("10.1.0.5", NULL);
    struct hayi_netaddr other = {.count = UINT32_MAX};
    uint32_t list[HAYI_NETADDR_TRY_MAX];
    CU_ASSERT_EQUAL(hayi_netaddr_order(&own, &other, true, list),
                    HAYI_NETADDR_TRY_MAX);
}

/* ---- parcel ------------------------------------------------------------- */

static void early_parcels_wait_in_order(void)
{
    static const uint32_t order[] = {1, 0, UINT32_MAX, 2, UINT32_MAX - 1};
    struct hayi_parcel_pool pool = {NULL};
    struct hayi_parcel *list = NULL;
    for (int i = 0; i < 5; i++) {
        struct hayi_parcel *parcel = hayi_parcel_take(&pool);
        parcel->message.sequence = order[i];
        hayi_parcel_keep(&list, parcel);
    }
    CU_ASSERT_TRUE(hayi_parcel_late(list, UINT32_MAX));
    CU_ASSERT_FALSE(hayi_parcel_late(list, UINT32_MAX - 1));
    CU_ASSERT_PTR_NULL(hayi_parcel_due(&list, 0));
    for (uint32_t i = 0; i < 5; i++) {
        struct hayi_parcel *parcel = hayi_parcel_due(&list, UINT32_MAX - 1 + i);
        CU_ASSERT_PTR_NOT_NULL_FATAL(parcel);
        hayi_parcel_put(&pool, parcel);
    }
    CU_ASSERT_PTR_NULL(list);
    struct hayi_parcel *last = pool.idle;
    CU_ASSERT_PTR_EQUAL(hayi_parcel_take(&pool), last);
    hayi_parcel_put(&pool, last);
    hayi_parcel_pool_fini(&pool);
}

/* ---- card --------------------------------------------------------------- */

static struct hayi_card cards[5];

static void fill_cards(void)
{
    struct hayi_mpi_start start = {.identity = "x", .identity_size = 1};
    for (int i = 0; i < 5; i++) {
        hayi_card_fill(&cards[i], &start);
        cards[i].threads = 1;
        cards[i].node = i < 2 ? 0 : 2;
    }
}

static void first_failure_is_told_to_all(void)
{
    struct hayi_error err;
    fill_cards();
    CU_ASSERT_EQUAL(hayi_cards_check(cards, 5, &err), HAY_OK);
    cards[3].status = HAY_EIO;
    (void)snprintf(cards[3].words, sizeof cards[3].words, "no socket");
    CU_ASSERT_EQUAL(hayi_cards_check(cards, 5, &err), HAY_EIO);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "rank 3"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "no socket"));
    fill_cards();
    cards[2].manager = 1;
    CU_ASSERT_EQUAL(hayi_cards_check(cards, 5, &err), HAY_EMISMATCH);
}

static void ranks_that_differ_are_named(void)
{
    struct hayi_error err;
    fill_cards();
    CU_ASSERT_EQUAL(hayi_cards_differ(cards, 5), -1);
    cards[1].identity++;
    cards[3].identity++;
    cards[4].identity++;
    CU_ASSERT_EQUAL(hayi_cards_differ(cards, 5), 1);
    CU_ASSERT_EQUAL(hayi_cards_refuse(cards, 5, "why", &err), HAY_EMISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "rank 1, 3-4"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "why"));
}

static void nodes_are_numbered_from_the_manager(void)
{
    static const uint32_t nodes[] = {0, 0, 0, 1, 1};
    struct hayi_mpi_peer list[5];
    fill_cards();
    hayi_cards_peers(cards, 5, 2, list);
    for (int i = 0; i < 5; i++) {
        CU_ASSERT_EQUAL(list[i].node, nodes[i]);
    }
}

/* ---- the environment ---------------------------------------------------- */

static void launcher_is_known_by_its_environment(void)
{
    struct hayi_error err;
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE",
                                        "PMIX_RANK",
                                        "PMI_RANK",
                                        "PMI_FD",
                                        "PMI_PORT",
                                        "PMI2_FD"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unsetenv(names[i]);
    }
    (void)setenv("SLURM_NTASKS", "4", 1);
    (void)unsetenv("SLURM_STEP_NUM_TASKS");
    CU_ASSERT_FALSE(hayi_mpi_launched());
    CU_ASSERT_FALSE(hayi_mpi_misled(&err));
    (void)setenv("SLURM_STEP_NUM_TASKS", "4", 1);
    CU_ASSERT_TRUE(hayi_mpi_misled(&err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "--mpi=pmix"));
    (void)setenv("PMIX_RANK", "0", 1);
    CU_ASSERT_TRUE(hayi_mpi_launched());
    CU_ASSERT_FALSE(hayi_mpi_misled(&err));
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(first_line_that_differs_is_told),
    TEST(long_lines_are_cut),
    TEST(equal_texts_have_equal_hashes),
    TEST(near_addresses_come_first),
    TEST(own_host_is_reached_by_loopback),
    TEST(counts_of_others_are_not_trusted),
    TEST(early_parcels_wait_in_order),
    TEST(first_failure_is_told_to_all),
    TEST(ranks_that_differ_are_named),
    TEST(nodes_are_numbered_from_the_manager),
    TEST(launcher_is_known_by_its_environment),
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"transport/start", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
