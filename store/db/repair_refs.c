/*
 * Branches of a damaged database. A branch is moved only when the caller asked for it by name; what it
 * pointed to before is written down beside the other originals, and stays in the files until a
 * collection.
 */
#include "store/db/repair_steps.h"

#include "base/os.h"
#include "store/db/branches.h"
#include "store/db/commit.h"
#include "store/db/repo_state.h"
#include "store/db/store_root.h"
#include "store/db/working_set.h"

#include <stdlib.h>
#include <string.h>

struct picking {
    struct arena *a;
    const char *first, *preferred;
};

static int pick(void *ctx, struct bytes key, const struct hash *h) {
    struct picking *p = ctx;
    (void)h;
    if (key.size <= 11 || memcmp(key.data, "refs/heads/", 11) != 0)
        return BD_OK;
    char *name = arena_strndup(p->a, (const char *)key.data + 11, key.size - 11);
    if (!p->first)
        p->first = name;
    if (!strcmp(name, "main") || (!strcmp(name, "master") && !p->preferred))
        p->preferred = name;
    return BD_OK;
}

int repair_pick_branch(struct repair *x, const char **branch, struct err *err) {
    struct chunk_store *cs;
    struct tree map;
    struct picking p = {&x->r->arena, NULL, NULL};
    *branch = NULL;
    if (chunk_store_open(&cs, x->place.noms, CHUNK_STORE_READ_ONLY, err) != BD_OK) {
        err_clear(err); /* nothing to choose from: told by the check */
        return BD_OK;
    }
    struct node_store *ns = node_store_new(cs);
    struct hash root = chunk_store_root(cs);
    if (store_root_open(&map, ns, &root, err) == BD_OK)
        store_root_each(&map, pick, &p, err);
    err_clear(err);
    *branch = p.preferred ? p.preferred : p.first;
    node_store_free(ns);
    chunk_store_close(cs);
    return BD_OK;
}

/* ---- the refs as they were ---- */

struct writing {
    struct buf *out;
};

static int write_ref(void *ctx, struct bytes key, const struct hash *h) {
    struct writing *w = ctx;
    char text[HASH_TEXT_SIZE + 1];
    hash_format(h, text);
    buf_addf(w->out, "%s %.*s\n", text, (int)key.size, (const char *)key.data);
    return BD_OK;
}

static int write_down_refs(struct repair *x, const struct hash *root, const struct tree *map,
                           struct err *err) {
    struct buf text = BUF_INIT;
    struct writing w = {&text};
    char hash[HASH_TEXT_SIZE + 1];
    hash_format(root, hash);
    buf_addf(&text, "%s (root)\n", hash);
    if (map)
        store_root_each(map, write_ref, &w, NULL);
    int rc = repair_set_aside(x, arena_printf(&x->r->arena, "%s/manifest", x->place.noms), 0,
                              "manifest", err);
    if (rc == BD_OK && x->r->aside) {
        const char *path = arena_printf(&x->r->arena, "%s/refs-before.txt", x->r->aside);
        if (!os_exists(path) && os_write_file_atomic(path, text.data, text.size, 0644) < 0)
            rc = err_errno(err, "cannot write %s", path);
    }
    buf_release(&text);
    return rc;
}

/* ---- an unreadable root ---- */

/* The newest root that the journal remembers and that can still be read; zero: none. */
static int newest_readable_root(struct repair *x, struct hash *out, struct hash *now, struct err *err) {
    struct fsck_report ignored;
    struct fsck_options o = {.level = FSCK_QUICK};
    struct scan *s;
    *out = HASH_ZERO;
    fsck_report_init(&ignored);
    int rc = scan_open(&s, x->place.noms, &o, &ignored, err);
    fsck_report_release(&ignored);
    if (rc != BD_OK)
        return rc;
    struct scan_reader *reader = scan_reader_new(s);
    struct node_store *ns = node_store_new_over(scan_reader_get, reader);
    struct tree map;
    struct tree_cursor c;
    *now = s->root;
    for (size_t i = s->root_count; i-- > 0 && hash_is_zero(out);)
        if (store_root_open(&map, ns, &s->roots[i].root, NULL) == BD_OK &&
            tree_cursor_first(&c, &map, NULL) == BD_OK && c.valid)
            *out = s->roots[i].root;
    node_store_free(ns);
    scan_reader_free(reader);
    scan_close(s);
    return BD_OK;
}

static int reset_root(struct repair *x, struct err *err) {
    struct hash root, now;
    char text[HASH_TEXT_SIZE + 1];
    int rc = newest_readable_root(x, &root, &now, err);
    if (rc != BD_OK || hash_eq(&root, &now))
        return rc;
    if (hash_is_zero(&root)) {
        repair_step_add(x, REPAIR_RESET, false, "no root of the journal can be read: restore a backup");
        return BD_OK;
    }
    hash_format(&root, text);
    if (!x->o->dry_run) {
        struct chunk_store *cs;
        rc = write_down_refs(x, &now, NULL, err);
        if (rc == BD_OK)
            rc = chunk_store_open(&cs, x->place.noms, 0, err);
        if (rc == BD_OK) {
            rc = chunk_store_commit(cs, &now, NULL, 0, &root, err);
            chunk_store_close(cs);
        }
        x->r->lost_data = true;
    }
    if (rc == BD_OK)
        repair_step_add(x, REPAIR_RESET, !x->o->dry_run,
                        "%s the whole database back to the newest root that can be read, %s",
                        x->o->dry_run ? "would move" : "moved", text);
    return rc;
}

