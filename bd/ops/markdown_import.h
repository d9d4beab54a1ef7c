/*
 * Issues written down in markdown: "## Title" starts one, "### Section" starts one of its fields.
 */
#ifndef BD_OPS_MARKDOWN_IMPORT_H
#define BD_OPS_MARKDOWN_IMPORT_H

#include "bd/ops/issue_rows.h"

struct markdown_issues {
    struct issue_list issues; /* labels and dependencies (issue_id NULL) filled */
    const char **warnings;
    size_t warning_count;
};
/* BD_INVALID when there is no issue in the text, or a dependency type is unusable. Texts in `a`. */
int markdown_parse(const char *text, struct arena *a, struct markdown_issues *out, struct err *err);

#endif
