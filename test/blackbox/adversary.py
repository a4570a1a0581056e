"""What the adversarial test of many receivers is made of.

    pos = Pos(rng)              # a far side that fails, and sees who overlaps
    work = Deliveries(rng, receivers, count=20000, orders=200)
    work.wait_for(500)          # until so many deliveries are acknowledged
    work.finish()               # all of them
    work.ids, work.arrivals     # what must be stored; per order, in order

Deliveries of one order are sent one after another: the next one only when the
last is acknowledged, so that it is known in which order they arrived. Three in
ten are duplicates: beside the first, or later, to any receiver.
"""

import collections
import http.client
import http.server
import itertools
import json
import queue
import socketserver
import threading

from conftest import CREATED, sign
from relay import Relay

HANDLERS = ("kitchen", "screen")
TIMEOUT_S = 10  # a receiver that was stopped says nothing: ask another
SENDERS = 24


class Pos(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Answers POST /HANDLER: one in six calls fails, some without an answer, and
    one in fifty takes a second, so that another beside it is seen.

    A call is under way from when it was read until just before its answer."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, rng):
        super().__init__(("127.0.0.1", 0), Call)
        self.rng = rng
        self.port = self.server_address[1]
        self.lock = threading.Lock()
        self.busy = {}     # by handler and order: the event
        self.overlaps = []
        self.calls = 0
        self.done = collections.Counter()  # by handler and event
        self.keys = collections.defaultdict(set)  # the same, of all calls
        self.arrivals = collections.defaultdict(list)  # by handler and order
        self.seen = set()
        self.pause = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def begin(self, handler, event, orders, key):
        """Returns how the call ends: its seconds, and its status or None."""
        with self.lock:
            self.calls += 1
            self.keys[handler, event].add(key)
            for order in orders:
                lane = handler, order
                if lane in self.busy:
                    self.overlaps.append((lane, event, self.busy[lane]))
                self.busy[lane] = event
                if (lane, event) not in self.seen:
                    self.seen.add((lane, event))
                    self.arrivals[lane].append(event)
            end = self.rng.choices([200, 500, 503, None], [50, 5, 3, 2])[0]
            # Well below the lease, from whose last renewal it counts.
            slow = self.rng.random() < 0.02
            return 1 if slow else self.rng.expovariate(200), end

    def end(self, handler, event, orders, status):
        with self.lock:
            for order in orders:
                self.busy.pop((handler, order), None)
            if status == 200:
                self.done[handler, event] += 1

    def handle_error(self, *_):
        """A receiver that was killed reads no answer."""


class Call(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        orders = {order["id"] for order in json.loads(body)["orders"]}
        event = self.headers["x-klikit-event-id"]
        handler = self.path.strip("/")
        seconds, status = self.server.begin(
            handler, event, orders, self.headers["idempotency-key"])
        self.server.pause.wait(seconds)
        self.server.end(handler, event, orders, status)
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Deliveries:
    """Threads that deliver, until each delivery is acknowledged."""

    def __init__(self, rng, receivers, count, orders):
        self.rng = rng
        self.receivers = receivers
        self.count = count
        self.changed = threading.Condition()
        self.sent = queue.SimpleQueue()  # what may be sent now
        self.left = {}      # event number: orders of it that are not free yet
        self.lanes = collections.defaultdict(collections.deque)
        self.events = []    # their ids, orders and bodies
        self.duplicates = collections.Counter()
        self.acknowledged = set()
        self.answers = collections.Counter()
        self.wrong = []
        self.broken = 0
        self.acks = 0
        self.stopping = threading.Event()
        self._draw(count * 7 // 10, orders)
        self.threads = [threading.Thread(target=self._send, args=(seed,),
                                         daemon=True)
                        for seed in range(SENDERS)]
        for number in sorted(self.left):
            if self.left[number] == 0:
                self._release(number)
        for thread in self.threads:
            thread.start()

    def _draw(self, events, orders):
        for number in range(events):
            size = self.rng.choices([1, 2, 3], [7, 2, 1])[0]
            chosen = self.rng.sample(range(orders), size)
            event = f"e{number}"
            body = json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
                {"id": order, "status": 1, "note": event,
                 "updated_at": "2026-06-25T09:14:11Z"}
                for order in chosen]}).encode()
            self.events.append((event, chosen, body))
            self.left[number] = sum(bool(self.lanes[o]) for o in chosen)
            for order in chosen:
                self.lanes[order].append(number)
        self.arrivals = {order: [f"e{n}" for n in lane]
                         for order, lane in self.lanes.items()}
        for number in self.rng.choices(range(events),
                                       k=self.count - events):
            self.duplicates[number] += 1

    @property
    def ids(self):
        return {event for event, _, _ in self.events}

    def _release(self, number):
        """Send it; duplicates beside it, or later."""
        beside = self.rng.randint(0, self.duplicates[number])
        self.duplicates[number] -= beside
        for first in [True] + beside * [False]:
            self.sent.put((number, first))

    def _acknowledged(self, number, first):
        with self.changed:
            event, orders, _ = self.events[number]
            self.acknowledged.add(event)
            self.acks += 1
            if first:
                for order in orders:
                    lane = self.lanes[order]
                    assert lane.popleft() == number
                    if lane:
                        self.left[lane[0]] -= 1
                        if self.left[lane[0]] == 0:
                            self._release(lane[0])
                for _ in range(self.duplicates[number]):
                    self.sent.put((number, False))
            self.changed.notify_all()

    def _send(self, seed):
        connections = {}
        turn = itertools.count(seed)
        while (item := self.sent.get()) is not None:
            number, first = item
            while not self.stopping.is_set():
                at = next(turn) * 7 % len(self.receivers)
                if self._post(connections, at, number):
                    self._acknowledged(number, first)
                    break
                self.stopping.wait(0.05)
        for connection in connections.values():
            connection.close()

    def _post(self, connections, at, number):
        """One try. Returns whether it was acknowledged."""
        event, _, body = self.events[number]
        if at not in connections:
            connections[at] = self.receivers[at].connect(TIMEOUT_S)
        connection = connections[at]
        try:
            connection.request("POST", "/webhooks/klikit", body, {
                "x-klikit-event-id": event,
                "x-klikit-event-type": CREATED,
                "x-klikit-signature": sign(body)})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            with self.changed:
                self.broken += 1
            return False
        with self.changed:
            self.answers[answer.status] += 1
            if answer.status not in (200, 503) or (
                    answer.status == 503 and not answer.headers["retry-after"]):
                self.wrong.append((answer.status, str(answer.headers)))
        return answer.status == 200

    def wait_for(self, count, limit=120):
        """Until that many are acknowledged; the limit is for each ten."""
        with self.changed:
            while self.acks < min(count, self.count):
                wanted = min(self.acks + 10, count, self.count)
                assert self.changed.wait_for(lambda: self.acks >= wanted,
                                             limit), (
                    f"{self.acks} of {self.count} are acknowledged, and no "
                    f"more: {dict(self.answers)}, {self.broken} broken")

    def finish(self):
        self.wait_for(self.count)
        self.stop()

    def stop(self):
        self.stopping.set()
        for _ in self.threads:
            self.sent.put(None)
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()


class CommitRelay(Relay):
    """Before a database: can cut after a COMMIT, so that no answer comes."""

    def __init__(self, port):
        self.at_commit = 0  # so many more
        super().__init__(port)

    def _until_cut(self, data, up):
        if up and self.at_commit > 0 and b"COMMIT" in data.upper():
            self.at_commit -= 1
            self.cuts += 1
            self.changed.notify_all()
            return data, True
        return super()._until_cut(data, up)

    def cut_at_commit(self):
        with self.changed:
            self.at_commit += 1
