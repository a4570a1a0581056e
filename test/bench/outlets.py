"""From klikit's POST to the confirmation of who the event is handed over to.

Each outlet beside a receiver in Node and Express that keeps the ids in memory,
answers, and hands over with the vendor's own client. The brokers share a core
with the load. Each step has its outlet's name: redis, amqp, sqs, forward; and
drain-NAME (with more and more in flight, beside another build if one is given),
order-NAME (a backlog of one order), beside-NAME for what a backlog costs.
"""

import contextlib
import functools
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request

import machine
import stats
from goals import OUTLETS
from machine import BenchError
from servers import Klikitd, Server

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "blackbox"))

IN_FLIGHT = (1, 4, 16, 64)
WAIT_S = 300
TICKS_US = 1000000 // os.sysconf("SC_CLK_TCK")


# -- What is handed over to: each gives klikitd's keys, and Node's target --

class Far:
    """keys: of klikitd's handler; target: Node's; empty(): forget all."""

    def __init__(self, keys, target, empty=lambda: None):
        self.keys, self.target, self.empty = keys, target, empty


def _to_core(process, core):
    subprocess.run(["taskset", "-a", "-p", "-c", str(core),
                    str(process.pid)], check=True, capture_output=True)


@contextlib.contextmanager
def _redis(bench):
    from redis_broker import RedisServer
    redis = RedisServer().start()
    try:
        _to_core(redis.process, bench.load_core)
        url = f"redis://127.0.0.1:{redis.port}"
        yield Far(f"url = {url}/0\nstream = orders\n", url,
                  lambda: redis("FLUSHALL"))
    finally:
        redis.close()


@contextlib.contextmanager
def _amqp(bench):
    from certificates import Authority
    from rabbit_broker import Rabbit, RabbitServer
    with tempfile.TemporaryDirectory() as folder:
        authority = Authority(pathlib.Path(folder))
        authority.make("broker")
        server = RabbitServer(authority)
        try:
            server.start()
            _to_core(server.process, bench.load_core)
            rabbit = Rabbit(server)
            client = rabbit.client()
            client.declare("orders")
            word = bench.work / "rabbit-password"
            word.write_text(rabbit.password)
            word.chmod(0o600)
            url = rabbit.url()
            yield Far(f"url = {url}\npassword_file = {word}\n"
                      "exchange =\nrouting_key = orders\n",
                      url.replace("@", f":{rabbit.password}@"),
                      lambda: client.purge("orders"))
        finally:
            server.close()


def _program(bench, command, **more):
    """A program on the load's core that prints where it listens."""
    process = subprocess.Popen(
        machine.pinned(bench.load_core, command), text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, **more)
    bench.processes.append(process)
    words = process.stdout.readline().split()
    if not words or words[0] != "listening:":
        raise BenchError(f"{command[0]} {command[1]} did not start; fauxqs "
                         "is not installed, or wants a newer Node (20)")
    return process, words[1:]


@contextlib.contextmanager
def _sqs(bench):
    process, (endpoint, queue) = _program(
        bench, ["node", "sqs.mjs"], cwd=bench.build / "peers" / "outlets")
    try:
        yield Far(f"queue_url = {queue}\nendpoint = {endpoint}\n"
                  "region = us-east-1\n", f"{endpoint} {queue}")
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def _forward(bench):
    process, (url,) = _program(
        bench, [bench.build / "klikitd", "sink", "--port", "0"])
    try:
        yield Far(f"url = {url}/orders\n", f"{url}/orders")
    finally:
        process.kill()
        process.wait()


FARS = {"redis": _redis, "amqp": _amqp, "sqs": _sqs, "forward": _forward}


# -- Who hands over --

