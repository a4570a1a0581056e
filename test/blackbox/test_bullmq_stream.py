"""BullMQ's stream bridge, with the real BullMQ, a worker, a real Redis."""

import json
import threading

from brokers import redis_server  # noqa: F401 (fixture)
from bullmq import node, stream_bridge, worker  # noqa: F401 (fixtures)
from bullmq import jobs, wait_results
from conftest import DEADLINE, payload


def add(redis, key, body=b"{}"):
    """An entry as klikitd's `type = redis` adds it."""
    redis("XADD", "events", "*", "klikit-event-id", key, "idempotency-key",
          key, "klikit-event-type", "klikit.order.created.v2", "body", body)


def wait_acknowledged(redis, count):
    """Until so many are jobs, and no entry is with a consumer."""
    ticks = threading.Event()
    for _ in range(DEADLINE * 50):
        left = redis("XPENDING", "events", "bullmq")[0]
        if len(jobs(redis)) == count and left == 0:
            return
        ticks.wait(0.02)  # nothing tells when another process acknowledges
    raise AssertionError(f"{len(jobs(redis))} jobs, {left} left")


def test_an_entry_becomes_a_job(redis_server,  # noqa: F811
                                stream_bridge):
    redis = redis_server()
    body = payload("created-typical.json")
    add(redis, "a:b", body)
    stream_bridge(redis)
    add(redis, "later", b"\xff")
    wait_acknowledged(redis, 2)
    found = jobs(redis)
    data = json.loads(found["k_a%3Ab"][b"data"])
    assert data["body"].encode() == body
    assert data["attributes"] == {
        "klikit-event-id": "a:b", "idempotency-key": "a:b",
        "klikit-event-type": "klikit.order.created.v2"}
    assert found["k_a%3Ab"][b"name"] == b"klikit.order.created.v2"
    assert json.loads(found["k_later"][b"data"])["encoding"] == "base64"
    assert redis("XLEN", "events") == 2  # for other groups


def test_what_was_handed_over_is_deleted_if_asked_to(  # noqa: F811
        redis_server, stream_bridge):
    redis = redis_server()
    add(redis, "one")
    stream_bridge(redis, "--delete")
    wait_acknowledged(redis, 1)
    while redis("XLEN", "events"):
        pass  # it comes after the acknowledgement


def test_what_a_dead_consumer_had_is_taken_over(  # noqa: F811
        redis_server, stream_bridge):
    """And of that what is deleted meanwhile is named."""
    redis = redis_server()
    redis("XGROUP", "CREATE", "events", "bullmq", "0", "MKSTREAM")
    for number in range(5):
        add(redis, f"e{number}")
    taken = redis("XREADGROUP", "GROUP", "bullmq", "dead", "COUNT", 5,
                  "STREAMS", "events", ">")[0][1]
    redis("XDEL", "events", taken[2][0])
    bridge = stream_bridge(redis, "--claim", 100)  # noqa: F811
    wait_acknowledged(redis, 4)
    bridge.wait_text("1 entries were deleted from the stream")


def test_what_it_had_itself_is_found_again(redis_server,  # noqa: F811
                                           stream_bridge):
    redis = redis_server()
    redis("XGROUP", "CREATE", "events", "bullmq", "0", "MKSTREAM")
    for number in range(3):
        add(redis, f"e{number}")
    taken = redis("XREADGROUP", "GROUP", "bullmq", "me", "COUNT", 3,
                  "STREAMS", "events", ">")[0][1]
    redis("XDEL", "events", taken[0][0])
    bridge = stream_bridge(redis, "--consumer", "me")  # noqa: F811
    wait_acknowledged(redis, 2)
    bridge.wait_text("1 entries were deleted from the stream")


def test_a_stream_that_was_emptied_is_read_again(  # noqa: F811
        redis_server, stream_bridge):
    """The group has gone with it."""
    redis = redis_server()
    stream_bridge(redis)
    redis("FLUSHALL")
    add(redis, "one")
    ticks = threading.Event()
    while not jobs(redis):
        ticks.wait(0.02)


def test_the_stream_bridge_loses_nothing_when_killed(  # noqa: F811
        rng, redis_server, stream_bridge, worker):
    """It and Redis and the worker: each entry is done, once."""
    redis = redis_server(appendfsync="always", maxmemory_policy="noeviction")
    done = worker(redis)
    bridges = [stream_bridge(redis, "--claim", 200, "--batch", 7,
                             "--consumer", name) for name in ("a", "b")]
    for number in range(300):
        add(redis, f"e{number}", b"%d" % number)
        if number % 150 == 50:
            rng.choice(bridges).kill()
            done.kill()
        if number == 130:
            redis.restart(kill=True)
        if number % 150 == 90:
            for program in (*bridges, done):
                if program.process is None:
                    program.start()
    got = wait_results(done, 300)
    assert {job_id: data["body"] for job_id, data in got.items()} == {
        f"k_e{number}": str(number) for number in range(300)}
    wait_acknowledged(redis, 300)
