#!/usr/bin/python3
"""What a backlog, a call that hangs, bad orders and huge bodies cost all else.

  orders, forward  the rate of acknowledgements with N unfinished jobs of a
                   handler of that type at the start, divided by the rate
                   with the same store whose jobs are done (goal: 0.84). Then
                   all of the backlog must be processed, in 64 MB of memory.
  hanging          the 99th percentile of the time from received to done of
                   all other orders while the far side hangs at one, divided
                   by that without (goal: at most 1.2)
  poison, poison5s the same while the far side answers 500 at 25 orders, with
                   the default of retry and with 5s (goal: at most 1.5)
  giant            the 99th percentile of the acks of small deliveries while
                   one of 4,096 orders comes each second, divided by that
                   without (no goal: it depends on the disk)
  giant-each       the same with a call for each of its orders

Both sides of each ratio are measured in turns (without, with, with, without),
and the median of the rounds is judged, so that a machine that others use as
well gives a fair answer. The far side runs on the same processors.

Ends by itself; exit status 0: all goals were met, 1: not so.
"""

import argparse
import asyncio
import hmac
import json
import multiprocessing
import os
import pathlib
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
SECRET = "klikit-test-secret"
BODY = json.dumps({
    "brand_id": 1, "branch_id": 2, "orders": [
        {"id": "@ORDER@", "status": 1, "updated_at": "2026-06-25T09:14:11Z",
         "note": "x" * 1800}]}).replace('"@ORDER@"', "@ORDER@")
SEED, WARM, COUNTED, HANGS = 1000000000, 2000000000, 3000000000, 4242424242
BAD, NBAD = "77777777", 25
MEMORY_KB = 64 * 1024
RATE_MIN, LATE_MAX, POISON_MAX = 0.84, 1.2, 1.5


# -- A far side that hangs at one order --

