/*
 * A table file or archive written anew with other bytes for some of its chunks. All else is copied as
 * it stands: a record that is damaged and has no intact copy stays as damaged as it is, and is not
 * lost.
 */
#include "store/chunk/repair.h"

#include "base/os.h"
#include "store/chunk/archive.h"
#include "store/chunk/archive_output.h"
#include "store/chunk/codec.h"
#include "store/chunk/table_file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

struct rewrite {
    struct archive_output out;
    const struct chunk_write *list;
    size_t count;
};

static const struct chunk_write *replacement(const struct rewrite *w, const struct hash *h) {
    for (size_t low = 0, high = w->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = hash_cmp(&w->list[middle].hash, h);
        if (order == 0)
            return &w->list[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static int add_plain(struct rewrite *w, const struct chunk_write *c, struct err *err) {
    struct buf record = BUF_INIT;
    uint32_t span;
    struct hash real = hash_of(c->data, c->size);
    if (!hash_eq(&real, &c->hash))
        return err_set(err, BD_INVALID, "a chunk that is to replace a damaged one is none");
    codec_append_snappy(&record, c->data, c->size);
    int rc = archive_output_span(&w->out, record.data, record.size, &span, err);
    if (rc == BD_OK)
        archive_output_chunk(&w->out, &c->hash, 0, span);
    buf_release(&record);
    return rc;
}

/* The spans that are still referred to, in their order: a dictionary stays in front of what uses it. */
static int copy_spans(struct rewrite *w, const struct archive *a, uint32_t *numbers, struct err *err) {
    int rc = BD_OK;
    for (uint32_t i = 0; i < a->count; i++) {
        struct hash h;
        uint32_t dictionary, data;
        archive_address(a, i, &h);
        archive_ref(a, i, &dictionary, &data);
        if (dictionary > a->spans || data == 0 || data > a->spans)
            return err_set(err, BD_CORRUPT, "it refers to span %u of %u", data, a->spans);
        if (!replacement(w, &h))
            numbers[dictionary] = numbers[data] = 1;
    }
    for (uint32_t id = 1; rc == BD_OK && id <= a->spans; id++) {
        const uint8_t *bytes;
        size_t size;
        if (!numbers[id])
            continue;
        rc = archive_span(a, id, &bytes, &size, err);
        if (rc == BD_OK)
            rc = archive_output_span(&w->out, bytes, size, &numbers[id], err);
    }
    numbers[0] = 0; /* no dictionary */
    return rc;
}

/* Of any version: what version 1 does not have, a span without dictionary, is damage there and here. */
static int rewrite_archive(struct rewrite *w, const struct archive *a, struct err *err) {
    uint32_t *numbers = mem_zalloc((size_t)a->spans + 1, sizeof *numbers);
    int rc = copy_spans(w, a, numbers, err);
    for (uint32_t i = 0; rc == BD_OK && i < a->count; i++) {
        struct hash h;
        uint32_t dictionary, data;
        archive_address(a, i, &h);
        archive_ref(a, i, &dictionary, &data);
        const struct chunk_write *c = replacement(w, &h);
        if (c)
            rc = add_plain(w, c, err);
        else
            archive_output_chunk(&w->out, &h, numbers[dictionary], numbers[data]);
    }
    free(numbers);
    return rc;
}

/* A record of a table file is a span of an archive, byte for byte. */
static int rewrite_table(struct rewrite *w, struct table *t, struct err *err) {
    int rc = BD_OK;
    for (uint32_t i = 0; rc == BD_OK && i < t->count; i++) {
        struct hash h;
        const uint8_t *bytes;
        size_t size;
        uint32_t span;
        if (!table_address(t, i, &h))
            return err_set(err, BD_CORRUPT, "its index is damaged at entry %u", i);
        const struct chunk_write *c = replacement(w, &h);
        if (c) {
            rc = add_plain(w, c, err);
            continue;
        }
        rc = table_record(t, table_find(t, &h), &bytes, &size, err);
        if (rc == BD_OK)
            rc = archive_output_span(&w->out, bytes, size, &span, err);
        if (rc == BD_OK)
            archive_output_chunk(&w->out, &h, 0, span);
    }
    return rc;
}

static int rewrite_mapped(struct rewrite *w, const uint8_t *bytes, size_t size, bool archive,
                          const char *path, struct err *err) {
    struct archive a;
    struct table t;
    int rc =
        archive ? archive_init(&a, bytes, size, path, err) : table_init(&t, bytes, size, path, err);
    if (rc != BD_OK)
        return rc;
    rc = archive ? rewrite_archive(w, &a, err) : rewrite_table(w, &t, err);
    if (archive)
        archive_release(&a);
    else
        table_release(&t);
    return rc;
}

int repair_rewrite_file(const char *path, bool archive, const char *dir, const struct chunk_write *list,
                        size_t count, struct hash *name, uint32_t *chunks, struct err *err) {
    struct rewrite w = {.list = list, .count = count};
    struct stat st;
    uint64_t size;
    bool existed;
    int fd = os_open(path, O_RDONLY, 0);
    if (fd < 0)
        return err_errno(err, "cannot open %s", path);
    void *map = MAP_FAILED;
    int rc = BD_OK;
    if (os_fstat(fd, &st) < 0 || st.st_size <= 0)
        rc = err_set(err, BD_CORRUPT, "%s is empty", path);
    else if ((map = os_mmap((size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
        rc = err_errno(err, "cannot map %s", path);
    os_close(fd);
    if (rc == BD_OK && (rc = archive_output_open(&w.out, dir, err)) == BD_OK) {
        rc = rewrite_mapped(&w, map, (size_t)st.st_size, archive, path, err);
        *chunks = (uint32_t)w.out.ref_count;
        if (rc == BD_OK)
            rc = archive_output_publish(&w.out, name, &size, &existed, err);
        archive_output_release(&w.out);
    }
    if (map != MAP_FAILED)
        os_munmap(map, (size_t)st.st_size);
    return rc == BD_OK ? BD_OK : err_prefix(err, "%s", path);
}

int repair_swap_file(const char *dir, const struct hash *before, const struct hash *now,
                     uint32_t chunks, struct err *err) {
    struct manifest m;
    bool renamed = false;
    int rc = manifest_read(dir, &m, err);
    if (rc != BD_OK)
        return rc;
    if (!manifest_names(&m, before))
        rc = err_set(err, BD_BUSY, "another program changed the files of %s meanwhile", dir);
    for (size_t i = 0; i < m.spec_count; i++)
        if (hash_eq(&m.specs[i].name, before))
            m.specs[i] = (struct manifest_spec){*now, chunks};
    m.lock = manifest_lock_of(&m.root, m.specs, m.spec_count);
    if (rc == BD_OK)
        rc = manifest_write(dir, &m, &renamed, err);
    manifest_release(&m);
    return rc;
}
