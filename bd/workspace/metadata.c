/* .beads/metadata.json: which database the workspace uses. */
#include "bd/workspace/workspace.h"

#include "base/json_value.h"
#include "base/os.h"
#include "bd/ui/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define METADATA_MAX ((size_t)1 << 20)

static const char *text(const struct json_value *o, const char *key) {
    const char *value = json_value_get_text(o, key);
    return value ? value : "";
}

int metadata_load(const char *beads_dir, struct arena *a, struct metadata *out, struct err *err) {
    const char *path = arena_printf(a, "%s/metadata.json", beads_dir);
    char *data;
    size_t size;
    *out = (struct metadata){"", "", "", "", "", "", "", "", "", 0};
    if (os_read_file(path, METADATA_MAX, &data, &size)) {
        /* older releases wrote config.json with the same members */
        if (errno != ENOENT ||
            os_read_file(arena_printf(a, "%s/config.json", beads_dir), METADATA_MAX, &data, &size))
            return err_errno(err, "cannot read %s", path);
    }
    const struct json_value *o = json_value_parse(data, size, a, NULL);
    if (!json_value_is(o, JSON_OBJECT)) {
        free(data);
        return err_set(err, BD_INVALID, "%s is not a JSON object; restore it (it is kept in git)",
                       path);
    }
    out->database = text(o, "database");
    out->backend = text(o, "backend");
    out->dolt_mode = text(o, "dolt_mode");
    out->dolt_database = text(o, "dolt_database");
    out->project_id = text(o, "project_id");
    out->dolt_data_dir = text(o, "dolt_data_dir");
    out->dolt_server_host = text(o, "dolt_server_host");
    out->dolt_server_user = text(o, "dolt_server_user");
    out->dolt_server_socket = text(o, "dolt_server_socket");
    int64_t port;
    if (json_value_int(json_value_get(o, "dolt_server_port"), &port))
        out->dolt_server_port = (long)port;
    free(data);
    return BD_OK;
}

int metadata_save(const char *beads_dir, const struct metadata *m, struct err *err) {
    struct arena a = ARENA_INIT;
    struct buf out = BUF_INIT;
    struct json_writer w;
    json_begin(&w, &out, 0);
    json_object(&w);
    json_member_str(&w, "database", m->database);
    json_member_str_opt(&w, "backend", m->backend);
    json_member_str_opt(&w, "dolt_mode", m->dolt_mode);
    json_member_str_opt(&w, "dolt_server_host", m->dolt_server_host);
    json_member_int_opt(&w, "dolt_server_port", m->dolt_server_port);
    json_member_str_opt(&w, "dolt_server_socket", m->dolt_server_socket);
    json_member_str_opt(&w, "dolt_server_user", m->dolt_server_user);
    json_member_str_opt(&w, "dolt_database", m->dolt_database);
    if (m->dolt_data_dir && m->dolt_data_dir[0] != '/')
        json_member_str_opt(&w, "dolt_data_dir", m->dolt_data_dir);
    json_member_str_opt(&w, "project_id", m->project_id);
    json_object_end(&w);
    json_end(&w);
    const char *path = arena_printf(&a, "%s/metadata.json", beads_dir);
    int rc = BD_OK;
    if (os_write_file_atomic(path, buf_str(&out), out.size, 0600))
        rc = err_errno(err, "cannot write %s", path);
    buf_release(&out);
    arena_release(&a);
    return rc;
}
