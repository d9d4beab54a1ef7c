#!/usr/bin/env bats
# bd kv: keys and values beside the issues.
load common

setup() { scratch_setup; workspace; }
teardown() { scratch_teardown; }

@test "a key is set, read, listed and removed" {
    [ "$(bd kv list)" = "No key-value pairs set" ]
    [ "$(bd kv set flag true)" = "Set flag = true" ]
    bd kv set other "two words" >/dev/null
    [ "$(bd kv get flag)" = true ]
    [ "$(bd kv list --json | json_get other)" = "two words" ]
    [ "$(bd kv list | tail -2)" = $'  flag = true\n  other = two words' ]
    [ "$(bd kv clear flag)" = "Cleared flag" ]
    apart bd kv get flag
    [ "$status" -eq 1 ]
    [ "$err" = "flag (not set)" ]
    apart bd kv get flag --json
    [ "$status" -eq 1 ]
    [ "$(json_get found <<<"$out")" = false ]
}

@test "a key waits for the next commit" {
    before=$(bd vc status --json | json_get commit)
    bd kv set a 1 >/dev/null
    [ "$(bd vc status --json | json_get commit)" = "$before" ]
    [ "$(bd vc commit -m "with the key" --json | json_get committed)" = true ]
    [ "$(bd kv get a)" = 1 ]
}

@test "keys that look like settings are refused" {
    for key in "" "  " kv.x sync.x jira.x import.x; do
        apart bd kv set "$key" v
        [ "$status" -eq 1 ]
        [[ "$err" == *"invalid key"* ]]
    done
    apart bd --readonly kv set a 1
    [[ "$err" == *"operation 'kv set' is not allowed in read-only mode"* ]]
}
