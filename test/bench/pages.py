#!/usr/bin/python3
"""Which pages of which table an event costs, as the log of changes has them.

  pages.py [--build build-bench] [--size 5k] [--connections 64] [--handlers]

A store with 3,000 events takes some more, at most as much as the log holds
between two checkpoints. Then each page in the log is looked up: whose is it?
Prints per table and index the pages of a commit, the KB of an event in the
log, and the KB of an event that a checkpoint would copy. The counts depend on
how many events come together, not on how fast the machine is.
"""

import argparse
import collections
import pathlib
import shutil
import sqlite3
import struct
import sys
import time

from context import ROOT, Bench, BenchError

BEFORE, LOG_BYTES = 3000, 24 << 20
HEAD, FRAME_HEAD = 32, 24
# What one event writes to the log at most, in KB, for how many are sent.
LOG_KB = {"0.3k": (8, 40), "5k": (20, 60), "40k": (70, 110)}


def frames(log):
    """Per page in the log its number; and how many commits there are."""
    size, = struct.unpack_from(">I", log, 8)
    pages, commits, at = [], 0, HEAD
    while at + FRAME_HEAD + size <= len(log):
        number, after_commit = struct.unpack_from(">II", log, at)
        if log[at + 8:at + 16] != log[16:24]:
            break  # of the time before the log started over
        pages.append(number)
        commits += after_commit != 0
        at += FRAME_HEAD + size
    return size, pages, commits


def owners(path):
    """Page number -> whose it is."""
    db = sqlite3.connect(path)
    found = dict(db.execute(
        "SELECT pageno, name || CASE pagetype WHEN 'overflow' THEN "
        "' (overflow)' WHEN 'internal' THEN ' (inner)' ELSE '' END "
        "FROM dbstat"))
    db.close()
    found[1] = "page 1"
    return found


def wait_done(server, folder):
    while server.query(folder, server.UNFINISHED)[0][0]:
        time.sleep(0.05)


def send(bench, running, options, requests, connections, first_order):
    bench.load(running, **bench.deliveries(
        options.size, connections=connections, requests=requests,
        first_order=first_order, seconds=120))


def measure(bench, options):
    """Returns the number of events, and what frames() and owners() say."""
    server = bench.servers["klikitd-handlers" if options.handlers
                           else "klikitd"]
    at_most_kb = LOG_KB[options.size][options.connections == 1]
    events = (LOG_BYTES >> 10) // at_most_kb
    running = server.start()
    send(bench, running, options, BEFORE, 64, 1000000000)
    wait_done(server, running.folder)
    if running.stop() != 0:
        raise BenchError("klikitd failed; see its log")
    running = server.start(running.folder)
    send(bench, running, options, events, options.connections, 2000000000)
    wait_done(server, running.folder)
    path = server.database_path(running.folder)
    copy = bench.new_folder("copy") / "klikitd.db"
    for end in ("", "-wal"):
        shutil.copy(f"{path}{end}", f"{copy}{end}")
    running.stop()
    log = pathlib.Path(f"{copy}-wal").read_bytes()
    return events, frames(log), owners(copy)


def show(events, found, owner):
    size, pages, commits = found
    written = collections.Counter(owner.get(n, "?") for n in pages)
    copied = collections.Counter(owner.get(n, "?") for n in set(pages))
    kb = 1 / 1024 / events
    print(f"{events} events in {commits} commits; pages of {size} bytes\n\n"
          f"{'':32}{'pages a':>9}{'KB an event':>14}{'KB an event':>14}\n"
          f"{'':32}{'commit':>9}{'in the log':>14}{'copied':>14}")
    for name, n in written.most_common():
        print(f"{name:32}{n / commits:9.2f}"
              f"{n * (size + FRAME_HEAD) * kb:14.3f}"
              f"{copied[name] * size * kb:14.3f}")
    print(f"{'all':32}{len(pages) / commits:9.2f}"
          f"{len(pages) * (size + FRAME_HEAD) * kb:14.3f}"
          f"{len(set(pages)) * size * kb:14.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=pathlib.Path,
                        default=ROOT / "build-bench")
    parser.add_argument("--size", choices=LOG_KB, default="5k")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--handlers", action="store_true")
    options = parser.parse_args()
    bench = Bench(options.build.resolve(), 300)
    try:
        show(*measure(bench, options))
    except BenchError as error:
        print(f"pages: {error}", file=sys.stderr)
        return 1
    finally:
        bench.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
