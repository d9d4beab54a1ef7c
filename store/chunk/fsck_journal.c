/* The journal, record by record, and the two indexes beside it. */
#include "store/chunk/fsck_scan.h"

#include "base/os.h"
#include "store/chunk/bytes.h"
#include "store/chunk/crc32c.h"
#include "store/chunk/journal_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define INDEX_SIZE_MAX (UINT64_C(1) << 30)

struct take {
    struct scan *s;
    struct fsck_report *r;
    uint32_t file;
    struct address_map seen;
};

static int take_record(void *ctx, uint64_t offset, const uint8_t *bytes,
                       const struct journal_record *rec, struct err *err) {
    struct take *t = ctx;
    struct scan *s = t->s;
    (void)bytes;
    (void)err;
    if (rec->kind == JOURNAL_ROOT) {
        MEM_GROW(s->roots, s->root_capacity, s->root_count + 1);
        s->roots[s->root_count++] =
            (struct scan_root){rec->address, rec->timestamp, offset + rec->size};
        return BD_OK;
    }
    const struct address_entry *old = address_map_find(&t->seen, &rec->address);
    if (old) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&rec->address, text);
        fsck_add(t->r, FSCK_NOTE, FSCK_JOURNAL_DUPLICATE, REPAIR_NOT_NEEDED, &rec->address, NULL,
                 JOURNAL_FILE,
                 "the journal holds chunk %s twice, at %llu and %llu: cloning from it would fail", text,
                 (unsigned long long)old->value, (unsigned long long)offset);
    }
    address_map_put(&t->seen, &rec->address, 0, offset);
    struct scan_entry *e = scan_add(s);
    e->address = rec->address;
    e->file = t->file;
    e->offset = offset + rec->payload_offset;
    e->size = rec->payload_size;
    return BD_OK;
}

static bool only_zeros(int fd, uint64_t from, uint64_t to) {
    uint8_t block[4096];
    while (from < to) {
        size_t n = to - from < sizeof block ? (size_t)(to - from) : sizeof block;
        if (os_pread_all(fd, block, n, (off_t)from) < 0)
            return false;
        for (size_t i = 0; i < n; i++)
            if (block[i])
                return false;
        from += n;
    }
    return true;
}

/* What stands behind the last valid record. */
static int judge_tail(struct scan *s, int fd, const char *path, struct fsck_report *r,
                      struct err *err) {
    uint64_t end = s->journal_end, size = s->journal_size;
    unsigned long long at = (unsigned long long)end, tail = (unsigned long long)(size - end);
    const char *what = journal_stop_text(s->journal_stop);
    if (end == size)
        return BD_OK;
    if (s->journal_stop == JOURNAL_RECORD_UNKNOWN) {
        fsck_add(
            r, FSCK_ERROR, FSCK_JOURNAL_DAMAGED, REPAIR_NONE, NULL, NULL, JOURNAL_FILE,
            "the journal record at %llu has a field or kind that this version does not know; a newer "
            "program may have written it",
            at);
        return BD_OK;
    }
    int rc = journal_find_loss(fd, path, end, size, &s->journal_loss, err);
    if (rc == BD_CORRUPT) { /* too damaged to judge: as bad as loss */
        s->journal_loss = true;
        err_clear(err);
    } else if (rc != BD_OK) {
        return rc;
    }
    if (s->journal_loss)
        fsck_add(
            r, FSCK_ERROR, FSCK_JOURNAL_LOSS, REPAIR_SALVAGE, NULL, NULL, JOURNAL_FILE,
            "possible data loss: %s at %llu of the journal is followed by committed data (%llu bytes "
            "behind the damage)",
            what, at, tail);
    else if (only_zeros(fd, end, size))
        fsck_add(r, FSCK_NOTE, FSCK_JOURNAL_TAIL, REPAIR_TAIL, NULL, NULL, JOURNAL_FILE,
                 "%llu zero bytes behind the last record of the journal at %llu", tail, at);
    else if (s->journal_stop == JOURNAL_RECORD_BAD || s->journal_stop == JOURNAL_RECORD_TOO_LONG)
        fsck_add(r, FSCK_ERROR, FSCK_JOURNAL_TAIL, REPAIR_TAIL, NULL, NULL, JOURNAL_FILE,
                 "%s at %llu of the journal; the next writer drops the %llu bytes from there on", what,
                 at, tail);
    else
        fsck_add(r, FSCK_WARNING, FSCK_JOURNAL_TAIL, REPAIR_TAIL, NULL, NULL, JOURNAL_FILE,
                 "%s at %llu of the journal, as a killed writer leaves it; the next writer drops these "
                 "%llu bytes",
                 what, at, tail);
    return BD_OK;
}

