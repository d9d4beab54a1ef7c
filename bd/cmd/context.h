/*
 * One invocation of bd: global flags, the workspace found, the store opened lazily, the streams.
 */
#ifndef BD_CMD_CONTEXT_H
#define BD_CMD_CONTEXT_H

#include "bd/ops/ops.h"
#include "bd/ui/json.h"
#include "bd/workspace/config.h"
#include "bd/workspace/workspace.h"

#include <stdio.h>

struct bd {
    struct arena arena; /* lives as long as the invocation */
    FILE *out, *err;
    bool json, quiet, verbose, read_only, sandbox, global;
    bool stdout_tty, stderr_tty, color;
    const char *db_flag, *actor_flag, *directory_flag, *auto_commit_flag; /* NULL when not given */
    struct workspace ws; /* ws.beads_dir == NULL: none found */
    struct err ws_error; /* why not */
    struct config config;
    struct ops ops; /* ops.tables NULL until bd_open_store */
    /* what the run function reports for the post-run steps */
    bool store_read_only;   /* the command is one of upstream's read-only set */
    bool command_writes;    /* the command is flagged CMD_WRITES */
    bool schema_too_new;    /* opened, but only for reading */
    bool export_may_shrink; /* it deleted what it was asked to: an automatic export may lose it */
    bool did_write; /* something changed that the policy must commit, and no operation committed it
                       itself */
};

/*
 * Fills bd->ws and bd->config from -C, --db, environment and current directory, once. Not to find a
 * workspace is no failure; the exit status is 1 only for a -C that leads nowhere.
 */
int bd_find_workspace(struct bd *bd);

/*
 * Opens the store of the workspace once (discovery, identity check, schema check). Returns 0, or an
 * exit status after the error was reported. The dispatcher calls it for commands without CMD_NO_STORE
 * before run.
 */
int bd_open_store(struct bd *bd);

/* The same without a word: BD_OK, or why not in *err. */
int bd_try_open_store(struct bd *bd, struct err *err);

enum auto_commit { AUTO_COMMIT_ON, AUTO_COMMIT_OFF, AUTO_COMMIT_BATCH };
/* The policy in force. BD_INVALID when flag, environment or file say something else than on, off or
 * batch. */
int bd_auto_commit(struct bd *bd, enum auto_commit *out, struct err *err);

/* Who acts, and the owner e-mail, resolved on first use (they may need to ask git). */
const char *bd_actor(struct bd *bd);
const char *bd_owner(struct bd *bd);

/* The steps after a successful command: the commit of the auto-commit policy, the automatic export.
 * Returns an exit status. */
int bd_after_command(struct bd *bd, const char *command);
void bd_close(struct bd *bd);

/* Message `bd: <command> (auto-commit) by <actor> [ids]` in the arena; ids may be NULL. */
char *bd_auto_commit_message(struct bd *bd, const char *command, const char *const *ids,
                             size_t id_count);

/* Remembers / reads the id of .beads/last-touched; reading gives NULL when there is none. */
void bd_touch(struct bd *bd, const char *issue_id);
const char *bd_last_touched(struct bd *bd);

/* "print unless quiet" on stdout */
void bd_say(struct bd *bd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * A whole JSON answer on stdout. Write exactly one value between begin and end; `object` says that it
 * is an object, whose keys are then sorted and joined by schema_version. BD_JSON_ENVELOPE is honoured.
 */
void bd_json_begin(struct bd *bd, struct json_writer *w, struct buf *out, bool object);
void bd_json_end(struct bd *bd, struct json_writer *w, struct buf *out);
/* As bd_json_end, but leaves the text (with its line feed) in *out instead of printing and releasing
 * it. */
void bd_json_text(struct bd *bd, struct json_writer *w, struct buf *out);

#endif
