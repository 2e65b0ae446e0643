/* hayfork/resume.h - runs that go on where a run folder's journal ends;
 * included by hayfork.h.
 */
#ifndef HAYFORK_RESUME_H
#define HAYFORK_RESUME_H

#ifndef HAYFORK_HAYFORK_H
#error "include <hayfork/hayfork.h>"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Why a task runs in a run with a journal (hay_options.run_folder). */
typedef enum hay_why {
    HAY_WHY_NONE = 0,      /* no journal, or nothing that resume looks at */
    HAY_WHY_RECORDED = 1,  /* it does not: it ended as the journal says */
    HAY_WHY_NEW = 2,       /* the journal does not have it */
    HAY_WHY_COMMAND = 3,   /* another command, function or version */
    HAY_WHY_ARGUMENTS = 4, /* other arguments; of a command: folder,
                              environment, standard input, files */
    HAY_WHY_INPUTS = 5,    /* it comes after what runs again, or after others */
    HAY_WHY_FILES = 6,     /* a file that it reads has changed */
    HAY_WHY_OUTPUT = 7,    /* a file that it wrote is gone */
    HAY_WHY_RESULT = 8,    /* its result is not in the journal */
    HAY_WHY_FAILED = 9,    /* it failed */
    HAY_WHY_UNFINISHED = 10 /* it had not finished */
} hay_why;
/* "new", "command changed" and so on; "" for HAY_WHY_NONE. */
const char *hay_why_name(hay_why why);
hay_why hay_future_why(const hay_future *future);

#ifdef __cplusplus
}
#endif
#endif
