#!/usr/bin/env python3
"""Databases people really had, read and written by bd; an independent reader of the format is the referee.

usage: corpus.py [--bd FILE] [--keep DIR] [NAME...]        (names of archives; none: all)

BD_SHARED names the folder with data/ and tools/doltref.py, BD_BINARY the program. For every intact database:
  * reading commands leave every file as it was: bytes, times, and no file comes or goes;
  * what they print is what the referee finds in the rows, field by field;
  * some fifty writes on a copy make one commit each, change nothing else, leave the schema at its version, and
    the referee finds the store sound afterwards. A bare chunk store (backup) refuses writes; as the chunk store
    of a database directory it takes them like any other.
Damaged databases are refused with a message. BD_DOLT may name a dolt executable, which then checks the written
copies too. Exit status 1: something differed.
"""
import argparse, hashlib, json, os, re, shutil, subprocess, sys, tempfile

SHARED = os.environ.get("BD_SHARED", "")
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
SHOW_SAMPLE = 50
INFRA_TYPES = ("agent", "role", "message", "rig")
problems = []


def problem(store, text):
    problems.append((store, text))
    print("  %s: %s" % (store, text), flush=True)


# ---------------------------------------------------------------------------------------------- running

class Program:
    def __init__(self, path, scratch):
        self.path = os.path.abspath(path)
        home = os.path.join(scratch, "home")
        os.makedirs(home, exist_ok=True)
        self.env = {k: v for k, v in os.environ.items() if not re.match("(BEADS|BD|DOLT|GIT|XDG)_", k)}
        self.env.update(HOME=home, USER="tester", TZ="UTC", NO_COLOR="1", LANG="C.UTF-8",
                        BEADS_ACTOR="corpus", ASAN_OPTIONS="detect_leaks=0", UBSAN_OPTIONS="halt_on_error=1")

    def run(self, db, *args, stdin=""):
        """(status, stdout, stderr); a crash or a sanitizer's report is a problem of its own."""
        p = subprocess.run([self.path, "--db", db, *args], input=stdin.encode(), capture_output=True,
                           env=self.env, cwd=os.path.dirname(db), timeout=120)
        err = p.stderr.decode(errors="replace")
        if p.returncode not in (0, 1) or "Sanitizer" in err or "runtime error:" in err:
            problem(db, "%s: exit status %d: %s" % (" ".join(args), p.returncode, err[-1500:]))
        return p.returncode, p.stdout.decode(errors="replace"), err

    def json(self, db, *args):
        status, out, err = self.run(db, *args, "--json")
        if status:
            problem(db, "%s: %s %s" % (" ".join(args), err.strip(), out.strip()[:500]))
            return None
        return json.loads(out)


def referee(*args):
    p = subprocess.run([PYTHON, os.path.join(SHARED, "tools", "doltref.py"), *args], capture_output=True, text=True)
    return p.returncode, p.stdout, p.stderr


def referee_rows(db, ref=None):
    """{table: [row]}; what is not in a table is not in the answer."""
    status, out, err = referee("dump", db, *(["--ref", ref] if ref else []))
    if status:
        raise RuntimeError("the referee cannot read %s: %s" % (db, err))
    tables = {}
    for line in out.splitlines():
        r = json.loads(line)
        if "row" in r:
            tables.setdefault(r["table"], []).append(r["row"])
    return tables


def fingerprint(path):
    state = {}
    for folder, folders, files in os.walk(path):
        for name in folders:
            state[os.path.join(folder, name)] = "folder"
        for name in files:
            file = os.path.join(folder, name)
            s = os.stat(file)
            with open(file, "rb") as f:
                state[file] = (hashlib.sha256(f.read()).hexdigest(), s.st_mtime_ns, s.st_mode, s.st_ino)
    return state


# ---------------------------------------------------------------------------- what JSON should say of a row

TEXTS = ("description design acceptance_criteria notes spec_id status issue_type assignee owner created_by close_reason "
         "source_system sender wisp_type await_type await_id mol_type event_kind actor target payload "
         "compacted_at_commit work_type").split()
