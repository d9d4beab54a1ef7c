/*
 * A disk whose power can be cut. Operations pass through to a real directory (what a running machine
 * sees), while a shadow keeps what is durable: a file's bytes up to its last sync, a directory's
 * entries up to its last sync, and every change since. A cut builds a new directory from the durable
 * state and any subset of the later changes, writes torn into sectors. Nothing is really synced, so it
 * is fast.
 *
 * One directory tree at a time; paths are those given to power_start and below. Include once.
 */
#ifndef TESTS_CRASH_POWER_CUT_H
#define TESTS_CRASH_POWER_CUT_H

#include "base/mem.h"
#include "base/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POWER_SECTOR 512u
#define POWER_FDS 1024
#define POWER_NODES 4096

/* One change of a file since its last sync: bytes at an offset, or a new size (bytes NULL). */
struct power_change {
    uint64_t offset;
    uint8_t *bytes;
    size_t size;
};
struct power_node {
    bool is_dir;
    uint8_t *durable;
    size_t durable_size;
    struct power_change *changes;
    size_t count, capacity;
};

/* A directory's change: `name` in the directory `dir` becomes `node`, or goes away (node -1); a rename
 * also removes `old_name` in `old_dir`. Directories are named by their nodes, so they can be moved. */
struct power_entry {
    int dir, old_dir, node;
    bool swap; /* the two names change places instead */
    char name[100], old_name[100];
};
struct power_entries {
    struct power_entry *items;
    size_t count, capacity;
};

static struct {
    char root[300];
    struct power_node nodes[POWER_NODES];
    int node_count;
    struct power_entries now;     /* what the machine sees */
    struct power_entries durable; /* what is on the medium */
    struct power_entries pending; /* changes of directories since they were synced */
    int fd_node[POWER_FDS];       /* -1: not ours; else the node of a file or directory */
    uint64_t random;
    long operations; /* changes and syncs so far */
    long stop_at;    /* the operation at which the machine stops; 0 = never */
    long stop_sync;  /* or the sync from now at which it stops: the moment that matters most */
    bool stopped;
    long fail_at; /* the operation that fails with fail_errno, once */
    int fail_errno;
    bool failed;
} power;

static uint64_t power_random(uint64_t below) {
    power.random ^= power.random << 13;
    power.random ^= power.random >> 7;
    power.random ^= power.random << 17;
    return (power.random * UINT64_C(0x2545F4914F6CDD1D) >> 16) % below;
}

static struct power_entry *power_find(struct power_entries *e, int dir, const char *name) {
    for (size_t i = 0; i < e->count; i++)
        if (e->items[i].dir == dir && strcmp(e->items[i].name, name) == 0)
            return &e->items[i];
    return NULL;
}

/* The entry by which the machine sees a directory. */
static struct power_entry *power_dir_entry(int node) {
    for (size_t i = 0; i < power.now.count; i++)
        if (power.now.items[i].node == node)
            return &power.now.items[i];
    return NULL;
}

/* The node of the directory that holds `path`, -1 when it is not on this disk; `name` is its last part.
 */
static int power_parent(const char *path, char name[100]) {
    size_t n = strlen(power.root);
    if (strncmp(path, power.root, n) != 0 || path[n] != '/')
        return -1;
    int dir = 0; /* the root */
    for (const char *part = path + n + 1;; part++) {
        size_t size = strcspn(part, "/");
        snprintf(name, 100, "%.*s", (int)size, part);
        if (!part[size])
            return dir;
        bool up = strcmp(name, "..") == 0;
        struct power_entry *e = up ? power_dir_entry(dir) : power_find(&power.now, dir, name);
        if (!e)
            return -1;
        dir = up ? e->dir : e->node;
        part += size;
    }
}

/* Applies one directory change to a set of entries. */
static void power_apply(struct power_entries *e, const struct power_entry *change) {
    struct power_entry *gone = power_find(e, change->dir, change->name);
    if (change->swap) {
        struct power_entry *other = power_find(e, change->old_dir, change->old_name);
        if (gone && other) {
            int node = gone->node;
            gone->node = other->node;
            other->node = node;
        }
        return;
    }
    if (gone)
        *gone = e->items[--e->count];
    gone = change->old_name[0] ? power_find(e, change->old_dir, change->old_name) : NULL;
    if (gone)
        *gone = e->items[--e->count];
    if (change->node >= 0) {
        MEM_GROW(e->items, e->capacity, e->count + 1);
        e->items[e->count] = *change;
        e->items[e->count++].old_name[0] = '\0';
    }
}

