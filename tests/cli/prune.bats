#!/usr/bin/env bats
# bd prune and bd purge: which closed issues go, what goes with them, and what asks first.
load common

setup() { scratch_setup; workspace; }
teardown() { scratch_teardown; }

ids() { bd list --all --json --limit 0 | python3 -c 'import json,sys; print(" ".join(sorted(i["id"] for i in json.load(sys.stdin))))'; }

# Closed issues as an import brings them, of any age.
seed() {
    python3 - >seed.jsonl <<'END'
import json, datetime as d
now = d.datetime.now(d.timezone.utc)
def put(id, days, **more):
    t = (now - d.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    i = dict(id=id, title=id, priority=2, issue_type="task", status="closed", created_at=t, updated_at=t, closed_at=t)
    i.update(more)
    if i["status"] != "closed":
        i.pop("closed_at")
    print(json.dumps(i))
put("t-old", 100, labels=["x", "y"])
put("t-older", 400)
put("t-pin", 400, pinned=True)
put("t-new", 3)
put("t-open", 400, status="open")
put("t-dep", 100, status="open", dependencies=[dict(issue_id="t-dep", depends_on_id="t-old", type="blocks")])
END
    bd import seed.jsonl --quiet
}

@test "prune wants a filter" {
    seed
    apart bd prune --force
    [ "$status" -eq 1 ]
    [[ "$err" == *"bd prune requires --older-than or --pattern"* ]]
    [ "$(ids)" = "t-dep t-new t-old t-older t-open t-pin" ]
}

@test "prune without --force deletes nothing and says how to go on" {
    seed
    apart bd prune --older-than 30d
    [ "$status" -eq 1 ]
    [[ "$out" == "Found 2 closed bead(s) to prune"*"Skipping 1 pinned bead(s)"* ]]
    [[ "$err" == *"would prune 2 bead(s)"*"bd prune --force --older-than 30d"* ]]
    apart bd prune --older-than 30d --dry-run --force --json
    [ "$(json_get prune_count <<<"$out")" = 2 ]
    [ "$(json_get labels <<<"$out")" = 2 ]
    [ "$(json_get dependencies <<<"$out")" = 1 ]
    [ "$(json_get pinned_skipped <<<"$out")" = 1 ]
    [ "$(ids)" = "t-dep t-new t-old t-older t-open t-pin" ]
}

@test "prune deletes by age, by pattern and by both; open, pinned and young ones stay" {
    seed
    apart bd prune --older-than 52w --force --json
    [ "$(json_get pruned_count <<<"$out")" = 1 ]
    [ "$(ids)" = "t-dep t-new t-old t-open t-pin" ]
    apart bd prune --older-than 1 --pattern 't-n*' --force --json
    [ "$(json_get pruned_count <<<"$out")" = 1 ]
    [ "$(ids)" = "t-dep t-old t-open t-pin" ]
    apart bd prune --pattern 't-[a-o]*' --force --json
    [ "$(json_get pruned_count <<<"$out")" = 1 ]
    [ "$(json_get dependencies <<<"$out")" = 1 ]
    [ "$(ids)" = "t-dep t-open t-pin" ]
    [ "$(bd ready --json | python3 -c 'import json,sys; print(sorted(i["id"] for i in json.load(sys.stdin)))')" = "['t-dep', 't-open']" ]
    apart bd prune --pattern '*' --force --json
    [ "$(json_get message <<<"$out")" = "No closed beads to prune" ]
}

@test "what prune deleted is in the history; texts that name it are left as they were" {
    seed
    bd update t-open -d "as t-old said" --quiet
    bd prune --pattern t-old --force
    [ "$(bd show t-open --json | json_get 0.description)" = "as t-old said" ]
    [ "$(bd vc diff HEAD~1 HEAD --json | python3 -c 'import json,sys; print(any(d["table"] == "issues" and d["change"] == "removed" for d in json.load(sys.stdin)))')" = True ]
}

@test "ages that are none are refused" {
    for age in 0 -3d x 3y "3 d" 99999999999999999999; do
        apart bd prune --older-than "$age" --force
        [ "$status" -eq 1 ]
        [[ "$err" == *"invalid --older-than value"* ]]
    done
}

@test "purge takes closed ephemeral issues and leaves the others to prune" {
    seed
    w=$(bd create Wisp --ephemeral --silent)
    open=$(bd create Open --ephemeral --silent)
    bd close "$w" --quiet
    apart bd purge
    [ "$status" -eq 1 ]
    [[ "$err" == *"would purge 1 bead(s)"* ]]
    bd prune --pattern '*' --dry-run --json | grep -q '"prune_count": 3'
    apart bd purge --older-than 1d --force --json
    [ "$(json_get purged_count <<<"$out")" = 0 ]
    apart bd purge --force
    [[ "$out" == *"Purged 1 closed ephemeral bead(s)"* ]]
    run bd show "$w"
    [ "$status" -ne 0 ]
    bd show "$open"
    [ "$(ids)" = "t-dep t-new t-old t-older t-open t-pin $open" ]
}

@test "an automatic export loses what was pruned on purpose" {
    bd config set export.auto true --quiet
    bd config set export.git-add false --quiet
    bd create A --id t-a --silent
    bd close t-a --quiet
    bd export -o .beads/issues.jsonl --quiet
    rm -f .beads/export-state.json
    bd prune --pattern t-a --force --quiet
    [ ! -e .beads/issues.jsonl ]
}

@test "read-only mode refuses both" {
    seed
    run bd --readonly prune --pattern '*' --force
    [ "$status" -eq 1 ]
    run bd --readonly purge --force
    [ "$status" -eq 1 ]
    [ "$(ids)" = "t-dep t-new t-old t-older t-open t-pin" ]
}
