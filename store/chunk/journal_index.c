/* The index file: see the header for what makes it safe without a sync and without trust. */
#include "store/chunk/journal_index.h"

#include "base/mem.h"
#include "base/os.h"
#include "store/chunk/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#define PAGE 4096u
#define MAGIC "bdjidx1"
#define BYTE_ORDER_MARK UINT32_C(0x01020304)
#define SEGMENTS_MAX 64u
#define BUCKET_ENTRIES 340u
#define STRIDE 68u /* entries that are compared at once; divides BUCKET_ENTRIES, a multiple of 4 */
#define BUCKET_TARGET 250u /* mean fill; five standard deviations below the limit */
#define MERGE_RATIO 3u

/* --- the file's structures; the three of page 0 are a sector apart, each written in one piece --- */

struct identity { /* at 0 */
    char magic[8];
    uint32_t byte_order;
    uint32_t checksum; /* of nonce and head */
    uint64_t nonce;    /* seeds every other checksum, so that pages of an older file do not pass */
    uint8_t head[JOURNAL_HEAD_SIZE];
};
#define POINTER_AT 512
#define MARK_AT 1024
struct word { /* at POINTER_AT: page of the newest descriptor, 0 = none; at MARK_AT: synced end */
    uint64_t value;
    uint32_t checksum;
    uint32_t zero;
};

struct segment {
    uint64_t first_page;
    uint64_t salt; /* of this writing */
    uint64_t count;
    uint32_t pages;
    uint32_t zero;
};

struct descriptor { /* one page */
    char magic[8];
    uint32_t checksum; /* of the page with this field zero */
    uint32_t segment_count;
    uint64_t page; /* its own */
    struct journal_coverage coverage;
    struct segment segments[SEGMENTS_MAX]; /* oldest and largest first */
};
_Static_assert(sizeof(struct descriptor) <= PAGE, "a descriptor is one page");

struct bucket {
    uint32_t checksum; /* of the rest */
    uint32_t count;
    uint64_t salt;                     /* of the segment, plus the page number */
    uint32_t high[BUCKET_ENTRIES];     /* bytes 0 to 3 of the address */
    uint16_t low[BUCKET_ENTRIES];      /* bytes 4 and 5 */
    uint8_t offset[BUCKET_ENTRIES][6]; /* of the record, little-endian */
};
_Static_assert(sizeof(struct bucket) == PAGE, "a bucket is one page");

struct entry {
    uint32_t high;
    uint16_t low;
    uint64_t offset;
};

static struct entry entry_of(const struct hash *h, uint64_t offset) {
    const uint8_t *b = h->b;
    return (struct entry){(uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3],
                          (uint16_t)(b[4] << 8 | b[5]), offset};
}

static uint32_t bucket_of(uint32_t high, uint32_t pages) {
    return (uint32_t)((uint64_t)high * pages >> 32);
}

