"""A Redis that cannot take an event: visibly waiting, or dead."""

import itertools
import re

import pytest

from brokers import redis_server, relay, scripted  # noqa: F401 (fixtures)
from conftest import received
from load import order_body
from redis_case import (OK, RIGHTS, SECRET_FILE, job_states, login, section,
                        send, users, via, wait_done, wait_outcome)


# -- What waits for somebody --

def paused_for(klikitd, config, reason):
    """A server whose only job has paused its handler, for that reason."""
    server = klikitd(config=config)
    server.expect("retry in", "paused")
    send(server, "e1")
    wait_outcome(server, reason)
    server.wait_log("paused")
    line, = [line for line in server.log().splitlines() if "retry in" in line]
    assert reason in line and "kitchen" in line
    return server


def resume(server):
    server.do("resume", "kitchen")
    wait_done(server, 1)


@pytest.mark.sqlite("its file is searched")
def test_few_rights_are_enough(klikitd, redis_server, tmp_path):  # noqa: F811
    redis = redis_server(users=users(RIGHTS))
    server = klikitd(config=login(redis, tmp_path))
    send(server, "e2")
    wait_done(server, 1)
    redis("SCRIPT", "FLUSH")
    send(server, "e3")
    wait_done(server, 2)
    assert "hush-hush" not in server.final_log()
    assert b"hush-hush" not in server.database.read_bytes()


@pytest.mark.both
def test_a_wrong_password(klikitd, redis_server, tmp_path):  # noqa: F811
    redis = redis_server(users=users(RIGHTS))
    config = login(redis, tmp_path, "wrong-one")
    server = paused_for(
        klikitd, config,
        "kitchen answered WRONGPASS: wrong user or password; see url and "
        "password_file")
    assert "wrong-one" not in server.log()
    connections = redis("INFO", "stats").split(
        b"total_connections_received:")[1].split()[0]
    (tmp_path / SECRET_FILE).write_text("hush-hush")
    server.reload()
    resume(server)
    assert int(connections) < 20  # no hot loop


def test_no_password_at_all(klikitd, redis_server):  # noqa: F811
    redis = redis_server(password="master")
    server = paused_for(
        klikitd, section(redis.url()),
        "kitchen answered NOAUTH: it asks for a password; set password_file")
    redis.set("requirepass", "")
    redis.password = None
    resume(server)


@pytest.mark.parametrize("missing, word", [
    ("+xadd", "ERR"), ("+get", "ERR"), ("+set", "ERR"),
    ("+evalsha", "NOPERM"), ("+script|load", "NOPERM"),
    ("~orders", "NOPERM"), ("~{orders}:d:*", "NOPERM")])
def test_rights_that_are_missing(klikitd, redis_server, tmp_path,  # noqa: F811
                                 missing, word):
    rules = " ".join(r for r in RIGHTS.split() if r != missing)
    redis = redis_server(users=users(rules))
    server = paused_for(klikitd, login(redis, tmp_path),
                        f"kitchen answered {word}: no right to add; its user "
                        "needs +xadd")
    assert redis("EXISTS", "orders") == 0  # also not by half
    redis("ACL", "SETUSER", "shy", *RIGHTS.split())
    resume(server)
    assert redis("XLEN", "orders") == 1


def test_a_key_that_is_no_stream(klikitd, redis_server):  # noqa: F811
    redis = redis_server()
    redis("SET", "orders", "mine")
    server = paused_for(klikitd, section(redis.url()),
                        "kitchen answered WRONGTYPE: the key is there and is "
                        "no stream; choose another stream")
    redis("DEL", "orders")
    resume(server)


def test_a_database_that_is_not_there(klikitd, redis_server):  # noqa: F811
    redis = redis_server(databases=2)
    paused_for(klikitd, section(redis.url(db=2)),
               "kitchen answered ERR: it has no such database; see the end "
               "of url")


# -- What passes --

