#!/usr/bin/env bats
# The viewing commands: show, list, ready, blocked, children, search, query, count, status, stale.

load common

setup() {
    scratch_setup
    workspace
}
teardown() { scratch_teardown; }

# An epic with two children, one of them blocked by a bug, and a closed chore.
plan() {
    bd create "Payments" -t epic -p 1 --id t-epic --silent
    bd create "Card form" -p 2 --id t-form -l frontend --silent
    bd create "Card backend" -p 0 --id t-back -l backend -a carol --silent
    bd create "Crash on empty cart" -t bug -p 1 --id t-bug -d "Steps: open it" -l backend,urgent --silent
    bd create "Old chore" -t chore -p 3 --id t-old --silent
    bd dep add t-form t-epic -t parent-child >/dev/null
    bd dep add t-back t-epic -t parent-child >/dev/null
    bd dep add t-back t-bug >/dev/null
    bd close t-old --reason done >/dev/null
}

ids() { python3 -c 'import json,sys; print(" ".join(i["id"] for i in json.load(sys.stdin)))'; }

@test "list shows a tree of open issues" {
    plan
    run bd list
    [ "$status" -eq 0 ]
    [ "${lines[0]}" = "○ t-bug ● P1 [bug] Crash on empty cart" ]
    [ "${lines[1]}" = "○ t-epic ● P1 [epic] Payments" ]
    [ "${lines[2]}" = "├── ○ t-back ● P0 Card backend" ]
    [ "${lines[3]}" = "└── ○ t-form ● P2 Card form" ]
    [[ "$output" == *"Total: 4 issues (4 open, 0 in progress)"* ]]
    [[ "$output" != *t-old* ]]
}

@test "list --flat tells who blocks whom" {
    plan
    run bd list --flat
    [[ "$output" == *"● t-back [● P0] [task] @carol [backend] - Card backend (parent: t-epic, blocked by: t-bug)"* ]]
    [[ "$output" == *"○ t-bug [● P1] [bug] [backend urgent] - Crash on empty cart (blocks: t-back)"* ]]
}

@test "list filters by label, type, assignee, priority and status" {
    plan
    [ "$(bd list --json -l backend,urgent | ids)" = t-bug ]
    [ "$(bd list --json --label-any frontend,urgent | ids)" = "t-bug t-form" ]
    [ "$(bd list --json --exclude-label backend -t task | ids)" = t-form ]
    [ "$(bd list --json -a carol | ids)" = t-back ]
    [ "$(bd list --json --priority-min 2 | ids)" = t-form ]
    [ "$(bd list --json -s closed | ids)" = t-old ]
    [ "$(bd list --json --no-labels --all | ids)" = "t-epic t-old" ]
    [ "$(bd list --json --parent t-epic | ids)" = "t-back t-form" ]
    [ "$(bd list --json --no-parent | ids)" = "t-bug t-epic" ] || [ "$(bd list --json --no-parent | ids)" = "t-epic t-bug" ]
    [ "$(bd list --json --title-contains CARD --sort id | ids)" = "t-back t-form" ]
    [ "$(bd list --json --created-after tomorrow | ids)" = "" ]
}

@test "list says on stderr that a limit cut it" {
    plan
    apart bd list -n 2 --json
    [ "$(echo "$out" | ids | wc -w)" -eq 2 ]
    [[ "$err" == *"more results matched"*"Use --limit 0 for all"* ]]
    apart bd list -n 4 --json
    [ -z "$err" ]
}

@test "list refuses what it does not know" {
    run bd list -s nonsense
    [ "$status" -eq 1 ]
    [[ "$output" == *'invalid status "nonsense" (valid: open, in_progress, blocked, deferred, closed, pinned, hooked)'* ]]
    run bd list --sort colour
    [ "$status" -eq 1 ]
    [[ "$output" == *'invalid sort field "colour"'* ]]
    run bd list ready
    [ "$status" -eq 1 ]
    [[ "$output" == *'did you mean "--ready"'* ]]
    run bd list --skip-labels -l x
    [ "$status" -eq 2 ]
}

@test "list on an empty database is an empty array and a sentence" {
    [ "$(bd list --json)" = "[]" ]
    [ "$(bd list)" = "No issues found." ]
    [ -z "$(bd list --flat)" ]
}

@test "list --format prints edges" {
    plan
    run bd list --format '{{.IssueID}}>{{.DependsOnID}} {{.Type}}'
    [[ "$output" == *"t-back>t-bug blocks"* ]]
    run bd list --format dot
    [ "${lines[0]}" = "digraph dependencies {" ]
    [[ "$output" == *'"t-back" -> "t-bug" [label="blocks", color=red, style=bold];'* ]]
    run bd list --format '{{.Broken'
    [ "$status" -eq 1 ]
    [[ "$output" == *"unclosed action"* ]]
}

@test "children shows closed ones too" {
    plan
    bd close t-form >/dev/null
    [ "$(bd children t-epic --json | ids)" = "t-back t-form" ]
    run bd children t-bug
    [ "$output" = "Issue 't-bug' has no children" ]
    run bd children t-nope
    [ "$status" -eq 1 ]
}

