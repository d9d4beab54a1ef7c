/* What the files of the command `bd doctor` share. */
#ifndef BD_CMD_DOCTOR_H
#define BD_CMD_DOCTOR_H

#include "bd/cmd/cmd.h"
#include "doctor/doctor.h"

/* --- doctor_open.c --- */
/* bd doctor PATH: bd gets the workspace that belongs to that directory. Exit status. */
int doctor_choose_path(struct bd *bd, const struct cmd_call *c);
/* Opens what can be opened and starts an examination of bd's workspace; the path is the project. */
void doctor_open(struct bd *bd, const struct cmd_call *c, struct doctor *d);
/* Ends it and closes the store. */
void doctor_close(struct bd *bd, struct doctor *d);
/* The same workspace again, as it is now. */
void doctor_reopen(struct bd *bd, const struct cmd_call *c, struct doctor *d);

/* --- doctor_print.c --- */
void doctor_print(struct bd *bd, const struct doctor *d, bool verbose);
/* One line per check, with detail; used by the focused modes. */
void doctor_print_list(struct bd *bd, const struct doctor *d);
/* The members that every mode prints of a result. */
void doctor_json_members(struct json_writer *w, const struct doctor_result *r);
void doctor_json_checks(struct json_writer *w, const struct doctor *d);
/* The whole answer; `fixes` may be NULL. */
void doctor_print_json(struct bd *bd, const struct doctor *d, const struct doctor_repair *fixes);
int doctor_write_file(struct bd *bd, const struct doctor *d, const char *path);
void doctor_print_agent(struct bd *bd, const struct doctor *d);
const char *doctor_icon(struct bd *bd, enum doctor_status s);
const char *doctor_ink(struct bd *bd, int ink, const char *text);

/* --- doctor_fix.c --- */
void doctor_preview(struct bd *bd, const struct doctor *d);
/*
 * Asks (unless -y), fixes, says what was done. *fixed tells whether anything was tried; the answer is
 * 0, or 1 when a fix failed or nobody could be asked.
 */
int doctor_fix(struct bd *bd, const struct cmd_call *c, struct doctor *d, struct doctor_repair *rp,
               bool *fixed);
/* A question on the terminal: the first letter of the answer in lower case, '\n' for an empty one, 0
 * when there is nobody to ask. */
int doctor_ask(struct bd *bd, const char *question);

/* --- doctor_modes.c --- */
int doctor_check_health(struct bd *bd, const struct cmd_call *c);
int doctor_deep(struct bd *bd, const struct cmd_call *c);
int doctor_server(struct bd *bd, const struct cmd_call *c);
int doctor_migration(struct bd *bd, const struct cmd_call *c, const char *phase);

/* --- doctor_check.c --- */
int doctor_focused(struct bd *bd, const struct cmd_call *c, const char *name);

/* --- doctor_perf.c --- */
int doctor_perf(struct bd *bd, const struct cmd_call *c);

#endif
