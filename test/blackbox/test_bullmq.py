"""BullMQ's HTTP bridge, with the real BullMQ, its worker and a real Redis."""

import json
import re
import threading

import pytest

from brokers import redis_server  # noqa: F401 (fixture)
from bullmq import bridge, node, worker  # noqa: F401 (fixtures)
from bullmq import BRIDGES, forward, jobs, post, wait_results
from conftest import DEADLINE, SECRET, payload, received, sign
from load import order_body


def test_an_event_becomes_a_job(klikitd, redis_server,  # noqa: F811
                                bridge):
    redis = redis_server(maxmemory_policy="noeviction")
    server = klikitd(config=forward(bridge(redis.port).port))
    body = payload("created-typical.json")
    received(server.post(body, "a:b/1"))
    server.wait_processed()
    ((job_id, job),) = jobs(redis).items()
    assert job_id == "k_a%3Ab%2F1"
    data = json.loads(job[b"data"])
    assert data["body"].encode() == body
    assert data["attributes"]["klikit-event-id"] == "a:b/1"
    assert data["attributes"]["klikit-signature"] == sign(body)
    assert job[b"name"] == data["attributes"]["klikit-event-type"].encode()
    options = json.loads(job[b"opts"])
    assert options["removeOnComplete"] == {"age": 86400}
    assert options["removeOnFail"] == {"age": 86400}
    assert options["attempts"] == 10


def test_a_repeat_is_the_same_job(redis_server, bridge,  # noqa: F811
                                  worker):
    """Also when the job has been done."""
    redis = redis_server()
    program = bridge(redis.port)
    key = {"Idempotency-Key": "same"}
    for _ in range(2):
        assert post(program, headers=key) == (200, {"job": "k_same"})
    done = worker(redis)
    wait_results(done, 1)
    assert post(program, headers=key)[0] == 200
    assert post(program, headers={"Idempotency-Key": "12:3"}) == (
        200, {"job": "k_12%3A3"})
    wait_results(done, 2)
    assert (done.folder / "runs").read_text().split().count("k_same") == 1


def test_bytes_that_are_no_text_arrive(redis_server, bridge):  # noqa: F811
    redis = redis_server()
    post(bridge(redis.port), b"\xff\0{", {"Idempotency-Key": "raw"})
    data = json.loads(jobs(redis)["k_raw"][b"data"])
    assert data["encoding"] == "base64" and data["body"] == "/wB7"


