/*
 * System calls behind the table os_ops, and the few compositions of them that the store relies on.
 *
 * Invariant: nothing in this file keeps state but the table in force, so a test that swaps the table
 * sees every operation the store makes.
 */
#include "base/os.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int system_open(const char *path, int flags, mode_t mode) {
    return open(path, flags | O_CLOEXEC, mode);
}
static int system_exchange(const char *one, const char *other) {
    return renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE);
}
static int system_stat(const char *path, struct stat *st) { return stat(path, st); }
static int system_fstat(int fd, struct stat *st) { return fstat(fd, st); }
static void *system_mmap(size_t size, int prot, int flags, int fd, off_t offset) {
    return mmap(NULL, size, prot, flags, fd, offset);
}
static int system_free_space(const char *path, uint64_t *bytes) {
    struct statvfs fs;
    if (statvfs(path, &fs) < 0)
        return -1;
    *bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
    return 0;
}

const struct os_ops os_system_ops = {
    .open = system_open,
    .close = close,
    .pread = pread,
    .pwrite = pwrite,
    .fdatasync = fdatasync,
    .fsync = fsync,
    .ftruncate = ftruncate,
    .rename = rename,
    .exchange = system_exchange,
    .unlink = unlink,
    .mkdir = mkdir,
    .rmdir = rmdir,
    .stat = system_stat,
    .fstat = system_fstat,
    .flock = flock,
    .mmap = system_mmap,
    .munmap = munmap,
    .madvise = madvise,
    .free_space = system_free_space,
};

static const struct os_ops *ops = &os_system_ops;

void os_set_ops(const struct os_ops *table) { ops = table ? table : &os_system_ops; }

/* The value of `call`, repeated while a signal interrupts it. */
#define RETRY(type, call)                                                                              \
    do {                                                                                               \
        type result_;                                                                                  \
        do                                                                                             \
            result_ = (call);                                                                          \
        while (result_ < 0 && errno == EINTR);                                                         \
        return result_;                                                                                \
    } while (0)

int os_open(const char *path, int flags, mode_t mode) {
    RETRY(int, ops->open(path, flags | O_CLOEXEC, mode));
}

int os_close(int fd) {
    /* The descriptor is gone after EINTR on Linux; repeating could close somebody else's. */
    int result = ops->close(fd);
    return result < 0 && errno == EINTR ? 0 : result;
}

ssize_t os_pread(int fd, void *buf, size_t size, off_t offset) {
    RETRY(ssize_t, ops->pread(fd, buf, size, offset));
}
ssize_t os_pwrite(int fd, const void *buf, size_t size, off_t offset) {
    RETRY(ssize_t, ops->pwrite(fd, buf, size, offset));
}
void os_write_out(int fd, off_t offset, size_t size) {
#ifdef SYNC_FILE_RANGE_WRITE
    if (ops == &os_system_ops)
        sync_file_range(fd, offset, (off_t)size, SYNC_FILE_RANGE_WRITE);
#else
    (void)fd, (void)offset, (void)size;
#endif
}
int os_fdatasync(int fd) { RETRY(int, ops->fdatasync(fd)); }
int os_fsync(int fd) { RETRY(int, ops->fsync(fd)); }
int os_ftruncate(int fd, off_t size) { RETRY(int, ops->ftruncate(fd, size)); }
int os_rename(const char *from, const char *to) { RETRY(int, ops->rename(from, to)); }
int os_exchange(const char *one, const char *other) { RETRY(int, ops->exchange(one, other)); }
int os_unlink(const char *path) { RETRY(int, ops->unlink(path)); }
int os_mkdir(const char *path, mode_t mode) { RETRY(int, ops->mkdir(path, mode)); }
int os_rmdir(const char *path) { RETRY(int, ops->rmdir(path)); }
int os_stat(const char *path, struct stat *st) { RETRY(int, ops->stat(path, st)); }
int os_fstat(int fd, struct stat *st) { RETRY(int, ops->fstat(fd, st)); }
int os_flock(int fd, int operation) { RETRY(int, ops->flock(fd, operation)); }
void *os_mmap(size_t size, int prot, int flags, int fd, off_t offset) {
    return ops->mmap(size, prot, flags, fd, offset);
}
int os_munmap(void *address, size_t size) { return ops->munmap(address, size); }
int os_madvise(void *address, size_t size, int advice) { return ops->madvise(address, size, advice); }
int os_free_space(const char *path, uint64_t *bytes) { RETRY(int, ops->free_space(path, bytes)); }

