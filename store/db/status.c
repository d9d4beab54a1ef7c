/*
 * What `dolt status` lists: tables staged for the next commit, and tables changed beyond that.
 */
#include "store/db/stage.h"

#include <stdlib.h>
#include <string.h>

struct listing {
    struct arena *a;
    struct tables_status *list;
    size_t count, capacity;
};

static int list_changes(struct embedded_txn *x, const struct root_value *head,
                        const struct root_value *from, const struct root_value *to, bool staged,
                        const struct ignore_rules *rules, struct listing *l, struct err *err) {
    struct root_value_change *changes;
    size_t count;
    int rc = root_value_changes(from, to, l->a, &changes, &count, err);
    struct strmap keys = STRMAP_INIT;
    if (rc == BD_OK)
        rc = foreign_key_changes(x, from, to, &keys, err);
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        struct tables_status s = {.table = changes[i].table, .staged = staged};
        s.change = hash_is_zero(&changes[i].from) ? TABLES_STATUS_NEW
                   : hash_is_zero(&changes[i].to) ? TABLES_STATUS_DELETED
                                                  : TABLES_STATUS_MODIFIED;
        if (!staged && s.change == TABLES_STATUS_NEW && !root_value_has(head, s.table))
            rc = ignore_rules_match(rules, s.table, &s.ignored, err);
        MEM_GROW(l->list, l->capacity, l->count + 1);
        l->list[l->count++] = s;
        strmap_remove(&keys, s.table);
    }
    for (struct strmap_entry *e = NULL; rc == BD_OK && (e = strmap_next(&keys, e));) {
        if (!root_value_has(from, e->key) || !root_value_has(to, e->key))
            continue;
        MEM_GROW(l->list, l->capacity, l->count + 1);
        l->list[l->count++] = (struct tables_status){
            .table = arena_strdup(l->a, e->key), .change = TABLES_STATUS_MODIFIED, .staged = staged};
    }
    strmap_release(&keys);
    return rc;
}

static int status_order(const void *a, const void *b) {
    const struct tables_status *x = a, *y = b;
    if (x->staged != y->staged)
        return x->staged ? -1 : 1;
    return strcmp(x->table, y->table);
}

int embedded_status(struct tables *t, struct arena *a, struct tables_status **list, size_t *count,
                    struct err *err) {
    struct embedded *e = embedded_of(t);
    struct hash h[3];
    static const char *const refs[3] = {"HEAD", "STAGED", "WORKING"};
    int rc = embedded_refresh(e, err);
    for (int i = 0; rc == BD_OK && i < 3; i++)
        rc = embedded_resolve_root(e, e->ns, refs[i], &h[i], err);
    struct embedded_txn *x = NULL;
    if (rc == BD_OK)
        rc = embedded_txn_at_root(e, &h[2], &x, err);
    if (rc)
        return rc;
    struct root_value head, staged;
    struct ignore_rules rules;
    struct listing l = {a, NULL, 0, 0};
    rc = root_value_read(&head, e->ns, &h[0], err);
    if (rc == BD_OK)
        rc = root_value_read(&staged, e->ns, &h[1], err);
    if (rc == BD_OK)
        rc = ignore_rules_read(x, a, &rules, err);
    if (rc == BD_OK)
        rc = list_changes(x, &head, &head, &staged, true, &rules, &l, err);
    if (rc == BD_OK)
        rc = list_changes(x, &head, &staged, &x->root, false, &rules, &l, err);
    if (rc == BD_OK) {
        if (l.count)
            qsort(l.list, l.count, sizeof *l.list, status_order);
        *list = arena_dup(a, l.list, l.count * sizeof *l.list);
        *count = l.count;
    }
    free(l.list);
    tables_read_end(&x->base);
    return rc;
}
