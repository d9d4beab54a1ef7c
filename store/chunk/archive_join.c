/* Spans keep their order within a file, so a dictionary stays in front of what uses it. */
#include "store/chunk/archive_join.h"

#include "base/os.h"
#include "store/chunk/archive.h"
#include "store/chunk/archive_output.h"

#include <fcntl.h>
#include <sys/mman.h>

static int add_archive(const struct archive *a, int fd, struct archive_output *o, struct err *err) {
    uint32_t before;
    int rc = archive_output_copy(o, a, fd, &before, err);
    for (uint32_t i = 0; rc == BD_OK && i < a->count; i++) {
        struct hash h;
        uint32_t dictionary, data;
        archive_address(a, i, &h);
        archive_ref(a, i, &dictionary, &data);
        if (dictionary > a->spans || data == 0 || data > a->spans)
            rc = err_set(err, BD_CORRUPT, "an archive refers to span %u of %u", data, a->spans);
        else
            archive_output_chunk(o, &h, dictionary ? dictionary + before : 0, data + before);
    }
    return rc;
}

static int add_file(const char *path, struct archive_output *o, struct err *err) {
    int fd = os_open(path, O_RDONLY, 0);
    struct stat st;
    if (fd < 0)
        return err_errno(err, "cannot open %s", path);
    int rc = BD_OK;
    void *map = MAP_FAILED;
    if (os_fstat(fd, &st) < 0 || st.st_size <= 0)
        rc = err_set(err, BD_CORRUPT, "%s is empty", path);
    else if ((map = os_mmap((size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0)) == MAP_FAILED)
        rc = err_errno(err, "cannot map %s", path);
    struct archive a;
    if (rc == BD_OK && (rc = archive_init(&a, map, (size_t)st.st_size, path, err)) == BD_OK) {
        rc = a.version < 2 ? err_set(err, BD_INVALID, "%s is an old archive", path)
                           : add_archive(&a, fd, o, err);
        archive_release(&a);
    }
    if (map != MAP_FAILED)
        os_munmap(map, (size_t)st.st_size);
    os_close(fd);
    return rc;
}

int archive_join(const char *dir, const struct hash *names, size_t count, struct hash *joined,
                 uint32_t *chunks, struct err *err) {
    struct archive_output o;
    struct buf path = BUF_INIT;
    uint64_t size;
    bool existed;
    int rc = archive_output_open(&o, dir, err);
    if (rc != BD_OK)
        return rc;
    for (size_t i = 0; rc == BD_OK && i < count; i++) {
        char text[HASH_TEXT_SIZE + 1];
        hash_format(&names[i], text);
        buf_clear(&path);
        buf_addf(&path, "%s/%s.darc", dir, text);
        rc = add_file(path.data, &o, err);
    }
    *chunks = (uint32_t)o.ref_count;
    if (rc == BD_OK)
        rc = archive_output_publish(&o, joined, &size, &existed, err);
    archive_output_release(&o);
    buf_release(&path);
    return rc;
}
