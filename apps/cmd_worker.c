/* cmd_worker.c - hayfork worker --join RUN: joins a run that listens. */
#include "config.h"

#include "runfolder.h"
#include "words.h"

#include <hayfork/hayfork.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not called: a worker serves. */
static hay_status no_farm(hay_executor *ex, int argc, char **argv)
{
    (void)ex;
    (void)argc;
    (void)argv;
    return HAY_OK;
}

static int serve(const char *given, int argc, char **argv)
{
    struct text folder = TEXT_INIT;
    struct text option = TEXT_INIT;
    struct fault fault;
    hay_options defaults = HAY_OPTIONS_INIT;
    int code = EXIT_USE;
    if (runfolder_find(given, &folder, &fault) != HAY_OK) {
        fault_print(&fault);
    } else {
        text_format(&option, "--hay-join=%s", folder.data);
        argv[argc] = option.data;
        code = hay_main_with(argc + 1, argv, &defaults, no_farm);
    }
    text_fini(&option);
    text_fini(&folder);
    return code;
}

int cmd_worker(int argc, char **argv)
{
    const char *run = NULL;
    bool asked = false;
    char **farm = mem_alloc((size_t)argc + 2, sizeof(char *));
    int count = 0;
    farm[count++] = argv[0];
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            fputs(help_text("worker"), stdout);
            free(farm);
            return EXIT_DONE;
        }
        if (strncmp(argv[i], "--hay-", 6) == 0) {
            farm[count++] = argv[i];
        } else if (strcmp(argv[i], "--join") == 0 && i + 1 < argc && !asked) {
            asked = true;
            run = argv[++i];
        } else if (strncmp(argv[i], "--join=", 7) == 0 && !asked) {
            asked = true;
            run = argv[i] + 7;
        } else {
            say("worker: unknown or incomplete option %.100s (hayfork help "
                "worker tells more)",
                argv[i]);
            free(farm);
            return EXIT_USE;
        }
    }
    int code = EXIT_USE;
    if (!asked) {
        say("worker: --join=RUN is missing (hayfork help worker tells more)");
    } else {
        code = serve(run, count, farm);
    }
    free(farm);
    return code;
}
