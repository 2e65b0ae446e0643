/* one_run.c - words whose only argument is a run; see one_run.h. */
#include "config.h"

#include "one_run.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

int one_run(int argc,
            char **argv,
            hay_status (*function)(const char *run, struct fault *fault))
{
    struct fault fault;
    hay_status status;
    if (argc > 1
        && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        fputs(help_text(argv[0]), stdout);
        return EXIT_DONE;
    }
    if (argc > 2 || (argc > 1 && argv[1][0] == '-')) {
        status = fault_set(&fault,
                           HAY_EINVAL,
                           "%s: at most one run is to be named (hayfork help "
                           "%s tells more)",
                           argv[0],
                           argv[0]);
    } else {
        status = function(argc > 1 ? argv[1] : NULL, &fault);
    }
    if (status != HAY_OK) {
        fault_print(&fault);
    }
    return status == HAY_OK      ? EXIT_DONE
           : status == HAY_EFARM ? EXIT_FARM
                                 : EXIT_USE;
}
