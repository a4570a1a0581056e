"""Events as entries of a Redis stream: nothing lost, once, or visibly waiting."""

import itertools
import json
import re
import threading

import pytest

from brokers import redis_server, relay, scripted  # noqa: F401 (fixtures)
from certificates import Authority
from conftest import CREATED, SECRET, STATUS, payload, received, run, sign
from kill_frame import PLANS, Arrival, Target, stand
from load import order_body
from relay import Relay

RETRY = "retry = 50ms, 100ms, 200ms"
SECRET_FILE = "redis-secret"
OK = b"+OK\r\n"
ORDERS = itertools.count(1000)


def section(url, more=""):
    return (f"[handler kitchen]\ntype = redis\nevents = *\nurl = {url}\n"
            f"stream = orders\n{RETRY}\n{more}\n")


def send(server, event_id, pad=0):
    """An order that nobody has seen before."""
    received(server.post(order_body(next(ORDERS), note=event_id, pad=pad),
                         event_id))


def outcomes(server):
    return [row[0] for row in server.query(
        "SELECT outcome FROM attempts ORDER BY job, number")]


def wait_outcome(server, text):
    """Until an attempt has ended so."""
    server.wait_query("SELECT count(*) > 0 FROM attempts WHERE "
                      f"outcome LIKE '%{text}%'", [(1,)])


def job_states(server):
    return server.query("SELECT DISTINCT state FROM jobs")


def wait_done(server, count):
    server.wait_query(
        "SELECT count(*) FROM jobs WHERE state = 'done'", [(count,)])
    assert job_states(server) == [("done",)]


# -- What is sent --

def test_an_event_is_an_entry(klikitd, redis_server):  # noqa: F811
    redis = redis_server()
    server = klikitd(config=section(redis.url(db=3)))
    body = payload("created-typical.json")
    received(server.post(body, "one"))
    wait_done(server, 1)
    assert redis("EXISTS", "orders") == 0  # another database
    client = redis.client()
    client("SELECT", 3)
    ((number, fields),) = client("XRANGE", "orders", "-", "+")
    names = [name.decode() for name in fields[::2]]
    entry = dict(zip(names, fields[1::2]))
    order = json.loads(body)
    assert names == ["body", "klikit-event-id", "klikit-event-type",
                     "klikit-brand-id", "klikit-branch-id",
                     "klikit-signature", "idempotency-key",
                     "klikitd-attempt", "received-at"]
    assert entry.pop("body") == body
    assert entry.pop("received-at").endswith(b"Z")
    assert entry == {
        "klikit-event-id": b"one", "klikit-event-type": CREATED.encode(),
        "klikit-brand-id": str(order["brand_id"]).encode(),
        "klikit-branch-id": str(order["branch_id"]).encode(),
        "klikit-signature": sign(body).encode(), "idempotency-key": b"one",
        "klikitd-attempt": b"1"}
    # The attempt shows the entry's id, and who looks at Redis sees us.
    assert number.decode() in server.do("jobs", "1")
    assert b"name=klikitd:kitchen" in client("CLIENT", "LIST")
    assert 0 < client("PTTL", "{orders}:d:one") <= 86400000
    client.close()


def test_each_order_is_an_entry(klikitd, redis_server):  # noqa: F811
    redis = redis_server()
    server = klikitd(config=section(redis.url(), "unit = order"))
    body = payload("created-batch-5.json")
    orders = [str(o["id"]) for o in json.loads(body)["orders"]]
    received(server.post(body, "batch"))
    wait_done(server, 5)
    entries = dict(fields["klikit-order-id"].decode() and
                   (fields["klikit-order-id"].decode(), fields)
                   for _, fields in redis.entries("orders"))
    assert sorted(entries) == sorted(orders)
    for order, fields in entries.items():
        (sent,) = json.loads(fields["body"])["orders"]
        assert str(sent["id"]) == order
        assert fields["idempotency-key"] == f"batch:{order}".encode()
        assert "klikit-signature" not in fields  # it fits the whole body only


