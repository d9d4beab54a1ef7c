/*
 * The doctor: looks at an installation, says what is wrong and what to do next, and repairs what it can
 * prove to be wrong.
 *
 * All checks stand in one table (table.c); a family of them has one file. A check only looks. A fix
 * writes what its check named and nothing else; a file it replaces or removes and a row it deletes are
 * first copied to <.beads>/backup/doctor-<time>/. Fixes of rows run together in one transaction with
 * one commit. Running a fix twice does nothing the second time.
 *
 * Nothing here prints.
 */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "bd/workspace/config.h"
#include "bd/workspace/git.h"
#include "bd/workspace/workspace.h"
#include "store/db/tables.h"

enum doctor_status { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_ERROR };
const char *doctor_status_name(enum doctor_status s); /* "ok", "warning", "error" */

enum doctor_cost {
    DOCTOR_CHEAP,  /* some small files, some rows */
    DOCTOR_SURVEY, /* the pass over ids and edges that all of these share */
    DOCTOR_GIT,    /* the two questions to git that all of these share */
    DOCTOR_DEEP,   /* reads everything; only with --deep */
};
enum doctor_flags {
    DOCTOR_ALWAYS = 1,   /* runs even where there is no workspace */
    DOCTOR_STRICT = 2,   /* its warning already makes the whole examination fail */
    DOCTOR_SERVER = 4,   /* belongs to --server */
    DOCTOR_HEALTH = 8,   /* belongs to --check-health */
    DOCTOR_NO_BULK = 16, /* its fix runs only when asked for by its own option */
};

struct doctor;
struct doctor_result;
struct doctor_repair;

struct doctor_check {
    const char *name, *category;
    enum doctor_cost cost;
    unsigned flags;
    void (*run)(struct doctor *d, struct doctor_result *r);
    /* `fix` works on files and comes first, `fix_rows` inside the one transaction of all row fixes (it
     * may run more than once). They say what they did with doctor_did; nothing said means nothing was
     * to be done. */
    int (*fix)(struct doctor *d, struct doctor_repair *rp, struct err *err);
    int (*fix_rows)(struct doctor *d, struct tables_txn *x, struct doctor_repair *rp, struct err *err);
    int order; /* of fixes, lowest first */
    /* For somebody who does not know the program: what should be, and why it matters. */
    const char *expected, *why;
};
extern const struct doctor_check
    doctor_checks[];                          /* ends with name == NULL, in the order of the output */
extern const char *const doctor_categories[]; /* NULL-terminated, in the order of the output */

struct doctor_result {
    const struct doctor_check *check;
    const char *name, *category;
    enum doctor_status status;
    const char *message, *detail, *fix; /* detail and fix: NULL when there is nothing to say */
    bool fixable;                       /* --fix would do something about it */
};

struct doctor_options {
    bool deep, fix_child_parent;
    bool orchestrator;            /* several workspaces under one roof: routes.jsonl is expected */
    int64_t duplicates_threshold; /* tolerated there */
    const char *actor;
    enum tables_commit_mode commit_mode;
    /* Told now and then how far long work is (NULL: nobody); false ends it. */
    bool (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
    void *progress_ctx;
};

struct survey;
struct git_facts;

/* One examination. Everything lives in `arena`. */
struct doctor {
    struct arena *arena;
    struct doctor_options options;
    const char *path; /* what is examined */
    const struct workspace *ws;
    struct config *config;
    struct tables *tables; /* NULL when there is no database, or it cannot be opened */
    struct err open_error; /* why not; code BD_OK when there is none to open */
    struct tables_txn *x;  /* snapshot of `tables` */
    int64_t now;

    /* found on the first question */
    struct survey *survey;
    struct err survey_error;
    struct git_facts *git;
    struct strmap *settings; /* rows of the table config: key → text */

    struct doctor_result *results;
    size_t count, capacity, suppressed;
    bool overall_ok;
};

/* --- examining --- */
/* d: arena, options, path, ws, config, tables, open_error are set by the caller. */
void doctor_begin(struct doctor *d);
void doctor_end(struct doctor *d);
/* Runs all checks of the table that the options ask for, then hides the suppressed warnings. */
void doctor_run(struct doctor *d);
/* Runs the checks that have one of these flags, or the named ones (NULL-terminated). */
void doctor_run_flagged(struct doctor *d, unsigned flags);
void doctor_run_named(struct doctor *d, const char *const *names);
const struct doctor_check *doctor_find(const char *name);
size_t doctor_count(const struct doctor *d, enum doctor_status s);

/* --- repairing --- */
struct doctor_outcome {
    const struct doctor_result *result;
    int code;         /* BD_OK, or why it was not done */
    const char *text; /* what was done, one line each; or the error */
};
struct doctor_repair {
    struct doctor *d;
    struct doctor_outcome *outcomes;
    size_t count, capacity;
    const char *aside; /* directory of copies, NULL while nothing was copied */
    struct hash commit;
    size_t failed, done;

    struct buf said; /* private: lines of the fix that runs */
    struct buf rows; /* private: deleted rows as JSON lines */
};
/* Makes the fixes of these results, in their order. BD_OK when none failed. */
int doctor_repair(struct doctor *d, const struct doctor_result *const *chosen, size_t count,
                  struct doctor_repair *out);
/* Frees what the repair holds; copies on the disk stay. */
void doctor_repair_release(struct doctor_repair *rp);

#endif