static uint64_t get_offset(const uint8_t *p) {
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40;
}
static void put_offset(uint8_t *p, uint64_t v) {
    for (int i = 0; i < 6; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t seeded(uint64_t nonce, const void *bytes, size_t size) {
    return crc32c_extend(crc32c(&nonce, sizeof nonce), bytes, size);
}

/* A checksum of zero would let a page of zeros pass where the rest is zero as well. */
static uint32_t bucket_checksum(uint64_t nonce, const struct bucket *b) {
    return seeded(nonce, &b->count, sizeof *b - offsetof(struct bucket, count)) | 1;
}

static uint32_t descriptor_checksum(uint64_t nonce, const uint8_t *page) {
    uint8_t copy[PAGE];
    memcpy(copy, page, PAGE);
    memset(copy + offsetof(struct descriptor, checksum), 0, 4);
    return seeded(nonce, copy, PAGE) | 1;
}

/* --- reading the file's frame --- */

struct frame {
    int fd;
    uint64_t nonce;
    uint64_t synced_end;      /* 0 = unknown */
    struct descriptor newest; /* segment_count and coverage zero when there is none */
    bool damaged;             /* there should be a descriptor, but it cannot be read */
};

/*
 * In the database's own folder for temporary files, whose content anybody may sweep, so that noms/
 * holds what Dolt put there and nothing else; beside the journal where there is no such folder.
 */
static void file_path(struct buf *path, const char *dir, const char *suffix) {
    buf_addf(path, "%s/../temptf", dir);
    if (!os_is_dir(path->data)) {
        buf_clear(path);
        buf_add_str(path, dir);
    }
    buf_addf(path, "/" JOURNAL_INDEX_FILE "%s", suffix);
}

static int open_file(const char *dir, const char *suffix, int flags) {
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/../temptf/" JOURNAL_INDEX_FILE "%s", dir, suffix);
    int fd = os_open(path.data, flags, 0666);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) { /* it may be that there is no such folder */
        buf_clear(&path);
        file_path(&path, dir, suffix);
        fd = os_open(path.data, flags, 0666);
    }
    buf_release(&path);
    return fd;
}

static bool word_valid(uint64_t nonce, const uint8_t *at, uint64_t *value) {
    struct word w;
    memcpy(&w, at, sizeof w);
    *value = w.value;
    return w.checksum == (seeded(nonce, &w.value, sizeof w.value) | 1);
}

static bool write_word(int fd, uint64_t nonce, off_t at, uint64_t value) {
    struct word w = {value, seeded(nonce, &value, sizeof value) | 1, 0};
    return os_pwrite_all(fd, &w, sizeof w, at) == 0;
}

static bool read_descriptor(struct frame *f, uint64_t page) {
    uint8_t bytes[PAGE];
    if (page > (UINT64_MAX >> 1) / PAGE || os_pread_all(f->fd, bytes, PAGE, (off_t)(page * PAGE)) < 0)
        return false;
    struct descriptor *d = &f->newest;
    memcpy(d, bytes, sizeof *d);
    if (memcmp(d->magic, MAGIC, 8) != 0 || d->page != page || d->segment_count > SEGMENTS_MAX ||
        d->checksum != descriptor_checksum(f->nonce, bytes))
        return false;
    for (uint32_t i = 0; i < d->segment_count; i++)
        if (d->segments[i].pages == 0 || d->segments[i].first_page == 0 ||
            d->segments[i].first_page >= page ||
            d->segments[i].pages > page - d->segments[i].first_page)
            return false;
    return true;
}

#define FRAME_SIZE (MARK_AT + sizeof(struct word))

/* Only who it is. False when the file is not there or is not of this journal. */
static bool identity_open(struct frame *f, const char *dir, const uint8_t *head, int flags,
                          uint8_t page[FRAME_SIZE]) {
    struct identity id;
    *f = (struct frame){.fd = open_file(dir, "", flags)};
    if (f->fd < 0)
        return false;
    if (os_pread_all(f->fd, page, FRAME_SIZE, 0) < 0) {
        os_close(f->fd);
        return false;
    }
    memcpy(&id, page, sizeof id);
    if (memcmp(id.magic, MAGIC, 8) != 0 || id.byte_order != BYTE_ORDER_MARK ||
        id.checksum != seeded(id.nonce, id.head, sizeof id.head) ||
        memcmp(id.head, head, JOURNAL_HEAD_SIZE) != 0) {
        os_close(f->fd);
        return false;
    }
    f->nonce = id.nonce;
    return true;
}

static bool frame_open(struct frame *f, const char *dir, const uint8_t *head, int flags) {
    uint8_t page[FRAME_SIZE];
    uint64_t page_number;
    if (!identity_open(f, dir, head, flags, page))
        return false;
    if (!word_valid(f->nonce, page + MARK_AT, &f->synced_end))
        f->synced_end = 0;
    if (!word_valid(f->nonce, page + POINTER_AT, &page_number))
        f->damaged = true;
    else if (page_number != 0)
        f->damaged = !read_descriptor(f, page_number);
    if (f->damaged || page_number == 0)
        memset(&f->newest, 0, sizeof f->newest);
    return true;
}

/* --- looking up --- */

struct journal_index {
    struct frame frame;
    const uint8_t *map; /* up to and with the descriptor */
    size_t map_size;
    uint8_t *verified; /* one bit for each page of the map */
};

struct journal_index *journal_index_open(const char *dir, const uint8_t head[JOURNAL_HEAD_SIZE],
                                         uint64_t *synced_end) {
    struct frame f;
    *synced_end = 0;
    if (!frame_open(&f, dir, head, O_RDONLY))
        return NULL;
    *synced_end = f.synced_end;
    void *map = MAP_FAILED;
    size_t size = (size_t)(f.newest.page + 1) * PAGE;
    struct stat st;
    if (f.newest.coverage.end > 0 && os_fstat(f.fd, &st) == 0 && (uint64_t)st.st_size >= size)
        map = os_mmap(size, PROT_READ, MAP_SHARED, f.fd, 0);
    os_close(f.fd);
    if (map == MAP_FAILED)
        return NULL;
    struct journal_index *x = mem_zalloc(1, sizeof *x);
    f.fd = -1;
    x->frame = f;
    x->map = map;
    x->map_size = size;
    x->verified = mem_zalloc((size_t)f.newest.page / 8 + 1, 1);
    return x;
}

void journal_index_close(struct journal_index *x) {
    if (!x)
        return;
    os_munmap((void *)(uintptr_t)x->map, x->map_size);
    free(x->verified);
    free(x);
}

const struct journal_coverage *journal_index_coverage(const struct journal_index *x) {
    return &x->frame.newest.coverage;
}

static bool bucket_sound(const struct bucket *b, uint64_t nonce, const struct segment *s,
                         uint64_t page) {
    return b->count <= BUCKET_ENTRIES && b->salt == s->salt + page &&
           b->checksum == bucket_checksum(nonce, b);
}

/* Is the number one of the STRIDE? Four are compared at once. */
static bool among(const uint32_t *numbers, uint32_t number) {
    typedef uint32_t four __attribute__((vector_size(16)));
    typedef uint64_t two __attribute__((vector_size(16)));
    four wanted = {number, number, number, number}, some, hits = {0};
    for (size_t k = 0; k < STRIDE; k += 4) {
        memcpy(&some, numbers + k, sizeof some);
        hits |= (four)(some == wanted);
    }
    two halves = (two)hits;
    return (halves[0] | halves[1]) != 0;
}

int journal_index_find(struct journal_index *x, const struct hash *h, uint64_t *offsets, int max) {
    struct entry e = entry_of(h, 0);
    int found = 0;
    for (uint32_t i = x->frame.newest.segment_count; i-- > 0;) {
        const struct segment *s = &x->frame.newest.segments[i];
        uint64_t page = s->first_page + bucket_of(e.high, s->pages);
        const struct bucket *b = (const struct bucket *)(const void *)(x->map + page * PAGE);
        if (!(x->verified[page / 8] >> (page % 8) & 1)) {
            if (!bucket_sound(b, x->frame.nonce, s, page))
                return -1;
            x->verified[page / 8] |= (uint8_t)(1 << page % 8);
        }
        for (uint32_t first = (b->count + STRIDE - 1) / STRIDE * STRIDE; first > 0;) {
            first -= STRIDE;
            if (!among(b->high + first, e.high))
                continue;
            for (uint32_t k = first + STRIDE; k-- > first;)
                if (b->high[k] == e.high && b->low[k] == e.low && k < b->count && found < max)
                    offsets[found++] = get_offset(b->offset[k]);
        }
    }
    return found;
}

/* --- writing --- */

static bool create_file(const char *dir, const uint8_t *head, struct frame *f) {
    *f = (struct frame){.fd = open_file(dir, ".new", O_CREAT | O_TRUNC | O_RDWR)};
    if (f->fd < 0)
        return false;
    uint8_t page[PAGE] = {0};
    struct identity id = {.magic = MAGIC, .byte_order = BYTE_ORDER_MARK};
    if (getrandom(&id.nonce, sizeof id.nonce, 0) != sizeof id.nonce)
        id.nonce = (uint64_t)(uintptr_t)f ^ (uint64_t)getpid();
    memcpy(id.head, head, JOURNAL_HEAD_SIZE);
    id.checksum = seeded(id.nonce, id.head, sizeof id.head);
    memcpy(page, &id, sizeof id);
    f->nonce = id.nonce;
    if (os_pwrite_all(f->fd, page, PAGE, 0) == 0 && write_word(f->fd, f->nonce, POINTER_AT, 0))
        return true;
    os_close(f->fd);
    return false;
}

static bool install_file(const char *dir) {
    struct buf from = BUF_INIT, to = BUF_INIT;
    file_path(&from, dir, ".new");
    file_path(&to, dir, "");
    bool ok = os_rename(from.data, to.data) == 0;
    if (!ok)
        os_unlink(from.data);
    buf_release(&from);
    buf_release(&to);
    return ok;
}

uint64_t journal_index_synced_end(const char *dir, const uint8_t head[JOURNAL_HEAD_SIZE]) {
    struct frame f;
    if (!frame_open(&f, dir, head, O_RDONLY))
        return 0;
    os_close(f.fd);
    return f.synced_end;
}

void journal_index_mark_synced(const char *dir, const uint8_t head[JOURNAL_HEAD_SIZE], uint64_t end) {
    struct frame f;
    uint8_t page[FRAME_SIZE];
    bool is_new = !identity_open(&f, dir, head, O_RDWR, page);
    if (is_new && !create_file(dir, head, &f))
        return;
    write_word(f.fd, f.nonce, MARK_AT, end);
    os_close(f.fd);
    if (is_new)
        install_file(dir);
}

void journal_index_remove(const char *dir) {
    struct buf path = BUF_INIT;
    file_path(&path, dir, "");
    os_unlink(path.data);
    buf_release(&path);
}

struct journal_coverage journal_index_peek(const char *dir, const uint8_t head[JOURNAL_HEAD_SIZE]) {
    struct frame f;
    if (!frame_open(&f, dir, head, O_RDONLY))
        return (struct journal_coverage){0};
    os_close(f.fd);
    return f.newest.coverage;
}

struct entries {
    struct entry *items;
    size_t count, capacity;
};

/* Adds what an older segment holds; false when one of its pages is damaged. */
static bool read_segment(const struct frame *f, const struct segment *s, struct entries *out) {
    struct bucket *b = mem_alloc(sizeof *b);
    bool ok = true;
    for (uint32_t i = 0; i < s->pages && ok; i++) {
        uint64_t page = s->first_page + i;
        ok = os_pread_all(f->fd, b, PAGE, (off_t)(page * PAGE)) == 0 &&
             bucket_sound(b, f->nonce, s, page);
        for (uint32_t k = 0; ok && k < b->count; k++) {
            MEM_GROW(out->items, out->capacity, out->count + 1);
            out->items[out->count++] = (struct entry){b->high[k], b->low[k], get_offset(b->offset[k])};
        }
    }
    free(b);
    return ok;
}

/* Buckets for all entries, or NULL when some bucket would overflow. */
static struct bucket *fill_buckets(const struct entries *e, uint32_t pages) {
    struct bucket *buckets = mem_zalloc(pages + 1, sizeof *buckets); /* one more for the descriptor */
    for (size_t i = 0; i < e->count; i++) {
        const struct entry *item = &e->items[i];
        struct bucket *b = &buckets[bucket_of(item->high, pages)];
        if (b->count == BUCKET_ENTRIES) {
            free(buckets);
            return NULL;
        }
        b->high[b->count] = item->high;
        b->low[b->count] = item->low;
        put_offset(b->offset[b->count], item->offset);
        b->count++;
    }
    return buckets;
}

/* As few pages as hold all entries; NULL for addresses that defy spreading (they are no digests then).
 */
static struct bucket *build_buckets(const struct entries *e, uint32_t *pages) {
    struct bucket *buckets = NULL;
    if (e->count > (size_t)UINT32_MAX)
        return NULL;
    *pages = (uint32_t)(e->count / BUCKET_TARGET + 1);
    for (int attempt = 0; attempt < 8 && !(buckets = fill_buckets(e, *pages)); attempt++)
        *pages += *pages / 4 + 1;
    return buckets;
}

/*
 * Appends the entries as a segment (none when there are none) and the descriptor `d`, then points to
 * it. A reader sees the old descriptor or the new one; nothing it can reach is overwritten.
 */
static bool append_segment(struct frame *f, struct descriptor *d, const struct entries *e) {
    struct stat st;
    uint32_t pages = 0;
    uint64_t salt;
    if (os_fstat(f->fd, &st) < 0 || getrandom(&salt, sizeof salt, 0) != sizeof salt)
        return false;
    uint64_t first = ((uint64_t)st.st_size + PAGE - 1) / PAGE;
    struct bucket *buckets = e->count > 0 ? build_buckets(e, &pages) : mem_zalloc(1, sizeof *buckets);
    if (!buckets)
        return false;
    for (uint32_t i = 0; i < pages; i++) {
        buckets[i].salt = salt + first + i;
        buckets[i].checksum = bucket_checksum(f->nonce, &buckets[i]);
    }
    if (pages > 0)
        d->segments[d->segment_count++] = (struct segment){first, salt, e->count, pages, 0};
    memcpy(d->magic, MAGIC, sizeof d->magic);
    d->page = first + pages;
    d->checksum = 0;
    uint8_t *page = (uint8_t *)&buckets[pages];
    memset(page, 0, PAGE);
    memcpy(page, d, sizeof *d);
    uint32_t checksum = descriptor_checksum(f->nonce, page);
    memcpy(page + offsetof(struct descriptor, checksum), &checksum, sizeof checksum);
    bool ok = os_pwrite_all(f->fd, buckets, ((size_t)pages + 1) * PAGE, (off_t)(first * PAGE)) == 0 &&
              write_word(f->fd, f->nonce, POINTER_AT, d->page);
    free(buckets);
    return ok;
}

/* Pages that the descriptor's segments occupy. */
static uint64_t live_pages(const struct descriptor *d) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < d->segment_count; i++)
        sum += d->segments[i].pages;
    return sum;
}

