/*
 * Labels that the present column cannot hold as they are: longer than it, not UTF-8, or no text. What
 * stands for such a label ends in a mark made of all of it, so that labels that begin alike stay two
 * labels; the label itself goes into the metadata of its issue, under "sqlite" → "labels".
 */
#include "migrate/legacy.h"

#include "base/utf8.h"

#include <openssl/sha.h>
#include <string.h>

#define MARK_CHARACTERS 9 /* "~" and eight digits */

bool legacy_label_is_odd(sqlite3_stmt *row, int at, const struct column *c, struct arena *a) {
    enum legacy_trouble trouble = LEGACY_FINE;
    if (sqlite3_column_type(row, at) == SQLITE_BLOB) /* asked first: reading the text changes it */
        return true;
    legacy_cell(row, at, c, a, &trouble);
    return trouble != LEGACY_FINE;
}

static void keep(struct legacy *l, sqlite3_stmt *row) {
    const void *id = sqlite3_column_blob(row, 0);
    size_t size = (size_t)sqlite3_column_bytes(row, 0);
    struct buf *list = id ? strmap_get_n(&l->odd_labels, id, size) : NULL;
    if (!id)
        return;
    if (!list) {
        list = arena_zalloc(l->a, sizeof *list);
        strmap_put_n(&l->odd_labels, id, size, list);
    }
    if (list->size)
        buf_add_char(list, ',');
    legacy_add_json(list, row, 1);
}

void legacy_labels_forget(struct legacy *l) {
    for (struct strmap_entry *e = NULL; (e = strmap_next(&l->odd_labels, e));)
        buf_release(e->value);
    strmap_release(&l->odd_labels);
}

int legacy_labels_read(struct legacy *l, const struct column *c, struct err *err) {
    struct arena a = ARENA_INIT;
    sqlite3_stmt *row;
    int step;
    legacy_labels_forget(l);
    if (!legacy_has_column(l, "labels", "issue_id") || !legacy_has_column(l, "labels", "label"))
        return BD_OK;
    int rc = sqlite_file_prepare(l->db, l->path, "SELECT issue_id, label FROM labels NOT INDEXED", &row,
                                 err);
    if (rc)
        return rc;
    while ((step = sqlite3_step(row)) == SQLITE_ROW) {
        if (legacy_label_is_odd(row, 1, c, &a))
            keep(l, row);
        arena_reset(&a);
    }
    if (step != SQLITE_DONE)
        rc = sqlite_file_error(l->db, l->path, err);
    sqlite3_finalize(row);
    arena_release(&a);
    return rc;
}

/* Length of the first characters of a text that is UTF-8. */
static size_t cut(const char *text, size_t size, size_t characters) {
    size_t at = 0;
    for (; at < size && characters; characters--)
        at += utf8_length(text + at, size - at);
    return at;
}

struct cell legacy_label(sqlite3_stmt *row, int at, const struct column *c, const struct cell *cell,
                         struct arena *a) {
    unsigned char h[SHA256_DIGEST_LENGTH];
    SHA256_CTX sha;
    if (!cell_has_text(cell))
        return *cell;
    SHA256_Init(&sha);
    SHA256_Update(&sha, sqlite3_column_blob(row, at), (size_t)sqlite3_column_bytes(row, at));
    SHA256_Final(h, &sha);
    return cell_text(
        arena_printf(a, "%.*s~%02x%02x%02x%02x",
                     (int)cut(cell->s.data, cell->s.size, c->type.length - MARK_CHARACTERS),
                     cell->s.data, h[0], h[1], h[2], h[3]));
}
