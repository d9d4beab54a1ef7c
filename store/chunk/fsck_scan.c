/* Reading through a scan: the index over all entries, decoding with per-thread dictionaries. */
#include "store/chunk/fsck_scan.h"

#include "base/os.h"
#include "store/chunk/bytes.h"
#include "store/chunk/codec.h"
#include "store/chunk/dictionary_cache.h"

#include <stdlib.h>
#include <string.h>

struct scan_entry *scan_add(struct scan *s) {
    MEM_GROW(s->entries, s->capacity, s->count + 1);
    struct scan_entry *e = &s->entries[s->count++];
    *e = (struct scan_entry){0};
    return e;
}

/* --- the index --- */

uint32_t scan_find(const struct scan *s, const struct hash *h) {
    if (!s->slot_count)
        return SCAN_NONE;
    for (size_t i = (size_t)read_u64(h->b + 8) & (s->slot_count - 1);;
         i = (i + 1) & (s->slot_count - 1)) {
        if (!s->slots[i])
            return SCAN_NONE;
        if (hash_eq(&s->entries[s->slots[i] - 1].address, h))
            return s->slots[i] - 1;
    }
}

bool scan_is_ghost(const struct scan *s, const struct hash *h) {
    return address_map_find(&s->ghosts, h) != NULL;
}

/* --- reading --- */

struct scan_reader {
    const struct scan *scan;
    struct buf scratch;
    struct dictionary_cache dictionaries;
    struct address_map cache; /* address → malloc'd bytes */
    size_t cached;
};

struct scan_reader *scan_reader_new(const struct scan *s) {
    struct scan_reader *r = mem_zalloc(1, sizeof *r);
    r->scan = s;
    return r;
}

void scan_reader_free(struct scan_reader *r) {
    if (!r)
        return;
    scan_reader_forget(r, 0);
    dictionary_cache_release(&r->dictionaries);
    address_map_release(&r->cache);
    buf_release(&r->scratch);
    free(r);
}

bool scan_reader_forget(struct scan_reader *r, size_t limit) {
    if (r->cached <= limit)
        return false;
    for (size_t i = 0; i < r->cache.count; i++)
        free((void *)(uintptr_t)r->cache.entries[i].value);
    address_map_clear(&r->cache);
    r->cached = 0;
    return true;
}

static int decode_zstd(struct scan_reader *r, const struct scan_entry *e, const uint8_t *bytes,
                       uint8_t **data, size_t *size, struct err *err) {
    const struct scan_file *f = &r->scan->files[e->file];
    uint32_t span = e->dictionary;
    uint64_t start = span == 1 ? 0 : read_u64(f->span_ends + (size_t)(span - 2) * 8);
    uint64_t end = read_u64(f->span_ends + (size_t)(span - 1) * 8);
    return dictionary_cache_decode(&r->dictionaries, (uint64_t)e->file << 32 | span, f->map + start,
                                   (size_t)(end - start), bytes, e->size, data, size, err);
}

int scan_read(struct scan_reader *r, uint32_t entry, uint8_t **data, size_t *size, struct err *err) {
    const struct scan_entry *e = &r->scan->entries[entry];
    const struct scan_file *f = &r->scan->files[e->file];
    const uint8_t *bytes;
    int rc = BD_OK;
    if (f->kind == SCAN_JOURNAL) {
        r->scratch.size = 0;
        buf_reserve(&r->scratch, e->size);
        if (os_pread_all(f->fd, r->scratch.data, e->size, (off_t)e->offset) < 0)
            rc = err_errno(err, "cannot be read");
        bytes = (const uint8_t *)r->scratch.data;
    } else {
        bytes = f->map + e->offset;
    }
    if (rc == BD_OK)
        rc = e->dictionary ? decode_zstd(r, e, bytes, data, size, err)
                           : codec_decode_snappy(bytes, e->size, data, size, err);
    if (rc != BD_OK) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&e->address, text);
        err_prefix(err, "chunk %s in %s", text, f->label);
    }
    return rc;
}

int scan_reader_get(void *reader, const struct hash *h, struct chunk *out, struct err *err) {
    struct scan_reader *r = reader;
    const struct address_entry *cached = address_map_find(&r->cache, h);
    if (cached) {
        *out = (struct chunk){(const uint8_t *)(uintptr_t)cached->value, cached->size};
        return BD_OK;
    }
    char text[HASH_TEXT_SIZE + 1];
    hash_format(h, text);
    uint32_t entry = scan_find(r->scan, h);
    if (entry == SCAN_NONE)
        return err_set(err, BD_NOT_FOUND,
                       scan_is_ghost(r->scan, h) ? "chunk %s was left out by a shallow clone"
                                                 : "chunk %s is missing",
                       text);
    uint8_t *data;
    size_t size;
    int rc = scan_read(r, entry, &data, &size, err);
    if (rc != BD_OK)
        return rc;
    address_map_put(&r->cache, h, (uint32_t)size, (uint64_t)(uintptr_t)data);
    r->cached += size + sizeof(struct address_entry);
    *out = (struct chunk){data, size};
    return BD_OK;
}

/* --- small things --- */

size_t scan_list_dir(const char *dir, struct arena *a, char ***names) {
    char **list;
    size_t count;
    *names = NULL;
    if (os_list_dir(dir, &list, &count) < 0)
        return 0;
    *names = arena_zalloc(a, (count + 1) * sizeof **names);
    for (size_t i = 0; i < count; i++)
        (*names)[i] = arena_strdup(a, list[i]);
    os_free_list(list, count);
    return count;
}

bool scan_is_file_name(const char *name, struct hash *h, bool *is_archive) {
    size_t size = strlen(name);
    *is_archive = size == HASH_TEXT_SIZE + 5 && !strcmp(name + HASH_TEXT_SIZE, ".darc");
    return (size == HASH_TEXT_SIZE || *is_archive) && hash_parse(name, HASH_TEXT_SIZE, h);
}

void fsck_absorb(struct fsck_report *to, struct fsck_report *from) {
    for (size_t i = 0; i < from->count; i++) {
        struct fsck_finding *f = &from->findings[i];
        fsck_add(to, f->severity, f->code, f->repair, &f->address, f->table, f->file, "%s", f->message);
    }
    for (int c = 0; c < FSCK_CODES; c++)
        to->per_code[c] += from->per_code[c] - from->listed[c];
    /* What was counted but not listed counts here too; of one code nearly all have one severity. */
    size_t listed[3] = {0};
    for (size_t i = 0; i < from->count; i++)
        listed[from->findings[i].severity]++;
    to->errors += from->errors - listed[FSCK_ERROR];
    to->warnings += from->warnings - listed[FSCK_WARNING];
    to->notes += from->notes - listed[FSCK_NOTE];
    fsck_report_release(from);
}

bool fsck_tell(const struct fsck_options *o, const char *phase, uint64_t done, uint64_t total) {
    struct fsck_progress p = {phase, done, total};
    return !o || !o->progress || o->progress(o->progress_ctx, &p);
}
