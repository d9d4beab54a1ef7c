/*
 * Rows of which a crash program knows what they must hold: a note that follows from the key and from
 * the transaction that wrote it. A row that is torn, or belongs to another state, is seen at once.
 */
#ifndef TESTS_CRASH_ROWS_H
#define TESTS_CRASH_ROWS_H

#include "store/remote/pull.h"
#include "tests/run_ddl.h"

/* The note of a row, with about `size` bytes that no compression makes smaller than two thirds. */
static inline struct cell crash_note(int key, int version, int size, struct arena *a) {
    char *text = arena_printf(a, "row %d by %d%*s", key, version, size, "");
    uint64_t random = (uint64_t)(key * 7919 + version) | 1;
    for (char *c = text; *c; c++)
        if (*c == ' ') {
            random = random * UINT64_C(6364136223846793005) + 1;
            *c = (char)('a' + (random >> 40) % 26);
        }
    return cell_text(text);
}

static inline bool crash_note_is(const struct cell *found, struct cell note) {
    return found->kind == CELL_TEXT && found->s.size == note.s.size &&
           memcmp(found->s.data, note.s.data, note.s.size) == 0;
}

/* The version a state shows: v of row 0 of `t`, which every transaction writes; 0 without the table. */
static inline int crash_version_of(struct tables_txn *x, int *version, struct err *err) {
    static const char *const columns[] = {"v"};
    struct cell key = cell_int(0), v;
    struct arena a = ARENA_INIT;
    *version = 0;
    int rc = BD_OK;
    if (tables_has_table(x, "t") &&
        (rc = tables_get(x, "t", &key, 1, columns, 1, &a, &v, err)) == BD_OK)
        *version = (int)v.i;
    arena_release(&a);
    return rc;
}

/* Copies the whole graph of a database or remote to a fresh remote `to`: every chunk is there, and is
 * what its address says. BD_NOT_FOUND when nothing is at `from`. */
static inline int crash_copy_graph(const char *from, const char *to, struct err *err) {
    struct remote *source, *sink = NULL;
    os_remove_tree(to);
    int rc = remote_open_dir(&source, from, 0, err);
    if (rc != BD_OK)
        return rc;
    rc = remote_open_dir(&sink, to, REMOTE_WRITE | REMOTE_CREATE, err);
    if (rc == BD_OK)
        rc = pull_root(source, sink, NULL, NULL, NULL, err);
    remote_close(sink);
    remote_close(source);
    return rc;
}

#endif
