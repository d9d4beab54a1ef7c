/*
 * What a backup set of older versions has besides issues: the settings of the database (config.jsonl)
 * and the events of issues (events.jsonl), one row a line.
 */
#ifndef BD_OPS_IMPORT_SET_H
#define BD_OPS_IMPORT_SET_H

#include "bd/ops/import_data.h"

enum import_set_part { IMPORT_SET_SETTINGS, IMPORT_SET_EVENTS };
/* Adds such a file, which stays as long as d. BD_INVALID `line N: …`. */
int import_set_add(struct import_data *d, enum import_set_part part, const char *text, size_t size,
                   struct arena *a, struct err *err);

struct plan;
/* Inside an import: settings that are not set here. */
int import_set_put_settings(struct plan *p);
/* … events of issues that are here; an event that is here already stays one. */
int import_set_put_events(struct plan *p);
/* Does the set tell how the issue was created? Then nothing has to be made up. */
bool import_set_knows_creation(const struct import_data *d, const char *id);

#endif