def waiting_for(klikitd, config, reason):
    """A server whose only job is tried again, for that reason."""
    server = klikitd(config=config)
    server.expect("retry in", "failed in a row")
    send(server, "one")
    wait_outcome(server, reason)
    assert job_states(server) != [("dead",)]
    return server


def test_a_replica(klikitd, redis_server):  # noqa: F811
    """It may be the master at the next try, or another may stand there."""
    redis = redis_server()
    redis("REPLICAOF", "127.0.0.1", "1")
    server = waiting_for(klikitd, section(redis.url()),
                         "kitchen answered READONLY: it is a replica; url "
                         "has to name the master")
    before = int(redis("INFO", "stats").split(
        b"total_connections_received:")[1].split()[0])
    redis("REPLICAOF", "NO", "ONE")
    wait_done(server, 1)
    after = int(redis("INFO", "stats").split(
        b"total_connections_received:")[1].split()[0])
    assert after - before >= 2  # ours is a new one, too
    assert redis("XLEN", "orders") == 1


def test_memory_that_is_full(klikitd, redis_server):  # noqa: F811
    redis = redis_server(maxmemory_policy="noeviction")
    redis.set("maxmemory", 1)
    server = waiting_for(klikitd, section(redis.url()),
                         "kitchen answered OOM: its memory is full; raise "
                         "maxmemory, or trim the stream")
    redis.set("maxmemory", 0)
    wait_done(server, 1)
    assert redis("XLEN", "orders") == 1


def test_a_disk_that_is_full(klikitd, redis_server):  # noqa: F811
    redis = redis_server()
    redis.break_saving()
    server = waiting_for(klikitd, section(redis.url()),
                         "kitchen answered MISCONF: it cannot write its data "
                         "to disk; see its disk and its log")
    redis.mend_saving()
    wait_done(server, 1)
    assert redis("XLEN", "orders") == 1


def test_it_is_still_loading(klikitd, redis_server, relay,  # noqa: F811
                             scripted):
    redis = redis_server()
    loading = scripted([1, b"-LOADING Redis is loading the dataset in "
                           b"memory\r\n", None])
    between = relay(loading.port)
    server = waiting_for(klikitd, section(via(between)),
                         "kitchen answered LOADING: it is still reading its "
                         "data from disk")
    between.target = redis.port
    wait_done(server, 1)


def test_too_many_clients(klikitd, redis_server):  # noqa: F811
    redis = redis_server(maxclients=1)
    client = redis.client()
    server = waiting_for(klikitd, section(redis.url()),
                         "kitchen answered ERR: it has too many clients; "
                         "raise maxclients")
    client("CONFIG", "SET", "maxclients", 100)
    wait_done(server, 1)
    client.close()


def test_it_is_not_there(klikitd, redis_server):  # noqa: F811
    redis = redis_server()
    redis.kill()
    server = waiting_for(klikitd, section(redis.url()), "refused")
    redis.start()
    wait_done(server, 1)
    redis.kill()
    redis.start()  # the connection was lost while nothing was under way
    send(server, "two")
    wait_done(server, 2)
    assert redis("XLEN", "orders") == 2


def test_it_stands_still(klikitd, redis_server):  # noqa: F811
    """No answer in time: unknown. When it goes on, nothing was lost."""
    redis = redis_server()
    server = klikitd(config=section(redis.url(), "timeout = 200ms"))
    server.expect("retry in", "failed in a row")
    send(server, "one")
    wait_done(server, 1)
    redis.pause()
    for number in range(3):
        send(server, f"s{number}")
    wait_outcome(server, "unknown: kitchen has not answered within 200ms")
    wait_outcome(server, "not sent within 200ms: kitchen is silent")
    redis.resume()
    wait_done(server, 4)
    assert redis("XLEN", "orders") == 4


# -- What is dead --

