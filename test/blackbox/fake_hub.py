"""A hub of the tests' own: it hands out jobs as the pull protocol has it, and
misbehaves as asked.

    hub = FakeHub(token, tls=None)  # tls: a server's ssl.SSLContext
    hub.add(body, event_id, lane="81")  # one after the other of a lane
    hub.wait_for(lambda: hub.outcomes("done") == 1)
    hub.say(302, {"Location": URL}, b"")  # the next answer; more may follow
    hub.lease_ms = 300              # of what is handed out from now on
    hub.stop(); hub.start()         # on the same port; leases are over

hub.log has (event_id, outcome, reason) of each outcome that was recorded,
hub.handed how often each event was handed out, hub.asked the queries,
hub.polls how many wait for an answer now.
"""

import base64
import http.server
import json
import select
import socket
import threading
import time
import urllib.parse

from conftest import CREATED, DEADLINE, SECRET, sign

NAME = "/pull/box"


class Job:
    def __init__(self, number, body, event_id, lane, fields):
        self.id = str(number)
        self.body = body
        self.event_id = event_id
        self.lane = lane
        self.fields = fields
        self.lease = None
        self.until = 0
        self.attempt = 0
        self.ended = False


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.hub.connections += 1

    def do_GET(self):
        self.server.hub.get(self)

    def do_POST(self):
        length = int(self.headers["content-length"])
        self.server.hub.post(self, self.rfile.read(length))

    def answer(self, status, fields, data):
        self.send_response(status)
        for name, value in fields.items():
            self.send_header(name, value)
        if "Content-Length" not in fields:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port, hub):
        self.hub = hub
        self.sockets = set()
        super().__init__(("127.0.0.1", port), Handler)

    def get_request(self):
        sock, peer = super().get_request()
        if self.hub.tls:
            sock = self.hub.tls.wrap_socket(sock, server_side=True,
                                            do_handshake_on_connect=False)
        self.sockets.add(sock)
        return sock, peer

    def handle_error(self, *args):
        pass


class FakeHub:
    def __init__(self, token, tls=None):
        self.token = token
        self.tls = tls
        self.changed = threading.Condition()
        self.jobs = []
        self.log = []
        self.handed = {}
        self.asked = []
        self.polls = 0
        self.said = []  # answers to be given instead, in turn
        self.reports = 0
        self.lease_ms = 60000
        self.connections = 0
        self.running = False
        self.port = 0
        self.start()

    # -- life --

    def start(self):
        self.server = Server(self.port, self)
        self.port = self.server.server_address[1]
        self.running = True
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       args=(0.01,))
        self.thread.start()
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}{NAME}"

    def stop(self):
        """As a crash: all connections end, and no lease is known after."""
        if not self.running:
            return
        with self.changed:
            self.running = False
            for job in self.jobs:
                job.lease = None
            self.changed.notify_all()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        for sock in self.server.sockets:
            try:
                sock.shutdown(2)
            except OSError:
                pass

    # -- what a test does --

    def add(self, body, event_id, lane=None, type=CREATED, signature=None,
            secret=SECRET, fields=None):
        with self.changed:
            self.jobs.append(Job(len(self.jobs) + 1, body, event_id, lane, [
                ["Content-Type", "application/json"],
                ["x-klikit-event-id", event_id],
                ["x-klikit-event-type", type],
                ["x-klikit-signature", signature or sign(body, secret)],
            ] if fields is None else fields))
            self.changed.notify_all()

    def say(self, status, fields=None, data=b"", count=1, done=False):
        """Answer so, in place of what is right: GET, or done: POST."""
        with self.changed:
            self.said += [(status, fields or {}, data, done)] * count

    def wait_for(self, condition):
        with self.changed:
            assert self.changed.wait_for(condition, DEADLINE), (
                self.log, self.asked[-3:], self.said)

    def wait_done(self):
        """Until all that was added has ended."""
        self.wait_for(lambda: all(job.ended for job in self.jobs))

    def outcomes(self, outcome):
        return sum(said == outcome for _, said, _ in self.log)

    # -- the protocol --

    def _refused(self, call):
        if call.headers["authorization"] == f"Bearer {self.token}":
            return False
        call.answer(401, {}, b'{"error":"unauthorized"}')
        return True

    def _instead(self, call, done):
        with self.changed:
            at = next((i for i, said in enumerate(self.said)
                       if said[3] == done), None)
            if at is None:
                return False
            status, fields, data, _ = self.said.pop(at)
            self.changed.notify_all()
        call.answer(status, fields, data)
        if "Content-Length" in fields:  # of which there is less
            call.close_connection = True
        return True

    def _hand_out(self, most):
        now, lanes, out = time.monotonic(), set(), []
        for job in self.jobs:
            if job.ended or job.lane in lanes:
                continue
            if job.lane is not None:
                lanes.add(job.lane)
            if (job.lease and job.until > now) or len(out) == most:
                continue
            job.attempt += 1
            job.lease = f"{job.id}/{job.attempt}"
            job.until = now + self.lease_ms / 1000
            self.handed[job.event_id] = self.handed.get(job.event_id, 0) + 1
            out.append({
                "id": job.id, "lease": job.lease, "lease_ms": self.lease_ms,
                "attempt": job.attempt, "event_id": job.event_id,
                "received_at": int(time.time() * 1000),
                "headers": job.fields,
                "body": base64.b64encode(job.body).decode()})
        return out

    def _is_gone(self, call):
        """Has who asked left? Then nothing may be handed out to him."""
        ready, _, _ = select.select([call.connection], [], [], 0)
        return bool(ready) and (
            bool(self.tls) or not call.connection.recv(1, socket.MSG_PEEK))

    def get(self, call):
        path, _, query = call.path.partition("?")
        asked = {k: int(v) for k, v in urllib.parse.parse_qsl(query)}
        with self.changed:
            self.asked.append(asked)
            self.changed.notify_all()
        if self._refused(call) or self._instead(call, False):
            return
        if path != NAME:
            call.answer(404, {}, b'{"error":"not found"}')
            return
        end, out = time.monotonic() + asked["wait"], []
        with self.changed:
            self.polls += 1
            while (self.running and not self._is_gone(call) and
                   not (out := self._hand_out(asked["max"]))):
                left = end - time.monotonic()
                if left <= 0 or self.said or self._is_gone(call):
                    break
                self.changed.wait(min(left, 0.1))
            self.polls -= 1
            self.changed.notify_all()
        if not self.running:
            call.close_connection = True
            return
        call.answer(200, {"Content-Type": "application/json"},
                    json.dumps({"jobs": out}).encode())

    def post(self, call, body):
        if self._refused(call) or self._instead(call, True):
            return
        assert call.path == NAME + "/done", call.path
        results = []
        with self.changed:
            for said in json.loads(body)["outcomes"]:
                job = self.jobs[int(said["id"]) - 1]
                ours = not job.ended and job.lease == said["lease"]
                if ours:
                    job.ended = True
                    self.log.append((job.event_id, said["outcome"],
                                     said.get("reason")))
                results.append({"id": said["id"],
                                "result": "recorded" if ours else "gone"})
            self.reports += 1
            self.changed.notify_all()
        call.answer(200, {"Content-Type": "application/json"},
                    json.dumps({"outcomes": results}).encode())