@test "ready leaves out what is blocked and puts it back when the blocker closes" {
    plan
    run bd ready --json
    [[ "$(echo "$output" | ids)" != *t-back* ]]
    [ "$(bd blocked --json | json_get 0.id)" = t-back ]
    [ "$(bd blocked --json | json_get 0.blocked_by.0)" = t-bug ]
    bd close t-bug >/dev/null
    [ "$(bd ready --json | json_get 0.id)" = t-back ]
    [ "$(bd blocked --json)" = "[]" ]
}

@test "ready names the epic and how many more there are" {
    plan
    run bd ready
    [[ "$output" == *"t-form ● P2 Card form ← Payments"* ]]
    apart bd ready -n 1 --json
    [[ "$err" == "Showing 1 of 3 ready issues. Use --limit 0 for all, or --limit N to raise the cap." ]]
}

@test "ready --claim takes the first unassigned issue and never the same twice" {
    plan
    first=$(bd ready --claim --json --actor a | json_get 0.id)
    second=$(bd ready --claim --json --actor b | json_get 0.id)
    [ "$first" != "$second" ]
    [ "$(cat .beads/last-touched)" = "$second" ]
    [ "$(bd show "$first" --json | json_get 0.assignee)" = a ]
    [ "$(bd show "$first" --json | json_get 0.status)" = in_progress ]
    bd ready --claim --actor c >/dev/null
    [ "$(bd ready --claim --json --actor d)" = "[]" ]
    run bd ready --claim --assignee x
    [ "$status" -eq 1 ]
}

@test "ready --explain gives reasons" {
    plan
    run bd ready --explain
    [[ "$output" == *"Reason: no blocking dependencies"* ]]
    [[ "$output" == *"← blocked by t-bug: Crash on empty cart [open]"* ]]
    [[ "$output" == *"Summary: 3 ready, 1 blocked"* ]]
    [ "$(bd ready --explain --json | json_get blocked.0.blocked_by.0.title)" = "Crash on empty cart" ]
}

@test "ready --mol shows the steps that can start, and which go together" {
    plan
    [ "$(bd ready --mol t-epic --json | json_get ready_steps)" = 3 ]
    bd dep add t-form t-back >/dev/null
    [ "$(bd ready --mol t-epic --json | json_get ready_steps)" = 2 ]
    [ "$(bd ready --mol t-epic --json | json_get parallel_groups.group-1 | tr -d ' ')" = '["t-epic","t-back"]' ]
    run bd ready --mol t-epic
    [[ "$output" == *"Total: 3 steps, 2 ready"*"[group-1]"*"Can run with:"* ]]
    run bd ready --mol nope
    [ "$status" -eq 1 ]
    [[ "$output" == *"molecule 'nope' not found"* ]]
}

@test "ready --gated finds molecules whose gate has closed" {
    plan
    [ "$(bd ready --gated --json | json_get count)" = 0 ]
    bd create "Wait for review" -t gate --id t-gate --silent
    bd dep add t-form t-gate >/dev/null
    [ "$(bd ready --gated --json | json_get count)" = 0 ]
    bd close t-gate >/dev/null
    [ "$(bd ready --gated --json | json_get molecules.0.molecule_id)" = t-epic ]
    [ "$(bd ready --gated --json | json_get molecules.0.ready_step.id)" = t-form ]
}

@test "show tells everything around an issue" {
    plan
    bd comment t-back "Looks hard" --actor dave >/dev/null
    run bd show t-back
    [ "${lines[0]}" = "○ t-back · Card backend   [● P0 · OPEN]" ]
    [[ "$output" == *"PARENT"*"↑ ○ t-epic: (EPIC) Payments ● P1"* ]]
    [[ "$output" == *"DEPENDS ON"*"→ ○ t-bug: (BUG) Crash on empty cart ● P1"* ]]
    [[ "$output" == *"COMMENTS"*"dave"*"    Looks hard"* ]]
    run bd show t-epic
    [[ "$output" == *"CHILDREN"*"◐ 0/2 complete (0%)"* ]]
}

@test "show --json is an array with counts; lists only when asked for" {
    plan
    bd comment t-bug "One" >/dev/null
    run bd show t-bug --json
    [ "$(echo "$output" | json_get 0.dependent_count)" = 1 ]
    [ "$(echo "$output" | json_get 0.comment_count)" = 1 ]
    [[ "$output" != *'"comments"'* ]]
    [ "$(bd show t-bug --json --include-comments | json_get 0.comments.0.text)" = One ]
    [ "$(bd show t-epic --json --include-dependents | json_get 0.epic_total_children)" = 2 ]
}

@test "show finds parts of ids and tells what it does not find" {
    plan
    [ "$(bd show bug --short)" = "○ t-bug ● P1 [bug] Crash on empty cart" ]
    apart bd show t-nope
    [ "$status" -eq 1 ]
    [ -z "$out" ]
    [ "$err" = 'Error fetching t-nope: no issue found matching "t-nope"' ]
    apart bd show t-nope t-bug --short
    [ "$status" -eq 0 ]
    [[ "$out" == *t-bug* ]]
    run bd show
    [ "$status" -eq 1 ]
    [[ "$output" == *"issue ID is required"* ]]
}

