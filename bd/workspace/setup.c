/* The files of a new workspace. All texts are constants; existing files of the user are only added to.
 */
#include "bd/workspace/setup.h"

#include "base/os.h"
#include "bd/workspace/git.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BTRFS_MAGIC 0x9123683E
#define TEXT_FILE_MAX ((size_t)1 << 22)

static const char gitignore_text[] = "# The database keeps its own history\n"
                                     "dolt/\n"
                                     "embeddeddolt/\n"
                                     "proxieddb/\n"
                                     "\n"
                                     "# State of this clone and of running programs\n"
                                     "bd.sock\n"
                                     "bd.sock.startlock\n"
                                     "sync-state.json\n"
                                     "last-touched\n"
                                     ".exclusive-lock\n"
                                     "daemon.*\n"
                                     "push-state.json\n"
                                     "*.lock\n"
                                     ".local_version\n"
                                     "proxied_server_client_info.json\n"
                                     ".sync.lock\n"
                                     "export-state/\n"
                                     "export-state.json\n"
                                     "\n"
                                     "# Key of stored credentials: never commit it\n"
                                     ".beads-credential-key\n"
                                     "\n"
                                     "# Paths that hold in one worktree only\n"
                                     "redirect\n"
                                     "\n"
                                     "# Server files\n"
                                     "dolt-server.pid\n"
                                     "dolt-server.log\n"
                                     "dolt-server.lock\n"
                                     "dolt-server.port\n"
                                     "dolt-server.activity\n"
                                     "dolt-pprof/\n"
                                     "\n"
                                     "# Backups and what repairs leave behind\n"
                                     "backup/\n"
                                     "*.corrupt.backup/\n"
                                     "\n"
                                     "# Local settings\n"
                                     ".env\n"
                                     "\n"
                                     "# Files of old releases\n"
                                     "ephemeral.sqlite3\n"
                                     "ephemeral.sqlite3-journal\n"
                                     "ephemeral.sqlite3-wal\n"
                                     "ephemeral.sqlite3-shm\n"
                                     "*.db\n"
                                     "*.db?*\n"
                                     "*.db-journal\n"
                                     "*.db-wal\n"
                                     "*.db-shm\n"
                                     "db.sqlite\n"
                                     "bd.db\n";

/* An existing .beads/.gitignore that names all of these is left alone. */
const char *const setup_gitignore_patterns[] = {
    "*.db?*",
    ".env",
    "redirect",
    "last-touched",
    "bd.sock.startlock",
    ".sync.lock",
    "export-state/",
    "export-state.json",
    "dolt/",
    "embeddeddolt/",
    "proxieddb/",
    "ephemeral.sqlite3",
    "dolt-server.pid",
    "dolt-server.log",
    "dolt-server.lock",
    "dolt-server.port",
    "dolt-server.activity",
    "daemon.*",
    "proxied_server_client_info.json",
    "*.lock",
    "*.corrupt.backup/",
    ".beads-credential-key",
    NULL,
};

static const char config_text[] =
    "# Settings of bd in this repository. Every line is a comment until you take its # away; `bd "
    "config set KEY VALUE`\n"
    "# does that too. An environment variable BD_<KEY> and a command-line option win over this file. "
    "Settings of this\n"
    "# machine alone belong into config.local.yaml beside it.\n"
    "\n"
    "# Prefix of issue ids for `bd init` (else the name of the directory)\n"
    "# issue-prefix: \"\"\n"
    "\n"
    "# Print JSON without --json\n"
    "# json: false\n"
    "\n"
    "# Who acts (else BEADS_ACTOR, git user.name, USER)\n"
    "# actor: \"\"\n"
    "\n"
    "# Characters of a title in messages; 0 leaves titles out\n"
    "# output:\n"
    "#   title-length: 255\n"
    "\n"
    "# dolt:\n"
    "#   auto-commit: \"on\"        # when writes become commits: on (each command), off, batch (at "
    "`bd dolt commit`)\n"
    "#   local-only: false        # true: bd init wires no remote\n"
    "\n"
    "# A JSONL copy of all issues, written after changes (for viewers and exchange; not a backup)\n"
    "# export:\n"
    "#   auto: false\n"
    "#   path: issues.jsonl\n"
    "#   interval: 60s\n"
    "#   git-add: false\n"
    "\n"
    "# The file `bd init --from-jsonl` and the git hooks read\n"
    "# import:\n"
    "#   path: issues.jsonl\n"
    "\n"
    "# Backups of the whole database\n"
    "# backup:\n"
    "#   enabled: false\n"
    "#   interval: 15m\n"
    "\n"
    "# Must issues say enough? none, warn or error\n"
    "# validation:\n"
    "#   on-create: none\n"
    "#   on-close: none\n"
    "# create:\n"
    "#   require-description: false\n"
    "\n"
    "# More repositories to read from, and where new issues go\n"
    "# repos:\n"
    "#   primary: \".\"\n"
    "#   additional:\n"
    "#     - ~/planning\n"
    "# routing:\n"
    "#   mode: auto\n"
    "\n"
    "# Do not run .beads/hooks/on_create, on_update, on_close\n"
    "# no-hooks: false\n";

