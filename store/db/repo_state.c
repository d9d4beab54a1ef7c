/*
 * repo_state.json is read whole and only for what is asked; it is never rewritten by opening a
 * database. A change replaces the file and keeps the members that are not understood here.
 */
#include "store/db/repo_state.h"

#include "base/os.h"
#include "store/value/json_edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REPO_STATE_MAX (4u << 20)

static int load(const char *db_dir, struct arena *a, struct json_value **json, struct err *err) {
    const char *path = arena_printf(a, "%s/.dolt/repo_state.json", db_dir);
    char *data = NULL;
    size_t size = 0;
    *json = NULL;
    if (os_read_file(path, REPO_STATE_MAX, &data, &size))
        return errno == ENOENT ? err_set(err, BD_NOT_FOUND, "no %s", path)
                               : err_errno(err, "cannot read %s", path);
    const char *text = arena_strndup(a, data, size); /* values point into it */
    free(data);
    *json = json_value_parse(text, size, a, NULL);
    if (json_value_is(*json, JSON_OBJECT))
        return BD_OK;
    return err_set(err, BD_CORRUPT, "%s is no JSON object", path);
}

int repo_state_branch(const char *db_dir, struct arena *a, const char **branch, struct err *err) {
    static const char prefix[] = "refs/heads/";
    struct json_value *json;
    int rc = load(db_dir, a, &json, err);
    if (rc != BD_OK)
        return rc;
    const char *head = json_value_get_text(json, "head");
    if (!head || strncmp(head, prefix, sizeof prefix - 1))
        return err_set(err, BD_CORRUPT, "%s/.dolt/repo_state.json names no current branch", db_dir);
    *branch = head + sizeof prefix - 1;
    return BD_OK;
}

int repo_state_create(const char *db_dir, const char *branch, struct err *err) {
    struct buf path = BUF_INIT, text = BUF_INIT;
    buf_addf(&path, "%s/.dolt/repo_state.json", db_dir);
    buf_addf(&text,
             "{\n  \"head\": \"refs/heads/%s\",\n  \"remotes\": {},\n  \"backups\": {},\n  "
             "\"branches\": {}\n}",
             branch);
    int rc = BD_OK;
    if (os_write_file_atomic(buf_str(&path), text.data, text.size, 0644))
        rc = err_errno(err, "cannot write %s", buf_str(&path));
    buf_release(&path);
    buf_release(&text);
    return rc;
}

static int save(const char *db_dir, const struct json_value *json, struct err *err) {
    struct buf path = BUF_INIT, text = BUF_INIT;
    buf_addf(&path, "%s/.dolt/repo_state.json", db_dir);
    json_value_print_indented(&text, json);
    int rc = BD_OK;
    if (os_write_file_atomic(buf_str(&path), text.data, text.size, 0644))
        rc = err_errno(err, "cannot write %s", buf_str(&path));
    buf_release(&path);
    buf_release(&text);
    return rc;
}

/* ---- remotes and backups ---- */

static const char *const list_names[] = {"remotes", "backups"};

static const struct json_value *entries_of(const struct json_value *json, enum repo_list list) {
    const struct json_value *entries = json_value_get(json, list_names[list]);
    return json_value_is(entries, JSON_OBJECT) ? entries : NULL;
}

int repo_state_list(const char *db_dir, enum repo_list list, struct arena *a, struct repo_address **out,
                    size_t *count, struct err *err) {
    struct json_value *json;
    *out = NULL;
    *count = 0;
    int rc = load(db_dir, a, &json, err);
    if (rc != BD_OK)
        return rc == BD_NOT_FOUND ? BD_OK : rc;
    const struct json_value *entries = entries_of(json, list);
    *out = arena_alloc(a, ((entries ? entries->count : 0) + 1) * sizeof **out);
    JSON_EACH(e, entries) {
        const char *url = json_value_get_text(e, "url");
        if (url)
            (*out)[(*count)++] = (struct repo_address){e->key, url};
    }
    return BD_OK;
}

