#!/usr/bin/env bats
# bd create and bd q: fields, ids, parents, dependencies, the batch forms, commits, hooks.

load common
setup() { scratch_setup; workspace; }
teardown() { scratch_teardown; }

head_message() { bd vc log -n 1 --json | json_get 0.message; }

@test "create prints the id; --silent and q print nothing else" {
    run bd create "Fix login" -t bug -p 1
    [ "$status" -eq 0 ]
    [[ "${lines[0]}" =~ ^✓\ Created\ issue:\ (t-[a-z0-9]+)\ —\ Fix\ login$ ]]
    [ "${lines[1]}" = "  Priority: P1" ]
    [ "${lines[2]}" = "  Status: open" ]
    [ "$(cat .beads/last-touched)" = "${BASH_REMATCH[1]}" ]
    apart bd create "Second" --silent
    [[ "$out" =~ ^t-[a-z0-9]+$ ]]
    [ -z "$err" ]
    apart bd q three words -p P0 -l x
    [[ "$out" =~ ^t-[a-z0-9]+$ ]]
    [ -z "$err" ]
    [ "$(bd show "$out" --json | json_get 0.title)" = "three words" ]
}

@test "a create is one commit that names the issue" {
    id=$(bd create "One" -l a,b --silent)
    [ "$(head_message)" = "bd: create $id" ]
    [ "$(bd vc status --json | json_get clean 2>/dev/null || echo true)" = true ]
    bd q "Two" >/dev/null
    [ "$(head_message)" = "bd: q (auto-commit) by Test User" ]
}

