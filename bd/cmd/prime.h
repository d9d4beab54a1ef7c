/* What an agent is told at the start of a session; bd prime prints it, hooks pass it on. */
#ifndef BD_CMD_PRIME_H
#define BD_CMD_PRIME_H

#include "bd/cmd/cmd.h"

enum prime_part { PRIME_ALL, PRIME_BRIEF, PRIME_MEMORIES };
struct prime_options {
    enum prime_part part;
    bool stealth;  /* nothing about git */
    bool built_in; /* whatever a PRIME.md says */
};
/* Appends the text; nothing where there is no workspace. Does not fail and does not print. */
void prime_text(struct bd *bd, struct prime_options o, struct buf *out);

#endif
