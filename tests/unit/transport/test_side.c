/* test_side.c - the manager and its callers in one thread, over loopback. */
#include "config.h"

#include "support/unit.h"
#include "transport/side.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PEERS = 4, TURNS = 2000, STRANGERS = 400 };

static struct hayi_side *manager;
static struct hayi_side *callers[PEERS];
static struct hayi_side_card card;
static uint32_t home; /* 127.0.0.1 */

struct news {
    uint32_t joined[PEERS];
    uint32_t down[PEERS];
};

static struct news at_manager;
static struct news at_callers; /* of peer 0, all of them together */

static void joined(void *context, uint32_t peer, uint32_t address)
{
    struct news *news = context;
    CU_ASSERT_EQUAL(address, home);
    news->joined[peer]++;
}

static void down(void *context, uint32_t peer, const char *how)
{
    struct news *news = context;
    CU_ASSERT_STRING_NOT_EQUAL(how, "");
    news->down[peer]++;
}

/* Poll all until a count is reached, or for long enough. */
static void turn_until(const uint32_t *count, uint32_t wanted)
{
    const struct hayi_side_sink of_manager = {joined, down, &at_manager};
    const struct hayi_side_sink of_callers = {joined, down, &at_callers};
    for (uint64_t i = 1; i < TURNS && (count == NULL || *count < wanted); i++) {
        struct pollfd list[PEERS];
        nfds_t n = 0;
        if (manager != NULL) {
            hayi_side_poll(manager, i, &of_manager);
            list[n++] =
                (struct pollfd){.fd = hayi_side_fd(manager), .events = POLLIN};
        }
        for (int k = 1; k < PEERS; k++) {
            if (callers[k] != NULL) {
                hayi_side_poll(callers[k], i, &of_callers);
                list[n++] = (struct pollfd){.fd = hayi_side_fd(callers[k]),
                                            .events = POLLIN};
            }
        }
        if (poll(list, n, count == NULL ? 0 : 10) == 0 && count == NULL) {
            return;
        }
    }
}

static void call(uint32_t self, const struct hayi_side_card *to)
{
    CU_ASSERT_EQUAL(hayi_side_connect(self, to, &home, 1, &callers[self], NULL),
                    HAY_OK);
}

static void setup(void)
{
    home = htonl(INADDR_LOOPBACK);
    memset(&at_manager, 0, sizeof at_manager);
    memset(&at_callers, 0, sizeof at_callers);
    CU_ASSERT_EQUAL(hayi_side_listen(PEERS, &manager, &card, NULL), HAY_OK);
}

static void teardown(void)
{
    hayi_side_free(manager);
    manager = NULL;
    for (int k = 1; k < PEERS; k++) {
        hayi_side_free(callers[k]);
        callers[k] = NULL;
    }
}

static void call_all(void)
{
    for (uint32_t k = 1; k < PEERS; k++) {
        call(k, &card);
    }
    turn_until(&at_callers.joined[0], PEERS - 1);
}

static void callers_are_proven_on_both_sides(void)
{
    call_all();
    CU_ASSERT_EQUAL(at_callers.joined[0], PEERS - 1);
    for (int k = 1; k < PEERS; k++) {
        CU_ASSERT_EQUAL(at_manager.joined[k], 1);
        CU_ASSERT_EQUAL(at_manager.down[k], 0);
    }
}

static void end_of_a_caller_is_told_once(void)
{
    call_all();
    hayi_side_free(callers[2]);
    callers[2] = NULL;
    turn_until(&at_manager.down[2], 1);
    turn_until(NULL, 0);
    CU_ASSERT_EQUAL(at_manager.down[2], 1);
    CU_ASSERT_EQUAL(at_manager.down[1] + at_manager.down[3], 0);
}

static void end_of_the_manager_is_told_to_all(void)
{
    call_all();
    hayi_side_free(manager);
    manager = NULL;
    turn_until(&at_callers.down[0], PEERS - 1);
    turn_until(NULL, 0);
    CU_ASSERT_EQUAL(at_callers.down[0], PEERS - 1);
}