def test_what_is_sent_can_be_signed_anew(klikitd, redis_server,  # noqa: F811
                                         tmp_path):
    (tmp_path / "sign").write_text("another")
    redis = redis_server()
    server = klikitd(config=section(
        redis.url(),
        f"unit = order\nsign_secret_file = {tmp_path / 'sign'}"))
    received(server.post(payload("created-small.json"), "one"))
    wait_done(server, 1)
    ((_, fields),) = redis.entries("orders")
    assert fields["klikit-signature"] == sign(
        fields["body"], b"another").encode()


def test_a_stream_may_be_kept_short(klikitd, redis_server):  # noqa: F811
    redis = redis_server(stream_node_max_entries=10)
    server = klikitd(config=section(redis.url(), "maxlen = 20\ndedup = 0"))
    for number in range(60):
        send(server, f"e{number}")
    wait_done(server, 60)
    assert 20 <= redis("XLEN", "orders") < 40
    assert redis("KEYS", "*") == [b"orders"]  # no dedup, no keys


# -- Once --

class DeafRelay(Relay):
    """Holds back what the server says, while it is told to."""

    holding = False

    def _until_cut(self, data, up):
        if not up:
            self.changed.wait_for(lambda: not self.holding or self.closing)
        return super()._until_cut(data, up)

    def hold(self, holding):
        with self.changed:
            self.holding = holding
            self.changed.notify_all()


@pytest.fixture
def deaf_relay():
    made = []

    def make(port):
        made.append(DeafRelay(port))
        return made[-1]

    yield make
    for each in made:
        each.close()


def wait_length(redis, count):
    ticks = threading.Event()
    for _ in range(3000):
        if redis("XLEN", "orders") == count:
            return
        ticks.wait(0.02)  # Redis does not say when
    raise AssertionError(redis.entries("orders"))


def via(between):
    return f"redis://127.0.0.1:{between.port}"


def test_killed_before_it_was_recorded(klikitd, redis_server,  # noqa: F811
                                       deaf_relay):
    """Redis has it, klikitd does not know: after its restart it does."""
    redis = redis_server()
    between = deaf_relay(redis.port)
    server = klikitd(config=section(via(between), "timeout = 50s"))
    server.expect("unclean stop", "not closed properly")
    send(server, "first")
    wait_done(server, 1)
    between.hold(True)
    send(server, "second")
    wait_length(redis, 2)
    server.kill()
    between.hold(False)
    server.start()
    wait_done(server, 2)
    assert redis("XLEN", "orders") == 2
    number = redis.entries("orders")[-1][0]
    assert f"{number}, added before" in server.do("jobs", "2")


def test_an_answer_that_was_lost(klikitd, redis_server, relay):  # noqa: F811
    redis = redis_server()
    between = relay(redis.port)
    server = klikitd(config=section(via(between)))
    server.expect("retry in")
    send(server, "first")
    wait_done(server, 1)
    between.cut_after(9, up=False)
    send(server, "second")
    wait_done(server, 2)
    assert redis("XLEN", "orders") == 2
    one, unknown, done = outcomes(server)
    assert unknown.startswith("unknown: ") and done == "done"


def test_without_dedup_it_is_added_again(klikitd, redis_server,  # noqa: F811
                                         relay):
    """At least once: what the key is for, unless workers do it."""
    redis = redis_server()
    between = relay(redis.port)
    server = klikitd(config=section(via(between), "dedup = 0"))
    server.expect("retry in")
    send(server, "first")
    wait_done(server, 1)
    between.cut_after(9, up=False)
    send(server, "second")
    wait_done(server, 2)
    assert [fields["idempotency-key"] for _, fields in
            redis.entries("orders")] == [b"first", b"second", b"second"]


