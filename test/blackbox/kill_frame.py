"""The killing test that each outlet to a queue has to stand.

    from kill_frame import PLANS, Arrival, Target, stand

    class Orders(Target):                   # in the outlet's test file
        ...                                 # see Target

    @pytest.mark.parametrize("plan", PLANS)
    def test_nothing_is_lost(klikitd, rng, relay, redis_server, plan):
        stand(klikitd, rng, relay, plan, Orders(redis_server()))

Events of many orders are delivered through one outlet. Meanwhile the broker is
killed and started again, klikitd is killed, connections are cut in mid-frame,
and the broker is full for a while, in an order that chance draws (KLIKITD_SEED
repeats it). In the end each event has arrived, with its body; first arrivals of
an order are in order; repeats carry the same key; no job is left or dead.
PLANS has a short one and, for `./run test long`, the full one.
"""

import collections
import dataclasses
import http.client
import threading

import pytest

from conftest import CREATED, DEADLINE, STATUS
from load import order_body


@dataclasses.dataclass(frozen=True)
class Plan:
    events: int
    orders: int
    broker_kills: int
    server_kills: int
    cuts: int
    full: int = 1  # how often the broker is full for a while

    def blows(self, rng):
        """All that is done to it, by name, in an order that chance draws."""
        blows = (["broker"] * self.broker_kills + ["cut"] * self.cuts +
                 ["server"] * self.server_kills + ["full"] * self.full)
        rng.shuffle(blows)
        return blows


SHORT = Plan(events=200, orders=20, broker_kills=1, server_kills=1, cuts=1)
FULL = Plan(events=2000, orders=100, broker_kills=3, server_kills=5, cuts=5,
            full=2)
PLANS = [pytest.param(SHORT, id="short", marks=pytest.mark.once),
         pytest.param(FULL, id="full", marks=pytest.mark.long)]
CUT_AT = 3000  # bytes after which at most a connection is cut
# What a log may say meanwhile.
EXPECTED = ["retry in", "failed in a row", "paused", "unclean stop",
            "not closed properly", "handler out: ", "cannot be reached"]


@dataclasses.dataclass(frozen=True)
class Arrival:
    """One message as it is in the broker."""

    event_id: str  # klikit-event-id
    key: str       # idempotency-key
    body: bytes = None  # None: the broker's side keeps none


class Target:
    """The broker's side of one outlet. Derive from it."""

    port = None  # of the broker; klikitd reaches it through a relay
    exactly_once = False  # a repeat may not even arrive
    ordered = True  # arrivals() are in the queue's order
    expected = ()  # more patterns for warnings of the log

    def section(self, port):
        """The keys of klikitd's handler, with its URL at that port."""
        raise NotImplementedError

    def start(self):
        """After kill(), on the same port; returns when it takes messages."""
        raise NotImplementedError

    def kill(self):
        raise NotImplementedError

    def fill(self):
        """It takes no messages."""
        raise NotImplementedError

    def empty(self):
        """It takes them again."""
        raise NotImplementedError

    def arrivals(self):
        """Each message that arrived, as an Arrival, in the queue's order."""
        raise NotImplementedError


class Sender:
    """Delivers all events, one by one, each until it is acknowledged."""

    def __init__(self, server, plan):
        self.server = server
        self.bodies = {}
        for number in range(plan.events):
            event_id = f"e{number}"
            self.bodies[event_id] = order_body(
                number % plan.orders, 1 + number // plan.orders,
                note=event_id, pad=200)
        self.orders = plan.orders
        self.acknowledged = 0
        self.failure = None
        self.changed = threading.Condition()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def order_of(self, event_id):
        return int(event_id[1:]) % self.orders

    def _run(self):
        try:
            for number, (event_id, body) in enumerate(self.bodies.items()):
                self._deliver(event_id, body, CREATED if number < self.orders
                              else STATUS)
                with self.changed:
                    self.acknowledged += 1
                    self.changed.notify_all()
        except Exception as e:  # the test says so
            with self.changed:
                self.failure = e
                self.changed.notify_all()

    def _deliver(self, event_id, body, kind):
        while not self.ended.is_set():
            try:
                status, _, said = self.server.post(body, event_id, type=kind)
            except (OSError, http.client.HTTPException):
                self.ended.wait(0.01)  # it is being started
                continue
            if status == 200:
                return
            assert status == 503, (status, said)
            self.ended.wait(0.01)

    def wait_for(self, count):
        """Until so many are acknowledged."""
        with self.changed:
            assert self.changed.wait_for(
                lambda: self.failure or self.acknowledged >= count,
                DEADLINE * 5), f"{self.acknowledged} of {count}"
        assert self.failure is None, self.failure

    def stop(self):
        self.ended.set()
        self.thread.join(DEADLINE)


