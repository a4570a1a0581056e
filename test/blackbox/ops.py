"""Alerts, and a far side that keeps them, as a chat's webhook would."""

import http.server
import json
import threading
import types

import pytest

from conftest import DEADLINE


class Ops:
    def __init__(self, status=200):
        self.status = status
        self.all = []
        self.changed = threading.Condition()
        ops = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(ops.take(self.headers, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def take(self, headers, body):
        """One request; what it is answered."""
        with self.changed:
            self.all.append(types.SimpleNamespace(
                type=headers["x-klikit-event-type"], body=body,
                id=headers["x-klikit-event-id"],
                signature=headers["x-klikit-signature"],
                key=headers["Idempotency-Key"]))
            self.changed.notify_all()
            return self.status

    def posts(self):
        with self.changed:
            return list(self.all)

    def told(self):
        """What was said in them, in the order in which they came."""
        return [json.loads(post.body) for post in self.posts()]

    def wait(self, count):
        """The same, once there are so many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.all) >= count,
                                         DEADLINE), (len(self.all), count)
        return self.told()


@pytest.fixture
def ops():
    """Where alerts go to, as a chat would get them."""
    made = []

    def make(status=200):
        made.append(Ops(status))
        return made[-1]
    yield make
    for one in made:
        one.close()


def alerting(url, rest="", after="1s", remind="0"):
    return ("[http]\nlisten = 127.0.0.1:0\n"
            f"[alert]\nafter = {after}\nremind = {remind}\n"
            f"[handler ops]\ntype = forward\nevents = klikitd.alert.*\n"
            f"url = {url}\nretry = 100ms\n" + rest)


def states(alerts):
    return [(a["kind"], a["subject"], a["state"]) for a in alerts]


def looks(server, count=3):
    """Wait until it has looked at all that many times more."""
    def seen():
        return server.metrics()["klikitd_alert_looks_total"]
    goal = seen() + count
    for _ in range(DEADLINE * 20):
        if seen() >= goal:
            return
        threading.Event().wait(0.05)
    raise AssertionError("it does not look")
