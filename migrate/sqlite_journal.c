/*
 * The journal: segments, each a header padded to a sector and then records of page number, page and
 * checksum. A record that is cut off or whose checksum is wrong was not synced before the crash: its
 * page in the file was not touched, and neither were those behind it.
 */
#include "migrate/sqlite_journal.h"

#include "base/mem.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 28
#define COUNT_BY_SIZE 0xffffffffu

static const unsigned char magic[8] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};

struct page {
    uint32_t number;
    int64_t at; /* in the journal */
};
struct sqlite_journal {
    int fd;
    uint32_t page_size, sector_size, page_count;
    struct page *pages; /* by number */
    size_t count, capacity;
};

static uint32_t u32(const unsigned char *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool is_power(uint32_t n, uint32_t least) {
    return n >= least && n <= 65536 && (n & (n - 1)) == 0;
}

static int by_number(const void *x, const void *y) {
    const struct page *a = x, *b = y;
    return a->number != b->number ? (a->number < b->number ? -1 : 1)
                                  : (a->at < b->at ? -1 : a->at > b->at);
}

static uint32_t checksum(const struct sqlite_journal *j, const unsigned char *page, uint32_t start) {
    for (int64_t i = (int64_t)j->page_size - 200; i > 0; i -= 200)
        start += page[i];
    return start;
}

/* The records of one segment. False: the journal ends here. */
static bool read_segment(struct sqlite_journal *j, int64_t *at, int64_t end, uint32_t count,
                         uint32_t nonce) {
    unsigned char *record = mem_alloc((size_t)j->page_size + 8);
    const int64_t size = (int64_t)j->page_size + 8;
    const uint32_t lock_page = 0x40000000u / j->page_size + 1;
    bool whole = true;
    if (count == COUNT_BY_SIZE)
        count = (uint32_t)((end - *at) / size);
    for (uint32_t i = 0; whole && i < count; i++) {
        whole = *at + size <= end && os_pread_all(j->fd, record, (size_t)size, *at) == 0;
        uint32_t number = whole ? u32(record) : 0;
        whole = whole && number != 0 && number != lock_page &&
                checksum(j, record + 4, nonce) == u32(record + 4 + j->page_size);
        if (whole && number <= j->page_count) {
            MEM_GROW(j->pages, j->capacity, j->count + 1);
            j->pages[j->count++] = (struct page){number, *at + 4};
        }
        *at += size;
    }
    free(record);
    return whole;
}

/* The first of two records of one page holds the older state. */
static void sort(struct sqlite_journal *j) {
    size_t kept = 0;
    if (!j->count)
        return;
    qsort(j->pages, j->count, sizeof *j->pages, by_number);
    for (size_t i = 1; i < j->count; i++)
        if (j->pages[i].number != j->pages[kept].number)
            j->pages[++kept] = j->pages[i];
    j->count = kept + 1;
}

static bool read_header(const struct sqlite_journal *j, int64_t at, int64_t end,
                        unsigned char head[HEADER_SIZE]) {
    return at + HEADER_SIZE <= end && os_pread_all(j->fd, head, HEADER_SIZE, at) == 0 &&
           memcmp(head, magic, sizeof magic) == 0;
}

/* Does the journal end in the name of one that belongs to several files? */
static bool has_master(const struct sqlite_journal *j, int64_t end) {
    unsigned char tail[8];
    return end >= 16 && os_pread_all(j->fd, tail, sizeof tail, end - 8) == 0 &&
           memcmp(tail, magic, sizeof magic) == 0;
}

static int read_all(struct sqlite_journal *j, const char *path, int64_t end, bool *hot,
                    struct err *err) {
    unsigned char head[HEADER_SIZE];
    int64_t at = 0;
    *hot = read_header(j, 0, end, head);
    if (!*hot)
        return BD_OK; /* a finished one has its head zeroed */
    j->page_count = u32(head + 16);
    j->sector_size = u32(head + 20);
    j->page_size = u32(head + 24);
    if (!is_power(j->page_size, 512) || !is_power(j->sector_size, 32))
        return err_set(err, BD_CORRUPT, "%s: the sizes in its head make no sense", path);
    if (has_master(j, end))
        return err_set(err, BD_UNSUPPORTED, "%s belongs to a transaction over several files", path);
    do {
        uint32_t count = u32(head + 8), nonce = u32(head + 12);
        at += j->sector_size;
        if (!read_segment(j, &at, end, count, nonce))
            break;
        at = (at + j->sector_size - 1) / j->sector_size * j->sector_size;
    } while (read_header(j, at, end, head));
    sort(j);
    return BD_OK;
}

int sqlite_journal_open(const char *database, struct sqlite_journal **out, struct err *err) {
    size_t size = strlen(database) + sizeof "-journal";
    char *path = mem_alloc(size);
    struct sqlite_journal *j = mem_zalloc(1, sizeof *j);
    struct stat st;
    bool hot = false;
    int rc = BD_OK;
    *out = NULL;
    snprintf(path, size, "%s-journal", database);
    j->fd = os_open(path, O_RDONLY, 0);
    if (j->fd < 0 && errno != ENOENT)
        rc = err_errno(err, "cannot read %s", path);
    else if (j->fd >= 0 && os_fstat(j->fd, &st))
        rc = err_errno(err, "cannot read %s", path);
    else if (j->fd >= 0)
        rc = read_all(j, path, st.st_size, &hot, err);
    if (rc == BD_OK && hot)
        *out = j;
    else
        sqlite_journal_close(j);
    free(path);
    return rc;
}

void sqlite_journal_close(struct sqlite_journal *j) {
    if (!j)
        return;
    if (j->fd >= 0)
        os_close(j->fd);
    free(j->pages);
    free(j);
}

int64_t sqlite_journal_file_size(const struct sqlite_journal *j) {
    return (int64_t)j->page_count * j->page_size;
}

bool sqlite_journal_read(const struct sqlite_journal *j, void *out, int64_t offset, int64_t *size) {
    int64_t in_page = offset % j->page_size, left = j->page_size - in_page;
    struct page key = {(uint32_t)(offset / j->page_size) + 1, 0};
    size_t low = 0, high = j->count;
    if (*size > left)
        *size = left;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (j->pages[middle].number < key.number)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == j->count || j->pages[low].number != key.number)
        return false;
    if (os_pread_all(j->fd, out, (size_t)*size, j->pages[low].at + in_page))
        *size = -1;
    return true;
}
