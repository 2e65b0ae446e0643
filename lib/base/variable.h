/* variable.h - which environment variables a command gets from where.
 *
 * Owns: nothing.
 * Never: reads or changes the environment.
 * Threads: any.
 */
#ifndef HAYI_BASE_VARIABLE_H
#define HAYI_BASE_VARIABLE_H

enum hayi_variable_origin {
    HAYI_VARIABLE_SUBMITTER, /* as on rank 0 */
    HAYI_VARIABLE_NODE,      /* as on the node where the command runs */
    HAYI_VARIABLE_NONE,      /* MPI's and our own: not passed on */
};

/* variable: "NAME=VALUE". */
enum hayi_variable_origin hayi_variable_origin(const char *variable);

#endif
