#!/usr/bin/env python3
"""Workspaces of the SQLite era, migrated: counts and field values against Python's own reading of the file.

The corpus' sqlite-* archives (BD_SHARED) are unpacked, `bd migrate --to-dolt` runs on each, and every table is read
back through an independent reader of Dolt stores (tools/doltref.py of the shared data). The old files, their -wal
and -shm must not change by a byte; damaged ones must be refused without a trace.

usage: legacy_sqlite.py [--bd BD] [--only NAME] [--full [--dolt DOLT] [--reader BD_OTHER]]   exit status 1: something differs
"""
import argparse, datetime, hashlib, json, os, re, shutil, sqlite3, subprocess, sys, tempfile

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
WISP_TYPES = {"agent", "rig", "role", "message"}
EDGE_COLUMNS = {"replies_to", "relates_to", "duplicate_of", "superseded_by"}


def utc_second(text):
    """What a time of the old programs is in UTC, whole seconds; None stays None."""
    if text is None or text == "":
        return None
    m = re.match(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:\.\d+)?\s*(Z|[+-]\d\d:?\d\d)?", text)
    t = datetime.datetime(*map(int, m.groups()[:6]))
    zone = m.group(7)
    if zone and zone != "Z":
        minutes = int(zone[1:3]) * 60 + int(zone[-2:])
        t -= datetime.timedelta(minutes=minutes if zone[0] == "+" else -minutes)
    return t.strftime("%Y-%m-%d %H:%M:%S")


def digests(folder):
    out = {}
    for root, dirs, files in os.walk(folder):
        if "embeddeddolt" in dirs:
            dirs.remove("embeddeddolt")
        for f in files:
            path = os.path.join(root, f)
            out[os.path.relpath(path, folder)] = hashlib.sha256(open(path, "rb").read()).hexdigest()
    return out


class Failure(Exception):
    pass


def need(condition, text):
    if not condition:
        raise Failure(text)


class Database:
    """All rows of a database, by table, as the referee reads them."""

    def __init__(self, path):
        run = subprocess.run([PYTHON, REFEREE, "dump", path], capture_output=True, text=True)
        need(run.returncode == 0, f"referee cannot read {path}: {run.stderr}")
        self.tables = {}
        for line in run.stdout.splitlines():
            record = json.loads(line)
            self.tables.setdefault(record["table"], []).append(record["row"])

    def rows(self, table):
        return self.tables.get(table, [])


def same(kind, old, new):
    if kind == "time":
        return utc_second(old) == (new[:19].replace("T", " ") if new else None)
    if kind == "json":
        return json.loads(old or "{}") == (json.loads(new) if isinstance(new, str) else new or {})
    if kind == "int" and isinstance(new, bool):
        new = int(new)
    return old == new


def check_table(name, old_rows, new_rows, key, kinds):
    by_key = {}
    for r in new_rows:
        k = tuple(r[c] for c in key)
        need(k not in by_key, f"{name}: two rows {k}")
        by_key[k] = r
    need(len(old_rows) == len(new_rows), f"{name}: {len(old_rows)} rows before, {len(new_rows)} after")
    values = 0
    for old in old_rows:
        k = tuple(old[c] for c in key)
        need(k in by_key, f"{name}: row {k} is missing")
        for column, value in old.items():
            if column not in by_key[k]:
                continue
            need(same(kinds.get(column), value, by_key[k][column]),
                 f"{name} {k}: {column} was {value!r}, is {by_key[k][column]!r}")
            values += 1
    return values


ISSUE_KINDS = {c: "time" for c in ("created_at", "updated_at", "closed_at", "compacted_at", "last_activity", "due_at",
                                   "defer_until", "started_at")}
ISSUE_KINDS["metadata"] = "json"


