/*
 * Running another program (git, an editor, a hook) and waiting for it.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include "base/mem.h"

#include <stdbool.h>

struct process {
    const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
    const char *directory;   /* NULL = current one */
    const char *const
        *environment;  /* "NAME=value" sets, "NAME" takes away; NULL-terminated; NULL = as here */
    const char *input; /* standard input; NULL = /dev/null unless `inherit_input` */
    size_t input_size;
    bool inherit_input;
    struct buf *output; /* takes standard output; NULL = /dev/null unless `inherit_output` */
    bool inherit_output;
    struct buf *error; /* takes standard error; NULL = /dev/null unless `inherit_error` */
    bool inherit_error;
    int timeout_ms; /* 0 = none; when over, the program is killed */
};

/* Exit status of the program, 128 + signal, or -1 when it could not be started (errno says why). */
int process_run(const struct process *p);

#endif
