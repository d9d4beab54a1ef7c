/* One record at a time, by positional reads: the file may grow or lose its tail while it is walked. */
#include "store/chunk/journal_record.h"

#include "base/os.h"
#include "store/chunk/bytes.h"
#include "store/chunk/codec.h"
#include "store/chunk/crc32c.h"

#include <stdlib.h>

enum { TAG_KIND = 1, TAG_ADDRESS = 2, TAG_PAYLOAD = 3, TAG_TIMESTAMP = 4 };

/* Length field of the record; sets nothing else. */
static enum journal_parse check_length(const uint8_t *bytes, size_t available, uint32_t *size) {
    if (available < 4)
        return JOURNAL_RECORD_NONE;
    *size = read_u32(bytes);
    if (*size == 0)
        return JOURNAL_RECORD_ZERO;
    if (*size > JOURNAL_RECORD_MAX)
        return JOURNAL_RECORD_TOO_LONG;
    if (*size > available)
        return JOURNAL_RECORD_PARTIAL;
    return *size < 8 ? JOURNAL_RECORD_BAD : JOURNAL_RECORD_OK;
}

enum journal_parse journal_record_fields(const uint8_t *bytes, size_t available,
                                         struct journal_record *r) {
    uint32_t size;
    enum journal_parse state = check_length(bytes, available, &size);
    if (state != JOURNAL_RECORD_OK)
        return state;
    *r = (struct journal_record){.size = size};
    uint32_t at = 4, end = size - 4;
    bool has_address = false;
    while (at < end) {
        uint8_t tag = bytes[at++];
        uint32_t left = end - at;
        if (tag == TAG_KIND && left >= 1) {
            r->kind = bytes[at++];
        } else if (tag == TAG_ADDRESS && left >= HASH_SIZE) {
            memcpy(r->address.b, bytes + at, HASH_SIZE);
            has_address = true;
            at += HASH_SIZE;
        } else if (tag == TAG_TIMESTAMP && left >= 8) {
            r->timestamp = read_u64(bytes + at);
            at += 8;
        } else if (tag == TAG_PAYLOAD) {
            r->payload_offset = at;
            r->payload_size = left;
            at = end;
        } else {
            return JOURNAL_RECORD_UNKNOWN;
        }
    }
    if (!has_address || (r->kind != JOURNAL_ROOT && r->kind != JOURNAL_CHUNK) ||
        (r->kind == JOURNAL_CHUNK && r->payload_size == 0))
        return JOURNAL_RECORD_UNKNOWN;
    return JOURNAL_RECORD_OK;
}

static bool checksum_right(const uint8_t *bytes, uint32_t size) {
    return crc32c(bytes, size - 4) == read_u32(bytes + size - 4);
}

enum journal_parse journal_record_parse(const uint8_t *bytes, size_t available,
                                        struct journal_record *r) {
    uint32_t size;
    enum journal_parse state = check_length(bytes, available, &size);
    if (state != JOURNAL_RECORD_OK)
        return state;
    if (!checksum_right(bytes, size))
        return JOURNAL_RECORD_BAD;
    return journal_record_fields(bytes, available, r);
}

/* Closes the record that starts at `start`: length in front, checksum behind. */
static void close_record(struct buf *out, size_t start) {
    uint8_t checksum[4];
    write_u32((uint8_t *)out->data + start, (uint32_t)(out->size - start + 4));
    write_u32(checksum, crc32c(out->data + start, out->size - start));
    buf_add(out, checksum, 4);
}

void journal_append_root(struct buf *out, const struct hash *root, uint64_t unix_seconds) {
    size_t start = out->size;
    uint8_t head[15] = {0, 0, 0, 0, TAG_KIND, JOURNAL_ROOT, TAG_TIMESTAMP};
    write_u64(head + 7, unix_seconds);
    buf_add(out, head, sizeof head);
    buf_add_char(out, TAG_ADDRESS);
    buf_add(out, root->b, HASH_SIZE);
    close_record(out, start);
}

void journal_append_chunk(struct buf *out, const struct hash *address, const uint8_t *data,
                          size_t size) {
    size_t start = out->size;
    static const uint8_t head[7] = {0, 0, 0, 0, TAG_KIND, JOURNAL_CHUNK, TAG_ADDRESS};
    buf_add(out, head, sizeof head);
    buf_add(out, address->b, HASH_SIZE);
    buf_add_char(out, TAG_PAYLOAD);
    codec_append_snappy(out, data, size);
    close_record(out, start);
}

const char *journal_stop_text(enum journal_parse stop) {
    switch (stop) {
    case JOURNAL_RECORD_ZERO: return "zero bytes";
    case JOURNAL_RECORD_TOO_LONG: return "a record longer than 5242880 bytes";
    case JOURNAL_RECORD_PARTIAL: return "an incomplete record";
    case JOURNAL_RECORD_BAD: return "a record with a wrong checksum";
    case JOURNAL_RECORD_UNKNOWN: return "a record with an unknown field";
    default: return "the end";
    }
}

/* --- windows: positional reads, because another process may cut the tail off at any moment --- */

#define WINDOW_SIZE (64u << 10) /* what the heap gives without fresh pages each time */

struct window {
    int fd;
    const uint8_t *map; /* NULL, or all of the file: bytes that nobody cuts off */
    uint64_t size;      /* of the file, as far as the walk may look */
    uint64_t at;        /* file offset of data.data[0] */
    struct buf data;
};

