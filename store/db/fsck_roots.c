/* Root values: the map of tables, column tags, the definitions of foreign keys. */
#include "store/db/fsck_check.h"

#include "base/strmap.h"
#include "store/db/commit.h"
#include "store/db/foreign_keys.h"
#include "store/db/root_value.h"
#include "store/db/store_root.h"
#include "store/db/working_set.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* One table of a root value. */
struct root_table {
    const char *name;
    struct hash hash;
    struct check_schema *schema; /* NULL: unreadable */
};

static int list_tables(struct db_check *c, const struct root_value *rv, struct arena *a,
                       struct root_table **out, size_t *count, struct err *err) {
    struct tree_cursor cur;
    struct root_table *list = NULL;
    size_t n = 0, capacity = 0;
    (void)c;
    int rc = tree_cursor_first(&cur, &rv->tables, err);
    while (rc == BD_OK && cur.valid) {
        struct bytes k = tree_cursor_key(&cur), v = tree_cursor_value(&cur);
        MEM_GROW(list, capacity, n + 1);
        list[n] = (struct root_table){.name = arena_strndup(a, (const char *)k.data, k.size)};
        if (v.size == HASH_SIZE)
            memcpy(list[n].hash.b, v.data, HASH_SIZE);
        n++;
        rc = tree_cursor_next(&cur, err);
    }
    *out = arena_dup(a, list, n * sizeof *list);
    *count = n;
    free(list);
    return rc;
}

/* ---- names, and which tables are current ---- */

static void name_tables(struct db_check *c, const struct hash *root, bool current) {
    struct arena a = ARENA_INIT;
    struct root_value rv;
    struct root_table *tables;
    size_t count;
    struct err err = ERR_INIT;
    if (root_value_read(&rv, c->ns, root, &err) == BD_OK &&
        list_tables(c, &rv, &a, &tables, &count, &err) == BD_OK)
        for (size_t i = 0; i < count; i++) {
            uint32_t entry = scan_find(c->scan, &tables[i].hash);
            if (entry == SCAN_NONE)
                continue;
            if (!c->table_names[entry]) {
                const char *kept = strmap_get(&c->names, tables[i].name);
                if (!kept) {
                    kept = arena_strdup(&c->arena, tables[i].name);
                    strmap_put(&c->names, kept, (void *)(uintptr_t)kept);
                }
                c->table_names[entry] = kept;
            }
            c->current[entry] = c->current[entry] || current;
        }
    arena_release(&a);
}

static int name_current(void *ctx, struct bytes key, const struct hash *h) {
    struct db_check *c = ctx;
    struct arena a = ARENA_INIT;
    struct working_set ws;
    uint32_t entry = scan_find(c->scan, h);
    struct commit m;
    if (is_kind(c, entry, MESSAGE_WORKING_SET) && working_set_read(c->ns, h, &a, &ws, NULL) == BD_OK)
        name_tables(c, &ws.working, true);
    else if (key.size > 11 && !memcmp(key.data, "refs/heads/", 11) &&
             is_kind(c, entry, MESSAGE_COMMIT) && commit_read(c->ns, h, &a, &m, NULL) == BD_OK)
        name_tables(c, &m.root, true);
    arena_release(&a);
    return BD_OK;
}

int check_name_tables(struct db_check *c, struct err *err) {
    struct tree map;
    (void)err;
    for (size_t i = 0; i < c->count; i++)
        if (c->reached[i] && c->kind[i] == MESSAGE_ROOT_VALUE) {
            name_tables(c, &c->scan->entries[i].address, false);
            check_breathe(c);
        }
    if (c->root != SCAN_NONE &&
        store_root_open(&map, c->ns, &c->scan->entries[c->root].address, NULL) == BD_OK)
        store_root_each(&map, name_current, c, NULL);
    return BD_OK;
}

/* ---- foreign keys as definitions ---- */

static const struct root_table *find_table(const struct root_table *t, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(t[i].name, name ? name : ""))
            return &t[i];
    return NULL;
}

static bool has_tag(const struct schema *s, const uint16_t *list, size_t count, uint64_t tag) {
    for (size_t i = 0; i < count; i++)
        if (s->columns[list[i]].tag == tag)
            return true;
    return false;
}

