#!/usr/bin/python3
"""What a flood of forged deliveries costs the good ones.

A few connections send good deliveries at a moderate pace, with and without
1,000 forged ones a second beside them (by turns: without, with, with,
without). Judged are

  - the median of the rounds' ratios of the good ones' 99th percentile, with
    the flood divided by without (goal: at most 1.2)
  - that the ring of rejections stays under its cap, in rows and bytes, and
    that of the flood no more was examined than the doctor has time for.

Needs a release build of klikitd and of test/bench/load. Ends by itself; exit
status 0: all goals were met, 1: not so.
"""

import argparse
import json
import os
import pathlib
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
BODY = json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
    {"id": "@ORDER@", "status": 1, "note": "x" * 4900}]}).replace(
        '"@ORDER@"', "@ORDER@")
RATIO_MAX = 1.2
ROWS_MAX, BYTES_MAX = 10_000, 64 << 20
EXAMINED_PER_S = 40
FLOOD_CONNECTIONS = 20


def start(binary, folder):
    """A server in a folder of its own; its process and its port."""
    process = subprocess.Popen(
        [binary, "serve", "--http.listen", "127.0.0.1:0", "--admin.listen",
         "127.0.0.1:0", "--http.max_failures", "0", "--klikit.secret_file", folder / "secret",
         "--store.url", f"sqlite:{folder}/klikitd.db"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=(folder / "log").open("a"), text=True)
    line = process.stdout.readline()
    assert line.startswith("listening: "), (folder / "log").read_text()
    return process, line.strip().rsplit(":", 1)[1]


def load(args, folder, port, secret, *options):
    return subprocess.Popen(
        [args.load, "--body", folder / "body", "--secret-file",
         folder / secret, *map(str, options), f"127.0.0.1:{port}"],
        stdout=subprocess.PIPE, text=True)


def measure(args, folder, port, flooded):
    """The good ones' p99 in ms, and how many forged ones came a second."""
    flood = None
    if flooded:
        flood = load(args, folder, port, "forger", "--expect", 401,
                     "--connections", FLOOD_CONNECTIONS, "--think-ms",
                     max(1, FLOOD_CONNECTIONS * 1000 // args.rate - 2),
                     "--warm-up", 0.5, "--seconds", args.seconds + 1)
    good = load(args, folder, port, "secret", "--connections", 4,
                "--think-ms", 5, "--warm-up", 1, "--seconds", args.seconds)
    told = json.loads(good.communicate(timeout=args.seconds + 60)[0])
    assert good.returncode == 0, told
    rate = 0
    if flood is not None:
        forged = json.loads(flood.communicate(timeout=args.seconds + 60)[0])
        assert flood.returncode == 0, forged
        rate = forged["rate"]
    return told["latency_us"]["p99"] / 1000, rate


def ring(folder):
    conn = sqlite3.connect(folder / "klikitd.db")
    rows, size, examined, first, last = conn.execute(
        "SELECT count(*), sum(length(body)), sum(code <> 'skipped'), "
        "min(at), max(at) FROM rejections").fetchone()
    conn.close()
    return rows, size, examined / max(1, (last - first) / 1000)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--klikitd", default=ROOT / "build-release/klikitd")
    parser.add_argument("--load",
                        default=ROOT / "build-release/test/bench/load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rate", type=int, default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "secret").write_text("klikit-test-secret")
        (folder / "forger").write_text("another-secret")
        (folder / "body").write_text(BODY)
        process, port = start(args.klikitd, folder)
        ratios = []
        try:
            for i in range(args.rounds):
                p99 = {True: [], False: []}
                for flooded in (False, True, True, False):
                    ms, rate = measure(args, folder, port, flooded)
                    p99[flooded].append(ms)
                    if flooded:
                        print(f"  flood of {rate:.0f}/s: p99 {ms:.2f} ms")
                    else:
                        print(f"  without: p99 {ms:.2f} ms")
                ratios.append(sum(p99[True]) / sum(p99[False]))
                print(f"round {i + 1}: ratio {ratios[-1]:.2f}", flush=True)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            process.stdout.close()
        rows, size, examined = ring(folder)
    ratio = statistics.median(ratios)
    print(f"median ratio {ratio:.2f} (goal: at most {RATIO_MAX})")
    print(f"ring: {rows} rows, {size} bytes of bodies, "
          f"{examined:.1f} examined a second")
    met = (ratio <= RATIO_MAX and rows <= ROWS_MAX and size <= BYTES_MAX and
           examined <= EXAMINED_PER_S)
    print("all goals met" if met else "a goal was missed")
    return 0 if met else 1


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
