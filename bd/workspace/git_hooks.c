/* Hook files: finding, installing, carrying along what was there, uninstalling. */
#include "bd/workspace/git_hooks.h"

#include "base/os.h"
#include "bd/workspace/git.h"
#include "bd/workspace/process.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HOOK_SIZE_MAX ((size_t)4 << 20)
#define NEW_HOOK "#!/usr/bin/env sh\n"

/* Texts are in the arena; NULL with errno. */
static char *read_hook(const char *path, struct arena *a) {
    char *data;
    size_t size;
    if (os_read_file(path, HOOK_SIZE_MAX, &data, &size))
        return NULL;
    char *text = arena_strndup(a, data, size);
    free(data);
    return text;
}

static const char *without_cr(const char *text, struct arena *a) {
    char *out = arena_strdup(a, text), *to = out;
    for (const char *p = text; *p; p++)
        if (*p != '\r' || p[1] != '\n')
            *to++ = *p;
    *to = 0;
    return out;
}

/* Writes through symbolic links, as an editor would. `mode` is that of a new file. */
static int write_hook(const char *path, const char *text, mode_t mode, struct err *err) {
    char real[PATH_MAX];
    struct stat st;
    if (os_stat(path, &st) == 0) {
        mode = st.st_mode & 0777;
        path = realpath(path, real) ? real : path;
    }
    return os_write_file_atomic(path, text, strlen(text), mode)
               ? err_errno(err, "failed to write %s", path)
               : BD_OK;
}

/* ---- directories ---- */

/* The working tree of the main repository, or the repository itself when it is bare. */
static const char *main_root(const struct git_repo *repo, struct arena *a) {
    const char *slash = strrchr(repo->common_dir, '/');
    return slash && strcmp(slash, "/.git") == 0
               ? arena_strndup(a, repo->common_dir, (size_t)(slash - repo->common_dir))
           : repo->linked ? repo->common_dir
                          : repo->root;
}

static bool find_repo(const char *directory, struct arena *a, struct git_repo *repo) {
    if (git_find(directory, a, repo))
        return true;
    char *dir = process_git(directory, (const char *const[]){"rev-parse", "--absolute-git-dir", NULL});
    if (!dir)
        return false;
    *repo = (struct git_repo){.root = arena_strdup(a, dir)}; /* bare */
    repo->git_dir = repo->common_dir = repo->root;
    free(dir);
    return true;
}

const char *git_hooks_dir(const char *directory, struct arena *a) {
    struct git_repo repo;
    const char *home = getenv("HOME");
    if (!find_repo(directory, a, &repo))
        return NULL;
    const char *path = git_setting(directory, "core.hooksPath", a);
    if (!path || !*path)
        return arena_printf(a, "%s/hooks", repo.common_dir);
    if (home && path[0] == '~' && (path[1] == '/' || !path[1]))
        return arena_printf(a, "%s%s", home, path + 1);
    return *path == '/' ? path : arena_printf(a, "%s/%s", repo.root, path);
}

void git_hooks_list(const char *directory, struct arena *a, struct git_hook out[GIT_HOOK_COUNT]) {
    const char *dir = git_hooks_dir(directory, a);
    for (size_t i = 0; i < GIT_HOOK_COUNT; i++) {
        out[i] = (struct git_hook){.name = git_hook_names[i], .version = ""};
        const char *text = dir ? read_hook(arena_printf(a, "%s/%s", dir, out[i].name), a) : NULL;
        out[i].installed = text != NULL;
        if (text)
            git_hook_classify(text, a, &out[i]);
    }
}

/* ---- carrying hooks along when core.hooksPath moves ---- */

static bool is_husky(const char *dir) {
    size_t n = strlen(dir);
    return (n >= 7 && strcmp(dir + n - 7, "/.husky") == 0) ||
           (n >= 9 && strcmp(dir + n - 9, "/.husky/_") == 0);
}

/* Nothing but comments and white space. */
static bool does_nothing(const char *text) {
    for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
        const char *p = text + strspn(text, " \t\r");
        if (*p && *p != '\n' && *p != '#')
            return false;
    }
    return true;
}

/* Version 9 puts a dispatcher beside stubs; the hooks proper lie one directory above. */
static bool has_dispatcher(const char *dir, struct arena *a) {
    const char *text = read_hook(arena_printf(a, "%s/h", dir), a);
    return text && strstr(text, "dirname \"$(dirname");
}