static const char readme_text[] =
    "# Issues of this repository\n"
    "\n"
    "This directory belongs to `bd`, an issue tracker on the command line. Issues, their dependencies "
    "and their whole\n"
    "history live in a versioned database in `embeddeddolt/`, which git does not track.\n"
    "\n"
    "```\n"
    "bd ready                      # what can be worked on now\n"
    "bd create \"Fix the login\"     # a new issue\n"
    "bd show ID                    # everything about one\n"
    "bd update ID --claim          # take it\n"
    "bd close ID                   # done\n"
    "bd dolt push                  # share the database\n"
    "```\n"
    "\n"
    "`config.yaml` holds the settings (`bd config show` lists them with their origin), `metadata.json` "
    "names the\n"
    "database. In a fresh clone run `bd bootstrap` once.\n";

static bool make_no_cow(const char *path) {
    struct statfs fs;
    int flags = 0, fd;
    if (statfs(path, &fs) || (unsigned long)fs.f_type != BTRFS_MAGIC ||
        (fd = os_open(path, O_RDONLY | O_DIRECTORY, 0)) < 0)
        return false;
    bool ok = ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0;
    flags |= FS_NOCOW_FL;
    ok = ok && ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
    os_close(fd);
    return ok;
}

int setup_directory(const char *beads_dir, bool *tightened, struct err *err) {
    struct stat st;
    *tightened = false;
    if (os_mkdir_p(beads_dir, 0700) || os_stat(beads_dir, &st))
        return err_errno(err, "failed to create .beads directory %s", beads_dir);
    if ((st.st_mode & 0077) && chmod(beads_dir, 0700) == 0)
        *tightened = true;
    make_no_cow(beads_dir); /* it only saves the file system work */
    return BD_OK;
}

static int write_new(const char *dir, const char *name, const char *text, mode_t mode,
                     struct err *err) {
    struct buf path = BUF_INIT;
    int rc = BD_OK;
    buf_addf(&path, "%s/%s", dir, name);
    if (!os_exists(path.data) && os_write_file_atomic(path.data, text, strlen(text), mode))
        rc = err_errno(err, "failed to write %s", path.data);
    buf_release(&path);
    return rc;
}

int setup_config(const char *beads_dir, struct err *err) {
    return write_new(beads_dir, "config.yaml", config_text, 0600, err);
}

int setup_readme(const char *beads_dir, struct err *err) {
    return write_new(beads_dir, "README.md", readme_text, 0644, err);
}

int setup_interactions(const char *beads_dir, struct err *err) {
    return write_new(beads_dir, "interactions.jsonl", "", 0644, err);
}

int setup_gitignore(const char *beads_dir, struct err *err) {
    struct buf path = BUF_INIT;
    char *text = NULL;
    size_t size;
    buf_addf(&path, "%s/.gitignore", beads_dir);
    bool good = os_read_file(path.data, TEXT_FILE_MAX, &text, &size) == 0;
    for (size_t i = 0; good && setup_gitignore_patterns[i]; i++)
        good = strstr(text, setup_gitignore_patterns[i]) != NULL;
    free(text);
    int rc = BD_OK;
    if (!good && os_write_file_atomic(path.data, gitignore_text, sizeof gitignore_text - 1, 0600))
        rc = err_errno(err, "failed to write %s", path.data);
    buf_release(&path);
    return rc;
}

/* Is there a line that says just this (white space around it aside)? */
static bool has_line(const char *text, const char *line) {
    size_t n = strlen(line);
    for (const char *p = text; *p;) {
        size_t size = strcspn(p, "\n"), end = size;
        const char *next = p + size + (p[size] == '\n');
        while (end && isspace((unsigned char)*p)) {
            p++;
            end--;
        }
        while (end && isspace((unsigned char)p[end - 1]))
            end--;
        if (end == n && memcmp(p, line, n) == 0)
            return true;
        p = next;
    }
    return false;
}

int setup_append_lines(const char *path, const char *heading, const char *const *lines, mode_t mode,
                       bool *changed, struct err *err) {
    char *text = NULL;
    size_t size = 0;
    struct buf out = BUF_INIT;
    bool any = false;
    int rc = BD_OK;
    if (os_read_file(path, TEXT_FILE_MAX, &text, &size) && errno != ENOENT)
        return err_errno(err, "failed to read %s", path);
    struct stat st;
    if (text && os_stat(path, &st) == 0)
        mode = st.st_mode & 0777;
    buf_add(&out, text ? text : "", size);
    if (out.size && out.data[out.size - 1] != '\n')
        buf_add_char(&out, '\n');
    for (size_t i = 0; lines[i]; i++) {
        if (text && has_line(text, lines[i]))
            continue;
        if (!any)
            buf_addf(&out, "\n%s\n", heading);
        any = true;
        buf_addf(&out, "%s\n", lines[i]);
    }
    if (any && os_write_file_atomic(path, buf_str(&out), out.size, mode))
        rc = err_errno(err, "failed to write %s", path);
    if (changed)
        *changed = any && rc == BD_OK;
    buf_release(&out);
    free(text);
    return rc;
}

