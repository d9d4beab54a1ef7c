/* Strings are decoded in a copy of the text; offsets in the copy are offsets in the text. */
#include "base/json_value.h"

#include <stdlib.h>
#include <string.h>

struct builder {
    struct json_reader r;
    const char *text;
    unsigned depth;
};

static bool build(struct builder *b, struct json_value *v);

static bool build_items(struct builder *b, struct json_value *v) {
    struct json_value **tail = &v->child;
    size_t size;
    char *key = NULL;
    bool object = v->kind == JSON_OBJECT;
    if (++b->depth > JSON_READER_DEPTH)
        return json_reader_fail(&b->r, "exceeded max depth");
    if (!(object ? json_reader_object(&b->r) : json_reader_array(&b->r)))
        return false;
    while (object ? json_reader_member(&b->r, &key, &size) : json_reader_item(&b->r)) {
        struct json_value *item = arena_zalloc(b->r.arena, sizeof *item);
        item->key = key;
        if (!build(b, item))
            return false;
        *tail = item;
        tail = &item->next;
        v->count++;
    }
    b->depth--;
    return !b->r.problem;
}

static bool build(struct builder *b, struct json_value *v) {
    char *text;
    size_t size;
    v->kind = json_reader_peek(&b->r);
    v->raw = b->text + (b->r.at - b->r.start);
    bool good;
    if (v->kind == JSON_OBJECT || v->kind == JSON_ARRAY) {
        good = build_items(b, v);
    } else if (v->kind == JSON_STRING) {
        good = json_reader_string(&b->r, &text, &size);
        v->text = good ? text : NULL;
    } else {
        good = json_reader_skip(&b->r);
    }
    v->raw_size = (size_t)(b->text + (b->r.at - b->r.start) - v->raw);
    return good;
}

struct json_value *json_value_parse(const char *text, size_t size, struct arena *a, struct err *err) {
    struct builder b = {.text = text};
    json_reader_init(&b.r, arena_strndup(a, text, size), size, a);
    struct json_value *v = arena_zalloc(a, sizeof *v);
    if (build(&b, v) && json_reader_done(&b.r))
        return v;
    if (b.r.problem_offset >= size)
        err_set(err, BD_INVALID, "%s", b.r.problem);
    else
        err_set(err, BD_INVALID, "%s at byte %zu", b.r.problem, b.r.problem_offset);
    return NULL;
}

bool json_text_is_value(const char *text, size_t size) {
    struct json_reader r;
    /* skipping writes nothing */
    union {
        const char *in;
        char *out;
    } borrowed = {.in = text};
    json_reader_init(&r, borrowed.out, size, NULL);
    return json_reader_skip(&r) && json_reader_done(&r);
}

bool json_value_is(const struct json_value *v, enum json_kind kind) { return v && v->kind == kind; }

const struct json_value *json_value_get(const struct json_value *object, const char *key) {
    const struct json_value *found = NULL;
    if (!json_value_is(object, JSON_OBJECT))
        return NULL;
    JSON_EACH(m, object) if (strcmp(m->key, key) == 0) found = m;
    return found;
}

static const char *json_value_text(const struct json_value *v) { return v ? v->text : NULL; }

const char *json_value_get_text(const struct json_value *object, const char *key) {
    return json_value_text(json_value_get(object, key));
}

bool json_value_int(const struct json_value *v, int64_t *out) {
    struct json_reader r;
    char text[32];
    if (!json_value_is(v, JSON_NUMBER) || v->raw_size >= sizeof text)
        return false;
    memcpy(text, v->raw, v->raw_size);
    text[v->raw_size] = '\0';
    json_reader_init(&r, text, v->raw_size, NULL);
    return json_reader_int(&r, out) && json_reader_done(&r);
}

double json_value_double(const struct json_value *v) {
    if (!json_value_is(v, JSON_NUMBER))
        return 0;
    char *text = mem_alloc(v->raw_size + 1);
    memcpy(text, v->raw, v->raw_size);
    text[v->raw_size] = '\0';
    double number = strtod(text, NULL);
    free(text);
    return number;
}

static bool same_number(const struct json_value *x, const struct json_value *y) {
    int64_t i, k;
    if (json_value_int(x, &i) && json_value_int(y, &k))
        return i == k;
    double a = json_value_double(x), b = json_value_double(y);
    return a >= b && a <= b;
}

static bool same_members(const struct json_value *x, const struct json_value *y) {
    JSON_EACH(m, x) {
        if (!json_value_equal(json_value_get(x, m->key), json_value_get(y, m->key)))
            return false;
    }
    JSON_EACH(m, y) {
        if (!json_value_get(x, m->key))
            return false;
    }
    return true;
}

bool json_value_equal(const struct json_value *x, const struct json_value *y) {
    if (!x || !y || x->kind != y->kind)
        return x == y;
    switch (x->kind) {
    case JSON_OBJECT: return same_members(x, y);
    case JSON_STRING: return strcmp(x->text, y->text) == 0;
    case JSON_NUMBER: return same_number(x, y);
    case JSON_ARRAY: {
        const struct json_value *a = x->child, *b = y->child;
        for (; a && b && json_value_equal(a, b); a = a->next)
            b = b->next;
        return !a && !b;
    }
    default: return true;
    }
}
