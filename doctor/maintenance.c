/* Leftovers of older releases, and work that piles up. */
#include "doctor/families.h"

#include "base/os.h"
#include "base/version.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- versions ---- */

void maintenance_version(struct doctor *d, struct doctor_result *r) {
    char *text = d->ws->beads_dir ? doctor_read(d, doctor_path(d, ".local_version"), NULL) : NULL;
    int a, b, c;
    if (text)
        text[strcspn(text, "\r\n")] = 0;
    if (!text || !*text)
        doctor_ok(d, r, "Begins with the next command");
    else if (sscanf(text, "%d.%d.%d", &a, &b, &c) < 2)
        doctor_ok(d, r, "Unknown version \"%.40s\"; the next command writes the present one", text);
    else if (strcmp(text, BD_VERSION) == 0)
        doctor_ok(d, r, "Version tracking active (version: %s)", text);
    else
        doctor_ok(d, r, "Version tracking active (last: %s, current: %s)", text, BD_VERSION);
}

/* ---- files of old releases ---- */

void maintenance_deletions(struct doctor *d, struct doctor_result *r) {
    char *text = d->ws->beads_dir ? doctor_read(d, doctor_path(d, "deletions.jsonl"), NULL) : NULL;
    size_t n = 0;
    for (char *p = text; p && *p; p++)
        n += *p == '\n';
    if (!text || !n) {
        doctor_ok(d, r, "Not needed (Dolt-native)");
        return;
    }
    doctor_warn(d, r, "Legacy format (%zu entries)", n);
    doctor_detail(d, r, "deletions.jsonl is a list that no release since 0.50 reads");
    doctor_offer(d, r, "set it aside");
}

int maintenance_deletions_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    const char *path = doctor_path(d, "deletions.jsonl");
    if (!os_exists(path))
        return BD_OK;
    int rc = doctor_move_aside(rp, path, err);
    if (rc == BD_OK)
        doctor_did(rp, "Set deletions.jsonl aside");
    return rc;
}

static size_t mq_files(struct doctor *d) {
    const char **names;
    size_t n = d->ws->beads_dir ? doctor_list(d, doctor_path(d, "mq"), &names) : 0, found = 0;
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(names[i]);
        found += size > 5 && strcmp(names[i] + size - 5, ".json") == 0;
    }
    return found;
}

void maintenance_mq(struct doctor *d, struct doctor_result *r) {
    size_t n = mq_files(d);
    if (!n) {
        doctor_ok(d, r, "No legacy merge queue files");
        return;
    }
    doctor_warn(d, r, "%zu stale .beads/mq/*.json file(s)", n);
    doctor_detail(d, r, "Merge queues are kept as issues now");
    doctor_offer(d, r, "set the folder aside");
}

int maintenance_mq_fix(struct doctor *d, struct doctor_repair *rp, struct err *err) {
    if (!mq_files(d))
        return BD_OK;
    int rc = doctor_move_aside(rp, doctor_path(d, "mq"), err);
    if (rc == BD_OK)
        doctor_did(rp, "Set .beads/mq aside");
    return rc;
}

void maintenance_artifacts(struct doctor *d, struct doctor_result *r) {
    const char **names, *found[DOCTOR_SAMPLE];
    size_t n = d->ws->beads_dir ? doctor_list(d, d->ws->beads_dir, &names) : 0, backups = 0;
    size_t count = doctor_sqlite_files(d, found);
    for (size_t i = 0; i < n; i++) {
        size_t size = strlen(names[i]);
        backups += strncmp(names[i], "beads.backup-", 13) == 0 && size > 3 &&
                   strcmp(names[i] + size - 3, ".db") == 0;
    }
    if (count && !d->ws->has_database) {
        doctor_ok(d, r, "See the check Database");
    } else if (count) {
        doctor_ok(d, r, "%s of an old release beside the database", doctor_sample(d, found, count));
        doctor_detail(d, r, "'bd doctor --check=artifacts' tells more");
    } else if (backups) {
        doctor_ok(d, r, "%zu backup(s) of a migration; delete them when all is well", backups);
    } else {
        doctor_ok(d, r, "No classic artifacts detected");
    }
}

void maintenance_migrations(struct doctor *d, struct doctor_result *r) {
    const char *found[DOCTOR_SAMPLE];
    size_t count = d->ws->has_database ? 0 : doctor_sqlite_files(d, found);
    if (count) {
        doctor_warn(d, r, "1 available");
        doctor_detail(d, r, "• sqlite: %s can be brought into the present form [recommended]",
                      doctor_sample(d, found, count));
        doctor_hint(d, r, "Run 'bd migrate --to-dolt --dry-run'");
        return;
    }
    doctor_ok(d, r, "None required");
}

