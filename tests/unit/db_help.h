/* What tests of store/db share: scratch folders, the corpus, short calls that must succeed. */
#ifndef TESTS_UNIT_DB_HELP_H
#define TESTS_UNIT_DB_HELP_H

#include "base/os.h"
#include "store/db/tables.h"
#include "tests/unit/scratch.h"

#include <string.h>

static void check(int rc, const struct err *err) {
    if (rc != BD_OK)
        fail_msg("%s: %s", err_name(rc), err->msg);
}

/* Unpacks data/NAME.tar.zst into a fresh folder; false (after a message) when there is no corpus. */
static inline bool unpack(const char *name, char out[512]) {
    char archive[512], command[2048];
    static int count;
    snprintf(archive, sizeof archive, "%s/data/%s.tar.zst", shared_folder(), name);
    if (!os_exists(archive)) {
        print_message("skipped: no corpus at %s (set BD_SHARED)\n", shared_folder());
        return false;
    }
    snprintf(out, 512, "%s/%d", scratch, count++);
    snprintf(command, sizeof command, "mkdir '%s' && tar --zstd -xf '%s' -C '%s'", out, archive, out);
    if (system(command))
        fail_msg("cannot unpack %s", archive);
    return true;
}

/* The same for a workspace of the corpus; the directory of its database. */
static inline bool unpack_database(const char *name, char out[600]) {
    char dir[512];
    if (!unpack(name, dir))
        return false;
    snprintf(out, 600, "%s/%s/.beads/embeddeddolt/beads", dir, name);
    return true;
}

static inline struct tables *open_db(const char *dir) {
    struct err err = ERR_INIT;
    struct tables *t;
    struct tables_open o = {.dir = dir};
    check(tables_open_embedded(&t, &o, &err), &err);
    return t;
}

static inline struct tables_txn *begin_read(struct tables *t) {
    struct err err = ERR_INIT;
    struct tables_txn *x;
    check(tables_read_begin(t, &x, &err), &err);
    return x;
}

static inline uint64_t count_of(struct tables_txn *x, const char *table, const struct pred *where) {
    struct err err = ERR_INIT;
    uint64_t n;
    check(tables_count_all(x, table, where, &n, &err), &err);
    return n;
}

/* Text of one cell of one row, in the arena. */
static inline const char *get_text(struct tables_txn *x, const char *table, const char *key,
                                   const char *column, struct arena *a) {
    struct err err = ERR_INIT;
    struct cell k = cell_text(key), out;
    check(tables_get(x, table, &k, 1, &column, 1, a, &out, &err), &err);
    return cell_format(&out, a);
}

#endif
