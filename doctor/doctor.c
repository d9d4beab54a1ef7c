/* Running the table of checks, and hiding what was asked to be hidden. */
#include "doctor/room.h"

#include "doctor/survey.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SUPPRESS "doctor.suppress."

const char *doctor_status_name(enum doctor_status s) {
    static const char *const names[] = {"ok", "warning", "error"};
    return names[s];
}

const char *const doctor_categories[] = {
    "Core System",  "Data & Config", "Storage",  "Git Integration", "Runtime", "Performance",
    "Integrations", "Federation",    "Metadata", "Maintenance",     NULL,
};

void doctor_begin(struct doctor *d) {
    d->now = datetime_now();
    if (!d->tables || d->x)
        return;
    if (tables_read_begin(d->tables, &d->x, &d->open_error))
        d->x = NULL;
    else
        err_clear(&d->open_error);
}

void doctor_end(struct doctor *d) {
    if (d->x)
        tables_read_end(d->x);
    d->x = NULL;
    survey_free(d->survey);
    d->survey = NULL;
    if (d->settings)
        strmap_release(d->settings);
    d->settings = NULL;
}

static void run_one(struct doctor *d, const struct doctor_check *c) {
    MEM_GROW(d->results, d->capacity, d->count + 1);
    struct doctor_result *r = &d->results[d->count++];
    *r = (struct doctor_result){.check = c, .name = c->name, .category = c->category, .message = ""};
    c->run(d, r);
    if (r->status == DOCTOR_OK)
        r->fixable = false;
}

/* Errors always count; warnings of strict checks do. */
static void judge(struct doctor *d) {
    d->overall_ok = true;
    for (size_t i = 0; i < d->count; i++) {
        const struct doctor_result *r = &d->results[i];
        if (r->status == DOCTOR_ERROR ||
            (r->status == DOCTOR_WARNING && (r->check->flags & DOCTOR_STRICT)))
            d->overall_ok = false;
    }
}

static bool is_true(const char *v) {
    return v && (strcasecmp(v, "true") == 0 || strcmp(v, "1") == 0 || strcasecmp(v, "yes") == 0 ||
                 strcasecmp(v, "on") == 0);
}

/* "Git Hooks" → "git-hooks", the last part of doctor.suppress.<slug>. */
static const char *doctor_slug(const char *name, struct arena *a) {
    char *s = arena_strdup(a, name);
    for (char *p = s; *p; p++)
        *p = *p == ' ' ? '-' : (char)tolower((unsigned char)*p);
    return s;
}

static void suppress(struct doctor *d) {
    size_t kept = 0;
    for (size_t i = 0; i < d->count; i++) {
        const struct doctor_result *r = &d->results[i];
        const char *key = arena_printf(d->arena, SUPPRESS "%s", doctor_slug(r->name, d->arena));
        if (r->status == DOCTOR_WARNING && is_true(doctor_setting(d, key)))
            d->suppressed++;
        else
            d->results[kept++] = *r;
    }
    d->count = kept;
}

static void start(struct doctor *d) {
    d->results = NULL; /* heap; the owner releases it with the arena of the command at exit */
    d->count = d->capacity = d->suppressed = 0;
}

static void finish(struct doctor *d) {
    suppress(d);
    struct doctor_result *copy = arena_dup(d->arena, d->results, d->count * sizeof *copy);
    free(d->results);
    d->results = copy;
    d->capacity = d->count;
    judge(d);
}

void doctor_run(struct doctor *d) {
    bool workspace = d->ws->beads_dir || d->ws->direct;
    start(d);
    for (const struct doctor_check *c = doctor_checks; c->name; c++) {
        if ((c->cost == DOCTOR_DEEP && !d->options.deep) ||
            (!workspace && !(c->flags & DOCTOR_ALWAYS)) || (c->flags & DOCTOR_SERVER))
            continue;
        run_one(d, c);
    }
    finish(d);
}

void doctor_run_flagged(struct doctor *d, unsigned flags) {
    start(d);
    for (const struct doctor_check *c = doctor_checks; c->name; c++)
        if (c->flags & flags)
            run_one(d, c);
    finish(d);
}

void doctor_run_named(struct doctor *d, const char *const *names) {
    start(d);
    for (size_t i = 0; names[i]; i++)
        run_one(d, doctor_find(names[i]));
    finish(d);
}

const struct doctor_check *doctor_find(const char *name) {
    for (const struct doctor_check *c = doctor_checks; c->name; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

size_t doctor_count(const struct doctor *d, enum doctor_status s) {
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++)
        n += d->results[i].status == s;
    return n;
}
