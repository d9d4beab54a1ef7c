/* Asking git. */
#include "bd/workspace/process.h"

char *process_git(const char *directory, const char *const *arguments) {
    const char *argv[16] = {"git"};
    size_t n = 1;
    for (; arguments[n - 1] && n < 15; n++)
        argv[n] = arguments[n - 1];
    argv[n] = NULL;
    struct buf out = BUF_INIT;
    struct process p = {.argv = argv, .directory = directory, .output = &out};
    if (process_run(&p) != 0) {
        buf_release(&out);
        return NULL;
    }
    while (out.size && (out.data[out.size - 1] == '\n' || out.data[out.size - 1] == '\r'))
        out.data[--out.size] = 0;
    buf_add(&out, "", 0);
    return buf_detach(&out);
}
