/*
 * Finding the workspace: the .beads directory, its redirect, metadata.json, the database directory
 * (bd-core §3, bd-system §1).
 */
#ifndef BD_WORKSPACE_WORKSPACE_H
#define BD_WORKSPACE_WORKSPACE_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>

struct workspace {
    const char *beads_dir;       /* absolute; NULL when none was found */
    const char *redirected_from; /* the .beads whose redirect was followed, or NULL */
    const char *project_dir;     /* directory that holds .beads */
    const char *database_name;   /* metadata.json dolt_database, default "beads" */
    const char *database_dir;    /* <beads_dir>/embeddeddolt/<name>, or what --db names (D13) */
    const char *project_id;      /* metadata.json, "" when missing */
    const char *mode;            /* "embedded" or "server" */
    bool direct;                 /* --db names a database or bare store itself; no workspace around it */
    bool metadata_broken;        /* metadata.json exists but does not parse */
};
struct workspace_request {
    const char *start_dir; /* NULL = current directory */
    const char *db_flag;   /* --db, or NULL */
};
/* BD_NOT_FOUND when there is none (*out is then empty); BD_INVALID for unusable settings. */
int workspace_find(const struct workspace_request *rq, struct arena *a, struct workspace *out,
                   struct err *err);

#endif
