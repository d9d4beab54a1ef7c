/* What running programs leave behind, and whether the place lets them work. */
#include "doctor/families.h"

#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define MINUTE 60
#define HOUR (60 * MINUTE)

/* ---- lock files whose owner is gone ---- */

struct old_file {
    const char *path, *name;
    int64_t age;
};

/* Does a process hold an advisory lock on the file? */
static bool is_held(const char *path) {
    int fd = os_open(path, O_RDONLY, 0);
    if (fd < 0)
        return false;
    bool held = os_flock(fd, LOCK_SH | LOCK_NB) != 0;
    os_close(fd);
    return held;
}

static size_t stale_locks(struct doctor *d, struct old_file *out, size_t max) {
    static const struct {
        const char *pattern;
        int64_t age;
    } kinds[] = {{"dolt.bootstrap.lock", 5 * MINUTE}, {".sync.lock", HOUR}, {"*.startlock", 30}};
    const char **names;
    size_t n = d->ws->beads_dir ? doctor_list(d, d->ws->beads_dir, &names) : 0, found = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 3; k++) {
            if (fnmatch(kinds[k].pattern, names[i], 0) != 0)
                continue;
            const char *path = doctor_path(d, names[i]);
            int64_t age = doctor_age(d, path);
            if (age > kinds[k].age && !is_held(path) && found < max)
                out[found++] = (struct old_file){path, names[i], age};
        }
    return found;
}

void runtime_locks(struct doctor *d, struct doctor_result *r) {
    struct old_file list[16];
    const char *names[16];
    size_t n = stale_locks(d, list, 16);
    if (!n) {
        doctor_ok(d, r, "No stale lock files");
        return;
    }
    for (size_t i = 0; i < n; i++)
        names[i] = arena_printf(d->arena, "%s (%" PRId64 " s old)", list[i].name, list[i].age);
    doctor_warn(d, r, "%zu stale lock file(s): %s", n, doctor_sample(d, names, n));
    doctor_offer(d, r, "set them aside");
}

static int set_aside(struct doctor_repair *rp, const struct old_file *list, size_t n, struct err *err) {
    int rc = BD_OK;
    for (size_t i = 0; i < n && rc == BD_OK; i++) {
        rc = doctor_move_aside(rp, list[i].path, err);
        if (rc == BD_OK)
            doctor_did(rp, "Set %s aside", list[i].name);
    }
    return rc;
}

int runtime_locks_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    struct old_file list[16];
    return set_aside(rp, list, stale_locks(d, list, 16), err);
}

/* ---- files of servers and daemons that no longer run ---- */

static bool is_alive(struct doctor *d, const char *pid_file) {
    char *text = doctor_read(d, pid_file, NULL);
    long pid = text ? strtol(text, NULL, 10) : 0;
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static size_t stale_server_files(struct doctor *d, struct old_file *out) {
    static const char *const server[] = {"dolt-server.pid", "dolt-server.port", "dolt-server.activity"};
    static const char *const daemon[] = {"daemon.pid", "bd.sock"};
    size_t n = 0;
    if (!d->ws->beads_dir)
        return 0;
    if (os_exists(doctor_path(d, server[0])) && !is_alive(d, doctor_path(d, server[0])))
        for (size_t i = 0; i < 3; i++)
            if (os_exists(doctor_path(d, server[i])))
                out[n++] = (struct old_file){doctor_path(d, server[i]), server[i], 0};
    if (!is_alive(d, doctor_path(d, daemon[0])))
        for (size_t i = 0; i < 2; i++)
            if (os_exists(doctor_path(d, daemon[i])))
                out[n++] = (struct old_file){doctor_path(d, daemon[i]), daemon[i], 0};
    return n;
}

void runtime_server_files(struct doctor *d, struct doctor_result *r) {
    struct old_file list[8];
    const char *names[8];
    size_t n = stale_server_files(d, list);
    for (size_t i = 0; i < n; i++)
        names[i] = list[i].name;
    if (!n) {
        doctor_ok(d, r, "No files of servers that are gone");
        return;
    }
    doctor_warn(d, r, "%zu file(s) of a server that no longer runs: %s", n, doctor_sample(d, names, n));
    doctor_offer(d, r, "set them aside");
}

int runtime_server_files_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    struct old_file list[8];
    return set_aside(rp, list, stale_server_files(d, list), err);
}

/* What other programs note in /tmp about servers is not this workspace's, so it is neither judged nor
 * touched. */
void runtime_circuit(struct doctor *d, struct doctor_result *r) {
    doctor_ok(d, r, "N/A (this bd keeps no such state)");
}

/* ---- logs that nobody cuts ---- */

