/*
 * Reading issues from markdown, line by line. Text before the first section of an issue is its
 * description (empty lines dropped); text before the first issue, and unknown sections, mean nothing.
 */
#include "bd/ops/markdown_import.h"

#include "bd/ops/validate.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct reader {
    struct arena *a;
    struct markdown_issues *out;
    struct issue *issue; /* the last of the list, NULL before the first */
    const char *section; /* NULL before the first */
    struct buf content, description;
    size_t warning_capacity;
    struct err *err;
};

static const char *trim(struct arena *a, const char *s, size_t n) {
    while (n && isspace((unsigned char)*s))
        s++, n--;
    while (n && isspace((unsigned char)s[n - 1]))
        n--;
    return arena_strndup(a, s, n);
}

static size_t split_list(const char *text, struct arena *a, const char ***out) {
    size_t n = 0;
    *out = arena_alloc(a, (strlen(text) / 2 + 2) * sizeof **out);
    while (*text) {
        size_t size = strcspn(text, ", \n");
        const char *item = trim(a, text, size);
        if (*item)
            (*out)[n++] = item;
        text += size;
        text += *text != '\0';
    }
    return n;
}

static void warn(struct reader *r, const char *text) {
    struct markdown_issues *m = r->out;
    if (m->warning_count == r->warning_capacity) {
        r->warning_capacity = r->warning_capacity ? r->warning_capacity * 2 : 4;
        const char **grown = arena_alloc(r->a, r->warning_capacity * sizeof *grown);
        if (m->warning_count)
            memcpy(grown, m->warnings, m->warning_count * sizeof *grown);
        m->warnings = grown;
    }
    m->warnings[m->warning_count++] = text;
}

static void set_type(struct reader *r, const char *text) {
    const char *type = type_normalize_create(text);
    r->issue->issue_type = type_is_builtin(type) ? type : "task";
    if (!type_is_builtin(type))
        warn(r, arena_printf(r->a, "invalid issue type '%s' in '%s', using default 'task'", text,
                             r->issue->title));
}

static int set_dependencies(struct reader *r, const char *text) {
    const char **specs;
    size_t n = split_list(text, r->a, &specs);
    r->issue->dependencies = arena_zalloc(r->a, (n + 1) * sizeof *r->issue->dependencies);
    r->issue->dependency_row_count = 0;
    for (size_t i = 0; i < n; i++) {
        const char *colon = strchr(specs[i], ':'), *type = "blocks";
        if (colon)
            type = trim(r->a, specs[i], (size_t)(colon - specs[i]));
        if (!dependency_type_is_valid(type))
            return err_set(r->err, BD_INVALID, "invalid dependency type '%s' for issue '%s'", type,
                           r->issue->title);
        r->issue->dependencies[r->issue->dependency_row_count++] = (struct dependency){
            .depends_on_id = colon ? trim(r->a, colon + 1, strlen(colon + 1)) : specs[i],
            .type = type,
            .created_at = ISSUE_NO_TIME,
        };
    }
    return BD_OK;
}

static int end_section(struct reader *r) {
    int rc = BD_OK;
    const char *text = trim(r->a, buf_str(&r->content), r->content.size), *s = r->section;
    int64_t priority;
    buf_clear(&r->content);
    if (!r->issue || !s || !*text)
        return BD_OK;
    if (strcasecmp(s, "priority") == 0) {
        if (priority_parse(text, &priority))
            r->issue->priority = priority;
    } else if (strcasecmp(s, "type") == 0) {
        set_type(r, text);
    } else if (strcasecmp(s, "description") == 0) {
        r->issue->description = text;
    } else if (strcasecmp(s, "design") == 0) {
        r->issue->design = text;
    } else if (strcasecmp(s, "acceptance criteria") == 0 || strcasecmp(s, "acceptance") == 0) {
        r->issue->acceptance_criteria = text;
    } else if (strcasecmp(s, "assignee") == 0) {
        r->issue->assignee = text;
    } else if (strcasecmp(s, "labels") == 0) {
        r->issue->label_count = split_list(text, r->a, &r->issue->labels);
    } else if (strcasecmp(s, "dependencies") == 0 || strcasecmp(s, "deps") == 0) {
        rc = set_dependencies(r, text);
    }
    return rc;
}

/* Length of the mark when the line is a heading of that level with text behind it, else 0. */
static size_t heading(const char *line, size_t n, const char *mark) {
    size_t size = strlen(mark);
    if (n <= size || strncmp(line, mark, size) != 0 || !isspace((unsigned char)line[size]))
        return 0;
    for (size_t i = size; i < n; i++)
        if (!isspace((unsigned char)line[i]))
            return size;
    return 0;
}

static int read_line(struct reader *r, const char *line, size_t n) {
    if (heading(line, n, "##")) {
        int rc = end_section(r);
        r->issue = issue_list_add(&r->out->issues, r->a);
        r->issue->title = trim(r->a, line + 2, n - 2);
        r->section = NULL;
        buf_clear(&r->description);
        return rc;
    }
    if (heading(line, n, "###")) {
        int rc = end_section(r);
        r->section = trim(r->a, line + 3, n - 3);
        return rc;
    }
    if (!r->issue)
        return BD_OK;
    if (r->section) {
        if (r->content.size)
            buf_add_char(&r->content, '\n');
        buf_add(&r->content, line, n);
    } else if (n) {
        if (r->description.size)
            buf_add_char(&r->description, '\n');
        buf_add(&r->description, line, n);
        r->issue->description = arena_strdup(r->a, buf_str(&r->description));
    }
    return BD_OK;
}

int markdown_parse(const char *text, struct arena *a, struct markdown_issues *out, struct err *err) {
    memset(out, 0, sizeof *out);
    struct reader r = {.a = a, .out = out, .err = err};
    int rc = BD_OK;
    while (rc == BD_OK && *text) {
        size_t n = strcspn(text, "\n");
        rc = read_line(&r, text, n && text[n - 1] == '\r' ? n - 1 : n);
        text += n;
        text += *text == '\n';
    }
    if (rc == BD_OK)
        rc = end_section(&r);
    buf_release(&r.content);
    buf_release(&r.description);
    if (rc == BD_OK && out->issues.count == 0)
        rc = err_set(err, BD_INVALID,
                     "no issues found in markdown file (expected ## Issue Title format)");
    return rc;
}