/* Two spellings of one folder are one URL. */
static bool same_url(const char *x, const char *y) {
    size_t n = strlen(x), m = strlen(y);
    while (n > 1 && x[n - 1] == '/')
        n--;
    while (m > 1 && y[m - 1] == '/')
        m--;
    return n == m && memcmp(x, y, n) == 0;
}

/* An entry of a list with this URL and another name, or NULL. */
static const char *with_url(const struct json_value *json, enum repo_list list,
                            const struct repo_address *entry, bool same_list) {
    JSON_EACH(e, entries_of(json, list)) {
        const char *url = json_value_get_text(e, "url");
        if (url && same_url(url, entry->url) && !(same_list && strcmp(e->key, entry->name) == 0))
            return e->key;
    }
    return NULL;
}

static bool valid_name(const char *name) {
    return *name && !strpbrk(name, " \t\r\n./\\!@#$%^&*(){}[],<>'\"?=+|");
}

static void put_text(struct json_value *object, const char *key, const char *text, struct arena *a) {
    json_value_append(object, key, json_value_string(a, text, strlen(text)), a);
}

static int put(const char *db_dir, enum repo_list list, const struct repo_address *entry,
               struct arena *a, struct err *err) {
    struct json_value *json;
    int rc = load(db_dir, a, &json, err);
    if (rc != BD_OK)
        return rc;
    const char *other = with_url(json, REPO_BACKUPS, entry, list == REPO_BACKUPS);
    if (!other && list == REPO_BACKUPS)
        other = with_url(json, REPO_REMOTES, entry, false);
    if (other)
        return err_set(err, BD_CONFLICT, "address conflict with a remote: '%s' -> %s", other,
                       entry->url);
    struct json_value *entries = json_value_object_at(json, list_names[list], a);
    json_value_remove(entries, entry->name);
    struct json_value *item = json_value_object_at(entries, entry->name, a);
    put_text(item, "name", entry->name, a);
    put_text(item, "url", entry->url, a);
    put_text(json_value_append(item, "fetch_specs", json_value_array(a), a), NULL,
             arena_printf(a, "refs/heads/*:refs/remotes/%s/*", entry->name), a);
    json_value_object_at(item, "params", a);
    return save(db_dir, json, err);
}

int repo_state_put(const char *db_dir, enum repo_list list, const struct repo_address *entry,
                   struct err *err) {
    struct arena a = ARENA_INIT;
    if (!valid_name(entry->name))
        return err_set(err, BD_INVALID, "not a name for a remote or backup: '%s'", entry->name);
    int rc = put(db_dir, list, entry, &a, err);
    arena_release(&a);
    return rc;
}

int repo_state_remove(const char *db_dir, enum repo_list list, const char *name, struct err *err) {
    struct arena a = ARENA_INIT;
    struct json_value *json;
    int rc = load(db_dir, &a, &json, err);
    if (rc == BD_OK && json_value_remove(json_value_object_at(json, list_names[list], &a), name))
        rc = save(db_dir, json, err);
    else if (rc == BD_OK)
        rc = err_set(err, BD_NOT_FOUND, "%s '%s' not found", list == REPO_BACKUPS ? "backup" : "remote",
                     name);
    arena_release(&a);
    return rc;
}

int repo_state_set_upstream(const char *db_dir, const char *branch, const char *remote,
                            struct err *err) {
    struct arena a = ARENA_INIT;
    struct json_value *json;
    int rc = load(db_dir, &a, &json, err);
    if (rc == BD_OK) {
        struct json_value *branches = json_value_object_at(json, "branches", &a);
        json_value_remove(branches, branch);
        struct json_value *item = json_value_object_at(branches, branch, &a);
        put_text(item, "head", arena_printf(&a, "refs/heads/%s", branch), &a);
        put_text(item, "remote", remote, &a);
        rc = save(db_dir, json, err);
    }
    arena_release(&a);
    return rc;
}