static void power_dir_changed(const char *path, const char *old_path, int node, bool swap) {
    struct power_entry change = {.node = node, .swap = swap};
    change.dir = power_parent(path, change.name);
    if (old_path)
        change.old_dir = power_parent(old_path, change.old_name);
    if (change.dir < 0 || change.old_dir < 0)
        abort();
    power_apply(&power.now, &change);
    MEM_GROW(power.pending.items, power.pending.capacity, power.pending.count + 1);
    power.pending.items[power.pending.count++] = change;
}

static void power_dir_change(const char *path, const char *old_path, int node) {
    power_dir_changed(path, old_path, node, false);
}

static int power_node_at(const char *path) {
    char name[100];
    if (strcmp(path, power.root) == 0)
        return 0;
    int dir = power_parent(path, name);
    struct power_entry *e = dir < 0 ? NULL : power_find(&power.now, dir, name);
    return e ? e->node : -1;
}

static int power_new_node(bool is_dir) {
    if (power.node_count == POWER_NODES)
        abort();
    power.nodes[power.node_count] = (struct power_node){.is_dir = is_dir};
    return power.node_count++;
}

static void power_record(int node, uint64_t offset, const void *bytes, size_t size) {
    struct power_node *n = &power.nodes[node];
    MEM_GROW(n->changes, n->capacity, n->count + 1);
    n->changes[n->count++] = (struct power_change){offset, bytes ? mem_dup(bytes, size) : NULL, size};
}

static void power_resize(struct power_node *n, size_t size) {
    if (size > n->durable_size) {
        n->durable = mem_realloc(n->durable, size);
        memset(n->durable + n->durable_size, 0, size - n->durable_size);
    }
    n->durable_size = size;
}

static void power_write_durable(struct power_node *n, uint64_t offset, const uint8_t *bytes,
                                size_t size) {
    if (offset + size > n->durable_size)
        power_resize(n, (size_t)(offset + size));
    memcpy(n->durable + offset, bytes, size);
}

/* All (keep_all) or any of the changes of a file reach the medium. */
static void power_settle(struct power_node *n, bool keep_all) {
    uint64_t how = power_random(4); /* all, none, or a mixture (twice as likely) */
    uint64_t longest = n->durable_size;
    for (size_t i = 0; i < n->count; i++) {
        struct power_change *c = &n->changes[i];
        if (!c->bytes) {
            if (keep_all || (how > 1 ? power_random(2) : how == 0)) {
                power_resize(n, (size_t)c->offset);
                longest = c->offset;
            }
            continue;
        }
        if (c->offset + c->size > longest)
            longest = c->offset + c->size;
        if (keep_all || how == 0) {
            power_write_durable(n, c->offset, c->bytes, c->size);
        } else if (how > 1) {
            /* Torn into sectors or into pages, of which half or nearly all arrive. */
            size_t grain = power_random(2) ? POWER_SECTOR : 8 * POWER_SECTOR;
            uint64_t odds = power_random(2) ? 2 : 8;
            for (size_t at = 0; at < c->size;) {
                size_t step = grain - (size_t)((c->offset + at) % grain);
                if (step > c->size - at)
                    step = c->size - at;
                if (power_random(odds))
                    power_write_durable(n, c->offset + at, c->bytes + at, step);
                at += step;
            }
        }
    }
    if (!keep_all && longest > n->durable_size &&
        power_random(2)) /* the size arrived, the bytes did not */
        power_resize(n, n->durable_size + (size_t)power_random(longest - n->durable_size + 1));
    for (size_t i = 0; i < n->count; i++)
        free(n->changes[i].bytes);
    n->count = 0;
}

