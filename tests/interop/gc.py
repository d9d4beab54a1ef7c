#!/usr/bin/env python3
"""Collects copies of real and golden databases; an independent reader of the format is the referee.

usage: gc.py --collect PROGRAM [--bd PROGRAM] [--keep DIR] [NAME...]   (names of archives; none: all; joined: only that)

BD_SHARED names the folder with data/ and tools/doltref.py. For every intact database and each of: default, full,
full into table files:
  * the root, the hash of every table and the history stay what they were;
  * the referee finds the store sound, and no file is left that no manifest names;
  * a second collection has nothing to do and takes at most 10 ms.
Damaged databases are refused and stay as they were. BD_DOLT may name dolt executables (separated by blanks): they
check the result, and the first one collects a copy too: ours must not be larger.
With --bd: a store of many automatic collections, whose archives were joined. Every dolt checks it, reads it and collects it
once more, and afterwards our check, the referee and the issues must say the same as before.
Exit status 1: something differed.
"""
import argparse, json, os, re, shutil, subprocess, sys, tempfile

SHARED = os.environ.get("BD_SHARED", "")
DOLTS = os.environ.get("BD_DOLT", "").split()
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
problems = []


def problem(name, text):
    problems.append((name, text))
    print("  %s: %s" % (name, text), flush=True)


def referee(*args):
    p = subprocess.run([PYTHON, os.path.join(SHARED, "tools", "doltref.py"), *args], capture_output=True, text=True)
    return p.returncode, p.stdout + p.stderr


def content(db):
    """What must not change: references, history, and every table's hash at every reference."""
    return {c: referee(c, db) for c in ("refs", "hash")} | {"log": referee("log", db)}


def files(db):
    """(bytes of chunk files, names that no manifest has)"""
    noms, total, loose = os.path.join(db, ".dolt", "noms"), 0, []
    for folder in (noms, os.path.join(noms, "oldgen")):
        try:
            named = open(os.path.join(folder, "manifest")).read().split(":")[5::2]
        except FileNotFoundError:
            named = []
        for name in os.listdir(folder) if os.path.isdir(folder) else []:
            if not re.match("([0-9a-v]{32}(.darc)?|nbs_.*)$", name):
                continue
            total += os.path.getsize(os.path.join(folder, name))
            if name.replace(".darc", "") not in named:
                loose.append(name)
    return total, loose


def find_databases(folder):
    """Folders with .dolt; bare stores are put into such a folder. Nested statistics are left alone."""
    found = []
    for at, folders, names in os.walk(folder):
        if ".dolt" in folders:
            found.append(at)
            folders.clear()
        elif "manifest" in names and not os.path.basename(at) in ("noms", "oldgen"):
            noms = at + ".as-db/.dolt/noms"
            os.makedirs(os.path.dirname(noms))
            shutil.copytree(at, noms)
            found.append(at + ".as-db")
            folders.clear()
    return [d for d in found if os.path.exists(os.path.join(d, ".dolt/noms/manifest"))]


def dolt(program, db, scratch, *args):
    home = os.path.join(scratch, "home")
    os.makedirs(home, exist_ok=True)
    if not os.path.exists(os.path.join(db, ".dolt/repo_state.json")):
        with open(os.path.join(db, ".dolt/repo_state.json"), "w") as f:
            f.write('{\n  "head": "refs/heads/main",\n  "remotes": {},\n  "backups": {},\n  "branches": {}\n}')
    env = dict(os.environ, HOME=home, DOLT_DISABLE_EVENT_FLUSH="true")
    p = subprocess.run([program, *args], cwd=db, env=env, capture_output=True, text=True)
    return p.returncode, p.stdout + p.stderr


def collect(program, db, *how):
    p = subprocess.run([program, db, *how], capture_output=True, text=True)
    return json.loads(p.stdout) if p.returncode == 0 else p.stderr.strip()


