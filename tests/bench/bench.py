#!/usr/bin/env python3
"""Times single commands side by side, in one run: bd, the SQLite shell on the same rows, a bare durable append.

usage: bench.py --bd BD --append APPEND --grow GROW [--sizes 100,10000,100000] [--journals 1,100,1000] [-n RUNS]

Every figure is the median wall time of whole processes, runs of the peers interleaved. Ratios compare
medians of this very run; nothing is asserted. Work happens in a scratch folder that is removed again.
"""
import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

DEVNULL = open(os.devnull, "r+b")


def timed(argv, cwd, env):
    started = time.perf_counter()
    pid = os.posix_spawnp(argv[0], argv, env, file_actions=[
        (os.POSIX_SPAWN_DUP2, DEVNULL.fileno(), 0), (os.POSIX_SPAWN_DUP2, DEVNULL.fileno(), 1),
        (os.POSIX_SPAWN_DUP2, DEVNULL.fileno(), 2)])
    _, status = os.waitpid(pid, 0)
    took = time.perf_counter() - started
    if status != 0:
        raise SystemExit(f"bench: {' '.join(argv)} ended with status {status}")
    return took * 1000


def medians(commands, runs, cwd, env, grown=None):
    """commands: name -> function giving argv for run i. Interleaved; one warm-up each. cwd: where they run, or a
    function of the name that tells. grown: a function that gives the size of bd's store; the median growth by one
    command comes back as "bytes" (a run of the automatic collection, which some command now and then makes, does
    not count as growth)."""
    took = {name: [] for name in commands}
    growth = []
    os.sync()  # what was written to prepare the run is not written back during it
    for i in range(runs + 1):
        order = list(commands)
        if i % 2:
            order.reverse()
        for name in order:
            os.chdir(cwd(name) if callable(cwd) else cwd)
            before = grown() if grown and name == "bd" else 0
            ms = timed(commands[name](i), cwd, env)
            if i:
                took[name].append(ms)
            if grown and name == "bd":
                growth.append(grown() - before)
    result = {name: statistics.median(values) for name, values in took.items()}
    if grown:
        result["bytes"] = int(statistics.median(growth))
    return result


def issues(count):
    rng = random.Random(1)
    words = "login page cache index retry merge token branch parser socket error test deploy metric queue".split()
    for n in range(count):
        roll = rng.random()
        status = "closed" if roll < 0.70 else "in_progress" if roll < 0.74 else "open"
        text = " ".join(rng.choice(words) for _ in range(60))
        item = {
            "id": f"b-{n:06d}x", "title": " ".join(rng.choice(words) for _ in range(6)), "description": text,
            "status": status, "priority": rng.randrange(5), "issue_type": rng.choice(["task", "bug", "feature"]),
            "created_at": f"2026-01-{1 + n % 28:02d}T{n % 24:02d}:{n % 60:02d}:{(n * 7) % 60:02d}Z",
            "updated_at": "2026-02-01T00:00:00Z", "created_by": "bench", "labels": [rng.choice(words)],
        }
        if status == "closed":
            item["closed_at"] = "2026-02-01T00:00:00Z"
        if n > 10 and n % 3:
            item["dependencies"] = [{"issue_id": item["id"], "depends_on_id": f"b-{rng.randrange(n):06d}x",
                                     "type": "blocks", "created_at": "2026-01-01T00:00:00Z", "created_by": "bench"}]
        yield item


def sqlite_database(path, items):
    columns = ("id title description status priority issue_type created_at updated_at created_by closed_at "
               "is_blocked").split()
    script = ["begin;", "create table issues(id text primary key, title text, description text, status text, "
              "priority int, issue_type text, created_at text, updated_at text, created_by text, closed_at text, "
              "is_blocked int) without rowid;",
              "create table labels(issue_id text, label text, primary key(issue_id, label)) without rowid;",
              "create table events(id text primary key, issue_id text, event_type text, actor text, created_at text) "
              "without rowid;"]
    for index in "status priority issue_type created_at".split():
        script.append(f"create index i_{index} on issues({index});")
    script.append("create index i_blocked on issues(is_blocked, status);")
    quote = lambda v: "null" if v is None else "'" + str(v).replace("'", "''") + "'"
    for item in items:
        item = dict(item, is_blocked=1 if item.get("dependencies") and item["status"] != "closed" else 0)
        script.append(f"insert into issues values({','.join(quote(item.get(c)) for c in columns)});")
        script.append(f"insert into labels values({quote(item['id'])},{quote(item['labels'][0])});")
    script.append("commit;")
    subprocess.run(["sqlite3", path], input="\n".join(script).encode(), check=True)


