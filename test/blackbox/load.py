"""Senders for the tests that need many deliveries."""

import http.client
import json
import threading
import uuid

from conftest import CREATED, sign


def order_body(order, status=1, updated_at="2026-06-25T09:14:11Z", pad=0,
               note=""):
    """A small delivery of one order. The same bytes again are a repeat: what
    else is the same has a note of its own."""
    return json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
        {"id": order, "status": status, "updated_at": updated_at,
         "note": note, "pad": "x" * pad}]}).encode()


class Senders:
    """Threads that deliver until told to stop, and note what was answered.

    Every delivery has a body of its own, signed before it is sent; the orders
    come again and again, so that events wait for each other.

    A connection that breaks is opened again; what it carried counts as not
    acknowledged, whatever became of it.
    """

    def __init__(self, server, count=8, orders=50, restarts=False):
        self.server = server
        self.acknowledged = []
        self.refused = []
        self.restarts = restarts  # after kill -9 it says 503 at first
        self.broken = []  # why, of connections that were lost
        self.latencies = []
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.orders = orders
        self.threads = [threading.Thread(target=self._send, args=(n,),
                                         daemon=True) for n in range(count)]
        for thread in self.threads:
            thread.start()

    def _send(self, n):
        connection = None
        number = 0
        while not self.stopping.is_set():
            number += 1
            event_id = f"{n}-{uuid.uuid4()}"
            body = order_body(number % self.orders, note=event_id)
            try:
                if connection is None:
                    connection = self.server.connect(timeout=30)
                connection.request("POST", "/webhooks/klikit", body, {
                    "x-klikit-event-id": event_id,
                    "x-klikit-event-type": CREATED,
                    "x-klikit-signature": sign(body)})
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException) as e:
                self.broken.append(repr(e))
                if connection is not None:
                    connection.close()
                connection = None
                self.stopping.wait(0.01)  # the server may be restarting
                continue
            if answer.status == 503 and self.restarts:
                self.stopping.wait(0.01)
                continue
            with self.lock:
                (self.acknowledged if answer.status == 200 else
                 self.refused).append(event_id)
        if connection is not None:
            connection.close()

    def wait_for(self, count):
        """Until so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        for _ in range(3000):
            if len(self.acknowledged) >= wanted:
                return
            self.stopping.wait(0.02)
        raise AssertionError("the server does not acknowledge any more")

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
