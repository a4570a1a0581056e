#!/usr/bin/python3
"""How long a store of an older version takes to be brought up to date.

  migrate.py --old OLD/klikitd --new build-bench/klikitd [--events 1000000]

OLD makes the store, which is then filled by SQL (fill.py): so many events
that are done, a twentieth of them with their bodies. NEW is started on it and
stopped when it is ready. Prints the seconds from its start to that, the size
of the database before and after, the most that its folder took meanwhile, and
the most memory of the process. Exit status 1: an event is missing.
"""

import argparse
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

import fill

CONFIG = ("[http]\nlisten = 127.0.0.1:0\n[admin]\nlisten =\n"
          "[log]\nlevel = info\n[store]\nurl = sqlite:klikitd.db\n")
BODY = '{"orders":[{"id":@ORDER@,"status":1,"note":"' + "x" * 4900 + '"}]}'
MB = 1 << 20


def start(binary, folder):
    process = subprocess.Popen(
        [binary, "serve", "-c", folder / "klikitd.ini"], text=True,
        stdout=subprocess.PIPE, stderr=open(folder / "log", "a"),
        env={**os.environ, "KLIKIT_WEBHOOK_SECRET": "klikit-test-secret"})
    for line in process.stdout:
        if line.startswith("listening: "):
            return process
    sys.exit((folder / "log").read_text())


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait()


def memory_mb(process):
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024


class Folder(threading.Thread):
    """Watches how much a folder takes."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.most, self.ended = path, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.wait(0.1):
            total = 0
            for file in self.path.iterdir():
                try:
                    total += file.stat().st_size
                except FileNotFoundError:
                    pass
            self.most = max(self.most, total)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--old", required=True)
    parser.add_argument("--new", required=True)
    parser.add_argument("--events", type=int, default=1000000)
    parser.add_argument("--home", help="where to make the store")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.home) as home:
        folder = pathlib.Path(home)
        (folder / "klikitd.ini").write_text(CONFIG)
        database = folder / "klikitd.db"
        stop(start(options.old, folder))
        fill.events(database, options.events, BODY.encode(),
                    int(time.time() * 1000), purged=True)
        with sqlite3.connect(database) as db:
            db.execute("INSERT INTO bodies SELECT id, CAST(? AS BLOB) "
                       "FROM events WHERE id % 20 = 0", (BODY,))
            db.execute("INSERT INTO orders (order_id, status, version_key, "
                       "event, place) SELECT order_id, status, "
                       "zeroblob(47), event, place FROM event_orders")
        db.close()
        os.sync()
        before = database.stat().st_size
        watch = Folder(folder)
        began = time.monotonic()
        process = start(options.new, folder)
        seconds = time.monotonic() - began
        watch.ended.set()
        memory = memory_mb(process)
        stop(process)
        db = sqlite3.connect(database)
        count, = db.execute("SELECT count(*) FROM events").fetchone()
        db.close()
        print((folder / "log").read_text())
        print(f"{count} events: {seconds:.1f} s, {before / MB:.0f} MB before, "
              f"{database.stat().st_size / MB:.0f} MB after, at most "
              f"{watch.most / MB:.0f} MB on the disk, {memory:.0f} MB memory")
        return 0 if count == options.events else 1


if __name__ == "__main__":
    sys.exit(main())