class Ours(Klikitd):
    """klikitd with one outlet, and so many jobs of it under way."""

    def __init__(self, bench, kind, far, in_flight, binary="klikitd",
                 more=""):
        super().__init__(bench, f"klikitd-{kind}", f"klikitd, {kind}",
                         binary=binary)
        self.kind, self.far, self.in_flight = kind, far, in_flight
        self.more = more

    def command(self, folder):
        command = super().command(folder)
        config = folder / "klikitd.ini"
        config.write_text(config.read_text().split("\n[handler")[0] +
                          f"\n[handler queue]\ntype = {self.kind}\n"
                          f"{self.far.keys}concurrency = {self.in_flight}\n"
                          f"timeout = 60s\n{self.more}")
        return command

    def environment(self):
        return {**super().environment(), "AWS_ACCESS_KEY_ID": "a",
                "AWS_SECRET_ACCESS_KEY": "b"}

    def wait(self, running, count):
        path = self.database_path(running.folder)
        with contextlib.closing(sqlite3.connect(
                f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
            _wait(self, lambda: db.execute(self.UNFINISHED).fetchone()[0] == 0)
            done = db.execute("SELECT count(*) FROM jobs WHERE state = "
                              "'done'").fetchone()[0]
        if done != count:
            raise BenchError(f"{self.name}: {done} of {count} are done")


class Theirs(Server):
    """Node and Express with the vendor's client."""

    def __init__(self, bench, kind, far):
        super().__init__(bench, f"node-{kind}", f"Node + Express, {kind}")
        self.kind, self.far = kind, far
        self.folder = bench.build / "peers" / "outlets"

    def command(self, folder):
        return ["node", self.folder / "receiver.js", self.bench.secret_file,
                self.kind, self.far.target]

    def environment(self):
        return {**os.environ, "NODE_ENV": "production"}

    def wait(self, running, count):
        def confirmed():
            with urllib.request.urlopen(f"{running.url}/confirmed") as answer:
                found = json.load(answer)
            if found["failed"] > 0:
                raise BenchError(f"{self.name}: {found['failed']} were not "
                                 "handed over; see its log")
            return found["confirmed"] >= count
        _wait(self, confirmed)


def _wait(server, ready):
    deadline = time.monotonic() + WAIT_S
    while not ready():
        server.bench.need_time()
        if time.monotonic() > deadline:
            raise BenchError(f"{server.name}: not within {WAIT_S} s")
        time.sleep(0.02)


def _cpu_us(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICKS_US


# -- The whole path --

def _path(bench, server, count):
    """Events per second until the last is confirmed, and CPU us for each."""
    running = server.start()
    try:
        before = _cpu_us(running.pid)
        result = bench.load(running, **bench.deliveries(
            "5k", requests=count, connections=64, seconds=WAIT_S))
        since = time.monotonic()
        server.wait(running, count)
        took = result["seconds"] + time.monotonic() - since
        return {"rate": count / took,
                "cpu_us": (_cpu_us(running.pid) - before) / count}
    finally:
        if running.process.poll() is None:
            running.kill()
        server.clean(running)
        server.far.empty()


def _note(bench, name, what, found):
    bench.extra[f"{what}-{name}"] = stats.spread(found)


def path(bench, kind, rounds, count):
    with FARS[kind](bench) as far:
        pair = [Ours(bench, kind, far, 64), Theirs(bench, kind, far)]
        ours, theirs = pair[0].name, pair[1].name
        found = stats.Series()
        for number in range(rounds):
            for server in pair if number % 2 == 0 else pair[::-1]:
                bench.need_time(10)
                found.add(server.name, number, _path(bench, server, count))
            bench.say(f"{kind}: the whole path, round {number + 1}")
    for what in ("rate", "cpu_us"):
        bench.extra[f"{what}-{kind}"] = found.ratio(
            ours, theirs, lambda result, what=what: result[what])
    bench.facts.append(
        f"{kind}, from the POST of {count} events to the last confirmation: "
        + "; ".join(
            f"{name} {found.median(name, lambda r: r['rate']):.0f}/s, "
            f"{found.median(name, lambda r: r['cpu_us']):.0f} us of CPU each"
            for name in (ours, theirs)))


# -- A backlog --

def _backlog(bench, server, count):
    """A folder whose store has so many jobs to be done."""
    running = server.start()
    try:
        subprocess.run([server.binary, "pause", "-c",
                        running.folder / "klikitd.ini", "queue"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        bench.load(running, **bench.deliveries(
            "5k", requests=count, connections=64, seconds=WAIT_S))
        running.stop()
    finally:
        if running.process.poll() is None:
            running.kill()
    with contextlib.closing(sqlite3.connect(
            server.database_path(running.folder))) as db:
        db.executescript("UPDATE handlers SET paused_at = NULL, paused_by = "
                         "NULL, paused_why = NULL;")
    return running.folder


def _copy(bench, folder, server, script=""):
    copy = bench.new_folder(server.name)
    shutil.copytree(folder, copy, dirs_exist_ok=True)
    (copy / "log").unlink()
    with contextlib.closing(sqlite3.connect(
            server.database_path(copy))) as db:
        db.executescript(script)
    os.sync()
    return copy


def _drained(bench, server, folder, count, script=""):
    """Jobs a second until a copy of that backlog is done."""
    bench.need_time(10)
    copy = _copy(bench, folder, server, script)
    since = time.monotonic()
    running = server.start(copy)
    try:
        server.wait(running, count)
        return count / (time.monotonic() - since)
    finally:
        running.kill()
        server.clean(running)
        server.far.empty()


def drain(bench, kind, rounds, count, old):
    """How fast a backlog goes, with more and more under way."""
    builds = {"": "klikitd", **({" (old)": old} if old else {})}
    with FARS[kind](bench) as far:
        folder = _backlog(bench, Ours(bench, kind, far, 1,
                                      old or "klikitd"), count)
        rates = {build: {n: {} for n in IN_FLIGHT} for build in builds}
        for number in range(rounds):
            for n in IN_FLIGHT:
                for build in list(builds)[::1 if number % 2 == 0 else -1]:
                    server = Ours(bench, kind, far, n, builds[build])
                    rate = _drained(bench, server, folder, count)
                    rates[build][n][number] = rate
                    bench.say(f"{kind}: drained by {n}{build}: {rate:.0f}/s, "
                              f"round {number + 1}")
        shutil.rmtree(folder)
    for few, many in zip(IN_FLIGHT, IN_FLIGHT[1:]):
        _note(bench, kind, f"drain{many}",
              stats.ratios(rates[""][many], rates[""][few]))
    if old:
        _note(bench, kind, "old",
              stats.ratios(rates[""][16], rates[" (old)"][16]))
    for build, found in rates.items():
        bench.facts.append(f"{kind}, a backlog of {count}{build}: " + ", ".join(
            f"{n} in flight {stats.spread(found[n].values())[1]:.0f}/s"
            for n in IN_FLIGHT))


# Each job stands behind the one before it.
ONE_ORDER = """
UPDATE event_orders SET order_id = '1';
DELETE FROM lanes;
INSERT INTO lanes (handler, lane, job)
    SELECT handler, '1', id FROM jobs WHERE finished_at IS NULL;
UPDATE jobs SET behind = 1 WHERE finished_at IS NULL
    AND id > (SELECT min(id) FROM jobs WHERE finished_at IS NULL);
"""


def order(bench, kind, rounds, count, old):
    """How fast a backlog of a single order goes, one job after the other."""
    builds = {"": "klikitd", **({" (old)": old} if old else {})}
    rates = {build: [] for build in builds}
    with FARS[kind](bench) as far:
        folder = _backlog(bench, Ours(bench, kind, far, 1,
                                      old or "klikitd"), count)
        for number in range(rounds):
            for build in list(builds)[::1 if number % 2 == 0 else -1]:
                server = Ours(bench, kind, far, 16, builds[build],
                              "once_per_order = no\n")
                rates[build].append(_drained(bench, server, folder, count,
                                             ONE_ORDER))
                bench.say(f"{kind}: one order{build}: {rates[build][-1]:.0f}"
                          f"/s, round {number + 1}")
        shutil.rmtree(folder)
    _note(bench, kind, "order", rates[""])
    for build, found in rates.items():
        bench.facts.append(f"{kind}, {count} jobs of one order{build}: "
                           f"{stats.spread(found)[1]:.0f}/s")


DONE = ("UPDATE jobs SET state = 'done', behind = 0, outcome = 'done', "
        "finished_at = 1; DELETE FROM lanes;")


def beside(bench, kind, rounds, count, seconds):
    """Acks while a backlog goes, against acks with that store done."""
    with FARS[kind](bench) as far:
        server = Ours(bench, kind, far, 64)
        folder = _backlog(bench, server, count)
        ratios = []
        for number in range(rounds):
            rate = {"": 0, DONE: 0}
            for script in ("", DONE, DONE, ""):
                bench.need_time(10)
                copy = _copy(bench, folder, server, script)
                running = server.start(copy)
                try:
                    rate[script] += bench.load(running, **bench.deliveries(
                        "5k", connections=64, seconds=seconds,
                        warm_up=0.5, first_order=3000000000))["rate"]
                finally:
                    running.kill()
                    server.clean(running)
                    far.empty()
            ratios.append(rate[""] / rate[DONE])
            bench.say(f"{kind}: acks beside a backlog: {ratios[-1]:.2f}, "
                      f"round {number + 1}")
        shutil.rmtree(folder)
    _note(bench, kind, "beside", ratios)


def _step(measure, bench, kind, *arguments):
    """What it needs and is not there is a reason not to measure it."""
    try:
        measure(bench, kind, *arguments)
    except (AssertionError, ImportError) as error:
        raise BenchError(f"{error}") from None


def steps(bench, plan, old=None):
    """Every step by name. old: another build to drain beside this one."""
    old = old and old.resolve()
    found = {}
    for prefix, measure, *arguments in (
            ("", path, plan.rounds, plan.outlet_events),
            ("drain-", drain, plan.outlet_drains, plan.outlet_backlog, old),
            ("order-", order, plan.outlet_drains, plan.outlet_order, old),
            ("beside-", beside, plan.rounds, plan.outlet_backlog,
             plan.seconds)):
        for kind in OUTLETS:
            found[prefix + kind] = functools.partial(
                _step, measure, bench, kind, *arguments)
    return found
