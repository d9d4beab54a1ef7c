/*
 * The parts of `bd vc` in files of their own.
 */
#ifndef BD_CMD_VC_H
#define BD_CMD_VC_H

#include "bd/cmd/view.h"
#include "bd/ops/vc_diff.h"

extern const struct cmd cmd_vc_log, cmd_vc_diff, cmd_vc_show;

/* The differences as text, grouped by issue; as a JSON array; as numbers per table. */
void vc_diff_text(struct bd *bd, struct buf *out, const struct vc_diff *d);
void vc_diff_json(struct json_writer *w, const struct vc_diff *d);
void vc_diff_stat(struct bd *bd, struct buf *out, const struct vc_diff *d, const char *indent);

#endif
