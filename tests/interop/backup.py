#!/usr/bin/env python3
"""Backups of real databases: bd restores what Dolt copied, Dolt (if BD_DOLT names one) restores what bd copied.

usage: backup.py --bd BD      (BD_SHARED names the shared data; without it: skipped)

For every intact database and backup of the corpus: restore it into a new workspace, back that up, restore the
backup again; the root hash, the counts and an export stay the same. With BD_DOLT the restored database and the
backup pass `dolt fsck`, a remote that Dolt pushed to is what `bd bootstrap` clones, and Dolt pushes and pulls
from the clone. Exit status 1: something differs.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FAILURES = []


def run(command, where, env, check=True):
    p = subprocess.run([str(c) for c in command], cwd=where, env=env, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if check and p.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {p.stderr or p.stdout}")
    return p


def expect(what, condition, detail=""):
    if not condition:
        FAILURES.append(what)
        print(f"backup: {what}: {detail}")


def workspace(folder, env, name="t"):
    folder.mkdir(parents=True)
    run(["git", "init", "-q", "."], folder, env)
    beads = folder / ".beads"
    beads.mkdir(mode=0o700)
    (beads / "metadata.json").write_text(json.dumps({"dolt_database": name}))
    return beads / "embeddeddolt" / name


def root_of(folder):
    return re.match(r"[45]:__DOLT__:\w+:(\w+)", (folder / "manifest").read_text()).group(1)


def export(bd, where, env):
    return run([bd, "export", "--all"], where, env).stdout


def fsck(dolt, store, env):
    p = run([dolt, "fsck"], store, env, check=False)
    return p.returncode == 0, p.stdout + p.stderr


def database(bd, dolt, name, source, scratch, env):
    one, two = scratch / "one", scratch / "two"
    backup = scratch / "backup"
    for folder in (one, two, backup):
        shutil.rmtree(folder, ignore_errors=True)
    store = workspace(one, env)
    run([bd, "backup", "restore", source], one, env)
    root = root_of(store / ".dolt" / "noms")
    listed = run([bd, "--db", store, "export", "--all"], one, env).stdout
    run([bd, "backup", "init", backup], one, env)
    run([bd, "backup", "sync"], one, env)
    expect(f"{name}: a backup says that nothing is new", "up to date" in run([bd, "backup", "status"], one, env).stdout)
    again = workspace(two, env)
    run([bd, "backup", "restore", backup], two, env)
    expect(f"{name}: exports differ", export(bd, two, env) == listed)
    expect(f"{name}: roots differ", root == root_of(backup) or root_of(again / ".dolt" / "noms") == root_of(backup))
    if dolt:
        for folder in (store, again):
            expect(f"{name}: dolt fsck", *fsck(dolt, folder, env))
        other = scratch / "dolt"
        shutil.rmtree(other, ignore_errors=True)
        other.mkdir()
        run([dolt, "backup", "restore", f"file://{backup}", "r"], other, env)
        expect(f"{name}: dolt fsck of what dolt restored", *fsck(dolt, other / "r", env))
        expect(f"{name}: what dolt restored", run([bd, "--db", other / "r", "export", "--all"], other, env).stdout == listed)


def remotes(bd, dolt, scratch, env):
    """Dolt pushes, bd bootstraps, Dolt pushes from there and pulls at the first."""
    first, second, remote = scratch / "first", scratch / "second", scratch / "remote"
    first.mkdir()
    run(["git", "init", "-q", "."], first, env)
    run([bd, "init", "-q", "--prefix", "t", "--skip-hooks", "--skip-agents", "--non-interactive"], first, env)
    store = first / ".beads/embeddeddolt/t"
    for title in "one", "two", "three":
        run([bd, "create", title], first, env)
    run([dolt, "remote", "add", "origin", f"file://{remote}"], store, env)
    run([dolt, "push", "origin", "main"], store, env)
    clone = workspace(second, env)
    (second / ".beads/config.yaml").write_text(f"sync.remote: file://{remote}\n")
    run([bd, "bootstrap", "--yes"], second, env)
    expect("a clone has what was pushed", run([bd, "count"], second, env).stdout.strip() == "3")
    run([bd, "create", "four"], second, env)
    expect("dolt fsck of a clone", *fsck(dolt, clone, env))
    run([dolt, "push", "origin", "main"], clone, env)
    run([dolt, "pull", "origin", "main"], store, env)
    expect("what the clone pushed came back", run([bd, "count"], first, env).stdout.strip() == "4")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--bd", required=True)
    bd = pathlib.Path(p.parse_args().bd).resolve()
    shared, dolt = os.environ.get("BD_SHARED"), os.environ.get("BD_DOLT")
    if not shared:
        print("backup: skipped, BD_SHARED names no data")
        return 0
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="bd-backup-"))
    env = {k: v for k, v in os.environ.items() if not re.match(r"(BEADS|BD|GIT|DOLT|XDG)_", k)}
    env.update(HOME=str(scratch / "home"), DOLT_DISABLE_EVENT_FLUSH="true", USER="tester")
    (scratch / "home").mkdir()
    count = 0
    try:
        for key, value in (("user.name", "Tester"), ("user.email", "t@example.com")):
            run(["git", "config", "--global", key, value], scratch, env)
            if dolt:
                run([dolt, "config", "--global", "--add", key, value], scratch, env)
        for archive in sorted(pathlib.Path(shared, "data").glob("dolt-*.tar.zst")):
            name = archive.name.removesuffix(".tar.zst")
            if re.search("damaged|stub|gitremote", name):
                continue  # nothing to restore, or kept in a git repository
            data = scratch / "data"
            shutil.rmtree(data, ignore_errors=True)
            data.mkdir()
            run(["tar", "--zstd", "-xf", archive, "-C", data], scratch, env)
            manifests = [m for m in sorted(data.rglob("manifest"))
                         if not re.search("/(oldgen|stats|git-remote-cache)/", str(m))]
            source = manifests[0].parent
            if source.name == "noms":
                source = source.parent.parent
            try:
                database(bd, dolt, name, source, scratch, env)
                count += 1
            except RuntimeError as e:
                expect(name, False, str(e)[:600])
        if dolt:
            remotes(bd, dolt, scratch, env)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print(f"backup: {count} databases copied both ways{' with dolt' if dolt else ''}, {len(FAILURES)} differ")
    return 1 if FAILURES else 0


sys.exit(main())
