/*
 * The WRST message. Merge and rebase states that this program did not start are read and written back
 * unchanged.
 */
#include "store/db/working_set.h"

#include "base/datetime.h"
#include "store/db/commit.h"
#include "store/prolly/flatbuf.h"

#include <stdlib.h>
#include <string.h>

static const char *text_of(struct arena *a, struct fb_bytes b) {
    return b.data ? arena_strndup(a, (const char *)b.data, b.size) : NULL;
}

static bool address_of(struct fb_bytes b, struct hash *out) {
    if (b.size != HASH_SIZE)
        return false;
    memcpy(out->b, b.data, HASH_SIZE);
    return true;
}

static void strings_of(struct arena *a, const struct fb_table *t, unsigned slot, const char ***list,
                       size_t *count) {
    struct fb_vector v = fb_vector_at(t, slot, 4);
    *count = v.data ? v.count : 0;
    *list = arena_zalloc(a, (*count + 1) * sizeof **list);
    for (size_t i = 0; i < *count; i++) {
        const char *s = text_of(a, fb_vector_bytes(t, &v, i));
        (*list)[i] = s ? s : "";
    }
}

int working_set_read(struct node_store *ns, const struct hash *h, struct arena *a,
                     struct working_set *out, struct err *err) {
    memset(out, 0, sizeof *out);
    out->hash = *h;
    struct chunk c;
    int rc = node_store_read(ns, h, &c, err);
    if (rc)
        return err_prefix(err, "reading the working set");
    bool bad = false;
    struct fb_table t, s;
    rc = fb_open(c.data, c.size, "WRST", &bad, &t, err);
    if (rc)
        return err_prefix(err, "the working set");
    bool ok = address_of(fb_bytes_at(&t, 0), &out->working);
    if (fb_has(&t, 1))
        ok = ok && address_of(fb_bytes_at(&t, 1), &out->staged);
    out->name = text_of(a, fb_bytes_at(&t, 2));
    out->email = text_of(a, fb_bytes_at(&t, 3));
    out->description = text_of(a, fb_bytes_at(&t, 4));
    out->timestamp = fb_u64(&t, 5, 0);
    if (ok && fb_table_at(&t, 6, &s)) {
        struct merge_state *m = &out->merge;
        m->active = true;
        ok = address_of(fb_bytes_at(&s, 0), &m->pre_working_root) &&
             address_of(fb_bytes_at(&s, 1), &m->from_commit);
        m->from_spec = text_of(a, fb_bytes_at(&s, 2));
        strings_of(a, &s, 3, &m->unmergable, &m->unmergable_count);
        m->is_cherry_pick = fb_u8(&s, 4, 0);
        m->is_revert = fb_u8(&s, 5, 0);
        if (fb_has(&s, 6))
            ok = ok && address_of(fb_bytes_at(&s, 6), &m->pre_merge_head);
        strings_of(a, &s, 7, &m->pending, &m->pending_count);
    }
    if (ok && fb_table_at(&t, 7, &s)) {
        struct rebase_state *r = &out->rebase;
        r->active = true;
        ok = address_of(fb_bytes_at(&s, 0), &r->pre_working_root) &&
             address_of(fb_bytes_at(&s, 2), &r->onto_commit);
        r->branch = text_of(a, fb_bytes_at(&s, 1));
        r->empty_handling = fb_u8(&s, 3, 0);
        r->becomes_empty_handling = fb_u8(&s, 4, 0);
        r->last_step = fb_f32(&s, 5, 0);
        r->started = fb_u8(&s, 6, 0);
        r->skip_verification = fb_u8(&s, 7, 0);
    }
    if (bad || !ok)
        return err_set(err, BD_CORRUPT, "the working set is damaged: an address is missing");
    return BD_OK;
}

static flatbuf_ref add_text(struct flatbuf *fb, const char *s) {
    return flatbuf_string(fb, s ? s : "", s ? strlen(s) : 0);
}

/* Strings are created last to first, then their vector. */
static flatbuf_ref add_strings(struct flatbuf *fb, const char *const *list, size_t count) {
    flatbuf_ref *refs = mem_zalloc(count ? count : 1, sizeof *refs);
    for (size_t i = count; i-- > 0;)
        refs[i] = add_text(fb, list[i]);
    flatbuf_ref v = flatbuf_refs(fb, refs, count);
    free(refs);
    return v;
}

