/*
 * Upgrades: any older schema becomes the newest in one transaction, so that it happens whole or not at
 * all.
 */
#include "schema/run.h"

struct upgrade {
    struct tables_identity author;
    struct schema_migrated *out;
};

static int upgrade(struct tables_txn *x, void *ctx, struct err *err) {
    struct upgrade *u = ctx;
    struct arena a = ARENA_INIT;
    struct schema_run r = {.x = x, .a = &a, .err = err, .author = u->author};
    struct schema_state now; /* the transaction may run again on a newer state */
    int rc = schema_state_read(x, &a, &now, err);
    bool main_old = now.main_version < SCHEMA_MAIN_VERSION;
    if (rc == BD_OK && main_old) {
        /* what was not committed gets a commit of its own, so that the next one holds the upgrade alone
         */
        struct tables_write w = {.mode = TABLES_COMMIT,
                                 .author = u->author,
                                 .message = "Commit pending changes before the schema upgrade"};
        rc = tables_commit_now(x, &w, NULL, err);
    }
    if (rc == BD_OK)
        rc = schema_run_migrations(&r, now.main_version, now.ignored_version, &u->out->main_applied,
                                   &u->out->ignored_applied);
    if (rc == BD_OK)
        rc = schema_backfill_custom(x, &a, false, &u->out->backfilled, err);
    if (rc == BD_OK && (main_old || u->out->backfilled)) {
        struct tables_write w = {.mode = main_old ? TABLES_COMMIT : TABLES_COMMIT_TABLES,
                                 .author = u->author,
                                 .message = "schema: apply migrations"};
        rc = tables_commit_now(x, &w, &u->out->commit, err);
    }
    arena_release(&a);
    return rc;
}

int schema_migrate(struct tables *t, const struct schema_migration *m, struct schema_migrated *out,
                   struct err *err) {
    *out = (struct schema_migrated){.commit = HASH_ZERO};
    int rc = schema_check(t, &out->before, err);
    if (rc)
        return rc;
    if (!out->before.is_tracker || out->before.too_new)
        return schema_explain(&out->before, err);
    if (!out->before.needs_migration)
        return BD_OK;
    if (m->dry_run) {
        if (out->before.main_version < SCHEMA_MAIN_VERSION)
            out->main_applied = SCHEMA_MAIN_VERSION - out->before.main_version;
        if (out->before.ignored_version < SCHEMA_IGNORED_VERSION)
            out->ignored_applied = SCHEMA_IGNORED_VERSION - out->before.ignored_version;
        return BD_OK;
    }
    struct upgrade u = {m->author, out};
    if (!u.author.name)
        u.author = (struct tables_identity){"root", "root@%"};
    struct tables_write w = {.mode = TABLES_WORKING, .author = u.author};
    rc = tables_write(t, &w, upgrade, &u, NULL, err);
    return rc ? err_prefix(err, "upgrading the schema (nothing was changed)") : BD_OK;
}