static void power_settle_dir(int dir) {
    size_t kept = 0;
    for (size_t i = 0; i < power.pending.count; i++) {
        const struct power_entry change = power.pending.items[i];
        if (change.dir != dir && !(change.old_name[0] && change.old_dir == dir)) {
            power.pending.items[kept++] = change;
            continue;
        }
        power_apply(&power.durable, &change);
        /* What happened to the old name before has become meaningless. */
        for (size_t k = kept; k-- > 0 && change.old_name[0] && !change.swap;) {
            const struct power_entry *earlier = &power.pending.items[k];
            if (earlier->dir == change.old_dir && strcmp(earlier->name, change.old_name) == 0) {
                memmove(&power.pending.items[k], &power.pending.items[k + 1],
                        (kept - k - 1) * sizeof *earlier);
                kept--;
            }
        }
    }
    power.pending.count = kept;
}

/* --- the table of operations --- */

/* Counts an operation. False when it must not happen (errno is set). */
static bool power_step(void) {
    if (power.stopped) {
        errno = EIO;
        return false;
    }
    power.operations++;
    if (power.operations == power.stop_at) {
        power.stopped = true;
        errno = EIO;
        return false;
    }
    if (power.operations == power.fail_at) {
        power.failed = true;
        errno = power.fail_errno;
        return false;
    }
    return true;
}

static int power_open(const char *path, int flags, mode_t mode) {
    if (power.stopped) {
        errno = EIO;
        return -1;
    }
    bool exists = access(path, F_OK) == 0;
    bool changes = ((flags & O_CREAT) && !exists) || ((flags & O_TRUNC) && exists);
    if (changes && !power_step())
        return -1;
    int fd = os_system_ops.open(path, flags, mode);
    if (fd < 0)
        return fd;
    if (fd >= POWER_FDS)
        abort();
    int node = power_node_at(path);
    if (flags & O_DIRECTORY) {
        power.fd_node[fd] = node;
        return fd;
    }
    if (node < 0) {
        node = power_new_node(false);
        power_dir_change(path, NULL, node);
    } else if (flags & O_TRUNC) {
        power_record(node, 0, NULL, 0);
    }
    power.fd_node[fd] = node;
    return fd;
}

static ssize_t power_pread(int fd, void *buf, size_t size, off_t offset) {
    if (power.stopped) {
        errno = EIO;
        return -1;
    }
    return pread(fd, buf, size, offset);
}

static ssize_t power_pwrite(int fd, const void *buf, size_t size, off_t offset) {
    bool was_stopped = power.stopped;
    size_t part = size;
    bool ok = power_step();
    if (!ok) {
        if (was_stopped || size == 0)
            return -1;
        part = (size_t)power_random(size + 1); /* the interrupted write arrived in part */
    }
    int number = errno;
    if (part > 0 && pwrite(fd, buf, part, offset) != (ssize_t)part)
        abort();
    if (part > 0)
        power_record(power.fd_node[fd], (uint64_t)offset, buf, part);
    errno = number;
    return ok ? (ssize_t)size : -1;
}

static int power_sync(int fd) {
    bool was_stopped = power.stopped;
    if (power.stop_sync > 0 && --power.stop_sync == 0)
        power.stop_at = power.operations + 1;
    bool ok = power_step();
    if (ok || (!was_stopped && power_random(2))) {
        int node = power.fd_node[fd];
        if (node >= 0 && power.nodes[node].is_dir)
            power_settle_dir(node);
        else if (node >= 0)
            power_settle(&power.nodes[node], true);
    }
    return ok ? 0 : -1;
}

static int power_ftruncate(int fd, off_t size) {
    if (!power_step())
        return -1;
    power_record(power.fd_node[fd], (uint64_t)size, NULL, 0);
    return ftruncate(fd, size);
}

static int power_rename(const char *from, const char *to) {
    if (!power_step())
        return -1;
    int node = power_node_at(from);
    if (rename(from, to) < 0)
        return -1;
    power_dir_change(to, from, node);
    return 0;
}
static int power_exchange(const char *one, const char *other) {
    if (!power_step())
        return -1;
    if (os_system_ops.exchange(one, other) < 0)
        return -1;
    power_dir_changed(one, other, -1, true);
    return 0;
}

