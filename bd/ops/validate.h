/*
 * What a status, type, priority, dependency type or metadata key may be, and the texts that refuse it.
 */
#ifndef BD_OPS_VALIDATE_H
#define BD_OPS_VALIDATE_H

#include "bd/ops/issue.h"
#include "bd/ops/text_list.h"

/* --- statuses --- */
/* One that the database adds to the built-in ones. */
struct custom_status {
    const char *name, *category; /* "active", "wip", "done", "frozen", "unspecified" */
};
struct custom_statuses {
    struct custom_status *items;
    size_t count;
};
bool status_is_builtin(const char *status);
bool status_is_valid(const char *status, const struct custom_statuses *custom);
/* "active", "wip", "done", "frozen"; "unspecified" for custom statuses without one and unknown ones */
const char *status_category(const char *status, const struct custom_statuses *custom);
/* Neither closed nor pinned: such an issue blocks others and can be blocked. */
bool status_is_active(const char *status);

/* --- types --- */
extern const char *const builtin_types[]; /* NULL-terminated, in upstream's order, without "event" */
bool type_is_builtin(const char *type);   /* without "event" */
bool type_is_valid(const char *type, const struct text_list *custom);
/* Aliases as create, q and markdown know them (feat, enhancement, dec, adr, investigation, ms, …). */
const char *type_normalize_create(const char *type);
/* Aliases as update and the filters know them (mr, feat, mol, dec, …). */
const char *type_normalize(const char *type);
/* Sections that a description of this type should have; NULL-terminated headings. */
struct required_section {
    const char *heading; /* without "## " */
    const char *hint;
};
/* Headings missing from the issue (acceptance criteria may stand in their own field), in the arena. */
size_t type_missing_sections(const char *type, const char *description, const char *acceptance,
                             struct arena *a, const struct required_section **missing);

/* --- priority: 0-4 or P0-P4 --- */
bool priority_parse(const char *text, int64_t *out);
int priority_check(const char *text, int64_t *out,
                   struct err *err); /* BD_INVALID with upstream's text */

/* --- dependency types --- */
extern const char *const dependency_types[]; /* well-known ones, NULL-terminated, upstream's order */
bool dependency_type_is_well_known(const char *type);
bool dependency_type_is_valid(const char *type); /* any text of 1 to 50 bytes */
/* blocks, conditional-blocks */
bool dependency_type_blocks(const char *type);
/* blocks, conditional-blocks, waits-for, parent-child */
bool dependency_type_affects_ready(const char *type);

/* The types of molecules and wisps that upstream knows; keys: a letter or _, then also digits and dots.
 */
bool mol_type_is_valid(const char *type);
bool wisp_type_is_valid(const char *type);
bool metadata_key_is_valid(const char *key);
bool external_ref_is_dependency(const char *id); /* starts with "external:" */
/* external:<project>:<capability>, all parts non-empty. BD_INVALID. */
int external_dependency_check(const char *id, struct err *err);

/* The rules of a row that is about to be inserted; messages without prefix. BD_INVALID. */
int issue_check(const struct issue *i, const struct custom_statuses *statuses,
                const struct text_list *types, struct err *err);
/* Its two halves: what no database decides, and status, type, closed_at, ephemeral and no_history. */
int issue_check_content(const struct issue *i, struct err *err);
int issue_check_state(const struct issue *i, const struct custom_statuses *statuses,
                      const struct text_list *types, struct err *err);

/* Is this a complete JSON value and nothing else? */
bool json_text_is_valid(const char *text);

#endif
