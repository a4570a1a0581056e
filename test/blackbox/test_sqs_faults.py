"""The type sqs: what is not right is said, by a job's run and by doctor."""

import pathlib
import re

import pytest

from conftest import received, run
from load import order_body
from sqs_case import CLEAN, KEYS, NOTHING, SMALL, outcomes, wait_paused
from sqs_case import aws, sqs  # noqa: F401 (fixtures)


# -- What is not right: one line with the cause, and what to do --


@pytest.mark.parametrize("behaviour, more, env, said", [
    ({"keys": {"AKIATEST": ["another", None]}}, "", None,
     "the signature does not match: see to the secret access key, and that "
     "no proxy changes requests"),
    ({"keys": {}}, "", None,
     "AWS does not know these credentials: name others, or create the "
     "access key anew"),
    ({"expired": ["AKIATEST"]}, "", None,
     "the credentials have expired: name others, or have them renewed"),
    ({"queues": []}, "", None,
     "there is no such queue: see to queue_url and region, or create it"),
    ({"denied": ["SendMessageBatch"]}, "", None,
     "access denied: allow sqs:SendMessage on this queue to these "
     "credentials"),
    ({}, "region = us-west-2\n", None,
     "the region is wrong: set region to that of the queue"),
    ({}, "", NOTHING,
     "no AWS credentials: none in the environment or the profile default: "
     "set credentials_file"),
    ({}, "", {**NOTHING, "AWS_PROFILE": "shop"},
     "no AWS credentials: none in the environment or the profile shop: "
     "set credentials_file"),
    ({}, "profile = shop\n", None,
     "no AWS credentials: there is no profile shop with keys in the files: "
     "see to profile and credentials_file"),
    ({}, "", {**NOTHING, "AWS_ACCESS_KEY_ID": "AKIATEST"},
     "no AWS credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
     "AWS_SESSION_TOKEN in the environment are not whole"),
    ({"next": [[302, {"Location": "http://127.0.0.1:1/"}, ""]]}, "", None,
     "what answers is not SQS: see to queue_url and endpoint"),
    ({"next": [{"code": "KmsDisabled"}]}, "", None,
     "the queue's KMS key is disabled: see to the key, or to the right "
     "kms:GenerateDataKey and kms:Decrypt"),
], ids=["secret", "key", "expired", "queue", "denied", "region", "nothing",
        "no-profile", "named-profile", "half", "redirect", "kms"])
def test_it_pauses_with_the_cause(aws, sqs, behaviour, more, env,  # noqa: F811
                                  said):
    far = sqs()
    server = aws(far, more, env=env)
    far.set(**behaviour)
    received(server.post(SMALL, "one"))
    assert wait_paused(server) == (
        f"{said}; klikitd resume aws lets it go on")
    calls = len(far.calls())
    assert calls <= 2
    received(server.post(order_body(77, 1), "two"))
    # What was wrong is put right, and nothing is lost.
    far.set(keys={"AKIATEST": ["secret/of+the/test", None]}, expired=[],
            queues=["orders"], denied=[], region=(
                "us-west-2" if "us-west" in more else "eu-west-1"))
    if env is None and "profile" not in more:
        assert len(far.calls()) == calls  # not one more while it is paused
        server.do("resume", "aws")
        server.wait_processed()
        assert {far.attribute(m, "klikit-event-id")
                for m in far.messages()} == {"one", "two"}
    log = server.final_log()
    assert "secret/of" not in log
    assert log.count("handler aws: paused") == 1


def test_throttling_is_waited_for(aws, sqs):  # noqa: F811
    far = sqs(throttle=True)
    server = aws(far, "retry = 50ms, 200ms\n")
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log("retry in .*: SQS is throttling; klikitd jobs 1 says", 2)
    far.set(throttle=False)
    server.wait_processed()
    assert len(far.messages()) == 1
    starts = [row[0] for row in server.query(
        "SELECT started_at FROM attempts ORDER BY number")]
    assert min(b - a for a, b in zip(starts, starts[1:])) > 40  # no hot loop


# -- A far side that lies --


@pytest.mark.parametrize("way", ["garbage", "html", "endless", "huge", "cut",
                                 "close"])
def test_hostile_answers(aws, sqs, way):  # noqa: F811
    far = sqs(next=[way] * 2)
    server = aws(far)
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    found = outcomes(server)
    assert found[-1] == "done" and len(found) == 3
    for outcome in found[:-1]:
        assert outcome.startswith("unknown: ")
    assert {far.attribute(m, "idempotency-key")
            for m in far.messages()} == {"one"}


def test_silence_is_the_time_limit(aws, sqs):  # noqa: F811
    far = sqs(next=["hang"])
    server = aws(far, "timeout = 1s\n")
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    found = outcomes(server)
    assert (found[0], found[-1]) == ("unknown: no answer within 1s", "done")


