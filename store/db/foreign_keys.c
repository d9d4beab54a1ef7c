/*
 * The DFKC message and the sorted list in memory.
 */
#include "store/db/foreign_keys.h"

#include "store/prolly/flatbuf.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *text_of(struct arena *a, struct fb_bytes b) {
    return b.data ? arena_strndup(a, (const char *)b.data, b.size) : "";
}

static const uint64_t *tags_of(struct arena *a, const struct fb_table *t, unsigned slot,
                               size_t *count) {
    struct fb_vector v = fb_vector_at(t, slot, 8);
    *count = v.data ? v.count : 0;
    uint64_t *tags = arena_alloc(a, (*count + 1) * sizeof *tags);
    for (size_t i = 0; i < *count; i++)
        tags[i] = fb_vector_u64(&v, i);
    return tags;
}

static const char **names_of(struct arena *a, const struct fb_table *t, unsigned slot, size_t *count) {
    struct fb_vector v = fb_vector_at(t, slot, 4);
    *count = v.data ? v.count : 0;
    const char **names = arena_alloc(a, (*count + 1) * sizeof *names);
    for (size_t i = 0; i < *count; i++)
        names[i] = text_of(a, fb_vector_bytes(t, &v, i));
    return names;
}

static int name_order(const void *a, const void *b) {
    return strcmp(((const struct foreign_key *)a)->name, ((const struct foreign_key *)b)->name);
}

int foreign_keys_read(struct node_store *ns, const struct hash *h, struct arena *a,
                      struct foreign_keys *out, struct err *err) {
    memset(out, 0, sizeof *out);
    if (hash_is_zero(h))
        return BD_OK;
    struct chunk c;
    int rc = node_store_read(ns, h, &c, err);
    if (rc)
        return err_prefix(err, "reading the foreign keys");
    bool bad = false;
    struct fb_table t;
    rc = fb_open(c.data, c.size, "DFKC", &bad, &t, err);
    if (rc)
        return err_prefix(err, "the foreign keys");
    struct fb_vector v = fb_vector_at(&t, 0, 4);
    out->count = v.data ? v.count : 0;
    out->keys = arena_zalloc(a, (out->count + 1) * sizeof *out->keys);
    for (size_t i = 0; i < out->count && !bad; i++) {
        struct foreign_key *k = &out->keys[i];
        struct fb_table e;
        if (!fb_vector_table(&t, &v, i, &e)) {
            bad = true;
            break;
        }
        k->name = text_of(a, fb_bytes_at(&e, 0));
        k->child_table = text_of(a, fb_bytes_at(&e, 1));
        k->child_index = text_of(a, fb_bytes_at(&e, 2));
        k->child_tags = tags_of(a, &e, 3, &k->child_tag_count);
        k->parent_table = text_of(a, fb_bytes_at(&e, 4));
        k->parent_index = text_of(a, fb_bytes_at(&e, 5));
        k->parent_tags = tags_of(a, &e, 6, &k->parent_tag_count);
        k->on_update = fb_u8(&e, 7, 0);
        k->on_delete = fb_u8(&e, 8, 0);
        k->child_names = names_of(a, &e, 9, &k->child_name_count);
        k->parent_names = names_of(a, &e, 10, &k->parent_name_count);
        k->not_valid = fb_u8(&e, 13, 0);
        k->match_type = fb_u8(&e, 14, 0);
        if (k->child_tag_count != k->parent_tag_count)
            bad = true;
    }
    if (bad)
        return err_set(err, BD_CORRUPT, "the stored foreign keys are damaged");
    qsort(out->keys, out->count, sizeof *out->keys, name_order);
    return BD_OK;
}

static flatbuf_ref add_text(struct flatbuf *fb, const char *s) {
    return flatbuf_string(fb, s, strlen(s));
}

static flatbuf_ref add_names(struct flatbuf *fb, const char **names, size_t count) {
    if (count == 0)
        return 0;
    flatbuf_ref *refs = mem_zalloc(count, sizeof *refs);
    for (size_t i = count; i-- > 0;)
        refs[i] = add_text(fb, names[i]);
    flatbuf_ref v = flatbuf_refs(fb, refs, count);
    free(refs);
    return v;
}

