/* The fingerprint of an issue's content that is stored when it is created. */
#ifndef BD_OPS_CONTENT_HASH_H
#define BD_OPS_CONTENT_HASH_H

#include "bd/ops/issue.h"

/* 64 lower-case hex digits in `a`; upstream: internal/types, ComputeContentHash. */
const char *issue_content_hash(const struct issue *i, struct arena *a);

#endif