int os_pread_all(int fd, void *buf, size_t size, off_t offset) {
    uint8_t *at = buf;
    while (size > 0) {
        ssize_t got = os_pread(fd, at, size, offset);
        if (got < 0)
            return -1;
        if (got == 0) {
            errno = EIO;
            return -1;
        }
        at += got;
        offset += got;
        size -= (size_t)got;
    }
    return 0;
}

int os_pwrite_all(int fd, const void *buf, size_t size, off_t offset) {
    const uint8_t *at = buf;
    while (size > 0) {
        ssize_t put = os_pwrite(fd, at, size, offset);
        if (put < 0)
            return -1;
        if (put == 0) {
            errno = EIO;
            return -1;
        }
        at += put;
        offset += put;
        size -= (size_t)put;
    }
    return 0;
}

/* Closes without losing the errno that made us give up. */
static void close_keep_errno(int fd) {
    int number = errno;
    os_close(fd);
    errno = number;
}

int os_read_file(const char *path, size_t max_size, char **data, size_t *size) {
    int fd = os_open(path, O_RDONLY, 0);
    if (fd < 0)
        return -1;
    struct stat st;
    if (os_fstat(fd, &st) < 0) {
        close_keep_errno(fd);
        return -1;
    }
    if (S_ISDIR(st.st_mode)) {
        os_close(fd);
        errno = EISDIR;
        return -1;
    }
    struct buf content = BUF_INIT;
    size_t expect = st.st_size > 0 ? (size_t)st.st_size : 0;
    buf_reserve(&content, (expect < max_size ? expect : max_size) + 1);
    for (;;) {
        if (content.size > max_size) {
            buf_release(&content);
            os_close(fd);
            errno = EFBIG;
            return -1;
        }
        buf_reserve(&content, 4096);
        size_t room = content.capacity - content.size - 1;
        ssize_t got = os_pread(fd, content.data + content.size, room, (off_t)content.size);
        if (got < 0) {
            buf_release(&content);
            close_keep_errno(fd);
            return -1;
        }
        content.size += (size_t)got;
        if (got == 0 || ((size_t)got < room && content.size == expect && expect <= max_size))
            break; /* the end, or all of the size it had with room for more */
    }
    os_close(fd);
    content.data[content.size] = '\0';
    *size = content.size;
    *data = content.data;
    return 0;
}

/* Length of the directory part of a path, 0 when it has none. */
static size_t dir_length(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash)
        return 0;
    return slash == path ? 1 : (size_t)(slash - path);
}

static char *dir_of(const char *path) {
    size_t size = dir_length(path);
    if (size == 0)
        return mem_strdup(".");
    char *dir = mem_alloc(size + 1);
    memcpy(dir, path, size);
    dir[size] = '\0';
    return dir;
}

int os_fsync_dir(const char *path) {
    int fd = os_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return -1;
    int result = os_fsync(fd);
    close_keep_errno(fd);
    return result;
}

int os_write_file_atomic(const char *path, const void *data, size_t size, mode_t mode) {
    static atomic_uint counter;
    struct buf temp = BUF_INIT;
    int fd = -1;
    for (int attempt = 0; attempt < 100; attempt++) {
        buf_clear(&temp);
        const char *slash = strrchr(path, '/');
        const char *base = slash ? slash + 1 : path;
        buf_add(&temp, path, (size_t)(base - path));
        buf_addf(&temp, ".%s.%ld-%u.tmp", base, (long)getpid(), atomic_fetch_add(&counter, 1));
        fd = os_open(temp.data, O_CREAT | O_EXCL | O_WRONLY, mode);
        if (fd >= 0 || errno != EEXIST)
            break;
    }
    if (fd < 0) {
        buf_release(&temp);
        return -1;
    }
    char *dir = dir_of(path);
    int result = -1;
    if (os_pwrite_all(fd, data, size, 0) == 0 && os_fsync(fd) == 0)
        result = 0;
    if (result < 0)
        close_keep_errno(fd);
    else
        result = os_close(fd);
    if (result == 0)
        result = os_rename(temp.data, path);
    if (result < 0) {
        int number = errno;
        os_unlink(temp.data);
        errno = number;
    } else {
        result = os_fsync_dir(dir);
    }
    free(dir);
    buf_release(&temp);
    return result;
}

