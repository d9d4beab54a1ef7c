/* A file that changes between two readings is noticed: by its end here, by checksums where it is used. */
#include "bd/ops/import_text.h"

#include "base/os.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int import_text_open(struct import_text *t, const char *path, struct err *err) {
    struct stat st;
    *t = (struct import_text){.name = path, .fd = os_open(path, O_RDONLY, 0)};
    if (t->fd < 0 || os_fstat(t->fd, &st))
        return err_errno(err, "cannot open %s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, BD_INVALID, "%s is not a file", path);
    t->size = (size_t)st.st_size;
    return BD_OK;
}

void import_text_release(struct import_text *t) {
    if (!t->bytes && t->fd >= 0)
        os_close(t->fd);
    *t = (struct import_text){.fd = -1};
}

int import_text_changed(const struct import_text *t, struct err *err) {
    return err_set(err, BD_CONFLICT, "%s changed while it was imported; run the import again", t->name);
}

int import_text_read(const struct import_text *t, size_t at, size_t size, char *out, struct err *err) {
    if (t->bytes) {
        memcpy(out, t->bytes + at, size);
        return BD_OK;
    }
    for (size_t done = 0; done < size;) {
        ssize_t n = os_pread(t->fd, out + done, size - done, (off_t)(t->start + at + done));
        if (n < 0)
            return err_errno(err, "cannot read %s", t->name);
        if (n == 0)
            return import_text_changed(t, err);
        done += (size_t)n;
    }
    return BD_OK;
}
