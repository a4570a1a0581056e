"""Events handed over to a RabbitMQ: nothing lost, in order, or visibly waiting."""

import hashlib
import json
import re

import pytest

from brokers import (rabbitmq, rabbitmq_program, relay,  # noqa: F401
                     scripted, wait_hanging)
from certificates import Authority
from conftest import CREATED, STATUS, payload, received, run, sign
from kill_frame import PLANS, Arrival, Target, stand
from load import order_body
from tls_pos import TlsPos

SMALL = payload("created-small.json")
QUORUM = {"x-queue-type": "quorum"}


class Outlet:
    """klikitd with one handler of type amqp, and what is in its queue."""

    def __init__(self, klikitd, rabbitmq, folder):
        self.klikitd = klikitd
        self.rabbitmq = rabbitmq
        self.folder = folder
        self.files = 0
        self.client = rabbitmq.client()

    def secret(self, text):
        self.files += 1
        path = self.folder / f"password{self.files}"
        path.write_text(text)
        path.chmod(0o600)
        return path

    def section(self, url=None, password=None, queue="orders", **keys):
        keys = {"routing_key": queue, "retry": "100ms", **keys}
        path = self.secret(password or self.rabbitmq.password)
        return (f"[handler rabbit]\ntype = amqp\nevents = *\n"
                f"url = {url or self.rabbitmq.url()}\n"
                f"password_file = {path}\n" +
                "".join(f"{key} = {value}\n" for key, value in keys.items()))

    def serve(self, *expected, **keys):
        server = self.klikitd(config=self.section(**keys))
        server.expect(*expected)
        return server

    def drain(self, queue="orders"):
        return self.client.drain(queue)


@pytest.fixture
def outlet(klikitd, rabbitmq, tmp_path):  # noqa: F811
    made = Outlet(klikitd, rabbitmq, tmp_path)
    yield made
    made.client.close()


def wait_done(server, count=1):
    server.wait_query("SELECT state, count(*) FROM jobs GROUP BY state",
                      [("done", count)])


def outcomes(server):
    return [row[0] for row in server.query(
        "SELECT outcome FROM attempts WHERE outcome IS NOT NULL "
        "ORDER BY job, number")]


def wait_paused(server, *words):
    """It is paused, and one line says why and what to do; it goes on by hand.
    """
    server.wait_log(r"handler rabbit: paused: ")
    (line,) = [line for line in server.log().splitlines()
               if "handler rabbit: paused" in line]
    for word in (*words, "klikitd resume rabbit"):
        assert word in line
    server.wait_query("SELECT DISTINCT state FROM jobs", [("waiting",)])


# -- What is sent --


@pytest.mark.parametrize("kind", ["quorum", "classic"])
def test_an_event_arrives_with_all_that_goes_with_it(outlet, kind):
    outlet.client.declare("orders", **{"x-queue-type": kind})
    server = outlet.serve()
    received(server.post(SMALL, "one"))
    wait_done(server)
    (message,) = outlet.drain()
    body = json.loads(SMALL)
    assert message.body == SMALL
    assert message.exchange == "" and message.routing_key == "orders"
    headers = dict(message.headers)
    headers.pop("x-delivery-count", None)  # the broker's own
    arrived = headers.pop("received-at")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", arrived)
    assert headers == {
        "klikit-event-id": "one", "klikit-event-type": CREATED,
        "klikit-brand-id": str(body["brand_id"]),
        "klikit-branch-id": str(body["branch_id"]),
        "klikit-signature": sign(SMALL), "idempotency-key": "one",
        "klikitd-attempt": "1"}
    assert message.properties["delivery_mode"] == 2
    assert message.properties["message_id"] == "one"
    assert message.properties["content_type"] == "application/json"
    assert message.properties["type"] == CREATED
    assert message.properties["app_id"] == "klikitd"
    (at,), = server.query("SELECT received_at FROM events")
    assert message.properties["timestamp"] == at // 1000
    assert server.query("SELECT outcome, code FROM attempts") == [
        ("done", 0)]


def test_each_order_is_a_message(outlet):
    outlet.client.declare("orders", **QUORUM)
    server = outlet.serve(unit="order", sign_secret_file=outlet.secret("mine"))
    body = payload("created-batch-5.json")
    orders = {str(order["id"]) for order in json.loads(body)["orders"]}
    received(server.post(body, "batch"))
    wait_done(server, len(orders))
    messages = outlet.drain()
    assert {m.headers["klikit-order-id"] for m in messages} == orders
    for message in messages:
        key = f"batch:{message.headers['klikit-order-id']}"
        assert message.headers["idempotency-key"] == key
        assert message.properties["message_id"] == key
        assert message.headers["klikit-signature"] == sign(message.body,
                                                           b"mine")