static bool root_in_journal(const struct scan *s, const struct hash *h) {
    for (size_t i = s->root_count; i-- > 0;)
        if (hash_eq(&s->roots[i].root, h))
            return true;
    return false;
}

static void judge_root(struct scan *s, struct fsck_report *r) {
    if (s->root_count)
        s->root = s->roots[s->root_count - 1].root;
    if (!s->manifest_good)
        return;
    char text[HASH_TEXT_SIZE + 1];
    hash_format(&s->manifest.root, text);
    if (!s->root_count) {
        fsck_add(r, FSCK_ERROR, FSCK_JOURNAL_NO_ROOT,
                 s->journal_loss ? REPAIR_SALVAGE : REPAIR_MANIFEST, NULL, NULL, JOURNAL_FILE,
                 "the journal holds no root record: versions of Dolt before 2.0.5 would see an empty "
                 "database");
        return;
    }
    s->root_known = true;
    if (!hash_is_zero(&s->manifest.root) && !root_in_journal(s, &s->manifest.root))
        fsck_add(r, FSCK_WARNING, FSCK_MANIFEST_STALE, REPAIR_MANIFEST, &s->manifest.root, NULL,
                 "manifest",
                 "the manifest names root %s, which the journal does not hold: the newest commits may "
                 "have been lost with the end of the journal",
                 text);
}

int scan_journal(struct scan *s, const struct fsck_options *o, struct fsck_report *r, struct err *err) {
    struct buf path = BUF_INIT;
    if (o->journal)
        buf_add_str(&path, o->journal);
    else
        buf_addf(&path, "%s/" JOURNAL_FILE, s->dir);
    s->journal_listed = s->manifest_good && manifest_names(&s->manifest, &manifest_journal_name);
    int fd = os_open(path.data, O_RDONLY, 0), rc = BD_OK;
    struct stat st;
    if (fd < 0 && errno == ENOENT) {
        if (s->journal_listed)
            fsck_add(r, FSCK_ERROR, FSCK_JOURNAL_MISSING, REPAIR_FILES, NULL, NULL, JOURNAL_FILE,
                     "the manifest names the journal, but the file is gone");
    } else if (fd < 0 || os_fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        fsck_add(r, FSCK_ERROR, FSCK_JOURNAL_DAMAGED, REPAIR_NONE, NULL, NULL, JOURNAL_FILE,
                 "the journal cannot be read: %s", fd < 0 ? strerror(errno) : "not a file");
        if (fd >= 0)
            os_close(fd);
    } else {
        MEM_GROW(s->files, s->file_capacity, s->file_count + 1);
        struct scan_file *f = &s->files[s->file_count];
        *f = (struct scan_file){.kind = SCAN_JOURNAL, .fd = fd, .label = mem_strdup(JOURNAL_FILE)};
        f->size = s->journal_size = (uint64_t)st.st_size;
        f->ignored = s->manifest_good && !s->journal_listed;
        s->has_journal = true;
        struct take take = {s, r, (uint32_t)s->file_count++, ADDRESS_MAP_INIT};
        struct journal_walk_end end = {0, JOURNAL_RECORD_NONE};
        rc = journal_walk(fd, path.data, 0, s->journal_size, take_record, &take, &end, err);
        if (rc == BD_CORRUPT) { /* an unknown record: the walk tells no offset, the entries do */
            const struct scan_entry *e = s->count ? &s->entries[s->count - 1] : NULL;
            uint64_t after = e && e->file == take.file ? e->offset + e->size + 4 : 0;
            uint64_t root = s->root_count ? s->roots[s->root_count - 1].end : 0;
            end.offset = after > root ? after : root;
            end.stop = JOURNAL_RECORD_UNKNOWN;
            err_clear(err);
            rc = BD_OK;
        }
        address_map_release(&take.seen);
        s->journal_end = end.offset;
        s->journal_stop = end.stop;
        if (rc == BD_OK)
            rc = judge_tail(s, fd, path.data, r, err);
        s->journal_good = rc == BD_OK && !s->journal_loss && end.stop != JOURNAL_RECORD_UNKNOWN;
        if (f->ignored)
            fsck_add(r, FSCK_NOTE, FSCK_JOURNAL_UNLISTED, REPAIR_NOT_NEEDED, NULL, NULL, JOURNAL_FILE,
                     "the manifest does not list the journal: its root counts, its chunks do not");
        judge_root(s, r);
    }
    buf_release(&path);
    return rc;
}

/* --- indexes --- */

static const struct scan_root *root_ending_before(const struct scan *s, uint64_t start) {
    size_t low = 0, high = s->root_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->roots[middle].end <= start)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->root_count ? &s->roots[low] : NULL;
}