/* Takes over, newest first, the segments that are not much larger than what is to be written. */
static bool merge_segments(const struct frame *f, struct descriptor *d, struct entries *e, bool all) {
    while (d->segment_count > 0) {
        const struct segment *last = &d->segments[d->segment_count - 1];
        if (!all && d->segment_count < SEGMENTS_MAX && last->count > MERGE_RATIO * (uint64_t)e->count)
            break;
        if (!read_segment(f, last, e))
            return false;
        d->segment_count--;
    }
    return true;
}

static void add_new_chunks(struct entries *e, const struct address_map *chunks, uint64_t from) {
    for (size_t i = 0; i < chunks->count; i++) {
        const struct address_entry *c = &chunks->entries[i];
        if (c->value < from)
            continue;
        MEM_GROW(e->items, e->capacity, e->count + 1);
        e->items[e->count++] = entry_of(&c->address, c->value);
    }
}

/* A new file with all entries in one segment. */
static bool write_anew(const char *dir, const uint8_t *head, uint64_t synced_end, struct descriptor *d,
                       const struct entries *e) {
    struct frame f;
    if (!create_file(dir, head, &f))
        return false;
    d->segment_count = 0;
    bool ok = append_segment(&f, d, e) && write_word(f.fd, f.nonce, MARK_AT, synced_end);
    os_close(f.fd);
    return ok && install_file(dir);
}