async def answer(reader, writer):
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            body = await reader.readexactly(length)
            if str(HANGS).encode() in body:
                await asyncio.sleep(600)
            status = b"500 No" if BAD.encode() in body else b"200 OK"
            writer.write(b"HTTP/1.1 " + status +
                         b"\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def far_side(ready):
    async def serve():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()
    asyncio.run(serve())


# -- Servers and load --

class Bench:
    def __init__(self, options, home):
        self.options = options
        self.home = home
        self.round = 0
        (home / "body.json").write_text(BODY)
        (home / "secret").write_text(SECRET)
        self.sink = subprocess.Popen(
            [options.klikitd, "sink", "--port", "0"], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.sink_url = self.sink.stdout.readline().split()[1] + "/orders"
        ready, ours = multiprocessing.Pipe()
        self.pos = multiprocessing.Process(target=far_side, args=(ours,),
                                           daemon=True)
        self.pos.start()
        self.pos_url = f"http://127.0.0.1:{ready.recv()}/orders"

    def close(self):
        self.sink.terminate()
        self.sink.wait()

    def write_config(self, store, kind, url, more=""):
        (store / "klikitd.ini").write_text(
            "[http]\nlisten = 127.0.0.1:0\n[admin]\nlisten = 127.0.0.1:0\n"
            "[log]\nlevel = warn\n[store]\nurl = sqlite:klikitd.db\n"
            f"[handler it]\ntype = {kind}\nevents = *\n" +
            (f"url = {url}\nconcurrency = 8\ntimeout = 60s\n"
             f"once_per_order = no\n{more}" if kind == "forward" else ""))

    def start(self, store):
        process = subprocess.Popen(
            [self.options.klikitd, "serve", "-c", store / "klikitd.ini",
             "--klikit.secret_file", self.home / "secret"],
            cwd=store, stdout=subprocess.PIPE, text=True,
            stderr=open(store / "log", "a"))
        for line in process.stdout:
            if line.startswith("listening: "):
                return process, line.split()[1]
        sys.exit((store / "log").read_text())

    def load(self, url, *flags):
        self.round += 1
        done = subprocess.run(
            [self.options.load, "--body", self.home / "body.json",
             "--secret-file", self.home / "secret", "--seed",
             str(self.round), *map(str, flags), url],
            stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)

    def copy(self, name):
        store = self.home / f"now-{name}"
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(self.home / name, store)
        os.sync()
        return store


def memory_kb(process):
    for line in open(f"/proc/{process.pid}/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1])


def query(store, sql):
    with sqlite3.connect(f"file:{store}/klikitd.db?mode=ro", uri=True,
                         timeout=60) as conn:
        return conn.execute(sql).fetchall()


# -- A backlog --

def make_stores(bench, kind):
    """One whose jobs are all to be done, and the same when they are."""
    full = bench.home / "full"
    full.mkdir()
    bench.write_config(full, kind, bench.sink_url)
    process, url = bench.start(full)
    subprocess.run([bench.options.klikitd, "pause", "-c",
                    full / "klikitd.ini", "it"], check=True,
                   stdout=subprocess.DEVNULL)
    bench.load(url, "--first-order", SEED, "--requests",
               bench.options.events, "--seconds", 600)
    process.send_signal(signal.SIGTERM)
    process.wait()
    done = bench.home / "done"
    for store, script in (
            (full, "UPDATE handlers SET paused_at = NULL, paused_by = NULL, "
                   "paused_why = NULL;"),
            (done, "UPDATE jobs SET state = 'done', behind = 0, "
                   "outcome = 'done', finished_at = 1; DELETE FROM lanes;")):
        if store == done:
            shutil.copytree(full, done)
        with sqlite3.connect(store / "klikitd.db") as conn:
            conn.executescript(script)


def acks(bench, store, turn):
    """The rate of acknowledgements beside that store's jobs."""
    process, url = bench.start(store)
    report = bench.load(url, "--connections", bench.options.connections,
                        "--first-order", COUNTED + turn * 1000000,
                        "--warm-up", 0.5, "--seconds",
                        bench.options.seconds / 2)
    peak = memory_kb(process)
    process.kill()
    process.wait()
    fresh = query(store, "SELECT count(*), sum(j.state = 'done') FROM events e "
                  "JOIN jobs j ON j.event = e.id JOIN event_orders o ON "
                  f"o.event = e.id WHERE o.order_id >= '{COUNTED}'")[0]
    old = query(store, "SELECT count(*) FROM jobs j JOIN event_orders o ON "
                "o.event = j.event WHERE j.state = 'done' AND "
                f"j.finished_at > 1 AND o.order_id < '{COUNTED}'")[0][0]
    print(f"    {store.name:8} {report['rate']:7.0f} acks/s, p99 "
          f"{report['latency_us']['p99'] / 1000:5.1f} ms, new ones done "
          f"{fresh[1]} of {fresh[0]}, old ones {old}, peak memory "
          f"{peak / 1024:.0f} MB", flush=True)
    return report["rate"], peak


def drain(bench):
    """With nothing coming in: is all of it processed?"""
    store = bench.copy("full")
    process, _ = bench.start(store)
    before = time.monotonic()
    left = bench.options.events
    while left > 0 and time.monotonic() - before < 600:
        time.sleep(0.5)
        left = query(store, "SELECT count(*) FROM jobs WHERE finished_at IS "
                     "NULL")[0][0]
    peak = memory_kb(process)
    print(f"    drained in {time.monotonic() - before:.0f} s, {left} left, "
          f"peak memory {peak / 1024:.0f} MB", flush=True)
    process.send_signal(signal.SIGTERM)
    process.wait()
    return left == 0 and peak < MEMORY_KB


def measure_backlog(bench, kind):
    print(f"{kind}: {bench.options.events} unfinished jobs", flush=True)
    make_stores(bench, kind)
    ratios, peaks = [], []
    for n in range(bench.options.rounds):
        stores = {name: bench.copy(name) for name in ("done", "full")}
        rate = dict.fromkeys(stores, 0)
        for turn, name in enumerate(("done", "full", "full", "done")):
            got, peak = acks(bench, stores[name], turn)
            rate[name] += got
            peaks.append(peak)
        ratios.append(rate["full"] / rate["done"])
        print(f"    round {n + 1}: with / without {ratios[-1]:.2f}",
              flush=True)
    drained = drain(bench)
    for name in ("full", "done", "now-full", "now-done"):
        shutil.rmtree(bench.home / name)
    median = statistics.median(ratios)
    good = drained and median >= RATE_MIN and max(peaks) < MEMORY_KB
    print(f"  {kind}: median {median:.2f}, goal {RATE_MIN}: "
          f"{'met' if good else 'NOT MET'}", flush=True)
    return good


# -- Single deliveries --

def deliver(url, body, event):
    """Returns how long the answer took, in s."""
    began = time.monotonic()
    request = urllib.request.Request(url + "/webhooks/klikit", body, {
        "Content-Type": "application/json", "x-klikit-event-id": event,
        "x-klikit-event-type": "klikit.order.created.v2",
        "x-klikit-signature": hmac.new(SECRET.encode(), body,
                                       "sha256").hexdigest()})
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()
    return time.monotonic() - began


# -- A call that hangs, and ones that fail --

def late(bench, hanging, nbad=0, more=""):
    """How long the others took, in ms."""
    store = bench.home / "now"
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir()
    bench.write_config(store, "forward", bench.pos_url, more)
    process, url = bench.start(store)
    for n in range(nbad):
        deliver(url, BODY.replace("@ORDER@", f"{BAD}{n:02d}").encode(),
                f"bad{n}")
    if hanging:
        bench.load(url, "--connections", 1, "--first-order", HANGS,
                   "--requests", 1)
    bench.load(url, "--connections", 4, "--first-order", COUNTED,
               "--think-ms", 20, "--seconds", bench.options.seconds / 2)
    unfinished = hanging + nbad
    while query(store, "SELECT count(*) FROM jobs WHERE finished_at IS "
                "NULL")[0][0] > unfinished:
        time.sleep(0.1)
    process.kill()
    process.wait()
    return [row[0] for row in query(
        store, "SELECT finished_at - received_at FROM jobs j JOIN events e ON "
        "e.id = j.event WHERE finished_at IS NOT NULL")]


def percentile(times):
    """The 99th; times are stored in ms, so it is the mean of what is near."""
    times = sorted(times)
    return statistics.mean(
        times[len(times) * 985 // 1000:len(times) * 995 // 1000])


def measure_hanging(bench):
    print("hanging: one order whose call does", flush=True)
    ratios = []
    for n in range(bench.options.rounds):
        times = {False: [], True: []}
        for hanging in (False, True, True, False):
            times[hanging] += late(bench, hanging)
        beside, alone = percentile(times[True]), percentile(times[False])
        ratios.append(beside / alone)
        print(f"    round {n + 1}: p99 of {len(times[True])} others "
              f"{beside:.1f} ms, without {alone:.1f} ms: {ratios[-1]:.2f}",
              flush=True)
    median = statistics.median(ratios)
    good = median <= LATE_MAX
    print(f"  hanging: median {median:.2f}, goal {LATE_MAX}: "
          f"{'met' if good else 'NOT MET'}", flush=True)
    return good


def measure_poison(bench, name):
    print(f"{name}: {NBAD} orders that get 500", flush=True)
    more = "retry = 5s\n" if name == "poison5s" else ""
    ratios = []
    for n in range(bench.options.rounds):
        times = {0: [], NBAD: []}
        for nbad in (0, NBAD, NBAD, 0):
            times[nbad] += late(bench, False, nbad, more)
        beside, alone = percentile(times[NBAD]), percentile(times[0])
        ratios.append(beside / alone)
        print(f"    round {n + 1}: p99 of {len(times[NBAD])} others "
              f"{beside:.1f} ms, without {alone:.1f} ms: {ratios[-1]:.2f}",
              flush=True)
    median = statistics.median(ratios)
    good = median <= POISON_MAX
    print(f"  {name}: median {median:.2f}, goal {POISON_MAX}: "
          f"{'met' if good else 'NOT MET'}", flush=True)
    return good


# -- Huge bodies --

def giant_body(turn):
    return json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
        {"id": turn * 4096 + n, "status": 1,
         "updated_at": "2026-06-25T09:14:11Z", "note": "x" * 100}
        for n in range(4096)]}).encode()


def small_acks(bench, giants, each):
    """Latencies of small acks in us, and how long the huge ones took in s."""
    store = bench.home / "now"
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir()
    bench.write_config(store, "forward" if each else "orders",
                       bench.sink_url, "unit = order\n")
    process, url = bench.start(store)
    stop, took = threading.Event(), []

    def send():
        while not stop.wait(1):
            took.append(deliver(url, giant_body(len(took)),
                                f"giant{len(took)}"))

    sender = threading.Thread(target=send)
    if giants:
        sender.start()
    report = bench.load(url, "--connections", 4, "--first-order", COUNTED,
                        "--think-ms", 5, "--seconds", bench.options.seconds)
    stop.set()
    if giants:
        sender.join()
    process.kill()
    process.wait()
    return report["latency_us"], took


def measure_giant(bench, name):
    print(f"{name}: 4,096 orders in a body, one a second", flush=True)
    each = name == "giant-each"
    ratios = []
    for n in range(bench.options.rounds):
        alone, _ = small_acks(bench, False, each)
        beside, took = small_acks(bench, True, each)
        ratios.append(beside["p99"] / alone["p99"])
        print(f"    round {n + 1}: p99 {beside['p99'] / 1000:.1f} ms, max "
              f"{beside['max'] / 1000:.0f} ms, without "
              f"{alone['p99'] / 1000:.1f} and {alone['max'] / 1000:.0f}: "
              f"{ratios[-1]:.1f}; a huge one {statistics.median(took):.2f} s",
              flush=True)
    print(f"  {name}: median {statistics.median(ratios):.1f}", flush=True)
    return True


def main():
    names = ("orders", "forward", "hanging", "poison", "poison5s", "giant",
             "giant-each")
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", default=names, metavar="NAME",
                        help="of what is measured; all without one")
    parser.add_argument("--klikitd", type=pathlib.Path,
                        default=ROOT / "build-release" / "klikitd")
    parser.add_argument("--load", type=pathlib.Path,
                        default=ROOT / "build-release" / "test" / "bench" /
                        "load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4,
                        help="of load for each side of a round")
    parser.add_argument("--events", type=int, default=100000,
                        help="of the backlog")
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    for name in options.what:
        if name not in names:
            parser.error(f"{name}: want one of {', '.join(names)}")
    options.klikitd = options.klikitd.resolve()
    options.load = options.load.resolve()
    good = True
    with tempfile.TemporaryDirectory(prefix="klikitd-backlog-") as home:
        bench = Bench(options, pathlib.Path(home))
        try:
            for name in options.what:
                if name == "hanging":
                    good &= measure_hanging(bench)
                elif name.startswith("poison"):
                    good &= measure_poison(bench, name)
                elif name.startswith("giant"):
                    good &= measure_giant(bench, name)
                else:
                    good &= measure_backlog(bench, name)
        finally:
            bench.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