TIMES = "started_at closed_at due_at defer_until compacted_at".split()
FLAGS = "ephemeral no_history pinned is_template".split()
NUMBERS = {"compaction_level": "compaction_level", "original_size": "original_size", "timeout_ns": "timeout"}


def time_of(value):
    """Times of rows have microseconds, JSON has what is left of them without trailing zeros."""
    head, _, fraction = value.partition(".")
    fraction = fraction.rstrip("0")
    return head + ("." + fraction if fraction else "") + "Z"


def scalars(row):
    out = {"id": row["id"], "title": row["title"], "priority": row["priority"],
           "created_at": time_of(row["created_at"]), "updated_at": time_of(row["updated_at"])}
    for name in TEXTS:
        if row.get(name):
            out[name] = row[name]
    for name in TIMES:
        if row.get(name):
            out[name] = time_of(row[name])
    for name in FLAGS:
        if row.get(name):
            out[name] = True
    for name, member in NUMBERS.items():
        if row.get(name):
            out[member] = row[name]
    if row.get("estimated_minutes") is not None:
        out["estimated_minutes"] = row["estimated_minutes"]
    if row.get("external_ref") is not None:
        out["external_ref"] = row["external_ref"]
    if row.get("metadata") not in (None, {}, ""):
        out["metadata"] = row["metadata"]
    if row.get("waiters"):
        waiters = row["waiters"]
        out["waiters"] = json.loads(waiters) if isinstance(waiters, str) else waiters
    return out


def target_of(d):
    return next((d[k] for k in ("depends_on_id", "depends_on_issue_id", "depends_on_wisp_id", "depends_on_external")
                 if d.get(k)), "")


class Model:
    """The rows of a database the way commands speak of them."""

    def __init__(self, tables):
        self.tables = tables
        self.rows = {r["id"]: r for t in ("wisps", "issues") for r in tables.get(t, [])}
        self.persistent = {r["id"] for r in tables.get("issues", [])}
        self.labels, self.needs, self.needed, self.comments = {}, {}, {}, {}
        for kind in ("", "wisp_"):
            for r in tables.get(kind + "labels", []):
                self.labels.setdefault(r["issue_id"], []).append(r["label"])
            for r in tables.get(kind + "dependencies", []):
                self.needs.setdefault(r["issue_id"], []).append(r)
                self.needed.setdefault(target_of(r), []).append(r)
            for r in tables.get(kind + "comments", []):
                self.comments.setdefault(r["issue_id"], []).append(r)
        self.config = {r["key"]: r["value"] for r in tables.get("config", [])}

    def is_listed(self, id):
        row = self.rows[id]
        return not row.get("is_template") and row["issue_type"] not in INFRA_TYPES + ("gate",)

    def parent(self, id):
        return next((target_of(d) for d in self.needs.get(id, []) if d["type"] == "parent-child"), None)


def compare(db, what, expected, got):
    if expected == got:
        return
    if isinstance(expected, dict) and isinstance(got, dict):
        for k in sorted(set(expected) | set(got)):
            if expected.get(k) != got.get(k):
                problem(db, "%s: %s: expected %.300r, got %.300r" % (what, k, expected.get(k), got.get(k)))
    else:
        problem(db, "%s: expected %.400r, got %.400r" % (what, expected, got))


def dependency_json(d):
    out = {"issue_id": d["issue_id"], "depends_on_id": target_of(d), "type": d["type"],
           "created_at": time_of(d["created_at"])}
    for name in ("created_by", "thread_id"):
        if d.get(name):
            out[name] = d[name]
    if d.get("metadata") is not None:
        out["metadata"] = d["metadata"]
    return out


def normal_dependency(d):
    d = dict(d)
    if isinstance(d.get("metadata"), str):
        try:
            d["metadata"] = json.loads(d["metadata"])
        except ValueError:
            pass
    return d