bool journal_index_extend(const char *dir, const uint8_t head[JOURNAL_HEAD_SIZE],
                          const struct address_map *chunks, uint64_t from,
                          const struct journal_coverage *to, bool rebuild) {
    struct frame f;
    struct entries e = {NULL, 0, 0};
    bool exists = frame_open(&f, dir, head, O_RDWR), ok = false;
    struct descriptor d = {0};
    if (exists && !rebuild && !f.damaged)
        d = f.newest;
    uint64_t covered = d.coverage.end;
    if (covered >= to->end) {
        ok = true; /* somebody else did it */
    } else if (covered >= from) {
        add_new_chunks(&e, chunks, covered);
        uint64_t chunk_count = d.coverage.chunks + e.count;
        bool anew = !exists || rebuild || f.damaged;
        bool compact = !anew && d.page > 4 * live_pages(&d) + 64;
        ok = anew || merge_segments(&f, &d, &e, compact);
        /* member by member: the padding of d is zero and goes into its checksum */
        d.coverage.end = to->end;
        d.coverage.root_start = to->root_start;
        d.coverage.root = to->root;
        d.coverage.chunks = chunk_count;
        if (ok)
            ok = anew || compact ? write_anew(dir, head, to->end, &d, &e) : append_segment(&f, &d, &e);
    }
    if (exists)
        os_close(f.fd);
    free(e.items);
    return ok;
}
