"""Steps that are no plain rounds: what is stored, idle, blocked, left over."""

import sqlite3
import time

import fill
import rounds
import stats
from machine import BenchError


def _wait(bench, what, seconds, ready, pause=0.02):
    deadline = time.monotonic() + seconds
    while not ready():
        bench.need_time()
        if time.monotonic() > deadline:
            raise BenchError(f"{what}: not within {seconds} s")
        time.sleep(pause)


def _connect(path):
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)


# -- P8: until the last event is processed --

def until_processed(bench, server, count):
    """Events per second from the first request until all are processed."""
    running = server.start()
    try:
        result = bench.load(running, **bench.deliveries(
            "5k", requests=count, seconds=120))
        before = time.monotonic()
        if server.name == "node":
            _wait(bench, "node", 60, lambda: running.log().count("\n[") +
                  running.log().startswith("[") >= count)
        else:
            _wait(bench, server.name, 120, lambda: not server.query(
                running.folder, server.UNFINISHED)[0][0])
        took = result["seconds"] + time.monotonic() - before
        server.check(running, count)
    finally:
        if running.process.poll() is None:
            running.kill()
    server.clean(running)
    return count / took


def processed(bench, names, count, requests):
    rates = {name: {} for name in names}
    for number in range(count):
        for name in names:
            bench.need_time(30)
            rates[name][number] = until_processed(
                bench, bench.servers[name], requests)
        bench.say(f"until all is processed: round {number + 1}")
    ours, theirs = names
    bench.extra["processed"] = stats.spread(
        stats.ratios(rates[ours], rates[theirs]))
    for name in names:
        low, median, high = stats.spread(rates[name].values())
        bench.facts.append(
            f"until the last of {requests} events is processed, {name}: "
            f"{median:.0f} events/s ({low:.0f} to {high:.0f})")


# -- P9: with events stored --

def _measure_on(bench, server, folder, seconds, warm_up):
    """A run on the database in folder, which stays."""
    running = server.start(folder)
    try:
        result = bench.load(running, **bench.deliveries(
            "5k", connections=64, seconds=seconds, warm_up=warm_up))
        if running.stop() != 0:
            raise BenchError(f"{server.name}: failed; see its log")
    finally:
        if running.process.poll() is None:
            running.kill()
    return result


def stored(bench, name, events, count, seconds, warm_up, purged=False):
    """The rate with so many events in the database, against none."""
    server = bench.servers["klikitd"]
    bench.say(f"filling a database with {events} events")
    before = time.monotonic()
    folder = fill.schema(bench, server)
    path = server.database_path(folder)
    fill.events(path, events, bench.body["0.3k"].read_text(),
                int(time.time() * 1000), purged)
    bench.say(f"filled in {time.monotonic() - before:.0f} s, "
              f"{path.stat().st_size >> 20} MB")
    full, empty, peak_kb = {}, {}, 0
    for number in range(count):
        bench.need_time(2 * (seconds + warm_up + rounds.OVERHEAD_S))
        bench.say(f"{events} events stored: round {number + 1}")
        empty[number] = rounds.measure(bench, server, "5k", 64, seconds,
                                       warm_up)["rate"]
        result = _measure_on(bench, server, folder, seconds, warm_up)
        full[number] = result["rate"]
        peak_kb = max(peak_kb, result["server"]["peak_kb"])
    bench.extra[name] = stats.spread(stats.ratios(full, empty))
    bench.facts.append(f"with {events} events stored: peak memory "
                       f"{peak_kb / 1024:.1f} MB, database "
                       f"{path.stat().st_size / 1e9:.2f} GB")
    for file in folder.iterdir():
        file.unlink()


# -- repeats --

def repeats(bench, count, seconds, warm_up):
    """The rate when the bodies of 64 events come again under other ids."""
    server = bench.servers["klikitd-handlers"]
    each, again = {}, {}
    for number in range(count):
        bench.need_time(2 * (seconds + warm_up + rounds.OVERHEAD_S))
        bench.say(f"repeats: round {number + 1}")
        each[number] = rounds.measure(bench, server, "5k", 64, seconds,
                                      warm_up)["rate"]
        again[number] = rounds.measure(bench, server, "5k", 64, seconds,
                                       warm_up, bodies=64)["rate"]
    bench.extra["repeats"] = stats.spread(stats.ratios(again, each))
    low, median, high = bench.extra["repeats"]
    bench.facts.append(
        f"repeats, with orders: {stats.spread(again.values())[1]:.0f} a "
        f"second, {median:.2f} ({low:.2f}-{high:.2f}) of the rate of new "
        "events")


# -- memory after a million --

