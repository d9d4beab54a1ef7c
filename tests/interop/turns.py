#!/usr/bin/env python3
"""Two programs take turns on one database: ours and the one that BD_REFERENCE names (another bd of the same format).

usage: turns.py [--bd FILE]        (without BD_REFERENCE: skipped)

In a workspace that either made, they write in turns, each to what the other has just written. Afterwards both print
the same, and the referee (tools/doltref.py under BD_SHARED, when it is there) finds the store sound. Exit status 1:
something differed.
"""
import argparse, json, os, re, shutil, subprocess, sys, tempfile

ROUNDS = 5
COMMANDS = ("list --all --limit 0", "ready --limit 0", "blocked", "status", "count", "comments {theirs}", "show {theirs} {ours}",
            "history {theirs}", "search written", "dep list {ours}", "label list-all", "config list")
problems = []


class Program:
    def __init__(self, path, name, folder, env):
        self.path, self.name, self.folder, self.env = path, name, folder, env

    def run(self, *args):
        p = subprocess.run([self.path, *args], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, timeout=120)
        if p.returncode:
            problems.append("%s: %s: %s" % (self.name, " ".join(args), (p.stderr + p.stdout)[-400:]))
        return p.stdout.strip()

    def create(self, title, *args):
        return self.run("create", title, "--silent", *args).split("\n")[-1]


def take_turns(first, second):
    ids = []
    for n in range(ROUNDS):
        a = first.create("written first %d" % n, "-l", "first,n%d" % n, "-d", "Text %d" % n)
        b = second.create("written second %d" % n, "--deps", a, "-p", str(n % 5))
        first.run("comment", b, "seen by " + first.name)
        second.run("comment", a, "seen by " + second.name)
        first.run("update", b, "--notes", "note %d" % n)
        second.run("update", a, "--design", "design %d" % n, "--claim")
        if n % 2:
            first.run("close", a)
            second.run("close", b)
            second.run("reopen", a)
            first.run("dep", "remove", b, a)
        ids += [a, b]
    if len(set(ids)) != 2 * ROUNDS or not all(ids):
        problems.append("ids are missing or there twice: %s" % ids)
    return ids


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text


def play(maker, ours, theirs, folder):
    subprocess.run(["git", "init", "-q", "."], cwd=folder, env=ours.env, check=True)
    maker.run("init", "--prefix", "t", "--quiet", "--skip-hooks", "--skip-agents", "--non-interactive")
    ids = take_turns(theirs, ours)
    for command in COMMANDS:
        args = command.format(theirs=ids[0], ours=ids[1]).split()
        a, b = (parsed(p.run(*args, "--json")) for p in (ours, theirs))
        if a != b:
            problems.append("%s: ours %.600s\n   theirs %.600s" % (command, json.dumps(a), json.dumps(b)))
    found = {i["id"] for i in parsed(ours.run("list", "--all", "--limit", "0", "--json"))}
    if found != set(ids):
        problems.append("issues that are not there: %s" % (set(ids) ^ found))
    referee = os.path.join(os.environ.get("BD_SHARED", ""), "tools", "doltref.py")
    python = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
    data = os.path.join(folder, ".beads", "embeddeddolt")
    for name in os.listdir(data):
        if os.path.isdir(os.path.join(data, name, ".dolt")) and os.path.exists(referee):
            p = subprocess.run([python, referee, "fsck", os.path.join(data, name)], capture_output=True, text=True)
            if p.returncode:
                problems.append("the referee's fsck: " + (p.stdout + p.stderr)[-800:])


def main():
    p = argparse.ArgumentParser(usage=__doc__)
    p.add_argument("--bd", default=os.environ.get("BD_BINARY", "build/bd"))
    args = p.parse_args()
    reference = os.environ.get("BD_REFERENCE")
    if not reference:
        print("skipped: BD_REFERENCE does not name another bd to take turns with")
        return 0
    scratch = tempfile.mkdtemp(prefix="bd-turns-")
    env = {k: v for k, v in os.environ.items() if not re.match("(BEADS|BD|DOLT|GIT|XDG)_", k)}
    env.update(HOME=scratch, USER="tester", TZ="UTC", NO_COLOR="1", DOLT_DISABLE_EVENT_FLUSH="true",
               GIT_CONFIG_COUNT="3", GIT_CONFIG_KEY_0="user.name", GIT_CONFIG_VALUE_0="Test User",
               GIT_CONFIG_KEY_1="user.email", GIT_CONFIG_VALUE_1="test@example.com",
               GIT_CONFIG_KEY_2="init.defaultBranch", GIT_CONFIG_VALUE_2="main")
    try:
        for made_by in ("ours", "theirs"):
            folder = os.path.join(scratch, made_by)
            os.mkdir(folder)
            ours = Program(os.path.abspath(args.bd), "ours", folder, env)
            theirs = Program(os.path.abspath(reference), "theirs", folder, env)
            play({"ours": ours, "theirs": theirs}[made_by], ours, theirs, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    for text in problems:
        print("  " + text)
    print("turns: %s" % ("%d problems" % len(problems) if problems else "both agree"))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
