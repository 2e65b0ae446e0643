/* spawner_main.c - the program hayfork-spawner, see spawner.h. */
#include "config.h"

#include "worker/spawner.h"

int main(int argc, char **argv)
{
    return hayi_spawner_main(argc, argv);
}