static flatbuf_ref add_key(struct flatbuf *fb, const struct foreign_key *k) {
    flatbuf_ref parent_names = add_names(fb, k->parent_names, k->parent_name_count);
    flatbuf_ref child_names = add_names(fb, k->child_names, k->child_name_count);
    flatbuf_ref parent_tags = flatbuf_u64s(fb, k->parent_tags, k->parent_tag_count);
    flatbuf_ref child_tags = flatbuf_u64s(fb, k->child_tags, k->child_tag_count);
    flatbuf_ref parent_table = add_text(fb, k->parent_table);
    flatbuf_ref parent_index = add_text(fb, k->parent_index);
    flatbuf_ref child_table = add_text(fb, k->child_table);
    flatbuf_ref child_index = add_text(fb, k->child_index);
    flatbuf_ref name = add_text(fb, k->name);
    flatbuf_table_begin(fb, 15);
    flatbuf_add_ref(fb, 0, name);
    flatbuf_add_ref(fb, 1, child_table);
    flatbuf_add_ref(fb, 2, child_index);
    flatbuf_add_ref(fb, 3, child_tags);
    flatbuf_add_ref(fb, 4, parent_table);
    flatbuf_add_ref(fb, 5, parent_index);
    flatbuf_add_ref(fb, 6, parent_tags);
    flatbuf_add_ref(fb, 9, child_names);
    flatbuf_add_ref(fb, 10, parent_names);
    flatbuf_add_u8(fb, 7, k->on_update, 0);
    flatbuf_add_u8(fb, 8, k->on_delete, 0);
    flatbuf_add_u8(fb, 13, k->not_valid, 0);
    flatbuf_add_u8(fb, 14, k->match_type, 0);
    return flatbuf_table_end(fb);
}

int foreign_keys_write(struct node_store *ns, const struct foreign_keys *fks, struct hash *out,
                       struct err *err) {
    *out = HASH_ZERO;
    if (fks->count == 0)
        return BD_OK;
    struct flatbuf fb;
    flatbuf_init(&fb);
    flatbuf_ref *refs = mem_zalloc(fks->count, sizeof *refs);
    for (size_t i = fks->count; i-- > 0;)
        refs[i] = add_key(&fb, &fks->keys[i]);
    flatbuf_ref v = flatbuf_refs(&fb, refs, fks->count);
    free(refs);
    flatbuf_table_begin(&fb, 1);
    flatbuf_add_ref(&fb, 0, v);
    flatbuf_ref root = flatbuf_table_end(&fb);
    const uint8_t *data;
    size_t size;
    flatbuf_finish_message(&fb, root, "DFKC", &data, &size);
    int rc = node_store_write(ns, data, size, out, err);
    flatbuf_release(&fb);
    return rc;
}

static bool tags_equal(const uint64_t *a, size_t an, const uint64_t *b, size_t bn) {
    return an == bn && (an == 0 || !memcmp(a, b, an * sizeof *a));
}

static bool names_equal(const char **a, size_t an, const char **b, size_t bn) {
    if (an != bn)
        return false;
    for (size_t i = 0; i < an; i++)
        if (strcmp(a[i], b[i]))
            return false;
    return true;
}

bool foreign_key_equal(const struct foreign_key *a, const struct foreign_key *b) {
    if (strcmp(a->name, b->name) || strcmp(a->child_table, b->child_table) ||
        strcmp(a->child_index, b->child_index) || strcmp(a->parent_table, b->parent_table) ||
        strcmp(a->parent_index, b->parent_index) || a->on_update != b->on_update ||
        a->on_delete != b->on_delete)
        return false;
    if (!foreign_key_resolved(a) && !foreign_key_resolved(b))
        return names_equal(a->child_names, a->child_name_count, b->child_names, b->child_name_count) &&
               names_equal(a->parent_names, a->parent_name_count, b->parent_names,
                           b->parent_name_count);
    return tags_equal(a->child_tags, a->child_tag_count, b->child_tags, b->child_tag_count) &&
           tags_equal(a->parent_tags, a->parent_tag_count, b->parent_tags, b->parent_tag_count);
}

bool foreign_key_identical(const struct foreign_key *a, const struct foreign_key *b) {
    return foreign_key_equal(a, b) && a->not_valid == b->not_valid && a->match_type == b->match_type &&
           names_equal(a->child_names, a->child_name_count, b->child_names, b->child_name_count) &&
           names_equal(a->parent_names, a->parent_name_count, b->parent_names, b->parent_name_count);
}

struct foreign_key *foreign_keys_find(const struct foreign_keys *fks, const char *child_table,
                                      const char *name) {
    for (size_t i = 0; i < fks->count; i++)
        if (!strcasecmp(fks->keys[i].name, name) && !strcasecmp(fks->keys[i].child_table, child_table))
            return &fks->keys[i];
    return NULL;
}

bool foreign_keys_remove(struct foreign_keys *fks, const char *child_table, const char *name) {
    struct foreign_key *k = foreign_keys_find(fks, child_table, name);
    if (!k)
        return false;
    size_t i = (size_t)(k - fks->keys);
    memmove(k, k + 1, (fks->count - i - 1) * sizeof *k);
    fks->count--;
    return true;
}

void foreign_keys_put(struct foreign_keys *fks, struct arena *a, const struct foreign_key *fk) {
    struct foreign_key copy = *fk;
    foreign_keys_remove(fks, copy.child_table, copy.name);
    struct foreign_key *list = arena_alloc(a, (fks->count + 1) * sizeof *list);
    size_t i = 0;
    while (i < fks->count && strcmp(fks->keys[i].name, copy.name) < 0)
        i++;
    if (i)
        memcpy(list, fks->keys, i * sizeof *list);
    list[i] = copy;
    if (fks->count > i)
        memcpy(list + i + 1, fks->keys + i, (fks->count - i) * sizeof *list);
    fks->keys = list;
    fks->count++;
}
