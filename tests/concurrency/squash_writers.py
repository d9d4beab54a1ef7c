#!/usr/bin/env python3
"""Many processes write one database while others squash its history and collect what is left. Speaks TAP.

usage: squash_writers.py [--full] [--writers N] [--writes N] [--squashes N] [--seed N]

What must hold afterwards: no command fails, every acknowledged write has its effect, every commit that
stays is one whole write, and the store is in order.
"""
import argparse
import contextlib
import random
import shutil
import sys
import tempfile
import threading

import many_writers as common

KINDS = (("flatten", "--force"), ("compact", "--force", "--days", "0"),
         ("flatten", "--force", "--keep-recent", "5"), ("flatten", "--force", "--all-branches"),
         ("gc", "--force", "--skip-decay"))


class Squasher:
    """Squashes in all ways, one after the other, until nobody writes any more and it has done enough."""

    def __init__(self, db, source, times):
        self.db, self.random, self.times = db, source, times
        self.writing = True
        self.done, self.problems = 0, []

    def run(self):
        while self.writing or self.done < self.times:
            args = self.random.choice(KINDS)
            status, out, err = self.db.call(*args)
            self.done += 1
            if status:
                self.problems.append(f"bd {' '.join(args)} [{status}] {out} {err}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="50 x 20 writes, at least 100 squashes")
    for name in ("writers", "writes", "squashes"):
        parser.add_argument("--" + name, type=int)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    sizes = dict(writers=50, writes=20, squashes=100) if options.full else dict(writers=6, writes=5, squashes=8)
    for name, size in sizes.items():
        if getattr(options, name) is None:
            setattr(options, name, size)
    scratch = tempfile.mkdtemp(prefix="bd-squash-writers-")
    common.note(f"seed {options.seed}")
    try:
        db = common.Database(scratch, "squashed")
        shared = [db.create(f"shared {n}") for n in range(10)]
        db.must("branch", "side")
        squasher = Squasher(db, random.Random(options.seed), options.squashes)
        thread = threading.Thread(target=squasher.run)
        thread.start()
        crowd = common.Crowd(db, random.Random(options.seed))
        seconds = crowd.run(options.writers, options.writes, shared, readers=2)
        squasher.writing = False
        thread.join()
        common.note(f"{len(crowd.writes)} writes in {seconds:.2f} s, {squasher.done} squashes and collections, "
                    f"{crowd.reads} reads")
        common.result("all writes exit 0", [str(w) for w in crowd.writes if w.status != 0])
        common.result("all squashes and collections exit 0", squasher.problems)
        common.result("no reader fails", crowd.read_problems)
        common.result("each write has its effect", common.check_effects(db, crowd.writes))
        problems, wanted = [], {write.key() for write in crowd.writes}
        for commit in db.commits():
            if commit["message"].startswith(("flatten:", "compact:", "Initialize", "bd init", "schema:", "create non")):
                continue
            what, complaint = common.described(db.json("vc", "show", commit["hash"])["diff"])
            if complaint or (what[0] not in wanted and not what[0][1].startswith("shared ")):
                problems.append(f"commit {commit['hash']} ({commit['message']}): {complaint or what}")
        common.result("each commit that stays is one whole write", problems)
        db.must("flatten", "--force", "--all-branches")
        common.result("in the end the history is short", [] if len(db.commits()) <= 3 else [str(len(db.commits()))])
        common.check_store(db, "after the squashes")
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(scratch)
    print(f"1..{common.count}")
    return 1 if common.failures else 0


if __name__ == "__main__":
    sys.exit(main())
