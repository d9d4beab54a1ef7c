/*
 * Names and history: branches, tags, working sets, stashes; commits with their heights and closures.
 *
 * A closure is right when it is what editing the first parent's closure gives, its own parents' being
 * right: so each costs one edit, however long the history.
 */
#include "store/db/fsck_check.h"

#include "store/db/commit.h"
#include "store/db/store_root.h"
#include "store/db/working_set.h"
#include "store/prolly/flatbuf.h"

#include <stdlib.h>
#include <string.h>

static const struct dataset_rule {
    const char *prefix;
    enum message_kind kind;
} rules[] = {
    {"refs/heads/", MESSAGE_COMMIT},
    {"refs/remotes/", MESSAGE_COMMIT},
    {"refs/internal/", MESSAGE_COMMIT},
    {"refs/workspaces/", MESSAGE_COMMIT},
    {"refs/tags/", MESSAGE_TAG},
    {"refs/stashes/", MESSAGE_STASH_LIST},
    {"refs/statistics/", MESSAGE_STATISTIC},
    {"refs/tuples/", MESSAGE_TUPLE},
    {"workingSets/", MESSAGE_WORKING_SET},
};

static void check_working_set(struct db_check *c, const struct tree *datasets, const char *name,
                              const struct hash *h) {
    struct working_set ws;
    struct err err = ERR_INIT;
    struct hash head;
    struct arena a = ARENA_INIT;
    if (strncmp(name, "workingSets/heads/", 18) == 0) {
        char *branch = arena_printf(&a, "refs/heads/%s", name + 18);
        if (store_root_get(datasets, branch, &head, NULL) != BD_OK)
            fsck_add(c->r, FSCK_NOTE, FSCK_REF_ODD, REPAIR_NOT_NEEDED, h, NULL, NULL,
                     "%s: there is no branch of that name", name);
    }
    if (working_set_read(c->ns, h, &a, &ws, &err) != BD_OK)
        fsck_add(c->r, FSCK_ERROR, FSCK_REF_DAMAGED, REPAIR_RESET, h, NULL, NULL, "%s: %s", name,
                 err.msg);
    else if (ws.merge.active || ws.rebase.active)
        fsck_add(c->r, FSCK_NOTE, FSCK_REF_ODD, REPAIR_NOT_NEEDED, h, NULL, NULL,
                 "%s: a %s is in progress", name, ws.merge.active ? "merge" : "rebase");
    arena_release(&a);
}

struct datasets {
    struct db_check *c;
    const struct tree *map;
};

static int check_dataset(void *ctx, struct bytes key, const struct hash *h) {
    struct datasets *d = ctx;
    struct db_check *c = d->c;
    struct arena a = ARENA_INIT;
    char *name = arena_strndup(&a, (const char *)key.data, key.size);
    const struct dataset_rule *rule = NULL;
    uint32_t entry = scan_find(c->scan, h);
    for (size_t i = 0; i < sizeof rules / sizeof rules[0] && !rule; i++)
        if (!strncmp(name, rules[i].prefix, strlen(rules[i].prefix)))
            rule = &rules[i];
    c->r->summary.refs++;
    bool readable = entry != SCAN_NONE && c->kind[entry] < CHECK_KIND_UNREAD;
    if (!rule)
        fsck_add(c->r, FSCK_ERROR, FSCK_REF_DAMAGED, REPAIR_NONE, h, NULL, NULL,
                 "%s: not a name that a database may hold", name);
    else if (readable && !is_kind(c, entry, rule->kind))
        fsck_add(c->r, FSCK_ERROR, FSCK_REF_DAMAGED, REPAIR_RESET, h, NULL, NULL,
                 "%s: its address holds something else", name);
    else if (!readable && !scan_is_ghost(c->scan, h))
        fsck_add(c->r, FSCK_ERROR, FSCK_REF_DAMAGED, REPAIR_RESET, h, NULL, NULL,
                 "%s: what it names is missing or damaged", name);
    else if (rule->kind == MESSAGE_WORKING_SET)
        check_working_set(c, d->map, name, h);
    arena_release(&a);
    return BD_OK;
}

/* The map inside a message of one slot (STRT, SLST). */
static void check_embedded_map(struct db_check *c, uint32_t entry, const char id[4], const char *name) {
    const struct hash *h = &c->scan->entries[entry].address;
    struct chunk bytes;
    struct err err = ERR_INIT;
    bool bad = false;
    struct fb_table t;
    if (scan_reader_get(c->reader, h, &bytes, &err) != BD_OK ||
        fb_open(bytes.data, bytes.size, id, &bad, &t, &err) != BD_OK)
        return;
    struct fb_bytes map = fb_bytes_at(&t, 0);
    check_tree_shape(c, TREE_ADDRESSES, (struct chunk){map.data, map.size}, h, name);
}

