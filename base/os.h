/*
 * The one layer through which files are touched.
 *
 * Every function forwards to the table `os_ops` in force, normally the system calls. A test installs
 * its own table (os_set_ops) to make the n-th operation fail, fall short, or to cut the power: keep any
 * subset of the writes that were not yet synced. EINTR is handled here. Failures return -1 with errno,
 * as the system calls do.
 */
#ifndef BASE_OS_H
#define BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct os_ops {
    int (*open)(const char *path, int flags, mode_t mode); /* O_CLOEXEC is always added */
    int (*close)(int fd);
    ssize_t (*pread)(int fd, void *buf, size_t size, off_t offset);
    ssize_t (*pwrite)(int fd, const void *buf, size_t size, off_t offset);
    int (*fdatasync)(int fd);
    int (*fsync)(int fd);
    int (*ftruncate)(int fd, off_t size);
    int (*rename)(const char *from, const char *to);
    int (*exchange)(const char *one, const char *other); /* both exist and change places at once */
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, mode_t mode);
    int (*rmdir)(const char *path);
    int (*stat)(const char *path, struct stat *st);
    int (*fstat)(int fd, struct stat *st);
    int (*flock)(int fd, int operation);
    void *(*mmap)(size_t size, int prot, int flags, int fd, off_t offset); /* MAP_FAILED on error */
    int (*munmap)(void *address, size_t size);
    int (*madvise)(void *address, size_t size, int advice);
    int (*free_space)(const char *path, uint64_t *bytes); /* that this user may still write there */
};

extern const struct os_ops os_system_ops;
/* NULL restores os_system_ops. Not thread-safe; for tests, before any store is open. */
void os_set_ops(const struct os_ops *ops);

/* The calls of the table: as the system calls of that name, -1 with errno (os_mmap: MAP_FAILED). */
int os_open(const char *path, int flags, mode_t mode);
int os_close(int fd);
ssize_t os_pread(int fd, void *buf, size_t size, off_t offset);
ssize_t os_pwrite(int fd, const void *buf, size_t size, off_t offset);
int os_fdatasync(int fd);
/* Lets the disk begin with these bytes of a file that is to be synced later. A hint, where there is
 * one. */
void os_write_out(int fd, off_t offset, size_t size);
int os_fsync(int fd);
int os_ftruncate(int fd, off_t size);
int os_rename(const char *from, const char *to);
int os_exchange(const char *one, const char *other); /* EINVAL or ENOSYS where it cannot be done */
int os_unlink(const char *path);
int os_mkdir(const char *path, mode_t mode);
int os_rmdir(const char *path);
int os_stat(const char *path, struct stat *st);
int os_fstat(int fd, struct stat *st);
int os_flock(int fd, int operation);
void *os_mmap(size_t size, int prot, int flags, int fd, off_t offset);
int os_munmap(void *address, size_t size);
int os_madvise(void *address, size_t size, int advice);
int os_free_space(const char *path, uint64_t *bytes);

/* Repeats short transfers. 0 when all bytes were moved; -1 with errno (EIO for an unexpected end). */
int os_pread_all(int fd, void *buf, size_t size, off_t offset);
int os_pwrite_all(int fd, const void *buf, size_t size, off_t offset);

/* Whole file into malloc'd memory, NUL-terminated behind *size bytes; refuses more than max_size
 * (EFBIG). */
int os_read_file(const char *path, size_t max_size, char **data, size_t *size);

/*
 * Replaces `path` by a complete new content: temporary file in the same directory, fsync, rename, fsync
 * of the directory. A crash leaves the old or the new content, never a mixture.
 */
int os_write_file_atomic(const char *path, const void *data, size_t size, mode_t mode);
/* The same for a file that its user may have put elsewhere: a symbolic link stays one, and a device or
 * a pipe is written to. */
int os_write_file_through(const char *path, const void *data, size_t size, mode_t mode);
/* What a path leads to through symbolic links, malloc'd; a copy of the path when it is no link. */
char *os_link_target(const char *path);
/* Is it there, and neither a file nor a directory: a device, a pipe, a socket? */
bool os_is_special(const char *path);
/* All bytes, one after the other, to what has no positions. 0, or -1 with errno. */
int os_write_all(int fd, const void *data, size_t size);

/* Makes the names in a directory durable. */
int os_fsync_dir(const char *path);
bool os_exists(const char *path);
bool os_is_dir(const char *path);
/* With all that is missing above it; what exists is fine. -1 with errno. */
int os_mkdir_p(const char *path, mode_t mode);
/* The same, and syncs every directory that got a new entry. */
int os_mkdir_durable(const char *path, mode_t mode);

/* Names in a directory without . and .., sorted; release with os_free_list. -1 with errno. */
int os_list_dir(const char *path, char ***names, size_t *count);
void os_free_list(char **names, size_t count);
/* Removes a file, or a directory with everything below it; follows no symbolic link. Missing is fine.
 */
int os_remove_tree(const char *path);
/* Bytes of all regular files below a directory; what cannot be looked at counts nothing. */
uint64_t os_tree_size(const char *path);

#endif
