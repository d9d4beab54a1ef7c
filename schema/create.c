/*
 * A new tracker: all migrations on empty trees in one transaction, with the commits that upstream's
 * program would have made, published by one root update.
 *
 * The roots of the first seven commits contain neither times nor random values, so they are the same in
 * every new database of this schema level, whoever made it.
 */
#include "schema/run.h"

struct creation {
    const struct schema_init *init;
    struct tables_identity author;
};

static int put_pairs(struct schema_run *r, const char *table, const struct schema_pair *pairs,
                     size_t count) {
    static const char *const columns[] = {"key", "value"};
    for (size_t i = 0; i < count; i++) {
        struct cell row[] = {cell_text(pairs[i].key), cell_text(pairs[i].value)};
        int rc = schema_rows_insert(r, table, columns, row, 2, TABLES_INSERT_REPLACE, NULL);
        if (rc)
            return rc;
    }
    return BD_OK;
}

static int create(struct tables_txn *x, void *ctx, struct err *err) {
    struct creation *c = ctx;
    const struct schema_init *i = c->init;
    struct arena a = ARENA_INIT;
    struct schema_run r = {.x = x, .a = &a, .err = err, .fresh = true, .author = c->author};
    int rc = BD_OK, main_applied, ignored_applied;
    if (tables_has_table(x, "issues"))
        rc = err_set(err, BD_EXISTS, "the database has a table `issues` already");
    if (rc == BD_OK)
        rc = schema_run_migrations(&r, 0, 0, &main_applied, &ignored_applied);
    if (rc == BD_OK) {
        struct tables_write w = {
            .mode = TABLES_COMMIT, .message = "schema: apply migrations", .author = c->author};
        rc = tables_commit_now(x, &w, NULL, err);
    }
    if (rc == BD_OK)
        rc = schema_run_town(&r);
    if (rc == BD_OK && i->issue_prefix && i->issue_prefix[0]) {
        struct schema_pair prefix = {"issue_prefix", i->issue_prefix};
        rc = put_pairs(&r, "config", &prefix, 1);
    }
    if (rc == BD_OK)
        rc = put_pairs(&r, "config", i->config, i->config_count);
    if (rc == BD_OK)
        rc = put_pairs(&r, "metadata", i->metadata, i->metadata_count);
    if (rc == BD_OK)
        rc = put_pairs(&r, "local_metadata", i->local_metadata, i->local_metadata_count);
    arena_release(&a);
    return rc;
}

int schema_create(struct tables *t, const struct schema_init *i, struct err *err) {
    struct creation c = {.init = i, .author = i->author};
    if (!c.author.name)
        c.author = (struct tables_identity){"root", "root@%"};
    struct tables_write w = {
        .mode = TABLES_COMMIT, .message = i->message ? i->message : "bd init", .author = c.author};
    return tables_write(t, &w, create, &c, NULL, err);
}
