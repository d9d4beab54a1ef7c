/*
 * Which tags new columns get: a function of names, kinds and of the tags in use, so that clones agree.
 */
#include "store/db/ddl_exec.h"

#include <stdlib.h>
#include <strings.h>

struct tag_set {
    uint64_t *list;
    size_t count, capacity;
};

static void add_tag(struct tag_set *used, uint64_t tag) {
    MEM_GROW(used->list, used->capacity, used->count + 1);
    used->list[used->count++] = tag;
}

static void add_schema(struct tag_set *used, const struct schema *s) {
    size_t n = schema_visible_count(s);
    for (size_t i = 0; i < n; i++)
        add_tag(used, s->columns[i].tag);
}

static int add_working(struct embedded_txn *x, struct tag_set *used, struct err *err) {
    const char **names;
    size_t n;
    int rc = embedded_list(x, &x->arena, &names, &n, err);
    for (size_t i = 0; rc == BD_OK && i < n; i++) {
        struct table *t;
        rc = embedded_table(x, names[i], &t, err);
        if (rc == BD_OK)
            add_schema(used, &t->ts->schema);
    }
    return rc;
}

/* Adds HEAD's tags; *same receives the schema that HEAD has for `table`, or NULL. */
static int add_head(struct embedded_txn *x, const char *table, struct tag_set *used,
                    const struct schema **same, struct err *err) {
    *same = NULL;
    struct root_value head;
    const char **names;
    size_t n;
    int rc = root_value_read(&head, x->ns, &x->head_root, err);
    if (rc == BD_OK)
        rc = root_value_names(&head, &x->arena, &names, &n, err);
    for (size_t i = 0; rc == BD_OK && i < n; i++) {
        struct hash h, schema;
        const struct table_schema *ts;
        rc = root_value_table(&head, names[i], &x->arena, NULL, &h, err);
        if (rc == BD_OK)
            rc = table_schema_address(x->ns, &h, &schema, err);
        if (rc == BD_OK)
            rc = embedded_schema(x->ns, x->e, &schema, &ts, err);
        if (rc)
            break;
        add_schema(used, &ts->schema);
        if (!strcasecmp(names[i], table))
            *same = &ts->schema;
    }
    return rc;
}

static const struct column *reusable(const struct schema *s, const struct ddl_tag_request *r) {
    int i = s ? schema_column(s, r->name) : -1;
    return i >= 0 && sql_type_tag_kind(&s->columns[i].type) == r->kind ? &s->columns[i] : NULL;
}

int ddl_tags(struct embedded_txn *x, const char *table, const struct schema *existing, bool use_head,
             struct ddl_tag_request *list, size_t count, struct err *err) {
    struct tag_set used = {NULL, 0, 0};
    const struct schema *head = NULL;
    int rc = add_working(x, &used, err);
    if (rc == BD_OK && use_head)
        rc = add_head(x, table, &used, &head, err);
    if (rc) {
        free(used.list);
        return rc;
    }
    size_t have = existing ? schema_visible_count(existing) : 0;
    uint8_t *kinds = mem_zalloc(have + (head ? head->column_count : 0) + count + 1, 1);
    size_t n = 0;
    for (size_t i = 0; i < have; i++)
        kinds[n++] = (uint8_t)sql_type_tag_kind(&existing->columns[i].type);
    /* a table dropped and made again in one session keeps the tags of HEAD */
    const struct schema *old = existing ? existing : head;
    if (!existing && head) {
        size_t m = schema_visible_count(head);
        for (size_t c = 0; c < m; c++)
            for (size_t i = 0; i < count; i++)
                if (!strcasecmp(head->columns[c].name, list[i].name) &&
                    sql_type_tag_kind(&head->columns[c].type) == list[i].kind)
                    kinds[n++] = (uint8_t)list[i].kind;
    }
    for (size_t i = 0; i < count; i++) {
        const struct column *same = reusable(old, &list[i]);
        if (same) {
            list[i].tag = same->tag;
            continue;
        }
        list[i].tag = column_tag(table, kinds, n, list[i].name, list[i].kind, used.list, used.count);
        kinds[n++] = (uint8_t)list[i].kind;
        add_tag(&used, list[i].tag);
    }
    free(kinds);
    free(used.list);
    return BD_OK;
}
