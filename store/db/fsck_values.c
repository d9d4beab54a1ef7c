/* Values that are kept out of their rows: long texts, JSON documents, binary data. */
#include "store/db/fsck_check.h"

#include "store/prolly/blob.h"
#include "store/value/json.h"

#include <stdlib.h>
#include <string.h>

#define SLICE 64u
#define TASK_CACHE_MAX ((size_t)8 << 20)

void check_note_value(struct check_task *t, const struct hash *h, uint8_t encoding, bool sized,
                      uint64_t length, const char *table, const char *column) {
    struct db_check *c = t->c;
    uint32_t entry = scan_find(c->scan, h);
    unsigned char bit = (unsigned char)(1u << (encoding & 7));
    if (entry == SCAN_NONE || (atomic_fetch_or(&c->value_noted[entry], bit) & bit))
        return; /* missing: told as dangling, because the leaf refers to it */
    MEM_GROW(t->values, t->value_capacity, t->value_count + 1);
    t->values[t->value_count++] = (struct check_value){*h, encoding, sized, length,
                                                       arena_printf(&t->arena, "%s.%s", table, column)};
}

static void bad_value(struct check_task *t, const struct check_value *v, enum fsck_severity severity,
                      const char *what) {
    char text[HASH_TEXT_SIZE + 1];
    fsck_add(&t->report, severity, FSCK_VALUE_DAMAGED,
             severity == FSCK_NOTE ? REPAIR_NOT_NEEDED : REPAIR_NONE, &v->address, v->name, NULL,
             "%s: value %s %s", v->name, check_name(&v->address, text), what);
}

static bool is_text(const char *s, size_t n) {
    /* check_field wants the end mark that values in rows carry */
    char *copy = mem_alloc(n + 1);
    memcpy(copy, s, n);
    copy[n] = 0;
    bool good = !check_field(ENC_STRING, (struct bytes){(const uint8_t *)copy, n + 1});
    free(copy);
    return good;
}

static void check_json(struct check_task *t, const struct check_value *v, const struct buf *data,
                       struct node_store *memory, bool plain) {
    struct buf normal = BUF_INIT;
    struct hash h = HASH_ZERO;
    bool indexed = false;
    if (json_renormalize(buf_str(data), data->size, &normal, NULL) != BD_OK) {
        bad_value(t, v, FSCK_ERROR, "is not JSON");
        buf_release(&normal);
        return;
    }
    if (normal.size != data->size || memcmp(normal.data, data->data, normal.size) != 0)
        bad_value(t, v, FSCK_NOTE, "is JSON that is not normalised");
    if (!plain && blob_write_json(memory, data->data, data->size, &h, NULL) == BD_OK)
        indexed = hash_eq(&h, &v->address);
    if (!plain && !indexed)
        bad_value(t, v, FSCK_ERROR, "is not cut as its content demands");
    buf_release(&normal);
}

static void check_value(struct check_task *t, const struct check_value *v) {
    struct buf data = BUF_INIT;
    struct err err = ERR_INIT;
    struct hash h;
    struct node_store *memory = node_store_new(NULL);
    if (blob_read(t->ns, &v->address, &data, &err) != BD_OK) {
        bad_value(t, v, FSCK_ERROR, err.msg);
    } else {
        if (v->sized && v->length != data.size)
            bad_value(t, v, FSCK_ERROR, "has another length than the row says");
        if (v->encoding == ENC_STRING_ADDR && !is_text(buf_str(&data), data.size))
            bad_value(t, v, FSCK_ERROR, "is not UTF-8");
        bool plain = blob_write(memory, buf_str(&data), data.size, &h, NULL) == BD_OK &&
                     hash_eq(&h, &v->address);
        if (v->encoding == ENC_JSON_ADDR)
            check_json(t, v, &data, memory, plain);
        else if (!plain)
            bad_value(t, v, FSCK_ERROR, "is not cut as its content demands");
    }
    node_store_free(memory);
    buf_release(&data);
}

static void check_slice(struct check_task *t, size_t from, size_t to, void *ctx) {
    const struct check_value *values = ctx;
    for (size_t i = from; i < to; i++) {
        check_value(t, &values[i]);
        if (scan_reader_forget(t->reader, TASK_CACHE_MAX))
            node_store_forget_read(t->ns);
    }
}

int check_values(struct db_check *c, struct err *err) {
    c->r->summary.values = c->value_count;
    return check_parallel(c, "values", c->value_count, SLICE, check_slice, c->values, err);
}
