#!/usr/bin/env bats
# bd export, bd import, and what happens to the JSONL file by itself.

load common

setup() {
    scratch_setup
    workspace
    db=.beads/embeddeddolt/t
}
teardown() { scratch_teardown; }

head_commit() { bd vc status --json | json_get commit; }

# field ID PATH: a value of an exported issue
field() {
    bd export --all | python3 -c 'import json,sys
for line in sys.stdin:
    v = json.loads(line)
    if v.get("id") == sys.argv[1]:
        for k in sys.argv[2].split("."):
            v = v[int(k)] if isinstance(v, list) else v.get(k)
        print(v if isinstance(v, str) else json.dumps(v))' "$1" "$2"
}

@test "export | import into an empty workspace reproduces every line" {
    bd create "One" --id t-a -d $'text & <tags>\n\tüñí ☃' -l l2,l1 -p 0 --silent
    bd create "Two" --id t-b --deps t-a --silent
    bd comment t-a "hello" >/dev/null
    bd close t-a >/dev/null
    bd export --all >../one.jsonl
    mkdir ../other && cd ../other && workspace
    bd import - <../one.jsonl
    bd export --all >../two.jsonl
    cmp ../one.jsonl ../two.jsonl
}

@test "an export names its records and fields as agreed" {
    bd create "One" --id t-a -l x --silent
    [ "$(bd export | python3 -c 'import json,sys; print(*json.loads(sys.stdin.readline()))')" = \
      "_type id title status priority issue_type owner created_at created_by updated_at labels dependency_count dependent_count comment_count" ]
}

@test "export leaves out wisps, templates and infrastructure unless asked" {
    bd create "Kept" --id t-a --silent
    bd create "wisp" --ephemeral --silent
    bd create "test something" --id t-t --silent
    bd import - <<<'{"id":"t-i","title":"agent","issue_type":"agent"}'
    [ "$(bd export | wc -l)" -eq 2 ]
    [ "$(bd export --all | wc -l)" -eq 4 ]
    [ "$(bd export --scrub | wc -l)" -eq 1 ]
}

@test "a file is replaced as a whole or not at all" {
    bd create "One" --id t-a --silent
    apart bd export -o out.jsonl
    [ "$err" = "Exported 1 issues to out.jsonl" ]
    [ -z "$out" ]
    [ "$(stat -c %a out.jsonl)" = 644 ]
    apart bd export -o nodir/x.jsonl
    [ "$status" -eq 1 ]
    [[ $err == *"failed to create output file"* ]]
    [ "$(ls -A | grep -c '\.~')" -eq 0 ]
}

@test "one bad line: nothing is imported, and the line is named" {
    before=$(head_commit)
    printf '{"id":"t-q1","title":"Fine"}\n{"id":"t-q2","title":\n' >broken.jsonl
    apart bd import broken.jsonl
    [ "$status" -eq 1 ]
    [[ $err == *"failed to parse JSONL line 2: unexpected end of JSON input"* ]]
    printf '{"id":"t-q1","title":"Fine"}\n{"id":"t-q2","title":"x","priority":9}\n' >invalid.jsonl
    apart bd import invalid.jsonl
    [ "$status" -eq 1 ]
    [[ $err == *"validation failed for issue t-q2: priority must be between 0 and 4 (got 9)"* ]]
    printf '<<<<<<< HEAD\n{"id":"t-q1","title":"Fine"}\n' >conflict.jsonl
    apart bd import conflict.jsonl
    [ "$status" -eq 1 ]
    [[ $err == *"line 1"*"conflict marker"* ]]
    [ "$(head_commit)" = "$before" ]
    [ "$(bd export | wc -l)" -eq 0 ]
}

@test "wrong kinds of values are named with their member" {
    apart bd import - <<<''
    for line in '{"title":5}' '{"title":"x","priority":"high"}' '{"title":"x","created_at":"yesterday"}' \
        '{"title":"x","labels":"a"}' '[1]' '"text"' '{"title":"x"} {"title":"y"}'; do
        printf '%s\n' "$line" >bad.jsonl
        apart bd import bad.jsonl
        [ "$status" -eq 1 ]
        [[ $err == *"line 1"* ]]
    done
}

