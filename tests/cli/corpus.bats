#!/usr/bin/env bats
# Databases people really had, from many releases: they open where they lie, reading changes nothing, writing leaves
# their schema as it is. (tests/interop/corpus.py goes through all of them, row by row.)

load common
setup() {
    scratch_setup
    [ -n "$BD_SHARED" ] && [ -d "$BD_SHARED/data" ] || skip "no corpus: set BD_SHARED"
}
teardown() { scratch_teardown; }

unpack() {
    tar --zstd -xf "$BD_SHARED/data/$1.tar.zst" -C "$SCRATCH"
    DB=$(find "$SCRATCH/$1" -name .dolt -type d -prune | head -1)
    DB=${DB%/.dolt}
}

store_state() { (cd "$DB" && find . -type f ! -name bd-journal-index | sort | xargs sha256sum | sha256sum); }

@test "reading leaves every byte of an old store alone" {
    while read -r name count; do
        unpack "$name"
        before=$(store_state)
        [ "$(bd --db "$DB" info --json 2>/dev/null | json_get issue_count)" = "$count" ]
        bd --db "$DB" config list >/dev/null 2>&1
        bd --db "$DB" ping >/dev/null 2>&1
        [ "$before" = "$(store_state)" ]
    done <<'L'
dolt-embedded-04 0
dolt-embedded-02 3
dolt-server-04 0
dolt-server-06 52
dolt-server-01 17
dolt-town-02 0
L
}

@test "old stores take writes" {
    for name in dolt-embedded-04 dolt-server-04 dolt-server-06 dolt-town-02; do
        unpack "$name"
        export BEADS_SKIP_IDENTITY_CHECK=1
        bd --db "$DB" config set custom.note "of $name" 2>/dev/null
        [ "$(bd --db "$DB" config get custom.note 2>/dev/null)" = "of $name" ]
        [ "$(bd --db "$DB" config unset custom.note 2>/dev/null)" = "Unset custom.note" ]
    done
}

@test "a backup is a bare store: it opens for reading only" {
    tar --zstd -xf "$BD_SHARED/data/dolt-backup-03.tar.zst" -C "$SCRATCH"
    DB=$SCRATCH/dolt-backup-03/.beads/backup
    before=$(store_state)
    [ "$(bd --db "$DB" info --json 2>/dev/null | json_get issue_count)" = 44 ]
    run bd --db "$DB" config set custom.x 1
    [ "$status" -eq 1 ]
    [ "$before" = "$(store_state)" ]
}

@test "damaged stores are refused with a message" {
    for name in dolt-damaged-01 dolt-damaged-02; do
        tar --zstd -xf "$BD_SHARED/data/$name.tar.zst" -C "$SCRATCH"
        apart bd --db "$SCRATCH/$name/.beads/backup" ping
        [ "$status" -eq 1 ]
        [ -z "$out" ]
        [[ $err == *"failed to open database: "* ]]
    done
}

@test "bd migrate upgrades an old store once, and says what it would do before" {
    unpack dolt-server-06
    export BEADS_SKIP_IDENTITY_CHECK=1
    before=$(store_state)
    apart bd --db "$DB" migrate --dry-run
    [[ $out == *"Would apply 57 schema migration(s): v0 → v49"* ]]
    [ "$(bd --db "$DB" migrate --inspect --json 2>/dev/null | json_get current_state.needs_migration)" = true ]
    [ "$before" = "$(store_state)" ]
    apart bd --db "$DB" migrate schema
    [ "$status" -eq 0 ]
    [ "$out" = "✓ Applied 57 schema migration(s); schema now at v49" ]
    apart bd --db "$DB" migrate schema --json
    [ "$(json_get status <"$SCRATCH/out")" = current ]
    [ "$(bd --db "$DB" info --json 2>/dev/null | json_get issue_count)" = 52 ]
}

@test "an old store takes writes at its own schema; only bd migrate upgrades it" {
    unpack dolt-embedded-03
    export BEADS_SKIP_IDENTITY_CHECK=1
    bd --db "$DB" create "Made before the upgrade" --silent >/dev/null
    [ "$(bd --db "$DB" migrate --inspect --json | json_get current_state.database_schema)" = 39 ]
    bd --db "$DB" migrate schema >/dev/null
    [ "$(bd --db "$DB" migrate --inspect --json | json_get current_state.database_schema)" = 49 ]
    [ "$(bd --db "$DB" info --json | json_get issue_count)" = 2 ]
}

@test "what an older schema has no place for is refused, not dropped" {
    unpack dolt-server-01
    export BEADS_SKIP_IDENTITY_CHECK=1
    before=$(store_state)
    apart bd --db "$DB" create "With a specification" --spec-id s1
    [ "$status" -eq 1 ]
    [[ $err == *"no column spec_id; 'bd migrate' adds it"* ]]
    apart bd --db "$DB" create "Short-lived" --ephemeral
    [ "$status" -eq 1 ]
    [[ $err == *"without the table wisps; 'bd migrate' makes it"* ]]
    [ "$before" = "$(store_state)" ]
}

@test "a database without issues can be looked at, not written" {
    unpack dolt-stub-01
    before=$(store_state)
    apart bd --db "$DB" list --all --json
    [ "$status" -eq 0 ]
    [ "$out" = "[]" ]
    [[ $err == *"holds no issues table"* ]]
    [ "$(bd --db "$DB" vc log --json 2>/dev/null | json_get 0.message)" = "Initialize data repository" ]
    apart bd --db "$DB" create "Nowhere to put it"
    [ "$status" -eq 1 ]
    [ "$before" = "$(store_state)" ]
}
