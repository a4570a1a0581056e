"""What a person or a program asks of a store with a million events: P13.

Each list of the admin API is asked again and again over one connection, and
its slowest answer counts. What is rare is also looked for to the end, page by
page: that is for the table only. `load' has one who asks all lists without a
pause, beside deliveries.
"""

import http.client
import json
import shutil
import sqlite3
import subprocess
import threading
import time
import urllib.parse

import fill
import history
import stats
from machine import BenchError, pinned
from servers import Klikitd

AGE_MAX_S = 4 * 3600  # then a kept store is filled anew: the board has a day
HANDLERS = """
[handler orders]
type = orders
[handler pos]
type = forward
url = http://127.0.0.1:9/orders
events = klikit.order.created.*
"""


class Lists(Klikitd):
    """klikitd with the two handlers of history.py."""

    def command(self, folder):
        command = super().command(folder)
        with open(folder / "klikitd.ini", "a", encoding="ascii") as config:
            config.write(HANDLERS)
        return command


class Asker:
    """Asks over one connection that stays."""

    def __init__(self, admin):
        self.conn = http.client.HTTPConnection(
            urllib.parse.urlsplit(admin).netloc, timeout=60)

    def ask(self, path):
        """What was answered, and how long that took, in ms."""
        began = time.perf_counter()
        self.conn.request("GET", path)
        answer = self.conn.getresponse()
        body = answer.read()
        took = (time.perf_counter() - began) * 1000
        if answer.status != 200:
            raise BenchError(f"{path}: {answer.status} {body[:200]!r}")
        return body, took


def _iso(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ms / 1000))


def queries(db, now_ms):
    """(what it is, the path, may its pages be followed) of each question."""
    def one(sql, *values):
        return db.execute(sql, values).fetchone()[0]

    last = one("SELECT max(id) FROM events")
    middle = last // 2
    event = one("SELECT event_id FROM events WHERE id = ?", middle)
    order = one("SELECT order_id FROM event_orders WHERE event = ?", middle)
    job = one("SELECT max(id) FROM jobs WHERE event = ?", middle)
    day, hour = 24 * 3600 * 1000, 3600 * 1000
    rare = {"type": history.RARE_TYPE, "branch": history.RARE_BRANCH}

    def events(text, follow=False, **query):
        return "events " + text, "/api/v1/events", query, follow

    def jobs(text, follow=False, **query):
        return "jobs " + text, "/api/v1/jobs", query, follow

    def orders(text, follow=False, **query):
        return "orders " + text, "/api/v1/orders", query, follow

    def other(path, text="", **query):
        return f"{path} {text}", f"/api/v1/{path}", query, False

    created = "klikit.order.created.v2"
    return [
        events(""), events("500", limit=500),
        events("500 before", limit=500, before=middle),
        events("type", type=created), events("rare type", True,
                                             type=rare["type"]),
        events("no such type", type="klikit.no.such"),
        events("handler", handler="pos", limit=500),
        events("no such handler", handler="nobody"),
        events("branch", branch="2017", limit=500),
        events("rare branch", True, branch=rare["branch"]),
        events("rare branch and type", True, **rare),
        events("brand and branch", brand="911", branch="2047"),
        events("order", order=order), events("pending", state="pending"),
        events("done", state="done", limit=500),
        events("dead", state="dead", limit=500),
        events("dead of orders", True, state="dead", handler="orders"),
        events("dead of a branch", state="dead", branch="2017"),
        events("of an hour", since=_iso(now_ms - hour), limit=500),
        events("of an old day", since=_iso(now_ms - 20 * day),
               until=_iso(now_ms - 19 * day), limit=500),
        events("rare type of an old day", True, type=rare["type"],
               since=_iso(now_ms - 20 * day), until=_iso(now_ms - 19 * day)),
        events("q: an id", q=event), events("q: an order", q=order),
        events("q: ids begin so", q=event[:3]),
        events("q: orders begin so", q=order[:5]),
        events("q: one begins so", q=history.RARE_EVENT[:6]),
        events("q: rare external id", True, q=history.RARE_EXTERNAL[:5]),
        events("q: none", True, q="there-is-no-such-thing"),
        jobs(""), jobs("500", limit=500), jobs("done", state="done"),
        jobs("dead", state="dead", limit=500),
        jobs("dead, newest", state="dead", handler="pos", newest="true",
             limit=500),
        jobs("dead of orders", True, state="dead", handler="orders"),
        jobs("pending", state="pending", limit=500),
        jobs("ready", state="ready"), jobs("running", state="running"),
        jobs("of pos", handler="pos", limit=500),
        jobs("done of pos, newest", state="done", handler="pos",
             newest="true", limit=500),
        jobs("rare type", True, type=rare["type"]),
        jobs("of an event", event=event), jobs("of an order", order=order),
        jobs("of an hour", since=_iso(now_ms - hour), limit=500),
        jobs("dead of an old day", True, state="dead",
             since=_iso(now_ms - 9 * day), until=_iso(now_ms - 8 * day)),
        orders(""), orders("500", limit=500),
        orders("open", open="true", limit=500), orders("status", status="9"),
        orders("rare status", True, status="1", limit=500),
        orders("no such status", True, status="77"),
        orders("branch", branch="2017", limit=500),
        orders("rare branch", True, branch=rare["branch"]),
        orders("order", order=order),
        orders("of an hour", since=_iso(now_ms - hour), limit=500),
        other("board"), other("board", "500", limit=500),
        other("board", "a kitchen's", branch="2017", limit=500),
        other("board", "rare branch", branch=rare["branch"]),
        other("stats"),
        other("stats", "a day", **{"from": _iso(now_ms - day + 60000)},
              step="minute"),
        other("stats", "30 days", **{"from": _iso(now_ms - 30 * day + hour)},
              step="hour"),
        other("rejections"), other("rejections", "500", limit=500),
        other("rejections", "cause", cause="invalid_json"),
        other("rejections", "code", code="reserialized"),
        other("rejections", "no such code", code="nothing"),
        other("rejections/groups"), other("alarms"),
        other("alarms", "all", all="true", limit=500), other("handlers"),
        other("status"), other("receivers"), other(f"events/{event}"),
        other(f"events/{event}/body"), other(f"orders/{order}"),
        other(f"jobs/{job}"),
    ]