/* ---- branches ---- */

static bool is_wanted(const struct repair *x, const struct fsck_ref *ref) {
    if (ref->head_whole && ref->working_whole)
        return false;
    return !x->o->branch || !*x->o->branch || !strcmp(x->o->branch, ref->name + 11);
}

static int add_reset(struct repair *x, struct node_store *ns, const struct fsck_ref *ref,
                     struct store_root_edit *edits, size_t *n, struct err *err) {
    struct arena *a = &x->r->arena;
    struct commit m;
    char text[HASH_TEXT_SIZE + 1];
    if (hash_is_zero(&ref->newest_whole)) {
        repair_step_add(x, REPAIR_RESET, false, "%s: no whole commit is left; restore a backup",
                        ref->name + 11);
        return BD_OK;
    }
    int rc = commit_read(ns, &ref->newest_whole, a, &m, err);
    struct working_set ws = {.working = m.root, .staged = m.root};
    if (rc == BD_OK)
        rc = working_set_write(ns, &ws, err);
    if (rc != BD_OK)
        return rc;
    if (!ref->head_whole)
        edits[(*n)++] = (struct store_root_edit){ref->name, ref->newest_whole};
    edits[(*n)++] =
        (struct store_root_edit){arena_printf(a, "workingSets/heads/%s", ref->name + 11), ws.hash};
    hash_format(&ref->newest_whole, text);
    repair_step_add(x, REPAIR_RESET, !x->o->dry_run,
                    ref->head_whole ? "%s: %s what was not committed; the branch stays at %s"
                                    : "%s: %s the branch back to %s, its newest whole commit",
                    ref->name + 11,
                    ref->head_whole ? (x->o->dry_run ? "would drop" : "dropped")
                                    : (x->o->dry_run ? "would move" : "moved"),
                    text);
    return BD_OK;
}

int repair_reset_branches(struct repair *x, struct err *err) {
    struct fsck_options o = {.level = FSCK_DEEP};
    struct fsck_ref *refs;
    size_t count, n = 0;
    struct chunk_store *cs;
    struct tree map;
    int rc = reset_root(x, err);
    if (rc == BD_OK)
        rc = db_fsck_refs(x->dir, &o, &x->r->arena, &refs, &count, err);
    if (rc == BD_CORRUPT) { /* nothing left to reset; the steps say so */
        err_clear(err);
        return BD_OK;
    }
    if (rc == BD_OK)
        rc = chunk_store_open(&cs, x->place.noms, x->o->dry_run ? CHUNK_STORE_READ_ONLY : 0u, err);
    if (rc != BD_OK)
        return rc;
    struct node_store *ns = node_store_new(cs);
    struct hash root = chunk_store_root(cs), next;
    struct store_root_edit *edits = arena_zalloc(&x->r->arena, (2 * count + 1) * sizeof *edits);
    rc = store_root_open(&map, ns, &root, err);
    for (size_t i = 0; i < count && rc == BD_OK; i++)
        if (is_wanted(x, &refs[i]))
            rc = add_reset(x, ns, &refs[i], edits, &n, err);
    if (rc == BD_OK && n && !x->o->dry_run) {
        struct chunk_write *chunks;
        size_t chunk_count;
        rc = write_down_refs(x, &root, &map, err);
        if (rc == BD_OK)
            rc = store_root_edit(&map, edits, n, &next, err);
        if (rc == BD_OK)
            rc = node_store_collect(ns, &next, &x->r->arena, &chunks, &chunk_count, err);
        if (rc == BD_OK)
            rc = chunk_store_commit(cs, &root, chunks, chunk_count, &next, err);
        x->r->lost_data = true;
    }
    node_store_free(ns);
    chunk_store_close(cs);
    return rc;
}

void repair_tell_branches(struct repair *x) {
    struct fsck_options o = {.level = FSCK_DEEP};
    struct fsck_ref *refs;
    size_t count;
    struct err err = ERR_INIT;
    char text[HASH_TEXT_SIZE + 1];
    if (db_fsck_refs(x->dir, &o, &x->r->arena, &refs, &count, &err) != BD_OK) {
        repair_step_add(x, REPAIR_RESET, false, "%s", err.msg);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        hash_format(&refs[i].newest_whole, text);
        if (refs[i].head_whole && refs[i].working_whole)
            repair_step_add(x, REPAIR_RESET, false,
                            "%s is whole at %s; damage lies in its history or elsewhere",
                            refs[i].name + 11, text);
        else if (hash_is_zero(&refs[i].newest_whole))
            repair_step_add(x, REPAIR_RESET, false, "%s: no whole commit is left; restore a backup",
                            refs[i].name + 11);
        else if (refs[i].head_whole)
            repair_step_add(
                x, REPAIR_RESET, false,
                "%s: the newest commit %s is whole, what was not committed is damaged: restore a "
                "backup (bd fsck --help tells the last resort)",
                refs[i].name + 11, text);
        else
            repair_step_add(
                x, REPAIR_RESET, false,
                "%s: the newest whole commit is %s, %llu later ones are damaged: restore a backup "
                "(bd fsck --help tells the last resort)",
                refs[i].name + 11, text, (unsigned long long)refs[i].commits_lost);
    }
}
