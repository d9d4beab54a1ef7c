/* What the families of checks share. */
#ifndef DOCTOR_ROOM_H
#define DOCTOR_ROOM_H

#include "base/datetime.h"
#include "base/json_value.h"
#include "base/strmap.h"
#include "doctor/doctor.h"

#define DOCTOR_SAMPLE 3 /* examples in a detail */

/* --- what a check says; the texts are formatted into the arena --- */
void doctor_ok(struct doctor *d, struct doctor_result *r, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_warn(struct doctor *d, struct doctor_result *r, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_bad(struct doctor *d, struct doctor_result *r, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_detail(struct doctor *d, struct doctor_result *r, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void doctor_hint(struct doctor *d, struct doctor_result *r, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "Run 'bd doctor --fix' to …" and the mark that it would. */
void doctor_offer(struct doctor *d, struct doctor_result *r, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* An answer for a check that needs the database: true when there is none (r is filled then). */
bool doctor_no_store(struct doctor *d, struct doctor_result *r);
/* "a, b, c (+4 more)" */
const char *doctor_sample(struct doctor *d, const char *const *items, size_t count);
/* "12.3 MB" */
const char *doctor_bytes(struct doctor *d, uint64_t bytes);

/* --- facts --- */
/* A path below .beads, in the arena. */
const char *doctor_path(struct doctor *d, const char *name);
/* Whole small file as text in the arena, NULL when it cannot be read (errno). */
char *doctor_read(struct doctor *d, const char *path, size_t *size);
/* A small JSON file; NULL when it is missing or no JSON. */
const struct json_value *doctor_json(struct doctor *d, const char *path);
/* Names in a directory without . and .., sorted; 0 when it cannot be read. */
size_t doctor_list(struct doctor *d, const char *dir, const char ***names);
/* Value of the table config, else of the files and the environment, else NULL. */
const char *doctor_setting(struct doctor *d, const char *key);
/* As bytes: "2GiB", "500 MB", "1048576". fallback when unset or wrong. */
uint64_t doctor_setting_bytes(struct doctor *d, const char *key, uint64_t fallback);
/* Value of a key of metadata or local_metadata, "" when missing. */
const char *doctor_meta(struct doctor *d, struct tables_txn *x, const char *table, const char *key);
/* Databases below the data directory: names of directories that hold .dolt. */
size_t doctor_databases(struct doctor *d, const char *data_dir, const char ***names);
/* Allocated bytes of a tree (blocks, as du counts). */
uint64_t doctor_disk_usage(const char *dir);
/* Names of SQLite databases in .beads (not backups of one), told by their first bytes. */
size_t doctor_sqlite_files(struct doctor *d, const char *out[DOCTOR_SAMPLE]);
/* Seconds since the file was changed; -1 when it is not there. */
int64_t doctor_age(struct doctor *d, const char *path);

/* --- what a fix uses --- */
void doctor_did(struct doctor_repair *rp, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Copies a file to the directory of copies (synced) and leaves it where it is. */
int doctor_copy_aside(struct doctor_repair *rp, const char *path, struct err *err);
/* Moves a file or directory there. */
int doctor_move_aside(struct doctor_repair *rp, const char *path, struct err *err);
/* Sets one text member of metadata.json and keeps all others, known or not; the old file is copied
 * aside. */
int doctor_set_metadata(struct doctor_repair *rp, const char *key, const char *value, struct err *err);
/* Notes a row that is about to be deleted; the lines are durable before the transaction is. */
void doctor_row_aside(struct doctor_repair *rp, const char *table, const char *const *columns,
                      const struct cell *cells, size_t count);

#endif
