#!/usr/bin/env python3
"""Many processes write one database at once; some are killed. Speaks TAP.

usage: many_writers.py [--full] [--writers N] [--writes N] [--claimers N] [--rounds N] [--kills N] [--seed N]

What must hold afterwards:
  * every command that exits 0 has its effect, in exactly one commit that holds nothing else;
  * one of many claimers wins, each time; the others are told so;
  * a writer killed at any moment loses nothing it acknowledged, leaves nothing half done, no lock, and
    no work that makes the next command slower.

BD_BINARY names the program (default: build/bd). With BD_SHARED the referee there examines the databases.
"""
import argparse
import collections
import contextlib
import fcntl
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BD = os.path.abspath(os.environ.get("BD_BINARY") or os.path.join(HERE, "../../build/bd"))
SHARED = os.path.abspath(os.environ["BD_SHARED"]) if os.environ.get("BD_SHARED") else ""
PATIENCE = 120  # seconds after which a command hangs

count = failures = 0


def result(name, problems, skip=None):
    global count, failures
    count += 1
    if skip:
        print(f"ok {count} - {name} # skip {skip}", flush=True)
        return
    failures += bool(problems)
    print(f"{'not ok' if problems else 'ok'} {count} - {name}", flush=True)
    for problem in problems[:10]:
        print("# " + str(problem).replace("\n", "\n# "), flush=True)
    if len(problems) > 10:
        print(f"# … and {len(problems) - 10} more", flush=True)


def note(text):
    print("# " + text, flush=True)


