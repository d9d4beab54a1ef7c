/*
 * What a merge leaves behind in a table: artifacts, one row for each conflict and each violation, and
 * the numbers that are told of it.
 */
#include "store/db/merge.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <string.h>

static int artifacts_open(struct merge *m, struct artifacts *f) {
    const struct tuple_desc *keys = &f->t->ts->keys;
    size_t n = keys->count;
    f->desc = (struct tuple_desc){.fields = arena_zalloc(m->a, (n + 3) * sizeof *f->desc.fields),
                                  .count = n + 3,
                                  .target_row_size = 2048};
    memcpy(f->desc.fields, keys->fields, n * sizeof *keys->fields);
    f->desc.fields[n] = (struct tuple_field){.encoding = ENC_COMMIT_ADDR};
    f->desc.fields[n + 1] = (struct tuple_field){.encoding = ENC_UINT8};
    f->desc.fields[n + 2] = (struct tuple_field){.encoding = ENC_BYTES};
    tuple_desc_seal(&f->desc);
    f->type = (struct tree_type){.kind = TREE_ARTIFACTS,
                                 .compare = tuple_compare,
                                 .compare_ctx = &f->desc,
                                 .addresses = tuple_addresses,
                                 .addresses_ctx = &f->desc};
    struct tree t;
    int rc = tree_open(&t, m->ns, &f->type, &f->t->artifacts, m->err);
    if (rc)
        return rc;
    edit_map_init(&f->map, &t, m->a);
    f->open = true;
    return BD_OK;
}

static void base64(struct buf *out, struct bytes in) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < in.size; i += 3) {
        uint32_t v = (uint32_t)in.data[i] << 16;
        if (i + 1 < in.size)
            v |= (uint32_t)in.data[i + 1] << 8;
        if (i + 2 < in.size)
            v |= in.data[i + 2];
        buf_add_char(out, digits[v >> 18]);
        buf_add_char(out, digits[v >> 12 & 63]);
        buf_add_char(out, i + 1 < in.size ? digits[v >> 6 & 63] : '=');
        buf_add_char(out, i + 2 < in.size ? digits[v & 63] : '=');
    }
}

struct merge_table_report *merge_report_for(struct merge *m, const char *table) {
    for (size_t i = 0; i < m->report_count; i++)
        if (!strcmp(m->reports[i].table, table))
            return &m->reports[i];
    MEM_GROW(m->reports, m->report_capacity, m->report_count + 1);
    struct merge_table_report *r = &m->reports[m->report_count++];
    memset(r, 0, sizeof *r);
    r->table = arena_strdup(m->a, table);
    return r;
}

/* 20 bytes that tell violations of one row apart. */
static void info_hash(const char *info, uint8_t out[21]) {
    memset(out, 0, 21);
    if (!info)
        return;
    size_t n = strlen(info);
    XXH128_hash_t h = XXH3_128bits(info, n);
    uint64_t x = XXH3_64bits_withSeed(info, n, UINT64_C(0x9e3779b97f4a7c15));
    for (unsigned i = 0; i < 8; i++) {
        out[i] = (uint8_t)(h.high64 >> (56 - 8 * i));
        out[8 + i] = (uint8_t)(h.low64 >> (56 - 8 * i));
    }
    for (unsigned i = 0; i < 4; i++)
        out[16 + i] = (uint8_t)(x >> (24 - 8 * i));
}

int artifacts_add(struct merge *m, struct artifacts *f, struct bytes key, enum artifact_type type,
                  const char *info, struct bytes value) {
    if (!f->open) {
        int rc = artifacts_open(m, f);
        if (rc)
            return rc;
    }
    size_t n = f->t->ts->keys.count;
    struct bytes *fields = arena_alloc(m->a, (n + 3) * sizeof *fields);
    for (size_t i = 0; i < n; i++)
        fields[i] = tuple_field(key, i);
    uint8_t *tail = arena_alloc(m->a, HASH_SIZE + 1 + 21);
    memcpy(tail, m->their_commit.b, HASH_SIZE);
    tail[HASH_SIZE] = (uint8_t)type;
    info_hash(info, tail + HASH_SIZE + 1);
    fields[n] = (struct bytes){tail, HASH_SIZE};
    fields[n + 1] = (struct bytes){tail + HASH_SIZE, 1};
    fields[n + 2] = (struct bytes){tail + HASH_SIZE + 1, 21};
    struct buf text = BUF_INIT;
    if (type == ARTIFACT_CONFLICT) {
        /* a Go byte array in JSON: numbers */
        for (int i = 0; i < HASH_SIZE; i++)
            buf_addf(&text, "%s%u", i ? "," : "{\"bc\":[", (unsigned)m->base_commit.b[i]);
        buf_add_str(&text, "]}");
    } else {
        buf_add_str(&text, "{\"v_info\":\"");
        base64(&text, (struct bytes){(const uint8_t *)info, strlen(info)});
        buf_add_str(&text, "\",\"value\":\"");
        base64(&text, value);
        buf_add_str(&text, "\"}");
    }
    struct bytes json = {arena_dup(m->a, buf_str(&text), text.size + 1), text.size + 1};
    buf_release(&text);
    struct bytes k = tuple_from_fields(fields, n + 3, m->a), v = tuple_from_fields(&json, 1, m->a);
    if (!k.data || !v.data)
        return err_set(m->err, BD_CONSTRAINT, "an artifact of table %s is too large", f->t->name);
    struct bytes old;
    int rc = edit_map_get(&f->map, k, &old, m->err);
    if (rc != BD_OK && rc != BD_NOT_FOUND)
        return rc;
    if (rc == BD_NOT_FOUND) {
        struct merge_table_report *r = merge_report_for(m, f->t->name);
        if (type == ARTIFACT_CONFLICT) {
            r->data_conflicts++;
            m->conflicts++;
        } else {
            r->violations++;
            m->violations++;
        }
    }
    edit_map_put(&f->map, k, v);
    return BD_OK;
}

int artifacts_flush(struct merge *m, struct artifacts *f) {
    if (!f->open || !edit_map_dirty(&f->map))
        return BD_OK;
    int rc = edit_map_flush(&f->map, m->err);
    if (rc == BD_OK) {
        f->t->artifacts = HASH_ZERO;
        f->t->changed = true;
        if (tree_count(&f->map.tree))
            rc = tree_write_root(&f->map.tree, &f->t->artifacts, m->err);
    }
    return rc;
}