/* A process that dies before the manager has looked. */
static void early_death_is_not_lost(void)
{
    call(1, &card);
    turn_until(NULL, 0);
    hayi_side_free(callers[1]);
    callers[1] = NULL;
    turn_until(&at_manager.down[1], 1);
    CU_ASSERT_EQUAL(at_manager.joined[1], 1);
    CU_ASSERT_EQUAL(at_manager.down[1], 1);
}

static void wrong_token_is_put_out_without_a_word(void)
{
    struct hayi_side_card wrong = card;
    wrong.token[3] ^= 1;
    call(1, &wrong);
    for (int i = 0; i < 20; i++) {
        turn_until(NULL, 0);
        (void)usleep(1000);
    }
    CU_ASSERT_EQUAL(at_manager.joined[1] + at_manager.down[1], 0);
    CU_ASSERT_EQUAL(at_callers.joined[0] + at_callers.down[0], 0);
    hayi_side_free(callers[1]);
    callers[1] = NULL;
    call_all();
    CU_ASSERT_EQUAL(at_manager.joined[1], 1);
}

static void refused_calls_end_quietly(void)
{
    /* A port that was free a moment ago. */
    struct hayi_side *other = NULL;
    struct hayi_side_card none;
    CU_ASSERT_EQUAL(hayi_side_listen(PEERS, &other, &none, NULL), HAY_OK);
    hayi_side_free(other);
    struct hayi_side_card dead = card;
    dead.port = none.port;
    uint32_t list[2] = {home, home};
    CU_ASSERT_EQUAL(hayi_side_connect(1, &dead, list, 2, &callers[1], NULL),
                    HAY_OK);
    for (int i = 0; i < 20; i++) {
        turn_until(NULL, 0);
        (void)usleep(500);
    }
    /* Both refused: no news, no descriptor that is readable for ever. */
    struct pollfd fd = {.fd = hayi_side_fd(callers[1]), .events = POLLIN};
    CU_ASSERT_EQUAL(at_callers.joined[0] + at_callers.down[0], 0);
    CU_ASSERT_EQUAL(poll(&fd, 1, 0), 0);
}

static void strangers_do_not_keep_callers_out(void)
{
    static int strangers[STRANGERS];
    struct sockaddr_in name = {
        .sin_family = AF_INET, .sin_port = card.port, .sin_addr.s_addr = home};
    for (int i = 0; i < STRANGERS; i++) {
        strangers[i] = socket(AF_INET, SOCK_STREAM, 0);
        CU_ASSERT_EQUAL(
            connect(strangers[i], (struct sockaddr *)&name, sizeof name), 0);
        if (i % 3 == 0) {
            CU_ASSERT_EQUAL(
                send(strangers[i], "GET / HTTP/1.0\r\n\r\n....", 22, 0), 22);
        }
        if (i % 50 == 49) {
            turn_until(NULL, 0);
        }
    }
    call_all();
    CU_ASSERT_EQUAL(at_callers.joined[0], PEERS - 1);
    for (int i = 0; i < STRANGERS; i++) {
        (void)close(strangers[i]);
    }
    turn_until(NULL, 0);
    CU_ASSERT_EQUAL(at_manager.down[1] + at_manager.down[2], 0);
}

#define TEST(name)                                                             \
    {                                                                          \
#name, name                                                            \
    }

static CU_TestInfo tests[] = {
    TEST(callers_are_proven_on_both_sides),
    TEST(end_of_a_caller_is_told_once),
    TEST(end_of_the_manager_is_told_to_all),
    TEST(early_death_is_not_lost),
    TEST(wrong_token_is_put_out_without_a_word),
    TEST(refused_calls_end_quietly),
    TEST(strangers_do_not_keep_callers_out),
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"transport/side", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