class Database:
    """A workspace in a scratch folder and the ways to call bd in it."""

    def __init__(self, scratch, name):
        home = os.path.join(scratch, "home")
        self.dir = os.path.join(scratch, name)
        os.makedirs(home, exist_ok=True)
        os.makedirs(self.dir)
        dropped = ("BEADS_", "BD_", "GIT_", "XDG_")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        self.env.update(HOME=home, USER="tester", TZ="UTC", LANG="C.UTF-8", NO_COLOR="1")
        with open(os.path.join(home, ".gitconfig"), "w", encoding="utf-8") as config:
            config.write("[user]\n\tname = Test User\n\temail = test@example.com\n")
        subprocess.run(["git", "init", "-q", "."], cwd=self.dir, env=self.env, check=True)
        self.must("init", "--quiet", "--prefix", "t", "--skip-hooks", "--skip-agents", "--non-interactive")
        self.store = os.path.join(self.dir, ".beads/embeddeddolt/t")

    def start(self, *args, **more):
        return subprocess.Popen([BD, *args], cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def call(self, *args):
        process = self.start(*args)
        out, err = finish(process)
        return process.returncode, out, err

    def must(self, *args):
        status, out, err = self.call(*args)
        if status:
            raise SystemExit(f"Bail out! bd {' '.join(args)} failed ({status}): {err or out}")
        return out

    def json(self, *args):
        return json.loads(self.must(*args, "--json"))

    def create(self, title):
        return self.must("create", title, "--silent").strip()

    def commits(self):
        return self.json("vc", "log", "--limit", "0")


def finish(process):
    try:
        return process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return out, f"(no end after {PATIENCE} s) {err}"


# --- writes and the commits they make -----------------------------------------------------------------

class Write:
    """One command, what it must change, and whether it said it did."""

    def __init__(self, kind, subject, text, args):
        self.kind, self.subject, self.text, self.args = kind, subject, text, args
        self.status = self.out = self.err = None

    def took(self, process, out, err):
        self.status, self.out, self.err = process.returncode, out, err

    @property
    def acknowledged(self):
        return self.status == 0 or bool(self.out.strip())

    def key(self):
        return self.kind, self.text

    def __str__(self):
        return f"bd {' '.join(self.args)} [exit {self.status}] {self.out.strip()} {self.err.strip()}"


def plan(writer, writes, shared):
    """The commands of one writer. A close follows the creation it belongs to, four commands later."""
    created = []
    for step in range(writes):
        name = f"{writer}.{step}"
        kind = ("create", "note", "label", "close")[step % 4]
        subject = shared[(writer + step) % len(shared)]
        if kind == "create":
            write = Write(kind, None, "issue " + name, ["create", "issue " + name, "--silent"])
            created.append(write)
        elif kind == "note":
            write = Write(kind, subject, "note " + name, ["update", subject, "--append-notes", "note " + name])
        elif kind == "label":
            write = Write(kind, subject, "label-" + name, ["label", "add", subject, "label-" + name])
        elif created and created[-1].out and created[-1].out.strip():
            subject = created[-1].out.strip()
            write = Write(kind, subject, "closed by " + name, ["close", subject, "--reason", "closed by " + name])
        else:  # its creation was killed
            continue
        yield write


def one(rows, table):
    found = [row for row in rows if row["table"] == table]
    return found[0] if len(found) == 1 else None


def described(diff):
    """(write key, subject) of the one write that a commit's difference is, or a complaint."""
    tables = collections.Counter((row["table"], row["change"]) for row in diff)
    event = one(diff, "events")
    issue = one(diff, "issues")
    if event is None:
        return None, f"not one event: {dict(tables)}"
    what, subject = event["to"]["event_type"], event["to"]["issue_id"]
    if what == "label_added":
        label = one(diff, "labels")
        if label is None or tables != {("labels", "added"): 1, ("events", "added"): 1} \
                or label["key"]["issue_id"] != subject:
            return None, f"not one label: {diff}"
        return (("label", label["key"]["label"]), subject), None
    if issue is None or issue["key"]["id"] != subject:
        return None, f"{what}: not one issue: {diff}"
    if what == "created":
        if tables != {("issues", "added"): 1, ("events", "added"): 1}:
            return None, f"creation with more: {dict(tables)}"
        return (("create", issue["to"]["title"]), subject), None
    if tables != {("issues", "modified"): 1, ("events", "added"): 1}:
        return None, f"{what} with more: {dict(tables)}"
    changed = set(issue["to"]) - {"updated_at"}
    if what == "updated":
        before, after = issue["from"].get("notes") or "", issue["to"].get("notes") or ""
        if changed != {"notes"} or not after.startswith(before):
            return None, f"note changed {changed}: {issue}"
        return (("note", after[len(before):].lstrip("\n")), subject), None
    if what == "closed":
        if not {"status", "closed_at", "close_reason"} >= changed or issue["to"]["status"] != "closed":
            return None, f"close changed {changed}: {issue}"
        return (("close", issue["to"]["close_reason"]), subject), None
    return None, f"unexpected event {what}"


def check_commits(db, old, writes):
    """Each new commit is exactly one write, each acknowledged write is exactly one commit."""
    problems = []
    log = db.commits()
    new = [c for c in log if c["hash"] not in old]
    by_hash = {c["hash"]: c for c in log}
    at, reached = log[0]["hash"], 0
    while at in by_hash:  # one line of history
        reached += 1
        parents = by_hash[at]["parents"]
        if len(parents) > 1:
            problems.append(f"commit {at} is a merge")
        at = parents[0] if parents else None
    if reached != len(log):
        problems.append(f"{reached} commits on the line of HEAD, {len(log)} in the log")
    wanted = {write.key(): write for write in writes}
    seen = collections.Counter()
    for commit in new:
        what, complaint = described(db.json("vc", "show", commit["hash"])["diff"])
        if complaint:
            problems.append(f"commit {commit['hash']} ({commit['message']}): {complaint}")
            continue
        key, subject = what
        seen[key] += 1
        write = wanted.get(key)
        if write is None:
            problems.append(f"commit {commit['hash']}: nobody asked for {key}")
        elif subject != (write.subject or write.out.strip() or subject):
            problems.append(f"commit {commit['hash']}: {key} on {subject}; {write}")
    for key, number in seen.items():
        if number > 1:
            problems.append(f"{key} is in {number} commits")
    for write in writes:
        if write.acknowledged and not seen[write.key()]:
            problems.append(f"acknowledged, in no commit: {write}")
    return problems, len(new)


def check_effects(db, writes):
    """Each acknowledged write shows in a fresh process."""
    problems = []
    issues = {issue["id"]: issue for issue in db.json("list", "--all", "--limit", "0")}
    notes = {}
    for write in writes:
        if not write.acknowledged:
            continue
        subject = write.subject or write.out.strip()
        issue = issues.get(subject)
        if issue is None:
            problems.append(f"{subject} is not there: {write}")
        elif write.kind == "create" and issue["title"] != write.text:
            problems.append(f"{subject} has the title {issue['title']}: {write}")
        elif write.kind == "close" and issue["status"] != "closed":
            problems.append(f"{subject} is {issue['status']}: {write}")
        elif write.kind in ("note", "label"):
            if subject not in notes:
                notes[subject] = db.json("show", subject)[0]
            shown = notes[subject]
            values = shown["notes"].split("\n") if write.kind == "note" else shown["labels"]
            if values.count(write.text) != 1:
                problems.append(f"{subject} has {write.text} {values.count(write.text)} times: {write}")
    return problems


def check_store(db, name):
    """The referee finds nothing, and no lock is held or in the way."""
    problems = []
    for folder, _, files in os.walk(os.path.join(db.dir, ".beads")):
        for file in files:
            path = os.path.join(folder, file)
            if file in ("LOCK", ".lock"):
                with open(path, "r+b") as lock:
                    try:
                        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    except BlockingIOError:
                        problems.append(f"{path} is still held")
            elif file.lower().endswith((".lock", ".tmp", ".pid")):
                problems.append(f"{path} was left behind")
    left = sorted(set(os.listdir(os.path.join(db.store, ".dolt/noms"))) -
                  {"LOCK", "manifest", "journal.idx", "v" * 32, "oldgen"})
    left += sorted(set(os.listdir(os.path.join(db.store, ".dolt/temptf"))) - {"bd-journal-index"})
    note(f"{name}: files beside the usual ones: {left or 'none'}")
    result(f"{name}: no lock is left", problems)
    referee = os.path.join(SHARED, "tools/doltref.py")
    if not SHARED or not os.path.exists(referee):
        result(f"{name}: the referee finds the store clean", [], skip="no referee (set BD_SHARED)")
        return
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    done = subprocess.run([python, referee, "fsck", "--strict", db.store], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    lines = done.stdout.splitlines()
    clean = done.returncode == 0 and lines and lines[-1] == "clean"
    result(f"{name}: the referee finds the store clean", [] if clean else [done.stdout or "no answer"])


# --- many at once -------------------------------------------------------------------------------------

class Crowd:
    """Writers as threads that run one command after the other, readers beside them, and perhaps a killer."""

    def __init__(self, db, random_source):
        self.db, self.random = db, random_source
        self.lock = threading.Lock()
        self.running = {}
        self.writes, self.killed, self.reads, self.read_problems = [], 0, 0, []
        self.done = threading.Event()

    def writer(self, number, writes, shared):
        for write in plan(number, writes, shared):
            process = self.db.start(*write.args)
            with self.lock:
                self.running[process.pid] = process
                self.writes.append(write)
            write.took(process, *finish_waiting(process, self))

    def reader(self, subject):
        while not self.done.is_set():
            for args in (("show", subject, "--json"), ("list", "--json"), ("ready", "--json")):
                status, out, err = self.db.call(*args)
                self.reads += 1
                try:
                    json.loads(out)
                except ValueError:
                    status = status or "no JSON"
                if status:
                    self.read_problems.append(f"bd {' '.join(args)} [{status}] {err}")

    def killer(self, kills, pause):
        while self.killed < kills and not self.done.is_set():
            time.sleep(self.random.uniform(0, pause))
            with self.lock:
                alive = list(self.running.values())
                # Most wait for their turn; every other strike is for one whose turn it is.
                busy = [p for p in alive if p.pid in lock_holders()] if self.random.random() < 0.5 else []
                if alive:
                    # Not reaped yet (that happens under the lock), so the number is still its own.
                    self.random.choice(busy or alive).send_signal(signal.SIGKILL)
                    self.killed += 1

    def run(self, writers, writes, shared, readers, kills=0, pause=0.0):
        threads = [threading.Thread(target=self.writer, args=(w, writes, shared)) for w in range(writers)]
        others = [threading.Thread(target=self.reader, args=(shared[0],)) for _ in range(readers)]
        if kills:
            others.append(threading.Thread(target=self.killer, args=(kills, pause)))
        started = time.monotonic()
        for thread in threads + others:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.monotonic() - started
        self.done.set()
        for thread in others:
            thread.join()
        return seconds


def lock_holders():
    """Processes that hold a file lock, where the system tells."""
    with contextlib.suppress(OSError), open("/proc/locks", encoding="ascii") as locks:
        return {int(line.split()[4]) for line in locks if "WRITE" in line and "->" not in line}
    return set()


def finish_waiting(process, crowd):
    """finish(), but the process leaves the list of those that can be killed before its number is free."""
    out, err = process.stdout.read(), process.stderr.read()
    with crowd.lock:
        crowd.running.pop(process.pid, None)
    more_out, more_err = finish(process)
    return out + (more_out or ""), err + (more_err or "")


def test_writers(scratch, options):
    db = Database(scratch, "writers")
    shared = [db.create(f"shared {n}") for n in range(10)]
    old = {c["hash"] for c in db.commits()}
    crowd = Crowd(db, random.Random(options.seed))
    seconds = crowd.run(options.writers, options.writes, shared, readers=2)
    number = options.writers * options.writes
    note(f"{number} writes by {options.writers} processes: {seconds:.2f} s, {crowd.reads} reads beside them")
    result(f"{number} of {number} writes exit 0", [str(w) for w in crowd.writes if w.status != 0] or
           ([f"{len(crowd.writes)} commands"] if len(crowd.writes) != number else []))
    result("each write has its effect", check_effects(db, crowd.writes))
    problems, commits = check_commits(db, old, crowd.writes)
    if commits != number:
        problems.insert(0, f"{commits} commits for {number} writes")
    result("each write is one commit, which holds it alone", problems)
    result("no reader fails beside the writers", crowd.read_problems)
    check_store(db, "after the writers")


def released_together(db, commands):
    """Starts all commands behind one gate, opens it, and returns their results."""
    gate, opener = os.pipe()
    waiting = 'read _ <&%d; exec "$0" "$@" %d<&-' % (gate, gate)
    processes = [subprocess.Popen(["sh", "-c", waiting, BD, *args], cwd=db.dir, env=db.env, pass_fds=[gate],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True) for args in commands]
    os.close(gate)
    os.close(opener)
    return [(*finish(process), process.returncode) for process in processes]


def test_claims(scratch, options):
    db = Database(scratch, "claims")
    problems = []
    for turn in range(options.rounds):
        issue = db.create(f"wanted {turn}")
        answers = released_together(db, [["update", issue, "--claim", "--actor", f"agent{n}"]
                                         for n in range(options.claimers)])
        winners = [n for n, (_, _, status) in enumerate(answers) if status == 0]
        shown = db.json("show", issue)[0]
        if len(winners) != 1:
            problems.append(f"round {turn}: {len(winners)} winners")
        elif shown.get("assignee") != f"agent{winners[0]}" or shown["status"] != "in_progress":
            problems.append(f"round {turn}: agent{winners[0]} won, the issue says {shown}")
        problems += [f"round {turn}: agent{n}: exit {status}, {out}{err}"
                     for n, (out, err, status) in enumerate(answers)
                     if status not in (0, 1) or (status == 1 and "already claimed" not in out + err)]
    result(f"one of {options.claimers} processes claims an issue, {options.rounds} rounds", problems)

    problems = []
    for turn in range(max(1, options.rounds // 5)):
        for issue in db.json("list", "--status", "open", "--limit", "0"):
            db.must("close", issue["id"])
        offered = [db.create(f"ready {turn}.{n}") for n in range(1 + turn % 3)]
        answers = released_together(db, [["ready", "--claim", "--json", "--actor", f"agent{n}"] for n in range(8)])
        taken = []
        for n, (out, err, status) in enumerate(answers):
            try:
                taken += [(issue["id"], n) for issue in json.loads(out)]
            except (ValueError, TypeError, KeyError):
                status = status or "no JSON list"
            if status:
                problems.append(f"round {turn}: agent{n}: exit {status}, {out}{err}")
        if sorted(issue for issue, _ in taken) != sorted(offered):
            problems.append(f"round {turn}: offered {offered}, taken {taken}")
        for issue, n in taken:
            shown = db.json("show", issue)[0]
            if shown.get("assignee") != f"agent{n}":
                problems.append(f"round {turn}: agent{n} was given {issue}, which belongs to {shown.get('assignee')}")
    result("ready --claim gives each issue to one of 8 processes and [] to the others", problems)
    check_store(db, "after the claims")


def test_kills(scratch, options):
    source = random.Random(options.seed)
    db = Database(scratch, "kills")
    shared = [db.create(f"shared {n}") for n in range(10)]
    old = {c["hash"] for c in db.commits()}
    crowd = Crowd(db, source)
    seconds = crowd.run(options.writers, options.writes, shared, readers=1, kills=options.kills,
                        pause=0.02 if options.kills > 20 else 0.04)
    dead = [w for w in crowd.writes if w.status == -signal.SIGKILL]
    note(f"{len(crowd.writes)} writes in {seconds:.2f} s; {len(dead)} of {crowd.killed} struck died of it")
    problems = [str(w) for w in crowd.writes if w.status not in (0, -signal.SIGKILL)]
    if not dead:
        problems.append("nobody was killed")
    result("writers that are not killed exit 0", problems)
    result("killed writers lose nothing they acknowledged", check_effects(db, crowd.writes))
    problems, commits = check_commits(db, old, crowd.writes)
    result("each commit is one whole write, killed or not", problems)
    silent = [w for w in crowd.writes if not w.acknowledged]
    note(f"{commits} commits; {len(silent)} writes never acknowledged, "
         f"{commits + len(silent) - len(crowd.writes)} of them committed")
    result("no reader fails beside killed writers", crowd.read_problems)
    check_pace(db, shared, source, options)
    check_store(db, "after the kills")


PACE_TURNS, PACE_ROUNDS, PACE_MANY = 16, 6, 100


def timed(db, args):
    started = time.perf_counter()
    db.must(*args)
    return time.perf_counter() - started


def check_pace(db, shared, source, options):
    """The command after a kill against the same command after a write that ended well, turn and turn about.

    The best of a few turns is compared (noise only ever adds to it), the median of many."""
    usual, after = collections.defaultdict(list), collections.defaultdict(list)
    span = statistics.median(timed(db, ["create", "pace", "--silent"]) for _ in range(9))
    died = 0
    typical = statistics.median if options.kills >= PACE_MANY else min
    problems = []
    for turn in range(max(options.kills, PACE_TURNS) * PACE_ROUNDS):
        for times, kill in ((usual, False), (after, True)):
            process = db.start("create", f"pace {turn}", "--silent")
            if kill:
                time.sleep(source.uniform(0, 1.2 * span))
                process.kill()
            finish(process)
            died += process.returncode != 0
            kind = ("show", "create")[turn % 2]
            args = ["show", shared[0], "--json"] if kind == "show" else ["create", f"next {turn}", "--silent"]
            times[kind].append(timed(db, args))
        if (turn + 1) % max(options.kills, PACE_TURNS) == 0:  # a busy machine gets more turns
            problems = [] if died else ["nobody was killed"]
            for kind in sorted(usual):
                before, now = typical(usual[kind]) * 1000, typical(after[kind]) * 1000
                worst = max(after[kind]) * 1000
                note(f"{kind}: {before:.1f} ms usually, {now:.1f} ms after a kill (worst {worst:.1f} ms; {died} died)")
                if now > 2 * before:
                    problems.append(f"{kind}: {now:.1f} ms after a kill, {before:.1f} ms usually")
            if not problems:
                break
    result("the command after a kill takes at most twice the usual time", problems)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="50 x 20 writes, 64 claimers x 100, 200 kills")
    for name in ("writers", "writes", "claimers", "rounds", "kills"):
        parser.add_argument("--" + name, type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("writers", "claims", "kills"))
    parser.add_argument("--keep", action="store_true", help="leave the databases where they are")
    options = parser.parse_args()
    sizes = dict(writers=50, writes=20, claimers=64, rounds=100, kills=200) if options.full else \
        dict(writers=8, writes=5, claimers=8, rounds=5, kills=10)
    for name, size in sizes.items():
        if getattr(options, name) is None:
            setattr(options, name, size)
    scratch = tempfile.mkdtemp(prefix="bd-many-writers-")
    note(f"seed {options.seed}" + (f", {scratch}" if options.keep else ""))
    try:
        for name, test in (("writers", test_writers), ("claims", test_claims), ("kills", test_kills)):
            if options.only in (None, name):
                test(scratch, options)
    finally:
        if not options.keep:
            with contextlib.suppress(OSError):
                shutil.rmtree(scratch)
    print(f"1..{count}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
