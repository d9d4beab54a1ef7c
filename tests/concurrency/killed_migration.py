#!/usr/bin/env python3
"""A migration from SQLite that is killed (SIGKILL) at random moments, and run again. Speaks TAP.

usage: killed_migration.py [--full] [--kills N] [--issues N] [--seed N]

What must hold after every kill:
  * not a byte of the old file or its -wal has changed;
  * a command of this bd sees the old workspace (and names the way out) or all issues, nothing in between;
  * running again completes the migration, and the result is that of a run nobody disturbed;
  * nothing is left over: no half-made database, no second backup of the same bytes.

BD_BINARY names the program (default: build/bd).
"""
import argparse
import glob
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BD = os.path.abspath(os.environ.get("BD_BINARY") or os.path.join(HERE, "../../build/bd"))


def make_source(folder, issues, chance):
    """An old workspace, part of whose rows are only in the -wal (as a program that was killed leaves it)."""
    beads = os.path.join(folder, ".beads")
    os.makedirs(beads, mode=0o700)
    path = os.path.join(folder, "new.db")
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript("""
        PRAGMA journal_mode=WAL;
        CREATE TABLE issues (id TEXT PRIMARY KEY, title TEXT NOT NULL, description TEXT, status TEXT, priority INTEGER,
            issue_type TEXT, ephemeral INTEGER, created_at DATETIME, updated_at DATETIME, closed_at DATETIME);
        CREATE TABLE dependencies (issue_id TEXT, depends_on_id TEXT, type TEXT, created_at DATETIME, created_by TEXT,
            PRIMARY KEY (issue_id, depends_on_id));
        CREATE TABLE labels (issue_id TEXT, label TEXT, PRIMARY KEY (issue_id, label));
        CREATE TABLE comments (id INTEGER PRIMARY KEY, issue_id TEXT, author TEXT, text TEXT, created_at DATETIME);
        CREATE TABLE events (id INTEGER PRIMARY KEY, issue_id TEXT, event_type TEXT, actor TEXT, created_at DATETIME);
        CREATE TABLE config (key TEXT PRIMARY KEY, value TEXT);
        INSERT INTO config VALUES ('issue_prefix', 'k');
    """)
    when = lambda: f"2026-01-{chance.randint(1, 28):02}T{chance.randint(0, 23):02}:00:00.25+02:00"
    for part in range(2):
        db.execute("BEGIN")
        for i in range(part, issues, 2):
            status = "tombstone" if i % 50 == 7 else "closed" if i % 3 == 0 else "open"
            moment = when()
            db.execute("INSERT INTO issues VALUES (?, ?, ?, ?, ?, 'task', ?, ?, ?, ?)",
                       (f"k-{i}", f"issue {i}", "text " * chance.randint(0, 200), status, i % 5, int(i % 20 == 3), moment,
                        moment, moment if status == "closed" else None))
            db.execute("INSERT OR IGNORE INTO dependencies VALUES (?, ?, 'blocks', ?, 'ann')",
                       (f"k-{i}", f"k-{chance.randint(0, issues - 1)}", moment))
            db.execute("INSERT INTO labels VALUES (?, ?)", (f"k-{i}", f"label{i % 9}"))
            db.execute("INSERT INTO comments (issue_id, author, text, created_at) VALUES (?, 'bob', 'word', ?)",
                       (f"k-{i}", moment))
            db.execute("INSERT INTO events (issue_id, event_type, actor, created_at) VALUES (?, 'created', 'ann', ?)",
                       (f"k-{i}", moment))
        db.execute("COMMIT")
        if part == 0:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for suffix in ("", "-wal"):
        shutil.copy(path + suffix, os.path.join(beads, "beads.db" + suffix))
    db.close()
    with open(os.path.join(beads, "metadata.json"), "w", encoding="utf-8") as f:
        f.write('{"database":"beads.db"}')


def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


