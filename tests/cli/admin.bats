#!/usr/bin/env bats
# bd admin: what an embedded database refuses, and compaction of the texts of old closed issues.
load common

setup() { scratch_setup; workspace; }
teardown() { scratch_teardown; }

seed() {
    python3 - >seed.jsonl <<'END'
import json, datetime as d
now = d.datetime.now(d.timezone.utc)
def put(id, days, **more):
    t = (now - d.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    print(json.dumps(dict(dict(id=id, title=id, priority=2, issue_type="task", status="closed", created_at=t, updated_at=t, closed_at=t), **more)))
put("t-old", 100, description="läng " * 20, notes="n" * 50)
put("t-older", 200, description="d" * 30)
put("t-new", 3, description="d" * 30)
END
    bd import seed.jsonl --quiet
}

@test "what upstream refuses on an embedded database is refused, with the way to go" {
    for command in "cleanup --dry-run" "cleanup --force" "reset" "reset --force" "compact" "compact --dolt" "compact --auto --all"; do
        apart bd admin $command
        [ "$status" -eq 1 ]
        [[ "$err" == *"not yet supported in embedded mode"* ]]
    done
    [ -d .beads/embeddeddolt/t ]
}

@test "candidates of a tier, the oldest first" {
    seed
    apart bd admin compact --stats --json
    [ "$(json_get tier1.candidates <<<"$out")" = 2 ]
    [ "$(json_get tier1.total_size <<<"$out")" = 180 ]
    [ "$(json_get tier2.candidates <<<"$out")" = 0 ]
    apart bd admin compact --analyze --json
    [ "$(json_get candidates.0.id <<<"$out")" = t-older ]
    [ "$(json_get candidates.1.notes <<<"$out")" = "$(printf 'n%.0s' {1..50})" ]
    apart bd admin compact --analyze --json --limit 1
    [ "$(json_get summary.total_candidates <<<"$out")" = 1 ]
    apart bd admin compact --analyze --tier 2 --json
    [ "$(json_get candidates <<<"$out")" = null ]
    apart bd admin compact --auto --dry-run --json
    [ "$(json_get summary.total_content_bytes <<<"$out")" = 200 ]
    apart bd admin compact --auto --dry-run --id t-new
    [ "$status" -eq 1 ]
    [[ "$err" == *"closed only 3 days ago (need 30+)"* ]]
    apart bd admin compact --dolt --dry-run
    [[ "$out" == *"Current size:"* ]]
}

@test "a summary takes the place of the texts; the history keeps them" {
    seed
    echo -n "short" >summary
    apart bd admin compact --apply --id t-new --summary summary
    [ "$status" -eq 1 ]
    [[ "$err" == *"not eligible"*"--force"* ]]
    apart bd admin compact --apply --id t-old --summary summary --json
    [ "$status" -eq 0 ]
    [ "$(json_get original_size <<<"$out")" = 170 ]
    [ "$(json_get saved_bytes <<<"$out")" = 165 ]
    bd show t-old --json >now.json
    [ "$(json_get 0.description <now.json)" = short ]
    [ "$(json_get 0.compaction_level <now.json)" = 1 ]
    [ "$(json_get 0.original_size <now.json)" = 170 ]
    bd comments t-old --json | grep -q "Tier 1 compaction: 170 → 5 bytes (saved 165, 97.1%)"
    bd history t-old --json | grep -q "läng läng"
    bd restore t-old | grep -q "läng läng"
    [ "$(bd restore t-old --json | json_get notes)" = "$(printf 'n%.0s' {1..50})" ]
    run bd restore t-new
    [ "$status" -eq 1 ]
    [[ "$output" == *"t-new is not compacted"* ]]
    apart bd admin compact --apply --id t-old --summary summary
    [[ "$err" == *"already compacted at tier 1"* ]]
    apart bd admin compact --stats --json
    [ "$(json_get tier2.candidates <<<"$out")" = 1 ]
    yes long | head -100 >summary
    apart bd admin compact --apply --id t-older --summary summary
    [ "$status" -eq 1 ]
    [[ "$err" == *"is not shorter than original"* ]]
}
