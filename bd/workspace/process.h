/* Asking git. */
#ifndef BD_WORKSPACE_PROCESS_H
#define BD_WORKSPACE_PROCESS_H

#include "base/process.h"

/* Standard output of a git command without its trailing line feeds, NULL when it failed. Free it. */
char *process_git(const char *directory, const char *const *arguments);

#endif
