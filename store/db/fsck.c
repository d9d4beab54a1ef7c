/* The order of the checks, and which states of a damaged database are whole. */
#include "store/db/fsck_check.h"

#include "store/db/commit.h"
#include "store/db/store_root.h"
#include "store/db/working_set.h"

#include <stdlib.h>
#include <string.h>

struct refs_of {
    struct tree map;
};

static bool has_ref(void *ctx, const char *ref) {
    struct refs_of *x = ctx;
    struct hash h;
    return store_root_get(&x->map, ref, &h, NULL) == BD_OK;
}

/* Finds the entry of the root; says why nothing can be looked at without it. */
void check_find_root(struct db_check *c) {
    struct scan *s = c->scan;
    char text[HASH_TEXT_SIZE + 1];
    if (hash_is_zero(&s->root)) {
        if (s->root_known)
            fsck_add(c->r, FSCK_NOTE, FSCK_STORE_EMPTY, REPAIR_NOT_NEEDED, NULL, NULL, NULL,
                     "the store is empty");
        return;
    }
    uint32_t entry = scan_find(s, &s->root);
    if (entry == SCAN_NONE)
        fsck_add(c->r, FSCK_ERROR, FSCK_ROOT_MISSING, REPAIR_RESET, &s->root, NULL, NULL,
                 "root hash doesn't exist: %s", check_name(&s->root, text));
    else if (!is_kind(c, entry, MESSAGE_STORE_ROOT))
        fsck_add(c->r, FSCK_ERROR, FSCK_ROOT_MISSING, REPAIR_RESET, &s->root, NULL, NULL,
                 "the root %s cannot be read", check_name(&s->root, text));
    else
        c->root = entry;
}

static int check_deep(const struct check_place *p, const struct fsck_options *o, struct fsck_report *r,
                      struct err *err) {
    struct db_check c;
    struct refs_of refs;
    int rc = check_open(&c, p->noms, o, r, err);
    if (rc != BD_OK)
        return rc;
    rc = check_chunks(&c, err);
    if (rc == BD_OK)
        check_find_root(&c);
    if (rc == BD_OK)
        rc = check_references(&c, err);
    if (rc == BD_OK)
        rc = check_datasets(&c, err);
    if (rc == BD_OK)
        rc = check_commits(&c, err);
    if (rc == BD_OK)
        rc = check_name_tables(&c, err);
    if (rc == BD_OK)
        rc = check_tables(&c, err);
    if (rc == BD_OK)
        rc = check_root_values(&c, err);
    if (rc == BD_OK)
        rc = check_heads(&c, err);
    if (rc == BD_OK)
        rc = check_values(&c, err);
    bool readable = c.root != SCAN_NONE &&
                    store_root_open(&refs.map, c.ns, &c.scan->entries[c.root].address, NULL) == BD_OK;
    check_repo_state(p, readable ? has_ref : NULL, &refs, r);
    if (c.skipped)
        fsck_add(r, FSCK_NOTE, FSCK_SKIPPED, REPAIR_NOT_NEEDED, NULL, NULL, NULL,
                 "%zu checks stopped at chunks that are missing or damaged", c.skipped);
    check_close(&c);
    return rc;
}

/* Errors first, in the order they were found. */
static void sort_findings(struct fsck_report *r) {
    struct fsck_finding *sorted = mem_zalloc(r->count + 1, sizeof *sorted);
    size_t n = 0;
    for (int s = FSCK_ERROR; s >= (int)FSCK_NOTE; s--)
        for (size_t i = 0; i < r->count; i++)
            if ((int)r->findings[i].severity == s)
                sorted[n++] = r->findings[i];
    free(r->findings);
    r->findings = sorted;
    r->capacity = r->count + 1;
}

int db_fsck(const char *dir, const struct fsck_options *o, struct fsck_report *r, struct err *err) {
    struct check_place place;
    check_place_find(&place, dir);
    int rc = o->level == FSCK_QUICK ? check_quick(&place, o, r, err) : check_deep(&place, o, r, err);
    check_place_release(&place);
    sort_findings(r);
    return rc;
}

/* ---- which states are whole ---- */

enum { WHOLE_UNKNOWN, WHOLE_OPEN, WHOLE_YES, WHOLE_NO };

struct wholeness {
    struct db_check *c;
    uint8_t *state; /* by entry */
    bool *torn;     /* by entry: refers to something missing */
};

/*
 * Is everything below the entry there? History does not count: commits are looked at one by one, so
 * references to commits are passed over.
 */
static bool is_whole(struct wholeness *w, uint32_t start) {
    struct db_check *c = w->c;
    uint32_t *stack = NULL;
    size_t depth = 0, capacity = 0;
    if (start == SCAN_NONE)
        return false;
    MEM_GROW(stack, capacity, 1);
    stack[depth++] = start;
    while (depth) {
        uint32_t at = stack[depth - 1];
        const uint32_t *refs = c->refs[at];
        if (w->state[at] == WHOLE_UNKNOWN) {
            w->state[at] = WHOLE_OPEN;
            if (c->kind[at] >= CHECK_KIND_UNREAD || w->torn[at]) {
                w->state[at] = WHOLE_NO;
                depth--;
                continue;
            }
            for (uint32_t i = 1; refs && i <= refs[0]; i++)
                if (w->state[refs[i]] == WHOLE_UNKNOWN && c->kind[refs[i]] != MESSAGE_COMMIT) {
                    MEM_GROW(stack, capacity, depth + 1);
                    stack[depth++] = refs[i];
                }
            continue;
        }
        depth--;
        if (w->state[at] != WHOLE_OPEN)
            continue;
        w->state[at] = WHOLE_YES;
        for (uint32_t i = 1; refs && i <= refs[0]; i++)
            if (c->kind[refs[i]] != MESSAGE_COMMIT && w->state[refs[i]] == WHOLE_NO)
                w->state[at] = WHOLE_NO;
    }
    free(stack);
    return w->state[start] == WHOLE_YES;
}