def check_list(bd, db, model):
    flags = ("--include-infra", "--include-templates", "--include-gates")
    everything = bd.json(db, "list", "--all", "--limit", "0", *flags)
    plain = bd.json(db, "list", "--all", "--limit", "0")
    if everything is None or plain is None:
        return
    compare(db, "ids of list --all with everything", sorted(model.rows), sorted(i["id"] for i in everything))
    compare(db, "ids of list --all", sorted(i for i in model.rows if model.is_listed(i)),
            sorted(i["id"] for i in plain))
    for issue in everything:
        id = issue["id"]
        expected = scalars(model.rows[id])
        if model.labels.get(id):
            expected["labels"] = sorted(model.labels[id])
        needs, needed = model.needs.get(id, []), model.needed.get(id, [])
        if needs:
            expected["dependencies"] = sorted((dependency_json(d) for d in needs), key=lambda d: (d["depends_on_id"], d["type"]))
            issue["dependencies"] = sorted((normal_dependency(d) for d in issue.get("dependencies", [])),
                                           key=lambda d: (d["depends_on_id"], d["type"]))
        # counts are of blocks alone, and of comments; the parent has a member of its own
        expected["dependency_count"] = sum(d["type"] == "blocks" for d in needs)
        expected["dependent_count"] = sum(d["type"] == "blocks" for d in needed)
        expected["comment_count"] = len(model.comments.get(id, []))
        if model.parent(id):
            expected["parent"] = model.parent(id)
        issue["labels"] = sorted(issue["labels"]) if issue.get("labels") else None
        if issue["labels"] is None:
            del issue["labels"]
        compare(db, "list, issue " + id, expected, issue)