def check(name, db, how, scratch, options):
    before = content(db)
    result = collect(options.collect, db, *how)
    where = "%s %s" % (name, " ".join(how) or "default")
    if isinstance(result, str):
        problem(where, result)
        return
    if content(db) != before:
        problem(where, "references, history or content differ")
    status, text = referee("fsck", db)
    if status:
        problem(where, "referee: " + text[-1500:])
    size, loose = files(db)
    if loose:
        problem(where, "left over: %s" % loose)
    for _ in range(5):  # what else the machine does only adds to the time
        again = collect(options.collect, db, *how)
        if not isinstance(again, str) and again["seconds"] <= 0.010:
            break
    if isinstance(again, str) or not again["nothing"] or again["seconds"] > 0.010:
        problem(where, "collected again: %s" % again)
    print("  %-44s %9d -> %8d  %5d chunks %6.3f s %6d KB" % (where, result["before"], size, result["chunks"],
                                                            result["seconds"], result["rss_kb"]), flush=True)
    return size


def judge_with_dolt(name, db, original, size, scratch):
    for program in DOLTS:
        copy = tempfile.mkdtemp(dir=scratch) + "/db"
        shutil.copytree(db, copy, symlinks=True)
        status, text = dolt(program, copy, scratch, "fsck")
        known = "got SLST" in text or "GhostValue" in text  # dolt's own, on any store with a stash or a shallow clone
        if status and not known:
            reference = tempfile.mkdtemp(dir=scratch) + "/db"
            shutil.copytree(original, reference, symlinks=True)
            if dolt(program, reference, scratch, "fsck")[0] == 0:
                problem(name, "%s fsck: %s" % (os.path.basename(program), text[-800:]))
    if DOLTS:
        copy = tempfile.mkdtemp(dir=scratch) + "/db"
        shutil.copytree(original, copy, symlinks=True)
        status, text = dolt(DOLTS[0], copy, scratch, "gc", "--full")
        theirs = files(copy)[0]
        print("  %-44s dolt gc --full leaves %d%s" % (name, theirs, "" if status == 0 else " (it failed)"), flush=True)
        if status == 0 and size > theirs:
            problem(name, "%d bytes, dolt gc --full leaves %d" % (size, theirs))


ROUNDS, WRITES = 22, 3


def archives(db):
    folder = os.path.join(db, ".dolt/noms/oldgen")
    return {n: os.path.getsize(os.path.join(folder, n)) for n in os.listdir(folder) if n.endswith(".darc")}


def make_joined(bd, program, scratch):
    """A workspace written to and collected in steps until archives of steps were joined, and those joined again."""
    workspace = tempfile.mkdtemp(dir=scratch)
    env = dict(os.environ, HOME=workspace, BD_ACTOR="joiner", GIT_CONFIG_GLOBAL="/dev/null")
    call = lambda *args: subprocess.run([bd, *args], cwd=workspace, env=env, capture_output=True, text=True)
    subprocess.run(["git", "init", "-q"], cwd=workspace, env=env, check=True)
    call("init", "--prefix", "j", "--quiet")
    base = os.path.join(workspace, ".beads/embeddeddolt")
    db = next(os.path.join(base, n) for n in sorted(os.listdir(base)) if os.path.isdir(os.path.join(base, n, ".dolt")))
    joined, before, made = 0, {}, 0
    for i in range(ROUNDS):
        for k in range(WRITES):
            p = call("create", "issue %d of round %d" % (k, i), "-d", "text " * 200 + str(i * k))
            made += p.returncode == 0
            if p.returncode:
                problem("joined", "bd create: " + p.stderr)
        result = collect(program, db, "step")
        if isinstance(result, str):
            problem("joined", result)
        now = archives(db)
        gone = [n for n in before if n not in now]
        if len(gone) > 1 and len(now) < len(before) + 1:
            joined += 1
        before = now
    return workspace, db, joined, made, call