def compare(copy, database):
    con = sqlite3.connect(copy)
    con.row_factory = sqlite3.Row

    def old(table):
        names = [r[0] for r in con.execute("select name from sqlite_master where type = 'table'")]
        return [dict(r) for r in con.execute(f"select * from {table}")] if table in names else []

    issues = old("issues")
    dead = {r["id"] for r in issues if r["status"] == "tombstone"}
    wisps = {r["id"] for r in issues if r["id"] not in dead and (r.get("ephemeral") or r["issue_type"] in WISP_TYPES)}
    alive = {r["id"] for r in issues} - dead
    values = 0
    for wisp in (False, True):
        prefix = "wisp_" if wisp else ""
        mine = lambda i: i in alive and (i in wisps) == wisp
        new = database.rows("wisps" if wisp else "issues")
        have = [r for r in issues if mine(r["id"])]
        for r in have:  # the hash is made where the old schema had none; extras would stand in metadata
            if not r.get("content_hash"):
                r.pop("content_hash", None)
            extra = {c for c in r if new and c not in new[0] and c not in EDGE_COLUMNS
                     and r[c] not in (None, "", 0, 0.0)}
            need(not extra, f"issues {r['id']}: {extra} not compared")
        values += check_table("wisps" if wisp else "issues", have, new, ["id"], ISSUE_KINDS)
        values += check_table(prefix + "labels", [r for r in old("labels") if mine(r["issue_id"])],
                              database.rows(prefix + "labels"), ["issue_id", "label"], {})
        edges = database.rows(prefix + "dependencies")
        for e in edges:
            targets = [e[c] for c in ("depends_on_issue_id", "depends_on_wisp_id", "depends_on_external") if e[c]]
            need(len(targets) == 1, f"dependency {e}: not one target")
            e["depends_on_id"] = targets[0]
        values += check_table(prefix + "dependencies", [r for r in old("dependencies") if mine(r["issue_id"])], edges,
                              ["issue_id", "depends_on_id"], {"created_at": "time", "metadata": "json"})
        for table in ("comments", "events"):
            before = sorted((r for r in old(table) if mine(r["issue_id"])), key=lambda r: r["id"])
            after = database.rows(prefix + table)
            columns = [c for c in (before[0] if before else {}) if c != "id"]
            image = lambda r: tuple(utc_second(r[c]) if c == "created_at" else r[c] for c in columns)
            need(sorted(map(repr, map(image, before))) == sorted(map(repr, map(image, after))),
                 f"{prefix}{table}: other rows")
            values += len(before) * len(columns)
            # events of one second keep their order
            order = lambda rows, key: [image(r) for r in sorted(rows, key=key)]
            need(order(before, lambda r: (utc_second(r["created_at"]), r["id"] % 4096, r["id"]))
                 == order(after, lambda r: (image(r)[columns.index("created_at")], r["id"])) or not before
                 or len({r["id"] // 4096 for r in before}) > 1, f"{prefix}{table}: other order")
        values += check_table(prefix + "child_counters", [r for r in old("child_counters") if mine(r["parent_id"])],
                              database.rows(prefix + "child_counters"), ["parent_id"], {})
    config = {r["key"]: r["value"] for r in database.rows("config")}
    for r in old("config"):
        need(config.get(r["key"]) == r["value"], f"config {r['key']}: {config.get(r['key'])!r}")
    metadata = {r["key"]: r["value"] for r in database.rows("metadata")}
    for r in old("metadata"):
        need(metadata.get(r["key"]) == r["value"], f"metadata {r['key']}: {metadata.get(r['key'])!r}")
    con.close()
    return len(alive), len(dead), values


def one(name, scratch, args):
    folder = os.path.join(scratch, name)
    subprocess.run(["tar", "--zstd", "-xf", os.path.join(SHARED, "data", name + ".tar.zst"), "-C", scratch], check=True)
    beads = os.path.join(folder, ".beads")
    os.chmod(beads, 0o700)
    before = digests(beads)
    source = next(f for f in sorted(before) if f.endswith(".db"))
    run = subprocess.run([args.bd, "migrate", "--to-dolt", "--yes", "--json"], cwd=folder, capture_output=True, text=True,
                         stdin=subprocess.DEVNULL)
    after = digests(beads)
    if "damaged" in name:
        need(run.returncode == 1, f"exit status {run.returncode}")
        need(after == before and not os.path.exists(os.path.join(beads, "embeddeddolt")), "something was changed")
        need("damaged" in json.loads(run.stdout)["message"], run.stdout)
        return "refused, nothing changed"
    need(run.returncode == 0, run.stdout + run.stderr)
    answer = json.loads(run.stdout)
    for f, digest in before.items():
        need(after.get(f) == digest or f in ("metadata.json", ".gitignore", ".local_version"), f"{f} was changed")
    copy = answer["backup_path"]
    need(hashlib.sha256(open(copy, "rb").read()).hexdigest() == before[source], "the backup is not the original")
    need(re.fullmatch(r".*\.backup-pre-dolt-\d{8}-\d{6}(-\d+)?\.db", copy), copy)
    aside = os.path.join(scratch, "py.db")  # Python opens a copy: it would write a -shm
    for suffix in ("", "-wal"):
        if os.path.exists(copy + suffix):
            shutil.copy(copy + suffix, aside + suffix)
        elif os.path.exists(aside + suffix):
            os.unlink(aside + suffix)
    alive, dead, values = compare(aside, Database(answer["dolt_path"]))
    need(answer["issues_imported"] == alive and answer["issues_skipped"] == dead, run.stdout)
    again = json.loads(subprocess.run([args.bd, "migrate", "--to-dolt", "--yes", "--json"], cwd=folder,
                                      capture_output=True, text=True).stdout)
    need(again["status"] == "noop", again)
    listed = json.loads(subprocess.run([args.bd, "list", "--all", "--json", "--limit", "0"], cwd=folder, capture_output=True,
                                       text=True, check=True).stdout)
    text = f"{alive} issues, {dead} tombstones, {values} values equal, bd lists {len(listed)}"
    if args.full:
        fsck = subprocess.run([PYTHON, REFEREE, "fsck", answer["dolt_path"]], capture_output=True, text=True)
        need(fsck.returncode == 0, f"referee: {fsck.stdout}{fsck.stderr}")
    if args.full and args.dolt:
        c = os.path.join(scratch, "dolt-copy")
        shutil.rmtree(c, ignore_errors=True)
        shutil.copytree(answer["dolt_path"], c)
        d = subprocess.run([args.dolt, "fsck"], cwd=c, capture_output=True, text=True,
                           env={**os.environ, "HOME": scratch, "DOLT_DISABLE_EVENT_FLUSH": "true"})
        need(d.returncode == 0, f"dolt fsck: {d.stdout}{d.stderr}")
        text += ", dolt fsck clean"
    if args.full and args.reader:
        theirs = subprocess.run([args.reader, "list", "--all", "--json", "--limit", "0"], cwd=folder, capture_output=True,
                                text=True, env={**os.environ, "HOME": scratch})
        need(theirs.returncode == 0, f"other bd: {theirs.stderr}")
        need({i["id"] for i in json.loads(theirs.stdout or "[]")} == {i["id"] for i in listed}, "the other bd lists others")
        text += ", the other bd lists the same"
    return text


def main():
    global SHARED, REFEREE
    p = argparse.ArgumentParser()
    p.add_argument("--bd", default=os.environ.get("BD_BINARY", "build/bd"))
    p.add_argument("--only")
    p.add_argument("--full", action="store_true", help="let the referees check the new databases too")
    p.add_argument("--dolt", default=os.environ.get("BD_DOLT"))
    p.add_argument("--reader", default=os.environ.get("BD_REFERENCE"))
    args = p.parse_args()
    args.bd = os.path.abspath(args.bd)
    SHARED = os.path.abspath(os.environ.get("BD_SHARED", ""))
    REFEREE = os.path.join(SHARED, "tools", "doltref.py")
    if not os.path.exists(REFEREE):
        print("ok - old databases # skip BD_SHARED does not name the folder with tools/doltref.py")
        return 0
    for name in [k for k in os.environ if k.startswith(("BEADS_", "BD_")) and k != "BD_SHARED"]:
        del os.environ[name]
    failures = 0
    with tempfile.TemporaryDirectory(prefix="bd-legacy-") as scratch:
        for f in sorted(os.listdir(os.path.join(SHARED, "data"))):
            name = f.removesuffix(".tar.zst")
            if not f.startswith("sqlite-") or (args.only and args.only != name):
                continue
            try:
                print(f"ok - {name}: {one(name, scratch, args)}", flush=True)
            except Failure as e:
                failures += 1
                print(f"not ok - {name}: {e}", flush=True)
            shutil.rmtree(os.path.join(scratch, name), ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