@test "an older record never overwrites a newer issue" {
    bd create "Here" --id t-a --silent
    printf '%s\n' '{"id":"t-a","title":"Old","updated_at":"2020-01-01T00:00:00Z"}' >stale.jsonl
    [ "$(bd import stale.jsonl --json | json_get stale_skipped_ids.0)" = t-a ]
    [ "$(field t-a title)" = Here ]
    printf '%s\n' '{"id":"t-a","title":"New","updated_at":"2099-01-01T00:00:00Z"}' >newer.jsonl
    bd import newer.jsonl
    [ "$(field t-a title)" = New ]
    [ "$(field t-a updated_at)" = 2099-01-01T00:00:00Z ]
}

@test "an import right after a create is not older than it" {
    bd create "Here" --id t-a --silent
    now=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
    printf '{"id":"t-a","title":"New","created_at":"%s","updated_at":"%s"}\n' "$now" "$now" >now.jsonl
    bd import now.jsonl
    [ "$(field t-a title)" = New ]
}

@test "an existing issue keeps its labels, comments, dependencies and what a record does not refresh" {
    bd create "Here" --id t-a -l mine --silent
    bd create "Other" --id t-b --silent
    bd comment t-a "my comment" >/dev/null
    bd dep add t-a t-b >/dev/null
    printf '%s\n' '{"id":"t-a","title":"New","owner":"somebody@else","updated_at":"2099-01-01T00:00:00Z","labels":["theirs","mine"],"comments":[{"author":"z","text":"their comment","created_at":"2026-01-02T10:00:00Z"}]}' >r.jsonl
    bd import r.jsonl
    bd import r.jsonl
    [ "$(field t-a labels)" = '["mine", "theirs"]' ]
    [ "$(field t-a comment_count)" = 2 ]
    [ "$(field t-a dependencies.0.depends_on_id)" = t-b ]
    [ "$(field t-a owner)" = test@example.com ]
}

@test "importing the same file again commits nothing and succeeds" {
    printf '%s\n' '{"id":"t-a","title":"A","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","labels":["x"],"comments":[{"id":7,"author":"z","text":"c","created_at":"2026-01-02T10:00:00Z"}]}' >a.jsonl
    bd import a.jsonl
    before=$(head_commit)
    apart bd import a.jsonl
    [ "$status" -eq 0 ]
    [ "$(head_commit)" = "$before" ]
    [ "$(field t-a comment_count)" = 1 ]
}

@test "dependencies that cannot be are reported, the rest is imported" {
    cat >d.jsonl <<'END'
{"id":"t-1","title":"1","dependencies":[{"depends_on_id":"t-2","type":"blocks"},{"depends_on_id":"t-none","type":"blocks"},{"depends_on_id":"t-1","type":"related"}]}
{"id":"t-2","title":"2","dependencies":[{"issue_id":"t-2","depends_on_id":"t-3","type":"blocks"}]}
{"id":"t-3","title":"3","dependencies":[{"issue_id":"t-3","depends_on_id":"t-1","type":"blocks"},{"depends_on_id":"external:x:y","type":"blocks"}]}
END
    apart bd import d.jsonl
    [ "$status" -eq 0 ]
    [[ $err == *"Imported 3 issues from d.jsonl"* ]]
    [[ $err == *"Skipped dependency: t-1 -> t-none: target not found"* ]]
    [[ $err == *"Skipped dependency: t-1 -> t-1: cannot add self-dependency: t-1 cannot depend on itself"* ]]
    [[ $err == *"Skipped dependency: t-3 -> t-1: adding dependency would create a cycle"* ]]
    [ "$(bd ready --json | python3 -c 'import json,sys; print(*[i["id"] for i in json.load(sys.stdin)])')" = t-3 ]
    [ "$(bd export | grep -c external:x:y)" -eq 1 ]
}

