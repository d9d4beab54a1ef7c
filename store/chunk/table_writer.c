/* Records go to the file as the buffer fills; index and footer follow at the end. */
#include "store/chunk/table_writer.h"

#include "base/mem.h"
#include "base/os.h"
#include "store/chunk/bytes.h"
#include "store/chunk/chunk_store.h"
#include "store/chunk/codec.h"
#include "store/chunk/table_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TUPLE_SIZE 12u
#define SUFFIX_SIZE 12u
#define MAGIC "\xff\xb5\xd8\xc2\x24\x63\xee\x50"
#define FLUSH_AT ((size_t)256 << 10)

struct entry {
    struct hash hash;
    uint32_t length; /* of the record */
};

struct table_writer {
    char *dir, *temp;
    int fd;
    struct buf pending; /* not yet in the file */
    uint64_t written;   /* what is */
    uint64_t total;     /* uncompressed bytes */
    uint64_t records;   /* bytes of all records */
    struct entry *entries;
    size_t count, capacity;
};

int table_writer_open(struct table_writer **out, const char *dir, struct err *err) {
    static atomic_uint counter;
    struct buf temp = BUF_INIT;
    int fd;
    do { /* names of a crashed process with our number may be left over */
        buf_clear(&temp);
        buf_addf(&temp, "%s/nbs_table_%ld_%u", dir, (long)getpid(), atomic_fetch_add(&counter, 1));
        fd = os_open(temp.data, O_CREAT | O_EXCL | O_WRONLY, 0600);
    } while (fd < 0 && errno == EEXIST);
    if (fd < 0) {
        int rc = err_errno(err, "cannot create %s", temp.data);
        buf_release(&temp);
        return rc;
    }
    struct table_writer *w = mem_zalloc(1, sizeof *w);
    w->dir = mem_strdup(dir);
    w->temp = buf_detach(&temp);
    w->fd = fd;
    *out = w;
    return BD_OK;
}

static void release(struct table_writer *w) {
    if (w->fd >= 0)
        os_close(w->fd);
    buf_release(&w->pending);
    free(w->entries);
    free(w->dir);
    free(w->temp);
    free(w);
}

void table_writer_drop(struct table_writer *w) {
    if (!w)
        return;
    os_unlink(w->temp);
    release(w);
}

static int flush(struct table_writer *w, size_t at_least, struct err *err) {
    if (w->pending.size < at_least || w->pending.size == 0)
        return BD_OK;
    if (os_pwrite_all(w->fd, w->pending.data, w->pending.size, (off_t)w->written) < 0)
        return err_errno(err, "cannot write %s", w->temp);
    w->written += w->pending.size;
    buf_clear(&w->pending);
    return BD_OK;
}

int table_writer_add(struct table_writer *w, const struct hash *h, const void *data, size_t size,
                     struct err *err) {
    if (size == 0 || size > CODEC_CHUNK_MAX)
        return err_set(err, BD_INVALID, "a chunk of %zu bytes cannot be stored", size);
    if (w->count == UINT32_MAX)
        return err_set(err, BD_INVALID, "%s: too many chunks for one table file", w->temp);
    size_t before = w->pending.size;
    codec_append_snappy(&w->pending, data, size);
    uint32_t length = (uint32_t)(w->pending.size - before);
    MEM_GROW(w->entries, w->capacity, w->count + 1);
    w->entries[w->count++] = (struct entry){*h, length};
    w->records += length;
    w->total += size;
    return flush(w, FLUSH_AT, err);
}

uint32_t table_writer_count(const struct table_writer *w) { return (uint32_t)w->count; }
uint64_t table_writer_size(const struct table_writer *w) { return w->records; }

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

static struct hash append_index(struct table_writer *w) {
    struct buf *file = &w->pending;
    struct sorted *order = mem_zalloc(w->count, sizeof *order);
    for (size_t i = 0; i < w->count; i++)
        order[i] = (struct sorted){read_u64(w->entries[i].hash.b), (uint32_t)i};
    qsort(order, w->count, sizeof *order, by_prefix);
    uint8_t word[TUPLE_SIZE];
    for (size_t i = 0; i < w->count; i++) {
        write_u64(word, order[i].prefix);
        write_u32(word + 8, order[i].ordinal);
        buf_add(file, word, TUPLE_SIZE);
    }
    free(order);
    for (size_t i = 0; i < w->count; i++) {
        write_u32(word, w->entries[i].length);
        buf_add(file, word, 4);
    }
    size_t suffixes = file->size;
    for (size_t i = 0; i < w->count; i++)
        buf_add(file, w->entries[i].hash.b + 8, SUFFIX_SIZE);
    struct hash name = hash_of(file->data + suffixes, file->size - suffixes);
    write_u32(word, (uint32_t)w->count);
    write_u64(word + 4, w->total);
    buf_add(file, word, 12);
    buf_add(file, MAGIC, 8);
    return name;
}

static int publish(struct table_writer *w, const struct hash *name, struct err *err) {
    char text[HASH_TEXT_SIZE + 1];
    hash_format(name, text);
    if (os_fsync(w->fd) < 0)
        return err_errno(err, "cannot write %s", w->temp);
    int fd = w->fd;
    w->fd = -1;
    if (os_close(fd) < 0)
        return err_errno(err, "cannot write %s", w->temp);
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/%s", w->dir, text);
    int rc = os_rename(w->temp, path.data) < 0
                 ? err_errno(err, "cannot rename %s to %s", w->temp, path.data)
                 : BD_OK;
    buf_release(&path);
    return rc;
}

int table_writer_finish(struct table_writer *w, struct hash *name, struct err *err) {
    int rc = w->count ? BD_OK : err_set(err, BD_INVALID, "%s: a table file without chunks", w->temp);
    if (rc == BD_OK) {
        *name = append_index(w);
        rc = flush(w, 0, err);
    }
    if (rc == BD_OK)
        rc = publish(w, name, err);
    if (rc == BD_OK)
        release(w);
    else
        table_writer_drop(w);
    return rc;
}

int table_write(const char *dir, const struct chunk_write *chunks, size_t count, struct hash *name,
                struct err *err) {
    struct table_writer *w;
    int rc = table_writer_open(&w, dir, err);
    for (size_t i = 0; i < count && rc == BD_OK; i++)
        if ((rc = table_writer_add(w, &chunks[i].hash, chunks[i].data, chunks[i].size, err)) != BD_OK)
            table_writer_drop(w);
    if (rc == BD_OK)
        rc = table_writer_finish(w, name, err);
    if (rc == BD_OK && os_fsync_dir(dir) < 0)
        rc = err_errno(err, "cannot sync %s", dir);
    return rc;
}