def _target(path, query):
    return path + ("?" + urllib.parse.urlencode(query) if query else "")


def _follow(asker, path, query):
    """To the end of a list: (pages, rows, the slowest in ms, all in ms)."""
    times, rows, query = [], 0, dict(query)
    while True:
        body, took = asker.ask(_target(path, query))
        page = json.loads(body)
        times.append(took)
        rows += len(page[path.rsplit("/", 1)[1]])
        if not page["next"]:
            return len(times), rows, max(times), sum(times)
        query["before"] = page["next"]


def _asked(bench, store, count):
    server = bench.servers["lists"]
    running = server.start(store)
    slowest = []
    try:
        asker = Asker(_admin(running))
        with sqlite3.connect(f"file:{server.database_path(store)}?mode=ro",
                             uri=True) as db:
            asked = queries(db, int(time.time() * 1000))
        for name, path, query, follow in asked:
            bench.need_time(5)
            asker.ask(_target(path, query))
            times = sorted(asker.ask(_target(path, query))[1]
                           for _ in range(count))
            p50, p99 = times[count // 2], times[-(count // 100) - 1]
            more = ""
            if follow:
                pages, rows, most, whole = _follow(asker, path, query)
                p99 = max(p99, most)
                more = f"; {rows} rows, to the end {pages} pages, {whole:.0f}"
            slowest.append(p99)
            bench.facts.append(f"{name:40.40} p50 {p50:6.1f} ms, p99 "
                               f"{p99:6.1f}{more}")
        if running.stop() != 0:
            raise BenchError("lists: failed; see its log")
    finally:
        if running.process.poll() is None:
            running.kill()
    bench.extra["lists-p99"] = max(slowest)


def _verbs(bench, store):
    """What a verb takes that goes through a whole list."""
    server = bench.servers["lists"]
    for words in (("replay", "--dry-run", "--handler", "pos", "--state",
                   "done"),
                  ("replay", "--dry-run", "--state", "dead"),
                  ("discard", "--dry-run", "--state", "dead", "--reason",
                   "none"),
                  ("purge", "--dry-run", "--older-than", "10d"),
                  ("events", "--limit", "10000")):
        bench.need_time(60)
        began = time.monotonic()
        done = subprocess.run(
            pinned(bench.server_core, [server.binary, words[0], "-c",
                                       store / "klikitd.ini", *words[1:]]),
            capture_output=True, cwd=store, env=server.environment(),
            text=True)
        if done.returncode != 0:
            raise BenchError(f"{words}: {done.stderr[-200:]}")
        lines = done.stdout.splitlines()
        bench.facts.append(f"klikitd {' '.join(words)}: "
                           f"{time.monotonic() - began:.2f} s ({lines[0]})")


def _admin(running):
    """The URL of its admin listener, which it says second."""
    name, url = running.process.stdout.readline().split()
    if name != "admin:":
        raise BenchError("lists: says no admin listener")
    return url


def _ask_all(asker, targets, stop, times):
    while not stop.is_set():
        for target in targets:
            if stop.is_set():
                return
            times.append(asker.ask(target)[1])


def _load(bench, store, count, seconds, warm_up):
    server = bench.servers["lists"]
    beside, alone, times = {}, {}, []
    copy = bench.new_folder("lists")
    for file in store.glob("klikitd.db"):
        shutil.copy(file, copy)
    with sqlite3.connect(copy / "klikitd.db") as db:
        targets = [_target(path, query) for _, path, query, _
                   in queries(db, int(time.time() * 1000))]
    running = server.start(copy)
    try:
        asker = Asker(_admin(running))
        for number in range(2 * count):
            bench.need_time(2 * (seconds + warm_up))
            for found in ((alone, beside) if number % 2 else (beside, alone)):
                stop = threading.Event()
                reader = threading.Thread(target=_ask_all, args=(
                    asker, targets, stop, times))
                if found is beside:
                    reader.start()
                result = bench.load(running, **bench.deliveries(
                    "5k", connections=64, seconds=seconds, warm_up=warm_up,
                    first_order=10 ** 9 + len(alone) * 10 ** 8 +
                    (found is beside) * 10 ** 7))
                stop.set()
                if found is beside:
                    reader.join()
                found[number] = result["rate"]
            bench.say(f"acks beside lists: {number + 1} of {2 * count}")
    finally:
        running.kill()
    server.clean(running)
    bench.extra["lists-beside"] = stats.spread(stats.ratios(beside, alone))
    times.sort()
    bench.facts.append(f"beside them {len(times)} lists were answered: p50 "
                       f"{times[len(times) // 2]:.0f} ms, p99 "
                       f"{times[-(len(times) // 100) - 1]:.0f}")


def _store(bench, plan):
    """The folder of a filled store, which stays for the next run."""
    server = bench.servers["lists"]
    folder = bench.build / f"lists-{plan.lists_events}"
    path = server.database_path(folder)
    if path.exists() and path.stat().st_mtime > time.time() - AGE_MAX_S:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    made = fill.schema(bench, server)
    bench.say(f"filling a store with {plan.lists_events} events")
    history.store(server.database_path(made), plan.lists_events,
                  [bench.body[size].read_text() for size in ("0.3k", "5k")],
                  int(time.time() * 1000))
    made.rename(folder)
    return folder


def steps(bench, plan):
    bench.servers["lists"] = Lists(bench, "lists", "klikitd", handlers=True)
    store = _store(bench, plan)
    return {
        "asked": lambda: _asked(bench, store, plan.lists_asked),
        "verbs": lambda: _verbs(bench, store),
        "load": lambda: _load(bench, store, plan.rounds, plan.seconds,
                              plan.warm_up),
    }
