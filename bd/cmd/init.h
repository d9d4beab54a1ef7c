/* What the files of `bd init` share. */
#ifndef BD_CMD_INIT_H
#define BD_CMD_INIT_H

#include "bd/cmd/cmd.h"

/* Exit statuses that scripts may rely on. */
enum {
    INIT_REMOTE_REFUSED = 10, /* a remote holds data and nobody said what is to become of it */
    INIT_DECLINED = 11,       /* the typed confirmation was not given */
    INIT_TOKEN_MISSING = 12,  /* without a terminal: destroy token missing or wrong */
    INIT_CANCELLED = 130,     /* ended at a prompt */
};

#define INIT_SETTINGS_MAX 6u
struct init_setting {
    const char *key, *value;
};

struct init_job {
    struct bd *bd;
    const struct cmd_call *call;
    bool quiet, interactive, stealth, reinit;
    bool explicit_dir;     /* the .beads directory is given (BEADS_DIR, or a workspace around us) */
    const char *cwd;       /* real path */
    const char *beads_dir; /* where the workspace is, or will be */
    const char *prefix, *database;
    const char *database_dir;
    bool exists;          /* there is a database already */
    const char *sync_url; /* Dolt URL to be stored as sync.remote, NULL for none */
    bool clone;           /* the remote at sync_url holds a database, which is taken over */
    const char *project_id, *repo_id, *clone_id;
    const char *upstream_url,
        *planning_dir; /* NULL unless this is a fork to be set up for a contributor */
    struct init_setting settings[INIT_SETTINGS_MAX]; /* that the database gets: dialogues, forks */
    size_t setting_count;
    bool settings_replace;      /* also where there are such settings already */
    const char *team_branch;    /* to be created, NULL for none */
    struct init_import *import; /* the export that the database starts with, NULL without */
    const char *message;        /* of the commit that creates the database */
    const char *import_message; /* of the one that imports; NULL: that of bd import */
    int lock_fd;
};

/* Everything that must hold before anything is written. 0 or an exit status (reported). */
int init_check_flags(struct init_job *j);
int init_check_existing(struct init_job *j);
int init_check_remote(struct init_job *j);

/* Creates the database, or updates the one that is there. */
int init_database(struct init_job *j);

/* Looks at a remote before anything is made: sets sync_url and clone. 0 or an exit status. */
int init_remote_look(struct init_job *j, const char *url);
/* Makes the database from it if it holds one. Under the lock. 0 or an exit status. */
int init_remote_clone(struct init_job *j);
/* Registers sync_url as `origin` of the new database. */
void init_remote_register(struct init_job *j);

/* Settings of the workspace: metadata.json with the identity of the database. 0 or an exit status. */
int init_write_metadata(struct init_job *j);
/* Takes what the database that is there says of the project it belongs to. */
void init_adopt_identity(struct init_job *j);

/*
 * An export that the database starts with is read and understood before anything is written (0 or an
 * exit status), and put into the new database before that appears: both are there or neither.
 */
int init_import_read(struct init_job *j);
int init_import_from(struct init_job *j, const char *path, const char *why);
/* The prefix of its ids, NULL when it has none. */
const char *init_import_prefix(const struct init_job *j);
int init_import_into(struct init_job *j, const char *dir, struct err *err);
void init_import_report(struct init_job *j, FILE *out, const char *indent);
void init_import_free(struct init_import *i); /* NULL is fine */

/* Adds to the settings of the new database. */
void init_set(struct init_job *j, const char *key, const char *value);
/* The dialogue of --contributor or --team, if asked for: 0 or an exit status. Afterwards: what it
 * decided. */
int init_wizard(struct init_job *j);
void init_wizard_finish(struct init_job *j);

/* Before the database is written: is this a fork? Afterwards: settings and report. */
void init_fork_prepare(struct init_job *j);
void init_fork_finish(struct init_job *j);

/* The flags --agents-file and --agents-profile, before anything is written: 0 or an exit status. */
int init_check_agents_flags(struct init_job *j);
/* The file that agents are told in: AGENTS.md, unless the flag or config.yaml say otherwise. */
const char *init_agents_file(struct init_job *j);
/* Writes it, and the hooks of Claude and Codex, unless told not to. Failures are warnings. */
void init_agents(struct init_job *j);

/* Reads an answer from standard input. False when it was cancelled by a signal. */
bool init_ask(struct init_job *j, const char *question, char *answer, size_t size);

#endif