def check_joined(options, scratch):
    workspace, db, joined, made, call = make_joined(options.bd, options.collect, scratch)
    print("  joined: %d joins, %d archives left, %d issues" % (joined, len(archives(db)), made), flush=True)
    if joined < 3:
        problem("joined", "only %d joins: nothing was tested" % joined)
    before = content(db)
    status, text = referee("fsck", db)
    if status:
        problem("joined", "referee: " + text[-1500:])
    for program in DOLTS:
        name = "joined, " + os.path.basename(program)
        copy = tempfile.mkdtemp(dir=scratch) + "/" + os.path.basename(db)
        shutil.copytree(db, copy, symlinks=True)
        for step, args in (("fsck", ["fsck"]), ("log", ["log", "--oneline"]),
                           ("sql", ["sql", "-r", "csv", "-q", "select count(*) from issues"]), ("gc", ["gc"]),
                           ("fsck after gc", ["fsck"]), ("gc", ["gc", "--full"]), ("fsck after gc --full", ["fsck"])):
            status, text = dolt(program, copy, scratch, *args)
            if status:
                problem(name, "%s: %s" % (step, text[-800:]))
            elif step == "log" and text.count("\n") < made:
                problem(name, "log: %d lines for %d commits" % (text.count("\n"), made))
            elif step == "sql" and text.split() != ["count(*)", str(made)]:
                problem(name, "sql: %r, %d issues" % (text, made))
            elif step == "gc":
                print("  %s: dolt %s leaves %d bytes of %d" % (name, " ".join(args), files(copy)[0], files(db)[0]), flush=True)
        ours = subprocess.run([options.bd, "fsck", copy], capture_output=True, text=True)
        if ours.returncode:
            problem(name, "bd fsck: " + ours.stdout[-800:] + ours.stderr)
        if content(copy) != before:
            problem(name, "references, history or content differ after dolt gc")
        status, text = referee("fsck", copy)
        if status:
            problem(name, "referee after dolt gc: " + text[-1500:])
    ours = call("list", "--json", "--limit", "0", "--all")
    if ours.returncode or len(json.loads(ours.stdout)) != made:
        problem("joined", "bd list: %s" % (ours.stderr or ours.stdout[:200]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--collect", required=True)
    parser.add_argument("--bd")
    parser.add_argument("--keep")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    options.bd = options.bd and os.path.abspath(options.bd)
    options.collect = os.path.abspath(options.collect)
    data = os.path.join(SHARED, "data")
    if not os.path.isdir(os.path.join(data, "golden")):
        print("skipped: BD_SHARED does not name the folder with data/golden")
        return 0
    packed = [os.path.join(data, n) for n in sorted(os.listdir(data)) if re.match(r"dolt-.*\.tar\.zst$", n)]
    packed += [os.path.join(data, "golden", n) for n in sorted(os.listdir(data + "/golden")) if n.endswith(".tar.zst")]
    scratch = options.keep or tempfile.mkdtemp(prefix="bd-gc-")
    os.makedirs(scratch, exist_ok=True)
    count = 0
    if options.bd and (not options.names or "joined" in options.names):
        check_joined(options, scratch)
    for archive in packed:
        name = os.path.basename(archive)[:-len(".tar.zst")]
        if options.names and name not in options.names:
            continue
        here = os.path.join(scratch, name)
        os.makedirs(here)
        subprocess.run(["tar", "--zstd", "-xf", archive, "-C", here], check=True)
        for db in find_databases(here):
            if referee("fsck", db)[0] or "damaged" in name:
                result = collect(options.collect, db, "full") if "damaged" in name else "skipped"
                print("  %s: not intact: %s" % (name, str(result)[:150]))
                if not isinstance(result, str):
                    problem(name, "a damaged database was collected")
                continue
            count += 1
            for how in ([], ["full", "tables"], ["full"]):
                copy = os.path.join(scratch, "copy")
                shutil.copytree(db, copy, symlinks=True)
                size = check(name, copy, how, scratch, options)
                if how == ["full"] and size is not None:
                    judge_with_dolt(name, copy, db, size, scratch)
                shutil.rmtree(copy)
        for entry in os.listdir(scratch):
            if entry not in ("home",) and not options.keep:
                shutil.rmtree(os.path.join(scratch, entry))
    if not options.keep:
        shutil.rmtree(scratch)
    print("%d databases, %d problems" % (count, len(problems)))
    return 1 if problems else 0


sys.exit(main())
