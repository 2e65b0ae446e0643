/* test_h5version.c - another HDF5 than the one built with is refused: this
 * program brings a function of that library itself. */
#include "config.h"

#include "data/h5store.h"

#include "support/unit.h"

#include <hdf5.h>
#include <string.h>

static unsigned loaded[3] = {1, 99, 7};

herr_t H5get_libversion(unsigned *major, unsigned *minor, unsigned *release)
{
    *major = loaded[0];
    *minor = loaded[1];
    *release = loaded[2];
    return 0;
}

static void another_version_is_refused_with_both_named(void)
{
    struct hayi_error err = {.text = ""};
    struct hayi_dataset *dataset = NULL;
    CU_ASSERT_EQUAL(hayi_h5_check_version(&err), HAY_EMISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "HDF5 1.99.7 is loaded"));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "Hayfork was built with 1."));
    err.text[0] = 0;
    CU_ASSERT_EQUAL(hayi_h5_open("/dev/null", "a", &dataset, &err),
                    HAY_EMISMATCH);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "1.99.7"));
    hayi_h5_close_all();
}

static void the_same_version_is_fine(void)
{
    loaded[0] = H5_VERS_MAJOR;
    loaded[1] = H5_VERS_MINOR;
    loaded[2] = H5_VERS_RELEASE;
    CU_ASSERT_EQUAL(hayi_h5_check_version(NULL), HAY_OK);
}

static CU_TestInfo tests[] = {
    {"another_version_is_refused_with_both_named",
     another_version_is_refused_with_both_named},
    {"the_same_version_is_fine", the_same_version_is_fine},
    CU_TEST_INFO_NULL,
};

static const CU_SuiteInfo suites[] = {
    {"data/h5version", NULL, NULL, NULL, NULL, tests},
    CU_SUITE_INFO_NULL,
};

int main(int argc, char **argv)
{
    return hayi_unit_main(suites, argc, argv);
}
