#!/usr/bin/env bats
# bd remember, recall, memories, forget.

load common
setup() { scratch_setup; }
teardown() { scratch_teardown; }

@test "what is remembered is found, replaced and forgotten" {
    workspace
    [ "$(bd remember "Always run the linter before a commit to the main branch")" = \
        "Remembered [always-run-the-linter-before-a-commit-to]: Always run the linter before a commit to the main branch" ]
    [ "$(bd remember "port 5433" --key port --json | json_get action)" = remembered ]
    [ "$(bd remember "port 5434" --key port)" = "Updated [port]: port 5434" ]
    [ "$(bd recall port)" = "port 5434" ]
    [ "$(bd memories PORT --json | json_get port)" = "port 5434" ]
    [[ $(bd memories) == "Memories (2):"* ]]
    [ "$(bd forget port)" = "Forgot [port]: port 5434" ]
    apart bd recall port
    [ "$status" -eq 1 ]
    [ "$err" = 'No memory with key "port"' ]
    apart bd forget port --json
    [ "$status" -eq 1 ]
}

@test "keys come from the first words, whatever the text holds" {
    workspace
    [ "$(bd remember "Ünïcode & <tags>" --json | json_get key)" = n-code-tags ]
    apart bd remember "€€€"
    [ "$status" -eq 1 ]
    apart bd remember "   "
    [ "$err" = "Error: memory content cannot be empty" ]
    long=$(printf 'x%.0s' $(seq 300))
    [ "$(bd remember "$long" --json | json_get key | tr -d '\n' | wc -c)" = 60 ]
    bd remember "$(printf 'ü%.0s' $(seq 100)) end" --key u | iconv -f utf-8 -t utf-8 >/dev/null
    apart bd --readonly remember x
    [ "$status" -ne 0 ]
}
