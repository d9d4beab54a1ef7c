/*
 * Settings kept in the database (tables config, custom_statuses, custom_types) with the YAML values
 * that stand behind them (struct ops, config_get).
 */
#ifndef BD_OPS_DB_CONFIG_H
#define BD_OPS_DB_CONFIG_H

#include "bd/ops/ops.h"
#include "bd/ops/validate.h"

/* Value of a key in the arena; *value is NULL when it is not set. */
int db_config_get(struct tables_txn *x, const char *key, struct arena *a, const char **value,
                  struct err *err);
/* Sets one key; status.custom and types.custom also refresh their tables. BD_INVALID. */
int db_config_set(struct tables_txn *x, const char *key, const char *value, struct err *err);
int db_config_unset(struct tables_txn *x, const char *key, bool *existed, struct err *err);
/* One of the two as a function for tables_write; ctx = struct db_config_change. */
struct db_config_change {
    const char *key, *value; /* value NULL: remove */
};
int db_config_change(struct tables_txn *x, void *ctx, struct err *err);

/* issue_prefix without a trailing '-'; BD_INVALID with upstream's text when the database has none. */
int db_config_prefix(struct tables_txn *x, struct arena *a, const char **prefix, struct err *err);
/* issue_prefix (when set) and allowed_prefixes, without trailing '-'. */
int db_config_known_prefixes(struct tables_txn *x, struct arena *a, struct text_list *out,
                             struct err *err);
int db_config_statuses(const struct ops *o, struct tables_txn *x, struct arena *a,
                       struct custom_statuses *out, struct err *err);
int db_config_types(const struct ops *o, struct tables_txn *x, struct arena *a, struct text_list *out,
                    struct err *err);
/* Types whose issues are always ephemeral (default agent, rig, role, message). */
int db_config_infra_types(const struct ops *o, struct tables_txn *x, struct arena *a,
                          struct text_list *out, struct err *err);

/* "name" or "name:category", separated by commas. BD_INVALID with upstream's texts. */
int custom_statuses_parse(const char *text, struct arena *a, struct custom_statuses *out,
                          struct err *err);

#endif
