"""The consumers of server/docs/queues.md, as they stand there.

Each gets the events of a klikitd through a real broker (or our fake of it), is
killed in the middle, gets some messages twice and a forged one: the work of
each event is done once.
"""

import base64
import json
import os
import pathlib
import re
import signal
import sqlite3
import subprocess
import threading
import urllib.request

import pytest

from brokers import rabbitmq, rabbitmq_program  # noqa: F401 (fixtures)
from brokers import redis_server  # noqa: F401 (fixture)
from conftest import DEADLINE, ROOT, SECRET, received, sign
from fake_pubsub import PROJECT, TOPIC, Account, FakePubsub
from fake_sqs import FakeSqs
from load import order_body
from sqs_front import SqsFront
from unpacked import node_modules, python_path

GUIDE = (ROOT / "server" / "docs" / "queues.md").read_text()
# `NAME`..: and then a block, which is that file.
FILE = re.compile(r"^`([\w.]+)`[^\n`]*(?:\n[^\n`]+)?(?:`[\w-]+`[^\n`]*)?:\n\n"
                  r"```(?:python|js)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
EVENTS = 40
# The first event once more, and one that somebody else has signed.
BODY = order_body(1, 1)
REPEAT = {"klikit-event-id": "e0", "idempotency-key": "e0",
          "klikit-signature": sign(BODY)}
FORGED = {"klikit-event-id": "forged", "idempotency-key": "forged",
          "klikit-signature": sign(BODY, b"other")}


class Consumer:
    """A program of the guide, which is started again whenever it ends."""

    def __init__(self, directory, program, env):
        for name, text in FILE.findall(GUIDE):
            (directory / name).write_text(text)
        assert (directory / program).exists(), f"{program} is not in the guide"
        interpreter = ("/usr/bin/python3" if program.endswith(".py")
                       else "node")
        self.command = [interpreter, program]
        self.directory = directory
        self.env = {"PATH": os.environ["PATH"],
                    "PYTHONPATH": python_path(),
                    "NODE_PATH": str(node_modules("ioredis")),
                    "KLIKIT_WEBHOOK_SECRET": SECRET.decode(), **env}
        self.process = None

    def start(self):
        with open(self.directory / "consumer.out", "ab") as out:
            self.process = subprocess.Popen(
                self.command, cwd=self.directory, env=self.env,
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def kill(self):
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(DEADLINE)
            self.process = None

    def said(self):
        return (self.directory / "consumer.out").read_text()

    def wait_for(self, condition):
        """Until it is so; what ends meanwhile is started again."""
        ticks = threading.Event()
        for _ in range(DEADLINE * 20):
            if condition():
                return
            if self.process is None or self.process.poll() is not None:
                self.start()
            ticks.wait(0.05)  # nothing tells when another process writes
        raise AssertionError(f"it does not come to that:\n{self.said()}")


@pytest.fixture
def consumer(tmp_path):
    """A factory of consumers."""
    made = []

    def make(program, **env):
        home = tmp_path / "consumer"
        home.mkdir()
        made.append(Consumer(home, program, env))
        return made[-1]

    yield make
    for each in made:
        each.kill()


def tickets(directory):
    """What the kitchen has cooked: pairs of order and status, in order."""
    database = directory / "kitchen.db"
    if not database.exists():
        return []
    conn = sqlite3.connect(database, timeout=DEADLINE)
    try:
        return conn.execute("SELECT order_id, status FROM tickets "
                            "ORDER BY rowid").fetchall()
    except sqlite3.OperationalError:
        return []  # it has just begun
    finally:
        conn.close()


def deliver(server):
    """Events of some orders. Returns what the kitchen has to cook."""
    wanted = []
    for number in range(EVENTS):
        order, status = number % 5 + 1, number // 5 + 1
        received(server.post(order_body(order, status), f"e{number}",
                             type="klikit.order.status.updated"))
        wanted.append((str(order), str(status)))
    server.wait_processed()
    return wanted


def check(cooked, wanted):
    """Each once, and those of an order in their order."""
    assert sorted(cooked) == sorted(wanted)
    for order in {order for order, _ in wanted}:
        assert [ticket for ticket in cooked if ticket[0] == order] == [
            ticket for ticket in wanted if ticket[0] == order]


def run_kitchen(program, cooked, wanted, forge, give_back=lambda: None):
    """Work all off; the consumer is killed twice, and a forged message comes
    in between. give_back(): what it had is handed out again."""
    for count in (3, EVENTS // 2):
        program.wait_for(lambda: len(cooked()) >= count)
        program.kill()
        give_back()
    forge()
    program.wait_for(lambda: len(cooked()) >= EVENTS)
    program.wait_for(lambda: "not signed by klikit: forged" in program.said())
    check(cooked(), wanted)


def test_redis(klikitd, redis_server, consumer):  # noqa: F811
    redis = redis_server(appendfsync="always")
    server = klikitd(config=("[handler kitchen]\ntype = redis\nevents = *\n"
                             f"url = {redis.url()}\nstream = orders\n"))
    wanted = deliver(server)

    def add(fields):
        redis("XADD", "orders", "*", "body", BODY,
              *(word for field in fields.items() for word in field))

    def cooked():
        return [tuple(ticket.decode().split()) for ticket in
                redis("LRANGE", "kitchen:tickets", 0, -1)]

    add(REPEAT)
    program = consumer("redis_consumer.js", STREAM="orders",
                       REDIS_URL=redis.url())
    run_kitchen(program, cooked, wanted, lambda: add(FORGED))
    program.wait_for(lambda: redis("XPENDING", "orders", "kitchen")[0] == 0)
    assert redis("XLEN", "orders") == EVENTS + 2


def test_rabbitmq(klikitd, rabbitmq, consumer,  # noqa: F811
                  tmp_path):
    client = rabbitmq.client()
    client.declare("kitchen", **{"x-queue-type": "quorum",
                                 "x-single-active-consumer": True})
    (tmp_path / "password").write_text(rabbitmq.password)
    server = klikitd(config=(
        f"[handler kitchen]\ntype = amqp\nevents = *\nurl = {rabbitmq.url()}\n"
        f"password_file = {tmp_path / 'password'}\nexchange =\n"
        "routing_key = kitchen\n"))
    wanted = deliver(server)
    client.publish("", "kitchen", BODY, headers=REPEAT)
    program = consumer("rabbitmq_consumer.py", QUEUE="kitchen", AMQP_URL=(
        rabbitmq.url().replace("@", f":{rabbitmq.password}@")))
    run_kitchen(program, lambda: tickets(program.directory), wanted,
                lambda: client.publish("", "kitchen", BODY, headers=FORGED))
    program.wait_for(lambda: client.count("kitchen") == 0)


def test_sqs(klikitd, consumer, tmp_path):
    fake = FakeSqs(tmp_path / "sqs", queue="orders.fifo")
    front = SqsFront(fake)
    keys = {"AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": "secret/of+the/test"}
    try:
        server = klikitd(env=keys, config=(
            "[handler kitchen]\ntype = sqs\nevents = *\nregion = eu-west-1\n"
            f"queue_url = {fake.queue_url}\n"))
        wanted = deliver(server)
        front.add(BODY, REPEAT)
        program = consumer("sqs_consumer.py", QUEUE_URL=fake.queue_url,
                           SQS_ENDPOINT=front.url,
                           AWS_DEFAULT_REGION="eu-west-1", **keys)
        run_kitchen(program, lambda: tickets(program.directory), wanted,
                    lambda: front.add(BODY, FORGED), front.give_back)
        program.wait_for(lambda: len(front.deleted) == EVENTS + 1)
    finally:
        front.shutdown()
        front.server_close()
        fake.close()


def test_pubsub(klikitd, consumer, tmp_path):
    account = Account(tmp_path)
    fake = FakePubsub(tmp_path, account)

    def give_back():
        """It knows no acknowledgement any more: all comes again."""
        fake.kill()
        fake.start()

    def publish(attributes):
        """As somebody else; the token is the metadata server's."""
        host = f"127.0.0.1:{fake.port}"
        with urllib.request.urlopen(urllib.request.Request(
                f"http://{host}/computeMetadata/v1/instance/service-accounts/"
                "default/token", headers={"Metadata-Flavor": "Google"})) as a:
            token = json.load(a)["access_token"]
        with urllib.request.urlopen(urllib.request.Request(
                f"http://{host}/v1/projects/{PROJECT}/topics/{TOPIC}:publish",
                json.dumps({"messages": [{
                    "data": base64.b64encode(BODY).decode(),
                    "attributes": attributes}]}).encode(),
                {"Content-Type": "application/json",
                 "Authorization": f"Bearer {token}"})) as a:
            assert a.status == 200

    try:
        server = klikitd(config=(
            "[handler kitchen]\ntype = pubsub\nevents = *\n"
            f"credentials_file = {account.file}\ntopic = {TOPIC}\n"
            f"endpoint = {fake.url}\n"))
        wanted = deliver(server)
        publish(REPEAT)
        program = consumer(
            "pubsub_consumer.py", PUBSUB_ENDPOINT=fake.url,
            SUBSCRIPTION=f"projects/{PROJECT}/subscriptions/{TOPIC}-sub",
            GCE_METADATA_HOST=f"127.0.0.1:{fake.port}")
        run_kitchen(program, lambda: tickets(program.directory), wanted,
                    lambda: publish(FORGED), give_back)
    finally:
        fake.stop()


def test_each_attribute_is_in_the_table():
    header = (ROOT / "handlers" / "body" / "message.h").read_text()
    listed = header.split("stand in this order:")[1].split("*/")[0]
    names = re.findall(r"(?:klikitd?|idempotency|received)-[a-z-]+", listed)
    assert len(names) >= 10
    rows = GUIDE.split("| attribute | what |")[1].split("\n\n")[0]
    assert set(re.findall(r"`([a-z-]+)`", rows)) >= set(names)


def test_each_file_of_the_guide_is_found():
    assert {name for name, _ in FILE.findall(GUIDE)} == set(
        re.findall(r"^`([\w.]+\.(?:py|js))`", GUIDE, re.MULTILINE))
    assert not pathlib.Path("kitchen.db").exists()
