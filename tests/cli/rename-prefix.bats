#!/usr/bin/env bats
# bd rename-prefix: other ids for all issues, with everything that refers to them.

load common

setup() {
    scratch_setup
    workspace
}
teardown() { scratch_teardown; }

several_issues() {
    cat >f.jsonl <<'END'
{"id":"t-a1","title":"About t-b2","labels":["l"],"comments":[{"author":"a","text":"see t-b2","created_at":"2026-01-01T00:00:00Z"}],"dependencies":[{"depends_on_id":"t-b2","type":"blocks","thread_id":"th"}]}
{"id":"t-b2","title":"B","description":"t-a1. (t-a1) t-a1.2 xt-a1 t-a1.1","ephemeral":true}
{"id":"t-a1.1","title":"Child","dependencies":[{"depends_on_id":"t-a1","type":"parent-child"},{"depends_on_id":"external:p:c","type":"blocks"}]}
{"id":"t-word","title":"An id that is a word"}
END
    bd import f.jsonl
}

@test "ids, edges, labels, comments and texts follow; one commit" {
    several_issues
    commits=$(bd vc log --json | grep -c '"hash"')
    bd rename-prefix new- | grep -q "Successfully renamed prefix from t to new"
    [ "$(bd config get issue_prefix)" = new ]
    [ "$(bd vc log --json | grep -c '"hash"')" = $((commits + 1)) ]
    bd export --all >all.jsonl
    grep '"id":"new-a1","title":"About new-b2"' all.jsonl | grep '"labels":\["l"\]' |
        grep '"issue_id":"new-a1","depends_on_id":"new-b2","type":"blocks"' | grep '"thread_id":"th"' | grep '"text":"see t-b2"'
    grep '"id":"new-b2"' all.jsonl | grep -F '"description":"new-a1. (new-a1) t-a1.2 xt-a1 new-a1.1"'
    grep '"id":"new-a1.1"' all.jsonl | grep '"depends_on_id":"new-a1","type":"parent-child"' | grep '"depends_on_id":"external:p:c"'
    grep -q '"id":"new-word"' all.jsonl
    [ "$(bd create Next --parent new-a1 --json | json_get id)" = new-a1.2 ]
    bd fsck
    bd doctor
}

@test "a dry run changes nothing; wrong prefixes and the same one are refused" {
    several_issues
    before=$(bd export --all)
    [ "$(bd rename-prefix new --dry-run --json | json_get renames.t-a1)" = new-a1 ]
    bd rename-prefix new --dry-run | grep -q "DRY RUN: Would rename 4 issues from prefix 't' to 'new'"
    for wrong in "" - Upper 1x "a b" t; do
        run bd rename-prefix -- "$wrong"
        [ "$status" = 1 ]
    done
    [ "$before" = "$(bd export --all)" ]
}

@test "several prefixes need --repair, which leaves the right ones alone" {
    several_issues
    bd import - <<<'{"id":"zz-1","title":"Foreign","description":"like t-a1"}'
    bd import - <<<'{"id":"t-c3","title":"See zz-1"}'
    run bd rename-prefix new
    [ "$status" = 1 ]
    [[ "$output" == *"  - t: 5 issues"*"  - zz: 1 issues"*"--repair"* ]]
    apart bd rename-prefix t --repair --json
    [ "$status" = 0 ]
    [ "$(json_get issues_repaired <<<"$out")" = 1 ]
    id=$(bd list --all --json | grep -o '"t-[0-9a-f]\{8\}"' | tr -d '"')
    [ "$(bd show "$id" --json | json_get 0.title)" = Foreign ]
    [ "$(bd show t-c3 --json | json_get 0.title)" = "See $id" ]
}

@test "without issues only the setting changes" {
    bd rename-prefix new | grep -q "No issues to rename"
    [ "$(bd config get issue_prefix)" = new ]
    [[ "$(bd create One --json | json_get id)" == new-* ]]
}
