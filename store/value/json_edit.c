/* A container's items are a linked list in their order; nothing else has to be kept up. */
#include "store/value/json_edit.h"

#include "store/value/json.h"

#include <stdlib.h>
#include <string.h>

static struct json_value *make(struct arena *a, enum json_kind kind) {
    struct json_value *v = arena_zalloc(a, sizeof *v);
    v->kind = kind;
    return v;
}

struct json_value *json_value_object(struct arena *a) {
    return make(a, JSON_OBJECT);
}
struct json_value *json_value_array(struct arena *a) {
    return make(a, JSON_ARRAY);
}

struct json_value *json_value_string(struct arena *a, const char *text, size_t size) {
    struct json_value *v = make(a, JSON_STRING);
    struct buf quoted = BUF_INIT;
    json_add_string(&quoted, text, size);
    v->text = arena_strndup(a, text, size);
    v->raw = arena_dup(a, quoted.data, quoted.size);
    v->raw_size = quoted.size;
    buf_release(&quoted);
    return v;
}

struct json_value *json_value_append(struct json_value *container, const char *key,
                                     const struct json_value *v, struct arena *a) {
    struct json_value *copy = arena_dup(a, v, sizeof *v), **tail = &container->child;
    copy->key = key;
    copy->next = NULL;
    while (*tail)
        tail = &(*tail)->next;
    *tail = copy;
    container->count++;
    return copy;
}

bool json_value_remove(struct json_value *object, const char *key) {
    size_t before = object->count;
    for (struct json_value **at = &object->child; *at;) {
        if (strcmp((*at)->key, key) != 0) {
            at = &(*at)->next;
            continue;
        }
        *at = (*at)->next;
        object->count--;
    }
    return object->count < before;
}

struct json_value *json_value_object_at(struct json_value *object, const char *key, struct arena *a) {
    for (struct json_value *m = object->child; m; m = m->next)
        if (strcmp(m->key, key) == 0 && m->kind == JSON_OBJECT)
            return m;
    json_value_remove(object, key);
    return json_value_append(object, key, json_value_object(a), a);
}

/* depth < 0: all on one line */
static void print(struct buf *out, const struct json_value *v, int depth) {
    bool object = v->kind == JSON_OBJECT, lines = depth >= 0;
    if (!object && v->kind != JSON_ARRAY) {
        buf_add(out, v->raw, v->raw_size);
        return;
    }
    buf_add_char(out, object ? '{' : '[');
    JSON_EACH(m, v) {
        if (lines)
            buf_addf(out, "\n%*s", 2 * (depth + 1), "");
        if (object) {
            json_add_string(out, m->key, strlen(m->key));
            buf_add_str(out, lines ? ": " : ":");
        }
        print(out, m, lines ? depth + 1 : depth);
        if (m->next)
            buf_add_char(out, ',');
    }
    if (lines && v->child)
        buf_addf(out, "\n%*s", 2 * depth, "");
    buf_add_char(out, object ? '}' : ']');
}

void json_value_print(struct buf *out, const struct json_value *v) { print(out, v, -1); }
void json_value_print_indented(struct buf *out, const struct json_value *v) { print(out, v, 0); }
