/* hayfork.c - the command: finds the word and hands over to it. */
#include "config.h"

#include "farm.h"
#include "guard.h"
#include "mpirun.h"
#include "words.h"

#include <stdio.h>
#include <string.h>

static int version(void)
{
    printf("hayfork %d.%d.%d\n",
           HAY_VERSION_MAJOR,
           HAY_VERSION_MINOR,
           HAY_VERSION_PATCH);
    return EXIT_DONE;
}

static int help(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : NULL;
    const char *text = help_text(word);
    if (text == NULL) {
        say("help: unknown word '%.100s' (hayfork --help lists them)", word);
        return EXIT_USE;
    }
    fputs(text, stdout);
    return EXIT_DONE;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*main)(int argc, char **argv);
    } words[] = {
        {"run", cmd_run},
        {"replay", cmd_replay},
        {"launch", cmd_launch},
        {"output", cmd_output},
        {"resume", cmd_resume},
        {"submit", cmd_submit},
        {"status", cmd_status},
        {"cancel", cmd_cancel},
        {"doctor", cmd_doctor},
        {"worker", cmd_worker},
        {"grow", cmd_grow},
        {"help", help},
        {GUARD_WORD, guard_main},
        {RSH_WORD, rsh_main},
    };
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        return help(1, argv);
    }
    if (strcmp(word, "--version") == 0) {
        return version();
    }
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(word, words[i].name) == 0) {
            return words[i].main(argc - 1, argv + 1);
        }
    }
    if (argc < 2) {
        fputs(help_text(NULL), stderr);
        return EXIT_USE;
    }
    say("unknown %s '%.100s' (hayfork --help lists them)",
        word[0] == '-' ? "option" : "word",
        word);
    return EXIT_USE;
}