class Scene:
    """One run: what is done to it, and what goes on meanwhile."""

    def __init__(self, klikitd, rng, relay, plan, target):
        self.rng = rng
        self.plan = plan
        self.target = target
        self.relay = relay(target.port)
        section = target.section(self.relay.port)
        self.server = klikitd(config="[http]\nlisten = 127.0.0.1:0\n" +
                              section)
        self.server.write_config(
            f"[http]\nlisten = 127.0.0.1:{self.server.port}\n" + section)
        self.server.expect(*EXPECTED, *target.expected)
        self.sender = Sender(self.server, plan)

    def play(self):
        blows = self.plan.blows(self.rng)
        room = self.plan.events // (len(blows) + 1)
        for number, blow in enumerate(blows):
            self.sender.wait_for(number * room + self.rng.randrange(room) // 2)
            {"broker": self.broker_dies, "server": self.server_dies,
             "cut": self.connection_is_cut, "full": self.broker_is_full}[blow](
                 number * room + room)
        self.sender.wait_for(self.plan.events)
        self.wait_done()

    def broker_dies(self, until):
        self.target.kill()
        self.sender.wait_for(until)  # they wait for it
        self.target.start()

    def server_dies(self, _):
        self.server.kill()
        self.server.start()

    def connection_is_cut(self, until):
        cuts = self.relay.cuts
        self.relay.cut_after(self.rng.randrange(1, CUT_AT),
                             up=self.rng.random() < 0.7)
        self.sender.wait_for(until)
        with self.relay.changed:
            cut = self.relay.changed.wait_for(
                lambda: self.relay.cuts > cuts, 1)
        if not cut:  # all had arrived before
            self.relay.cut()

    def broker_is_full(self, until):
        self.target.fill()
        self.sender.wait_for(until)
        self.target.empty()

    def wait_done(self):
        ticks = threading.Event()
        for _ in range(DEADLINE * 10):
            status, _, said = self.server.ask("GET", "/api/v1/status")
            counts = said["counts"]
            if status == 200 and counts["pending_jobs"] == 0:
                break
            ticks.wait(0.1)  # nothing else says that all is done
        assert counts["pending_jobs"] == 0, self.server.log()
        assert counts["dead_jobs"] == 0, self.server.log()


def check(arrivals, bodies, order_of, exactly_once=False, ordered=True):
    """Raise AssertionError if an event is missing, changed or out of order."""
    first = {}
    for number, arrival in enumerate(arrivals):
        assert arrival.event_id in bodies, arrival
        earlier = first.setdefault(arrival.event_id, (number, arrival))[1]
        assert earlier.key == arrival.key, (earlier, arrival)
        assert arrival.body in (None, bodies[arrival.event_id]), arrival
    missing = sorted(set(bodies) - set(first))
    assert not missing, f"{len(missing)} lost: {missing[:10]}"
    keys = {arrival.key for _, arrival in first.values()}
    assert len(keys) == len(bodies), "two events have the same key"
    orders = collections.defaultdict(list)
    for event_id in bodies:  # in the order in which they were sent
        orders[order_of(event_id)].append(first[event_id][0])
    for order, places in orders.items():
        assert not ordered or places == sorted(places), (
            f"order {order}: {places}")
    assert not exactly_once or len(arrivals) == len(bodies), (
        f"{len(arrivals)} messages for {len(bodies)} events")


def stand(klikitd, rng, relay, plan, target):
    """Play a plan against a target. Returns all arrivals."""
    scene = Scene(klikitd, rng, relay, plan, target)
    try:
        scene.play()
    finally:
        scene.sender.stop()
    arrivals = list(target.arrivals())
    check(arrivals, scene.sender.bodies, scene.sender.order_of,
          target.exactly_once, target.ordered)
    return arrivals
