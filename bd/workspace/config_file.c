/*
 * Changing config.yaml line by line, so that comments and order stay. A key is written flat
 * ("export.auto: true"); a commented-out line of the key is put to use before a new one is appended.
 */
#include "bd/workspace/config.h"

#include "base/os.h"
#include "bd/ui/text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_FILE_MAX ((size_t)1 << 22)

bool config_key_is_yaml(const char *key) {
    static const char *const exact[] = {
        "no-db",
        "json",
        "db",
        "actor",
        "identity",
        "no-push",
        "no-git-ops",
        "create.require-description",
        "import.path",
        "github.token",
        "linear.api_key",
        "linear.oauth_client_id",
        "linear.oauth_client_secret",
        "jira.api_token",
        "gitlab.token",
        "ado.pat",
    };
    static const char *const prefixes[] = {
        "routing.",    "sync.",      "git.", "directory.", "repos.",  "external_projects.",
        "validation.", "hierarchy.", "ai.",  "backup.",    "export.", "dolt.",
        "federation.", "history.",   "gc.",
    };
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (strcmp(key, exact[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* ---- values ---- */

static bool is_number(const char *s, size_t size) {
    if (!size)
        return false;
    for (size_t i = 0; i < size; i++)
        if (!(s[i] == '-' && i == 0) && s[i] != '.' && !isdigit((unsigned char)s[i]))
            return false;
    return true;
}

static void add_value(struct buf *out, const char *value) {
    size_t n = strlen(value);
    if (strcasecmp(value, "true") == 0 || strcasecmp(value, "false") == 0)
        buf_add_str(out, strcasecmp(value, "true") == 0 ? "true" : "false");
    else if (is_number(value, n) || (n > 1 && strchr("smh", value[n - 1]) && is_number(value, n - 1)))
        buf_add_str(out, value);
    else
        text_add_quoted(out, value);
}

static int check_value(const char *key, const char *value, struct err *err) {
    bool truth = strcasecmp(value, "true") == 0 || strcasecmp(value, "false") == 0;
    struct buf quoted = BUF_INIT;
    int rc = BD_OK;
    text_add_quoted(&quoted, value);
    if (strcmp(key, "hierarchy.max-depth") == 0) {
        char *end;
        errno = 0;
        long n = strtol(value, &end, 10);
        if (*end || end == value || errno || isspace((unsigned char)*value))
            rc = err_set(err, BD_INVALID, "hierarchy.max-depth must be a positive integer, got %s",
                         quoted.data);
        else if (n < 1)
            rc = err_set(err, BD_INVALID, "hierarchy.max-depth must be at least 1, got %ld", n);
    } else if ((strcmp(key, "dolt.shared-server") == 0 || strcmp(key, "dolt.debug") == 0) && !truth) {
        rc = err_set(err, BD_INVALID, "%s must be \"true\" or \"false\", got %s", key, quoted.data);
    } else if (strcmp(key, "dolt.mode") == 0 && strcasecmp(value, "server") != 0 &&
               strcasecmp(value, "embedded") != 0) {
        rc = err_set(err, BD_INVALID, "dolt.mode must be \"server\" or \"embedded\", got %s",
                     quoted.data);
    }
    buf_release(&quoted);
    return rc;
}

/* ---- lines ---- */

enum line_kind { LINE_OTHER, LINE_COMMENTED, LINE_ACTIVE };

static enum line_kind line_of_key(const char *line, size_t size, const char *key, size_t *indent) {
    const char *p = line, *end = line + size;
    size_t n = strlen(key);
    while (p < end && (*p == ' ' || *p == '\t'))
        p++;
    *indent = (size_t)(p - line);
    bool commented = p < end && *p == '#';
    if (commented)
        for (p++; p < end && (*p == ' ' || *p == '\t');)
            p++;
    if ((size_t)(end - p) <= n || memcmp(p, key, n) != 0)
        return LINE_OTHER;
    for (p += n; p < end && (*p == ' ' || *p == '\t');)
        p++;
    if (p == end || *p != ':')
        return LINE_OTHER;
    return commented ? LINE_COMMENTED : LINE_ACTIVE;
}

/* Offset of the line to be replaced: the first one in use, else the first one commented out. */
static const char *line_to_use(const char *text, const char *key) {
    const char *commented = NULL;
    for (const char *p = text; *p;) {
        size_t size = strcspn(p, "\n"), indent;
        enum line_kind kind = line_of_key(p, size, key, &indent);
        if (kind == LINE_ACTIVE)
            return p;
        if (kind == LINE_COMMENTED && !commented)
            commented = p;
        p += size + (p[size] == '\n');
    }
    return commented;
}

static void rewrite(struct buf *out, const char *text, const char *key, const char *value) {
    const char *use = value ? line_to_use(text, key) : NULL;
    for (const char *p = text; *p;) {
        size_t size = strcspn(p, "\n"), indent;
        enum line_kind kind = line_of_key(p, size, key, &indent);
        if (p == use) {
            buf_add(out, p, indent);
            buf_addf(out, "%s: ", key);
            add_value(out, value);
        } else if (kind == LINE_ACTIVE) {
            buf_add(out, p, indent);
            buf_add_str(out, "# ");
            buf_add(out, p + indent, size - indent);
        } else {
            buf_add(out, p, size);
        }
        buf_add_char(out, '\n');
        p += size + (p[size] == '\n');
    }
    if (value && !use) {
        if (out->size > 1 && out->data[out->size - 2] != '\n')
            buf_add_char(out, '\n');
        buf_addf(out, "%s: ", key);
        add_value(out, value);
        buf_add_char(out, '\n');
    }
}

static int change(const char *beads_dir, const char *key, const char *value, struct err *err) {
    struct buf path = BUF_INIT, out = BUF_INIT;
    char real[PATH_MAX], *text = NULL;
    size_t size;
    struct stat st;
    int rc = BD_OK;
    buf_addf(&path, "%s/config.yaml", beads_dir ? beads_dir : "");
    if (!beads_dir || !realpath(path.data, real) || os_stat(real, &st))
        rc = err_set(err, BD_NOT_FOUND, "no .beads/config.yaml found (run 'bd init' first)");
    else if (os_read_file(real, CONFIG_FILE_MAX, &text, &size))
        rc = err_errno(err, "failed to read %s", real);
    if (!rc) {
        rewrite(&out, text, key, value);
        if (os_write_file_atomic(real, buf_str(&out), out.size, st.st_mode & 0777))
            rc = err_errno(err, "failed to write %s", real);
    }
    free(text);
    buf_release(&path);
    buf_release(&out);
    return rc;
}

int config_file_set(const char *beads_dir, const char *key, const char *value, struct err *err) {
    int rc = check_value(key, value, err);
    return rc ? rc : change(beads_dir, key, value, err);
}

int config_file_unset(const char *beads_dir, const char *key, struct err *err) {
    return change(beads_dir, key, NULL, err);
}
