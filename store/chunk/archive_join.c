/* Spans keep their order within a file, so a dictionary stays in front of what uses it. */
#include "store/chunk/archive_join.h"

#include "base/os.h"
#include "store/chunk/archive.h"
#include "store/chunk/archive_output.h"

#include <fcntl.h>
#include <sys/mman.h>

static int copy_spans(const struct archive *a, struct archive_output *o, struct err *err) {
    int rc = BD_OK;
    for (uint32_t id = 1; rc == BD_OK && id <= a->spans; id++) {
        const uint8_t *bytes;
        size_t size;
        uint32_t span;
        rc = archive_span(a, id, &bytes, &size, err);
        if (rc == BD_OK)
            rc = archive_output_span(o, bytes, size, &span, err);
    }
    return rc;
}

static int add_archive(const struct archive *a, struct archive_output *o, struct err *err) {
    uint64_t before = o->span_count;
    if (before + a->spans > UINT32_MAX)
        return err_set(err, BD_INVALID, "an archive cannot hold so many spans");
    int rc = copy_spans(a, o, err);
    for (uint32_t i = 0; rc == BD_OK && i < a->count; i++) {
        struct hash h;
        uint32_t dictionary, data;
        archive_address(a, i, &h);
        archive_ref(a, i, &dictionary, &data);
        if (dictionary > a->spans || data == 0 || data > a->spans)
            rc = err_set(err, BD_CORRUPT, "an archive refers to span %u of %u", data, a->spans);
        else
            archive_output_chunk(o, &h, dictionary ? dictionary + (uint32_t)before : 0,
                                 data + (uint32_t)before);
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
    os_close(fd);
    struct archive a;
    if (rc == BD_OK && (rc = archive_init(&a, map, (size_t)st.st_size, path, err)) == BD_OK) {
        rc = a.version < 2 ? err_set(err, BD_INVALID, "%s is an old archive", path)
                           : add_archive(&a, o, err);
        archive_release(&a);
    }
    if (map != MAP_FAILED)
        os_munmap(map, (size_t)st.st_size);
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
