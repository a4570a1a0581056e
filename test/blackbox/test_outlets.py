"""From the store to the far side: nothing lost, in order, or visibly dead."""

import collections
import http.server
import json
import random
import socketserver
import sqlite3
import threading

import pytest

from conftest import CREATED, STATUS, payload, received, sign
from load import order_body
from sink import Sink

pytestmark = [pytest.mark.once, pytest.mark.both]


@pytest.fixture
def sink(tmp_path):
    """A factory of fake POS's."""
    made = []

    def make(*flags):
        home = tmp_path / f"sink{len(made)}"
        home.mkdir()
        made.append(Sink(home, *flags))
        return made[-1]

    yield make
    for one in made:
        one.stop()


class ChoosyPos(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A POS that refuses what carries one of these idempotency keys."""

    daemon_threads = True

    def __init__(self, refused):
        super().__init__(("127.0.0.1", 0), ChoosyHandler)
        self.refused = refused
        self.keys = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/orders"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class ChoosyHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        key = self.headers["idempotency-key"]
        self.rfile.read(int(self.headers["content-length"]))
        self.server.keys.append(key)
        self.send_response(422 if key in self.server.refused else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def forward(url, more=""):
    return (f"[handler pos]\ntype = forward\nevents = *\nurl = {url}\n"
            f"retry = 100ms, 200ms, 500ms\n{more}\n")


def test_an_event_goes_out_as_it_came_in(klikitd, sink):
    pos = sink()
    server = klikitd(config=forward(pos.url))
    body = payload("created-typical.json")
    received(server.post(body, "one"))
    server.wait_processed()
    (request,) = pos.lines()
    assert request["key"] == "one"
    assert request["event_id"] == "one"
    assert request["type"] == CREATED
    assert request["signature"] == sign(body)
    assert request["body_len"] == len(body)
    assert request["attempt"] == 1
    assert server.query("SELECT outcome, code FROM attempts") == [
        ("done", 200)]


def test_a_failing_far_side_is_tried_again_with_the_same_key(klikitd, sink):
    pos = sink("--status", "503")
    server = klikitd(config=forward(pos.url))
    server.expect("retry in", "failed in a row")
    received(server.post(payload("created-small.json"), "one"))
    pos.wait_lines(3)
    pos.restart()
    server.wait_processed()
    requests = pos.lines()
    assert {r["key"] for r in requests} == {"one"}
    assert server.query("SELECT state FROM jobs") == [("done",)]
    attempts = server.query("SELECT number, code FROM attempts "
                            "WHERE outcome NOT LIKE 'connection refused%' "
                            "ORDER BY number")  # while it restarts
    assert [r["attempt"] for r in requests] == [n for n, _ in attempts]
    codes = [code for _, code in attempts]
    assert codes == [503] * (len(codes) - 1) + [200]


def test_a_refused_order_of_a_batch_is_dead_alone(klikitd):
    """unit = order: five calls, five keys; one of them answered 422."""
    orders = [str(o["id"]) for o in
              json.loads(payload("created-batch-5.json"))["orders"]]
    pos = ChoosyPos({f"batch:{orders[2]}"})
    server = klikitd(config=forward(pos.url, "unit = order"))
    server.expect("dead")
    received(server.post(payload("created-batch-5.json"), "batch"))
    server.wait_processed()
    assert sorted(pos.keys) == sorted(f"batch:{o}" for o in orders)
    assert server.query("SELECT place, state FROM jobs ORDER BY place") == [
        (0, "done"), (1, "done"), (2, "dead"), (3, "done"), (4, "done")]
    received(server.post(order_body(int(orders[2]), 3), "later", STATUS))
    server.wait_processed()
    assert pos.keys[-1] == f"later:{orders[2]}"
    pos.shutdown()


def test_a_created_order_goes_out_once_whatever_its_event_id(klikitd, sink):
    pos = sink()
    server = klikitd(config=forward(pos.url))
    body = payload("created-small.json")
    received(server.post(body, "first"))
    server.wait_processed()
    received(server.deliver(body, "again"))
    server.wait_processed()
    assert [r["key"] for r in pos.lines()] == ["first"]
    outcome = server.query("SELECT outcome FROM jobs ORDER BY id")[1][0]
    assert outcome.startswith("already")


def test_a_hanging_order_does_not_hold_up_the_others(klikitd, sink):
    slow = sink("--delay", "20s")
    fast = sink()
    server = klikitd(config=(
        f"[handler slow]\ntype = forward\nevents = {STATUS}\n"
        f"url = {slow.url}\ntimeout = 30s\n" + forward(fast.url).replace(
            "events = *", f"events = {CREATED}")))
    received(server.post(order_body(1), "hangs", STATUS))
    for number in range(50):
        received(server.post(order_body(number + 10), f"e{number}"))
    fast.wait_lines(50)
    assert server.query("SELECT state FROM jobs j JOIN events e "
                        "ON e.id = j.event WHERE event_id = 'hangs'") == [
                            ("running",)]
    server.kill()


class CountingPos(ChoosyPos):
    """It counts its connections."""

    request_queue_size = 64
    connections = 0

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)


def backlog(klikitd, pos, more, count):
    """A server that has so much to do for that POS, and is paused."""
    server = klikitd(config=forward(pos.url, more))
    server.do("pause", "pos")
    for number in range(count):
        received(server.post(order_body(number), f"e{number}"))
    return server


def test_connections_are_kept_for_all_calls_at_once(klikitd):
    pos = CountingPos(set())
    server = backlog(klikitd, pos, "concurrency = 32", 300)
    server.do("resume", "pos")
    server.wait_processed()
    assert pos.connections <= 32
    pos.shutdown()


CUT = "outcome LIKE 'unknown%no answer%'"


@pytest.mark.once
def test_nothing_is_lost_between_a_bad_pos_and_a_power_switch(klikitd, sink):
    """2,000 events over 100 orders; the POS fails, hangs, drops, restarts, and
    klikitd is killed ten times meanwhile."""
    rng = random.Random(7)
    pos = sink("--fail", "20%", "--drop-after-read", "5%", "--seed", "1")
    server = klikitd(config=forward(
        pos.url, "concurrency = 16\ntimeout = 2s\nonce_per_order = no"))
    server.expect(".")
    port = server.port
    server.write_config(
        f"[http]\nlisten = 127.0.0.1:{port}\n" + forward(
            pos.url, "concurrency = 16\ntimeout = 2s\nonce_per_order = no"))
    sent = []
    hung = 0  # times that calls were seen to be cut at their timeout
    for number in range(2000):
        event_id, order = f"{number:04}", number % 100
        body = order_body(order)
        while True:
            try:
                if server.deliver(body, event_id)[0] == 200:
                    break
            except OSError:
                pass
        sent.append((order, event_id))
        if number % 200 == 100:
            server.kill()
            if number % 600 == 300:  # it takes requests and never answers
                pos.restart("--delay", "1h", kill=True)
            elif rng.random() < 0.5 or "--delay" in pos.args:
                pos.restart("--fail", "20%", "--drop-after-read", "5%",
                            "--seed", str(number), kill=True)
            server.start()
            if "--delay" in pos.args:
                hung += 1
                ((before,),) = server.query(
                    f"SELECT count(*) FROM attempts WHERE {CUT}")
                server.wait_query(f"SELECT count(*) > {before} FROM attempts "
                                  f"WHERE {CUT}", [(1,)])
    assert hung == 3
    pos.restart(kill=True)
    server.wait_processed()
    requests = pos.lines()
    assert {r["key"] for r in requests} == {e for _, e in sent}
    first = collections.OrderedDict()
    for request in requests:
        first.setdefault(request["key"], request)
    for order in range(100):
        arrived = [key for key in first if int(key) % 100 == order]
        assert arrived == sorted(arrived), order
    assert server.query("SELECT DISTINCT state FROM jobs") == [("done",)]


def test_exec_gets_the_body_and_the_facts(klikitd, tmp_path):
    script = tmp_path / "handle"
    script.write_text(f"""#!/bin/sh
cat > {tmp_path}/body
env | grep ^KLIKIT_ | sort > {tmp_path}/env
echo handled
""")
    script.chmod(0o755)
    server = klikitd(config=f"[handler run]\ntype = exec\n"
                            f"command = {script}\n")
    body = payload("created-unicode.json")
    received(server.post(body, "one"))
    server.wait_processed()
    assert (tmp_path / "body").read_bytes() == body
    env = dict(line.split("=", 1) for line in
               (tmp_path / "env").read_text().splitlines())
    assert env == {
        "KLIKIT_EVENT_ID": "one", "KLIKIT_EVENT_TYPE": CREATED,
        "KLIKIT_BRAND_ID": "910", "KLIKIT_BRANCH_ID": "2041",
        "KLIKIT_SCOPE": "", "KLIKIT_ATTEMPT": "1"}
    assert server.query("SELECT state FROM jobs") == [("done",)]
    assert server.query("SELECT answer FROM attempts") == [
        (b"handled\n",)]


@pytest.mark.parametrize("code, state", [(0, "done"), (1, "dead"),
                                         (75, "waiting")])
def test_the_exit_code_is_the_verdict(klikitd, tmp_path, code, state):
    server = klikitd(config="[handler run]\ntype = exec\n"
                            f"command = /bin/sh -c \"exit {code}\"\n")
    server.expect("dead", "retry in")
    received(server.post(payload("created-small.json")))
    server.wait_query("SELECT state FROM jobs", [(state,)])


def alarm(tmp_path, url, deadline):
    return forward(url, f"deadline = {deadline}\non_deadline = bell") + (
        "[handler bell]\ntype = exec\nevents =\n"
        f"command = /bin/sh -c \"echo rang >> {tmp_path}/rang\"\n")


def test_the_kitchen_alarm_rings_once_when_the_pos_is_late(klikitd, sink,
                                                           tmp_path):
    pos = sink("--status", "503")
    server = klikitd(config=alarm(tmp_path, pos.url, "1s"))
    server.expect(".")
    received(server.post(payload("created-small.json"), "late"))
    server.wait_query("SELECT count(*) FROM jobs j JOIN handlers h ON "
                      "h.id = j.handler WHERE h.name = 'bell' AND "
                      "j.state = 'done'", [(1,)])
    server.kill()
    server.start()
    pos.restart()
    server.wait_processed()
    assert (tmp_path / "rang").read_text() == "rang\n"


def test_the_kitchen_alarm_is_cancelled_when_the_pos_has_it(klikitd, sink,
                                                            tmp_path):
    pos = sink()
    server = klikitd(config=alarm(tmp_path, pos.url, "1h"))
    received(server.post(payload("created-small.json"), "fine"))
    server.wait_processed()
    assert server.query("SELECT h.name, j.outcome FROM jobs j JOIN handlers h "
                        "ON h.id = j.handler ORDER BY h.name") == [
                            ("bell", "cancelled"), ("pos", "done")]
    assert not (tmp_path / "rang").exists()


def off_since(server, hours):
    """klikitd was killed that long ago: so says what it kept of its clocks."""
    conn = sqlite3.connect(server.database)
    conn.execute("UPDATE clock SET boot_at = boot_at - :ms, "
                 "wall_at = wall_at - :ms", {"ms": hours * 3600 * 1000})
    conn.commit()
    conn.close()


@pytest.mark.sqlite("the clocks of this machine")
def test_an_alarm_whose_time_passed_while_off_rings_at_the_start(
        klikitd, sink, tmp_path):
    pos = sink("--status", "503")
    server = klikitd(config=alarm(tmp_path, pos.url, "1h"))
    server.expect(".")
    received(server.post(payload("created-small.json"), "late"))
    server.kill()
    off_since(server, 2)
    server.start()
    server.wait_query("SELECT count(*) FROM jobs j JOIN handlers h ON "
                      "h.id = j.handler WHERE h.name = 'bell' AND "
                      "j.state = 'done'", [(1,)])
    assert (tmp_path / "rang").read_text() == "rang\n"


@pytest.mark.parametrize("section, line, said", [
    ("type = kafka\n", 2, 'type: no type "kafka"'),
    ("events = *\n", 1, "type: is missing"),
    ("type = forward\n", 1, "url: is missing"),
    ("type = forward\nurl = ftp://x/\n", 3, "url: must begin with http://"),
    ("type = forward\nurl = http://x/\nca_file = ca.pem\n", 4,
     "ca_file: is of no use, as the url is without TLS"),
    ("type = exec\n", 1, "command: is missing"),
    ("type = exec\ncommand = /nowhere/ring\n", 3,
     "command: /nowhere/ring: No such file"),
    ("type = forward\nurl = http://x/\ntimeout = soon\n", 4,
     'timeout: "soon" is not a duration'),
    ("type = orders\ndeadline = 1m\non_deadline = nobody\n", 4,
     "on_deadline: there is no [handler nobody]"),
    ("type = orders\ndeadline = 1m\non_deadline = a\n", 4,
     "on_deadline: a cannot ring for itself"),
])
def test_a_bad_handler_section_is_named(klikitd, section, line, said):
    """Each refusal names file, line and key."""
    server = klikitd(start=False)
    server.config.write_text("[handler a]\n" + section)
    for verb in ("serve", "check-config"):
        server.verb = verb
        server.start(wait=False)
        server.wait(expect=1)
        server.expect(".")
        assert f"klikitd.ini:{line}: handler.{said}" in server.log()
        assert len(server.lines) == 1, server.log()
        server.lines.clear()
