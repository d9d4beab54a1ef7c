/*
 * Finding the workspace: the .beads directory, its redirect, metadata.json, the database directory.
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
    const char *database_dir;    /* <beads_dir>/embeddeddolt/<name>, or what --db names */
    const char *project_id;      /* metadata.json, "" when missing */
    const char *mode;            /* "embedded" or "server" */
    bool direct;           /* --db names a database or bare store itself; no workspace around it */
    bool database_given;   /* --db (or BEADS_DB) names the database's own directory */
    bool metadata_broken;  /* metadata.json exists but does not parse */
    bool has_metadata;     /* metadata.json exists and was read */
    bool has_database;     /* database_dir exists (embedded), or the mode is server */
    const char *data_dir;  /* what holds the databases: <beads_dir>/embeddeddolt, …/dolt, or "" */
    const char *repo_root; /* top of the git working tree around the start directory, or NULL */
    const char *warnings;  /* complete lines for standard error, "" when there are none */
};
struct workspace_request {
    const char *start_dir;  /* NULL = current directory */
    const char *db_flag;    /* --db, or NULL */
    const char *db_setting; /* configuration key db, or NULL */
    const char *beads_dir;  /* from -C; beats the environment */
};
/*
 * -C: the .beads directory that belongs to `directory`. BD_INVALID with the whole message when there is
 * no such directory, or no workspace around it.
 */
int workspace_find_directory(const char *directory, struct arena *a, const char **beads_dir,
                             struct err *err);
/* BD_NOT_FOUND when there is none (*out is then empty); BD_INVALID for unusable settings. */
int workspace_find(const struct workspace_request *rq, struct arena *a, struct workspace *out,
                   struct err *err);

/* The fields of metadata.json that are used here, and the file written anew. Unknown members are
 * dropped. */
struct metadata {
    const char *database, *backend, *dolt_mode, *dolt_database, *project_id, *dolt_data_dir;
    const char *dolt_server_host, *dolt_server_user, *dolt_server_socket;
    long dolt_server_port;
};
/* BD_NOT_FOUND without the file, BD_INVALID when it does not parse. Texts are "" when missing. */
int metadata_load(const char *beads_dir, struct arena *a, struct metadata *out, struct err *err);
int metadata_save(const char *beads_dir, const struct metadata *m, struct err *err);

/* Absolute path without "..", "." and links; of what does not exist, as far as it does. In the arena.
 */
const char *workspace_real_path(const char *path, struct arena *a);
/* Has metadata.json, config.yaml, dolt/, embeddeddolt/ or a *.db; or a database proper. */
bool workspace_has_project(const char *beads_dir);
bool workspace_has_data(const char *beads_dir);

#endif
