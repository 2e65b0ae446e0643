/* farm_ends.c - farms whose farm() returns while tasks of theirs go on; see
 * t_ends.sh. */
#include "config.h"

#include <hayfork/hayfork.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Runs until there is a file "go" in this folder. */
HAY_TASK(runs_until_go)
{
    (void)task;
    while (access("go", F_OK) != 0) {
        (void)poll(NULL, 0, 10);
    }
    return HAY_OK;
}

static hay_status farm(hay_executor *ex, int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return hay_submit(ex, runs_until_go, HAY_NO_ARGS, NULL, NULL);
}

int main(int argc, char **argv)
{
    return hay_main(argc, argv, farm);
}
