/*
 * repo_state.json is read whole and only for what is asked; it is never rewritten by opening a
 * database. A change replaces the file and keeps the members that are not understood here.
 */
#include "store/db/repo_state.h"

#include "base/os.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REPO_STATE_MAX (4u << 20)

/* *json is NULL when there is no file. */
static int load(const char *db_dir, cJSON **json, struct err *err) {
    struct buf path = BUF_INIT;
    char *data = NULL;
    size_t size = 0;
    int rc = BD_OK;
    *json = NULL;
    buf_addf(&path, "%s/.dolt/repo_state.json", db_dir);
    if (os_read_file(path.data, REPO_STATE_MAX, &data, &size)) {
        rc = errno == ENOENT ? err_set(err, BD_NOT_FOUND, "no %s", path.data)
                             : err_errno(err, "cannot read %s", path.data);
    } else {
        *json = cJSON_ParseWithLength(data, size);
        free(data);
        if (!cJSON_IsObject(*json)) {
            cJSON_Delete(*json);
            *json = NULL;
            rc = err_set(err, BD_CORRUPT, "%s is no JSON object", path.data);
        }
    }
    buf_release(&path);
    return rc;
}

int repo_state_branch(const char *db_dir, struct arena *a, const char **branch, struct err *err) {
    static const char prefix[] = "refs/heads/";
    cJSON *json;
    int rc = load(db_dir, &json, err);
    if (rc != BD_OK)
        return rc;
    const cJSON *head = cJSON_GetObjectItemCaseSensitive(json, "head");
    if (!cJSON_IsString(head) || strncmp(head->valuestring, prefix, sizeof prefix - 1))
        rc = err_set(err, BD_CORRUPT, "%s/.dolt/repo_state.json names no current branch", db_dir);
    else
        *branch = arena_strdup(a, head->valuestring + sizeof prefix - 1);
    cJSON_Delete(json);
    return rc;
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

/* ---- writing, as Go's encoder indents ---- */

static void print_text(struct buf *out, const char *text) {
    cJSON *item = cJSON_CreateString(text);
    char *quoted = item ? cJSON_PrintUnformatted(item) : NULL;
    buf_add_str(out, quoted ? quoted : "\"\"");
    cJSON_free(quoted);
    cJSON_Delete(item);
}

static void print_value(struct buf *out, const cJSON *v, int depth) {
    bool object = cJSON_IsObject(v);
    if (!object && !cJSON_IsArray(v)) {
        char *text = cJSON_PrintUnformatted(v);
        buf_add_str(out, text ? text : "null");
        cJSON_free(text);
        return;
    }
    buf_add_char(out, object ? '{' : '[');
    for (const cJSON *kid = v->child; kid; kid = kid->next) {
        buf_addf(out, "%s\n%*s", kid == v->child ? "" : ",", 2 * (depth + 1), "");
        if (object) {
            print_text(out, kid->string);
            buf_add_str(out, ": ");
        }
        print_value(out, kid, depth + 1);
    }
    if (v->child)
        buf_addf(out, "\n%*s", 2 * depth, "");
    buf_add_char(out, object ? '}' : ']');
}

static int save(const char *db_dir, const cJSON *json, struct err *err) {
    struct buf path = BUF_INIT, text = BUF_INIT;
    buf_addf(&path, "%s/.dolt/repo_state.json", db_dir);
    print_value(&text, json, 0);
    int rc = BD_OK;
    if (os_write_file_atomic(buf_str(&path), text.data, text.size, 0644))
        rc = err_errno(err, "cannot write %s", buf_str(&path));
    buf_release(&path);
    buf_release(&text);
    return rc;
}

/* ---- remotes and backups ---- */

static const char *const list_names[] = {"remotes", "backups"};

static const char *text_of(const cJSON *object, const char *key) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

int repo_state_list(const char *db_dir, enum repo_list list, struct arena *a, struct repo_address **out,
                    size_t *count, struct err *err) {
    cJSON *json;
    size_t n = 0;
    *out = NULL;
    *count = 0;
    int rc = load(db_dir, &json, err);
    if (rc != BD_OK)
        return rc == BD_NOT_FOUND ? BD_OK : rc;
    const cJSON *entries = cJSON_GetObjectItemCaseSensitive(json, list_names[list]), *e;
    *out = arena_alloc(a, ((size_t)cJSON_GetArraySize(entries) + 1) * sizeof **out);
    cJSON_ArrayForEach(e, entries) {
        const char *url = text_of(e, "url");
        if (e->string && url)
            (*out)[n++] = (struct repo_address){arena_strdup(a, e->string), arena_strdup(a, url)};
    }
    *count = n;
    cJSON_Delete(json);
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
static const char *with_url(const cJSON *json, enum repo_list list, const struct repo_address *entry,
                            bool same_list) {
    const cJSON *e;
    cJSON_ArrayForEach(e, cJSON_GetObjectItemCaseSensitive(json, list_names[list])) {
        const char *url = text_of(e, "url");
        if (e->string && url && same_url(url, entry->url) &&
            !(same_list && strcmp(e->string, entry->name) == 0))
            return e->string;
    }
    return NULL;
}

static cJSON *list_of(cJSON *json, enum repo_list list) {
    cJSON *entries = cJSON_GetObjectItemCaseSensitive(json, list_names[list]);
    if (cJSON_IsObject(entries))
        return entries;
    cJSON_DeleteItemFromObjectCaseSensitive(json, list_names[list]);
    return cJSON_AddObjectToObject(json, list_names[list]);
}

static bool valid_name(const char *name) {
    return *name && !strpbrk(name, " \t\r\n./\\!@#$%^&*(){}[],<>'\"?=+|");
}

int repo_state_put(const char *db_dir, enum repo_list list, const struct repo_address *entry,
                   struct err *err) {
    cJSON *json;
    if (!valid_name(entry->name))
        return err_set(err, BD_INVALID, "not a name for a remote or backup: '%s'", entry->name);
    int rc = load(db_dir, &json, err);
    if (rc != BD_OK)
        return rc;
    const char *other = with_url(json, REPO_BACKUPS, entry, list == REPO_BACKUPS);
    if (!other && list == REPO_BACKUPS)
        other = with_url(json, REPO_REMOTES, entry, false);
    if (other) {
        rc = err_set(err, BD_CONFLICT, "address conflict with a remote: '%s' -> %s", other, entry->url);
        cJSON_Delete(json);
        return rc;
    }
    cJSON *entries = list_of(json, list), *item = cJSON_CreateObject(), *specs;
    cJSON_DeleteItemFromObjectCaseSensitive(entries, entry->name);
    cJSON_AddStringToObject(item, "name", entry->name);
    cJSON_AddStringToObject(item, "url", entry->url);
    specs = cJSON_AddArrayToObject(item, "fetch_specs");
    struct buf spec = BUF_INIT;
    buf_addf(&spec, "refs/heads/*:refs/remotes/%s/*", entry->name);
    cJSON_AddItemToArray(specs, cJSON_CreateString(spec.data));
    buf_release(&spec);
    cJSON_AddObjectToObject(item, "params");
    cJSON_AddItemToObject(entries, entry->name, item);
    rc = save(db_dir, json, err);
    cJSON_Delete(json);
    return rc;
}

int repo_state_remove(const char *db_dir, enum repo_list list, const char *name, struct err *err) {
    cJSON *json;
    int rc = load(db_dir, &json, err);
    if (rc != BD_OK)
        return rc;
    cJSON *entries = list_of(json, list);
    if (cJSON_HasObjectItem(entries, name)) {
        cJSON_DeleteItemFromObjectCaseSensitive(entries, name);
        rc = save(db_dir, json, err);
    } else {
        rc = err_set(err, BD_NOT_FOUND, "%s '%s' not found", list == REPO_BACKUPS ? "backup" : "remote", name);
    }
    cJSON_Delete(json);
    return rc;
}

int repo_state_set_upstream(const char *db_dir, const char *branch, const char *remote, struct err *err) {
    cJSON *json;
    int rc = load(db_dir, &json, err);
    if (rc != BD_OK)
        return rc;
    cJSON *branches = cJSON_GetObjectItemCaseSensitive(json, "branches");
    if (!cJSON_IsObject(branches)) {
        cJSON_DeleteItemFromObjectCaseSensitive(json, "branches");
        branches = cJSON_AddObjectToObject(json, "branches");
    }
    cJSON *item = cJSON_CreateObject();
    struct buf head = BUF_INIT;
    buf_addf(&head, "refs/heads/%s", branch);
    cJSON_DeleteItemFromObjectCaseSensitive(branches, branch);
    cJSON_AddStringToObject(item, "head", head.data);
    cJSON_AddStringToObject(item, "remote", remote);
    cJSON_AddItemToObject(branches, branch, item);
    buf_release(&head);
    rc = save(db_dir, json, err);
    cJSON_Delete(json);
    return rc;
}