def test_memory_is_bounded(aws, sqs):  # noqa: F811
    """Ten answers without an end cost no more than one."""
    def high_water():
        status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])

    far = sqs(next=["endless"])
    server = aws(far)
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    before = high_water()
    far.set(next=["endless"] * 10)
    for n in range(10):
        received(server.post(order_body(n, 1), f"e{n}"))
    server.wait_processed()
    assert high_water() < before + 40_000  # 64 KB are kept of each


def test_what_waits_too_long_is_said(aws, sqs):  # noqa: F811
    """All calls hang, so others have no turn."""
    far = sqs(hold=True)
    server = aws(far, "timeout = 1s\n")
    server.expect("retry in", "failed in a row")
    for n in range(12):
        received(server.post(order_body(n, 1), f"e{n}"))
    server.wait_log("not sent in time: the calls before it have not ended")
    far.set(hold=False)
    server.wait_processed()
    assert {far.attribute(m, "klikit-event-id") for m in far.messages()} == {
        f"e{n}" for n in range(12)}


# -- Configuration and doctor --


def judged(tmp_path, config, *args, env=None):
    path = tmp_path / "judged.ini"
    path.write_text(config)
    return run("check-config", "-c", path, *args, env={
        **CLEAN, "KLIKIT_WEBHOOK_SECRET": "x", "HOME": str(tmp_path),
        **(env or {})})


@pytest.mark.parametrize("lines, said", [
    ("", "handler.queue_url: is missing"),
    ("queue_url = https://sqs.eu-west-1.amazonaws.com/\n",
     "does not end in the name of a queue, as in "
     "https://sqs.REGION.amazonaws.com/ACCOUNT/QUEUE"),
    ("queue_url = https://sqs.eu-west-1.amazonaws.com/1/a.b\n",
     "does not end in the name of a queue"),
    ("queue_url = http://sqs.eu-west-1.amazonaws.com/1/a\nca_file = /x\n",
     "handler.ca_file: is of no use"),
    ("queue_url = http://127.0.0.1/1/a\nregion = Europe\n",
     "is no region such as eu-west-1"),
    ("queue_url = http://127.0.0.1/1/a\nendpoint = http://127.0.0.1/x\n",
     "must not have a path: it is http[s]://HOST:PORT"),
    ("queue_url = http://127.0.0.1/1/a\ncredentials_file = none\n",
     "handler.credentials_file: "),
])
def test_the_configuration_is_checked(tmp_path, lines, said):
    done = judged(tmp_path, f"[handler aws]\ntype = sqs\n{lines}")
    assert done.returncode == 1
    assert said in (done.stdout + done.stderr).decode()


def test_it_does_not_start_without_a_region(klikitd, tmp_path):
    server = klikitd(start=False, env={
        **CLEAN, "HOME": str(tmp_path)}, config=(
        "[handler aws]\ntype = sqs\nqueue_url = http://127.0.0.1:1/1/a\n"))
    server.expect("region")
    server.start(wait=False)
    server.wait(expect=1)
    assert ("region is not set, and neither the host of queue_url, "
            "AWS_REGION nor the profile names one") in server.log()


@pytest.mark.parametrize("queue, behaviour, env, good, said", [
    ("orders", {}, {}, True,
     ["the standard queue is there, with a dead letter queue; credentials "
      "from the environment"]),
    ("orders.fifo", {"redrive": False}, {}, True,
     ["the FIFO queue is there, without a dead letter queue"]),
    ("orders", {"denied": ["GetQueueAttributes"]}, {}, True,
     ["reached; the credentials from the environment are known, and may not "
      "look at the queue (sqs:GetQueueAttributes)"]),
    ("orders", {"retention": 60, "size_max": 1024}, {}, None,
     ["the queue keeps messages for 60 s only",
      "the queue takes messages of 1024 bytes only"]),
    ("orders", {"ahead": 3600}, {}, None,
     ["SQS refuses the time of this machine, which is 60 minutes behind"]),
    ("orders", {"queues": []}, {}, False, ["there is no such queue"]),
    ("orders", {"keys": {}}, {}, False,
     ["AWS does not know these credentials"]),
    ("orders", {}, {"AWS_ACCESS_KEY_ID": ""}, False,
     ["AWS_SESSION_TOKEN in the environment are not whole"]),
], ids=["standard", "fifo", "no-right", "settings", "clock", "no-queue",
        "no-key", "half"])
def test_doctor_looks_at_the_queue(sqs, tmp_path, queue,  # noqa: F811
                                   behaviour, env, good, said):
    far = sqs(queue=queue)
    far.set(**behaviour)
    done = judged(tmp_path, "[handler aws]\ntype = sqs\nregion = eu-west-1\n"
                  f"queue_url = {far.queue_url}\n", "--network",
                  env={**KEYS, **env})
    text = (done.stdout + done.stderr).decode()
    for words in said:
        assert words in text
    assert done.returncode == (1 if good is False else 0), text
    assert far.messages() == []