def test_a_body_that_is_too_large(klikitd, redis_server):  # noqa: F811
    """It alone is dead; what was under way with it is not lost."""
    redis = redis_server(proto_max_bulk_len=1024 * 1024)
    server = klikitd(config="[http]\nmax_body = 4m\n" + section(redis.url()))
    server.expect("dead", "retry in")
    large = order_body(1, 1, note="large", pad=1500000)
    assert len(large) > 1024 * 1024
    send(server, "one")
    received(server.post(large, "large"))
    send(server, "two")
    server.wait_processed()
    assert dict(server.query("SELECT event_id, state FROM jobs JOIN events "
                             "ON events.id = jobs.event")) == {
        "one": "done", "large": "dead", "two": "done"}
    assert ("kitchen answered ERR: the body is larger than its "
            "proto-max-bulk-len") in server.log()
    assert redis("XLEN", "orders") == 2


# -- A hostile server --

def command(sock):
    """Read one command, whole."""
    data = b""
    while not (line := re.match(rb"\*(\d+)\r\n", data)):
        data += sock.recv(1)
    for _ in range(int(line[1])):
        data = b""
        while not (line := re.match(rb"\$(\d+)\r\n", data)):
            data += sock.recv(1)
        left = int(line[1]) + 2
        while left:
            left -= len(sock.recv(left))


def logged_in(*then):
    """A Redis up to there; and what this one says to the first entry."""
    return [command, OK, command, b"$40\r\n" + b"a" * 40 + b"\r\n", command,
            *then]


def endless(data):
    return itertools.repeat(data * (65536 // len(data)))


@pytest.mark.parametrize("script, reason", [
    ([1, b"SSH-2.0-OpenSSH_9.2p1\r\n", None], "no answer of Redis"),
    ([1, endless(b"+a")], "a line without an end"),
    ([1, b"*100000000\r\n", None], "a length that makes no sense"),
    ([1, b"$999999999\r\n", endless(b"a")], "a length that makes no sense"),
    ([1, b"+OK\r", None], "not done within"),
    ([1, b"%1\r\n", None], "no answer of Redis"),
    ([1, endless(OK)], "no answer"),
    (logged_in(b"*2\r\n*1\r\n:1\r\n", None), "an array inside an array"),
    (logged_in(b"$3\r\n1-0xx", None), "no answer of Redis"),
    (logged_in(b"*100000000\r\n", None), "a length that makes no sense"),
    (logged_in(endless(b"a")), "a line without an end|no answer of Redis"),
    (logged_in(b"*2\r\n$3\r\n1-", None), "has not answered within"),
    (logged_in(None), "has not answered within"),
    (logged_in(b"+QUEUED\r\n", None), "no entry's id"),
    (logged_in(), "closed the connection"),
    ([], "closed the connection|reset"),
], ids=itertools.count())
def test_a_hostile_server(klikitd, redis_server, relay, scripted,  # noqa: F811
                          script, reason):
    redis = redis_server()
    hostile = scripted(script)
    between = relay(hostile.port)
    server = klikitd(config=section(
        via(between), "timeout = 500ms"))
    server.expect("retry in", "failed in a row")
    send(server, "one")
    before = memory_of(server)
    server.wait_log(f"handler|job .*kitchen.*({reason})")
    assert memory_of(server) - before < 32 * 1024 * 1024
    assert hostile.accepted < 40
    between.target = redis.port
    between.cut()
    server.wait_processed()
    assert job_states(server) == [("done",)]


def test_answers_to_nothing(klikitd, redis_server, relay,  # noqa: F811
                            scripted):
    """The first was an answer; behind the others nothing is believed."""
    redis = redis_server()
    hostile = scripted(logged_in(b"*2\r\n$3\r\n1-0\r\n:0\r\n" * 9, None))
    between = relay(hostile.port)
    server = klikitd(config=section(via(between)))
    send(server, "one")
    wait_done(server, 1)
    hostile.wait_for(lambda: not hostile.sockets)
    assert hostile.accepted == 1
    between.target = redis.port
    send(server, "two")
    wait_done(server, 2)
    assert redis("XLEN", "orders") == 1


def memory_of(server):
    """Bytes that it holds in memory."""
    with open(f"/proc/{server.pid}/statm") as statm:
        return int(statm.read().split()[1]) * 4096
