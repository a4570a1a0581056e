#!/usr/bin/python3
"""What the way by a hub costs: latency to the POS, and pullers that wait.

  latency   klikit's POST to the POS call: at a hub, from which a box fetches
            and calls the POS, beside a klikitd that calls the same POS itself.
            One event at a time, the two ways in turn, event by event. All on
            the loopback, each klikitd with a store in a file.
            Goal: the median of the rounds' ratios of the medians is at most 3.
  memory    what a puller that waits costs the hub, beside a connection that is
            idle. Goal: at most 1.5 times as much.
  acks      deliveries a second with that many pullers waiting, beside the same
            without, at two servers, there and back in each round.
            Goal: the median of the rounds' ratios is at least 0.9.

Needs a release build of klikitd and of test/bench/load, pytest for the tests'
modules, two cores at rest, and as many open files as there are pullers. Ends by
itself, in about 6 minutes; --quick only shows that it works. Exit status 0: all
goals were met, 1: not so.
"""

import argparse
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "blackbox"))

from conftest import CREATED, sign  # noqa: E402

SECRET = "klikit-test-secret"
TOKEN = "a-token-of-the-bench"
BODY = json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
    {"id": "@ORDER@", "status": 1, "note": "x" * 4900}]}).replace(
        '"@ORDER@"', "@ORDER@")
LATENCY_MAX, MEMORY_MAX, ACKS_MIN = 3, 1.5, 0.9
WAIT_S = 55  # that a puller may wait
SPARE_FILES = 500
DEADLINE = 60
# Nobody's branch: pullers that wait get nothing.
PULL = """[handler box]
type = pull
token_file = {folder}/token
branches = {branch}
"""
FORWARD = """[handler pos]
type = forward
url = http://127.0.0.1:{port}/orders
once_per_order = no
"""
UPSTREAM = """[upstream hub]
url = http://127.0.0.1:{port}/pull/box
token_file = {folder}/token
"""
NO_HANDLERS = "[handler nobody]\ntype = orders\nevents = bench.nothing\n"


class Server:
    """klikitd in a folder of its own."""

    def __init__(self, binary, folder, config, connections=1024):
        folder.mkdir()
        self.folder = folder
        (folder / "secret").write_text(SECRET)
        (folder / "token").write_text(TOKEN + "\n")
        (folder / "klikitd.ini").write_text(
            "[http]\nlisten = 127.0.0.1:0\n"
            f"max_connections = {connections}\n"
            "[admin]\nlisten = 127.0.0.1:0\n"
            f"[klikit]\nsecret_file = {folder}/secret\n{config}")
        self.process = subprocess.Popen(
            [binary, "serve", "-c", folder / "klikitd.ini"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=(folder / "log").open("a"), text=True, env={
                name: value for name, value in os.environ.items()
                if not name.startswith(("KLIKIT", "PORT"))})
        ports = {}
        while len(ports) < 2:
            line = self.process.stdout.readline()
            assert line, (folder / "log").read_text()
            what, _, url = line.strip().partition(": ")
            ports[what] = int(url.rsplit(":", 1)[1])
        self.port, self.admin = ports["listening"], ports["admin"]

    def memory_kb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def metric(self, name):
        url = f"http://127.0.0.1:{self.admin}/metrics"
        with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
            found = re.search(rf"^{re.escape(name)} (\S+)$",
                              answer.read().decode(), re.M)
        return float(found[1]) if found else None

    def wait_for(self, name, value):
        end = time.monotonic() + DEADLINE
        while self.metric(name) != value:
            assert time.monotonic() < end, (name, self.metric(name))
            time.sleep(0.05)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE)
        self.process.stdout.close()
        assert code == 0, (self.folder / "log").read_text()


# -- Latency --