void runtime_logs(struct doctor *d, struct doctor_result *r) {
    const char **names, *largest = "";
    size_t n = d->ws->beads_dir ? doctor_list(d, d->ws->beads_dir, &names) : 0;
    uint64_t size = 0;
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        const char *path = doctor_path(d, names[i]);
        if ((fnmatch("*.log", names[i], 0) != 0 && fnmatch("*.log.[0-9]", names[i], 0) != 0) ||
            os_stat(path, &st))
            continue;
        if ((uint64_t)st.st_size > size) {
            size = (uint64_t)st.st_size;
            largest = path;
        }
    }
    if (size < (UINT64_C(100) << 20)) {
        doctor_ok(d, r, size ? "Small" : "None");
        return;
    }
    doctor_warn(d, r, "%s has %s", largest, doctor_bytes(d, size));
    doctor_hint(d, r, "Stop the program that writes it, then move the file away");
}

/* ---- files that a killed program did not finish ---- */

static size_t temporary(struct doctor *d, struct old_file *out, size_t max) {
    static const char *const patterns[] = {".backup-tmp-*", "*.tmp", "*.tmp-*", ".tmp-*", "*.tmp.*"};
    const char **names;
    size_t n = d->ws->beads_dir ? doctor_list(d, d->ws->beads_dir, &names) : 0, found = 0;
    for (size_t i = 0; i < n && found < max; i++)
        for (size_t k = 0; k < sizeof patterns / sizeof *patterns; k++) {
            const char *path = doctor_path(d, names[i]);
            int64_t age;
            if (fnmatch(patterns[k], names[i], 0) != 0 || os_is_dir(path) ||
                (age = doctor_age(d, path)) < HOUR)
                continue;
            out[found++] = (struct old_file){path, names[i], age};
            break;
        }
    return found;
}

/* Packs that git did not finish, in the caches of git remotes: they can fill a disk. */
static uint64_t unfinished_packs(struct doctor *d, const char **where) {
    const char *cache = d->ws->database_dir
                            ? arena_printf(d->arena, "%s/.dolt/git-remote-cache", d->ws->database_dir)
                            : "";
    const char **remotes, **names;
    uint64_t sum = 0;
    size_t n = *cache ? doctor_list(d, cache, &remotes) : 0;
    for (size_t i = 0; i < n; i++) {
        const char *pack = arena_printf(d->arena, "%s/%s/repo.git/objects/pack", cache, remotes[i]);
        size_t m = doctor_list(d, pack, &names);
        for (size_t k = 0; k < m; k++) {
            const char *path = arena_printf(d->arena, "%s/%s", pack, names[k]);
            if (strncmp(names[k], "tmp_pack_", 9) != 0 || doctor_age(d, path) < HOUR)
                continue;
            sum += doctor_disk_usage(path);
            *where = arena_printf(d->arena, "%s/%s/repo.git", cache, remotes[i]);
        }
    }
    return sum;
}

void runtime_temporary(struct doctor *d, struct doctor_result *r) {
    struct old_file list[32];
    const char *names[32], *where = "";
    size_t n = temporary(d, list, 32);
    uint64_t packs = unfinished_packs(d, &where);
    for (size_t i = 0; i < n; i++)
        names[i] = list[i].name;
    if (n) {
        doctor_warn(d, r, "%zu unfinished file(s) of programs that died: %s", n,
                    doctor_sample(d, names, n));
        doctor_offer(d, r, "set them aside");
    } else if (packs) {
        doctor_warn(d, r, "%s of unfinished git packs in %s", doctor_bytes(d, packs), where);
        doctor_hint(d, r, "Run: git -C %s prune", where);
    } else {
        doctor_ok(d, r, "No unfinished files");
    }
}

int runtime_temporary_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    struct old_file list[32];
    return set_aside(rp, list, temporary(d, list, 32), err);
}

/* ---- the file system ---- */

#ifndef CIFS_SUPER_MAGIC
#define CIFS_SUPER_MAGIC 0xFF534D42
#endif
#ifndef SMB2_SUPER_MAGIC
#define SMB2_SUPER_MAGIC 0xFE534D42
#endif
#ifndef V9FS_MAGIC
#define V9FS_MAGIC 0x01021997
#endif

void runtime_nocow(struct doctor *d, struct doctor_result *r) {
    struct statfs fs;
    int flags = 0, fd;
    if (!d->ws->beads_dir || statfs(d->ws->beads_dir, &fs) ||
        (unsigned long)fs.f_type != BTRFS_SUPER_MAGIC) {
        doctor_ok(d, r, "N/A (not btrfs)");
        return;
    }
    fd = os_open(d->ws->beads_dir, O_RDONLY | O_DIRECTORY, 0);
    bool known = fd >= 0 && ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
    if (fd >= 0)
        os_close(fd);
    if (!known || (flags & FS_NOCOW_FL)) {
        doctor_ok(d, r, known ? "No copy-on-write" : "N/A (flags cannot be read)");
        return;
    }
    doctor_warn(d, r, "Copy-on-write is on in %s", d->ws->beads_dir);
    doctor_detail(d, r, "Every append to the journal is copied; this makes writes slow");
    doctor_offer(d, r, "switch it off for new files");
}

