#!/usr/bin/env bats
# bd fsck: checking and mending.
load common

setup() {
    scratch_setup
    workspace
    store
    bd create "First" >/dev/null
    bd create "Second" >/dev/null
}
teardown() { scratch_teardown; }

titles() {
    bd list --json | python3 -c 'import json, sys; print(*sorted(i["title"] for i in json.load(sys.stdin)))'
}

damage_last_byte() {
    printf '\xff' | dd of="$journal" bs=1 seek=$(($(stat -c %s "$journal") - 3)) conv=notrunc status=none
}

@test "a sound database: nothing found, exit 0, by any way to name it" {
    for where in "" "$PWD" "$db" "$db/.dolt" "$noms"; do
        apart bd fsck $where
        [ "$status" -eq 0 ]
        [[ "$out" == *"No problems found." ]]
    done
    apart bd fsck --quick
    [ "$status" -eq 0 ]
    [ "$out" = "No problems found." ]
    apart bd --db "$db" fsck
    [ "$status" -eq 0 ]
}

@test "damage: named, exit 1, in text and JSON" {
    damage_last_byte
    apart bd fsck
    [ "$status" -eq 1 ]
    [[ "$out" == *"============ Problems ============"*"journal-tail: "*"bd fsck --repair"* ]]
    apart bd fsck --json
    [ "$status" -eq 1 ]
    [ "$(json_get clean <<<"$out")" = false ]
    [ "$(json_get findings.0.code <<<"$out")" = journal-tail ]
    [ "$(json_get findings.0.repair <<<"$out")" = tail ]
    apart bd fsck --quick
    [ "$status" -eq 1 ]
}

@test "repair: a dry run changes nothing, the repair sets the original aside" {
    damage_last_byte
    before=$(sha256sum "$journal")
    apart bd fsck --repair --dry-run
    [ "$status" -eq 1 ]
    [[ "$out" == *"would cut "* ]]
    [ "$(sha256sum "$journal")" = "$before" ]
    [ ! -e "$db"/.dolt/repair-* ]
    apart bd --readonly fsck --repair
    [ "$status" -eq 1 ]
    apart bd fsck --repair
    [ "$status" -eq 0 ]
    [[ "$out" == *"Originals: $db/.dolt/repair-"*"No problems found." ]]
    [ -d "$db"/.dolt/repair-* ]
    [ "$(titles)" = First ]
}

@test "a lost manifest comes back, with all issues" {
    rm "$noms/manifest"
    apart bd list
    [ "$status" -eq 1 ]
    apart bd fsck --repair
    [ "$status" -eq 0 ]
    [ "$(titles)" = "First Second" ]
}

@test "the journal is revived only where data was lost" {
    apart bd fsck --revive-journal-with-data-loss
    [ "$status" -eq 1 ]
    [[ "$err" == *"no data loss detected in chunk journal file; no recovery performed"* ]]
    size=$(stat -c %s "$journal")
    bd create "Third" >/dev/null
    bd create "Fourth" >/dev/null
    bd create "Fifth" >/dev/null
    printf 'XX' | dd of="$journal" bs=1 seek=$((size + 60)) conv=notrunc status=none
    apart bd fsck --revive-journal-with-data-loss
    [ "$status" -eq 0 ]
    [[ "$out" == *"Revived chunk journal"*"_save_"* ]]
    [ "$(bd list --json | python3 -c 'import json,sys; print(len(json.load(sys.stdin)))')" = 2 ]
    apart bd fsck
    [ "$status" -eq 0 ]
}

@test "what is no database is said so" {
    mkdir empty
    apart bd fsck empty
    [ "$status" -eq 1 ]
    [[ "$err" == *"no database at empty"* ]]
}

@test "a damaged chunk of an archive: named, mended from the backup, left alone without one" {
    bd backup init "$PWD/copy" >/dev/null
    bd backup sync >/dev/null
    bd gc --full --skip-decay >/dev/null
    archive=$(ls -S "$noms"/oldgen/*.darc | head -1)
    printf '\x55\xaa\x55\xaa' | dd of="$archive" bs=1 seek=200 conv=notrunc status=none
    apart bd fsck
    [ "$status" -eq 1 ]
    [[ "$out" == *"chunk-damaged: "*"oldgen/${archive##*/}"*"backups and remotes that are folders"* ]]

    mv copy away
    before=$(sha256sum "$archive")
    apart bd fsck --repair --dry-run # a closure or an index can be made again without a copy
    [ "$status" -eq 1 ]
    [[ "$out" == *"no intact copy"*"oldgen/${archive##*/}"*"--search DIR"* ]]
    [ "$(sha256sum "$archive")" = "$before" ]

    mv away copy
    apart bd fsck --repair
    [ "$status" -eq 0 ]
    [[ "$out" == *"✓ files: took "*" intact copies of damaged chunks from $PWD/copy/"* ]]
    [[ "$out" == *"✓ files: wrote oldgen/${archive##*/} anew as oldgen/"*"No problems found." ]]
    [ "$(sha256sum "$db"/.dolt/repair-*/"${archive##*/}" | cut -d' ' -f1)" = "${before%% *}" ]
    [ "$(titles)" = "First Second" ]
}
