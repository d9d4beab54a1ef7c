/*
 * A table says which member of struct issue a JSON member fills, in the order in which exports write
 * them: the look-up starts behind the last hit, so well-ordered lines cost one comparison per member.
 */
#include "bd/ops/issue_record.h"

#include "base/json_reader.h"
#include "bd/ops/uuid.h"

#include <openssl/sha.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum member_kind {
    MEMBER_IGNORED,
    MEMBER_TEXT,
    MEMBER_INT,
    MEMBER_BOOL,
    MEMBER_TIME,
    MEMBER_JSON, /* metadata: any value; a text holds JSON text */
    MEMBER_LABELS,
    MEMBER_DEPENDENCIES,
    MEMBER_COMMENTS,
    MEMBER_WAITERS,
    MEMBER_RECORD_TYPE,
    MEMBER_SCHEMA,
    MEMBER_WISP,
    MEMBER_KEY,
    MEMBER_VALUE,
    MEMBER_ROW_SOURCE,
    MEMBER_ROW_TARGET,
    MEMBER_ROW_TYPE,
    MEMBER_THREAD,
    MEMBER_ID,
    MEMBER_ROW_LABEL,
    MEMBER_ROW_AUTHOR,
    MEMBER_ROW_TEXT,
};

struct member {
    const char *name;
    enum member_kind kind;
    size_t offset;
};
#define FIELD(kind, name)                                                                              \
    { #name, kind, offsetof(struct issue, name) }

static const struct member members[] = {
    {"_type", MEMBER_RECORD_TYPE, 0},
    FIELD(MEMBER_ID, id),
    FIELD(MEMBER_TEXT, title),
    FIELD(MEMBER_TEXT, description),
    FIELD(MEMBER_TEXT, design),
    FIELD(MEMBER_TEXT, acceptance_criteria),
    FIELD(MEMBER_TEXT, notes),
    FIELD(MEMBER_TEXT, spec_id),
    FIELD(MEMBER_TEXT, status),
    FIELD(MEMBER_INT, priority),
    FIELD(MEMBER_TEXT, issue_type),
    FIELD(MEMBER_TEXT, assignee),
    FIELD(MEMBER_TEXT, owner),
    FIELD(MEMBER_INT, estimated_minutes),
    FIELD(MEMBER_TIME, created_at),
    FIELD(MEMBER_TEXT, created_by),
    FIELD(MEMBER_TIME, updated_at),
    FIELD(MEMBER_TIME, started_at),
    FIELD(MEMBER_TIME, closed_at),
    FIELD(MEMBER_TEXT, close_reason),
    FIELD(MEMBER_TEXT, closed_by_session),
    FIELD(MEMBER_TIME, due_at),
    FIELD(MEMBER_TIME, defer_until),
    FIELD(MEMBER_TEXT, external_ref),
    FIELD(MEMBER_TEXT, source_system),
    {"source_repo", MEMBER_IGNORED, 0}, /* says where a row was, not what it is */
    FIELD(MEMBER_JSON, metadata),
    FIELD(MEMBER_INT, compaction_level),
    FIELD(MEMBER_TIME, compacted_at),
    FIELD(MEMBER_TEXT, compacted_at_commit),
    FIELD(MEMBER_INT, original_size),
    FIELD(MEMBER_LABELS, labels),
    FIELD(MEMBER_DEPENDENCIES, dependencies),
    FIELD(MEMBER_COMMENTS, comments),
    FIELD(MEMBER_TEXT, sender),
    FIELD(MEMBER_BOOL, ephemeral),
    FIELD(MEMBER_BOOL, no_history),
    {"wisp", MEMBER_WISP, 0},
    FIELD(MEMBER_TEXT, wisp_type),
    FIELD(MEMBER_BOOL, pinned),
    FIELD(MEMBER_BOOL, is_template),
    FIELD(MEMBER_TEXT, await_type),
    FIELD(MEMBER_TEXT, await_id),
    {"timeout", MEMBER_INT, offsetof(struct issue, timeout_ns)},
    {"timeout_ns", MEMBER_INT, offsetof(struct issue, timeout_ns)},
    FIELD(MEMBER_WAITERS, waiters),
    FIELD(MEMBER_TEXT, mol_type),
    FIELD(MEMBER_TEXT, work_type),
    FIELD(MEMBER_TEXT, event_kind),
    FIELD(MEMBER_TEXT, actor),
    FIELD(MEMBER_TEXT, target),
    FIELD(MEMBER_TEXT, payload),
    {"dependency_count", MEMBER_IGNORED, 0},
    {"dependent_count", MEMBER_IGNORED, 0},
    {"comment_count", MEMBER_IGNORED, 0},
    {"parent", MEMBER_IGNORED, 0},
    {"_schema", MEMBER_SCHEMA, 0},
    {"key", MEMBER_KEY, 0},
    {"value", MEMBER_VALUE, 0},
    {"issue_id", MEMBER_ROW_SOURCE, 0},
    {"depends_on_id", MEMBER_ROW_TARGET, 0},
    {"type", MEMBER_ROW_TYPE, 0},
    {"thread_id", MEMBER_THREAD, 0},
    {"label", MEMBER_ROW_LABEL, 0},
    {"author", MEMBER_ROW_AUTHOR, 0},
    {"text", MEMBER_ROW_TEXT, 0},
};
#define MEMBER_COUNT (sizeof members / sizeof members[0])

struct parser {
    struct json_reader r;
    struct arena *a;
    struct record *out;
    struct err *err;
    bool wisp, numbered; /* numbered: the id was a number */
};

static const struct member *find(const char *key, size_t *next) {
    for (size_t n = 0, i = *next; n < MEMBER_COUNT; n++, i++) {
        if (i == MEMBER_COUNT)
            i = 0;
        if (*members[i].name == *key && strcmp(members[i].name, key) == 0) {
            *next = i + 1;
            return &members[i];
        }
    }
    for (size_t i = 0; i < MEMBER_COUNT; i++) /* Go takes any case where the exact one is missing */
        if (strcasecmp(members[i].name, key) == 0)
            return &members[i];
    return NULL;
}

/* null leaves a member as it is; true when it was one. */
static bool take_null(struct parser *p) {
    return json_reader_peek(&p->r) == JSON_NULL && json_reader_skip(&p->r);
}

static bool fail(struct parser *p, const char *member, const char *what) {
    if (p->r.problem)
        return false;
    if (json_reader_peek(&p->r) == JSON_NONE)
        return json_reader_skip(&p->r); /* the text ends here, or no value can start so */
    err_set(p->err, BD_INVALID, "member \"%s\": %s", member, what);
    return json_reader_fail(&p->r, what);
}

static bool wrong_number(struct parser *p, const char *member) {
    err_set(p->err, BD_INVALID, "member \"%s\": %s", member, p->r.problem);
    return false;
}

static bool take_text(struct parser *p, const char *name, const char **out) {
    char *text;
    size_t size;
    if (take_null(p))
        return true;
    if (json_reader_peek(&p->r) != JSON_STRING)
        return fail(p, name, "a text is expected");
    if (!json_reader_string(&p->r, &text, &size))
        return false;
    *out = text;
    return true;
}

static bool take_int(struct parser *p, const char *name, int64_t *out) {
    if (take_null(p))
        return true;
    if (json_reader_peek(&p->r) != JSON_NUMBER)
        return fail(p, name, "a whole number is expected");
    return json_reader_int(&p->r, out) || wrong_number(p, name);
}

static bool take_bool(struct parser *p, const char *name, bool *out) {
    int64_t v;
    switch (json_reader_peek(&p->r)) {
    case JSON_NULL: return json_reader_skip(&p->r);
    case JSON_TRUE: *out = true; return json_reader_skip(&p->r);
    case JSON_FALSE: *out = false; return json_reader_skip(&p->r);
    case JSON_NUMBER:
        if (!json_reader_int(&p->r, &v))
            return wrong_number(p, name);
        *out = v != 0;
        return true;
    default: return fail(p, name, "true or false is expected");
    }
}

static bool take_time(struct parser *p, const char *name, int64_t *out) {
    const char *text = NULL;
    int64_t micros;
    if (!take_text(p, name, &text))
        return false;
    if (!text || !*text)
        return true;
    size_t n = strlen(text);
    if (!datetime_parse_rfc3339(text, n, &micros) && !datetime_parse_sql(text, n, &micros))
        return fail(p, name, "a time like 2026-01-02T03:04:05Z is expected");
    *out = strncmp(text, "0001-01-01T00:00:00", 19) == 0 ? ISSUE_NO_TIME : micros;
    return true;
}

static bool is_empty_json(const char *text, size_t size) {
    return size == 0 || (size == 2 && memcmp(text, "{}", 2) == 0) ||
           (size == 4 && memcmp(text, "null", 4) == 0);
}

/* Any JSON; a text is taken for JSON text when it holds an object or array, as rows of old backups do.
 */
static bool take_json(struct parser *p, const char **out) {
    const char *raw;
    size_t size;
    if (json_reader_peek(&p->r) == JSON_STRING) {
        const char *start = p->r.at, *text = NULL;
        if (!json_reader_raw(&p->r, &raw, &size))
            return false;
        struct json_reader inner = p->r;
        char *copy = arena_strndup(p->a, start, size);
        json_reader_init(&inner, copy, size, p->a);
        char *decoded;
        size_t decoded_size;
        if (json_reader_string(&inner, &decoded, &decoded_size))
            text = decoded;
        if (!text || !*text)
            return true;
        if (*text == '{' || *text == '[') {
            char *check = arena_strdup(p->a, text);
            json_reader_init(&inner, check, strlen(check), p->a);
            if (json_reader_skip(&inner) && json_reader_done(&inner)) {
                *out = is_empty_json(text, strlen(text)) ? NULL : text;
                return true;
            }
        }
        *out = arena_strndup(p->a, raw, size);
        return true;
    }
    if (!json_reader_raw(&p->r, &raw, &size))
        return false;
    *out = is_empty_json(raw, size) ? NULL : arena_strndup(p->a, raw, size);
    return true;
}

/* ---- lists ---- */

static bool take_labels(struct parser *p) {
    struct issue *i = &p->out->issue;
    size_t capacity = 0;
    i->label_count = 0;
    i->labels = NULL;
    if (take_null(p))
        return true;
    if (json_reader_peek(&p->r) != JSON_ARRAY)
        return fail(p, "labels", "a list of texts is expected");
    for (json_reader_array(&p->r); json_reader_item(&p->r);) {
        const char *label = NULL;
        if (!take_text(p, "labels", &label))
            return false;
        if (!label || !*label)
            continue;
        if (i->label_count == capacity) {
            capacity = capacity ? capacity * 2 : 4;
            const char **grown = arena_alloc(p->a, capacity * sizeof *grown);
            if (i->label_count)
                memcpy(grown, i->labels, i->label_count * sizeof *grown);
            i->labels = grown;
        }
        size_t k = 0;
        while (k < i->label_count && strcmp(i->labels[k], label) != 0)
            k++;
        if (k == i->label_count)
            i->labels[i->label_count++] = label;
    }
    return !p->r.problem;
}

static bool is(const char *a, const char *b) { return strcmp(a, b) == 0; }

static bool skip_or_fail(struct parser *p) { return json_reader_skip(&p->r); }

static bool read_dependency(struct parser *p, struct dependency *d) {
    char *key;
    size_t size;
    *d = (struct dependency){.created_at = ISSUE_NO_TIME, .type = ""};
    if (json_reader_peek(&p->r) != JSON_OBJECT)
        return fail(p, "dependencies", "a list of objects is expected");
    for (json_reader_object(&p->r); json_reader_member(&p->r, &key, &size);) {
        bool ok = is(key, "issue_id")        ? take_text(p, key, &d->issue_id)
                  : is(key, "depends_on_id") ? take_text(p, key, &d->depends_on_id)
                  : is(key, "type")          ? take_text(p, key, &d->type)
                  : is(key, "created_at")    ? take_time(p, key, &d->created_at)
                  : is(key, "created_by")    ? take_text(p, key, &d->created_by)
                  : is(key, "metadata")      ? take_json(p, &d->metadata)
                  : is(key, "thread_id")     ? take_text(p, key, &d->thread_id)
                                             : skip_or_fail(p);
        if (!ok)
            return false;
    }
    return !p->r.problem;
}

#define NEXT_ITEM(list, count, capacity)                                                               \
    do {                                                                                               \
        if ((count) == (capacity)) {                                                                   \
            (capacity) = (capacity) ? (capacity)*2 : 2;                                                \
            void *grown_ = arena_alloc(p->a, (capacity) * sizeof *(list));                             \
            if (count)                                                                                 \
                memcpy(grown_, (list), (count) * sizeof *(list));                                      \
            (list) = grown_;                                                                           \
        }                                                                                              \
    } while (0)

static bool take_dependencies(struct parser *p) {
    struct issue *i = &p->out->issue;
    size_t capacity = 0;
    i->dependency_row_count = 0;
    if (take_null(p))
        return true;
    if (json_reader_peek(&p->r) != JSON_ARRAY)
        return fail(p, "dependencies", "a list of objects is expected");
    for (json_reader_array(&p->r); json_reader_item(&p->r);) {
        if (take_null(p))
            continue;
        NEXT_ITEM(i->dependencies, i->dependency_row_count, capacity);
        struct dependency *d = &i->dependencies[i->dependency_row_count];
        if (!read_dependency(p, d))
            return false;
        if (d->depends_on_id && *d->depends_on_id)
            i->dependency_row_count++;
    }
    return !p->r.problem;
}

/* A number is no id in today's tables: such comments get one of their own (record_name_comments). */
static bool take_comment_id(struct parser *p, struct comment *c) {
    if (json_reader_peek(&p->r) == JSON_STRING)
        return take_text(p, "id", &c->id);
    return json_reader_skip(&p->r);
}

static bool read_comment(struct parser *p, struct comment *c) {
    char *key;
    size_t size;
    *c = (struct comment){.created_at = ISSUE_NO_TIME, .author = "", .text = ""};
    if (json_reader_peek(&p->r) != JSON_OBJECT)
        return fail(p, "comments", "a list of objects is expected");
    for (json_reader_object(&p->r); json_reader_member(&p->r, &key, &size);) {
        bool ok = is(key, "id")           ? take_comment_id(p, c)
                  : is(key, "author")     ? take_text(p, key, &c->author)
                  : is(key, "text")       ? take_text(p, key, &c->text)
                  : is(key, "created_at") ? take_time(p, key, &c->created_at)
                                          : skip_or_fail(p);
        if (!ok)
            return false;
    }
    return !p->r.problem;
}

static bool take_comments(struct parser *p) {
    struct issue *i = &p->out->issue;
    size_t capacity = 0;
    i->comment_row_count = 0;
    if (take_null(p))
        return true;
    if (json_reader_peek(&p->r) != JSON_ARRAY)
        return fail(p, "comments", "a list of objects is expected");
    for (json_reader_array(&p->r); json_reader_item(&p->r);) {
        if (take_null(p))
            continue;
        NEXT_ITEM(i->comments, i->comment_row_count, capacity);
        if (!read_comment(p, &i->comments[i->comment_row_count++]))
            return false;
    }
    return !p->r.problem;
}

/* A list of texts, kept as JSON text. */
static bool take_waiters(struct parser *p) {
    struct issue *i = &p->out->issue;
    if (take_null(p))
        return true;
    if (json_reader_peek(&p->r) == JSON_STRING)
        return take_text(p, "waiters", &i->waiters);
    const char *raw;
    size_t size;
    if (json_reader_peek(&p->r) != JSON_ARRAY)
        return fail(p, "waiters", "a list of texts is expected");
    if (!json_reader_raw(&p->r, &raw, &size))
        return false;
    i->waiters = size > 2 ? arena_strndup(p->a, raw, size) : "";
    return true;
}

/*
 * Ids for comments that came without: made from their time, their place in the list and their content,
 * so that two clones that import the same file give the same comment the same id. The form is that of a
 * version 7 UUID.
 */
void record_name_comments(struct issue *i, struct arena *a) {
    for (size_t k = 0; k < i->comment_row_count; k++) {
        struct comment *c = &i->comments[k];
        if (c->created_at == ISSUE_NO_TIME) /* so that a second import finds it again */
            c->created_at = i->created_at;
        if ((c->id && *c->id) || c->created_at == ISSUE_NO_TIME)
            continue;
        unsigned char h[SHA256_DIGEST_LENGTH];
        struct buf b = BUF_INIT;
        buf_add(&b, i->id, strlen(i->id) + 1);
        buf_add(&b, c->author, strlen(c->author) + 1);
        buf_add_str(&b, c->text);
        SHA256_CTX sha; /* the one-shot form would pull the whole EVP layer into the program */
        SHA256_Init(&sha);
        SHA256_Update(&sha, buf_str(&b), b.size);
        SHA256_Final(h, &sha);
        buf_release(&b);
        h[0] = (uint8_t)(k >> 8); /* the bits behind the time keep the order of the list */
        h[1] = (uint8_t)k;
        char *id = arena_alloc(a, UUID_TEXT_SIZE);
        uuid_from_hash(c->created_at, h, id);
        c->id = id;
    }
}

/* ---- the record ---- */

static bool take_member(struct parser *p, const struct member *m) {
    struct record *o = p->out;
    char *base = (char *)&o->issue;
    switch (m->kind) {
    case MEMBER_IGNORED: return json_reader_skip(&p->r);
    case MEMBER_TEXT: return take_text(p, m->name, (const char **)(void *)(base + m->offset));
    case MEMBER_INT: return take_int(p, m->name, (int64_t *)(void *)(base + m->offset));
    case MEMBER_BOOL: return take_bool(p, m->name, (bool *)(base + m->offset));
    case MEMBER_TIME: return take_time(p, m->name, (int64_t *)(void *)(base + m->offset));
    case MEMBER_JSON: return take_json(p, &o->issue.metadata);
    case MEMBER_LABELS: return take_labels(p);
    case MEMBER_DEPENDENCIES: return take_dependencies(p);
    case MEMBER_COMMENTS: return take_comments(p);
    case MEMBER_WAITERS: return take_waiters(p);
    case MEMBER_RECORD_TYPE:
        return json_reader_peek(&p->r) == JSON_STRING ? take_text(p, m->name, &o->type)
                                                      : json_reader_skip(&p->r);
    case MEMBER_SCHEMA: o->header = true; return json_reader_skip(&p->r);
    case MEMBER_WISP: return take_bool(p, m->name, &p->wisp);
    case MEMBER_KEY: return take_text(p, m->name, &o->memory_key);
    case MEMBER_VALUE: return take_text(p, m->name, &o->memory_value);
    case MEMBER_ROW_SOURCE: return take_text(p, m->name, &o->dependency.issue_id);
    case MEMBER_ROW_TARGET: return take_text(p, m->name, &o->dependency.depends_on_id);
    case MEMBER_ROW_TYPE: return take_text(p, m->name, &o->dependency.type);
    case MEMBER_ID:
        p->numbered = json_reader_peek(&p->r) == JSON_NUMBER;
        return p->numbered ? json_reader_skip(&p->r) : take_text(p, m->name, &o->issue.id);
    case MEMBER_ROW_LABEL: return take_text(p, m->name, &o->label);
    case MEMBER_ROW_AUTHOR: return take_text(p, m->name, &o->comment.author);
    case MEMBER_ROW_TEXT: return take_text(p, m->name, &o->comment.text);
    case MEMBER_THREAD: return take_text(p, m->name, &o->dependency.thread_id);
    }
    return false;
}

static bool set(const char *s) { return s && *s; }

/* A row that hangs on an issue: it has no title and names the issue. */
static bool take_row(struct parser *p) {
    struct record *o = p->out;
    struct issue *i = &o->issue;
    struct dependency *d = &o->dependency;
    if (set(i->title) || !set(d->issue_id))
        return false;
    if (set(d->depends_on_id)) {
        d->created_at = i->created_at;
        d->created_by = set(i->created_by) ? i->created_by : NULL;
        d->metadata = i->metadata;
        o->kind = RECORD_DEPENDENCY;
    } else if (set(o->label)) {
        o->kind = RECORD_LABEL;
    } else if (o->comment.text) {
        o->comment = (struct comment){.id = i->id,
                                      .issue_id = d->issue_id,
                                      .author = o->comment.author ? o->comment.author : "",
                                      .text = o->comment.text,
                                      .created_at = i->created_at};
        o->kind = RECORD_COMMENT;
    }
    return o->kind != RECORD_NONE;
}

static void decide_kind(struct parser *p) {
    struct record *o = p->out;
    struct issue *i = &o->issue;
    /* A line about the file itself. An issue that has such a member is an issue all the same. */
    if (o->header && (set(i->id) || set(i->title))) {
        o->header = false;
        if (o->unknown_count < RECORD_UNKNOWN_MAX)
            o->unknown[o->unknown_count++] = "_schema";
    }
    if (o->header)
        return;
    if (o->type && is(o->type, "memory")) {
        if (set(o->memory_key) && set(o->memory_value))
            o->kind = RECORD_MEMORY;
        return;
    }
    if (is(i->status, "tombstone")) {
        o->tombstone = true;
        return;
    }
    if (take_row(p))
        return;
    o->kind = RECORD_ISSUE;
    if (p->wisp)
        i->ephemeral = true;
    if (!*i->status)
        i->status = "open";
    if (!*i->issue_type)
        i->issue_type = "task";
    record_name_comments(i, p->a);
}

/* What says nothing is not missed: null, "", [], {}. */
static bool is_empty_value(const struct json_reader *r) {
    static const char *const empty[] = {"null", "\"\"", "[]", "{}"};
    const char *at = r->at;
    while (at < r->end && (*at == ' ' || *at == '\t'))
        at++;
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        if ((size_t)(r->end - at) >= strlen(empty[i]) && memcmp(at, empty[i], strlen(empty[i])) == 0)
            return true;
    return false;
}

int record_parse(char *text, size_t size, struct arena *a, struct record *out, struct err *err) {
    struct parser p = {.a = a, .out = out, .err = err};
    char *key;
    size_t key_size, next = 0;
    memset(out, 0, sizeof *out);
    issue_init(&out->issue);
    out->issue.status = out->issue.issue_type = "";
    out->issue.priority = 0; /* what a record without it means (upstream) */
    out->dependency = (struct dependency){.created_at = ISSUE_NO_TIME};
    json_reader_init(&p.r, text, size, a);
    if (json_reader_peek(&p.r) == JSON_NONE && p.r.at == p.r.end)
        return BD_OK;
    if (json_reader_peek(&p.r) != JSON_OBJECT)
        return err_set(err, BD_INVALID, "a JSON object is expected");
    err_clear(err);
    for (json_reader_object(&p.r); json_reader_member(&p.r, &key, &key_size);) {
        const struct member *m = find(key, &next);
        if (!m && !is_empty_value(&p.r) && out->unknown_count < RECORD_UNKNOWN_MAX)
            out->unknown[out->unknown_count++] = arena_strndup(a, key, key_size);
        if (!(m ? take_member(&p, m) : json_reader_skip(&p.r)))
            break;
    }
    if (!json_reader_done(&p.r)) {
        if (err && err->code)
            return err->code;
        return err_set(err, BD_INVALID, "%s (at byte %zu)", p.r.problem, p.r.problem_offset + 1);
    }
    out->replaced = p.r.replaced;
    decide_kind(&p);
    if (p.numbered && out->kind == RECORD_ISSUE)
        return err_set(err, BD_INVALID, "member \"id\": a text is expected");
    return BD_OK;
}
