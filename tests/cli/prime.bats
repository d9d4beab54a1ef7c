#!/usr/bin/env bats
# bd prime, codex-hook, onboard, quickstart: what runs in hooks says nothing wrong and never fails.

load common
setup() { scratch_setup; }
teardown() { scratch_teardown; }

@test "prime prints rules and memories, the end of the session last" {
    workspace
    bd kv set memory.first "use -race in tests" --quiet
    out=$(bd prime)
    [[ $out == "[bd prime] If this output is truncated"*"### first"*"use -race in tests"*"Essential Commands"*"SESSION CLOSE PROTOCOL"* ]]
    [[ $(bd prime --memories-only) != *"Essential Commands"* ]]
    [[ $(bd prime --stealth) != *"git "* ]]
    [[ $(bd prime --mcp) == *"- **first**: use -race in tests"* ]]
}

@test "git push is named only where there is a remote" {
    workspace
    [[ $(bd prime) != *"git push"* ]]
    git remote add origin https://example.com/x.git
    [[ $(bd prime) == *"git push"* ]]
    bd config set no-git-ops true
    [[ $(bd prime) != *"git "* ]]
}

@test "PRIME.md takes its place: here, then for all workspaces" {
    workspace
    mkdir -p "$HOME/.config/beads"
    echo everywhere >"$HOME/.config/beads/PRIME.md"
    [ "$(bd prime)" = everywhere ]
    echo here >.beads/PRIME.md
    [ "$(bd prime)" = here ]
    [ "$(bd prime --hook-json | json_get hookSpecificOutput.additionalContext)" = "here" ]
    [[ $(bd prime --export) == "[bd prime]"* ]]
}

@test "nothing and success where there is no workspace or it is broken" {
    apart bd prime
    [ "$status" -eq 0 ]
    [ -z "$out$err" ]
    [ "$(bd prime --hook-json)" = '{"hookSpecificOutput":{"hookEventName":"SessionStart","additionalContext":""}}' ]
    workspace
    rm -rf .beads/embeddeddolt/*/.dolt/noms
    apart bd prime
    [ "$status" -eq 0 ]
    [ -z "$err" ]
}

@test "Codex gets the text at the start and after its context was compacted" {
    workspace
    in='{"session_id":"s1","cwd":"/srv/x","hook_event_name":"SessionStart"}'
    [ "$(bd codex-hook Whatever <<<"$in" | json_get hookSpecificOutput.hookEventName)" = SessionStart ]
    in='{"session_id":"s1","cwd":"/srv/x"}'
    [ -z "$(bd codex-hook UserPromptSubmit <<<"$in")" ]
    [ -z "$(bd codex-hook PostCompact <<<"$in")" ]
    [ -z "$(bd codex-hook UserPromptSubmit <<<'{"session_id":"s2","cwd":"/srv/x"}')" ]
    [ "$(bd codex-hook UserPromptSubmit <<<"$in" | json_get continue)" = true ]
    [ -z "$(bd codex-hook UserPromptSubmit <<<"$in")" ]
    [ -z "$(bd codex-hook PreCompact </dev/null)" ]
    run bd codex-hook Nonsense </dev/null
    [ "$status" -eq 1 ]
}

@test "onboard and quickstart" {
    workspace
    [[ $(bd onboard) == *"bd ready"*"bd setup"* ]]
    out=$(bd quickstart)
    [[ $out == *"Dependency-Aware"* && $out == *"bd init"* && $out == *"bd create"* ]]
}