def test_a_command_cut_in_its_midst(klikitd, redis_server,  # noqa: F811
                                    relay):
    redis = redis_server()
    between = relay(redis.port)
    server = klikitd(config=section(via(between)))
    server.expect("retry in")
    send(server, "first", pad=60000)
    wait_done(server, 1)
    between.cut_after(30000)
    send(server, "second", pad=60000)
    wait_done(server, 2)
    assert redis("XLEN", "orders") == 2
    assert outcomes(server)[1].startswith("unknown: ")


def test_scripts_are_forgotten(klikitd, redis_server):  # noqa: F811
    """Nothing was done then; so it costs no attempt."""
    redis = redis_server()
    server = klikitd(config=section(redis.url()))
    for number in range(3):
        send(server, f"e{number}")
        wait_done(server, number + 1)
        redis("SCRIPT", "FLUSH")
    assert outcomes(server) == ["done"] * 3
    assert redis("XLEN", "orders") == 3


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


def users(rules):
    return {"shy": ("hush-hush", rules)}


RIGHTS = ("~orders ~{orders}:d:* +xadd +get +set +evalsha +script|load "
          "+client|setname")


def login(redis, tmp_path, password="hush-hush"):
    (tmp_path / SECRET_FILE).write_text(password + "\n")
    return section(redis.url("shy"),
                   f"password_file = {tmp_path / SECRET_FILE}")


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
def test_rights_that_are_missing(klikitd, redis_server,  # noqa: F811
                                 tmp_path, missing, word):
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


# -- TLS --

def test_tls(klikitd, redis_server, tmp_path):  # noqa: F811
    authority = Authority(tmp_path / "pki")
    redis = redis_server(tls=authority.make("redis"))
    trusts = f"ca_file = {authority.root.path}"
    server = klikitd(config=section(redis.url(), trusts))
    send(server, "e4")
    wait_done(server, 1)
    assert redis("XLEN", "orders") == 1


def test_tls_with_another_name(klikitd, redis_server, tmp_path):  # noqa: F811
    authority = Authority(tmp_path / "pki")
    redis = redis_server(start=False, tls=authority.make(
        "redis", sans="DNS:other.example"))
    redis.tls.check_hostname = False
    redis.start()
    server = klikitd(config=section(redis.url(),
                                    f"ca_file = {authority.root.path}"))
    server.expect("retry in", "failed in a row")
    send(server, "e5")
    server.wait_log("retry in.*the certificate is for another name")
    assert redis("XLEN", "orders") == 0


def test_tls_where_there_is_none(klikitd, redis_server):  # noqa: F811
    redis = redis_server()
    url = redis.url().replace("redis:", "rediss:")
    server = klikitd(config=section(url, "timeout = 300ms"))
    server.expect("retry in", "failed in a row")
    send(server, "e6")
    server.wait_log("retry in.*TLS")


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


# -- What doctor says --

def tried(config, tmp_path, *args):
    """check-config: its exit code, what is fine, what it says of the rest."""
    (tmp_path / "k.ini").write_text(config)
    done = run("check-config", "-c", tmp_path / "k.ini", *args,
               env={"KLIKIT_WEBHOOK_SECRET": SECRET.decode()})
    assert b"Sanitizer" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_doctor_is_content(redis_server, tmp_path):  # noqa: F811
    redis = redis_server()
    code, fine, wrong = tried(section(redis.url()), tmp_path, "--network")
    assert code == 0 and "kitchen" not in wrong
    for line in ("connected and logged in", "it is a master",
                 "stream orders is not there yet; the first entry makes it",
                 "entries may be added", "it throws nothing away",
                 "it keeps an append-only file",
                 "a power failure takes the last second or two"):
        assert f"tried       kitchen: {line}" in fine
    assert redis("KEYS", "*") == []  # it only looked
    redis.restart()
    assert redis("KEYS", "*") == []


