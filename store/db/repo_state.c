/*
 * repo_state.json is read whole and only for what is asked; it is never rewritten by opening a
 * database.
 */
#include "store/db/repo_state.h"

#include "base/os.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define REPO_STATE_MAX (4u << 20)

int repo_state_branch(const char *db_dir, struct arena *a, const char **branch, struct err *err) {
    char *path = arena_printf(a, "%s/.dolt/repo_state.json", db_dir);
    char *data = NULL;
    size_t size = 0;
    if (os_read_file(path, REPO_STATE_MAX, &data, &size))
        return errno == ENOENT ? err_set(err, BD_NOT_FOUND, "no %s", path)
                               : err_errno(err, "cannot read %s", path);
    cJSON *json = cJSON_ParseWithLength(data, size);
    free(data);
    const cJSON *head = cJSON_GetObjectItemCaseSensitive(json, "head");
    static const char prefix[] = "refs/heads/";
    int rc = BD_OK;
    if (!cJSON_IsString(head) || strncmp(head->valuestring, prefix, sizeof prefix - 1))
        rc = err_set(err, BD_CORRUPT, "%s names no current branch", path);
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
