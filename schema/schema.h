/*
 * The tracker's tables: their versions, a new database, and upgrades of older ones.
 *
 * Two numbered sets of migrations exist. The main set (table schema_migrations) makes what is
 * committed; the ignored set (table ignored_schema_migrations) makes what lives in the working set of
 * one clone only (wisps and other local tables). Nothing here runs because somebody reads: schema_check
 * only looks.
 */
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include "store/db/tables.h"

#define SCHEMA_MAIN_VERSION 49 /* newest migrations this program knows */
#define SCHEMA_IGNORED_VERSION 8

struct schema_pair {
    const char *key, *value;
};

/* What the first commit of a tracker holds beside the tables. */
struct schema_init {
    const char *issue_prefix;         /* config row issue_prefix; NULL or "": none */
    const struct schema_pair *config; /* more rows of config */
    size_t config_count;
    const struct schema_pair *metadata; /* _project_id, repo_id, clone_id, last_import_time */
    size_t metadata_count;
    const struct schema_pair *local_metadata; /* bd_version; never committed */
    size_t local_metadata_count;
    const char *message;           /* of the last commit; NULL: "bd init" */
    struct tables_identity author; /* of all commits; name NULL: root <root@%> */
};

/*
 * Builds the tables in a database that has none (tables_create_embedded has just made it), with the
 * commits that upstream's program makes: five about nonlocal tables, `schema: apply migrations`, and
 * the init commit, which also holds the tables mail and channels. One root update. BD_EXISTS when there
 * is a table `issues` already.
 */
int schema_create(struct tables *t, const struct schema_init *i, struct err *err);

struct schema_state {
    int main_version, ignored_version; /* 0 = the table that counts them is missing or empty */
    bool is_tracker;                   /* there is a table `issues` */
    bool needs_migration; /* something is older than known; schema_migrate would change it */
    bool local_only;      /* … but only working-set tables are: a fresh clone */
    bool too_new;         /* the committed schema is newer than known: read, do not write */
};

/*
 * What a command must know before it uses the database, with less reading than schema_check: the
 * members that tell of older versions are only filled for one that writes (not in every case
 * needs_migration).
 */
int schema_check_use(struct tables *t, bool writes, struct schema_state *out, struct err *err);

/* Looks at the version tables: a few point lookups, nothing is written. */
int schema_check(struct tables *t, struct schema_state *out, struct err *err);
/*
 * What to tell a person about a state: BD_TOO_NEW or BD_INVALID (needs migration, not a tracker) with
 * the message in *err, else BD_OK.
 */
int schema_explain(const struct schema_state *s, struct err *err);

struct schema_migration {
    struct tables_identity author; /* name NULL: root <root@%> */
    bool dry_run;                  /* only count */
};
struct schema_migrated {
    struct schema_state before;
    int main_applied, ignored_applied; /* migrations run (or to be run) */
    bool backfilled;                   /* custom_types or custom_statuses were filled from config */
    struct hash commit;                /* zero when no commit was made */
};
/*
 * Brings any older schema to the newest in one transaction, with one commit `schema: apply migrations`.
 * What was uncommitted before gets a commit of its own below it. No row is lost: issues of the types
 * that are wisps now move with all they have, ids of counted rows become uuids. BD_TOO_NEW, BD_INVALID
 * (not a tracker), and whatever tables_write returns; after an error nothing has changed.
 */
int schema_migrate(struct tables *t, const struct schema_migration *m, struct schema_migrated *out,
                   struct err *err);

#endif