int setup_project_gitignore(const char *project_dir, struct err *err) {
    static const char *const lines[] = {".dolt/", "*.db", ".beads-credential-key", ".beads/proxieddb/",
                                        NULL};
    struct buf path = BUF_INIT;
    buf_addf(&path, "%s/.gitignore", project_dir);
    int rc = setup_append_lines(path.data, "# Beads / Dolt files (added by bd init)", lines, 0644, NULL,
                                err);
    buf_release(&path);
    return rc;
}

/* ---- identities ---- */

static const char *hex_digest(const char *text, size_t bytes, struct arena *a) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    char *out = arena_alloc(a, 2 * bytes + 1);
    SHA256_CTX sha; /* the one-shot form would pull the whole EVP layer into the program */
    SHA256_Init(&sha);
    SHA256_Update(&sha, text, strlen(text));
    SHA256_Final(digest, &sha);
    for (size_t i = 0; i < bytes; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return out;
}

/* The main repository's directory, also from a linked worktree. */
static const char *main_root(const char *directory, struct arena *a) {
    struct git_repo repo;
    char real[4096];
    if (!git_find(directory, a, &repo))
        return NULL;
    const char *root = repo.root, *slash = strrchr(repo.common_dir, '/');
    if (repo.linked && slash)
        root = arena_strndup(a, repo.common_dir, (size_t)(slash - repo.common_dir));
    return realpath(root, real) ? arena_strdup(a, real) : root;
}

/* "host/path" of a URL: lower-case host, port only where unusual, no user, no ".git". */
static const char *canonical_url(const char *url, struct arena *a) {
    const char *scheme = strstr(url, "://"), *colon = strchr(url, ':'), *slash = strchr(url, '/');
    char real[4096];
    const char *host, *path;
    size_t host_size, port_size = 0;
    if (scheme) {
        host = scheme + 3;
        size_t n = strcspn(host, "/");
        path = host + n;
        const char *at = memrchr(host, '@', n);
        n -= at ? (size_t)(at + 1 - host) : 0;
        host = at ? at + 1 : host;
        const char *port = memrchr(host, ':', n);
        host_size = port ? (size_t)(port - host) : n;
        port_size = port ? n - host_size : 0;
        static const char *const usual[] = {":22", ":80", ":443", ":"};
        for (size_t i = 0; port && i < 4; i++)
            if (strlen(usual[i]) == port_size && memcmp(port, usual[i], port_size) == 0)
                port_size = 0;
    } else if (colon && colon != url && (!slash || colon < slash)) {
        const char *at = memrchr(url, '@', (size_t)(colon - url));
        host = at ? at + 1 : url;
        host_size = (size_t)(colon - host);
        path = arena_printf(a, "/%s", colon + 1);
    } else {
        return realpath(url, real) ? arena_strdup(a, real) : url;
    }
    char *lower = arena_strndup(a, host, host_size + port_size);
    for (char *p = lower; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    size_t n = strlen(path);
    while (n && path[n - 1] == '/')
        n--;
    if (n > 4 && memcmp(path + n - 4, ".git", 4) == 0)
        n -= 4;
    return arena_printf(a, "%s%.*s", lower, (int)n, path);
}

/* Value of `[remote "origin"] url`, asked of git. */
static const char *origin_url(const char *directory, struct arena *a) {
    const char *url = git_setting(directory, "remote.origin.url", a);
    return url && *url ? url : NULL;
}

const char *setup_repo_id(const char *directory, struct arena *a) {
    const char *url = origin_url(directory, a), *root = main_root(directory, a);
    if (!root)
        return NULL;
    return hex_digest(url ? canonical_url(url, a) : root, 16, a);
}

const char *setup_clone_id(const char *directory, struct arena *a) {
    char host[256];
    const char *root = main_root(directory, a);
    if (!root || gethostname(host, sizeof host))
        return NULL;
    host[sizeof host - 1] = 0;
    return hex_digest(arena_printf(a, "%s:%s", host, root), 8, a);
}

const char *setup_dolt_url(const char *url, struct arena *a) {
    static const char *const plain[] = {"http://", "https://", "ssh://"};
    for (size_t i = 0; i < 3; i++)
        if (strncmp(url, plain[i], strlen(plain[i])) == 0)
            return arena_printf(a, "git+%s", url);
    const char *colon = strchr(url, ':'), *slash = strchr(url, '/');
    if (!strstr(url, "://") && strchr(url, '@') && colon && colon != url && (!slash || colon < slash))
        return arena_printf(a, "git+ssh://%.*s/%s", (int)(colon - url), url, colon + 1);
    return arena_strdup(a, url);
}