class Pos(http.server.ThreadingHTTPServer):
    """Notes when it is called with which event."""

    daemon_threads = True

    def __init__(self):
        self.called = {}
        self.changed = threading.Condition()
        super().__init__(("127.0.0.1", 0), Call)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait(self, event_id):
        with self.changed:
            assert self.changed.wait_for(lambda: event_id in self.called,
                                         DEADLINE), event_id
            return self.called[event_id]


class Call(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        now = time.monotonic()
        self.rfile.read(int(self.headers["content-length"]))
        with self.server.changed:
            self.server.called.setdefault(
                self.headers["x-klikit-event-id"], now)
            self.server.changed.notify_all()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def one_event(pos, connection, number):
    """From the POST until the POS is called, in ms."""
    body = BODY.replace("@ORDER@", str(number)).encode()
    event_id = str(uuid.uuid4())
    begun = time.monotonic()
    connection.request("POST", "/webhooks/klikit", body, {
        "x-klikit-event-id": event_id, "x-klikit-event-type": CREATED,
        "x-klikit-signature": sign(body, SECRET.encode())})
    answer = connection.getresponse()
    said = answer.read()
    assert answer.status == 200, said
    return (pos.wait(event_id) - begun) * 1000


def latency(args, folder):
    """The median ratio."""
    pos = Pos()
    forward = FORWARD.format(port=pos.server_address[1])
    with contextlib.ExitStack() as end:
        end.callback(pos.shutdown)
        hub = Server(args.klikitd, folder / "hub", PULL.format(
            folder=folder / "hub", branch="2"))
        end.callback(hub.stop)
        direct = Server(args.klikitd, folder / "direct", forward)
        end.callback(direct.stop)
        box = Server(args.klikitd, folder / "box", forward + UPSTREAM.format(
            port=hub.port, folder=folder / "box"))
        end.callback(box.stop)
        ways = {"hub": hub, "direct": direct}
        connections = {way: http.client.HTTPConnection(
            "127.0.0.1", server.port, timeout=DEADLINE)
            for way, server in ways.items()}
        number, ratios = 0, []
        box.wait_for('klikitd_upstream_connected{upstream="hub"}', 1)
        for turn in range(args.rounds + 1):
            took = {way: [] for way in ways}
            for _ in range(args.events):
                for way, connection in connections.items():
                    number += 1
                    took[way].append(one_event(pos, connection, number))
            found = {way: statistics.median(ms) for way, ms in took.items()}
            if turn == 0:
                continue  # caches, connections
            ratios.append(found["hub"] / found["direct"])
            print(f"latency {turn}: by the hub {found['hub']:.2f} ms, "
                  f"directly {found['direct']:.2f} ms: {ratios[-1]:.2f}",
                  flush=True)
        for connection in connections.values():
            connection.close()
    return statistics.median(ratios)


# -- Those who wait --

ASK = (f"GET /pull/box?wait={WAIT_S} HTTP/1.1\r\nHost: x\r\n"
       f"Authorization: Bearer {TOKEN}\r\n\r\n").encode()
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(server, count, request):
    """So many connections, from many addresses, each with a request sent."""
    made = []
    for i in range(count):
        made.append(socket.create_connection(
            ("127.0.0.1", server.port), DEADLINE,
            source_address=(f"127.0.{1 + i // 250}.{1 + i % 250}", 0)))
        made[-1].sendall(request)
    return made


@contextlib.contextmanager
def pullers(args, server):
    """All that are asked for, waiting."""
    made = connect(server, args.pullers, ASK)
    try:
        server.wait_for('klikitd_pullers{handler="box"}', args.pullers)
        yield made
        assert server.metric('klikitd_pullers{handler="box"}') == (
            args.pullers), f"some waited for longer than {WAIT_S} s"
    finally:
        for one in made:
            one.close()
    server.wait_for('klikitd_pullers{handler="box"}', 0)


def hub_of_nobody(args, folder):
    return Server(args.klikitd, folder, PULL.format(
        folder=folder, branch="nobody") + NO_HANDLERS,
        connections=args.pullers + SPARE_FILES)


def deliver(args, folder, server, first):
    """Deliveries answered in a second."""
    done = subprocess.run(
        [args.load, "--body", folder / "body", "--secret-file",
         folder / "secret", "--connections", "64", "--warm-up", "1",
         "--seconds", str(args.seconds), "--first-order", str(first),
         f"127.0.0.1:{server.port}"],
        stdout=subprocess.PIPE, text=True, timeout=args.seconds + 120)
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)["rate"]


