/* Layout: spans, index (ends of spans, prefixes, references, suffixes), metadata, footer. */
#include "store/chunk/archive_output.h"

#include "base/os.h"
#include "store/chunk/archive.h"
#include "store/chunk/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define SORTED_RUNS_MAX 64u
#define FLUSH_SIZE ((size_t)1 << 20)
#define METADATA "{}"      /* an object of strings; readers want JSON, even without members */
#define CHECKSUMS_SIZE 192 /* three SHA-512 in old files, zeros since */
#define VERSION 3
#define SIGNATURE "DOLTARC"

int archive_output_open(struct archive_output *o, const char *dir, struct err *err) {
    static atomic_uint counter;
    struct buf temp = BUF_INIT;
    *o = (struct archive_output){.fd = -1};
    do {
        buf_clear(&temp);
        buf_addf(&temp, "%s/nbs_table_%ld_a%u", dir, (long)getpid(), atomic_fetch_add(&counter, 1));
        o->fd = os_open(temp.data, O_CREAT | O_EXCL | O_WRONLY, 0600);
    } while (o->fd < 0 && errno == EEXIST);
    if (o->fd < 0) {
        int rc = err_errno(err, "cannot create %s", temp.data);
        buf_release(&temp);
        return rc;
    }
    o->dir = mem_strdup(dir);
    o->temp = buf_detach(&temp);
    return BD_OK;
}

static int flush(struct archive_output *o, struct err *err) {
    if (o->pending.size == 0)
        return BD_OK;
    if (os_pwrite_all(o->fd, o->pending.data, o->pending.size, (off_t)o->flushed) < 0)
        return err_errno(err, "cannot write %s", o->temp);
    os_write_out(o->fd, (off_t)o->flushed, o->pending.size);
    o->flushed += o->pending.size;
    buf_clear(&o->pending);
    return BD_OK;
}

int archive_output_span(struct archive_output *o, const void *bytes, size_t size, uint32_t *span,
                        struct err *err) {
    if (size == 0 || size > UINT32_MAX || o->span_count >= UINT32_MAX)
        return err_set(err, BD_INVALID, "an archive cannot hold %zu spans and one of %zu bytes",
                       o->span_count, size);
    buf_add(&o->pending, bytes, size);
    MEM_GROW(o->spans, o->span_capacity, o->span_count + 1);
    o->spans[o->span_count++] = (uint32_t)size;
    *span = (uint32_t)o->span_count;
    return o->pending.size >= FLUSH_SIZE ? flush(o, err) : BD_OK;
}

/* Spans lie one behind the other, so they are copied by the megabyte. */
int archive_output_copy(struct archive_output *o, const struct archive *a, int fd, uint32_t *before,
                        struct err *err) {
    uint64_t end = 0;
    *before = (uint32_t)o->span_count;
    if (o->span_count + a->spans > UINT32_MAX)
        return err_set(err, BD_INVALID, "an archive cannot hold so many spans");
    for (uint32_t id = 1; id <= a->spans; id++) {
        const uint8_t *bytes;
        size_t size;
        int rc = archive_span(a, id, &bytes, &size, err);
        if (rc == BD_OK && size > UINT32_MAX)
            rc = err_set(err, BD_INVALID, "a span of %zu bytes", size);
        if (rc != BD_OK)
            return rc;
        MEM_GROW(o->spans, o->span_capacity, o->span_count + 1);
        o->spans[o->span_count++] = (uint32_t)size;
        end += size;
    }
    int rc = flush(o, err);
    for (uint64_t at = 0; rc == BD_OK && at < end;) {
        size_t n = end - at < FLUSH_SIZE ? (size_t)(end - at) : FLUSH_SIZE;
        buf_reserve(&o->pending, n);
        if (os_pread_all(fd, o->pending.data, n, (off_t)at) < 0)
            return err_errno(err, "cannot read an archive");
        o->pending.size = n;
        at += n;
        rc = flush(o, err);
    }
    return rc;
}

void archive_output_chunk(struct archive_output *o, const struct hash *h, uint32_t dictionary,
                          uint32_t data) {
    MEM_GROW(o->refs, o->ref_capacity, o->ref_count + 1);
    o->refs[o->ref_count++] = (struct archive_ref){*h, dictionary, data};
}

static int by_address(const void *a, const void *b) {
    return hash_cmp(&((const struct archive_ref *)a)->address,
                    &((const struct archive_ref *)b)->address);
}

static void merge_runs(const struct archive_ref *from, size_t middle, size_t end,
                       struct archive_ref *to) {
    for (size_t a = 0, b = middle; a < middle || b < end;)
        *to++ = b == end || (a < middle && by_address(&from[a], &from[b]) <= 0) ? from[a++] : from[b++];
}

