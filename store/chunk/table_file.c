/* Table files: lookups check what they touch; the writer emits records in the order given. */
#include "store/chunk/table_file.h"

#include "base/mem.h"
#include "base/os.h"
#include "store/chunk/bytes.h"
#include "store/chunk/chunk_store.h"
#include "store/chunk/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define FOOTER_SIZE 20u
#define TUPLE_SIZE 12u
#define SUFFIX_SIZE 12u
#define INDEX_PER_CHUNK 28u
#define MAGIC "\xff\xb5\xd8\xc2\x24\x63\xee\x50"

int table_init(struct table *t, const uint8_t *bytes, size_t size, const char *where, struct err *err) {
    if (size < FOOTER_SIZE || memcmp(bytes + size - 8, MAGIC, 8) != 0)
        return err_set(err, BD_INVALID, "%s is not a table file", where);
    uint32_t count = read_u32(bytes + size - FOOTER_SIZE);
    uint64_t index_size = (uint64_t)count * INDEX_PER_CHUNK;
    if (index_size > size - FOOTER_SIZE)
        return err_set(err, BD_CORRUPT, "%s: its index of %u chunks does not fit into %zu bytes", where,
                       count, size);
    *t = (struct table){.bytes = bytes, .size = size, .count = count};
    t->data_size = size - FOOTER_SIZE - (size_t)index_size;
    t->tuples = bytes + t->data_size;
    t->lengths = t->tuples + (size_t)count * TUPLE_SIZE;
    t->suffixes = t->lengths + (size_t)count * 4;
    return BD_OK;
}

void table_release(struct table *t) {
    free(t->offsets);
    *t = (struct table){0};
}

int64_t table_find(const struct table *t, const struct hash *h) {
    uint64_t prefix = read_u64(h->b);
    uint32_t low = 0, high = t->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (read_u64(t->tuples + (size_t)middle * TUPLE_SIZE) < prefix)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < t->count; low++) {
        const uint8_t *tuple = t->tuples + (size_t)low * TUPLE_SIZE;
        if (read_u64(tuple) != prefix)
            break;
        uint32_t ordinal = read_u32(tuple + 8);
        if (ordinal < t->count &&
            memcmp(t->suffixes + (size_t)ordinal * SUFFIX_SIZE, h->b + 8, SUFFIX_SIZE) == 0)
            return ordinal;
    }
    return -1;
}

bool table_address(const struct table *t, uint32_t i, struct hash *h) {
    const uint8_t *tuple = t->tuples + (size_t)i * TUPLE_SIZE;
    uint32_t ordinal = read_u32(tuple + 8);
    if (ordinal >= t->count)
        return false;
    memcpy(h->b, tuple, 8);
    memcpy(h->b + 8, t->suffixes + (size_t)ordinal * SUFFIX_SIZE, SUFFIX_SIZE);
    return true;
}

static void make_offsets(struct table *t) {
    t->offsets = mem_zalloc((size_t)t->count + 1, sizeof *t->offsets);
    for (uint32_t i = 0; i < t->count; i++)
        t->offsets[i + 1] = t->offsets[i] + read_u32(t->lengths + (size_t)i * 4);
}

int table_get(struct table *t, int64_t ordinal, uint8_t **data, size_t *size, struct err *err) {
    if (!t->offsets)
        make_offsets(t);
    uint64_t start = t->offsets[ordinal], end = t->offsets[ordinal + 1];
    if (end > t->data_size)
        return err_set(err, BD_CORRUPT, "the chunk record lies outside of the data region");
    return codec_decode_snappy(t->bytes + start, (size_t)(end - start), data, size, err);
}

/* --- writing --- */

struct sorted {
    uint64_t prefix;
    uint32_t ordinal;
};

static int by_prefix(const void *a, const void *b) {
    const struct sorted *x = a, *y = b;
    if (x->prefix != y->prefix)
        return x->prefix < y->prefix ? -1 : 1;
    return x->ordinal < y->ordinal ? -1 : x->ordinal > y->ordinal;
}