def test_a_long_key_is_whole_in_the_headers(outlet):
    outlet.client.declare("orders", **QUORUM)
    server = outlet.serve(unit="order")
    event_id = "e" * 255
    received(server.post(order_body(7), event_id))
    wait_done(server)
    (message,) = outlet.drain()
    key = f"{event_id}:7"
    assert message.headers["idempotency-key"] == key
    assert message.properties["message_id"] == hashlib.sha256(
        key.encode()).hexdigest()


def test_a_large_body_is_cut_into_frames(outlet):
    outlet.client.declare("orders", **QUORUM)
    server = outlet.serve()
    bodies = [order_body(n, pad=size) for n, size in enumerate(
        (131072 - 8 - 200, 131072, 500 * 1024, 900 * 1024))]
    for number, body in enumerate(bodies):
        received(server.post(body, f"large{number}"))
    wait_done(server, len(bodies))
    assert sorted(m.body for m in outlet.drain()) == sorted(bodies)


def test_the_routing_key_is_made_from_the_event(outlet):
    outlet.client.declare_exchange("klikit", "topic")
    for queue, key in (("created", "o.*.*.klikit.order.created.#"),
                       ("all", "o.910.2041.#")):
        outlet.client.declare(queue)
        outlet.client.bind(queue, "klikit", key)
    server = outlet.serve(exchange="klikit",
                          queue="o.{brand}.{branch}.{type}")
    received(server.post(SMALL, "one"))
    received(server.deliver(SMALL, "two", type=STATUS))
    wait_done(server, 2)
    (message,) = outlet.drain("created")
    assert message.routing_key == f"o.910.2041.{CREATED}"
    assert message.exchange == "klikit"
    assert [m.headers["klikit-event-id"] for m in outlet.drain("all")] == [
        "one", "two"]


