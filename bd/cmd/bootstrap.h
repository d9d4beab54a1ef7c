/* What bd bootstrap finds, and what it will do about it. */
#ifndef BD_CMD_BOOTSTRAP_H
#define BD_CMD_BOOTSTRAP_H

#include "bd/cmd/cmd.h"

enum bootstrap_action {
    BOOTSTRAP_NONE,
    BOOTSTRAP_SYNC,    /* clone the remote */
    BOOTSTRAP_RESTORE, /* from a backup folder */
    BOOTSTRAP_IMPORT,  /* a JSONL export */
    BOOTSTRAP_INIT,    /* an empty database */
};
struct bootstrap_plan {
    enum bootstrap_action action;
    const char *reason;
    const char *beads_dir, *project_dir;
    const char *data_dir, *database, *database_dir;
    const char *remote;     /* BOOTSTRAP_SYNC */
    const char *backup_dir; /* BOOTSTRAP_RESTORE */
    bool dolt_backup;       /* it holds a chunk store; else .jsonl files */
    const char *jsonl_file; /* BOOTSTRAP_IMPORT, or what is there besides */
    bool has_existing;
};

/* The workspace; false when there is none and nothing to make one from. */
bool bootstrap_find(struct bd *bd, struct bootstrap_plan *p);
/* Chooses the action. Nothing changes. */
void bootstrap_detect(struct bd *bd, struct bootstrap_plan *p);
/* Some database in the workspace, whatever its state. */
bool bootstrap_has_database(struct bd *bd, const char *beads_dir);

#endif
