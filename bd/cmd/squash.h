/*
 * What flatten, compact and the automatic retention share: when history may be squashed, doing it,
 * giving back the space, and telling what happened.
 */
#ifndef BD_CMD_SQUASH_H
#define BD_CMD_SQUASH_H

#include "bd/cmd/cmd.h"
#include "store/db/rewrite.h"

struct squash_result {
    struct history_summary history;
    uint64_t bytes_before, bytes_after;
    int64_t elapsed_micros;
    const char *collect_error; /* why the space was not given back; NULL: it was */
};

/* May the history of this database be squashed at all? BD_CONFLICT says why not. `federated`: even with
 * remotes. */
int squash_check(struct bd *bd, bool federated, struct err *err);
enum squash_collect {
    SQUASH_COLLECT,    /* give back the space whatever it takes */
    SQUASH_BY_THE_WAY, /* only when that is quick and nobody else collects */
};
/*
 * Squashes and collects. A failed verification leaves a quarantine marker, a failed collection one that
 * the next squash or collection works off.
 */
int squash_run(struct bd *bd, const struct history_rewrite *r, enum squash_collect how,
               struct squash_result *out, struct err *err);

/* Collects when an earlier squash could not, without a word, when that is quick, and not by every
 * command. */
void squash_settle_by_the_way(struct bd *bd);
/* Is there something to collect that only a full collection finds? */
bool squash_is_pending(struct bd *bd);
/* A full collection succeeded. */
void squash_collected(struct bd *bd);

/* One run of flatten or compact. */
struct squash_job {
    struct history_rewrite rewrite; /* what is asked for */
    struct squash_result result;    /* its history: what would go, then what went */
    int64_t days;                   /* compact: the age in days that `rewrite.keep_since` stands for */
};
/* What is the command's own: what it says. */
struct squash_command {
    const char *name;
    const char *done; /* "Flattened" */
    /* Commits afterwards. As upstream, the first one is not counted. */
    uint64_t (*after)(const struct history_summary *h);
    void (*preview)(struct bd *bd, const struct squash_job *j);        /* --dry-run */
    void (*nothing)(struct bd *bd, const struct squash_job *j);        /* there is nothing to squash */
    const char *(*refusal)(struct bd *bd, const struct squash_job *j); /* why --force is needed */
    const char *(*begin)(struct bd *bd, const struct squash_job *j);   /* before the work, for people */
    /* Lines or members between the two counts and the time; may be NULL. */
    void (*print)(struct bd *bd, const struct squash_job *j);
    void (*members)(struct json_writer *w, const struct squash_job *j);
};
/* Plans, asks for --force, squashes and tells; where nothing may be written only --dry-run does
 * something. The exit status. */
int squash_command_run(struct bd *bd, const struct cmd_call *c, const struct squash_command *command,
                       struct squash_job *j);

/* The end of a preview for people: which refs would hold old commits, and how to proceed. */
void squash_print_proceed(struct bd *bd, const struct history_summary *h);
/* The member "held_by" when something holds old commits. */
void squash_json_holders(struct json_writer *w, const struct history_summary *h);

#endif
