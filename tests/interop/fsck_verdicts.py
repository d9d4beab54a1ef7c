#!/usr/bin/env python3
"""bd fsck against an independent checker.

First every intact database that was handed down must be clean; then seeded random damages (flipped bytes,
truncations, zeroed ranges, at any place of any file of a store) are applied to copies, and both must give
the same verdict. After `bd fsck --repair` a store that bd calls clean must be clean for the checker too.

  fsck_verdicts.py --bd BD --shared DIR [--damages N] [--seed S]

Needs $BD_SHARED with data/ and tools/doltref.py. Prints the seed and each disagreement.
"""
import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

JOURNAL = "v" * 32
# Small stores of every layout, for damages.
VICTIMS = ["layout-journal", "layout-journal-2.1.11", "layout-gc", "layout-gc-level0", "layout-gc-thrice",
           "layout-gc-thrice-2.1.11", "layout-gc-dictionary", "layout-clone", "layout-file-remote",
           "layout-gc-full-level0-journal", "layout-shallow-clone", "types-2.1.11", "history-criss-cross"]
INTACT_NOT = {"dolt-damaged-01", "dolt-damaged-02"}


def stores_below(folder):
    for path, folders, files in os.walk(folder):
        folders.sort()
        if os.path.basename(path) != "oldgen" and ("manifest" in files or JOURNAL in files):
            yield path


class Verdicts:
    def __init__(self, args, scratch):
        self.bd, self.scratch = os.path.abspath(args.bd), scratch
        self.referee = ["/usr/bin/python3", os.path.join(args.shared, "tools/doltref.py"), "fsck", "--json"]
        self.data = os.path.join(args.shared, "data")

    def unpack(self, archive):
        name = os.path.basename(archive)[:-len(".tar.zst")]
        target = os.path.join(self.scratch, name)
        if not os.path.isdir(target):
            os.mkdir(target)
            subprocess.run(["tar", "--zstd", "-xf", archive, "-C", target], check=True)
        return target

    def ours(self, store, *flags):
        p = subprocess.run([self.bd, "fsck", "--json", *flags, store], capture_output=True, text=True)
        if p.returncode not in (0, 1):
            return None, "exit %d: %s" % (p.returncode, p.stderr[:300])
        if not p.stdout.strip():
            return False, p.stderr[:300]
        answer = json.loads(p.stdout)
        return answer["clean"], [f["code"] + ": " + f["message"][:120] for f in answer["findings"]
                                 if f["severity"] == "error"][:3]

    def theirs(self, store):
        p = subprocess.run(self.referee + [store], capture_output=True, text=True)
        try:
            answer = json.loads(p.stdout)
            return answer["clean"], answer["problems"][:3]
        except ValueError:
            return False, p.stderr[:200]


def damage(rng, store):
    """One random damage; what was done."""
    files = sorted(os.path.join(path, f) for path, _, names in os.walk(store) for f in names
                   if len(f) in (32, 37) and f != "ghostObjects.txt" or f == "manifest")
    files = [f for f in files if os.path.getsize(f)]
    path = rng.choice(files)
    size, how = os.path.getsize(path), rng.choice(["flip", "flip", "flip", "truncate", "zero"])
    at = rng.randrange(size)
    with open(path, "r+b") as f:
        if how == "flip":
            f.seek(at)
            old = f.read(1)[0]
            f.seek(at)
            f.write(bytes([old ^ 1 << rng.randrange(8)]))
        elif how == "truncate":
            f.truncate(at)
        else:
            f.seek(at)
            f.write(bytes(min(rng.choice([1, 20, 512]), size - at)))
    return "%s %s at %d of %d" % (how, os.path.relpath(path, store), at, size)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bd", required=True)
    p.add_argument("--shared", required=True)
    p.add_argument("--damages", type=int, default=300)
    p.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    args = p.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    print("seed %d" % args.seed)
    failures = 0
    with tempfile.TemporaryDirectory(prefix="bd-fsck-") as scratch:
        v = Verdicts(args, scratch)
        archives = sorted(os.path.join(v.data, d, f) for d in ("", "golden")
                          for f in os.listdir(os.path.join(v.data, d)) if f.endswith(".tar.zst"))
        clean = 0
        for archive in archives:
            name = os.path.basename(archive)[:-len(".tar.zst")]
            if not name.startswith(("dolt-", "layout-", "history-", "types-", "beads-", "merge-")):
                continue
            for store in stores_below(v.unpack(archive)):
                verdict, why = v.ours(store)
                if verdict != (name not in INTACT_NOT):
                    failures += 1
                    print("%s: clean is %s: %s" % (name, verdict, why))
                clean += bool(verdict)
        print("%d intact stores are clean" % clean)

        rng, same, mended, broken = random.Random(args.seed), 0, 0, 0
        for number in range(args.damages):
            name = rng.choice(VICTIMS)
            source = next(stores_below(v.unpack(os.path.join(v.data, "golden", name + ".tar.zst"))))
            root = source
            while os.path.basename(os.path.dirname(root)) != name and os.path.dirname(root) != scratch:
                root = os.path.dirname(root)
            copy = os.path.join(scratch, "copy")
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(root, copy)
            store = next(stores_below(copy))
            done = damage(rng, store)
            mine, why = v.ours(store)
            other, reason = v.theirs(store)
            if mine is None or mine != other:
                failures += 1
                print("damage %d, %s, %s:\n  bd    %s %s\n  other %s %s" % (number, name, done, mine, why, other, reason))
                continue
            same += 1
            if sys.stderr.isatty() and number % 20 == 0:
                print("\r%d" % number, end="", file=sys.stderr)
            if mine:
                continue
            broken += 1
            after, why = v.ours(store, "--repair")
            other, reason = v.theirs(store)
            mended += bool(after)
            if after is None or (after and not other):
                failures += 1
                print("damage %d, %s, %s, repaired:\n  bd    %s %s\n  other %s %s" % (number, name, done, after, why, other, reason))
        print("%d damages: %d equal verdicts, %d broken, %d of them mended without loss" % (args.damages, same, broken, mended))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