int check_datasets(struct db_check *c, struct err *err) {
    struct tree map;
    struct err why = ERR_INIT;
    (void)err;
    if (c->root == SCAN_NONE)
        return BD_OK;
    const struct hash *root = &c->scan->entries[c->root].address;
    struct datasets d = {c, &map};
    int rc = store_root_open(&map, c->ns, root, &why);
    if (rc == BD_OK) {
        check_embedded_map(c, c->root, "STRT", "the map of branches");
        rc = store_root_each(&map, check_dataset, &d, &why);
    }
    if (rc != BD_OK)
        fsck_add(c->r, FSCK_ERROR, FSCK_ROOT_MISSING, REPAIR_NONE, root, NULL, NULL, "%s", why.msg);
    for (size_t i = 0; i < c->count; i++) {
        if (!c->reached[i])
            continue;
        if (c->kind[i] == MESSAGE_STASH_LIST)
            check_embedded_map(c, (uint32_t)i, "SLST", "the list of stashes");
        if (c->kind[i] == MESSAGE_STATISTIC && c->refs[i] && c->refs[i][0]) {
            const struct hash *h = &c->scan->entries[c->refs[i][1]].address;
            struct chunk bytes;
            if (check_read(c, h, MESSAGE_TREE_NODE, "statistics", &bytes))
                check_tree_shape(c, TREE_ROWS, bytes, h, "statistics");
        }
        check_breathe(c);
    }
    return BD_OK;
}

/* ---- commits ---- */

struct history_commit {
    uint32_t entry;
    uint64_t height;
};

static int by_height(const void *a, const void *b) {
    const struct history_commit *x = a, *y = b;
    if (x->height != y->height)
        return x->height < y->height ? -1 : 1;
    return x->entry < y->entry ? -1 : x->entry > y->entry;
}

/* Counts how two closures differ; only what is missing matters where history is cut off. */
struct closure_difference {
    size_t missing, extra;
};

static int note_difference(void *ctx, const struct tree_diff *d) {
    struct closure_difference *x = ctx;
    *(d->change == TREE_REMOVED ? &x->missing : &x->extra) += 1;
    return BD_OK;
}

static void check_closure(struct db_check *c, const struct commit *m, const struct commit *parents,
                          size_t known) {
    struct closure_parent list[COMMIT_PARENTS_MAX];
    char text[HASH_TEXT_SIZE + 1];
    struct err err = ERR_INIT;
    struct tree want, have;
    struct hash h;
    struct chunk bytes;
    if (!check_read(c, &m->closure, MESSAGE_COMMIT_CLOSURE, "commit closure", &bytes))
        return;
    check_tree_shape(c, TREE_CLOSURE, bytes, &m->closure, "commit closure");
    for (size_t i = 0; i < known; i++)
        list[i] = (struct closure_parent){parents[i].hash, parents[i].height, parents[i].closure};
    int rc = closure_build(c->ns, list, known, &want, &err);
    if (rc == BD_OK && known == m->parent_count) {
        h = tree_root_hash(&want);
        if (hash_eq(&h, &m->closure))
            return;
    }
    struct closure_difference d = {0, 0};
    if (rc == BD_OK)
        rc = tree_open(&have, c->ns, &tree_type_closure, &m->closure, &err);
    if (rc == BD_OK)
        rc = tree_diff_walk(&want, &have, note_difference, &d, &err);
    if (rc != BD_OK) {
        c->skipped++;
        return;
    }
    check_name(&m->hash, text);
    if (d.missing || (d.extra && known == m->parent_count && !c->partial_history))
        fsck_add(c->r, FSCK_ERROR, FSCK_CLOSURE_WRONG, REPAIR_NONE, &m->hash, NULL, NULL,
                 "commit %s: its closure lacks %zu ancestors and names %zu commits that are none", text,
                 d.missing, d.extra);
    else if (known == m->parent_count && !d.extra)
        fsck_add(c->r, FSCK_NOTE, FSCK_CLOSURE_WRONG, REPAIR_NOT_NEEDED, &m->hash, NULL, NULL,
                 "commit %s: its closure is right, but cut at other places than Dolt would", text);
}