/* Why one side of a key fits its table not; NULL: it does. */
static const char *side_fault(const struct root_table *t, const char *index, const uint64_t *tags,
                              size_t count) {
    if (!t)
        return "the table does not exist";
    if (!t->schema || !t->schema->ts)
        return NULL; /* told elsewhere */
    const struct schema *s = &t->schema->ts->schema;
    const uint16_t *key = s->pk;
    size_t key_count = s->pk_count;
    if (index && *index) {
        const struct index *x = schema_index(s, index);
        if (!x)
            return "its index does not exist";
        key = x->key_columns;
        key_count = x->key_column_count;
    }
    if (key_count < count)
        return "its index does not start with the key's columns";
    for (size_t i = 0; i < count; i++)
        if (!has_tag(s, key, count, tags[i]))
            return "its index does not start with the key's columns";
    return NULL;
}

static void check_foreign_keys(struct db_check *c, const struct hash *h,
                               const struct root_table *tables, size_t count, struct arena *a) {
    struct foreign_keys keys;
    struct err err = ERR_INIT;
    char text[HASH_TEXT_SIZE + 1];
    check_name(h, text);
    struct chunk bytes;
    if (!check_read(c, h, MESSAGE_FOREIGN_KEYS, "foreign keys", &bytes))
        return;
    if (foreign_keys_read(c->ns, h, a, &keys, &err) != BD_OK) {
        fsck_add(c->r, FSCK_ERROR, FSCK_FOREIGN_KEY, REPAIR_NONE, h, NULL, NULL, "foreign keys %s: %s",
                 text, err.msg);
        return;
    }
    for (size_t i = 0; i < keys.count; i++) {
        const struct foreign_key *k = &keys.keys[i];
        if (i && strcmp(keys.keys[i - 1].name, k->name) > 0)
            fsck_add(c->r, FSCK_ERROR, FSCK_FOREIGN_KEY, REPAIR_NONE, h, NULL, NULL,
                     "foreign keys %s: not sorted by name", text);
        if (!foreign_key_resolved(k)) {
            fsck_add(c->r, FSCK_NOTE, FSCK_FOREIGN_KEY, REPAIR_NOT_NEEDED, h, k->child_table, NULL,
                     "foreign key %s is not resolved yet", k->name);
            continue;
        }
        const char *child = k->child_tag_count != k->parent_tag_count
                                ? "both sides have different numbers of columns"
                                : side_fault(find_table(tables, count, k->child_table), k->child_index,
                                             k->child_tags, k->child_tag_count);
        const char *parent = side_fault(find_table(tables, count, k->parent_table), k->parent_index,
                                        k->parent_tags, k->parent_tag_count);
        if (child || parent)
            fsck_add(c->r, FSCK_ERROR, FSCK_FOREIGN_KEY, REPAIR_NONE, h, k->child_table, NULL,
                     "foreign key %s in %s: table %s: %s", k->name, text,
                     child ? k->child_table : k->parent_table, child ? child : parent);
    }
}

/* ---- root values ---- */

static void tag_clashes(struct db_check *c, const struct hash *h, const struct root_table *tables,
                        size_t count) {
    struct strmap tags = STRMAP_INIT;
    char text[HASH_TEXT_SIZE + 1];
    for (size_t i = 0; i < count; i++) {
        if (!tables[i].schema || !tables[i].schema->ts)
            continue;
        const struct schema *s = &tables[i].schema->ts->schema;
        for (size_t k = 0; k < schema_visible_count(s); k++) {
            const struct root_table *other =
                strmap_get_n(&tags, (const char *)&s->columns[k].tag, sizeof s->columns[k].tag);
            if (!other)
                strmap_put_n(&tags, (const char *)&s->columns[k].tag, sizeof s->columns[k].tag,
                             (void *)(uintptr_t)&tables[i]);
            else if (other != &tables[i])
                /* Dolt does this itself where a merge could not decide about a renamed table. */
                fsck_add(c->r, FSCK_NOTE, FSCK_ROOT_VALUE, REPAIR_NOT_NEEDED, h, tables[i].name, NULL,
                         "root value %s: tag %llu is used in %s and %s", check_name(h, text),
                         (unsigned long long)s->columns[k].tag, other->name, tables[i].name);
        }
    }
    strmap_release(&tags);
}

