/* The checks of --server. Without a server there is nothing to reach; with one, this bd says what it
 * cannot do. */
#include "doctor/families.h"

#include <string.h>

void server_check(struct doctor *d, struct doctor_result *r) {
    if (d->ws->mode && strcmp(d->ws->mode, "server") == 0) {
        doctor_bad(d, r, "Cannot be checked: this bd cannot talk to a Dolt server yet");
        doctor_hint(
            d, r, "Open the database directly with bd --db DIR, or use the bd that set the server up");
        return;
    }
    doctor_ok(d, r, "N/A (embedded mode: no server is needed)");
}
