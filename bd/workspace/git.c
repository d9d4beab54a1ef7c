/* Git repositories seen through their files. */
#include "bd/workspace/git.h"

#include "base/os.h"
#include "bd/workspace/process.h"

#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define GIT_FILE_MAX ((size_t)1 << 20)

/* First line of a small file, without white space at its ends; NULL when there is none. */
static const char *read_line(const char *path, struct arena *a) {
    char *data;
    size_t size;
    if (os_read_file(path, GIT_FILE_MAX, &data, &size))
        return NULL;
    size = strcspn(data, "\n");
    while (size && isspace((unsigned char)data[size - 1]))
        size--;
    const char *line = size ? arena_strndup(a, data, size) : NULL;
    free(data);
    return line;
}

static const char *real_path(const char *base, const char *path, struct arena *a) {
    char real[PATH_MAX];
    const char *full = path[0] == '/' ? path : arena_printf(a, "%s/%s", base, path);
    return realpath(full, real) ? arena_strdup(a, real) : full;
}

bool git_find(const char *start, struct arena *a, struct git_repo *out) {
    memset(out, 0, sizeof *out);
    char *dir = arena_strdup(a, start);
    for (;;) {
        const char *dot = arena_printf(a, "%s/.git", dir[1] ? dir : "");
        struct stat st;
        if (os_stat(dot, &st) == 0) {
            if (S_ISDIR(st.st_mode)) {
                if (os_exists(arena_printf(a, "%s/HEAD", dot))) {
                    out->git_dir = dot;
                    break;
                }
            } else {
                const char *line = read_line(dot, a);
                if (line && strncmp(line, "gitdir: ", 8) == 0) {
                    out->git_dir = real_path(dir, line + 8, a);
                    break;
                }
            }
        }
        char *slash = strrchr(dir, '/');
        if (!slash || !dir[1])
            return false;
        slash[slash == dir ? 1 : 0] = 0;
    }
    out->root = dir;
    out->common_dir = out->git_dir;
    const char *common = read_line(arena_printf(a, "%s/commondir", out->git_dir), a);
    if (common) {
        out->common_dir = real_path(out->git_dir, common, a);
        out->linked = strcmp(out->common_dir, out->git_dir) != 0;
    }
    return true;
}

/* ---- settings ---- */

struct setting {
    const char *section, *name; /* "user", "name"; a subsection is not supported here */
    struct buf value;
    bool found, unclear;
};

/* Reads a value from p to the end of its (possibly continued) line; returns what follows. */
static const char *read_value(const char *p, struct buf *out) {
    bool quoted = false;
    size_t keep = 0; /* trailing white space behind this is cut */
    buf_clear(out);
    while (*p == ' ' || *p == '\t')
        p++;
    for (; *p && *p != '\n'; p++) {
        if (*p == '\\') {
            p++;
            if (*p == '\r' && p[1] == '\n')
                p++;
            if (*p == '\n')
                continue;
            if (!*p)
                break;
            buf_add_char(out, *p == 'n' ? '\n' : *p == 't' ? '\t' : *p == 'b' ? '\b' : *p);
            keep = out->size;
        } else if (*p == '"') {
            quoted = !quoted;
            keep = out->size;
        } else if (!quoted && (*p == '#' || *p == ';')) {
            p += strcspn(p, "\n");
            break;
        } else {
            buf_add_char(out, *p);
            if (quoted || !isspace((unsigned char)*p))
                keep = out->size;
        }
    }
    out->size = keep;
    if (out->data)
        out->data[keep] = 0;
    return p;
}

static void read_settings(const char *path, struct setting *s) {
    char *data;
    size_t size;
    if (os_read_file(path, GIT_FILE_MAX, &data, &size))
        return;
    bool in_section = false;
    struct buf value = BUF_INIT;
    for (const char *p = data; *p;) {
        while (isspace((unsigned char)*p))
            p++;
        if (*p == '#' || *p == ';') {
            p += strcspn(p, "\n");
            continue;
        }
        if (*p == '[') {
            size_t n = strcspn(++p, "] \t\"");
            s->unclear = s->unclear || (n >= 7 && strncasecmp(p, "include", 7) == 0);
            in_section = p[n] == ']' && n == strlen(s->section) && strncasecmp(p, s->section, n) == 0;
            p += strcspn(p, "]\n");
            p += *p == ']';
            continue;
        }
        if (!*p)
            break;
        size_t n = 0;
        while (isalnum((unsigned char)p[n]) || p[n] == '-')
            n++;
        bool wanted = in_section && n == strlen(s->name) && strncasecmp(p, s->name, n) == 0;
        s->unclear = s->unclear || (n == 14 && strncasecmp(p, "worktreeConfig", n) == 0);
        p += n;
        while (*p == ' ' || *p == '\t')
            p++;
        if (*p == '=') {
            p = read_value(p + 1, &value);
            if (wanted) {
                buf_clear(&s->value);
                buf_add(&s->value, buf_str(&value), value.size);
                s->found = true;
            }
        } else {
            s->unclear = s->unclear || wanted;
            p += strcspn(p, "\n");
        }
    }
    buf_release(&value);
    free(data);
}

static const char *environment(const char *name) {
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

static bool environment_interferes(void) {
    static const char *const names[] = {"GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG",
                                        "GIT_CONFIG_SYSTEM", "GIT_DIR"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (environment(names[i]))
            return true;
    return false;
}

const char *git_setting(const char *directory, const char *key, struct arena *a) {
    const char *dot = strchr(key, '.');
    struct setting s = {.section = arena_strndup(a, key, (size_t)(dot - key)), .name = dot + 1};
    const char *result = NULL;
    struct git_repo repo;
    s.unclear = environment_interferes() || strchr(dot + 1, '.');
    if (!s.unclear) {
        const char *home = environment("HOME"), *xdg = environment("XDG_CONFIG_HOME");
        const char *global = environment("GIT_CONFIG_GLOBAL");
        if (!environment("GIT_CONFIG_NOSYSTEM"))
            read_settings("/etc/gitconfig", &s);
        if (global) {
            read_settings(global, &s);
        } else {
            if (xdg)
                read_settings(arena_printf(a, "%s/git/config", xdg), &s);
            else if (home)
                read_settings(arena_printf(a, "%s/.config/git/config", home), &s);
            if (home)
                read_settings(arena_printf(a, "%s/.gitconfig", home), &s);
        }
        if (git_find(directory, a, &repo))
            read_settings(arena_printf(a, "%s/config", repo.common_dir), &s);
    }
    if (s.unclear) {
        char *text = process_git(directory, (const char *const[]){"config", "--get", key, NULL});
        result = arena_strdup(a, text);
        free(text);
    } else if (s.found) {
        result = arena_strndup(a, buf_str(&s.value), s.value.size);
    }
    buf_release(&s.value);
    return result;
}