/* What of a hook's text is the user's; NULL when it was bd's alone. */
static const char *users_part(const char *text, bool husky, struct arena *a) {
    bool ours;
    if (strstr(text, "# bd (beads)"))
        return NULL;
    text = git_hook_without_section(text, &ours, a);
    if (ours && does_nothing(text))
        return NULL;
    text = without_cr(text, a);
    return husky ? git_hook_without_husky(text, a) : text;
}

static void carry_one(const struct git_hooks_request *rq, const char *from, const char *to,
                      const char *name, bool dispatched, struct arena *a) {
    const char *path = arena_printf(a, "%s/%s", from, name),
               *target = arena_printf(a, "%s/%s", to, name);
    size_t n = strlen(name);
    struct err err = ERR_INIT;
    struct stat st;
    if (*name == '.' || (n > 7 && strcmp(name + n - 7, ".sample") == 0) || os_exists(target) ||
        os_stat(path, &st) || !S_ISREG(st.st_mode))
        return;
    if (is_husky(from) && (strcmp(name, "h") == 0 || strcmp(name, "husky.sh") == 0))
        return;
    const char *text = read_hook(path, a);
    if (dispatched) {
        const char *slash = strrchr(from, '/');
        text = read_hook(arena_printf(a, "%.*s/%s", (int)(slash - from), from, name), a);
        if (text && strncmp(text, "#!", 2) != 0)
            text = arena_printf(a, NEW_HOOK "%s", text);
    }
    if (text)
        text = users_part(text, is_husky(from), a);
    if (!text)
        return;
    if (os_write_file_atomic(target, text, strlen(text), st.st_mode & 0111 ? 0755 : 0644)) {
        err_errno(&err, "failed to preserve %s hook from %s", name, from);
        buf_addf(rq->warnings, "Warning: %s\n", err.msg);
        return;
    }
    buf_addf(rq->notes, "  Preserving existing %s hook from %s\n", name, from);
}

/* Hooks that git ran so far would silently stop when it looks elsewhere. */
static void carry_hooks(const struct git_hooks_request *rq, const struct git_repo *repo, const char *to,
                        struct arena *a) {
    const char *from = git_hooks_dir(rq->directory, a), *root = main_root(repo, a);
    char **names;
    size_t count;
    if (!from || strcmp(from, to) == 0 || strcmp(from, arena_printf(a, "%s/.beads/hooks", root)) == 0 ||
        strcmp(from, arena_printf(a, "%s/.beads-hooks", root)) == 0 ||
        os_list_dir(from, &names, &count))
        return;
    bool dispatched = has_dispatcher(from, a);
    for (size_t i = 0; i < count; i++)
        carry_one(rq, from, to, names[i], dispatched, a);
    os_free_list(names, count);
    /* Hooks of version 8 may still look for their helpers beside them. */
    const char *helpers = arena_printf(a, "%s/_", from);
    if (is_husky(from) && os_is_dir(helpers) && symlink(helpers, arena_printf(a, "%s/_", to)) < 0 &&
        errno != EEXIST)
        buf_addf(rq->warnings, "Warning: failed to link %s: %s\n", helpers, strerror(errno));
}

/* ---- installing ---- */

static int install_one(const char *dir, const char *name, struct arena *a, struct err *err) {
    const char *path = arena_printf(a, "%s/%s", dir, name), *section = git_hook_section(name, a);
    const char *text = read_hook(path, a);
    struct git_hook was = {0};
    if (!text && errno != ENOENT)
        return err_errno(err, "failed to read %s", path);
    if (text)
        git_hook_classify(text, a, &was);
    bool whole = text && was.is_bd && !strstr(text, "# --- BEGIN BEADS INTEGRATION");
    if (!text || whole) /* hooks that old versions wrote were bd's from the first line to the last */
        text = arena_printf(a, NEW_HOOK "%s", section);
    else
        text = git_hook_with_section(text, section, a);
    int rc = write_hook(path, without_cr(text, a), 0755, err);
    if (rc == BD_OK && was.is_bd && chmod(path, 0755) < 0)
        rc = err_errno(err, "failed to make %s executable", path);
    return rc;
}

/* git resolves a relative core.hooksPath in each worktree anew, so the path is absolute. */
static int point_git_at(const char *root, const char *dir, struct err *err) {
    char *out = process_git(root, (const char *const[]){"config", "core.hooksPath", dir, NULL});
    if (!out)
        return err_set(err, BD_IO,
                       "failed to configure git hooks path: git config core.hooksPath %s failed", dir);
    free(out);
    return BD_OK;
}

