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

/* Collects when an earlier squash could not; says so when it did. */
void squash_settle(struct bd *bd);
/* The same without a word, when that is quick, and not by every command. */
void squash_settle_by_the_way(struct bd *bd);
/* Is there something to collect that only a full collection finds? */
bool squash_is_pending(struct bd *bd);
/* A full collection succeeded. */
void squash_collected(struct bd *bd);

/* Lines under the human answer: time, sizes, what still holds old commits. */
void squash_print_facts(struct bd *bd, const struct squash_result *r);
/* The member "held_by" when something holds old commits. */
void squash_json_holders(struct json_writer *w, const struct history_summary *h);
/* What to do before history goes for good; in the arena. */
const char *squash_copy_hint(struct bd *bd);
/* The same for the preview: which refs would hold old commits. */
void squash_print_holders(struct bd *bd, const struct history_summary *h);

#endif