/* Index and footer behind the records already in `file`, whose sizes are `lengths`. */
static struct hash append_index(struct buf *file, const struct chunk_write *chunks,
                                const uint32_t *lengths, size_t count) {
    struct sorted *order = mem_zalloc(count, sizeof *order);
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) {
        order[i] = (struct sorted){read_u64(chunks[i].hash.b), (uint32_t)i};
        total += chunks[i].size;
    }
    qsort(order, count, sizeof *order, by_prefix);
    uint8_t word[TUPLE_SIZE];
    for (size_t i = 0; i < count; i++) {
        write_u64(word, order[i].prefix);
        write_u32(word + 8, order[i].ordinal);
        buf_add(file, word, TUPLE_SIZE);
    }
    free(order);
    for (size_t i = 0; i < count; i++) {
        write_u32(word, lengths[i]);
        buf_add(file, word, 4);
    }
    size_t suffixes = file->size;
    for (size_t i = 0; i < count; i++)
        buf_add(file, chunks[i].hash.b + 8, SUFFIX_SIZE);
    struct hash name = hash_of(file->data + suffixes, file->size - suffixes);
    write_u32(word, (uint32_t)count);
    write_u64(word + 4, total);
    buf_add(file, word, 12);
    buf_add(file, MAGIC, 8);
    return name;
}

static int write_named(const char *dir, const struct buf *file, const struct hash *name,
                       struct err *err) {
    static atomic_uint counter;
    struct buf temp = BUF_INIT, path = BUF_INIT;
    char text[HASH_TEXT_SIZE + 1];
    hash_format(name, text);
    buf_addf(&path, "%s/%s", dir, text);
    int fd;
    do {
        buf_clear(&temp);
        buf_addf(&temp, "%s/nbs_table_%ld_%u", dir, (long)getpid(), atomic_fetch_add(&counter, 1));
        fd = os_open(temp.data, O_CREAT | O_EXCL | O_WRONLY, 0600);
    } while (fd < 0 && errno == EEXIST);
    int rc = BD_OK;
    if (fd < 0) {
        rc = err_errno(err, "cannot create %s", temp.data);
    } else {
        if (os_pwrite_all(fd, file->data, file->size, 0) < 0 || os_fsync(fd) < 0)
            rc = err_errno(err, "cannot write %s", temp.data);
        if (os_close(fd) < 0 && rc == BD_OK)
            rc = err_errno(err, "cannot write %s", temp.data);
        if (rc == BD_OK && os_rename(temp.data, path.data) < 0)
            rc = err_errno(err, "cannot rename %s to %s", temp.data, path.data);
        else if (rc == BD_OK && os_fsync_dir(dir) < 0)
            rc = err_errno(err, "cannot sync %s", dir);
        if (rc != BD_OK)
            os_unlink(temp.data);
    }
    buf_release(&temp);
    buf_release(&path);
    return rc;
}

int table_write(const char *dir, const struct chunk_write *chunks, size_t count, struct hash *name,
                struct err *err) {
    if (count == 0 || count > UINT32_MAX)
        return err_set(err, BD_INVALID, "a table file of %zu chunks cannot be written", count);
    struct buf file = BUF_INIT;
    uint32_t *lengths = mem_zalloc(count, sizeof *lengths);
    int rc = BD_OK;
    for (size_t i = 0; i < count && rc == BD_OK; i++) {
        size_t start = file.size;
        if (chunks[i].size == 0 || chunks[i].size > CODEC_CHUNK_MAX)
            rc = err_set(err, BD_INVALID, "a chunk of %zu bytes cannot be stored", chunks[i].size);
        else
            codec_append_snappy(&file, chunks[i].data, chunks[i].size);
        lengths[i] = (uint32_t)(file.size - start);
    }
    if (rc == BD_OK) {
        *name = append_index(&file, chunks, lengths, count);
        rc = write_named(dir, &file, name, err);
    }
    free(lengths);
    buf_release(&file);
    return rc;
}
