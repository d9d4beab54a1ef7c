/* The list of findings: names, counting, limits on what is listed. */
#include "store/chunk/fsck.h"

#include <stdlib.h>
#include <string.h>

#define LISTED_DEFAULT 25

static const char *const code_names[FSCK_CODES] = {
    [FSCK_MANIFEST_MISSING] = "manifest-missing",
    [FSCK_MANIFEST_DAMAGED] = "manifest-damaged",
    [FSCK_MANIFEST_STALE] = "manifest-stale",
    [FSCK_FILE_MISSING] = "file-missing",
    [FSCK_FILE_DAMAGED] = "file-damaged",
    [FSCK_FILE_UNLISTED] = "file-unlisted",
    [FSCK_FILE_TEMPORARY] = "file-temporary",
    [FSCK_JOURNAL_MISSING] = "journal-missing",
    [FSCK_JOURNAL_TAIL] = "journal-tail",
    [FSCK_JOURNAL_LOSS] = "journal-loss",
    [FSCK_JOURNAL_NO_ROOT] = "journal-no-root",
    [FSCK_JOURNAL_DAMAGED] = "journal-damaged",
    [FSCK_JOURNAL_DUPLICATE] = "journal-duplicate",
    [FSCK_JOURNAL_UNLISTED] = "journal-unlisted",
    [FSCK_JOURNAL_INDEX] = "journal-index",
    [FSCK_GHOSTS_DAMAGED] = "ghosts-damaged",
    [FSCK_OLDGEN] = "oldgen",
    [FSCK_ROOT_MISSING] = "root-missing",
    [FSCK_STORE_EMPTY] = "store-empty",
    [FSCK_CHUNK_DAMAGED] = "chunk-damaged",
    [FSCK_CHUNK_DANGLING] = "chunk-dangling",
    [FSCK_MESSAGE_DAMAGED] = "message-damaged",
    [FSCK_MESSAGE_ENCODING] = "message-encoding",
    [FSCK_UNREACHABLE] = "unreachable",
    [FSCK_TREE_SHAPE] = "tree-shape",
    [FSCK_TREE_ORDER] = "tree-order",
    [FSCK_TREE_ADDRESSES] = "tree-addresses",
    [FSCK_REF_DAMAGED] = "ref-damaged",
    [FSCK_REF_ODD] = "ref-odd",
    [FSCK_REPO_STATE] = "repo-state",
    [FSCK_COMMIT_DAMAGED] = "commit-damaged",
    [FSCK_CLOSURE_WRONG] = "closure-wrong",
    [FSCK_ROOT_VALUE] = "root-value",
    [FSCK_SCHEMA] = "schema",
    [FSCK_ROW] = "row",
    [FSCK_INDEX_WRONG] = "index-wrong",
    [FSCK_ARTIFACTS] = "artifacts",
    [FSCK_FOREIGN_KEY] = "foreign-key",
    [FSCK_FOREIGN_KEY_ROWS] = "foreign-key-rows",
    [FSCK_VALUE_DAMAGED] = "value-damaged",
    [FSCK_SKIPPED] = "skipped",
};

static const char *const repair_names[REPAIR_ACTIONS] = {
    [REPAIR_NONE] = "none",
    [REPAIR_NOT_NEEDED] = "not-needed",
    [REPAIR_TAIL] = "tail",
    [REPAIR_MANIFEST] = "manifest",
    [REPAIR_JOURNAL_INDEX] = "journal-index",
    [REPAIR_FILES] = "files",
    [REPAIR_REVIVE] = "revive",
    [REPAIR_INDEXES] = "indexes",
    [REPAIR_REPO_STATE] = "repo-state",
    [REPAIR_RESET] = "reset",
    [REPAIR_SALVAGE] = "salvage",
};

const char *fsck_code_name(enum fsck_code code) { return code_names[code]; }
const char *fsck_repair_name(enum fsck_repair repair) { return repair_names[repair]; }

const char *fsck_severity_name(enum fsck_severity severity) {
    return severity == FSCK_ERROR ? "error" : severity == FSCK_WARNING ? "warning" : "note";
}

void fsck_report_init(struct fsck_report *r) { *r = (struct fsck_report){.arena = ARENA_INIT}; }

void fsck_report_release(struct fsck_report *r) {
    free(r->findings);
    arena_release(&r->arena);
    fsck_report_init(r);
}

static bool is_listed(const struct fsck_report *r, enum fsck_code code, const char *message) {
    for (size_t i = 0; i < r->count; i++)
        if (r->findings[i].code == code && strcmp(r->findings[i].message, message) == 0)
            return true;
    return false;
}

void fsck_add(struct fsck_report *r, enum fsck_severity severity, enum fsck_code code,
              enum fsck_repair repair, const struct hash *address, const char *table, const char *file,
              const char *fmt, ...) {
    size_t max = r->per_code_max ? r->per_code_max : LISTED_DEFAULT;
    bool room = r->listed[code] < max;
    struct buf text = BUF_INIT;
    if (room) {
        va_list ap;
        va_start(ap, fmt);
        buf_vaddf(&text, fmt, ap);
        va_end(ap);
        if (is_listed(r, code, buf_str(&text))) {
            buf_release(&text);
            return;
        }
    }
    r->per_code[code]++;
    *(severity == FSCK_ERROR ? &r->errors : severity == FSCK_WARNING ? &r->warnings : &r->notes) += 1;
    if (room) {
        r->listed[code]++;
        MEM_GROW(r->findings, r->capacity, r->count + 1);
        r->findings[r->count++] = (struct fsck_finding){
            .severity = severity,
            .code = code,
            .repair = repair,
            .address = address ? *address : HASH_ZERO,
            .table = arena_strdup(&r->arena, table),
            .file = arena_strdup(&r->arena, file),
            .message = arena_strndup(&r->arena, buf_str(&text), text.size),
        };
    }
    buf_release(&text);
}