/* ---- work that piles up ---- */

static long stale_days(struct doctor *d) {
    int64_t days;
    const struct json_value *o =
        d->ws->beads_dir ? doctor_json(d, doctor_path(d, "metadata.json")) : NULL;
    bool set = json_value_int(json_value_get(o, "stale_closed_issues_days"), &days);
    return set && days > 0 && days < 1000000 ? (long)days : 0;
}

void maintenance_stale_closed(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    long days = stale_days(d);
    size_t n = 0;
    if (!s)
        return;
    if (!days) {
        doctor_ok(d, r, "Disabled (set stale_closed_issues_days to enable)");
        return;
    }
    int64_t cutoff = d->now - days * 86400 * MICROS_PER_SECOND;
    for (size_t i = 0; i < s->node_count; i++) {
        const struct survey_node *node = &s->nodes[i];
        n += node->closed && !node->wisp && !node->pinned && node->closed_at != INT64_MIN &&
             node->closed_at < cutoff;
    }
    if (!n) {
        doctor_ok(d, r, "No stale closed issues");
        return;
    }
    doctor_warn(d, r, "%zu closed issue(s) older than %ld days", n, days);
    doctor_hint(d, r, "Run 'bd prune --older-than %ldd --dry-run' to see what could go", days);
}

/* Counts nodes and remembers some. */
struct found {
    const char *items[DOCTOR_SAMPLE];
    size_t count;
};
static void remember(struct found *f, const struct survey_node *n) {
    if (f->count < DOCTOR_SAMPLE)
        f->items[f->count] = n->id;
    f->count++;
}

void maintenance_persistent_molecules(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    struct found f = {.count = 0};
    if (!s)
        return;
    for (size_t i = 0; i < s->node_count; i++)
        if (strncmp(s->nodes[i].id, "mol-", 4) == 0 && !s->nodes[i].ephemeral && !s->nodes[i].wisp)
            remember(&f, &s->nodes[i]);
    if (!f.count) {
        doctor_ok(d, r, "No persistent mol- issues");
        return;
    }
    doctor_warn(d, r, "%zu mol- issue(s) should be ephemeral", f.count);
    doctor_detail(d, r, "Example: %s", doctor_sample(d, f.items, f.count));
    doctor_hint(d, r, "Make such molecules as wisps ('bd mol wisp'); close those that are done");
}

void maintenance_misclassified_wisps(struct doctor *d, struct doctor_result *r) {
    const struct survey *s = doctor_survey(d, r);
    struct found f = {.count = 0};
    if (!s)
        return;
    for (size_t i = 0; i < s->node_count; i++)
        if (!s->nodes[i].ephemeral && !s->nodes[i].wisp && strstr(s->nodes[i].id, "-wisp-"))
            remember(&f, &s->nodes[i]);
    if (!f.count) {
        doctor_ok(d, r, "No misclassified wisps found");
        return;
    }
    doctor_warn(d, r, "%zu wisp issue(s) missing ephemeral flag", f.count);
    doctor_detail(d, r, "Example: %s", doctor_sample(d, f.items, f.count));
    doctor_hint(d, r, "Close those that are done; 'bd purge' takes closed wisps away");
}

void maintenance_patrol(struct doctor *d, struct doctor_result *r) {
    enum { DIGESTS = 10, SESSIONS = 50 };
    const struct survey *s = doctor_survey(d, r);
    struct found digests = {.count = 0}, sessions = {.count = 0};
    if (!s)
        return;
    for (size_t i = 0; i < s->node_count; i++) {
        const struct survey_node *n = &s->nodes[i];
        if (n->wisp || n->ephemeral)
            continue;
        if (n->patrol_digest)
            remember(&digests, n);
        else if (n->session_ended)
            remember(&sessions, n);
    }
    if (digests.count <= DIGESTS && sessions.count <= SESSIONS) {
        doctor_ok(d, r, "No patrol pollution detected");
        return;
    }
    doctor_warn(d, r, "%zu patrol digest and %zu session ended issue(s)", digests.count,
                sessions.count);
    doctor_detail(d, r, "Patrol digests: %s; sessions: %s",
                  doctor_sample(d, digests.items, digests.count),
                  doctor_sample(d, sessions.items, sessions.count));
    doctor_hint(d, r,
                "They should be wisps. Close them, then 'bd prune --pattern ...' with --dry-run first");
}
