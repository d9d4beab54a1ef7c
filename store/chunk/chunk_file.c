/* Opening table files and archives by name; the mapping lives as long as the last reference. */
#include "store/chunk/chunk_file.h"

#include "base/mem.h"
#include "base/os.h"
#include "store/chunk/archive.h"
#include "store/chunk/table_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>

struct chunk_file {
    unsigned references;
    struct hash name;
    char *path;
    uint8_t
        *map; /* the whole file; the descriptor is closed, the mapping keeps an unlinked file alive */
    size_t size;
    bool is_archive;
    union {
        struct table table;
        struct archive archive;
    } u;
};

static int map_file(struct chunk_file *f, struct err *err) {
    int fd = os_open(f->path, O_RDONLY, 0);
    if (fd < 0)
        return err_errno(err, "cannot open %s", f->path);
    struct stat st;
    int rc = BD_OK;
    if (os_fstat(fd, &st) < 0) {
        rc = err_errno(err, "cannot stat %s", f->path);
    } else if (!S_ISREG(st.st_mode) || st.st_size <= 0) {
        rc = err_set(err, BD_CORRUPT, "%s is empty or not a file", f->path);
    } else {
        f->size = (size_t)st.st_size;
        f->map = os_mmap(f->size, PROT_READ, MAP_SHARED, fd, 0);
        if (f->map == MAP_FAILED) {
            f->map = NULL;
            rc = err_errno(err, "cannot map %s", f->path);
        }
    }
    os_close(fd);
    return rc;
}

static int open_as(struct chunk_file *f, const char *dir, bool is_archive, uint32_t expected,
                   struct err *err) {
    char text[HASH_TEXT_SIZE + 1];
    struct buf path = BUF_INIT;
    hash_format(&f->name, text);
    buf_addf(&path, "%s/%s%s", dir, text, is_archive ? ".darc" : "");
    f->path = buf_detach(&path);
    f->is_archive = is_archive;
    int rc = map_file(f, err);
    if (rc != BD_OK)
        return rc;
    rc = is_archive ? archive_init(&f->u.archive, f->map, f->size, f->path, err)
                    : table_init(&f->u.table, f->map, f->size, f->path, err);
    if (rc == BD_INVALID) {
        rc = BD_CORRUPT;
        if (err)
            err->code = rc;
    }
    if (rc == BD_OK && !is_archive && f->u.table.count != expected)
        rc = err_set(err, BD_CORRUPT, "%s: unexpected chunk count: %u, but the manifest says %u",
                     f->path, f->u.table.count, expected);
    return rc;
}

int chunk_file_open(struct chunk_file **out, const char *dir, const struct hash *name,
                    uint32_t expected, struct err *err) {
    struct chunk_file *f = mem_zalloc(1, sizeof *f);
    f->references = 1;
    f->name = *name;
    int rc = open_as(f, dir, false, expected, err);
    if (rc == BD_NOT_FOUND) {
        free(f->path);
        rc = open_as(f, dir, true, expected, err);
    }
    if (rc == BD_NOT_FOUND) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(name, text);
        rc = err_set(err, rc, "table file not found: %s/%s (nor as .darc)", dir, text);
    }
    if (rc != BD_OK) {
        chunk_file_release(f);
        return rc;
    }
    *out = f;
    return BD_OK;
}

struct chunk_file *chunk_file_keep(struct chunk_file *f) {
    f->references++;
    return f;
}

void chunk_file_release(struct chunk_file *f) {
    if (!f || --f->references > 0)
        return;
    if (f->is_archive)
        archive_release(&f->u.archive);
    else
        table_release(&f->u.table);
    if (f->map)
        os_munmap(f->map, f->size);
    free(f->path);
    free(f);
}

const struct hash *chunk_file_name(const struct chunk_file *f) { return &f->name; }
const char *chunk_file_path(const struct chunk_file *f) { return f->path; }
bool chunk_file_is_archive(const struct chunk_file *f) { return f->is_archive; }
size_t chunk_file_size(const struct chunk_file *f) { return f->size; }

uint32_t chunk_file_count(const struct chunk_file *f) {
    return f->is_archive ? f->u.archive.count : f->u.table.count;
}

int64_t chunk_file_find(const struct chunk_file *f, const struct hash *h) {
    return f->is_archive ? archive_find(&f->u.archive, h) : table_find(&f->u.table, h);
}

bool chunk_file_has(const struct chunk_file *f, const struct hash *h) {
    return chunk_file_find(f, h) >= 0;
}

static int get_at(struct chunk_file *f, int64_t at, const struct hash *h, uint8_t **data, size_t *size,
                  struct err *err) {
    int rc = f->is_archive ? archive_get(&f->u.archive, at, data, size, err)
                           : table_get(&f->u.table, at, data, size, err);
    if (rc != BD_OK) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(h, text);
        err_prefix(err, "chunk %s in %s", text, f->path);
    }
    return rc;
}

int chunk_file_get(struct chunk_file *f, const struct hash *h, uint8_t **data, size_t *size,
                   struct err *err) {
    int64_t at = chunk_file_find(f, h);
    return at < 0 ? BD_NOT_FOUND : get_at(f, at, h, data, size, err);
}

int chunk_file_get_at(struct chunk_file *f, int64_t position, const struct hash *h, uint8_t **data,
                      size_t *size, struct err *err) {
    if (position < 0 || position >= chunk_file_count(f) ||
        !(f->is_archive ? archive_is_at(&f->u.archive, (uint32_t)position, h)
                        : table_is_at(&f->u.table, (uint32_t)position, h)))
        return BD_NOT_FOUND;
    return get_at(f, position, h, data, size, err);
}

bool chunk_file_address(const struct chunk_file *f, uint32_t i, struct hash *h) {
    if (!f->is_archive)
        return table_address(&f->u.table, i, h);
    archive_address(&f->u.archive, i, h);
    return true;
}

void chunk_file_release_pages(const struct chunk_file *f) {
    os_madvise(f->map, f->is_archive ? f->u.archive.data_size : f->size, MADV_DONTNEED);
}

size_t chunk_file_dictionaries(const struct chunk_file *f) {
    return f->is_archive ? f->u.archive.dictionaries.memory : 0;
}

void chunk_file_halve_dictionaries(struct chunk_file *f) {
    if (f->is_archive)
        dictionary_cache_trim(&f->u.archive.dictionaries, f->u.archive.dictionaries.memory / 2);
}