@test "metadata, makers and times of dependencies come back" {
    cat >d.jsonl <<'END'
{"id":"t-1","title":"1","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}
{"id":"t-2","title":"2","dependencies":[{"depends_on_id":"t-1","type":"waits-for","created_at":"2026-01-03T01:02:03+02:00","created_by":"zoe","metadata":"{\"gate\":\"any-children\"}","thread_id":"th"}]}
END
    bd import d.jsonl
    [ "$(field t-2 dependencies.0.created_by)" = zoe ]
    [ "$(field t-2 dependencies.0.created_at)" = 2026-01-02T23:02:03Z ]
    [ "$(field t-2 dependencies.0.metadata)" = '{"gate":"any-children"}' ] || [ "$(field t-2 dependencies.0.metadata)" = '{"gate": "any-children"}' ]
    [ "$(field t-2 dependencies.0.thread_id)" = th ]
}

@test "blocked issues: the same answer for one record and for a thousand" {
    python3 - <<'END' >many.jsonl
import json
for i in range(1000):
    o = {"id": f"t-{i}", "title": f"Issue {i}", "status": "closed" if i % 7 == 0 else "open"}
    if i:
        o["dependencies"] = [{"depends_on_id": f"t-{i // 2}", "type": ["blocks", "parent-child", "related"][i % 3]}]
    print(json.dumps(o))
END
    bd import many.jsonl
    bd ready -n 0 --json | python3 -c 'import json,sys; print(sorted(i["id"] for i in json.load(sys.stdin)))' >many
    mkdir ../other && cd ../other && workspace
    split -l 100 ../ws/many.jsonl part.
    for f in part.*; do bd import "$f"; done
    bd ready -n 0 --json | python3 -c 'import json,sys; print(sorted(i["id"] for i in json.load(sys.stdin)))' >few
    cmp ../ws/many few
    [ "$(bd export | wc -l)" -eq 1000 ]
}

@test "closing an issue by import unblocks what waited for it" {
    bd create "Blocker" --id t-a --silent
    bd create "Blocked" --id t-b --deps t-a --silent
    [ "$(bd ready --json | grep -c t-b)" -eq 0 ]
    printf '%s\n' '{"id":"t-a","title":"Blocker","status":"closed","updated_at":"2099-01-01T00:00:00Z"}' >c.jsonl
    bd import c.jsonl
    [ "$(bd ready --json | json_get 0.id)" = t-b ]
}

@test "old exports: tombstones, headers, wisps, numbered comments, types nobody configured" {
    cat >old.jsonl <<'END'
{"_schema":"beads-jsonl/1","_sort":"stable-v1"}
{"id":"t-dead","title":"gone","status":"tombstone"}
{"id":"t-w","title":"wisp","wisp":true}
{"id":"t-c","title":"Closed","status":"closed","created_at":"2026-01-02T00:00:00Z","updated_at":"2026-01-03T00:00:00Z","comments":[{"id":1,"author":"a","text":"x","created_at":"2026-01-02T00:00:00Z"},{"id":2,"author":"a","text":"y","created_at":"2026-01-02T00:00:00Z"}]}
{"id":"t-m","title":"Custom","issue_type":"merge-request"}
{"_type":"memory","key":"k","value":"v"}
END
    apart bd import old.jsonl
    [ "$status" -eq 0 ]
    [[ $err == *"Imported 3 issues and 1 memories"*"merge-request (1)"* ]]
    [ "$(field t-w ephemeral)" = true ]
    [ "$(field t-c closed_at)" = 2026-01-03T00:00:01Z ]
    [ "$(field t-c comments.0.text)$(field t-c comments.1.text)" = xy ]
    [ "$(field t-m issue_type)" = merge-request ]
    [ "$(bd export --all | grep -c t-dead)" -eq 0 ]
    [ "$(bd export --include-memories | tail -1)" = '{"_type":"memory","key":"k","value":"v"}' ]
    sed 's/t-c/t-d/' old.jsonl | bd import -
    [ "$(field t-d comment_count)" = 2 ]
}

@test "two workspaces that import the same file give comments and dependencies the same rows" {
    printf '%s\n' '{"id":"t-a","title":"A"}' '{"id":"t-b","title":"B","dependencies":[{"depends_on_id":"t-a","type":"blocks","created_at":"2026-01-02T00:00:00Z"}],"comments":[{"author":"a","text":"x","created_at":"2026-01-02T00:00:00Z"}]}' >../f.jsonl
    bd import ../f.jsonl
    one=$(field t-b comments.0.id)
    mkdir ../other && cd ../other && workspace
    bd import ../f.jsonl
    [ "$(field t-b comments.0.id)" = "$one" ]
}

@test "members that have no place are named, empty ones are not" {
    printf '%s\n' '{"id":"t-a","title":"A","quality_score":3,"source_formula":""}' '{"id":"t-b","title":"B","quality_score":4,"odd":[1]}' >f.jsonl
    apart bd import f.jsonl
    [ "$status" -eq 0 ]
    [[ $err == *"quality_score (2), odd (1)"* && $err != *source_formula* ]]
}

@test "dedup and dry-run" {
    bd create "Same Title" --id t-a --silent
    printf '%s\n' '{"id":"t-x","title":"same title"}' '{"id":"t-y","title":"other"}' >d.jsonl
    apart bd import --dry-run d.jsonl
    [ "$err" = "Would import 2 issues and 0 memories from d.jsonl" ]
    [ "$(bd export | wc -l)" -eq 1 ]
    apart bd import --dedup d.jsonl
    [ "$err" = "Imported 1 issues from d.jsonl (1 duplicates skipped)" ]
    : >empty.jsonl
    apart bd import empty.jsonl
    [ "$err" = "Empty file: empty.jsonl" ]
    apart bd import nofile.jsonl
    [ "$status" -eq 1 ]
}

@test "a folder is read as a backup set" {
    mkdir set
    printf '%s\n' '{"id":"t-1","title":"1","pinned":1,"metadata":"{\"k\":1}","timeout_ns":5,"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}' '{"id":"t-2","title":"2"}' >set/issues.jsonl
    printf '%s\n' '{"issue_id":"t-1","depends_on_id":"t-2","type":"blocks","created_at":"2026-01-01T00:00:00Z","created_by":"z"}' >set/dependencies.jsonl
    printf '%s\n' '{"issue_id":"t-2","label":"l1"}' '{"issue_id":"t-2","label":"l0"}' >set/labels.jsonl
    printf '%s\n' '{"id":1,"issue_id":"t-2","author":"a","text":"x","created_at":"2026-01-01T00:00:00Z"}' >set/comments.jsonl
    bd import set
    [ "$(field t-1 metadata.k)$(field t-1 pinned)$(field t-1 timeout)" = 1true5 ]
    [ "$(field t-1 dependencies.0.depends_on_id)" = t-2 ]
    [ "$(field t-2 labels)" = '["l0", "l1"]' ]
    [ "$(field t-2 comments.0.text)" = x ]
    printf '%s\n' '{"issue_id":"t-none","label":"l1"}' >set/labels.jsonl
    apart bd import set
    [ "$status" -eq 1 ]
    [[ $err == *"a label belongs to issue t-none"* ]]
    mkdir nothing
    apart bd import nothing
    [ "$status" -eq 1 ]
}

@test "import without a file reads import.path" {
    printf '%s\n' '{"id":"t-x","title":"x"}' >.beads/issues.jsonl
    bd import
    [ "$(field t-x title)" = x ]
    bd config set import.path other.jsonl >/dev/null
    printf '%s\n' '{"id":"t-z","title":"z"}' >.beads/other.jsonl
    bd import
    [ "$(field t-z title)" = z ]
}

@test "no automatic export unless switched on" {
    bd create "One" --id t-a --silent
    [ ! -e .beads/issues.jsonl ]
    [ ! -e .beads/export-state.json ]
    bd config set export.auto true >/dev/null
    bd config set export.interval 1ms >/dev/null
    bd create "Two" --id t-b --silent
    [ "$(wc -l <.beads/issues.jsonl)" -eq 2 ]
    [ "$(stat -c %a .beads/issues.jsonl .beads/export-state.json | tr '\n' ' ')" = "644 600 " ]
    bd update t-a -p 0 >/dev/null
    grep -q '"id":"t-a".*"priority":0' .beads/issues.jsonl
}

@test "an automatic export refuses to lose what the database never had" {
    bd create "One" --id t-a --silent
    printf '%s\n' '{"_type":"issue","id":"t-foreign","title":"Only here"}' >.beads/issues.jsonl
    cp .beads/issues.jsonl before
    bd config set export.auto true >/dev/null
    apart bd create "Two" --id t-b --silent
    [ "$status" -eq 0 ]
    [[ $err == *"JSONL-only issue record(s)"*"t-foreign"*"refusing to overwrite"* ]]
    printf '%s\n' '{"_type":"memory","key":"k","value":"v"}' >.beads/issues.jsonl
    apart bd create "Three" --id t-c --silent
    [[ $err == *"outside auto-export scope (1 memories"* ]]
    printf 'garbage\n' >.beads/issues.jsonl
    apart bd create "Four" --id t-d --silent
    [[ $err == *"inspect existing JSONL line 1"* ]]
    [ "$(cat .beads/issues.jsonl)" = garbage ]
    [ ! -e .beads/export-state.json ]
}

@test "a failing git add fails the command and is tried again" {
    bd config set export.git-add true >/dev/null
    bd config set export.auto true >/dev/null # last: what follows it exports an empty database, and then waits
    printf '.beads/\n' >.gitignore
    apart bd create "One" --id t-a --silent
    [ "$status" -eq 1 ]
    [[ $err == *"Error: auto-export: git add failed"*ignored* ]]
    [ ! -e .beads/export-state.json ]
    : >.gitignore
    bd update t-a -p 1 >/dev/null
    [ "$(git diff --cached --name-only)" = .beads/issues.jsonl ]
}

@test "no command but import reads a planted file into a database with issues" {
    bd create "One" --id t-a --silent
    printf '%s\n' '{"id":"t-a","title":"Stale","updated_at":"2020-01-01T00:00:00Z"}' '{"id":"t-evil","title":"Hostile"}' >.beads/issues.jsonl
    before=$(head_commit)
    bd list >/dev/null
    bd show t-a >/dev/null
    bd vc status >/dev/null
    [ "$(head_commit)" = "$before" ]
    bd update t-a -p 1 >/dev/null
    [ "$(bd export | wc -l)" -eq 1 ]
}

@test "an empty database takes the file in once, with the first command that writes" {
    printf '%s\n' '{"id":"t-x","title":"From file"}' >.beads/issues.jsonl
    [ "$(bd list --json)" = "[]" ]
    apart bd create "New" --id t-n --silent
    [[ $err == *"auto-imported 1 issues from "* ]]
    [ "$out" = t-n ]
    [ "$(bd export | wc -l)" -eq 2 ]
    printf 'broken' >.beads/issues.jsonl
    apart bd create "Again" --id t-m --silent
    [ -z "$err" ]
}

@test "a wrong file beside an empty database is reported once and does not stop the command" {
    printf '{"id":' >.beads/issues.jsonl
    apart bd create "New" --id t-n --silent
    [ "$status" -eq 0 ]
    [ "$out" = t-n ]
    [[ $err == *"failed to parse"* ]]
    apart bd create "Next" --id t-m --silent
    [ -z "$err" ]
}

@test "a header line is skipped; an issue with such a member is an issue" {
    printf '%s\n' '{"_schema":"beads-jsonl/1","_sort":"stable-v1"}' '{"_schema":"x","id":"t-s","title":"Real"}' >h.jsonl
    apart bd import h.jsonl --json
    [ "$status" = 0 ]
    [ "$(json_get created <<<"$out")" = 1 ]
    [[ "$err" == *"_schema (1)"* ]]
}

@test "what an import changes or leaves out is named" {
    printf '%s\n' '{"id":"t-a","title":"One \ud800","created_at":"2026-01-01T00:00:00Z","comments":[{"text":"no time"}]}' \
        '{"id":"t-a","title":"Two","updated_at":"2026-01-02T00:00:00Z"}' \
        '{"id":"t-b","title":"Gone","status":"tombstone"}' >n.jsonl
    apart bd import n.jsonl
    [ "$status" = 0 ]
    [[ "$err" == *"1 record came again"*"1 record had bytes"*"1 deleted issue (tombstones) left out"* ]]
    before=$(head_commit)
    bd import n.jsonl
    [ "$before" = "$(head_commit)" ]
    [ "$(bd export | grep -o '"text":"no time"' | wc -l)" = 1 ]
}

@test "a backup set of older versions brings its events and settings, once" {
    mkdir set
    printf '%s\n' '{"id":"t-a","title":"A","status":"review","created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-02T00:00:00Z"}' >set/issues.jsonl
    printf '%s\n' '{"id":1,"issue_id":"t-a","event_type":"created","actor":"ann","old_value":"","new_value":"","comment":null,"created_at":"2026-01-01T00:00:00Z"}' \
        '{"id":2,"issue_id":"t-a","event_type":"status_changed","actor":"bob","old_value":"open","new_value":"review","created_at":"2026-01-02T00:00:00Z"}' \
        '{"id":3,"issue_id":"t-gone","event_type":"created","actor":"ann","created_at":"2026-01-01T00:00:00Z"}' >set/events.jsonl
    printf '%s\n' '{"key":"issue_prefix","value":"other"}' '{"key":"status.custom","value":"review:active"}' \
        '{"key":"kv.memory.k","value":"v"}' '{"key":"schema_version","value":"6"}' >set/config.jsonl
    apart bd import set
    [ "$status" = 0 ]
    [[ "$err" == *"2 events, 2 settings"*"1 events of issues that are not here"* ]]
    [ "$(bd config get issue_prefix)" = t ]
    [ "$(bd config get status.custom)" = review:active ]
    bd recall k | grep -q v
    [ "$(bd --db "$db" vc diff HEAD~1 HEAD --table events --json | grep -c '"event_type": "created"')" -le 1 ]
    before=$(head_commit)
    bd import set
    [ "$before" = "$(head_commit)" ]
    echo '{"id":4,"issue_id":"t-a"}' >>set/events.jsonl
    apart bd import set
    [ "$status" = 1 ]
    [[ "$err" == *"set/events.jsonl: failed to parse JSONL: line 4: an event without"* ]]
}

@test "an export goes through links and into pipes, and replaces no device" {
    bd create "A" --id t-a --silent
    mkdir elsewhere
    echo old >elsewhere/real.jsonl
    ln -s elsewhere/real.jsonl link.jsonl
    ln -s elsewhere/new.jsonl dangling.jsonl
    bd export -o link.jsonl
    bd export -o dangling.jsonl
    [ -L link.jsonl ] && [ -L dangling.jsonl ]
    grep -q '"id":"t-a"' elsewhere/real.jsonl
    cmp elsewhere/real.jsonl elsewhere/new.jsonl
    mkfifo pipe
    cat pipe >got &
    bd export -o pipe
    wait
    [ -p pipe ]
    cmp got elsewhere/real.jsonl
    bd doctor -o link.jsonl
    [ -L link.jsonl ]
    grep -q '"checks"' elsewhere/real.jsonl
    mkfifo full && mv full "$SCRATCH/"
    cat "$SCRATCH/full" >/dev/null &
    bd doctor -o "$SCRATCH/full"
    wait
    [ -p "$SCRATCH/full" ]
    [ "$(bd export -o /dev/fd/3 3>&1 | grep -c '"id":"t-a"')" = 1 ]
}