@test "show --current is the issue in progress, else the last touched" {
    plan
    bd update t-form --claim --actor me >/dev/null
    [ "$(bd show --current --actor me --json | json_get 0.id)" = t-form ]
    bd show t-bug >/dev/null
    [ "$(bd show --current --actor nobody --json | json_get 0.id)" = t-bug ]
}

@test "show --refs groups by kind" {
    plan
    run bd show t-bug --refs
    [[ "$output" == *"📎 References to t-bug:"*"🚫 blocks (1):"*"t-back: Card backend [P0 - open]"* ]]
    run bd show t-old --refs
    [[ "$output" == *"t-old: No references found"* ]]
}

@test "search looks at titles and ids, closed issues only when asked" {
    plan
    [ "$(bd search card --json | ids)" = "t-back t-form" ]
    run bd search chore
    [ "$output" = "No issues found matching 'chore'" ]
    [ "$(bd search chore --status all --json | ids)" = t-old ]
    [ "$(bd search t-bug --json | ids)" = t-bug ]
    run bd search
    [ "$status" -eq 1 ]
    [[ "$output" == *"search query is required"* ]]
}

@test "query joins conditions" {
    plan
    [ "$(bd query 'status=open AND priority<=1 AND type!=epic' --json | ids)" = "t-back t-bug" ]
    [ "$(bd query '(label=frontend OR assignee=CAROL) AND NOT priority=2' --json | ids)" = t-back ]
    [ "$(bd query 'status=closed' --json | ids)" = t-old ]
    [ "$(bd query 'type=chore' --json)" = "[]" ]
    [ "$(bd query 'type=chore' --all --json | ids)" = t-old ]
    [ "$(bd query --parse-only 'a=1 or b=2 and not c=3')" = "Parsed query: (a=1 OR (b=2 AND NOT c=3))" ]
    run bd query 'status='
    [ "$status" -eq 1 ]
    [[ "$output" == "Error: parsing query: expected value at position 7, got EOF" ]]
}

@test "count in total and by group" {
    plan
    [ "$(bd count)" = 5 ]
    [ "$(bd count -s open)" = 4 ]
    [ "$(bd count --json | json_get count)" = 5 ]
    run bd count --by-label
    [ "${lines[0]}" = "Total: 5" ]
    [[ "$output" == *"(no labels): 2"* && "$output" == *"backend: 2"* ]]
    [ "$(bd count --by-priority --json | json_get groups.0.group)" = P0 ]
    run bd count --by-status --by-type
    [ "$status" -eq 1 ]
    [[ "$output" == *"only one"* ]]
}

@test "status counts by state" {
    plan
    [ "$(bd status --json | json_get summary.total_issues)" = 5 ]
    [ "$(bd stats --json | json_get summary.blocked_issues)" = 1 ]
    [ "$(bd status --json | json_get summary.ready_issues)" = 3 ]
    run bd status
    [[ "$output" == *"  Open:                   4"* ]]
    [ "$(bd status --assigned --actor carol --json | json_get summary.total_issues)" = 1 ]
}

@test "stale needs at least a day and finds nothing fresh" {
    plan
    [ "$(bd stale --json)" = "[]" ]
    run bd stale --days 0
    [ "$status" -eq 1 ]
    [[ "$output" == *"at least 1"* ]]
    run bd stale
    [[ "$output" == *"No stale issues found"* ]]
}

@test "types and statuses list what is built in and what is configured" {
    [ "$(bd types --json | json_get core_types.0.name)" = task ]
    [[ "$(bd types)" == *"No custom types configured."* ]]
    [ "$(bd statuses --json | json_get built_in_statuses.3.category)" = frozen ]
    bd config set types.custom "convoy,ritual"
    bd config set status.custom "review:active,shipped:done"
    [ "$(bd types --json | json_get custom_types)" = '["convoy", "ritual"]' ]
    [ "$(bd statuses --json | json_get custom_statuses.1.category)" = done ]
    [[ "$(bd statuses)" == *"Custom statuses:"*"○ review "*"✓ shipped "* ]]
}

@test "a terminal is shown the text of a title and not what would steer it; a pipe gets the bytes" {
    bd create "$(printf 'evil \033]0;owned\007\033[2Jtitle')" --id t-evil --silent
    run python3 -c 'import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.execvp("bd", ["bd", "list", "--no-pager"])
out = b""
while True:
    try:
        piece = os.read(fd, 65536)
    except OSError:
        break
    if not piece:
        break
    out += piece
os.waitpid(pid, 0)
line = [l for l in out.split(b"\n") if b"t-evil" in l][0]
sys.exit(0 if b"evil title" in line and b"\x1b]" not in out and b"\x1b[2J" not in out else 1)'
    [ "$status" -eq 0 ]
    bd list | grep -q "$(printf '\033')]0;owned"
}