static const struct scan_entry *journal_entry_at(const struct scan *s, uint64_t offset) {
    size_t first = 0;
    while (first < s->count && s->files[s->entries[first].file].kind != SCAN_JOURNAL)
        first++;
    size_t low = first, high = s->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->entries[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->count && s->entries[low].offset == offset ? &s->entries[low] : NULL;
}

#define LOOKUP_SIZE 29u
#define META_SIZE 41u

/* Dolt's index: batches of look-ups, each closed by a record that names the root at its end. */
static const char *check_dolt_index(const struct scan *s, const uint8_t *b, size_t size, size_t *at) {
    size_t p = 0, batch = 0;
    uint64_t start = 0;
    while (p < size) {
        *at = p;
        if (b[p] > 1)
            return "a record of an unknown kind";
        if ((b[p] == 0 && p + LOOKUP_SIZE > size) || (b[p] == 1 && p + META_SIZE > size))
            return NULL; /* a torn last record is nothing */
        if (b[p] == 0) {
            p += LOOKUP_SIZE;
            continue;
        }
        uint64_t from = read_u64(b + p + 1), to = read_u64(b + p + 9);
        uint32_t crc = crc32c("", 0);
        const struct scan_root *root = root_ending_before(s, to);
        bool good = from == start && root && root->end - to <= JOURNAL_ROOT_SIZE &&
                    memcmp(root->root.b, b + p + 21, HASH_SIZE) == 0;
        for (size_t q = batch; good && q < p; q += LOOKUP_SIZE) {
            const struct scan_entry *e = journal_entry_at(s, read_u64(b + q + 17));
            good = e && memcmp(e->address.b, b + q + 1, 16) == 0 && e->size == read_u32(b + q + 25);
            crc = crc32c_extend(crc, b + q + 1, 16);
        }
        if (!good || crc != read_u32(b + p + 17))
            return "a batch that does not match the journal";
        start = to;
        p += META_SIZE;
        batch = p;
    }
    return NULL;
}

static void check_private_index(struct scan *s, const struct fsck_options *o, struct fsck_report *r) {
    uint8_t head[JOURNAL_HEAD_SIZE];
    const struct scan_file *f = NULL;
    for (size_t i = 0; i < s->file_count; i++)
        if (s->files[i].kind == SCAN_JOURNAL)
            f = &s->files[i];
    if (!f || s->journal_end < JOURNAL_HEAD_SIZE || os_pread_all(f->fd, head, sizeof head, 0) < 0)
        return;
    uint64_t synced_end;
    struct journal_index *x = journal_index_open(s->dir, head, &synced_end);
    if (!x)
        return; /* none, of another journal, or damaged in a way that every reader notices */
    const struct journal_coverage *c = journal_index_coverage(x);
    bool good = c->end <= s->journal_end && root_in_journal(s, &c->root);
    uint32_t file = (uint32_t)(f - s->files);
    for (size_t i = 0; good && o->level == FSCK_DEEP && i < s->count; i++) {
        const struct scan_entry *e = &s->entries[i];
        if (e->file != file || e->offset >= c->end)
            continue;
        uint64_t offsets[8];
        int n = journal_index_find(x, &e->address, offsets, 8);
        bool found = false;
        for (int k = 0; k < n && k < 8; k++)
            found = found || offsets[k] + JOURNAL_CHUNK_PAYLOAD == e->offset;
        good = found || (n >= 0 && scan_find(s, &e->address) != i); /* a duplicate may stand for it */
    }
    journal_index_close(x);
    if (!good)
        fsck_add(r, FSCK_WARNING, FSCK_JOURNAL_INDEX, REPAIR_JOURNAL_INDEX, NULL, NULL,
                 "../temptf/" JOURNAL_INDEX_FILE,
                 "bd's private index of the journal does not match it; it is made anew when removed");
}

void scan_journal_indexes(struct scan *s, const struct fsck_options *o, struct fsck_report *r) {
    if (!s->has_journal || !s->journal_good || o->journal)
        return;
    struct buf path = BUF_INIT;
    char *data;
    size_t size, at = 0;
    buf_addf(&path, "%s/journal.idx", s->dir);
    if (os_read_file(path.data, INDEX_SIZE_MAX, &data, &size) == 0) {
        const char *why = check_dolt_index(s, (const uint8_t *)data, size, &at);
        if (why)
            fsck_add(r, FSCK_ERROR, FSCK_JOURNAL_INDEX, REPAIR_JOURNAL_INDEX, NULL, NULL, "journal.idx",
                     "journal.idx holds %s at %zu: versions of Dolt before 2.1.5 refuse to open the "
                     "database once. It is only an accelerator and is made anew when removed",
                     why, at);
        free(data);
    }
    buf_release(&path);
    check_private_index(s, o, r);
}