def workspace(folder, options, env, items):
    os.makedirs(folder)
    subprocess.run(["git", "init", "-q", folder], check=True)
    subprocess.run([options.bd, "init", "--prefix", "b", "--quiet", "--skip-hooks", "--skip-agents",
                    "--non-interactive"], cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    lines = os.path.join(folder, "seed.jsonl")
    with open(lines, "w") as f:
        for item in items:
            f.write(json.dumps(item) + "\n")
    started = time.perf_counter()
    process = subprocess.Popen([options.bd, "import", lines], cwd=folder, env=env, stdout=DEVNULL, stderr=DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = status
    if status:
        raise SystemExit(f"bench: import ended with status {status}")
    return time.perf_counter() - started, used.ru_maxrss // 1024


def noms(folder):
    base = os.path.join(folder, ".beads", "embeddeddolt")
    for name in os.listdir(base):
        candidate = os.path.join(base, name, ".dolt", "noms")
        if os.path.isdir(candidate):
            return candidate
    raise SystemExit("bench: no database made by init")


def store_bytes(folder):
    path = noms(folder)
    return sum(os.path.getsize(os.path.join(path, name)) for name in os.listdir(path)
               if os.path.isfile(os.path.join(path, name)))


def commands_for(options, folder, database, count):
    some = f"b-{count // 2:06d}x"
    append = os.path.join(folder, "append.bin")
    sql = lambda text: (lambda i: ["sqlite3", database, text])
    bd = lambda *args: (lambda i: [options.bd, *args])
    now = "strftime('%Y-%m-%d %H:%M:%S')"
    return {
        "version": {"bd": bd("version"), "sqlite3": sql("select 1")},
        "show": {"bd": bd("show", some, "--json"), "sqlite3": sql(f"select * from issues where id='{some}'")},
        "list": {"bd": bd("list", "--json"), "sqlite3": sql(
            "select * from issues where status<>'closed' order by priority, created_at desc, id limit 50")},
        "ready": {"bd": bd("ready", "--json"), "sqlite3": sql(
            "select * from issues where is_blocked=0 and status in ('open','in_progress') "
            "order by priority, created_at desc, id limit 100")},
        "create": {"bd": lambda i: [options.bd, "create", f"Benchmark issue {i}", "--silent"],
                   "sqlite3": lambda i: ["sqlite3", database,
                                         f"begin; insert into issues values('c-'||hex(randomblob(4)),'Benchmark issue {i}',"
                                         f"'','open',2,'task',{now},{now},'bench',null,0); insert into events values("
                                         f"hex(randomblob(16)),'c','created','bench',{now}); commit"],
                   "append": lambda i: [options.append, append]},
        "update": {"bd": lambda i: [options.bd, "update", some, "--priority", str(i % 5), "--quiet"],
                   "sqlite3": lambda i: ["sqlite3", database,
                                         f"begin; update issues set priority={i % 5}, updated_at={now} where id='{some}';"
                                         f"insert into events values(hex(randomblob(16)),'{some}','updated','bench',{now});"
                                         "commit"],
                   "append": lambda i: [options.append, append]},
    }


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bd", required=True)
    parser.add_argument("--append", required=True)
    parser.add_argument("--grow", required=True)
    parser.add_argument("--sizes", default="100,10000,100000")
    parser.add_argument("--journals", default="1,100,1000", help="MB")
    parser.add_argument("-n", type=int, default=41)
    options = parser.parse_args()
    for name in ("bd", "append", "grow"):
        setattr(options, name, os.path.abspath(getattr(options, name)))
    scratch = tempfile.mkdtemp(prefix="bd-bench.")
    env = {"PATH": os.environ["PATH"], "HOME": scratch, "BD_ACTOR": "bench", "TZ": "UTC", "GIT_AUTHOR_EMAIL": "b@example.com"}
    try:
        print(f"{'':24}{'bd ms':>9}{'sqlite3':>9}{'append':>9}{'bd/sqlite3':>12}{'bd/append':>11}")
        for count in (int(s) for s in options.sizes.split(",")):
            items = list(issues(count))
            folder, database = os.path.join(scratch, f"w{count}"), os.path.join(scratch, f"s{count}.db")
            seconds, peak = workspace(folder, options, env, items)
            sqlite_database(database, items)
            print(f"{count} issues, imported in {seconds:.2f} s with {peak} MB")
            for name, commands in commands_for(options, folder, database, count).items():
                m = medians(commands, options.n, folder, env,
                            (lambda: store_bytes(folder)) if "append" in commands else None)
                line = f"  {name:22}{m['bd']:9.2f}{m['sqlite3']:9.2f}{m.get('append', 0):9.2f}{m['bd'] / m['sqlite3']:12.2f}"
                if "append" in m:
                    line += f"{m['bd'] / m['append']:11.2f}  {m['bytes']} bytes each"
                print(line, flush=True)
        sizes = [int(s) for s in options.journals.split(",")]
        folders = {f"{mb} MB": os.path.join(scratch, f"journal{mb}") for mb in sizes}
        for megabytes, folder in zip(sizes, folders.values()):
            workspace(folder, options, env, list(issues(1000)))
            subprocess.run([options.grow, noms(folder), str(megabytes)], check=True)
        print("journal                  " + "".join(f"{size:>9}" for size in folders) + "  worst/best")
        for name in commands_for(options, scratch, "", 1000):
            runs = {size: commands_for(options, folders[size], "", 1000)[name]["bd"] for size in folders}
            m = medians(runs, options.n, folders.get, env)
            print(f"  {name:22} " + "".join(f"{m[size]:9.2f}" for size in folders) +
                  f"{max(m.values()) / min(m.values()):12.2f}", flush=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
