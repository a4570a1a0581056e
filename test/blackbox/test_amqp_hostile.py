"""Brokers that break every rule of AMQP: left, in bounds, and said why."""

import struct
import threading

import pytest

from amqp_client import BODY, END, HEADER, METHOD, long, short, table
from brokers import scripted, wait_hanging  # noqa: F401 (a fixture)
from conftest import STATUS, payload, received
from load import order_body
from memory import OWN_ALLOCATOR, peak_kb

SMALL = payload("created-small.json")
PUBLISH = struct.pack(">HH", 60, 40)
HEARTBEAT = b"\x08\0\0\0\0\0\0" + END


def frame(kind, channel, data):
    return struct.pack(">BHI", kind, channel, len(data)) + data + END


def method(channel, room, name, arguments=b""):
    return frame(METHOD, channel, struct.pack(">HH", room, name) + arguments)


START = method(0, 10, 10, b"\0\x09" + table({"product": "fake"}) +
               long(b"PLAIN AMQPLAIN") + long(b"en_US"))


def tune(heartbeat_s=60):
    return method(0, 10, 30, struct.pack(">HIH", 2047, 131072, heartbeat_s))


def login(heartbeat_s=60):
    """All that a broker says until messages may come, in one piece."""
    return (START + tune(heartbeat_s) + method(0, 10, 41, b"\0") +
            method(1, 20, 11, long(b"")) + method(1, 85, 11))


def ack(tag, multiple=False):
    return method(1, 60, 80, struct.pack(">QB", tag, multiple))


def returned(message_id, size):
    return (method(1, 60, 50, struct.pack(">H", 312) + short("NO_ROUTE") +
                   short("") + short("orders")) +
            frame(HEADER, 1, struct.pack(">HHQH", 60, 0, size, 0x80) +
                  short(message_id)))


def until(*words):
    """A step: read until all of these have come."""
    def step(sock):
        data = b""
        while not all(word in data for word in words):
            more = sock.recv(65536)
            if not more:
                return
            data += more
    return step


# The body of SMALL has come, and so has its message.
PUBLISHED = until(PUBLISH, SMALL[-20:])