def test_what_is_wrong_is_refused_by_name(redis_server, bridge,  # noqa: F811
                                          tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    redis = redis_server()
    program = bridge(redis.port, "--secret-file", secret, "--max-body", 100)
    key = {"Idempotency-Key": "k"}
    good = {**key, "x-klikit-signature": sign(b"{}", b"s3cret")}
    for status, body, headers, method in (
            (405, None, good, "GET"), (413, b"x" * 101, good, "POST"),
            (400, b"{}", {}, "POST"), (401, b"{}", key, "POST"),
            (401, b"{ }", good, "POST"),
            (401, b"{}", {**key, "x-klikit-signature": "00"}, "POST")):
        got, said = post(program, body, headers, method)
        assert (got, list(said)) == (status, ["error"]), said
    assert jobs(redis) == {}
    assert post(program, b"{}", good)[0] == 200
    assert "s3cret" not in program.text()


def test_redis_that_is_down_is_503_and_a_retry(klikitd,  # noqa: F811
                                               redis_server, bridge):
    redis = redis_server()
    program = bridge(redis.port)
    server = klikitd(config=forward(program.port))
    server.expect("retry in", "failed in a row")
    redis.kill()
    received(server.post(order_body(1), "one"))
    server.wait_log("retry in .*503")
    redis.start()
    server.wait_processed()
    assert list(jobs(redis)) == ["k_one"]
    assert "redis: connected" in program.text()


def test_redis_that_is_down_at_first_is_503_as_well(  # noqa: F811
        redis_server, bridge):
    redis = redis_server()
    redis.kill()
    program = bridge(redis.port, connected=False)
    status, said = post(program, headers={"Idempotency-Key": "k"})
    assert status == 503 and "redis: " in said["error"]


@pytest.mark.parametrize("trouble, words", [
    ("pause", "no answer in 300 ms|Command timed out"), ("full", "OOM"),
    ("replicas", "NOREPLICAS|Not enough")])
def test_redis_in_trouble_is_503(redis_server, bridge,  # noqa: F811
                                 trouble, words):
    redis = redis_server()
    program = bridge(redis.port, "--timeout", 300)
    if trouble == "pause":
        redis.pause()
    elif trouble == "full":
        redis.set("maxmemory", 1)
    else:
        redis.set("min-replicas-to-write", 1)
    status, said = post(program, headers={"Idempotency-Key": "k"})
    assert status == 503 and re.search(words, said["error"]), said
    redis.resume()


def test_a_wrong_password_is_named_and_never_shown(  # noqa: F811
        redis_server, bridge, tmp_path):
    redis = redis_server(password="right")
    for secret, status in (("wr0ng", 503), ("right", 200)):
        (tmp_path / "password").write_text(secret)
        program = bridge(redis.port, "--password-file", tmp_path / "password",
                         connected=False)
        program.wait_text("WRONGPASS|connected")
        got, said = post(program, headers={"Idempotency-Key": secret})
        assert got == status, said
        assert "wr0ng" not in program.text()
        program.stop()


COOK = """
const fs = require('node:fs');
async function cook(id, event) {
  fs.appendFileSync('cooked', `${id} ${event.orders[0].id}\\n`);
}
"""


def test_the_worker_of_the_readme_works(redis_server,  # noqa: F811
                                        bridge, node, tmp_path):
    """It takes what klikit has signed, also of bytes that are no text."""
    redis = redis_server()
    program = bridge(redis.port, "--attempts", 1)
    odd = b'{"orders": [{"id": 7, "note": "\xff"}]}'
    for key, body, secret in (("one", order_body(1), SECRET),
                              ("forged", order_body(2), b"other"),
                              ("odd", odd, SECRET)):
        assert post(program, body, {
            "Idempotency-Key": key, "x-klikit-event-id": key,
            "x-klikit-signature": sign(body, secret)})[0] == 200
    (block,) = re.findall(r"```js\n(.*?)```", (BRIDGES / "README.md")
                          .read_text(), re.DOTALL)
    assert "host: '127.0.0.1'" in block
    script = tmp_path / "readme.js"
    script.write_text(
        f"process.chdir({json.dumps(str(tmp_path))});" + COOK + block.replace(
            "host: '127.0.0.1'", f"host: '127.0.0.1', port: {redis.port}"))
    node(script, env={"KLIKIT_WEBHOOK_SECRET": SECRET.decode()})
    ticks = threading.Event()
    for _ in range(DEADLINE * 50):
        if redis("ZCARD", "bull:orders:completed") == 2 and (
                redis("ZCARD", "bull:orders:failed") == 1):
            break
        ticks.wait(0.02)  # nothing tells when a job has ended
    assert sorted((tmp_path / "cooked").read_text().splitlines()) == [
        "k_odd 7", "k_one 1"]
    failed = jobs(redis)["k_forged"]
    assert b"not signed by klikit" in failed[b"failedReason"]


@pytest.mark.parametrize("bridge_name, args, words", [
    ("http_bridge", [], "--queue is missing"),
    ("http_bridge", ["--queue", "a:b"], "takes no name with ':'"),
    ("http_bridge", ["--queue", "q", "--keep", "1.5"], "no whole number"),
    ("http_bridge", ["--queue", "q", "--listen", "8080"], "no HOST:PORT"),
    ("http_bridge", ["--queue", "q", "--redis", "redis://:pw@h"],
     "--password-file"),
    ("http_bridge", ["--queue", "q", "--redis", "http://h"], "redis://"),
    ("http_bridge", ["--queue", "q", "--redis", "nonsense"], "no URL"),
    ("http_bridge", ["--queue", "q", "--nonsense"], "--nonsense"),
    ("http_bridge", ["--queue", "q", "--secret-file", "/nonexistent"],
     "--secret-file: ENOENT"),
    ("stream_bridge", ["--queue", "q"], "--stream is missing"),
    ("stream_bridge", ["--queue", "q", "--stream", "s", "--batch", "0"],
     "no whole number"),
])
def test_a_wrong_option_is_one_line(node, bridge_name, args, words):
    program = node(BRIDGES / f"{bridge_name}.js", *args)
    assert program.process.wait(DEADLINE) == 2
    program.process = None
    (line,) = program.text().splitlines()
    assert line.startswith(f"{bridge_name}: ") and words in line
    assert "pw" not in line


@pytest.mark.parametrize("name", ["http_bridge", "stream_bridge"])
def test_help_names_each_option(node, name):
    program = node(BRIDGES / f"{name}.js", "--help")
    assert program.process.wait(DEADLINE) == 0
    program.process = None
    read = (BRIDGES / f"{name}.js").read_text() + (
        BRIDGES / "job.js").read_text()
    options = re.findall(r"^  '?([a-z-]+)'?: \{ type", read, re.M)
    assert len(options) > 10
    for option in set(options) - {"help"}:
        assert f"  --{option}" in program.text(), option