def memory(args, folder, first):
    """KB of one that is idle, and of a puller that waits."""
    found = {}
    for what in ("idle", "waits"):
        server = hub_of_nobody(args, folder / what)
        deliver(args, folder, server, first)  # what it needs to work at all
        before = server.memory_kb()
        if what == "waits":
            with pullers(args, server):
                found[what] = server.memory_kb() - before
        else:
            made = connect(server, args.pullers, HEALTH)
            for one in made:
                assert one.recv(4096).startswith(b"HTTP/1.1 200"), what
            found[what] = server.memory_kb() - before
            for one in made:
                one.close()
        server.stop()
        print(f"memory: {args.pullers} connections, each {what}: "
              f"{found[what] / args.pullers:.2f} KB", flush=True)
    return found["idle"], found["waits"]


def acks(args, folder, first):
    """The median ratio of the rates with and without pullers."""
    ratios = []
    with contextlib.ExitStack() as end:
        servers = [hub_of_nobody(args, folder / name)
                   for name in ("without", "with")]
        for server in servers:
            end.callback(server.stop)
        for turn in range(args.rounds):
            rates = [0, 0]
            for there in ((0, 1), (1, 0)):  # no puller waits longer
                with pullers(args, servers[1]):
                    for which in there:
                        first += 10 ** 7  # bodies of their own
                        rates[which] += deliver(
                            args, folder, servers[which], first) / 2
            ratios.append(rates[1] / rates[0])
            print(f"acks {turn + 1}: with {args.pullers} pullers "
                  f"{rates[1]:.0f}/s, without {rates[0]:.0f}/s: "
                  f"{ratios[-1]:.2f}", flush=True)
    return statistics.median(ratios)


def fit_files(args):
    """As many open files as the limit allows; so many pullers, if need be."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if args.pullers + 2 * SPARE_FILES > most:
        args.pullers = most - 2 * SPARE_FILES
        print(f"only {args.pullers} pullers: {most} files may be open")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--klikitd", default=ROOT / "build-release/klikitd")
    parser.add_argument("--load",
                        default=ROOT / "build-release/test/bench/load")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--events", type=int, default=100,
                        help="by each way, in a round of latency")
    parser.add_argument("--pullers", type=int, default=10000)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    args = parser.parse_args()
    if args.quick:
        args.rounds, args.events, args.pullers, args.seconds = 1, 10, 200, 1
    if 2 * (args.seconds + 12) > WAIT_S - 10:  # bodies are made as well
        parser.error(f"--seconds: a puller waits for {WAIT_S} s only")
    fit_files(args)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "body").write_text(BODY)
        (folder / "secret").write_text(SECRET)
        ways = latency(args, folder)
        idle, waits = memory(args, folder, 10 ** 9)
        rate = acks(args, folder, 2 * 10 ** 9)
    print(f"latency: by the hub {ways:.2f} times the direct way (goal: at "
          f"most {LATENCY_MAX})")
    print(f"memory: a puller {waits / idle:.2f} times an idle connection "
          f"(goal: at most {MEMORY_MAX})")
    print(f"acks: {rate:.2f} with {args.pullers} pullers (goal: at least "
          f"{ACKS_MIN})")
    met = (ways <= LATENCY_MAX and waits <= MEMORY_MAX * idle and
           rate >= ACKS_MIN)
    print("all goals met" if met else "a goal was missed")
    return 0 if met else 1


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