struct refs_list {
    struct wholeness w;
    struct arena *a;
    struct tree map;
    struct fsck_ref *refs;
    size_t count, capacity;
};

/* Follows first parents from a damaged head. */
static void find_newest_whole(struct refs_list *l, struct fsck_ref *ref) {
    struct db_check *c = l->w.c;
    struct hash at = ref->head;
    struct arena a = ARENA_INIT;
    for (;;) {
        struct commit m;
        uint32_t entry = scan_find(c->scan, &at);
        if (!is_kind(c, entry, MESSAGE_COMMIT) || commit_read(c->ns, &at, &a, &m, NULL) != BD_OK)
            break;
        if (is_whole(&l->w, entry)) {
            ref->newest_whole = at;
            break;
        }
        ref->commits_lost++;
        if (!m.parent_count)
            break;
        at = m.parents[0];
        arena_reset(&a);
        check_breathe(c);
    }
    arena_release(&a);
    if (!hash_is_zero(&ref->newest_whole))
        return;
    /* The line is cut: the highest whole commit there is. */
    uint64_t best = 0;
    for (size_t i = 0; i < c->count; i++) {
        struct commit m;
        struct arena b = ARENA_INIT;
        const struct hash *h = &c->scan->entries[i].address;
        if (c->kind[i] == MESSAGE_COMMIT && commit_read(c->ns, h, &b, &m, NULL) == BD_OK &&
            m.height > best && is_whole(&l->w, (uint32_t)i)) {
            best = m.height;
            ref->newest_whole = *h;
        }
        arena_release(&b);
    }
}

static int add_ref(void *ctx, struct bytes key, const struct hash *h) {
    struct refs_list *l = ctx;
    struct db_check *c = l->w.c;
    if (key.size < 11 || memcmp(key.data, "refs/heads/", 11) != 0)
        return BD_OK;
    MEM_GROW(l->refs, l->capacity, l->count + 1);
    struct fsck_ref *ref = &l->refs[l->count++];
    *ref = (struct fsck_ref){.name = arena_strndup(l->a, (const char *)key.data, key.size), .head = *h};
    uint32_t entry = scan_find(c->scan, h);
    ref->head_whole = is_kind(c, entry, MESSAGE_COMMIT) && is_whole(&l->w, entry);
    ref->working_whole = true;
    struct hash ws;
    char *name = arena_printf(l->a, "workingSets/heads/%s", ref->name + 11);
    if (store_root_get(&l->map, name, &ws, NULL) == BD_OK) {
        entry = scan_find(c->scan, &ws);
        ref->working_whole = is_kind(c, entry, MESSAGE_WORKING_SET) && is_whole(&l->w, entry);
    }
    if (ref->head_whole)
        ref->newest_whole = *h;
    else
        find_newest_whole(l, ref);
    return BD_OK;
}

int db_fsck_refs(const char *dir, const struct fsck_options *o, struct arena *a, struct fsck_ref **refs,
                 size_t *count, struct err *err) {
    struct check_place place;
    struct db_check c;
    struct fsck_report ignored;
    struct refs_list l = {.a = a};
    *refs = NULL;
    *count = 0;
    fsck_report_init(&ignored);
    check_place_find(&place, dir);
    int rc = check_open(&c, place.noms, o, &ignored, err);
    check_place_release(&place);
    if (rc != BD_OK) {
        fsck_report_release(&ignored);
        return rc;
    }
    rc = check_chunks(&c, err);
    if (rc == BD_OK)
        check_find_root(&c);
    l.w = (struct wholeness){&c, mem_zalloc(c.count + 1, 1), mem_zalloc(c.count + 1, sizeof(bool))};
    for (size_t i = 0; i < c.dangling_count; i++) {
        uint8_t kind = c.kind[c.dangling[i].from];
        if (kind != MESSAGE_COMMIT && kind != MESSAGE_COMMIT_CLOSURE)
            l.w.torn[c.dangling[i].from] = true;
        else if (kind == MESSAGE_COMMIT) { /* its own root or closure, or an ancestor? */
            struct arena b = ARENA_INIT;
            struct commit m;
            if (commit_read(c.ns, &c.scan->entries[c.dangling[i].from].address, &b, &m, NULL) !=
                    BD_OK ||
                hash_eq(&m.root, &c.dangling[i].to) || hash_eq(&m.closure, &c.dangling[i].to))
                l.w.torn[c.dangling[i].from] = true;
            arena_release(&b);
        }
    }
    if (rc == BD_OK && c.root == SCAN_NONE)
        rc = err_set(err, BD_CORRUPT, "%s: the root cannot be read, so the branches cannot be told",
                     dir);
    if (rc == BD_OK)
        rc = store_root_open(&l.map, c.ns, &c.scan->entries[c.root].address, err);
    if (rc == BD_OK)
        rc = store_root_each(&l.map, add_ref, &l, err);
    if (rc == BD_OK) {
        *refs = arena_dup(a, l.refs, l.count * sizeof *l.refs);
        *count = l.count;
    }
    free(l.refs);
    free(l.w.state);
    free(l.w.torn);
    check_close(&c);
    fsck_report_release(&ignored);
    return rc;
}