def endless(piece):
    """More than anybody could keep, until the other side closes."""
    def pieces():
        while True:
            yield piece * (1 + 65536 // len(piece))
    return pieces()


def outlet(klikitd, tmp_path, port, **keys):
    password = tmp_path / "password"
    password.write_text("never shown")
    password.chmod(0o600)
    keys = {"routing_key": "orders", "retry": "100ms", "timeout": "20s",
            **keys}
    server = klikitd(config=(
        "[handler rabbit]\ntype = amqp\nevents = *\n"
        f"url = amqp://me@127.0.0.1:{port}\npassword_file = {password}\n" +
        "".join(f"{key} = {value}\n" for key, value in keys.items())))
    server.expect("retry in", "failed in a row")
    return server


def one_line(server, words):
    """Each attempt that failed is one line with handler, job and cause."""
    lines = [line for line in server.log().splitlines()
             if "job 1 rabbit: retry in" in line]
    assert len(lines) == len(set(lines)) and lines
    assert words in lines[0], lines[0]
    assert "never shown" not in server.log()


BEFORE = {
    "garbage": ([b"SSH-2.0-OpenSSH_9.2\r\n", None], "no frame of AMQP"),
    "http": ([8, b"HTTP/1.1 400 Bad Request\r\n\r\n"], "no frame of AMQP"),
    "tls": ([8, b"\x15\x03\x01\x00\x02\x02\x46"], "amqps"),
    "another version": ([8, b"AMQP\0\0\x09\x01"], "AMQP 0-9-1"),
    "huge length": ([8, b"\x01\0\0\xff\xff\xff\xff", None], "longer than"),
    "frame without end": ([8, START[:-1] + b"\0", None], "without its end"),
    "half a greeting": ([8, START[:30]], "127.0.0.1"),
    "no login by password": (
        [8, method(0, 10, 10, b"\0\x09" + table({}) + long(b"EXTERNAL") +
                   long(b"en_US")), None], "PLAIN"),
    "challenge": ([8, START + method(0, 10, 20, long(b"?")), None],
                  "more than a user and a password"),
    "field longer than its frame": (
        [8, method(0, 10, 10, b"\0\x09\xff\xff\xff\xff"), None], "cut short"),
    "login out of order": ([8, method(1, 85, 11), None], "does not belong"),
    "tiny frames": (
        [8, START + method(0, 10, 30, struct.pack(">HIH", 1, 100, 60)), None],
        "shorter than AMQP allows"),
    "endless heartbeats": ([8, endless(HEARTBEAT)], "127.0.0.1"),
}
AFTER = {
    "unknown tag": ([ack(99), None], "was not sent to it"),
    "tag 0": ([ack(0), None], "was not sent to it"),
    "all but what is out": ([ack(1 << 63, True), None], "was not sent to it"),
    "unknown return": ([returned("other", 0), None], "was not sent to it"),
    "endless return": ([returned("one", 1 << 62), endless(
        frame(BODY, 1, b"x" * 60000))], "did not confirm it"),
    "body without a return": ([frame(BODY, 1, b"x"), None], "nobody asked"),
    "half a confirmation": ([ack(1)[:10]], "127.0.0.1"),
    "a long method": ([frame(METHOD, 1, PUBLISH + b"x" * 100000), None],
                      "does not belong"),
    "garbage": ([b"\0" * 70000, None], "no frame of AMQP"),
    "close of nothing": ([method(0, 10, 51), None], "ended the connection"),
}


def good(step=PUBLISHED):
    """A broker that takes one message."""
    return [8, login(), step, ack(1), None]


@pytest.mark.parametrize("what", BEFORE)
def test_it_gets_no_message(klikitd, scripted, tmp_path, what):  # noqa: F811
    script, words = BEFORE[what]
    broker = scripted(script, script, good())
    timeout = "3s" if "endless" in what else "20s"
    server = outlet(klikitd, tmp_path, broker.port, timeout=timeout)
    received(server.post(SMALL, "one"))
    server.wait_query("SELECT state FROM jobs", [("done",)])
    one_line(server, words)
    attempts = server.query("SELECT outcome FROM attempts ORDER BY number")
    assert not any(row[0].startswith("unknown") for row in attempts)
    assert PUBLISH not in broker.received[0]
    if OWN_ALLOCATOR:
        assert peak_kb(server) < 64 * 1024


@pytest.mark.parametrize("what", AFTER)
def test_its_message_is_sent_again(klikitd, scripted, tmp_path,  # noqa: F811
                                   what):
    script, words = AFTER[what]
    broker = scripted([8, login(), PUBLISHED, *script], good())
    timeout = "3s" if "endless" in what else "20s"
    server = outlet(klikitd, tmp_path, broker.port, timeout=timeout)
    received(server.post(SMALL, "one"))
    server.wait_query("SELECT state FROM jobs", [("done",)])
    one_line(server, words)
    attempts = server.query("SELECT outcome FROM attempts ORDER BY number")
    assert attempts[0][0].startswith("unknown: ")
    assert attempts[-1] == ("done",)
    if OWN_ALLOCATOR:
        assert peak_kb(server) < 64 * 1024


def test_reconnects_are_no_hot_loop(klikitd, scripted,  # noqa: F811
                                    tmp_path):
    broker = scripted([8, b"no"])
    server = outlet(klikitd, tmp_path, broker.port, retry="1ms")
    for number in range(20):
        received(server.post(order_body(number), str(number)))
    broker.wait_for(lambda: len(broker.times) >= 6)
    gaps = [b - a for a, b in zip(broker.times, broker.times[1:])]
    # 100 ms at least, then 200, 400, 800, ...; half of that by chance.
    assert sum(gaps[:5]) > 0.05 + 0.1 + 0.2 + 0.4, gaps


def test_silence_in_the_login_is_left(klikitd, scripted,  # noqa: F811
                                      tmp_path):
    broker = scripted([8, START + tune(), None], good())
    server = outlet(klikitd, tmp_path, broker.port, timeout="2s")
    received(server.post(SMALL, "one"))
    server.wait_query("SELECT state FROM jobs", [("done",)])
    assert PUBLISH not in broker.received[0]


def test_a_broker_without_heartbeats_is_left(klikitd, scripted,  # noqa: F811
                                             tmp_path):
    """It is alive, and nothing is due: only its silence shows that it is gone.
    """
    broker = scripted([8, login(heartbeat_s=1), PUBLISHED, ack(1), None],
                      good())
    server = outlet(klikitd, tmp_path, broker.port)
    received(server.post(SMALL, "one"))
    server.wait_query("SELECT state FROM jobs", [("done",)])
    broker.wait_for(lambda: not broker.sockets)
    assert broker.received[0].count(HEARTBEAT) >= 2  # we are alive
    assert server.query("SELECT count(*) FROM attempts") == [(1,)]


def test_heartbeats_keep_it_alive(klikitd, scripted,  # noqa: F811
                                  tmp_path):
    alive = threading.Event()

    def beat(sock):
        for _ in range(12):  # 6 s: more than it would be silent for
            sock.sendall(HEARTBEAT)
            alive.wait(0.5)

    body = SMALL.replace(b"{", b"{ ", 1)
    broker = scripted([8, login(heartbeat_s=1), PUBLISHED, ack(1), beat,
                       until(PUBLISH, body[-20:]), ack(2), None])
    server = outlet(klikitd, tmp_path, broker.port)
    received(server.post(SMALL, "one"))
    server.wait_query("SELECT state FROM jobs", [("done",)])
    received(server.post(body, "two", type=STATUS))
    server.wait_query("SELECT DISTINCT state FROM jobs", [("done",)])
    assert broker.accepted == 1


def test_blocked_is_obeyed(klikitd, scripted, tmp_path):  # noqa: F811
    """Nothing is sent, and nothing is too late, until it is unblocked."""
    unblock = threading.Event()
    seen = []

    def blocked(sock):
        sock.sendall(ack(1) + method(0, 10, 60, short("low on memory")))
        unblock.wait()
        sock.setblocking(False)
        try:
            seen.append(sock.recv(65536))
        except BlockingIOError:
            seen.append(b"")
        sock.setblocking(True)
        sock.sendall(method(0, 10, 61))

    broker = scripted([8, login(), PUBLISHED, blocked, until(PUBLISH), ack(2),
                       None])
    server = outlet(klikitd, tmp_path, broker.port, timeout="1s")
    server.expect("takes no messages for now")
    received(server.post(SMALL, "one"))
    server.wait_query("SELECT state FROM jobs", [("done",)])
    received(server.deliver(SMALL, "two", type=STATUS))
    server.wait_query("SELECT count(*) FROM attempts WHERE job = 2", [(1,)])
    wait_hanging(server, 2)
    unblock.set()
    server.wait_query("SELECT DISTINCT state FROM jobs", [("done",)])
    assert PUBLISH not in seen[0]
    assert server.query("SELECT count(*) FROM attempts") == [(2,)]


@pytest.mark.valgrind
def test_multiple_confirms_and_refusals(klikitd, scripted,  # noqa: F811
                                        tmp_path):
    """A refusal of several, and then a confirmation of all that came again."""
    broker = scripted([
        8, login(), until(b'"id": 1,', b'"id": 2,', b'"id": 3,'),
        ack(2, True), method(1, 60, 120, struct.pack(">QB", 3, 1)),
        until(PUBLISH, b'"id": 3,'), ack(0, True), None])
    server = outlet(klikitd, tmp_path, broker.port)
    for number in (1, 2, 3):
        received(server.post(order_body(number), f"e{number}"))
    server.wait_query("SELECT state, count(*) FROM jobs GROUP BY state",
                      [("done", 3)])
    refused = server.query("SELECT count(*) FROM attempts WHERE outcome LIKE "
                           "'%did not take the message (nack)%'")
    assert refused == [(1,)]
    assert broker.accepted == 1


def test_a_small_frame_max_is_obeyed(klikitd, scripted,  # noqa: F811
                                     tmp_path):
    small = (START + method(0, 10, 30, struct.pack(">HIH", 1, 4096, 60)) +
             method(0, 10, 41, b"\0") + method(1, 20, 11, long(b"")) +
             method(1, 85, 11))
    body = order_body(1, pad=20000)
    frames = []

    def take(sock):
        data = b""
        while body[-10:] not in data or not data.endswith(END):
            data += sock.recv(65536)
        while data:
            kind, _, size = struct.unpack(">BHI", data[:7])
            frames.append((kind, data[7:7 + size]))
            data = data[8 + size:]

    broker = scripted([8, small, take, ack(1), None])
    server = outlet(klikitd, tmp_path, broker.port)
    received(server.post(body, "one"))
    server.wait_query("SELECT state FROM jobs", [("done",)])
    pieces = [data for kind, data in frames if kind == BODY]
    assert b"".join(pieces) == body
    assert [len(piece) for piece in pieces[:-1]] == [4088] * (len(pieces) - 1)