def test_doctor_warns(redis_server, tmp_path):  # noqa: F811
    redis = redis_server(appendonly="no", maxmemory="100mb",
                         maxmemory_policy="allkeys-lru")
    code, fine, wrong = tried(section(redis.url(), "maxlen = 1000"), tmp_path,
                              "--network")
    assert code == 0
    for text in ("with maxlen the oldest entries are dropped",
                 "it may delete the stream (maxmemory-policy allkeys-lru); "
                 "set maxmemory-policy noeviction",
                 "it keeps no append-only file"):
        assert text in wrong
    assert "appendfsync" not in fine + wrong


def test_doctor_finds_what_is_wrong(redis_server, tmp_path):  # noqa: F811
    redis = redis_server(users=users(RIGHTS.replace("+xadd ", "")))

    def finds(config, text):
        code, fine, wrong = tried(config, tmp_path, "--network")
        assert code == 1 and text in wrong, wrong
        assert "hush-hush" not in fine + wrong
        return fine

    fine = finds(login(redis, tmp_path),
                 "no right to add; its user needs +xadd")
    assert "maxmemory-policy: not for this user to see" in fine
    finds(login(redis, tmp_path, "wrong"),
          "it answered WRONGPASS: wrong user or password")
    redis("SET", "orders", "mine")
    finds(section(redis.url()), "the key orders is there and is no stream")
    redis("DEL", "orders")
    redis("REPLICAOF", "127.0.0.1", "1")
    finds(section(redis.url()),
          "it is a replica, and takes no entries; name the master in url")
    redis.kill()
    finds(section(redis.url()), "refused")


@pytest.mark.parametrize("keys, wrong", [
    ("url = http://h/0\nstream = s", "handler.url: "),
    ("url = redis://user:pw@h/0\nstream = s", "handler.url: "),
    ("url = redis://h/one\nstream = s",
     "handler.url: ends in a database that is no number"),
    ("url = redis://h/0\nstream = a{",
     "handler.stream: has braces that are not around a part of it"),
    ("url = redis://h/0", "handler.stream: is missing"),
    ("stream = s", "handler.url: is missing"),
    ("url = redis://h/0\nstream = s\nca_file = /x", "handler.ca_file: "),
])
def test_what_the_configuration_refuses(tmp_path, keys, wrong):
    code, _, said = tried(f"[handler kitchen]\ntype = redis\n{keys}\n",
                          tmp_path)
    assert code == 1 and wrong in said and "pw" not in said, said


# -- All of it --

class Orders(Target):
    exactly_once = True
    expected = ["kitchen answered", "handler kitchen: "]

    def __init__(self, redis):
        self.redis = redis
        self.port = redis.port
        self.start = redis.start
        self.kill = redis.kill

    def section(self, port):
        return section(f"redis://127.0.0.1:{port}", "timeout = 2s")

    def fill(self):
        self.redis.set("maxmemory", 1)

    def empty(self):
        self.redis.set("maxmemory", 0)

    def arrivals(self):
        return [Arrival(fields["klikit-event-id"].decode(),
                        fields["idempotency-key"].decode(), fields["body"])
                for _, fields in self.redis.entries("orders")]


@pytest.mark.parametrize("plan", PLANS)
def test_nothing_is_lost(klikitd, rng, relay, redis_server,  # noqa: F811
                         plan):
    stand(klikitd, rng, relay, plan, Orders(redis_server(
        maxmemory_policy="noeviction")))


def test_orders_stay_in_order(klikitd, redis_server):  # noqa: F811
    """With many calls under way at once."""
    redis = redis_server()
    server = klikitd(config=section(redis.url(), "concurrency = 64"))
    for version in range(10):
        for order in range(20):
            received(server.post(
                order_body(order, version, note=f"{order}-{version}"),
                f"e{order}-{version}",
                type=STATUS if version else CREATED))
    wait_done(server, 200)
    seen = {}
    for _, fields in redis.entries("orders"):
        order, version = fields["klikit-event-id"].decode()[1:].split("-")
        assert int(version) == seen.get(order, -1) + 1
        seen[order] = int(version)
    assert len(seen) == 20