int runtime_nocow_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    int flags = 0, fd = os_open(d->ws->beads_dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return err_errno(err, "cannot open %s", d->ws->beads_dir);
    bool ok = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
    flags |= FS_NOCOW_FL;
    ok = ok && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
    int rc = ok ? BD_OK : err_errno(err, "cannot set the flag on %s", d->ws->beads_dir);
    os_close(fd);
    if (ok)
        doctor_did(rp, "New files in %s are no longer copied on write", d->ws->beads_dir);
    return rc;
}

/* Who holds the store's lock right now, from the kernel's list; asks for no lock itself. */
static long lock_owner(struct doctor *d, const char *path, char name[64]) {
    struct stat st;
    char line[256];
    long owner = 0;
    FILE *f = os_stat(path, &st) ? NULL : fopen("/proc/locks", "re");
    while (f && !owner && fgets(line, sizeof line, f)) {
        unsigned major_number, minor_number;
        unsigned long inode;
        long pid;
        if (sscanf(line, "%*s FLOCK %*s %*s %ld %x:%x:%lu", &pid, &major_number, &minor_number,
                   &inode) == 4 &&
            inode == (unsigned long)st.st_ino && major_number == major(st.st_dev) &&
            minor_number == minor(st.st_dev))
            owner = pid;
    }
    if (f)
        fclose(f);
    name[0] = 0;
    if (owner) {
        char *comm = doctor_read(d, arena_printf(d->arena, "/proc/%ld/comm", owner), NULL);
        snprintf(name, 64, "%.*s", comm ? (int)strcspn(comm, "\n") : 1, comm ? comm : "?");
    }
    return owner;
}

void runtime_locking(struct doctor *d, struct doctor_result *r) {
    const char *dir =
        d->ws->database_dir && os_is_dir(d->ws->database_dir) ? d->ws->database_dir : d->ws->beads_dir;
    struct statfs fs;
    char owner_name[64];
    if (!dir) {
        doctor_ok(d, r, "N/A (no database)");
        return;
    }
    int fd = os_open(dir, O_RDONLY | O_DIRECTORY, 0);
    bool works = fd >= 0 && (os_flock(fd, LOCK_SH | LOCK_NB) == 0 || errno == EWOULDBLOCK);
    int why = errno;
    if (fd >= 0)
        os_close(fd);
    if (!works) {
        doctor_bad(d, r, "Files cannot be locked here (%s)", strerror(why));
        doctor_detail(d, r, "Two programs could write at once; bd refuses to write");
        doctor_hint(d, r, "Move %s to a local disk", dir);
        return;
    }
    long owner = lock_owner(d, arena_printf(d->arena, "%s/.dolt/noms/LOCK", dir), owner_name);
    if (owner && (strncmp(owner_name, "dolt", 4) == 0)) {
        doctor_warn(d, r, "%s (process %ld) holds the database: writes wait for it", owner_name, owner);
        doctor_hint(d, r, "Stop that server if nobody needs it");
        return;
    }
    unsigned long type = statfs(dir, &fs) ? 0 : (unsigned long)fs.f_type & 0xffffffffUL;
    if (type == NFS_SUPER_MAGIC || type == CIFS_SUPER_MAGIC || type == SMB2_SUPER_MAGIC ||
        type == V9FS_MAGIC)
        doctor_ok(d, r, "Works, on a network file system (all machines must share its locks)");
    else
        doctor_ok(d, r, "Works");
}

/* ---- servers ---- */

void runtime_shared_server(struct doctor *d, struct doctor_result *r) {
    const char *v = getenv("BEADS_DOLT_SHARED_SERVER");
    bool on = (v && (strcmp(v, "1") == 0 || strcasecmp(v, "true") == 0)) ||
              (d->config && config_bool(d->config, "dolt.shared-server"));
    if (!on) {
        doctor_ok(d, r, "N/A (not in use)");
        return;
    }
    doctor_warn(d, r, "A shared server is configured, which this bd cannot use yet");
    doctor_hint(d, r,
                "Unset BEADS_DOLT_SHARED_SERVER and dolt.shared-server to work with the workspace's "
                "own database");
}

/* ---- time ---- */

static double milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void runtime_speed(struct doctor *d, struct doctor_result *r) {
    uint64_t n = 0;
    struct err err = ERR_INIT;
    if (doctor_no_store(d, r))
        return;
    double start = milliseconds();
    if (!tables_has_table(d->x, "issues") || tables_count_all(d->x, "issues", NULL, &n, &err)) {
        doctor_ok(d, r, "N/A (nothing to count)");
        return;
    }
    double took = milliseconds() - start;
    if (took < 500) {
        doctor_ok(d, r, "%.1f ms for a count", took);
        return;
    }
    doctor_warn(d, r, "%.0f ms for a count of %" PRIu64 " issues", took, n);
    doctor_hint(d, r, "Run 'bd doctor --perf' for more, 'bd gc --skip-decay' if the journal is long");
}
