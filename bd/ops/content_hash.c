/*
 * SHA-256 over the content fields in a fixed order, each followed by one NUL byte. The order is
 * upstream's and part of the stored format.
 */
#include "bd/ops/content_hash.h"

#include "base/json_value.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

static void add(SHA256_CTX *h, const char *text) {
    if (text)
        SHA256_Update(h, text, strlen(text));
    SHA256_Update(h, "", 1);
}

static void add_number(SHA256_CTX *h, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    add(h, text);
}

static void add_waiters(SHA256_CTX *h, const char *json, struct arena *a) {
    const struct json_value *list =
        json && *json ? json_value_parse(json, strlen(json), a, NULL) : NULL;
    JSON_EACH(item, list) {
        if (item->text)
            add(h, item->text);
    }
}

const char *issue_content_hash(const struct issue *i, struct arena *a) {
    SHA256_CTX h;
    SHA256_Init(&h);
    add(&h, i->title);
    add(&h, i->description);
    add(&h, i->design);
    add(&h, i->acceptance_criteria);
    add(&h, i->notes);
    add(&h, i->spec_id);
    add(&h, i->status);
    add_number(&h, i->priority);
    add(&h, i->issue_type);
    add(&h, i->assignee);
    add(&h, i->owner);
    add(&h, i->created_by);
    add(&h, i->external_ref);
    add(&h, i->source_system);
    add(&h, i->pinned ? "pinned" : "");
    add(&h, i->metadata);
    add(&h, i->is_template ? "template" : "");
    add(&h, i->await_type);
    add(&h, i->await_id);
    add_number(&h, i->timeout_ns);
    add_waiters(&h, i->waiters, a);
    add(&h, i->mol_type);
    add(&h, i->work_type);
    add(&h, i->event_kind);
    add(&h, i->actor);
    add(&h, i->target);
    add(&h, i->payload);
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256_Final(digest, &h);
    char *hex = arena_alloc(a, 2 * sizeof digest + 1);
    static const char digits[] = "0123456789abcdef";
    for (size_t k = 0; k < sizeof digest; k++) {
        hex[2 * k] = digits[digest[k] >> 4];
        hex[2 * k + 1] = digits[digest[k] & 15];
    }
    hex[2 * sizeof digest] = '\0';
    return hex;
}