/* The references of joined archives are a few sorted runs already. */
static void sort_refs(struct archive_ref *refs, size_t count) {
    size_t ends[SORTED_RUNS_MAX + 1], runs = 0;
    for (size_t i = 1; i <= count && runs <= SORTED_RUNS_MAX; i++)
        if (i == count || by_address(&refs[i - 1], &refs[i]) > 0)
            ends[runs++] = i;
    if (runs > SORTED_RUNS_MAX) {
        qsort(refs, count, sizeof *refs, by_address);
        return;
    }
    struct archive_ref *merged = mem_alloc(count * sizeof *merged), *from = refs, *to = merged;
    while (runs > 1) { /* neighbours two by two, there and back */
        size_t start = 0, left = 0;
        for (size_t i = 0; i < runs; i += 2) {
            size_t middle = ends[i], end = i + 1 < runs ? ends[i + 1] : middle;
            merge_runs(from + start, middle - start, end - start, to + start);
            ends[left++] = start = end;
        }
        runs = left;
        struct archive_ref *other = from;
        from = to;
        to = other;
    }
    if (from != refs)
        memcpy(refs, from, count * sizeof *refs);
    free(merged);
}

static void add_u32(struct buf *b, uint32_t v) {
    uint8_t word[4];
    write_u32(word, v);
    buf_add(b, word, sizeof word);
}

static void add_u64(struct buf *b, uint64_t v) {
    uint8_t word[8];
    write_u64(word, v);
    buf_add(b, word, sizeof word);
}

static void append_index(const struct archive_output *o, struct buf *out) {
    buf_reserve(out, o->span_count * 8 + o->ref_count * 28 + 256);
    size_t start = out->size;
    uint64_t end = 0;
    for (size_t i = 0; i < o->span_count; i++)
        add_u64(out, end += o->spans[i]);
    for (size_t i = 0; i < o->ref_count; i++)
        buf_add(out, o->refs[i].address.b, 8);
    for (size_t i = 0; i < o->ref_count; i++) {
        add_u32(out, o->refs[i].dictionary);
        add_u32(out, o->refs[i].data);
    }
    for (size_t i = 0; i < o->ref_count; i++)
        buf_add(out, o->refs[i].address.b + 8, 12);
    uint64_t index_size = out->size - start;
    buf_add_str(out, METADATA);
    add_u64(out, index_size);
    add_u32(out, (uint32_t)o->span_count);
    add_u32(out, (uint32_t)o->ref_count);
    add_u32(out, (uint32_t)strlen(METADATA));
    static const uint8_t no_checksums[CHECKSUMS_SIZE];
    buf_add(out, no_checksums, sizeof no_checksums);
    buf_add_char(out, VERSION);
    buf_add_str(out, SIGNATURE);
}

/* The bytes are on the disk before the name is, and the name before anybody may rely on it. */
static int give_name(struct archive_output *o, const struct hash *name, bool *existed,
                     struct err *err) {
    char text[HASH_TEXT_SIZE + 1];
    struct buf path = BUF_INIT;
    hash_format(name, text);
    buf_addf(&path, "%s/%s.darc", o->dir, text);
    int rc = BD_OK;
    *existed = os_exists(path.data);
    if (os_fsync(o->fd) < 0)
        rc = err_errno(err, "cannot sync %s", o->temp);
    if (os_close(o->fd) < 0 && rc == BD_OK)
        rc = err_errno(err, "cannot write %s", o->temp);
    o->fd = -1;
    if (rc == BD_OK && os_rename(o->temp, path.data) < 0)
        rc = err_errno(err, "cannot rename %s to %s", o->temp, path.data);
    if (rc == BD_OK) {
        free(o->temp);
        o->temp = NULL;
        if (os_fsync_dir(o->dir) < 0)
            rc = err_errno(err, "cannot sync %s", o->dir);
        if (rc != BD_OK && !*existed)
            os_unlink(path.data);
    }
    buf_release(&path);
    return rc;
}

int archive_output_publish(struct archive_output *o, struct hash *name, uint64_t *file_size,
                           bool *existed, struct err *err) {
    if (o->ref_count == 0 || o->ref_count > UINT32_MAX)
        return err_set(err, BD_INVALID, "an archive of %zu chunks cannot be written", o->ref_count);
    sort_refs(o->refs, o->ref_count);
    for (size_t i = 1; i < o->ref_count; i++)
        if (hash_eq(&o->refs[i - 1].address, &o->refs[i].address)) {
            char text[HASH_TEXT_SIZE + 1];
            hash_format(&o->refs[i].address, text);
            return err_set(err, BD_INVALID, "chunk %s was given to one archive twice", text);
        }
    int rc = flush(o, err);
    if (rc != BD_OK)
        return rc;
    append_index(o, &o->pending);
    /* The index names the chunks and says how long each span is: enough to tell archives apart. */
    *name = hash_of(o->pending.data, o->pending.size);
    rc = flush(o, err);
    if (rc == BD_OK)
        rc = give_name(o, name, existed, err);
    *file_size = o->flushed;
    return rc;
}

void archive_output_release(struct archive_output *o) {
    if (o->fd >= 0)
        os_close(o->fd);
    if (o->temp)
        os_unlink(o->temp);
    free(o->dir);
    free(o->temp);
    free(o->spans);
    free(o->refs);
    buf_release(&o->pending);
    *o = (struct archive_output){.fd = -1};
}