/* Makes `need` bytes at `offset` available (fewer at the end of the file). */
static int window_load(struct window *w, uint64_t offset, size_t need, const uint8_t **bytes,
                       size_t *available) {
    uint64_t left = w->size - offset;
    if (w->map) {
        *bytes = w->map + offset;
        *available = (size_t)left;
        return 0;
    }
    if (need > left)
        need = (size_t)left;
    if (offset < w->at || offset + need > w->at + w->data.size) {
        size_t want = need > WINDOW_SIZE ? need : WINDOW_SIZE;
        if (want > left)
            want = (size_t)left;
        w->data.size = 0;
        buf_reserve(&w->data, want);
        w->at = offset;
        while (w->data.size < want) {
            ssize_t got = os_pread(w->fd, w->data.data + w->data.size, want - w->data.size,
                                   (off_t)(offset + w->data.size));
            if (got < 0)
                return -1;
            if (got == 0) { /* cut off meanwhile */
                w->size = offset + w->data.size;
                break;
            }
            w->data.size += (size_t)got;
        }
    }
    *bytes = (const uint8_t *)w->data.data + (offset - w->at);
    *available = (size_t)(w->at + w->data.size - offset);
    return 0;
}

/* The record at `offset`, loaded whole. Returns -1 with errno. */
static int load_record(struct window *w, uint64_t offset, const uint8_t **bytes, size_t *available,
                       enum journal_parse *state, uint32_t *size) {
    if (offset >= w->size) {
        *state = JOURNAL_RECORD_NONE;
        return 0;
    }
    if (window_load(w, offset, 4, bytes, available) < 0)
        return -1;
    *state = check_length(*bytes, *available, size);
    if (*state == JOURNAL_RECORD_PARTIAL && *size <= w->size - offset) {
        if (window_load(w, offset, *size, bytes, available) < 0)
            return -1;
        *state = check_length(*bytes, *available, size);
    }
    return 0;
}

static int walk(struct window w, const char *path, uint64_t from, journal_visit *visit, void *ctx,
                struct journal_walk_end *end, struct err *err) {
    int rc = BD_OK;
    uint64_t offset = from;
    enum journal_parse state;
    for (;;) {
        const uint8_t *bytes = NULL;
        size_t available = 0;
        uint32_t record_size = 0;
        struct journal_record r;
        if (load_record(&w, offset, &bytes, &available, &state, &record_size) < 0) {
            rc = err_errno(err, "cannot read %s at %llu", path, (unsigned long long)offset);
            break;
        }
        if (state == JOURNAL_RECORD_OK)
            state = journal_record_parse(bytes, record_size, &r);
        if (state != JOURNAL_RECORD_OK)
            break;
        if (visit && (rc = visit(ctx, offset, bytes, &r, err)) != BD_OK)
            break;
        offset += r.size;
    }
    buf_release(&w.data);
    if (rc != BD_OK)
        return rc;
    if (state == JOURNAL_RECORD_UNKNOWN)
        return err_set(err, BD_CORRUPT,
                       "%s: the record at %llu has an unknown field or kind; "
                       "a newer program may have written it",
                       path, (unsigned long long)offset);
    *end = (struct journal_walk_end){offset, state};
    return BD_OK;
}

int journal_walk(int fd, const char *path, uint64_t from, uint64_t size, journal_visit *visit,
                 void *ctx, struct journal_walk_end *end, struct err *err) {
    return walk((struct window){fd, NULL, size, from, BUF_INIT}, path, from, visit, ctx, end, err);
}

int journal_walk_mapped(const uint8_t *map, const char *path, uint64_t from, uint64_t size,
                        journal_visit *visit, void *ctx, struct journal_walk_end *end,
                        struct err *err) {
    return walk((struct window){-1, map, size, from, BUF_INIT}, path, from, visit, ctx, end, err);
}

/* Checksummed bytes after which the search gives up: only a file made for it gets there. */
#define LOSS_BUDGET (UINT64_C(4) << 30)

int journal_find_loss(int fd, const char *path, uint64_t from, uint64_t size, bool *found,
                      struct err *err) {
    struct window w = {fd, NULL, size, from, BUF_INIT};
    uint64_t offset = from, spent = 0;
    bool seen_root = false;
    int rc = BD_OK;
    *found = false;
    while (rc == BD_OK && w.size >= JOURNAL_ROOT_SIZE && offset <= w.size - JOURNAL_ROOT_SIZE) {
        const uint8_t *bytes;
        size_t available;
        if (window_load(&w, offset, JOURNAL_ROOT_SIZE, &bytes, &available) < 0) {
            rc = err_errno(err, "cannot read %s at %llu", path, (unsigned long long)offset);
            break;
        }
        /* Nothing can start where no small length and no field tag stand; most bytes end here. */
        size_t skip = 0;
        while (skip + JOURNAL_ROOT_SIZE <= available &&
               (bytes[skip] != 0 || bytes[skip + 1] > 0x50 || bytes[skip + 4] < TAG_KIND ||
                bytes[skip + 4] > TAG_TIMESTAMP))
            skip++;
        if (skip > 0) {
            offset += skip;
            continue;
        }
        enum journal_parse state;
        uint32_t record_size = 0;
        struct journal_record r;
        if (load_record(&w, offset, &bytes, &available, &state, &record_size) < 0) {
            rc = err_errno(err, "cannot read %s at %llu", path, (unsigned long long)offset);
        } else if (state == JOURNAL_RECORD_OK && (spent += record_size) > LOSS_BUDGET) {
            rc = err_set(err, BD_CORRUPT, "%s: the bytes behind %llu are too damaged to judge", path,
                         (unsigned long long)from);
        } else if (state == JOURNAL_RECORD_OK &&
                   (state = journal_record_parse(bytes, record_size, &r)) != JOURNAL_RECORD_BAD) {
            if (seen_root) {
                *found = true;
                break;
            }
            seen_root = state == JOURNAL_RECORD_OK && r.kind == JOURNAL_ROOT;
            offset += record_size;
        } else {
            offset++;
        }
    }
    buf_release(&w.data);
    return rc;
}
