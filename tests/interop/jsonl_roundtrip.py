#!/usr/bin/env python3
"""Real exports through `bd import` and `bd export --all`: every field of every record must come back.

usage: jsonl_roundtrip.py BD [FILE.jsonl or FOLDER of a backup set…]   (without files: those that BD_SHARED names; none: skipped)

For each file: import into a new workspace, export, compare with the file field by field; import that export into a
second workspace and export again: the bytes must be the same. Exit status 1: something was lost or changed.

Dropped or changed by design (the tables have no place for it, or hold it in another form):
  records     tombstones (deleted issues of old versions); lines that hold no issue
  members     dependency_count, dependent_count, comment_count (counted anew); deleted_at, deleted_by, delete_reason,
              original_type (tombstones only); source_repo; bonded_from, source_formula, source_location; unknown ones
  times       whole seconds, cut down, in UTC
  comments    ids that are numbers are replaced; equal comments (author, time, text) are kept once
  labels      sorted, each once; empty ones dropped
  dependencies   a missing or cyclic target is skipped and reported; each pair once; created_by when it was empty;
              thread_id and metadata only when set
  issues      status and type when missing (open, task); closed_at of closed issues without one; no times: now;
              types of infrastructure become ephemeral
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

COPIED = """id title description design acceptance_criteria notes spec_id status priority issue_type assignee owner
 estimated_minutes created_by close_reason closed_by_session external_ref source_system compaction_level
 compacted_at_commit original_size sender no_history wisp_type pinned is_template await_type await_id timeout mol_type
 work_type event_kind actor target payload waiters metadata""".split()
TIMES = "created_at updated_at started_at closed_at due_at defer_until compacted_at".split()
INFRA = {"agent", "rig", "role", "message"}


def seconds(text):
    """A time of any spelling as (days and seconds in UTC), cut down."""
    from datetime import datetime, timezone
    text = re.sub(r"\.\d+", "", text.replace("Z", "+00:00"))
    t = datetime.fromisoformat(text)
    return int((t if t.tzinfo else t.replace(tzinfo=timezone.utc)).timestamp())


def clean(value):
    return value.encode("utf-8", "replace").decode("utf-8") if isinstance(value, str) else value


class Check:
    def __init__(self, name):
        self.name, self.faults, self.compared = name, [], 0

    def fault(self, *what):
        self.faults.append(" ".join(str(w) for w in what))

    def same(self, where, want, got):
        self.compared += 1
        if want != got:
            self.fault(where, "was", repr(want)[:120], "is", repr(got)[:120])


def read_set(folder):
    """A backup set: rows of the tables, flags as 0 and 1, JSON as text."""
    issues, _ = read_records(folder / "issues.jsonl")
    for o in issues.values():
        o["timeout"] = o.pop("timeout_ns", 0)
        o["metadata"] = json.loads(o.get("metadata") or "{}")
        o["waiters"] = json.loads(o.get("waiters") or "[]")
        for f in ("ephemeral", "no_history", "pinned", "is_template"):
            o[f] = bool(o.get(f))
    for line in (folder / "dependencies.jsonl").read_text().split("\n"):
        if line:
            row = json.loads(line)
            issues[row["issue_id"]].setdefault("dependencies", []).append(row)
    return issues, {}


def has_conflicts(path):
    return path.is_dir() and any(line.startswith("<<<<<<<") for line in (path / "issues.jsonl").open())


def read_records(path):
    if path.is_dir():
        return read_set(path)
    issues, memories, order = {}, {}, []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        if not line.strip():
            continue
        o = json.loads(line)
        if "_schema" in o or o.get("status") == "tombstone":
            continue
        if o.get("_type") == "memory":
            if o.get("key") and o.get("value"):
                memories[o["key"]] = o["value"]
            continue
        if o["id"] in issues:  # a later record refreshes; such files are left to the unit tests
            return None, None
        issues[o["id"]] = o
        order.append(o["id"])
    return issues, memories


def compare_issue(c, want, got, ids, skipped, all_issues):
    w = want["id"]
    for f in COPIED:
        default = {"status": "open", "issue_type": "task", "priority": 0}.get(f)
        a, b = want.get(f), got.get(f)
        if a in (None, "", {}, [], False) or (a == 0 and f not in ("priority", "estimated_minutes")):
            a = default if f != "estimated_minutes" or a is None else a
        if f == "external_ref" and want.get(f) == "":
            a = ""
        c.same(f"{w} {f}", clean(a), b)
    for f in TIMES:
        if want.get(f) and not want[f].startswith("0001-01-01"):
            c.same(f"{w} {f}", seconds(want[f]), seconds(got[f]) if f in got else None)
        elif f in got and f not in ("created_at", "updated_at") and not (f == "closed_at" and got["status"] == "closed"):
            c.fault(w, f, "appeared:", got[f])
    ephemeral = bool(want.get("ephemeral") or want.get("wisp")) or want.get("issue_type") in INFRA
    c.same(f"{w} ephemeral", ephemeral, got.get("ephemeral", False))
    c.same(f"{w} labels", sorted({clean(x) for x in want.get("labels") or [] if x}), got.get("labels", []))
    comments = {}
    for x in want.get("comments") or []:
        comments[(clean(x.get("author", "")), seconds(x["created_at"]), clean(x.get("text", "")))] = x.get("id")
    have = {(x["author"], seconds(x["created_at"]), x["text"]): x["id"] for x in got.get("comments", [])}
    c.same(f"{w} comments", sorted(comments), sorted(have))
    for key, i in comments.items():
        if isinstance(i, str) and key in have:
            c.same(f"{w} comment id", i, have[key])
    deps = {}
    for x in want.get("dependencies") or []:
        source, target = x.get("issue_id") or w, x["depends_on_id"]
        if source == w and f"{source} -> {target}" not in skipped:
            deps.setdefault(target, x)
    found = {x["depends_on_id"]: x for x in got.get("dependencies", [])}
    c.same(f"{w} dependencies", sorted(deps), sorted(found))
    for target, x in deps.items():
        y = found.get(target)
        if not y:
            continue
        c.same(f"{w} -> {target} type", x.get("type"), y["type"])
        if x.get("created_at") and not x["created_at"].startswith("0001"):
            c.same(f"{w} -> {target} created_at", seconds(x["created_at"]), seconds(y["created_at"]))
        if x.get("created_by"):
            c.same(f"{w} -> {target} created_by", x["created_by"], y.get("created_by"))
        for f in ("metadata", "thread_id"):
            if x.get(f) not in (None, "", "{}"):
                c.same(f"{w} -> {target} {f}", x[f], y.get(f))
    for target in skipped_targets(skipped, w):
        if target in ids and not any(s.startswith(f"{w} -> {target}: ") and ("cycle" in s or "self" in s)
                                     for s in all_issues):
            c.fault(w, "->", target, "was skipped although both ends are in the file")


def skipped_targets(skipped, source):
    return [s.split(" -> ", 1)[1] for s in skipped if s.startswith(source + " -> ")]


def run(bd, where, *args):
    env = {"HOME": str(where), "PATH": os.environ["PATH"], "TZ": "UTC", "LANG": "C.UTF-8"}
    env.update({k: v for k, v in os.environ.items() if k.startswith(("ASAN_", "UBSAN_"))})
    return subprocess.run([bd, *args], cwd=where, env=env, capture_output=True)


def workspace(bd, scratch, name):
    where = scratch / name
    where.mkdir()
    r = run(bd, where, "init", "--prefix", "t", "--quiet", "--skip-agents", "--skip-hooks", "--non-interactive")
    if r.returncode:
        sys.exit(f"bd init: {r.stderr.decode()}")
    return where


def round_trip(bd, scratch, path):
    c = Check(path.name)
    if has_conflicts(path):
        r = run(bd, workspace(bd, scratch, path.stem + ".0"), "import", str(path))
        c.same("conflict markers", (1, True), (r.returncode, b"a git conflict marker" in r.stderr))
        return c
    issues, memories = read_records(path)
    if issues is None:
        return c
    first = workspace(bd, scratch, path.stem + ".1")
    r = run(bd, first, "import", str(path), "--json")
    if any(not o.get("title") for o in issues.values()):
        if r.returncode == 0 or b"title is required" not in r.stderr:
            c.fault("holds records that are no issues, but was not refused:", r.stderr.decode()[:200])
        return c
    if r.returncode:
        c.fault("import:", r.stderr.decode().split("\n")[0])
        return c
    answer = json.loads(r.stdout)
    reports = answer.get("skipped_dependencies", [])
    skipped = {s.split(": ", 1)[0] for s in reports}
    out = scratch / (path.stem + ".out")
    r = run(bd, first, "export", "--all", "-o", str(out))
    if r.returncode:
        c.fault("export:", r.stderr.decode().split("\n")[0])
        return c
    back, back_memories = read_records(out)
    c.same("ids", sorted(issues), sorted(back))
    c.same("memories", memories, back_memories)
    for i in sorted(set(issues) & set(back)):
        compare_issue(c, issues[i], back[i], issues, skipped, reports)
    second = workspace(bd, scratch, path.stem + ".2")
    r = run(bd, second, "import", str(out))
    if r.returncode:
        c.fault("second import:", r.stderr.decode().split("\n")[0])
    again = run(bd, second, "export", "--all").stdout
    c.same("bytes of the second export", out.read_bytes() == again, True)
    for w in (first, second):
        shutil.rmtree(w)
    return c


def corpus(scratch):
    shared = os.environ.get("BD_SHARED")
    if not shared or not (pathlib.Path(shared) / "data").is_dir():
        return []
    data, files = pathlib.Path(shared) / "data", []
    for packed in sorted(data.glob("jsonl-[0-9]*.jsonl.zst")):
        f = scratch / packed.name[:-4]
        f.write_bytes(subprocess.run(["zstd", "-dcq", str(packed)], check=True, capture_output=True).stdout)
        files.append(f)
    for packed in sorted(data.glob("jsonl-backup-*.tar.zst")):
        subprocess.run(["tar", "--zstd", "-xf", str(packed), "-C", str(scratch)], check=True)
        files.append(scratch / packed.name[:-8])
    return files


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    bd = os.path.abspath(sys.argv[1])
    faults = compared = 0
    with tempfile.TemporaryDirectory(prefix="bd-jsonl.") as d:
        scratch = pathlib.Path(d)
        files = [pathlib.Path(f) for f in sys.argv[2:]] or corpus(scratch)
        if not files:
            print("skipped: BD_SHARED does not name the folder with data/jsonl-*.jsonl.zst")
        for f in files:
            c = round_trip(bd, scratch, f)
            faults += len(c.faults)
            compared += c.compared
            for text in c.faults[:8]:
                print(f"{c.name}: {text}")
    print(f"jsonl_roundtrip: {len(files)} files, {compared} values compared, {faults} differ")
    sys.exit(1 if faults else 0)


main()