def memory(bench, events, seconds):
    """Memory of a server that has taken so many events, in one go."""
    server = bench.servers["klikitd"]
    bench.need_time(seconds + 20)
    bench.say(f"memory after {events} events")
    running = server.start()
    try:
        process = bench.load_start(running, **bench.deliveries(
            "0.3k", requests=events, seconds=seconds))
        try:
            result = bench.load_end(process)
        except BenchError:
            raise BenchError(f"{events} events in {seconds} s: too slow")
        server.check(running, result["answered"])
    finally:
        if running.process.poll() is None:
            running.kill()
    server.clean(running)
    bench.facts.append(
        f"after {result['answered']} events in one go: memory "
        f"{result['server']['rss_kb'] / 1024:.1f} MB, peak "
        f"{result['server']['peak_kb'] / 1024:.1f} MB")
    bench.extra["memory_after"] = result["server"]["rss_kb"]


# -- P10: idle connections, a blocked store --

def idle(bench, connections):
    server = bench.servers["klikitd"]
    bench.say(f"{connections} idle connections")
    running = server.start()
    try:
        before_kb = running.memory_kb()
        result = bench.load(running, connections=0, seconds=1,
                            idle_connections=connections)
        grown_kb = result["server"]["rss_kb"] - before_kb
        server.check(running, 0)
    finally:
        if running.process.poll() is None:
            running.kill()
    server.clean(running)
    bench.extra["idle_mb"] = grown_kb / 1024
    bench.facts.append(
        f"{connections} idle connections: {grown_kb / 1024:.1f} MB, "
        f"{grown_kb * 1024 / connections:.0f} bytes each")


def blocked(bench, seconds=2):
    """Health checks while another program holds the database's lock."""
    server = bench.servers["klikitd"]
    bench.say(f"health checks while the store is blocked for {seconds} s")
    running = server.start()
    try:
        posts = bench.load_start(running, **bench.deliveries(
            "5k", connections=64, seconds=seconds + 2))
        time.sleep(0.5)
        lock = sqlite3.connect(server.database_path(running.folder),
                               isolation_level=None, timeout=30)
        lock.execute("BEGIN IMMEDIATE")
        running.path = "/healthz"
        health = bench.load_start(running, connections=1, think_ms=2,
                                  seconds=seconds)
        time.sleep(seconds)
        lock.execute("ROLLBACK")
        lock.close()
        health = bench.load_end(health)
        posts = bench.load_end(posts)
        server.check(running, posts["answered"])
    finally:
        if running.process.poll() is None:
            running.kill()
    server.clean(running)
    if posts["latency_us"]["max"] < seconds * 1e6 * 0.8:
        raise BenchError("the store was not blocked")
    bench.extra["health_ms"] = health["latency_us"]["max"] / 1000
    bench.facts.append(
        f"store blocked for {seconds} s: {health['requests']} health checks, "
        f"the slowest {health['latency_us']['max'] / 1000:.1f} ms; the "
        f"slowest ack {posts['latency_us']['max'] / 1000:.0f} ms")


# -- a backlog --

def backlog(bench, events):
    """A start with so many unfinished events, and deliveries meanwhile."""
    server = bench.servers["klikitd-handlers"]
    bench.need_time(20)
    bench.say(f"a backlog of {events} events")
    folder = fill.schema(bench, server)
    path = server.database_path(folder)
    fill.backlog(path, events, bench.body["5k"].read_text(),
                 int(time.time() * 1000))
    running = server.start(folder)
    started = time.monotonic()
    try:
        db = _connect(path)
        acks = bench.load_start(running, **bench.deliveries(
            "5k", connections=4, think_ms=20, seconds=5))
        left = f"SELECT EXISTS (SELECT 1 FROM jobs WHERE id <= {events} " \
            "AND finished_at IS NULL AND behind = 0)"
        _wait(bench, "backlog", 300, lambda: not db.execute(left).fetchone()[0],
              0.1)
        took = time.monotonic() - started
        db.close()
        acks = bench.load_end(acks)
        if running.stop() != 0:
            raise BenchError("failed; see its log")
    finally:
        if running.process.poll() is None:
            running.kill()
    server.clean(running)
    bench.extra["backlog"] = {"start_ms": running.start_ms, "seconds": took,
                              "ack_us": acks["latency_us"]}
    bench.facts.append(
        f"backlog of {events} events: start-up {running.start_ms:.0f} ms, "
        f"processed after {took:.1f} s ({events / took:.0f}/s); acks meanwhile "
        f"p50 {acks['latency_us']['p50'] / 1000:.2f} ms, p99 "
        f"{acks['latency_us']['p99'] / 1000:.2f} ms")
