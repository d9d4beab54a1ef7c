#!/usr/bin/env python3
"""Collections while many processes write and read, and collections that are killed. Speaks TAP.

usage: collect.py [--full] [--writers N] [--writes N] [--collections N] [--seed N] [--keep]

What must hold afterwards:
  * every write that exits 0 is there, and so is its commit; nobody failed because of a collection;
  * every read succeeded;
  * a collection killed at any moment changed nothing that can be seen, and the next one sweeps up after it.
"""
import argparse
import contextlib
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import many_writers as base  # the workspace, the referee, TAP

KINDS = ([], ["--full"], ["--archive-level", "0"], ["--full", "--archive-level", "0"])


class Crowd:
    def __init__(self, db, options):
        self.db, self.options = db, options
        self.lock = threading.Lock()
        self.made, self.problems, self.reads, self.collected, self.killed, self.busy = [], [], 0, 0, 0, 0
        self.done = threading.Event()

    def problem(self, text):
        with self.lock:
            self.problems.append(text)

    def write(self, number):
        mine = []
        for i in range(self.options.writes):
            if mine and i % 3:
                args = ["update", mine[-1], "--notes", f"note {i} of writer {number} " + "x" * 500]
            else:
                args = ["create", f"issue {i} of writer {number}", "--silent"]
            status, out, err = self.db.call(*args)
            if status:
                self.problem(f"bd {' '.join(args[:2])}: {err}")
            elif args[0] == "create":
                mine.append(out.strip())
        with self.lock:
            self.made += mine

    def read(self):
        while not self.done.is_set():
            status, _, err = self.db.call("list", "--json", "--limit", "0")
            self.reads += 1
            if status:
                self.problem(f"bd list: {err}")

    def collect(self, source):
        while not self.done.is_set() or self.collected < self.options.collections:
            process = self.db.start("gc", "--skip-decay", *source.choice(KINDS))
            kill = source.random() < 0.5
            if kill:
                time.sleep(source.random() * 0.06)
                process.send_signal(signal.SIGKILL)
            _, err = base.finish(process)
            self.collected += 1
            if kill:
                self.killed += process.returncode == -signal.SIGKILL
            elif process.returncode and ("another" in err or "held by" in err):
                self.busy += 1
            elif process.returncode:
                self.problem(f"bd gc: {err}")
            if self.collected > 50 * self.options.collections:
                break


def test(scratch, options):
    db = base.Database(scratch, "collect")
    source = random.Random(options.seed)
    for i in range(20):
        db.create(f"before {i}")
    before = len(db.commits())
    crowd = Crowd(db, options)
    writers = [threading.Thread(target=crowd.write, args=(n,)) for n in range(options.writers)]
    beside = [threading.Thread(target=crowd.read), threading.Thread(target=crowd.collect, args=(source,)),
              threading.Thread(target=crowd.collect, args=(random.Random(options.seed + 1),))]
    for thread in writers + beside:
        thread.start()
    for thread in writers:
        thread.join()
    crowd.done.set()
    for thread in beside:
        thread.join()
    base.note(f"{options.writers} writers x {options.writes}, {crowd.reads} reads, {crowd.collected} collections, of "
              f"which {crowd.killed} killed and {crowd.busy} refused because another one worked")
    base.result("collections: nobody is disturbed", crowd.problems)
    there = {issue["id"] for issue in db.json("list", "--all", "--limit", "0")}
    base.result("collections: every acknowledged issue is there", sorted(set(crowd.made) - there))
    commits = len(db.commits()) - before
    wanted = options.writers * options.writes
    base.result("collections: every acknowledged write has its commit",
                [] if commits >= wanted else [f"{commits} commits, {wanted} writes"])
    base.check_store(db, "collections, before the last")
    db.must("gc", "--skip-decay", "--full")
    noms = os.path.join(db.store, ".dolt/noms")
    named = {name.replace(".darc", "") for folder in (noms, noms + "/oldgen")
             for name in open(folder + "/manifest", encoding="ascii").read().split(":")[5::2]}
    loose = [name for folder in (noms, noms + "/oldgen") for name in os.listdir(folder)
             if name not in ("LOCK", "manifest", "oldgen") and name.replace(".darc", "") not in named]
    base.result("collections: the last one leaves nothing but what the manifests name", loose)
    base.check_store(db, "collections, after the last")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="16 writers x 60 writes, 200 collections")
    for name in ("writers", "writes", "collections"):
        parser.add_argument("--" + name, type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the database where it is")
    options = parser.parse_args()
    sizes = dict(writers=16, writes=60, collections=100) if options.full else dict(writers=4, writes=8, collections=6)
    for name, size in sizes.items():
        if getattr(options, name) is None:
            setattr(options, name, size)
    scratch = tempfile.mkdtemp(prefix="bd-collect-")
    base.note(f"seed {options.seed}" + (f", {scratch}" if options.keep else ""))
    try:
        test(scratch, options)
    finally:
        if not options.keep:
            with contextlib.suppress(OSError):
                shutil.rmtree(scratch)
    print(f"1..{base.count}")
    return 1 if base.failures else 0


if __name__ == "__main__":
    sys.exit(main())
