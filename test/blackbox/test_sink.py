"""The fake POS: what it answers, and what it notes."""

import hashlib
import http.client
import json
import re
import signal
import socket
import ssl

import pytest

import certificates
from conftest import CREATED, payload, run, sign
from sink import Sink

pytestmark = pytest.mark.once


@pytest.fixture
def sink(tmp_path):
    """A factory of sinks; all are stopped at the end."""
    made = []

    def make(*args):
        made.append(Sink(tmp_path, *args))
        return made[-1]

    yield make
    for one in made:
        one.stop()


def statuses(one, count):
    """The answers to so many requests; None where there was none."""
    got = []
    for _ in range(count):
        try:
            got.append(one.post()[0])
        except (http.client.RemoteDisconnected, ConnectionResetError):
            got.append(None)
    return got


# -- Answers --


def test_every_request_is_accepted(sink):
    one = sink()
    assert one.post() == (200, b'{"status":"accepted"}')
    assert one.post(method="PUT", path="/any/path?x=1")[0] == 200
    assert one.post(method="GET", body=None)[0] == 200
    assert one.post(method="HEAD", body=None) == (200, b"")


def test_connections_are_kept_alive(sink):
    conn = sink().connect()
    for _ in range(3):
        conn.request("POST", "/", b"x" * 100000)
        answer = conn.getresponse()
        assert answer.status == 200 and answer.read()
    conn.close()


@pytest.mark.parametrize("status", [201, 204, 304, 409, 422, 500])
def test_the_status_asked_for_is_answered(sink, status):
    one = sink("--status", status)
    conn = one.connect()
    for _ in range(2):  # the second shows that the first was well-formed
        conn.request("POST", "/", b"{}")
        answer = conn.getresponse()
        answer.read()
        assert answer.status == status
    conn.close()


def test_all_fail_if_asked(sink):
    one = sink("--fail", "100%")
    assert statuses(one, 5) == [503] * 5
    assert [line["answer"] for line in one.lines()] == [503] * 5


def test_none_is_answered_if_asked(sink):
    one = sink("--drop-after-read", "100%")
    assert statuses(one, 5) == [None] * 5
    assert [line["answer"] for line in one.lines()] == [None] * 5


def test_a_seed_repeats_the_choices(sink, tmp_path):
    asked = ("--fail", "30%", "--drop-after-read", "20%", "--seed", 7)
    first = statuses(sink(*asked), 60)
    assert statuses(sink(*asked), 60) == first
    assert {200, 503, None} == set(first)
    assert statuses(sink("--fail", "30%", "--drop-after-read", "20%",
                         "--seed", 8), 60) != first


def test_a_delay_blocks_no_other(sink):
    """Twenty are read while none is answered."""
    one = sink("--delay", "1h")
    conns = [one.connect() for _ in range(20)]
    for i, conn in enumerate(conns):
        conn.request("POST", "/", b"{}", {"Idempotency-Key": f"k{i}"})
    one.wait_lines(20)
    _, err = one.stop()
    assert err.startswith("20 requests, 20 distinct idempotency keys, 0 ")
    for conn in conns:
        conn.close()


def test_a_delayed_answer_comes(sink):
    assert sink("--delay", "50ms").post()[0] == 200


def test_a_client_that_leaves_meanwhile_does_no_harm(sink):
    one = sink("--delay", "100ms")
    for _ in range(5):
        conn = one.connect()
        conn.request("POST", "/", b"{}")
        conn.close()
    assert one.post()[0] == 200


# -- Notes --


def headers(key, attempt, body):
    return {"x-klikit-event-id": "evt-1", "x-klikit-event-type": CREATED,
            "x-klikit-signature": sign(body), "Idempotency-Key": key,
            "x-klikitd-attempt": str(attempt)}


def test_the_log_tells_what_was_read(sink):
    one = sink()
    body = payload("created-batch-5.json")
    one.post(body, headers("evt-1", 2, body))
    one.post(b"no json \xff")
    line, other = one.lines()
    assert line.pop("time_ms") > 1_600_000_000_000
    assert line == {
        "method": "POST", "path": "/orders", "key": "evt-1",
        "event_id": "evt-1", "type": CREATED, "attempt": 2,
        "orders": [str(o["id"]) for o in json.loads(body)["orders"]],
        "signature": sign(body), "body_len": len(body),
        "body_sha256": hashlib.sha256(body).hexdigest(), "answer": 200}
    assert len(line["orders"]) == 5
    assert other["orders"] == []
    assert other["key"] is other["event_id"] is other["attempt"] is None


def test_the_log_is_appended_to_and_outlives_a_kill(sink):
    one = sink()
    one.post(headers={"Idempotency-Key": "a"})
    one.kill()
    one.start()
    one.post(headers={"Idempotency-Key": "b"})
    assert [line["key"] for line in one.lines()] == ["a", "b"]