static int power_unlink(const char *path) {
    if (power_node_at(path) < 0) {
        errno = power.stopped ? EIO : ENOENT;
        return -1;
    }
    if (!power_step() || unlink(path) < 0)
        return -1;
    power_dir_change(path, NULL, -1);
    return 0;
}

static int power_mkdir(const char *path, mode_t mode) {
    if (!power_step() || mkdir(path, mode) < 0)
        return -1;
    power_dir_change(path, NULL, power_new_node(true));
    return 0;
}

static int power_rmdir(const char *path) {
    if (!power_step() || rmdir(path) < 0)
        return -1;
    power_dir_change(path, NULL, -1);
    return 0;
}

static int power_stat(const char *path, struct stat *st) {
    if (power.stopped) {
        errno = EIO;
        return -1;
    }
    return stat(path, st);
}

static const struct os_ops *power_ops(void) {
    static struct os_ops ops;
    ops = os_system_ops;
    ops.open = power_open;
    ops.pread = power_pread;
    ops.pwrite = power_pwrite;
    ops.fdatasync = power_sync;
    ops.fsync = power_sync;
    ops.ftruncate = power_ftruncate;
    ops.rename = power_rename;
    ops.exchange = power_exchange;
    ops.unlink = power_unlink;
    ops.mkdir = power_mkdir;
    ops.rmdir = power_rmdir;
    ops.stat = power_stat;
    return &ops;
}

static void power_forget(void) {
    for (int i = 0; i < power.node_count; i++) {
        struct power_node *n = &power.nodes[i];
        for (size_t k = 0; k < n->count; k++)
            free(n->changes[k].bytes);
        free(n->changes);
        free(n->durable);
    }
    free(power.now.items);
    free(power.durable.items);
    free(power.pending.items);
    memset(&power, 0, sizeof power);
}

/* An empty disk below `root`, an existing empty directory. */
static void power_start(const char *root, uint64_t seed) {
    power_forget();
    snprintf(power.root, sizeof power.root, "%s", root);
    power.random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    power_new_node(true); /* the root */
    os_set_ops(power_ops());
}

/* The format may name the path twice. */
static void power_run_shell(const char *format, const char *path) {
    char command[700];
    snprintf(command, sizeof command, format, path, path);
    if (system(command) != 0)
        abort();
}

/* Writes the entries of a directory of the medium, and makes them what the machine sees. */
static void power_write_dir(int dir, const char *path) {
    for (size_t i = 0; i < power.durable.count; i++) {
        const struct power_entry e = power.durable.items[i];
        const struct power_node *n = &power.nodes[e.node];
        char inside[600];
        if (e.dir != dir)
            continue;
        snprintf(inside, sizeof inside, "%s/%s", path, e.name);
        power_apply(&power.now, &e);
        if (n->is_dir) {
            if (mkdir(inside, 0755) < 0)
                abort();
            power_write_dir(e.node, inside);
            continue;
        }
        int fd = open(inside, O_CREAT | O_WRONLY, 0644);
        if (fd < 0 || write(fd, n->durable, n->durable_size) != (ssize_t)n->durable_size)
            abort();
        close(fd);
    }
}

/* Cuts the power and switches on again: the directory now holds what survived. All files are closed. */
static void power_cycle(void) {
    for (int i = 0; i < power.node_count; i++)
        power_settle(&power.nodes[i], false);
    /* Directory changes: a prefix, as journalling file systems do, or any subset. */
    bool ordered = power_random(2);
    size_t prefix = (size_t)power_random(power.pending.count + 1);
    for (size_t i = 0; i < power.pending.count; i++)
        if (ordered ? i < prefix : power_random(2))
            power_apply(&power.durable, &power.pending.items[i]);
    power.pending.count = 0;
    power_run_shell("rm -rf '%s'/* '%s'/.[!.]* 2>/dev/null || true", power.root);
    /* What lies below a directory that did not survive is lost with it. */
    power.now.count = 0;
    power_write_dir(0, power.root);
    power.durable.count = 0;
    for (size_t i = 0; i < power.now.count; i++)
        power_apply(&power.durable, &power.now.items[i]);
    power.stopped = power.failed = false;
    power.stop_at = power.fail_at = power.stop_sync = 0;
}

#endif