static flatbuf_ref add_merge_state(struct flatbuf *fb, const struct merge_state *m) {
    flatbuf_ref pre = flatbuf_bytes(fb, m->pre_working_root.b, HASH_SIZE);
    flatbuf_ref from = flatbuf_bytes(fb, m->from_commit.b, HASH_SIZE);
    flatbuf_ref spec = add_text(fb, m->from_spec);
    flatbuf_ref unmergable = add_strings(fb, m->unmergable, m->unmergable_count);
    flatbuf_ref head = 0, pending = 0;
    if (!hash_is_zero(&m->pre_merge_head))
        head = flatbuf_bytes(fb, m->pre_merge_head.b, HASH_SIZE);
    if (m->pending_count)
        pending = add_strings(fb, m->pending, m->pending_count);
    flatbuf_table_begin(fb, 8);
    flatbuf_add_ref(fb, 0, pre);
    flatbuf_add_ref(fb, 1, from);
    flatbuf_add_ref(fb, 2, spec);
    flatbuf_add_ref(fb, 3, unmergable);
    flatbuf_add_u8(fb, 4, m->is_cherry_pick, 0);
    flatbuf_add_u8(fb, 5, m->is_revert, 0);
    flatbuf_add_ref(fb, 6, head);
    flatbuf_add_ref(fb, 7, pending);
    return flatbuf_table_end(fb);
}

static flatbuf_ref add_rebase_state(struct flatbuf *fb, const struct rebase_state *r) {
    flatbuf_ref pre = flatbuf_bytes(fb, r->pre_working_root.b, HASH_SIZE);
    flatbuf_ref onto = flatbuf_bytes(fb, r->onto_commit.b, HASH_SIZE);
    flatbuf_ref branch = add_text(fb, r->branch);
    flatbuf_table_begin(fb, 8);
    flatbuf_add_ref(fb, 0, pre);
    flatbuf_add_ref(fb, 1, branch);
    flatbuf_add_ref(fb, 2, onto);
    flatbuf_add_u8(fb, 4, r->becomes_empty_handling, 0);
    flatbuf_add_u8(fb, 3, r->empty_handling, 0);
    flatbuf_add_f32(fb, 5, r->last_step, 0);
    flatbuf_add_u8(fb, 6, r->started, 0);
    flatbuf_add_u8(fb, 7, r->skip_verification, 0);
    return flatbuf_table_end(fb);
}

int working_set_write(struct node_store *ns, struct working_set *ws, struct err *err) {
    struct flatbuf fb;
    flatbuf_init(&fb);
    flatbuf_ref working = flatbuf_bytes(&fb, ws->working.b, HASH_SIZE);
    flatbuf_ref staged = 0, merge = 0, rebase = 0, name = 0, email = 0, desc = 0;
    if (!hash_is_zero(&ws->staged))
        staged = flatbuf_bytes(&fb, ws->staged.b, HASH_SIZE);
    if (ws->merge.active)
        merge = add_merge_state(&fb, &ws->merge);
    if (ws->rebase.active)
        rebase = add_rebase_state(&fb, &ws->rebase);
    if (ws->name) {
        name = add_text(&fb, ws->name);
        email = add_text(&fb, ws->email);
        desc = add_text(&fb, ws->description);
    }
    flatbuf_table_begin(&fb, 8);
    flatbuf_add_ref(&fb, 0, working);
    flatbuf_add_ref(&fb, 1, staged);
    flatbuf_add_ref(&fb, 6, merge);
    flatbuf_add_ref(&fb, 7, rebase);
    if (ws->name) {
        flatbuf_add_ref(&fb, 2, name);
        flatbuf_add_ref(&fb, 3, email);
        flatbuf_add_ref(&fb, 4, desc);
        flatbuf_add_u64(&fb, 5, ws->timestamp, 0);
    }
    flatbuf_ref table = flatbuf_table_end(&fb);
    const uint8_t *data;
    size_t size;
    flatbuf_finish_message(&fb, table, "WRST", &data, &size);
    int rc = node_store_write(ns, data, size, &ws->hash, err);
    flatbuf_release(&fb);
    return rc;
}

int working_set_write_clean(struct node_store *ns, const struct hash *commit, struct hash *out,
                            struct err *err) {
    struct arena a = ARENA_INIT;
    struct commit c;
    int rc = commit_read(ns, commit, &a, &c, err);
    struct working_set ws = {
        .name = "beads",
        .email = "beads@local",
        .description = "sql transaction",
        .timestamp = (uint64_t)(datetime_now() / MICROS_PER_SECOND),
    };
    if (rc == BD_OK) {
        ws.working = ws.staged = c.root;
        rc = working_set_write(ns, &ws, err);
    }
    *out = ws.hash;
    arena_release(&a);
    return rc;
}
