/* test_hosts.c - lists of hosts, where ranks go, and what the launcher filters
 * from mpirun's standard error.
 */
#include "config.h"

#include "support/unit.h"

#include "errfilter.h"
#include "hosts.h"

#include <stdio.h>
#include <string.h>

static struct hosts hosts;
static struct fault fault;
static struct text text;

static void setup(void)
{
    hosts_init(&hosts);
    text_clear(&text);
}

static void teardown(void)
{
    hosts_fini(&hosts);
    text_fini(&text);
}

static const char *names(void)
{
    text_clear(&text);
    for (size_t i = 0; i < hosts.count; i++) {
        text_format(&text, "%s ", hosts.list[i].name);
    }
    return text.data;
}

static void places(uint32_t ranks, uint32_t all, const char *expected)
{
    CU_ASSERT_EQUAL(hosts_place(&hosts, &ranks, &text, &fault), HAY_OK);
    CU_ASSERT_EQUAL(ranks, all);
    CU_ASSERT_STRING_EQUAL(text.data, expected);
}

static void hosts_option_counts_workers(void)
{
    CU_ASSERT_EQUAL(hosts_parse(&hosts, "a,b:2,a", &fault), HAY_OK);
    CU_ASSERT_STRING_EQUAL(names(), "a b ");
    places(0, 5, "a:3,b:2");
    places(1, 1, "a:1");
    places(2, 2, "a:2");
    places(4, 4, "a:3,b:1");
    places(7, 7, "a:5,b:2");
}

static void bad_hosts_are_refused(void)
{
    static const char *const bad[] = {"", "a,", "a:0", "a:x", ":2", "a b"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CU_ASSERT_EQUAL(hosts_parse(&hosts, bad[i], &fault), HAY_EINVAL);
    }
}

static void node_lists_of_slurm(void)
{
    CU_ASSERT_EQUAL(hosts_slurm(&hosts, "n[1-3,07-11],login,m-[5]", &fault),
                    HAY_OK);
    CU_ASSERT_STRING_EQUAL(names(), "n1 n2 n3 n07 n08 n09 n10 n11 login m-5 ");
    CU_ASSERT_EQUAL(hosts_slurm(&hosts, "n[1-", &fault), HAY_EINVAL);
    CU_ASSERT_EQUAL(hosts_slurm(&hosts, "n[3-1]", &fault), HAY_EINVAL);
    CU_ASSERT_EQUAL(hosts_slurm(&hosts, "n[]", &fault), HAY_EINVAL);
}

static void feed(struct errfilter *f, const char *data)
{
    text_clear(&text);
    errfilter_feed(f, data, strlen(data), &text);
}

static void harmless_lines_are_left_out(void)
{
    struct errfilter f;
    errfilter_init(&f);
    feed(&f, "one\n[n1:12] PMIX ERROR: BAD-PARAM in file ../x.c at 1\ntwo\r");
    CU_ASSERT_STRING_EQUAL(text.data, "one\ntwo\r");
    feed(&f, "mpirun: Forwarding signal 10 to job\nthr");
    CU_ASSERT_STRING_EQUAL(text.data, "");
    text_clear(&text);
    errfilter_flush(&f, &text);
    CU_ASSERT_STRING_EQUAL(text.data, "thr");
    feed(&f, "ee\n");
    CU_ASSERT_STRING_EQUAL(text.data, "ee\n");
    feed(&f, "7/9 donempirun: Forwarding signal 10 to job\n");
    CU_ASSERT_STRING_EQUAL(text.data, "7/9 done");
    errfilter_fini(&f);
}

static void the_guards_words_are_taken_out(void)
{
    struct errfilter f;
    errfilter_init(&f);
    feed(&f, ERRFILTER_MARK "up\nx");
    CU_ASSERT_TRUE(f.up);
    CU_ASSERT_STRING_EQUAL(text.data, "");
    feed(&f, "y" ERRFILTER_MARK "exit");
    errfilter_flush(&f, &text);
    CU_ASSERT_STRING_EQUAL(text.data, "");
    feed(&f, " 3\nz\n");
    CU_ASSERT_STRING_EQUAL(text.data, "xyz\n");
    CU_ASSERT_TRUE(f.ended);
    CU_ASSERT_FALSE(f.by_signal);
    CU_ASSERT_EQUAL(f.code, 3);
    CU_ASSERT_FALSE(errfilter_status(&f, "exit x"));
    CU_ASSERT_TRUE(errfilter_status(&f, "signal 9"));
    CU_ASSERT_TRUE(f.by_signal);
    errfilter_fini(&f);
}

static CU_TestInfo tests[] = {
    {"hosts_option_counts_workers", hosts_option_counts_workers},
    {"bad_hosts_are_refused", bad_hosts_are_refused},
    {"node_lists_of_slurm", node_lists_of_slurm},
    {"harmless_lines_are_left_out", harmless_lines_are_left_out},
    {"the_guards_words_are_taken_out", the_guards_words_are_taken_out},
    CU_TEST_INFO_NULL};

static const CU_SuiteInfo suites[] = {
    {"apps/hosts", NULL, NULL, setup, teardown, tests},
    CU_SUITE_INFO_NULL};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