@test "all fields arrive" {
    id=$(bd create "All" -t feature -p 3 -d "line 1
line <2>" --design D --acceptance A --notes N -a bob --external-ref gh-9 --spec-id s.md -e 30 \
        --metadata '{"b":1,"a":"x"}' --skills go --due 2099-01-02 --silent)
    bd show "$id" --json >o.json
    get() { json_get "0.$1" <o.json; }
    [ "$(get issue_type)" = feature ]
    [ "$(get priority)" = 3 ]
    [ "$(get assignee)" = bob ]
    [ "$(get description)" = "$(printf 'line 1\nline <2>\n\n## Required Skills\ngo')" ]
    [ "$(get design)$(get acceptance_criteria)$(get notes)" = DAN ]
    [ "$(get external_ref)" = gh-9 ]
    [ "$(get spec_id)" = s.md ]
    [ "$(get estimated_minutes)" = 30 ]
    [ "$(get metadata.a)" = x ]
    [ "$(get due_at)" = 2099-01-02T00:00:00Z ]
    [ "$(get owner)" = test@example.com ]
    [ "$(get created_by)" = "Test User" ]
}

@test "children are numbered, linked and inherit labels" {
    p=$(bd create Epic -t epic -l team --silent)
    [ "$(bd create One --parent "$p" -l own --silent)" = "$p.1" ]
    [ "$(bd create Two --parent "$p" --no-inherit-labels --silent)" = "$p.2" ]
    [ "$(bd label list "$p.1" --json | tr -d ' \n')" = '["own","team"]' ]
    [ "$(bd label list "$p.2" --json | tr -d ' \n')" = '[]' ]
    [ "$(bd dep list "$p.1" --json | json_get 0.dependency_type)" = parent-child ]
    apart bd create Three --parent t-none
    [ "$status" -eq 1 ]
    [ "$err" = "Error: parent issue t-none not found" ]
    [ "$(bd create Three --parent "$p" --dry-run --json | json_get id)" = "" ]
    [ "$(bd create Three --parent "$p" --silent)" = "$p.3" ]
}

@test "dependencies of every spelling" {
    a=$(bd create A --silent)
    b=$(bd create B --deps "$a" --silent)
    c=$(bd create C --deps "blocks:$a,discovered-from:$b" --silent)
    [ "$(bd dep list "$b" --json | json_get 0.id)" = "$a" ]
    [ "$(bd dep list "$a" --json | json_get 0.id)" = "$c" ]
    [ "$(bd dep list "$c" --json | json_get 0.dependency_type)" = discovered-from ]
    apart bd create D --deps t-zzz --silent
    [ "$status" -eq 0 ]
    [[ "$err" == "Warning: failed to add dependency "*"issue t-zzz not found" ]]
    apart bd create Unwanted --deps "banana:$a"
    [ "$status" -eq 1 ]
    [[ "$err" == 'Error: unknown dependency type "banana"; valid types: '* ]]
    [ "$(bd search Unwanted --json | tr -d ' \n')" = "[]" ] # nothing was created
}

@test "what cannot be created is refused with a reason" {
    check() { apart bd create "${@:2}"; [ "$status" -eq 1 ] && [[ "$err" == *"$1"* ]] || { echo "$err"; false; }; }
    check "title required" 
    check "title is required" ""
    check "invalid priority \"high\"" x -p high
    check "invalid issue type: banana" x -t banana
    check "cannot specify both --id and --parent" x --id t-1 --parent t-2
    check "invalid ID format 'nodash'" x --id nodash
    check "prefix mismatch: database uses 't-' but ID 'zz-1'" x --id zz-1
    check "invalid --due format \"someday\"" x --due someday
    check "estimate must be a non-negative" x -e -5
    check "invalid JSON in --metadata" x --metadata '{'
    check "mutually exclusive" x --ephemeral --no-history
    check "missing required sections for bug" x -t bug --validate
    apart bd create x -p high --json
    [ "$(json_get error <<<"$err")" = 'invalid priority "high" (expected 0-4 or P0-P4, not words like high/medium/low)' ]
}

@test "texts come from files and standard input" {
    printf 'from file\n' >body
    id=$(bd create F --body-file body --silent)
    [ "$(bd show "$id" --json | json_get 0.description)" = "$(printf 'from file\n.' | sed 's/^\.//')" ]
    id=$(echo piped | bd create S --stdin --silent)
    [[ "$(bd show "$id" --json | json_get 0.description)" == piped* ]]
    apart bd create X --body-file missing
    [ "$status" -eq 1 ]
    [[ "$err" == *"failed to open file: open missing: no such file"* ]]
    apart bd create X -d a --body b
    [ "$status" -eq 1 ]
    [[ "$err" == *"--description and --body with different values"* ]]
}

@test "deferred and ephemeral issues" {
    [ "$(bd create Later --defer +1d --json | json_get status)" = deferred ]
    apart bd create Past --defer 2020-01-01 --json
    [ "$(json_get status <<<"$out")" = open ]
    [[ "$err" == *"is in the past"* ]]
    w=$(bd create Wisp --ephemeral --silent)
    [[ "$w" == t-wisp-* ]]
    [ "$(head_message | cut -c1-11)" = "bd: create " ]
    [ "$(bd show "$w" --json | json_get 0.ephemeral)" = true ]
}

@test "--file creates the issues of a markdown file in one commit" {
    cat >plan.md <<MD
ignored
## First one
Some text

more text
### Priority
1
### Labels
a, b
## Second
### Type
nonsense
MD
    apart bd create --file plan.md --json
    [ "$status" -eq 0 ]
    [[ "$err" == *"invalid issue type 'nonsense'"* ]]
    [ "$(json_get 0.description <<<"$out")" = "$(printf 'Some text\nmore text')" ]
    [ "$(json_get 0.labels <<<"$out")" = '["a", "b"]' ]
    [ "$(json_get 1.issue_type <<<"$out")" = task ]
    [ "$(head_message)" = "bd: create 2 issue(s) from plan.md" ]
    apart bd create --file ../x.md
    [[ "$err" == *"directory traversal not allowed"* ]]
}

@test "--graph creates all or nothing" {
    cat >g.json <<J
{"nodes":[{"key":"e","title":"Epic","type":"epic"},{"key":"a","title":"A","parent_key":"e","metadata_refs":{"epic":"e"}},
{"key":"b","title":"B","parent_key":"e","assignee":"bob","assign_after_create":true,"parent":"x"}],
"edges":[{"from_key":"b","to_key":"a"}]}
J
    apart bd create --graph g.json --json
    [ "$status" -eq 0 ]
    [[ "$err" == *'node["b"] has unknown field(s): [parent]'* ]]
    e=$(json_get ids.e <<<"$out") a=$(json_get ids.a <<<"$out") b=$(json_get ids.b <<<"$out")
    [ "$(bd show "$a" --json | json_get 0.metadata.epic)" = "$e" ]
    [ "$(bd show "$b" --json | json_get 0.assignee)" = bob ]
    [[ "$(bd ready --json)" != *"\"$b\""* ]]
    [ "$(head_message)" = "bd: graph-apply 3 nodes" ]
    before=$(bd vc log -n 1 --json | json_get 0.hash)
    sed 's/"from_key":"b","to_key":"a"/"from_key":"e","to_key":"a"/' g.json >bad.json
    apart bd create --graph bad.json
    [ "$status" -eq 1 ]
    [[ "$err" == *"graph c"* ]]
    [ "$(bd vc log -n 1 --json | json_get 0.hash)" = "$before" ]
}

@test "issue hooks are told, and never waited for" {
    mkdir -p .beads/hooks
    printf '#!/bin/sh\necho "$1 $2" >>"%s/told"\ncat >"%s/issue"\n' "$SCRATCH" "$SCRATCH" >.beads/hooks/on_create
    printf '#!/bin/sh\nsleep 60\n' >.beads/hooks/on_close
    chmod +x .beads/hooks/*
    id=$(bd create Hooked --silent)
    for _ in $(seq 200); do [ -s "$SCRATCH/issue" ] && break; sleep 0.02; done
    [ "$(cat "$SCRATCH/told")" = "$id create" ]
    [ "$(json_get title <"$SCRATCH/issue")" = Hooked ]
    SECONDS=0
    bd close "$id" >/dev/null
    [ "$SECONDS" -lt 5 ]
    BD_NO_HOOKS=1 bd create Quiet --silent
    [ "$(wc -l <"$SCRATCH/told")" -eq 1 ]
}

@test "twenty writers at once lose nothing" {
    for i in $(seq 20); do bd create "Issue $i" --silent >"id.$i" 2>"err.$i" & done
    wait
    [ "$(cat id.* | sort -u | wc -l)" -eq 20 ]
    [ "$(bd count --json | json_get count)" = 20 ]
}