def check_show(bd, db, model, sample):
    ids = sorted(model.rows)
    for id in ids[:: max(1, len(ids) // sample)]:
        got = bd.json(db, "show", id)
        if not got:
            continue
        got, expected = got[0], scalars(model.rows[id])
        related = {k: got.pop(k, []) for k in ("dependencies", "dependents", "comments", "labels")}
        for k in ("parent", "dependency_count", "dependent_count", "comment_count") + tuple(
                k for k in got if k.startswith("epic_")):
            got.pop(k, None)
        compare(db, "show " + id, expected, got)
        compare(db, "show, labels of " + id, sorted(model.labels.get(id, [])), sorted(related["labels"]))
        known = lambda other: other in model.rows
        compare(db, "show, dependencies of " + id,
                sorted((target_of(d), d["type"]) for d in model.needs.get(id, []) if known(target_of(d))),
                sorted((d["id"], d["dependency_type"]) for d in related["dependencies"] if known(d["id"])))
        comments = bd.json(db, "comments", id) or []
        compare(db, "comments of " + id,
                sorted((c["author"], c["text"], time_of(c["created_at"])) for c in model.comments.get(id, [])),
                sorted((c["author"], c["text"], c["created_at"]) for c in comments))


def check_log(bd, db):
    status, out, err = referee("log", db, "--json")
    got = bd.json(db, "vc", "log", "--limit", "0")
    if status or got is None:
        return problem(db, "vc log: the referee: " + err) if status else None
    expected = json.loads(out)
    fields = ("hash", "parents", "author", "email", "date", "message", "height")
    for c in expected:
        c["date"] = time_of(c["date"][:-1])
    for c in got:
        c["date"] = time_of(c["date"][:-1])
    pick = lambda c: {k: c[k] for k in fields}
    compare(db, "hashes of vc log", [c["hash"] for c in expected], [c["hash"] for c in got])
    by_hash = {c["hash"]: c for c in got}
    for c in expected:
        if c["hash"] in by_hash:
            compare(db, "vc log, commit " + c["hash"], pick(c), pick(by_hash[c["hash"]]))
    return expected


DIFF_TABLES = ("issues", "wisps", "labels", "dependencies", "comments", "events", "config", "metadata")


def check_diff(bd, db, commits):
    if not commits or not commits[0]["parents"]:
        return
    status, out, err = referee("diff", db, "HEAD~1", "HEAD", *DIFF_TABLES)
    got = bd.json(db, "vc", "diff", "HEAD~1", "HEAD")
    if status or got is None:
        return
    count = lambda pairs: {p: pairs.count(p) for p in set(pairs)}
    expected = [(d["table"], d["type"]) for d in map(json.loads, out.splitlines())
                if d["table"] in DIFF_TABLES and d["type"] in ("added", "removed", "modified")]
    compare(db, "vc diff HEAD~1 HEAD", count(expected),
            count([(d["table"], d["change"]) for d in got if d["table"] in DIFF_TABLES]))


def check_counts(bd, db, model):
    got = bd.json(db, "count")
    if got is not None:
        compare(db, "count", len(model.persistent), got["count"])
    got = bd.json(db, "status")
    if got is not None:
        issues = [model.rows[i] for i in model.persistent]
        for member, status in (("open_issues", "open"), ("closed_issues", "closed"),
                               ("in_progress_issues", "in_progress"), ("deferred_issues", "deferred")):
            compare(db, "status, " + member, sum(i["status"] == status for i in issues), got["summary"][member])
        compare(db, "status, total", len(issues), got["summary"]["total_issues"])
    ready = bd.json(db, "ready", "--limit", "0")
    for issue in ready or []:
        blockers = [target_of(d) for d in model.needs.get(issue["id"], [])
                    if d["type"] == "blocks" and model.rows.get(target_of(d), {}).get("status", "closed") != "closed"]
        if blockers or model.rows[issue["id"]]["status"] not in ("open", "in_progress"):
            problem(db, "ready lists %s, which is not ready: %s" % (issue["id"], blockers))


def check_history(bd, db, model):
    committed = Model(referee_rows(db, "HEAD"))
    for id in sorted(model.persistent)[:3]:
        versions = bd.json(db, "history", id)
        if versions is None:
            continue
        if (id in committed.persistent) != bool(versions):
            problem(db, "history of %s: %d versions" % (id, len(versions)))
        elif versions:
            newest, expected = versions[0]["Issue"], scalars(committed.rows[id])
            compare(db, "history, newest of " + id, {k: expected.get(k) for k in newest}, newest)


def check_reads(bd, db, model, sample=12):
    check_list(bd, db, model)
    check_show(bd, db, model, sample)
    commits = check_log(bd, db)
    check_diff(bd, db, commits)
    check_counts(bd, db, model)
    check_history(bd, db, model)
    for command in ("list", "ready", "status", "vc status", "vc log", "blocked", "stale", "info", "config list", "export --all"):
        status, _, err = bd.run(db, *command.split())
        if status and model.tables:
            problem(db, "%s: %s" % (command, err.strip()))
    return commits


# ---------------------------------------------------------------------------------------------- writing

class Writer:
    """Runs writes on a copy; each must make one commit. Remembers what it touched."""

    def __init__(self, bd, db):
        self.bd, self.db, self.commits, self.touched, self.cells = bd, db, 0, set(), {}

    def write(self, *args, commits=1, stdin="", touches=()):
        status, out, err = self.bd.run(self.db, *args, stdin=stdin)
        if status:
            problem(self.db, "%s: %s" % (" ".join(args), (err or out).strip()[-600:]))
            return ""
        self.commits += commits
        self.touched.update(touches)
        return out.strip()

    def create(self, title, *args, **more):
        id = self.write("create", title, "--silent", *args, **more).split("\n")[-1]
        if id:
            self.touched.add(id)
        return id


def fifty_writes(bd, db, model, scratch):
    w = Writer(bd, db)
    tables = {t["table"]: {c["name"] for c in t["columns"]} for t in json.loads(referee("schema", db, "--json")[1])["tables"]}
    if not model.config.get("issue_prefix") and not model.config.get("issue-prefix"):
        line = os.path.join(scratch, "first.jsonl") # an import brings the prefix of its ids
        with open(line, "w") as f:
            f.write('{"id":"corpus-1","title":"The first"}\n')
        w.write("import", line, touches=["corpus-1"])
    new = [w.create("Written %d: ä ö 漢字 🙂" % n, "-t", kind, "-p", str(n % 5), "-d", "Text " * (1 << n * 2))
           for n, kind in enumerate(("task", "bug", "feature", "epic", "chore"))]
    if not all(new):
        return w
    a, b, c, epic, e = new
    child = w.create("A child", "--parent", epic, "-l", "one,two", "-e", "30", touches=(epic,))
    second = w.create("Second child", "--parent", epic, "--deps", "blocks:" + a, touches=(epic, a))
    full = w.create("All fields", "--design", "d", "--acceptance", "a", "--notes", "n", "-a", "somebody",
                    "--external-ref", "gh-%d" % len(model.rows), "--due", "+2d", "--defer", "+1d")
    own = w.create("An id of its own", "--id", (a.rsplit("-", 1)[0]) + "-own77")
    quick = w.write("q", "Quick one")
    w.touched.add(quick)
    for args in (["--title", "Renamed \"a\" \\ 'b'"], ["-d", "x" * 60000], ["--design", "line\nline"], ["--acceptance", "A"],
                 ["--notes", "N"], ["--append-notes", "more"], ["-p", "0"], ["-t", "bug"], ["-s", "in_progress"], ["-a", "me"],
                 ["-a", ""], ["-e", "90"], ["--due", "+1d"], ["--due", ""], ["--add-label", "x,y"], ["--remove-label", "x"],
                 ["--set-labels", "p,q"], ["--external-ref", "jira-%d" % len(model.rows)]):
        w.write("update", a, *args)
    w.write("update", b, "--claim")
    w.write("update", second, "--parent", "")
    w.write("note", c, "a note")
    w.write("comment", c, "a comment, longer\nthan a line")
    w.write("label", "add", c, "red")
    w.write("label", "add", c, e, "blue")
    w.write("label", "remove", c, "red")
    w.write("dep", "add", c, b)
    w.write("dep", "add", e, c, "--type", "related")
    w.write("dep", "remove", e, c)
    w.write("close", b, "--reason", "done")
    w.write("reopen", b, "--reason", "not done")
    w.write("close", b, child, "--reason", "done again")
    w.write("config", "set", "custom.corpus", "1")
    w.write("config", "unset", "custom.corpus")
    prefix = a.rsplit("-", 1)[0]
    lines = [json.dumps({"id": "%s-imp%d" % (prefix, n), "title": "Imported %d" % n, "status": "open", "priority": 2,
                         "issue_type": "task", "labels": ["i%d" % n], "created_at": "2026-01-02T03:04:05Z",
                         "updated_at": "2026-01-02T03:04:05Z",
                         "dependencies": [{"issue_id": "%s-imp%d" % (prefix, n), "depends_on_id": a, "type": "blocks"}]})
             for n in range(5)]
    file = os.path.join(scratch, "import.jsonl")
    with open(file, "w") as f:
        f.write("\n".join(lines) + "\n")
    w.write("import", file, touches=["%s-imp%d" % (prefix, n) for n in range(5)])
    # what only younger schemas have a place for; an older one says so and changes nothing
    for column, args in (("spec_id", ["--spec-id", "s-1"]), ("metadata", ["--metadata", '{"k": [1, {"n": "ü"}]}'])):
        if column in tables["issues"]:
            w.write("update", c, *args)
        else:
            status, out, err = bd.run(db, "update", c, *args)
            if status != 1 or "no column " + column not in err:
                problem(db, "update %s: not refused: %s" % (args, err or out))
    if "wisps" in tables:
        wisp = w.create("A wisp", "--ephemeral", "-l", "w", commits=0)
        w.write("comment", wisp, "short-lived", commits=0)
        w.write("update", wisp, "--notes", "n", commits=0)
        w.write("close", wisp, commits=0)
    else:
        status, out, err = bd.run(db, "create", "A wisp", "--ephemeral")
        if status != 1 or "without the table wisps" not in err:
            problem(db, "create --ephemeral: not refused: %s" % (err or out))
    old = [i for i in sorted(model.persistent) if model.rows[i]["status"] == "open" and not model.rows[i].get("pinned")
           and model.rows[i]["issue_type"] not in ("gate", "epic") and not model.rows[i].get("is_template")][:4]
    for id in old:
        w.write("update", id, "--title", "Renamed: " + model.rows[id]["title"][:100], touches=[id])
        w.cells[id] = {"title"}
    if old:
        w.write("comment", old[0], "a comment")
        w.write("label", "add", old[0], "touched")
        w.write("close", old[-1], "--force", "--reason", "done")
        w.write("reopen", old[-1])
        w.cells[old[-1]] |= {"close_reason", "closed_at", "status", "closed_by_session"}
    return w


ALWAYS = {"updated_at", "content_hash", "is_blocked"}
FREE_TABLES = {"config", "metadata", "local_metadata", "issue_counter", "child_counters", "wisp_child_counters",
               "custom_types", "custom_statuses"}


def key_of(table, row):
    return json.dumps([row.get(k) for k in ("id", "issue_id", "label", "key", "name", "version", "depends_on_id", "pattern")])


def check_untouched(db, before, after, w):
    for table in sorted(set(before) | set(after)):
        old = {key_of(table, r): r for r in before.get(table, [])}
        new = {key_of(table, r): r for r in after.get(table, [])}
        for key in set(old) | set(new):
            x, y = old.get(key), new.get(key)
            if x == y or table in FREE_TABLES:
                continue
            id = (y or x).get("id") if table in ("issues", "wisps") else (y or x).get("issue_id")
            if table in ("issues", "wisps") and x and y:
                allowed = {"is_blocked"} if id not in w.touched else ALWAYS | w.cells.get(id, set())
                changed = {k for k in set(x) | set(y) if x.get(k) != y.get(k)}
                if changed - allowed:
                    problem(db, "%s %s: columns changed that nobody wrote: %s" % (table, id, sorted(changed - allowed)))
            elif id not in w.touched:
                problem(db, "row of %s that nobody wrote: %.200r -> %.200r" % (table, x, y))


def schema_of(db):
    """Without what the first write to a child table settles: which columns a foreign key's names mean."""
    return referee("schema", db)[1].replace(', "resolved": true', "")


def check_writes(bd, db, model, scratch):
    before_log, schema = bd.json(db, "vc", "log", "--limit", "0"), schema_of(db)
    w = fifty_writes(bd, db, model, scratch)
    log = bd.json(db, "vc", "log", "--limit", "0")
    compare(db, "commits made", w.commits, len(log) - len(before_log))
    compare(db, "the old commits", [c["hash"] for c in before_log], [c["hash"] for c in log[len(log) - len(before_log):]])
    status, out, err = referee("fsck", db)
    if status:
        problem(db, "the referee's fsck: " + (out + err)[-1500:])
    if schema_of(db) != schema:
        problem(db, "the schema changed")
    tables, state = referee_rows(db), fingerprint(db)
    check_untouched(db, model.tables, tables, w)
    check_reads(bd, db, Model(tables))
    if fingerprint(db) != state:
        problem(db, "reading changed files of a database that was written before")
    dolt = os.environ.get("BD_DOLT")
    if dolt:
        check_with_dolt(dolt, bd, db, tables)
    return w.commits


def check_with_dolt(dolt, bd, db, tables):
    copy = db + ".dolt-copy"
    shutil.copytree(db, copy)
    env = dict(bd.env, DOLT_DISABLE_EVENT_FLUSH="true")
    run = lambda *args: subprocess.run([dolt, *args], cwd=copy, env=env, capture_output=True, text=True)
    p = run("fsck")
    if p.returncode:
        problem(db, "dolt fsck: " + (p.stdout + p.stderr)[-800:])
    for table, rows in sorted(tables.items()):
        p = run("sql", "-r", "json", "-q", "select count(*) as n from `%s`" % table)
        if p.returncode or json.loads(p.stdout)["rows"][0]["n"] != len(rows):
            problem(db, "dolt sql, %s: %s" % (table, (p.stdout + p.stderr)[-300:]))
    p = run("sql", "-r", "json", "-q", "select count(*) as n from dolt_status")
    if p.returncode:
        problem(db, "dolt sql, dolt_status: " + p.stderr[-300:])
    shutil.rmtree(copy)


def upgrade(bd, db):
    """bd migrate on a copy, then all reads again: the upgrade is the other way to the newest schema."""
    before = Model(referee_rows(db))
    status, out, err = bd.run(db, "migrate", "schema")
    if status:
        return problem(db, "migrate schema: " + (err or out))
    after = Model(referee_rows(db))
    compare(db, "ids after the upgrade", sorted(before.rows), sorted(after.rows))
    status, out, err = referee("fsck", db)
    if status:
        problem(db, "after the upgrade, the referee's fsck: " + (out + err)[-1500:])
    check_reads(bd, db, after)


# ---------------------------------------------------------------------------------------------- databases

def stores_in(folder):
    """[(path for --db, bare)] of the databases in an unpacked archive, statistics and generations aside."""
    found = []
    for at, folders, files in os.walk(folder):
        if "manifest" not in files or at.endswith("/oldgen") or "/stats/" in at or "/git-remote-cache/" in at:
            continue
        bare = not at.endswith("/.dolt/noms")
        found.append((at if bare else at[: -len("/.dolt/noms")], bare))
    return sorted(found)


def as_database(bare, to):
    """A database directory around a copy of a bare chunk store."""
    shutil.copytree(bare, os.path.join(to, ".dolt", "noms"))
    with open(os.path.join(to, ".dolt", "repo_state.json"), "w") as f:
        json.dump({"head": "refs/heads/main", "remotes": {}, "backups": {}, "branches": {}}, f)
    with open(os.path.join(to, ".dolt", "config.json"), "w") as f:
        f.write("{}")


def check_store(bd, archive, folder, db, bare, scratch):
    before = fingerprint(folder)
    model = Model(referee_rows(db))
    check_reads(bd, db, model, SHOW_SAMPLE)
    if bare and model.tables:
        status, out, err = bd.run(db, "create", "must not be")
        if status != 1 or "read-only" not in err + out:
            problem(db, "a bare chunk store took a write, or refused it unclearly: %s" % (err or out))
    if not model.tables:
        status, out, err = bd.run(db, "create", "must not be")
        if status != 1 or "no issues table" not in err + out:
            problem(db, "no tracker's database: %s" % (err or out))
    after = fingerprint(folder)
    for file in sorted(set(before) | set(after)):
        if before.get(file) != after.get(file):
            problem(db, "reading changed %s: %s -> %s" % (file, before.get(file), after.get(file)))
    commits = 0
    if model.tables:
        copies = os.path.join(scratch, "copies")
        for name, step in (("written", check_writes), ("upgraded", upgrade)):
            copy = os.path.join(copies, archive, name)
            if bare:
                as_database(db, copy)
            else:
                shutil.copytree(db, copy)
            if step is check_writes:
                commits = check_writes(bd, copy, model, scratch)
            else:
                upgrade(bd, copy)
        shutil.rmtree(copies)
    print("%s: %d issues, %d commits written" % (archive, len(model.rows), commits), flush=True)


READS = (("list", "--all", "--json"), ("vc", "log"), ("ready",), ("status",), ("create", "x"), ("migrate",))


def check_refused(bd, db, what, mention):
    before = fingerprint(db)
    for args in READS:
        status, out, err = bd.run(db, *args)
        if status != 1 or not re.search(mention, err + out):
            problem(db, "%s: %s: exit status %d, %s" % (what, " ".join(args), status, (err + out).strip()[:300]))
    if fingerprint(db) != before:
        problem(db, "%s: a refused command changed files" % what)


def damage(db, journal, d):
    """One entry of the list of damages, as its makers applied it."""
    file, index = os.path.join(db, journal), os.path.join(db, os.path.dirname(journal), "journal.idx")
    with open(file, "rb") as f:
        data = bytearray(f.read())
    op, at = d["op"], d.get("at", 0)
    if op == "truncate":
        del data[at:]
    elif op == "truncate+append":
        data = data[:at] + bytes.fromhex(d["hex"])
    elif op == "flip":
        data[at] ^= 1
    elif op == "zero":
        data[at : at + d["length"]] = bytes(d["length"])
    elif op == "delete journal":
        return os.remove(file)
    elif op == "delete manifest":
        return os.remove(os.path.join(db, os.path.dirname(journal), "manifest"))
    elif op == "delete index":
        return os.remove(index)
    elif op == "index garbage":
        with open(index, "wb") as f:
            return f.write(bytes.fromhex(d["hex"]))
    elif op == "index truncated":
        return os.truncate(index, at)
    with open(file, "wb") as f:
        f.write(data)


def check_torn(bd, data, scratch):
    """A journal torn in many ways: the history that Dolt sees, or a refusal where Dolt refuses."""
    with open(os.path.join(data, "golden", "expected.json")) as f:
        golden = json.load(f)["layout-torn"]
    db = os.path.join(scratch, "layout-torn")
    for d in golden["damages"]:
        shutil.rmtree(db, ignore_errors=True)
        subprocess.run(["tar", "--zstd", "-xf", os.path.join(data, "golden", golden["archive"]), "-C", scratch], check=True)
        damage(db, golden["journal"], d)
        what = "torn: %s at %s" % (d["op"], d.get("at"))
        before = fingerprint(db)
        status, out, err = bd.run(db, "vc", "log", "--limit", "0", "--json")
        dolt = d["2.1.11"]
        if dolt["exit"] == 0:
            log = json.loads(out) if status == 0 else []
            compare(db, what, (dolt["head"], dolt["commits"]), (log[0]["hash"] if log else err.strip(), len(log)))
        elif status != 1 or len((err + out).strip()) < 30:
            problem(db, "%s: not refused: exit status %d, %s" % (what, status, (err + out)[:300]))
        if fingerprint(db) != before:
            problem(db, "%s: reading changed files" % what)
        bd.run(db, "create", "x")
    shutil.rmtree(db)
    print("layout-torn: %d damages" % len(golden["damages"]), flush=True)


def check_lost_generation(bd, data, scratch):
    """A database whose older generation is gone is damaged; it is not a database without issues."""
    subprocess.run(["tar", "--zstd", "-xf", os.path.join(data, "dolt-town-01.tar.zst"), "-C", scratch], check=True)
    folder = os.path.join(scratch, "dolt-town-01")
    (db, _), = stores_in(folder)
    shutil.rmtree(os.path.join(db, ".dolt", "noms", "oldgen"))
    check_refused(bd, db, "without oldgen", "chunk [0-9a-v]{32} is not in")
    shutil.rmtree(folder)


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--bd", default=os.environ.get("BD_BINARY", "build/bd"))
    p.add_argument("--keep")
    p.add_argument("names", nargs="*")
    args = p.parse_args()
    data = os.path.join(SHARED, "data")
    if not SHARED or not os.path.isdir(data):
        print("skipped: BD_SHARED does not name the folder with data/ and tools/")
        return 0
    if subprocess.run([PYTHON, "-c", "import snappy, zstandard"], capture_output=True).returncode:
        print("skipped: the referee needs the Debian packages python3-snappy and python3-zstandard")
        return 0
    scratch = args.keep or tempfile.mkdtemp(prefix="bd-corpus-")
    bd = Program(args.bd, scratch)
    archives = [os.path.join(data, n) for n in sorted(os.listdir(data)) if n.startswith("dolt-")] + \
               [os.path.join(data, "golden", n) for n in sorted(os.listdir(os.path.join(data, "golden")))
                if n.startswith("beads-")]
    try:
        for path in archives:
            name = os.path.basename(path).split(".")[0]
            if (args.names and name not in args.names) or name.startswith("dolt-gitremote"):
                continue
            subprocess.run(["tar", "--zstd", "-xf", path, "-C", scratch], check=True)
            folder = os.path.join(scratch, name)
            for db, bare in stores_in(folder):
                if name.startswith("dolt-damaged"):
                    check_refused(bd, db, name, "table file not found|conflict markers")
                    print("%s: refused" % name, flush=True)
                else:
                    check_store(bd, name, folder, db, bare, scratch)
            shutil.rmtree(folder)
        if not args.names or "layout-torn" in args.names:
            check_torn(bd, data, scratch)
            check_lost_generation(bd, data, scratch)
    finally:
        if not args.keep:
            shutil.rmtree(scratch, ignore_errors=True)
    print("corpus: %s" % ("%d problems" % len(problems) if problems else "all agree"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
