/* How the files of bd migrate say that they refuse, fail, or are done. */
#include "bd/cmd/migrate.h"

#include "bd/ui/ink.h"

int migrate_refuse_read_only(struct bd *bd, const char *label) {
    if (!bd->read_only)
        return 0;
    return cmd_fail(bd, "operation '%s' is not allowed in read-only mode", label);
}

const char *migrate_pass(struct bd *bd, const char *text) {
    return ink_text(&bd->arena, bd->color, INK_PASS, text);
}

int migrate_fail(struct bd *bd, const char *code, const char *message) {
    if (!bd->json)
        return cmd_fail(bd, "%s", message);
    struct buf out = BUF_INIT;
    struct json_writer w;
    bd_json_begin(bd, &w, &out, true);
    json_object(&w);
    json_member_str(&w, "error", code);
    json_member_str(&w, "message", message);
    json_object_end(&w);
    bd_json_end(bd, &w, &out);
    return 1;
}
