"""Fixtures: brokers for the outlets to queues, and what goes wrong on the way.

    from brokers import redis_server, relay, scripted  # noqa: F401
    from brokers import rabbitmq, rabbitmq_program  # noqa: F401

    redis_server(**options)     a Redis of the test's own: redis_broker.py
    rabbitmq                    a virtual host on the one RabbitMQ of all
                                tests: rabbit_broker.py
    relay(broker.port)          cuts and stalls connections: relay.py
    scripted(script...)         says what it likes: relay.py

All listen on free ports of the loopback, run as `nobody` if the tests run as
root, keep their files in a folder of their own, and have ended with their
folder removed when the test (RabbitMQ: all tests) is over. What a broker has
printed is in the test's tmp_path afterwards.
"""

import threading
import time

import pytest

from certificates import Authority
from conftest import DEADLINE
from rabbit_broker import Rabbit, RabbitServer
from redis_broker import RedisServer
from relay import Relay, Scripted


def wait_hanging(server, seconds):
    """Wait until the newest attempt has begun so many seconds ago."""
    ticks = threading.Event()
    for _ in range(DEADLINE * 50):
        (began, ), = server.query("SELECT max(started_at) FROM attempts")
        if began < (time.time() - seconds) * 1000:
            return
        ticks.wait(0.02)  # nothing happens that could be waited for
    raise AssertionError(f"attempts are begun all the time: {server.log()}")


@pytest.fixture
def redis_server(tmp_path):
    """A factory of running Redis servers."""
    made = []

    def make(start=True, **options):
        made.append(RedisServer(**options))
        return made[-1].start() if start else made[-1]

    yield make
    for number, server in enumerate(made):
        (tmp_path / f"redis{number}.log").write_text(server.log())
        server.close()


# One for all modules: pytest makes the fixture anew for each that imports it.
_rabbits = []


@pytest.fixture(scope="session")
def rabbitmq_program(tmp_path_factory):
    """The one RabbitMQ; tests use `rabbitmq`."""
    if not _rabbits:
        authority = Authority(tmp_path_factory.mktemp("rabbitmq"))
        authority.make("broker")
        _rabbits.append(RabbitServer(authority))
    server = _rabbits[0]
    try:
        yield server if server.alive() else server.start()
    finally:
        if server in _rabbits:  # the session ends, for all modules
            _rabbits.remove(server)
            server.close()


@pytest.fixture
def rabbitmq(rabbitmq_program, tmp_path):
    """A virtual host with a user who may do all there."""
    if not rabbitmq_program.alive():
        rabbitmq_program.start()
    since = len(rabbitmq_program.log())
    rabbit = Rabbit(rabbitmq_program)
    yield rabbit
    (tmp_path / "rabbitmq.log").write_text(rabbitmq_program.log()[since:])
    rabbit.close()


@pytest.fixture
def relay():
    """A factory of relays."""
    made = []

    def make(port):
        made.append(Relay(port))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def scripted():
    """A factory of servers with a script."""
    made = []

    def make(*scripts):
        made.append(Scripted(*scripts))
        return made[-1]

    yield make
    for each in made:
        each.close()