char *os_link_target(const char *path) {
    char target[PATH_MAX], *real;
    struct stat st;
    if (lstat(path, &st) || !S_ISLNK(st.st_mode))
        return mem_strdup(path);
    if ((real = realpath(path, NULL)))
        return real;
    ssize_t n = readlink(path, target, sizeof target - 1); /* to something that is not there yet */
    if (n <= 0)
        return mem_strdup(path);
    target[n] = '\0';
    const char *slash = strrchr(path, '/');
    struct buf out = BUF_INIT;
    if (*target != '/' && slash)
        buf_add(&out, path, (size_t)(slash + 1 - path));
    buf_add_str(&out, target);
    return buf_detach(&out);
}

bool os_is_special(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

int os_write_all(int fd, const void *data, size_t size) {
    const char *at = data;
    while (size) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        at += n;
        size -= (size_t)n;
    }
    return 0;
}

int os_write_file_through(const char *path, const void *data, size_t size, mode_t mode) {
    if (os_is_special(path)) {
        int fd = os_open(path, O_WRONLY, 0);
        int result = fd < 0 ? -1 : os_write_all(fd, data, size);
        if (fd >= 0)
            close_keep_errno(fd);
        return result;
    }
    char *target = os_link_target(path);
    int result = os_write_file_atomic(target, data, size, mode);
    free(target);
    return result;
}

bool os_exists(const char *path) {
    struct stat st;
    return os_stat(path, &st) == 0;
}

bool os_is_dir(const char *path) {
    struct stat st;
    return os_stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int os_mkdir_p(const char *path, mode_t mode) {
    char *copy = mem_strdup(path);
    int result = 0;
    for (char *at = copy; *at && result == 0; at++) {
        if (*at != '/' || at == copy)
            continue;
        *at = '\0';
        if (os_mkdir(copy, mode) < 0 && errno != EEXIST && !os_is_dir(copy))
            result = -1;
        *at = '/';
    }
    if (result == 0 && os_mkdir(copy, mode) < 0) {
        if (errno != EEXIST) {
            int number = errno;
            if (!os_is_dir(copy)) {
                errno = number;
                result = -1;
            }
        } else if (!os_is_dir(copy)) {
            errno = EEXIST;
            result = -1;
        }
    }
    free(copy);
    return result;
}

int os_mkdir_durable(const char *path, mode_t mode) {
    char *above = mem_strdup(path), *dir;
    size_t missing = 0; /* levels that are made now */
    for (dir = mem_strdup(path); !os_exists(dir); missing++) {
        char *up = dir_of(dir);
        bool top = strcmp(up, dir) == 0;
        free(dir);
        dir = up;
        if (top)
            break;
    }
    free(dir);
    int result = os_mkdir_p(path, mode);
    for (size_t i = 0; i < missing && result == 0; i++) {
        char *up = dir_of(above);
        result = os_fsync_dir(up);
        free(above);
        above = up;
    }
    free(above);
    return result;
}

static int compare_names(const void *x, const void *y) {
    return strcmp(*(char *const *)x, *(char *const *)y);
}

int os_list_dir(const char *path, char ***names, size_t *count) {
    size_t capacity = 0;
    *names = NULL;
    *count = 0;
    DIR *d = opendir(path);
    if (!d)
        return -1;
    for (struct dirent *e; (e = readdir(d));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        MEM_GROW(*names, capacity, *count + 1);
        (*names)[(*count)++] = mem_strdup(e->d_name);
    }
    closedir(d);
    if (*count)
        qsort(*names, *count, sizeof **names, compare_names);
    return 0;
}

void os_free_list(char **names, size_t count) {
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

int os_remove_tree(const char *path) {
    char **names;
    size_t count;
    if (os_unlink(path) == 0 || errno == ENOENT)
        return 0;
    if ((errno != EISDIR && errno != EPERM) || os_list_dir(path, &names, &count) < 0)
        return -1;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        struct buf inner = BUF_INIT;
        buf_addf(&inner, "%s/%s", path, names[i]);
        result = os_remove_tree(inner.data);
        buf_release(&inner);
    }
    os_free_list(names, count);
    return result < 0 ? -1 : os_rmdir(path);
}

uint64_t os_tree_size(const char *path) {
    char **names;
    size_t count;
    uint64_t total = 0;
    if (os_list_dir(path, &names, &count) < 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        struct buf inner = BUF_INIT;
        struct stat st;
        buf_addf(&inner, "%s/%s", path, names[i]);
        if (lstat(inner.data, &st) == 0)
            total += S_ISDIR(st.st_mode)   ? os_tree_size(inner.data)
                     : S_ISREG(st.st_mode) ? (uint64_t)st.st_size
                                           : 0;
        buf_release(&inner);
    }
    os_free_list(names, count);
    return total;
}