def test_the_end_tells_repeats(sink):
    one = sink("--seed", 5)
    for key in ("a", "b", "a", "c", "a"):
        one.post(headers={"Idempotency-Key": key})
    one.post()
    _, err = one.stop(signal.SIGINT)
    assert err == ("6 requests, 3 distinct idempotency keys, 2 repeats "
                   "(seed 5)\n")


def test_print_tells_each_request_on_one_line(sink):
    one = sink("--print", "--status", 422)
    one.post(b"12345", headers("evt-1:77", 3, b"12345"))
    with socket.create_connection(("127.0.0.1", one.port)) as raw:
        raw.sendall(b"POST /\x1b[31m HTTP/1.1\r\nHost: x\r\n"
                    b"Idempotency-Key: a\x1b\xff\"b\r\n"
                    b"Content-Length: 0\r\nConnection: close\r\n\r\n")
        while raw.recv(4096):
            pass
    out, _ = one.stop()
    first, second = out.splitlines()
    assert first == (f"POST /orders  event evt-1  type {CREATED}  "
                     "key evt-1:77  attempt 3  5 bytes  -> 422")
    assert r'key a\x1b\xff"b' in second
    assert "\x1b" not in out


def test_other_addresses_are_not_listened_on(sink):
    one = sink()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", one.port), timeout=5)


# -- Refusals --


@pytest.mark.parametrize("args, reason", [
    (["--fail", "30"], '--fail: "30" is not from 0% to 100%'),
    (["--fail", "101%"], '--fail: "101%" is not from 0% to 100%'),
    (["--fail", "%"], "--fail: "),
    (["--drop-after-read", "-1%"], "--drop-after-read: "),
    (["--status", "99"], '--status: "99" is not a number from 200 to 599'),
    (["--port", "70000"], "--port: "),
    (["--delay", "5"], '--delay: "5" is not a duration'),
    (["--seed", "x"], "--seed: "),
    (["--fial", "3%"], "fail"),
    (["word"], "word"),
])
def test_wrong_flags_are_usage_errors(args, reason):
    done = run("sink", *args)
    assert done.returncode == 2
    assert reason in done.stderr.decode()
    assert done.stdout == b""


# -- TLS --


def test_it_speaks_tls(sink, tmp_path):
    authority = certificates.Authority(tmp_path / "certificates")
    cert = authority.make("pos")
    one = sink("--certificate", cert.path, "--key", cert.key, "--delay", "1ms")
    context = ssl.create_default_context(cafile=authority.root.path)
    conn = http.client.HTTPSConnection("localhost", one.port, context=context,
                                       timeout=60)
    for number in range(3):  # on one connection
        conn.request("POST", "/orders", b"x" * 300000,
                     {"idempotency-key": str(number)})
        answer = conn.getresponse()
        assert (answer.status, answer.read()) == (
            200, b'{"status":"accepted"}')
    conn.close()
    with pytest.raises(OSError):
        one.post()  # without TLS
    conn = http.client.HTTPSConnection("localhost", one.port, context=context,
                                       timeout=60)
    conn.request("GET", "/", headers={"connection": "close"})
    assert conn.getresponse().read() == b'{"status":"accepted"}'
    assert conn.sock is None  # closed, and not cut: ssl would have raised
    assert [r["key"] for r in one.lines()] == ["0", "1", "2", None]
    assert "4 requests, 3 distinct" in one.stop()[1]


def test_a_bad_pair_is_told(tmp_path):
    authority = certificates.Authority(tmp_path / "certificates")
    other = authority.make("other")
    for args, code, reason in (
            (("--key", other.key), 2, "--certificate and --key go together"),
            (("--certificate", tmp_path / "none.pem", "--key", other.key), 1,
             "none.pem"),
            (("--certificate", authority.root.path, "--key", other.key), 1,
             "match")):
        done = run("sink", "--port", "0", *args)
        assert done.returncode == code
        assert reason in done.stderr.decode()
        assert done.stdout == b""


def test_a_port_in_use_is_told(sink):
    one = sink()
    done = run("sink", "--port", one.port)
    assert done.returncode == 1
    assert re.match(r"klikitd sink: cannot listen on 127\.0\.0\.1:\d+: "
                    "Address already in use\n", done.stderr.decode())


def test_a_log_that_cannot_be_written_is_told(sink, tmp_path):
    done = run("sink", "--port", 0, "--log", tmp_path / "no" / "log")
    assert done.returncode == 1
    assert "No such file or directory" in done.stderr.decode()


def test_what_cannot_be_noted_is_not_answered(tmp_path):
    one = Sink.__new__(Sink)
    one.log, one.args, one.port = "/dev/full", [], 0
    one.start()
    assert statuses(one, 1) == [None]
    _, err = one.stop(None, expect=1)
    assert "cannot write /dev/full: No space left on device" in err