class Workspace:
    def __init__(self, folder, home):
        self.folder = folder
        dropped = ("BEADS_", "BD_", "GIT_", "XDG_")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
        self.env.update(HOME=home, USER="tester", TZ="UTC", LANG="C.UTF-8", NO_COLOR="1")

    def start(self, *args):
        return subprocess.Popen([BD, *args], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def call(self, *args):
        process = self.start(*args)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def path(self, *parts):
        return os.path.join(self.folder, ".beads", *parts)

    def image(self):
        """Everything bd can show, without the times and ids of the run itself."""
        code, out, err = self.call("export", "--all")
        return (code, sorted(out.splitlines()), err)

    def count(self):
        code, out, err = self.call("count", "--json")
        return code, out if code == 0 else err


def problems_of_one(base, scratch, home, want, delay):
    folder = os.path.join(scratch, "ws")
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(base, folder)
    w = Workspace(folder, home)
    before = {s: digest(w.path("beads.db" + s)) for s in ("", "-wal")}
    process = w.start("migrate", "--to-dolt", "--json")
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    killed = process.returncode == -signal.SIGKILL
    problems = []
    for s in before:
        if digest(w.path("beads.db" + s)) != before[s]:
            problems.append(f"beads.db{s} was changed")
    code, text = w.count()
    if code != 0 and "bd migrate --to-dolt" not in text:
        problems.append(f"after the kill: {text}")
    if code == 0 and text != want["count"]:
        problems.append(f"after the kill another number of issues: {text}")
    state = "new" if code == 0 else "old"
    code, out, err = w.call("migrate", "--to-dolt", "--json")
    if code != 0:
        return problems + [f"the second run fails: {out}{err}"], killed, state
    if json.loads(out)["status"] not in ("success", "noop"):
        problems.append(f"the second run: {out}")
    if w.image() != want["image"]:
        problems.append("the result is another one")
    with open(w.path("metadata.json"), encoding="utf-8") as f:
        if json.load(f).get("database") != "dolt":
            problems.append("metadata.json is the old one")
    left = [n for n in os.listdir(w.path("embeddeddolt")) + os.listdir(w.path()) if n.startswith(".bd-migrate")]
    backups = glob.glob(w.path("*.backup-pre-dolt-*.db"))
    if left:
        problems.append(f"left over: {left}")
    if len(backups) != 1 or digest(backups[0]) != before[""] or digest(backups[0] + "-wal") != before["-wal"]:
        problems.append(f"backups: {backups}")
    return problems, killed, state


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--full", action="store_true")
    p.add_argument("--kills", type=int)
    p.add_argument("--issues", type=int, default=400)
    p.add_argument("--seed", type=int, default=int(time.time()))
    options = p.parse_args()
    kills = options.kills or (200 if options.full else 12)
    chance = random.Random(options.seed)
    failed, shown, hit, states = 0, 0, 0, {"old": 0, "new": 0}
    with tempfile.TemporaryDirectory(prefix="bd-killed-migration-") as scratch:
        home, base, calm = (os.path.join(scratch, n) for n in ("home", "base", "calm"))
        os.makedirs(home)
        make_source(base, options.issues, chance)
        shutil.copytree(base, calm)
        w = Workspace(calm, home)
        started = time.monotonic()
        code, out, err = w.call("migrate", "--to-dolt", "--json")
        took = time.monotonic() - started
        if code != 0:
            print(f"not ok 1 - a migration\n# {out}{err}\n1..1")
            return 1
        want = {"image": w.image(), "count": w.count()[1]}
        for _ in range(kills):
            delay = chance.uniform(0, took * 1.1)
            problems, killed, state = problems_of_one(base, scratch, home, want, delay)
            hit += killed
            states[state] += 1
            failed += bool(problems)
            for text in problems if shown < 10 else []:
                print(f"# killed after {delay * 1000:.1f} ms: {text}")
                shown += 1
    print(f"# seed {options.seed}, {kills} kills within {took * 1000:.0f} ms, {hit} hit a running migration; afterwards "
          f"{states['old']} old, {states['new']} complete")
    print(f"{'not ok' if failed or not hit else 'ok'} 1 - a migration killed at any moment is completed by the next run")
    print("1..1")
    return 1 if failed or not hit else 0


if __name__ == "__main__":
    sys.exit(main())