int git_hooks_install(const struct git_hooks_request *rq, struct err *err) {
    struct arena a = ARENA_INIT;
    struct git_repo repo;
    int rc = BD_OK;
    if (!find_repo(rq->directory, &a, &repo)) {
        arena_release(&a);
        return err_set(err, BD_NOT_FOUND, "not a git repository: %s", rq->directory);
    }
    const char *root = main_root(&repo, &a), *dir = git_hooks_dir(rq->directory, &a);
    if (rq->place == GIT_HOOKS_BEADS)
        dir = arena_printf(&a, "%s/hooks", rq->beads_dir);
    else if (rq->place == GIT_HOOKS_SHARED)
        dir = arena_printf(&a, "%s/.beads-hooks", root);
    if (os_mkdir_p(dir, rq->place == GIT_HOOKS_BEADS ? 0700 : 0755) && errno != EEXIST)
        rc = err_errno(err, "failed to create hooks directory %s", dir);
    if (rc == BD_OK && rq->place != GIT_HOOKS_GIT)
        carry_hooks(rq, &repo, dir, &a);
    for (size_t i = 0; i < GIT_HOOK_COUNT && rc == BD_OK; i++)
        if (!rq->two_only || i < 2)
            rc = install_one(dir, git_hook_names[i], &a, err);
    if (rc == BD_OK && rq->place != GIT_HOOKS_GIT)
        rc = point_git_at(root, dir, err);
    arena_release(&a);
    return rc;
}

/* ---- uninstalling ---- */

static int uninstall_one(const struct git_hooks_request *rq, const char *dir, const char *name,
                         struct arena *a, struct err *err) {
    const char *path = arena_printf(a, "%s/%s", dir, name), *text = read_hook(path, a);
    struct git_hook was = {0};
    bool found;
    if (!text)
        return errno == ENOENT ? BD_OK : err_errno(err, "failed to read %s", path);
    const char *rest = git_hook_without_section(text, &found, a);
    if (found) {
        const char *line = rest + strspn(rest, " \t\r\n");
        if (strncmp(line, "#!", 2) == 0) {
            line += strcspn(line, "\n");
            line += strspn(line, " \t\r\n");
        }
        if (*line) /* more than the first line is left */
            return write_hook(path, rest, 0755, err);
        return os_unlink(path) ? err_errno(err, "failed to remove %s", path) : BD_OK;
    }
    git_hook_classify(text, a, &was);
    if (!was.is_bd)
        return BD_OK;
    const char *backup = arena_printf(a, "%s.backup", path);
    if (os_exists(backup) ? os_rename(backup, path) : os_unlink(path)) {
        err_errno(err, "failed to remove %s", path);
        buf_addf(rq->warnings, "Warning: %s\n", err->msg);
    }
    return BD_OK;
}

static void forget_path(const struct git_hooks_request *rq, const struct git_repo *repo,
                        struct arena *a) {
    const char *root = main_root(repo, a), *path = git_setting(rq->directory, "core.hooksPath", a);
    const char *ours[] = {".beads/hooks", ".beads-hooks", arena_printf(a, "%s/.beads/hooks", root),
                          arena_printf(a, "%s/.beads-hooks", root),
                          rq->beads_dir ? arena_printf(a, "%s/hooks", rq->beads_dir) : ".beads/hooks"};
    for (size_t i = 0; path && i < sizeof ours / sizeof *ours; i++)
        if (strcmp(path, ours[i]) == 0) {
            char *out =
                process_git(root, (const char *const[]){"config", "--unset", "core.hooksPath", NULL});
            if (!out)
                buf_addf(rq->warnings,
                         "Warning: failed to reset core.hooksPath: git config --unset failed\n");
            free(out);
            return;
        }
}

int git_hooks_uninstall(const struct git_hooks_request *rq, struct err *err) {
    struct arena a = ARENA_INIT;
    struct git_repo repo;
    int rc = BD_OK;
    if (!find_repo(rq->directory, &a, &repo)) {
        arena_release(&a);
        return err_set(err, BD_NOT_FOUND, "not a git repository: %s", rq->directory);
    }
    const char *dir = git_hooks_dir(rq->directory, &a);
    for (size_t i = 0; i < GIT_HOOK_COUNT && rc == BD_OK; i++)
        rc = uninstall_one(rq, dir, git_hook_names[i], &a, err);
    if (rc == BD_OK)
        forget_path(rq, &repo, &a);
    arena_release(&a);
    return rc;
}