def test_orders_keep_their_order(outlet):
    outlet.client.declare("orders", **QUORUM)
    server = outlet.serve(concurrency=64)
    for number in range(120):
        received(server.post(
            order_body(number % 6, 1 + number // 6, note=str(number)),
            f"e{number}", type=CREATED if number < 6 else STATUS))
    wait_done(server, 120)
    arrived = [int(m.headers["klikit-event-id"][1:]) for m in outlet.drain()]
    assert sorted(arrived) == list(range(120))
    for order in range(6):
        own = [n for n in arrived if n % 6 == order]
        assert own == sorted(own)


@pytest.mark.parametrize("kind", ["quorum", "classic"])
def test_a_queue_is_declared_if_asked_for(outlet, kind):
    server = outlet.serve(declare=kind)
    received(server.post(SMALL, "one"))
    wait_done(server)
    # It is durable and of that type: so the same declaration is accepted.
    outlet.client.declare("orders", **{"x-queue-type": kind})
    server.restart()
    received(server.deliver(SMALL, "two", type=STATUS))
    wait_done(server, 2)
    assert len(outlet.drain()) == 2


def test_a_declared_queue_is_bound(outlet):
    outlet.client.declare_exchange("klikit", "topic")
    server = outlet.serve(declare="quorum", exchange="klikit")
    received(server.post(SMALL, "one"))
    wait_done(server)
    (message,) = outlet.drain()
    assert message.exchange == "klikit" and message.routing_key == "orders"


# -- What is configured wrongly: it waits for a person --


def test_a_wrong_password_pauses(outlet):
    outlet.client.declare("orders")
    server = outlet.serve("retry in", "paused", password="wrong")
    received(server.post(SMALL, "one"))
    wait_paused(server, "refuses the login (403)", "password_file")
    server.write_config(outlet.section())
    server.stop()
    server.start()
    server.do("resume", "rabbit")
    wait_done(server)
    assert len(outlet.drain()) == 1


def test_a_missing_virtual_host_pauses(outlet):
    server = outlet.serve("retry in", "paused",
                          url=outlet.rabbitmq.url() + "x")
    received(server.post(SMALL, "one"))
    wait_paused(server, "refuses the virtual host (530)", "correct url")


def test_a_missing_exchange_pauses_until_it_is_there(outlet):
    server = outlet.serve("retry in", "paused", exchange="klikit")
    received(server.post(SMALL, "one"))
    wait_paused(server, "no such exchange (404)", "create it")
    assert outcomes(server)[0].startswith("unknown: ")
    assert "NOT_FOUND" in server.do("jobs", "1")
    assert "NOT_FOUND" not in server.log()
    outlet.client.declare_exchange("klikit", "fanout")
    outlet.client.declare("orders")
    outlet.client.bind("orders", "klikit")
    server.do("resume", "rabbit")
    wait_done(server)
    assert len(outlet.drain()) == 1


def test_a_user_without_rights_pauses(outlet):
    outlet.rabbitmq.add_user("shy" + outlet.rabbitmq.vhost, "pw", write="^$")
    outlet.client.declare("orders")
    server = outlet.serve(
        "retry in", "paused", password="pw",
        url=outlet.rabbitmq.url("shy" + outlet.rabbitmq.vhost))
    received(server.post(SMALL, "one"))
    wait_paused(server, "does not let the user write", "(403)")


def test_another_queue_of_that_name_pauses(outlet):
    outlet.client.declare("orders", durable=False)
    server = outlet.serve("retry in", "paused", declare="quorum")
    received(server.post(SMALL, "one"))
    wait_paused(server, "not as declare says (406)", "declare = no")


# -- What one message only meets --


def test_what_no_queue_takes_is_dead(outlet):
    server = outlet.serve("dead")
    received(server.post(SMALL, "one"))
    server.wait_log(r"job 1 rabbit: dead: .*no queue is there for its routing "
                    r"key \(312\): create or bind one")
    server.wait_query("SELECT state FROM jobs", [("dead",)])
    outlet.client.declare("orders")
    server.do("replay", "one")
    server.wait_query("SELECT state FROM jobs ORDER BY id",
                      [("dead",), ("done",)])
    (message,) = outlet.drain()
    assert message.properties["message_id"] == "one"


def test_what_no_queue_takes_may_wait_for_one(outlet):
    server = outlet.serve("retry in", unroutable="retry")
    received(server.post(SMALL, "one"))
    server.wait_query("SELECT count(*) > 1 FROM attempts", [(1,)])
    outlet.client.declare("orders")
    wait_done(server)
    assert len(outlet.drain()) == 1
    assert outcomes(server)[0].startswith("the broker returned the message")


def test_only_what_is_too_large_is_dead(outlet):
    outlet.client.declare("orders", **QUORUM)
    outlet.rabbitmq.evaluate("application:set_env(rabbit, max_message_size, 20000).")
    try:
        server = outlet.serve("dead", "retry in", "failed in a row")
        small = {f"small{n}": order_body(n) for n in range(20)}
        large = {f"large{n}": order_body(100 + n, pad=30000)
                 for n in range(2)}
        for event_id, body in [*small.items(), *large.items()]:
            received(server.post(body, event_id))
        server.wait_query(
            "SELECT state, count(*) FROM jobs GROUP BY state ORDER BY state",
            [("dead", 2), ("done", 20)])
    finally:
        outlet.rabbitmq.evaluate(
            "application:set_env(rabbit, max_message_size, 134217728).")
    dead = server.query("SELECT event_id FROM events JOIN jobs "
                        "ON jobs.event = events.id WHERE state = 'dead'")
    assert {row[0] for row in dead} == set(large)
    assert len(re.findall("too large.*raise its max_message_size",
                          server.log())) == 2
    assert {m.body for m in outlet.drain()} == set(small.values())


def test_a_full_queue_is_waited_for(outlet):
    outlet.client.declare("orders", **{"x-max-length": 1,
                                       "x-overflow": "reject-publish"})
    server = outlet.serve("retry in", "failed in a row")
    received(server.deliver(SMALL, "one"))
    wait_done(server)
    received(server.deliver(SMALL, "two", type=STATUS))
    server.wait_query("SELECT count(*) > 1 FROM attempts WHERE outcome LIKE "
                      "'%did not take the message (nack)%'", [(1,)])
    first = outlet.client.get("orders")
    wait_done(server, 2)
    (second,) = outlet.drain()
    assert (first.headers["klikit-event-id"],
            second.headers["klikit-event-id"]) == ("one", "two")


# -- What happens to the broker --


def test_a_memory_alarm_is_waited_out(outlet):
    outlet.client.declare("orders", **QUORUM)
    server = outlet.serve("takes no messages for now", timeout="1s")
    received(server.post(order_body(0), "e0"))
    wait_done(server)
    outlet.rabbitmq.alarm()
    for number in range(1, 20):
        received(server.post(order_body(number), f"e{number}"))
    server.wait_query("SELECT count(*) > 2 FROM attempts", [(1,)])
    # Twice their time is over, and none has ended.
    wait_hanging(server, 2)
    assert outcomes(server) == ["done"]
    server.wait_log("handler rabbit: the broker takes no messages for now")
    outlet.rabbitmq.end_alarm()
    server.wait_log("handler rabbit: the broker takes messages again")
    wait_done(server, 20)
    assert outcomes(server) == ["done"] * 20
    assert len(outlet.drain()) == 20


def test_a_broker_that_shuts_down_is_waited_for(outlet):
    outlet.client.declare("orders", **QUORUM)
    server = outlet.serve("retry in", "failed in a row", "cannot be reached")
    received(server.deliver(SMALL, "one"))
    wait_done(server)
    outlet.rabbitmq.stop()
    received(server.deliver(SMALL, "two", type=STATUS))
    server.wait_query("SELECT count(*) > 1 FROM attempts WHERE job = 2",
                      [(1,)])
    outlet.rabbitmq.start()
    wait_done(server, 2)
    outlet.client = outlet.rabbitmq.client()
    assert [m.headers["klikit-event-id"] for m in outlet.drain()] == [
        "one", "two"]


def test_a_broker_that_says_nothing_is_left(outlet):
    outlet.client.declare("orders", **QUORUM)
    server = outlet.serve("retry in", "failed in a row", timeout="1s")
    received(server.deliver(SMALL, "one"))
    wait_done(server)
    outlet.rabbitmq.pause()
    received(server.deliver(SMALL, "two", type=STATUS))
    server.wait_query("SELECT count(*) > 1 FROM attempts WHERE job = 2",
                      [(1,)])
    assert outcomes(server)[1] == (
        "unknown: the broker did not confirm it within 1000 ms")
    outlet.rabbitmq.resume()
    wait_done(server, 2)
    arrived = [m.properties["message_id"] for m in outlet.drain()]
    assert arrived[0] == "one" and set(arrived[1:]) == {"two"}


@pytest.mark.parametrize("up", [True, False])
def test_a_cut_in_mid_frame_costs_a_retry(outlet, relay, up):  # noqa: F811
    outlet.client.declare("orders", **QUORUM)
    between = relay(outlet.rabbitmq.port)
    url = outlet.rabbitmq.url().replace(f":{outlet.rabbitmq.port}/",
                                        f":{between.port}/")
    server = outlet.serve("retry in", url=url)
    received(server.deliver(SMALL, "one"))
    wait_done(server)
    between.cut_after(20 if up else 5, up=up)
    received(server.deliver(SMALL, "two", type=STATUS))
    wait_done(server, 2)
    assert outcomes(server)[1].startswith("unknown: ")
    arrived = [m.properties["message_id"] for m in outlet.drain()]
    assert arrived == ["one", "two"] if up else ["one", "two", "two"]


# -- TLS --


def test_it_goes_by_tls(outlet):
    outlet.client.declare("orders")
    server = outlet.serve(url=outlet.rabbitmq.url(tls=True),
                          ca_file=outlet.rabbitmq.ca)
    received(server.post(SMALL, "one"))
    wait_done(server)
    assert len(outlet.drain()) == 1


def test_a_broker_of_another_name_gets_nothing(outlet, tmp_path):
    authority = Authority(tmp_path / "pki")
    other = TlsPos(authority.make("other", sans="DNS:other.example"))
    url = re.sub("@.*?/", f"@127.0.0.1:{other.port}/",
                 outlet.rabbitmq.url(tls=True))
    server = outlet.serve("retry in", "failed in a row", url=url,
                          ca_file=authority.root.path)
    received(server.post(SMALL, "one"))
    server.wait_log("job 1 rabbit: retry in .*127.0.0.1")
    server.wait_query("SELECT count(*) > 0 FROM attempts WHERE outcome "
                      "NOT LIKE 'unknown%'", [(1,)])
    other.close()


def test_a_stranger_gets_nothing(outlet, tmp_path):
    stranger = Authority(tmp_path / "pki")
    server = outlet.serve("retry in", "failed in a row",
                          url=outlet.rabbitmq.url(tls=True),
                          ca_file=stranger.root.path)
    received(server.post(SMALL, "one"))
    server.wait_log("job 1 rabbit: retry in .*certificate")
    server.wait_query("SELECT count(*) > 0 FROM attempts WHERE outcome "
                      "NOT LIKE 'unknown%'", [(1,)])


# -- What doctor and the configuration say --


def doctor(server):
    done = run("doctor", "-c", server.config, cwd=server.directory,
               env=server.environment())
    said = done.stdout.decode().splitlines()
    return "\n".join(line for line in said
                     if "rabbit" in line or "->" in line)


def test_doctor_looks_at_the_target(outlet):
    server = outlet.serve()
    assert "the queue orders does not exist" in doctor(server)
    assert "logs in as" in doctor(server)
    outlet.client.declare("orders", durable=False)
    assert "is not durable" in doctor(server)
    outlet.client.delete("orders")
    for arguments in ({}, QUORUM):
        outlet.client.declare("orders", **arguments)
        said = doctor(server)
        assert "the queue orders is durable" in said
        assert "may write there shows only when" in said
        outlet.client.delete("orders")
    assert outlet.rabbitmq.password not in said


def test_doctor_looks_at_the_exchange(outlet):
    server = outlet.serve(exchange="klikit")
    assert "the exchange klikit does not exist" in doctor(server)
    outlet.client.declare_exchange("klikit")
    said = doctor(server)
    assert "the exchange klikit exists" in said
    assert "is bound for the routing key shows only" in said


def test_doctor_says_why_not(outlet):
    server = outlet.serve(password="wrong", declare="quorum")
    said = doctor(server)
    assert "refuses the login" in said and "password_file" in said
    assert "wrong" not in said


def test_doctor_declares_nothing(outlet):
    server = outlet.serve(declare="quorum")
    assert "does not exist yet, and will be declared" in doctor(server)
    with pytest.raises(Exception, match="404"):
        outlet.rabbitmq.client().count("orders")


@pytest.mark.parametrize("keys, said", [
    ({"queue": ""}, "must name the queue"),
    ({"queue": "o.{order}"}, "byte 3"),
    ({"queue": "o.{type}", "declare": "quorum"}, "without braces"),
    ({"declare": "stream"}, "not one of no, quorum, classic"),
    ({"queue": "x" * 256}, "longer than 255"),
    ({"url": "amqp://u:pw@host/"}, "password_file"),
    ({"url": "http://host/"}, "amqp"),
    ({"ca_file": "/ca.pem"}, "of no use"),
])
def test_what_cannot_be_is_refused(outlet, keys, said):
    server = outlet.klikitd(start=False, config=outlet.section(**keys))
    server.do("check-config", expect=1)
    assert said in server.said
    assert "pw@" not in server.said


# -- Nothing is lost --


class Queue(Target):
    """A queue of RabbitMQ."""

    expected = ("takes no messages for now",)

    def __init__(self, rabbitmq, kind, folder):  # noqa: F811
        self.rabbitmq = rabbitmq
        self.port = rabbitmq.port
        self.password = folder / "password"
        self.password.write_text(rabbitmq.password)
        self.password.chmod(0o600)
        client = rabbitmq.client()
        client.declare("orders", **{"x-queue-type": kind})
        client.close()

    def section(self, port):
        url = self.rabbitmq.url().replace(f":{self.port}/", f":{port}/")
        return (f"[handler out]\ntype = amqp\nevents = *\nurl = {url}\n"
                f"password_file = {self.password}\nrouting_key = orders\n"
                "retry = 100ms\n")

    def start(self):
        self.rabbitmq.start()

    def kill(self):
        self.rabbitmq.kill()

    def fill(self):
        self.rabbitmq.alarm()

    def empty(self):
        self.rabbitmq.end_alarm()

    def arrivals(self):
        client = self.rabbitmq.client()
        for message in client.drain("orders"):
            yield Arrival(message.headers["klikit-event-id"],
                          message.headers["idempotency-key"], message.body)
        client.close()


@pytest.mark.parametrize("kind", ["quorum", "classic"])
@pytest.mark.parametrize("plan", PLANS)
def test_nothing_is_lost(klikitd, rng, relay, rabbitmq,  # noqa: F811
                         tmp_path, plan, kind):
    stand(klikitd, rng, relay, plan, Queue(rabbitmq, kind, tmp_path))