/* What a set of schemas and foreign keys says is the same wherever it recurs. */
static bool seen_before(struct db_check *c, const struct root_table *tables, size_t count,
                        const struct hash *foreign_keys) {
    XXH128_hash_t sum = XXH3_128bits(foreign_keys->b, HASH_SIZE);
    for (size_t i = 0; i < count; i++) {
        sum.low64 = XXH3_64bits_withSeed(tables[i].name, strlen(tables[i].name), sum.low64);
        uint64_t number = tables[i].schema ? tables[i].schema->number : UINT64_MAX;
        sum.high64 = XXH3_64bits_withSeed(&number, sizeof number, sum.high64 ^ sum.low64);
    }
    bool seen = strmap_get_n(&c->combinations, (const char *)&sum, sizeof sum) != NULL;
    strmap_put_n(&c->combinations, (const char *)&sum, sizeof sum, c);
    return seen;
}

static void check_root_value(struct db_check *c, const struct hash *h) {
    struct arena a = ARENA_INIT;
    struct root_value rv;
    struct root_table *tables;
    size_t count = 0;
    struct err err = ERR_INIT;
    char text[HASH_TEXT_SIZE + 1];
    check_name(h, text);
    int rc = root_value_read(&rv, c->ns, h, &err);
    if (rc == BD_OK && rv.feature_version > FEATURE_VERSION)
        fsck_add(c->r, FSCK_ERROR, FSCK_ROOT_VALUE, REPAIR_NONE, h, NULL, NULL,
                 "root value %s: feature version %lld, this program knows up to %d", text,
                 (long long)rv.feature_version, FEATURE_VERSION);
    if (rc == BD_OK)
        check_tree_shape(c, TREE_ADDRESSES, rv.tables.root, h, "the map of tables");
    if (rc == BD_OK)
        rc = list_tables(c, &rv, &a, &tables, &count, &err);
    if (rc != BD_OK) {
        fsck_add(c->r, FSCK_ERROR, FSCK_ROOT_VALUE, REPAIR_NONE, h, NULL, NULL, "root value %s: %s",
                 text, err.msg);
        arena_release(&a);
        return;
    }
    c->r->summary.roots++;
    for (size_t i = 0; i < count; i++) {
        struct hash schema;
        uint32_t entry = scan_find(c->scan, &tables[i].hash);
        if (!is_kind(c, entry, MESSAGE_TABLE)) {
            if (entry != SCAN_NONE && c->kind[entry] < CHECK_KIND_UNREAD)
                fsck_add(c->r, FSCK_ERROR, FSCK_ROOT_VALUE, REPAIR_NONE, h, tables[i].name, NULL,
                         "root value %s: what stands for %s is no table", text, tables[i].name);
            continue;
        }
        if (table_schema_address(c->ns, &tables[i].hash, &schema, NULL) == BD_OK)
            tables[i].schema = check_schema_of(c, &schema, tables[i].name);
    }
    if (!seen_before(c, tables, count, &rv.foreign_keys)) {
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < i; k++)
                if (!strcasecmp(tables[i].name, tables[k].name))
                    fsck_add(c->r, FSCK_ERROR, FSCK_ROOT_VALUE, REPAIR_NONE, h, tables[i].name, NULL,
                             "root value %s: table names differ only in case: %s", text,
                             tables[i].name);
        tag_clashes(c, h, tables, count);
        if (!hash_is_zero(&rv.foreign_keys))
            check_foreign_keys(c, &rv.foreign_keys, tables, count, &a);
    }
    arena_release(&a);
}

int check_root_values(struct db_check *c, struct err *err) {
    int rc = BD_OK;
    size_t done = 0;
    for (size_t i = 0; i < c->count && rc == BD_OK; i++)
        if (c->reached[i] && c->kind[i] == MESSAGE_ROOT_VALUE) {
            check_root_value(c, &c->scan->entries[i].address);
            check_breathe(c);
            if (++done % 256 == 0 && !fsck_tell(c->o, "roots", done, 0))
                rc = err_set(err, BD_CANCELLED, "the check was stopped");
        }
    return rc;
}
