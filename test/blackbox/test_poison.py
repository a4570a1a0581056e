"""Orders that a far side dislikes hold up no other."""

import http.server
import json
import re
import socketserver
import threading

import pytest

from conftest import received
from load import order_body

pytestmark = [pytest.mark.once, pytest.mark.both]

BAD = 25  # orders 1 to BAD; the others are good

class Pos(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """A POS that does something else with the bad orders: a status is what it
    answers, "cut" hangs up, "hang" says nothing."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, bad):
        super().__init__(("127.0.0.1", 0), PosHandler)
        self.bad = bad
        self.all_bad = False
        self.changed = threading.Condition()
        self.orders = []  # in the order in which they were read
        self.url = f"http://127.0.0.1:{self.server_address[1]}/orders"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def wait_orders(self, condition):
        with self.changed:
            assert self.changed.wait_for(
                lambda: condition(self.orders), 60), self.orders

class PosHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        pos = self.server
        body = self.rfile.read(int(self.headers["content-length"]))
        order = int(json.loads(body)["orders"][0]["id"])
        with pos.changed:
            pos.orders.append(order)
            pos.changed.notify_all()
        status = 200
        if order <= BAD or pos.all_bad:
            status = pos.bad
        if status == "hang":
            threading.Event().wait(60)
        if status in ("hang", "cut"):
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass

@pytest.fixture
def pos():
    made = []

    def make(bad):
        made.append(Pos(bad))
        return made[-1]

    yield make
    for one in made:
        one.shutdown()
        one.server_close()

def forward(url, more=""):
    return f"[handler pos]\ntype = forward\nevents = *\nurl = {url}\n{more}\n"

def post(server, first, count):
    for order in range(first, first + count):
        received(server.post(order_body(order), f"e{order}"))

STATES = ("SELECT count(*) FILTER (WHERE state = 'done'), count(*) FILTER "
          "(WHERE state IN ('waiting', 'running', 'ready')) FROM jobs")

@pytest.mark.parametrize("retry", ["", "retry = 5s"])
@pytest.mark.parametrize("bad", [500, 503, "cut"])
def test_disliked_orders_hold_up_no_other(klikitd, pos, bad, retry):
    far = pos(bad)
    server = klikitd(config=forward(far.url, retry))
    server.expect("retry in", "failed in a row")
    post(server, 1, BAD)
    far.wait_orders(lambda orders: len(orders) >= 5)
    post(server, 100, 30)
    server.wait_query(STATES, [(30, BAD)])
    if bad == 500:  # else it is probed when only they are left: see server/dispatch/DESIGN.md
        far.wait_orders(lambda orders: len(set(orders)) == BAD + 30)
    server.kill()

@pytest.mark.once
def test_hanging_orders_hold_up_no_other(klikitd, pos):
    far = pos("hang")
    server = klikitd(config=forward(
        far.url, "timeout = 1s\nconcurrency = 4\nretry = 1s"))
    server.expect("retry in", "failed in a row")
    post(server, 1, 10)
    far.wait_orders(lambda orders: len(orders) >= 8)
    post(server, 100, 30)
    server.wait_query(STATES, [(30, 10)])
    server.kill()

def test_orders_that_a_program_dislikes_hold_up_no_other(klikitd, tmp_path):
    script = tmp_path / "print"
    script.write_text(
        "#!/bin/sh\ncase $KLIKIT_EVENT_ID in\n"
        "e[1-9] | e1[0-9] | e2[0-5]) echo 'no paper'; exit 75 ;;\nesac\n")
    script.chmod(0o755)
    server = klikitd(config="[handler printer]\ntype = exec\nevents = *\n"
                     f"command = {script}\nretry = 1s\n")
    server.expect("retry in", "failed in a row")
    post(server, 1, BAD)
    server.wait_query("SELECT count(*) > 5 FROM attempts WHERE code = 75",
                      [(1,)])
    post(server, 100, 10)
    server.wait_query(STATES, [(10, BAD)])
    server.kill()

def test_many_due_orders_hide_no_other_after_a_start(klikitd, pos):
    """More of them than the store is asked for at a time."""
    far = pos(500)
    server = klikitd(config=forward(far.url, "retry = 1s"))
    server.expect("retry in", "failed in a row")
    server.do("pause", "pos")
    post(server, 100, 600)
    server.stop()
    server.change("UPDATE jobs SET state = 'waiting', attempts = 3, due_at = 1")
    far.all_bad = True
    server.start()
    post(server, 1000, 5)
    server.do("resume", "pos")
    far.wait_orders(lambda orders: set(range(1000, 1005)) <= set(orders))
    with far.changed:
        far.all_bad = False
    server.wait_query("SELECT count(*) FROM jobs j JOIN event_orders o ON "
                      "o.event = j.event WHERE o.order_id >= '1000' AND "
                      "length(o.order_id) = 4 AND state = 'done'", [(5,)])
    server.kill()

def test_a_pos_that_is_broken_for_all_is_probed(klikitd, pos):
    far = pos(500)
    far.all_bad = True
    server = klikitd(config=forward(far.url, "retry = 60s"))
    server.expect("retry in", "failed in a row")
    post(server, 100, 300)
    server.wait_log("calls failed in a row")
    (count,) = re.findall(r"(\d+) calls failed in a row", server.log())
    assert int(count) < 80
    far.all_bad = False
    post(server, 1000, 1)  # it works again, and that is seen at once
    server.wait_log("handler pos: answers again")
    far.wait_orders(lambda orders: len(set(orders)) == 301)
    server.kill()
