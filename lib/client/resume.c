/* resume.c - see resume.h. */
#include "config.h"

#include "client/resume.h"

const char *hay_why_name(hay_why why)
{
    static const char *const names[] = {
        [HAY_WHY_NONE] = "",
        [HAY_WHY_RECORDED] = "done before",
        [HAY_WHY_NEW] = "new",
        [HAY_WHY_COMMAND] = "command changed",
        [HAY_WHY_ARGUMENTS] = "arguments changed",
        [HAY_WHY_INPUTS] = "comes after what runs again",
        [HAY_WHY_FILES] = "input file changed",
        [HAY_WHY_OUTPUT] = "output is gone",
        [HAY_WHY_RESULT] = "result not kept",
        [HAY_WHY_FAILED] = "failed before",
        [HAY_WHY_UNFINISHED] = "not finished before",
    };
    return (unsigned)why < sizeof(names) / sizeof(names[0]) ? names[why] : "";
}

hay_why hay_future_why(const hay_future *future)
{
    const struct hayi_spec_key *key = hayi_spec_key(future->spec);
    return key != NULL ? (hay_why)key->why : HAY_WHY_NONE;
}
