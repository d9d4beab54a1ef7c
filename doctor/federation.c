/* Remotes and peers. */
#include "doctor/families.h"

#include "store/db/repo_state.h"

#include <string.h>

/* Names of the database's remotes. */
static size_t remotes(struct doctor *d, const char ***names) {
    struct repo_address *list = NULL;
    size_t n = 0;
    if (!d->ws->database_dir ||
        repo_state_list(d->ws->database_dir, REPO_REMOTES, d->arena, &list, &n, NULL))
        n = 0;
    *names = arena_alloc(d->arena, (n + 1) * sizeof **names);
    for (size_t i = 0; i < n; i++)
        (*names)[i] = list[i].name;
    return n;
}

void federation_remotes(struct doctor *d, struct doctor_result *r) {
    const char **names, *wanted = d->config ? config_get(d->config, "sync.remote") : NULL;
    size_t n = remotes(d, &names);
    if (!d->ws->has_database) {
        doctor_ok(d, r, "N/A (no database)");
    } else if (!n && wanted && *wanted) {
        doctor_warn(d, r, "sync.remote is set, but the database has no remote");
        doctor_detail(d, r, "sync.remote: %s", wanted);
        doctor_hint(d, r, "Run 'bd dolt remote add origin %s'", wanted);
    } else if (!n) {
        doctor_ok(d, r, "No remotes configured");
    } else {
        doctor_ok(d, r, "%zu remote(s): %s", n, doctor_sample(d, names, n));
    }
}

static size_t peers(struct doctor *d) {
    const char **names;
    size_t n = remotes(d, &names), peer = 0;
    for (size_t i = 0; i < n; i++)
        peer += strcmp(names[i], "origin") != 0;
    return peer;
}

static void not_applicable(struct doctor *d, struct doctor_result *r, const char *what) {
    size_t n = peers(d);
    if (!n)
        doctor_ok(d, r, "No peers configured");
    else
        doctor_ok(d, r, "N/A (%zu peer(s); %s)", n, what);
}

void federation_api(struct doctor *d, struct doctor_result *r) {
    not_applicable(d, r, "no server runs here");
}
void federation_peers(struct doctor *d, struct doctor_result *r) {
    not_applicable(d, r, "doctor uses no network; 'bd federation status' asks them");
}
void federation_staleness(struct doctor *d, struct doctor_result *r) {
    not_applicable(d, r, "doctor uses no network; 'bd federation status' asks them");
}
void federation_conflicts(struct doctor *d, struct doctor_result *r) {
    doctor_ok(d, r, peers(d) ? "See the check Git Conflicts" : "No conflicts");
}

/* An automatic push that failed or never happened is otherwise seen by nobody. */
void federation_push(struct doctor *d, struct doctor_result *r) {
    const char **names;
    struct hash head;
    char text[HASH_TEXT_SIZE + 1];
    size_t size;
    if (!d->config || !config_bool(d->config, "dolt.auto-push") || !remotes(d, &names)) {
        doctor_ok(d, r, "N/A (no automatic push)");
        return;
    }
    if (doctor_no_store(d, r) || tables_resolve(d->tables, "HEAD", &head, NULL))
        return;
    hash_format(&head, text);
    char *state = doctor_read(d, doctor_path(d, "push-state.json"), &size);
    if (state && strstr(state, text))
        doctor_ok(d, r, "The newest commit was pushed");
    else if (state && doctor_age(d, doctor_path(d, "push-state.json")) < 3600)
        doctor_ok(d, r, "The last push is less than an hour old");
    else {
        doctor_warn(d, r, "dolt.auto-push is on, but the newest commit was not pushed");
        doctor_hint(d, r, "Run 'bd dolt push' and see what it says");
    }
}
