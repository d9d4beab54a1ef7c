/*
 * Three-way merge of JSON documents: objects merge key by key, everything else must be changed by one
 * side only. Works on the normalised text; equal values have equal text.
 */
#include "store/db/merge.h"

#include "base/strmap.h"

#include <stdlib.h>
#include <string.h>

#define JSON_DEPTH_MAX 200

struct member {
    struct bytes key; /* with its quotes */
    struct bytes value;
};
struct members {
    struct member *list;
    size_t count, capacity;
};

static bool equal(struct bytes a, struct bytes b) {
    return a.size == b.size && (a.size == 0 || !memcmp(a.data, b.data, a.size));
}

/* End of the value that starts at `at`; SIZE_MAX when the text is damaged. */
static size_t value_end(struct bytes t, size_t at) {
    size_t depth = 0;
    while (at < t.size) {
        uint8_t c = t.data[at];
        if (c == '"') {
            at++;
            while (at < t.size && t.data[at] != '"')
                at += t.data[at] == '\\' ? 2 : 1;
            if (at >= t.size)
                return SIZE_MAX;
            at++;
            if (depth == 0)
                return at;
            continue;
        }
        if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            if (depth == 0)
                return at;
            if (--depth == 0)
                return at + 1;
        } else if (depth == 0 && c == ',') {
            return at;
        }
        at++;
    }
    return depth ? SIZE_MAX : at;
}

static bool is_object(struct bytes t) { return t.size >= 2 && t.data[0] == '{'; }

static bool read_members(struct bytes t, struct members *m) {
    size_t at = 1;
    while (at < t.size && t.data[at] != '}') {
        size_t key = at, end = value_end(t, at);
        if (t.data[at] != '"' || end == SIZE_MAX || end >= t.size || t.data[end] != ':')
            return false;
        size_t value = end + 1, stop = value_end(t, value);
        if (stop == SIZE_MAX || stop > t.size)
            return false;
        MEM_GROW(m->list, m->capacity, m->count + 1);
        m->list[m->count++] =
            (struct member){{t.data + key, end - key}, {t.data + value, stop - value}};
        at = stop;
        if (at < t.size && t.data[at] == ',')
            at++;
    }
    return at < t.size;
}

static const struct bytes *find(const struct members *m, struct bytes key) {
    for (size_t i = 0; i < m->count; i++)
        if (equal(m->list[i].key, key))
            return &m->list[i].value;
    return NULL;
}

/* Order of decoded keys; normalised text escapes so little that comparing it as it stands is the same
 * except around escapes, where the result is normalised again by the writer. */
static int key_order(const void *a, const void *b) {
    const struct member *x = a, *y = b;
    size_t n = x->key.size < y->key.size ? x->key.size : y->key.size;
    /* without the closing quote, so that a prefix sorts first */
    int c = memcmp(x->key.data, y->key.data, n ? n - 1 : 0);
    if (c)
        return c;
    return (x->key.size > y->key.size) - (x->key.size < y->key.size);
}

static bool merge_value(struct bytes base, struct bytes ours, struct bytes theirs, struct arena *a,
                        unsigned depth, struct bytes *out);

static bool merge_objects(struct bytes base, struct bytes ours, struct bytes theirs, struct arena *a,
                          unsigned depth, struct bytes *out) {
    struct members b = {NULL, 0, 0}, o = {NULL, 0, 0}, t = {NULL, 0, 0}, r = {NULL, 0, 0};
    bool ok = read_members(base, &b) && read_members(ours, &o) && read_members(theirs, &t);
    for (size_t i = 0; ok && i < o.count; i++) {
        const struct bytes *vb = find(&b, o.list[i].key), *vt = find(&t, o.list[i].key),
                           *vo = &o.list[i].value;
        struct member keep = o.list[i];
        if (!vt && vb) { /* they removed it */
            if (equal(*vb, *vo))
                continue;
            ok = false;
        } else if (vt && !equal(*vt, *vo)) {
            if (!vb)
                ok = false;
            else if (equal(*vb, *vo))
                keep.value = *vt;
            else if (!equal(*vb, *vt))
                ok = merge_value(*vb, *vo, *vt, a, depth + 1, &keep.value);
        }
        MEM_GROW(r.list, r.capacity, r.count + 1);
        r.list[r.count++] = keep;
    }
    for (size_t i = 0; ok && i < t.count; i++) {
        if (find(&o, t.list[i].key))
            continue;
        const struct bytes *vb = find(&b, t.list[i].key);
        if (vb) { /* we removed it */
            ok = equal(*vb, t.list[i].value);
            continue;
        }
        MEM_GROW(r.list, r.capacity, r.count + 1);
        r.list[r.count++] = t.list[i];
    }
    if (ok) {
        qsort(r.list, r.count, sizeof *r.list, key_order);
        struct buf text = BUF_INIT;
        buf_add_char(&text, '{');
        for (size_t i = 0; i < r.count; i++) {
            if (i)
                buf_add_char(&text, ',');
            buf_add(&text, r.list[i].key.data, r.list[i].key.size);
            buf_add_char(&text, ':');
            buf_add(&text, r.list[i].value.data, r.list[i].value.size);
        }
        buf_add_char(&text, '}');
        *out = (struct bytes){arena_dup(a, text.data, text.size), text.size};
        buf_release(&text);
    }
    free(b.list);
    free(o.list);
    free(t.list);
    free(r.list);
    return ok;
}

static bool merge_value(struct bytes base, struct bytes ours, struct bytes theirs, struct arena *a,
                        unsigned depth, struct bytes *out) {
    if (equal(ours, theirs) || equal(theirs, base)) {
        *out = ours;
        return true;
    }
    if (equal(ours, base)) {
        *out = theirs;
        return true;
    }
    if (depth > JSON_DEPTH_MAX || !is_object(base) || !is_object(ours) || !is_object(theirs))
        return false;
    return merge_objects(base, ours, theirs, a, depth, out);
}

bool merge_json(struct bytes base, struct bytes ours, struct bytes theirs, struct arena *a,
                struct bytes *out) {
    return merge_value(base, ours, theirs, a, 0, out);
}