static void check_commit(struct db_check *c, const struct hash *h) {
    struct arena a = ARENA_INIT;
    struct commit m;
    struct err err = ERR_INIT;
    char text[HASH_TEXT_SIZE + 1];
    check_name(h, text);
    if (commit_read(c->ns, h, &a, &m, &err) != BD_OK || m.parent_count > COMMIT_PARENTS_MAX) {
        fsck_add(c->r, FSCK_ERROR, FSCK_COMMIT_DAMAGED, REPAIR_NONE, h, NULL, NULL, "commit %s: %s",
                 text, err.code ? err.msg : "it has too many parents");
        arena_release(&a);
        return;
    }
    c->r->summary.commits++;
    struct commit *parents = arena_zalloc(&a, (m.parent_count + 1) * sizeof *parents);
    size_t known = 0;
    uint64_t height = 0;
    for (size_t i = 0; i < m.parent_count; i++) {
        uint32_t entry = scan_find(c->scan, &m.parents[i]);
        for (size_t k = 0; k < i; k++)
            if (hash_eq(&m.parents[k], &m.parents[i]))
                fsck_add(c->r, FSCK_ERROR, FSCK_COMMIT_DAMAGED, REPAIR_NONE, h, NULL, NULL,
                         "commit %s: it has one parent twice", text);
        if (entry == SCAN_NONE || c->kind[entry] >= CHECK_KIND_UNREAD)
            continue; /* a ghost, or told as dangling */
        if (!is_kind(c, entry, MESSAGE_COMMIT) ||
            commit_read(c->ns, &m.parents[i], &a, &parents[known], &err) != BD_OK) {
            fsck_add(c->r, FSCK_ERROR, FSCK_COMMIT_DAMAGED, REPAIR_NONE, h, NULL, NULL,
                     "commit %s: a parent is no commit", text);
            continue;
        }
        if (parents[known].height > height)
            height = parents[known].height;
        known++;
    }
    if (known == m.parent_count && m.height != height + 1)
        fsck_add(c->r, FSCK_ERROR, FSCK_COMMIT_DAMAGED, REPAIR_NONE, h, NULL, NULL,
                 "commit %s: height %llu does not follow from its parents", text,
                 (unsigned long long)m.height);
    if (!*m.author || !*m.email || !*m.message)
        fsck_add(c->r, FSCK_NOTE, FSCK_COMMIT_DAMAGED, REPAIR_NOT_NEEDED, h, NULL, NULL,
                 "commit %s: empty name, e-mail or message", text);
    if (hash_is_zero(&m.closure) != (m.parent_count == 0))
        fsck_add(c->r, FSCK_ERROR, FSCK_CLOSURE_WRONG, REPAIR_NONE, h, NULL, NULL, "commit %s: %s",
                 text, m.parent_count ? "it has no closure" : "a closure without parents");
    else if (m.parent_count)
        check_closure(c, &m, parents, known);
    arena_release(&a);
}

/* The heights that closures name are those of the commits. */
static void check_closure_heights(struct check_task *t, size_t from, size_t to, void *ctx) {
    const uint32_t *leaves = ctx;
    struct db_check *c = t->c;
    char text[HASH_TEXT_SIZE + 1];
    for (size_t i = from; i < to; i++) {
        uint8_t *data;
        size_t size;
        struct tree_node n;
        if (scan_read(t->reader, leaves[i], &data, &size, NULL) != BD_OK)
            continue;
        if (node_parse(TREE_CLOSURE, (struct chunk){data, size}, &n, NULL) == BD_OK && n.level == 0) {
            for (uint32_t k = 0; k < n.count; k++) {
                struct bytes key = tree_node_key(&n, k);
                struct hash h;
                memcpy(h.b, key.data + 8, HASH_SIZE);
                uint32_t entry = scan_find(c->scan, &h);
                if (is_kind(c, entry, MESSAGE_COMMIT) && c->heights[entry] &&
                    c->heights[entry] != closure_key_height(key))
                    fsck_add(&t->report, FSCK_ERROR, FSCK_CLOSURE_WRONG, REPAIR_NONE, &h, NULL, NULL,
                             "a closure names a wrong height for commit %s", check_name(&h, text));
            }
        }
        free(data);
    }
}

int check_commits(struct db_check *c, struct err *err) {
    struct history_commit *list = NULL;
    size_t count = 0, capacity = 0, leaf_count = 0, leaf_capacity = 0;
    uint32_t *leaves = NULL;
    struct arena a = ARENA_INIT;
    int rc = BD_OK;
    c->heights = arena_zalloc(&c->arena, (c->count + 1) * sizeof *c->heights);
    c->partial_history = c->scan->ghosts.count > 0;
    for (size_t i = 0; i < c->count; i++) {
        if (!c->reached[i])
            continue;
        if (c->kind[i] == MESSAGE_COMMIT) {
            struct commit m;
            if (commit_read(c->ns, &c->scan->entries[i].address, &a, &m, NULL) == BD_OK)
                c->heights[i] = m.height;
            MEM_GROW(list, capacity, count + 1);
            list[count++] = (struct history_commit){(uint32_t)i, c->heights[i]};
            arena_reset(&a);
            check_breathe(c);
        } else if (c->kind[i] == MESSAGE_COMMIT_CLOSURE && c->facts[i] && c->facts[i]->level == 0) {
            MEM_GROW(leaves, leaf_capacity, leaf_count + 1);
            leaves[leaf_count++] = (uint32_t)i;
        }
    }
    arena_release(&a);
    if (count > 1)
        qsort(list, count, sizeof *list, by_height);
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        check_commit(c, &c->scan->entries[list[i].entry].address);
        node_store_reset(c->ns);
        check_breathe(c);
        if (i % 256 == 0 && !fsck_tell(c->o, "commits", i, count))
            rc = err_set(err, BD_CANCELLED, "the check was stopped");
    }
    if (rc == BD_OK)
        rc = check_parallel(c, "closures", leaf_count, 64, check_closure_heights, leaves, err);
    free(list);
    free(leaves);
    return rc;
}
