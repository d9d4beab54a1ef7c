#!/usr/bin/env python3
"""Runs test programs that speak TAP, a few at a time, and sums up.

usage: run_tests.py [-j N] [--bats DIR] PROGRAM…

A PROGRAM that ends in .py is run by this Python. Prints what failed with its output, then one line `N passed, N failed, N skipped`.
"""
import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import time

RESULT = re.compile(r"^(ok|not ok)\b\s*\d*\s*-?\s*(.*)$")


def run(command):
    started = time.monotonic()
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=900, env=env)
        output, status = done.stdout.decode("utf-8", "replace"), done.returncode
    except subprocess.TimeoutExpired as late:
        output, status = (late.stdout or b"").decode("utf-8", "replace") + "\n(no end after 900 s)", 1
    passed = failed = skipped = 0
    for line in output.splitlines():
        match = RESULT.match(line)
        if not match:
            continue
        if "# skip" in line.lower():
            skipped += 1
        elif match.group(1) == "ok":
            passed += 1
        else:
            failed += 1
    if status != 0 and failed == 0:
        failed = 1  # died before it could say what failed
    return command, output, passed, failed, skipped, time.monotonic() - started


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-j", type=int, default=os.cpu_count() or 2)
    parser.add_argument("-v", action="store_true")
    parser.add_argument("--bats", action="append", default=[])
    parser.add_argument("programs", nargs="*")
    options = parser.parse_args()
    commands = [[sys.executable, p] if p.endswith(".py") else [p] for p in options.programs]
    for folder in options.bats:
        for name in sorted(os.listdir(folder)):
            if name.endswith(".bats"):
                commands.append(["bats", "--tap", os.path.join(folder, name)])
    totals = [0, 0, 0]
    with concurrent.futures.ThreadPoolExecutor(options.j) as pool:
        for command, output, passed, failed, skipped, seconds in pool.map(run, commands):
            totals[0] += passed
            totals[1] += failed
            totals[2] += skipped
            name = os.path.basename(command[-1])
            note = f", {failed} FAILED" if failed else ""
            note += f", {skipped} skipped" if skipped else ""
            print(f"{name}: {passed} passed{note} ({seconds:.1f} s)", flush=True)
            if failed or options.v:
                print(output, flush=True)
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped")
    return 1 if totals[1] or not totals[0] else 0


if __name__ == "__main__":
    sys.exit(main())
