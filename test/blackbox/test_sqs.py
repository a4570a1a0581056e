"""The type sqs, against a fake that checks signatures, limits and digests."""

import json
import os
import pathlib
import re
import signal
import threading

import pytest

from brokers import relay  # noqa: F401 (fixture)
from certificates import Authority
from conftest import CREATED, DEADLINE, STATUS, payload, received, run
from fake_sqs import SIZE_MAX, FakeSqs
from kill_frame import PLANS, Arrival, Target, stand
from load import order_body

SMALL = payload("created-small.json")
KEYS = {"AWS_ACCESS_KEY_ID": "AKIATEST",
        "AWS_SECRET_ACCESS_KEY": "secret/of+the/test",
        "AWS_EC2_METADATA_DISABLED": "true"}
NOTHING = {"AWS_EC2_METADATA_DISABLED": "true"}
# What whoever runs the tests has set is not for them: empty is not set.
CLEAN = {name: "" for name in os.environ if name.startswith("AWS_")}


@pytest.fixture
def sqs(tmp_path):
    """A factory of fakes."""
    made = []

    def make(**options):
        made.append(FakeSqs(tmp_path / f"sqs{len(made)}", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def aws(klikitd, tmp_path):
    """A klikitd that hands over to a fake; env in place of KEYS."""

    def make(far, more="", env=None, url=None, start=True):
        if "region" not in more:
            more += "region = eu-west-1\n"
        if "timeout" not in more:
            more += "timeout = 60s\n"
        if "retry" not in more:
            more += "retry = 100ms\n"
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        return klikitd(
            start=start,
            config="[handler aws]\ntype = sqs\nevents = *\n"
                   f"queue_url = {url or far.queue_url}\n{more}",
            env={**CLEAN, "HOME": str(home),
                 **(KEYS if env is None else env)})

    return make


def wait_for(condition, what):
    ticks = threading.Event()
    for _ in range(DEADLINE * 20):
        if condition():
            return
        ticks.wait(0.05)  # nothing tells what goes on in another process
    raise AssertionError(f"no {what}")


def outcomes(server):
    return [row[0] for row in server.query(
        "SELECT outcome FROM attempts ORDER BY job, number")]


def wait_paused(server):
    server.expect("paused", "retry in", "failed in a row")
    server.wait_log("handler aws: paused: ")
    return re.search("handler aws: paused: (.*)", server.log())[1]


# -- It works --


@pytest.mark.valgrind
def test_an_event_arrives_whole(aws, sqs):
    far = sqs()
    server = aws(far)
    received(server.post(SMALL, "one"))
    server.wait_processed()
    [message] = far.messages()
    assert far.body(message) == SMALL
    found = {name: far.attribute(message, name)
             for name in message["attributes"]}
    received_at = found.pop("received-at")
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                        received_at)
    assert found == {
        "klikit-event-id": "one", "klikit-event-type": CREATED,
        "klikit-brand-id": "910", "klikit-branch-id": "2041",
        "klikit-signature": server.headers(SMALL)["x-klikit-signature"],
        "idempotency-key": "one", "klikitd-attempt": "1"}
    assert server.query("SELECT outcome, code, answer FROM attempts") == [
        ("done", 200, message["id"].encode())]


def test_orders_go_out_one_by_one(aws, sqs):
    far = sqs()
    server = aws(far, "unit = order\n")
    body = json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
        {"id": 7, "status": 1}, {"id": "a b", "status": 1}]}).encode()
    received(server.post(body, "two"))
    server.wait_processed()
    found = {far.attribute(m, "klikit-order-id"):
             far.attribute(m, "idempotency-key") for m in far.messages()}
    assert found == {"7": "two:7", "a b": "two:a%20b"}
    assert all(len(json.loads(far.body(m))["orders"]) == 1
               for m in far.messages())


def test_a_fifo_queue_has_groups_and_ids(aws, sqs):
    far = sqs(queue="orders.fifo")
    server = aws(far)
    received(server.post(order_body(5, 1), "first"))
    received(server.post(order_body(5, 2), "x" * 200, type=STATUS))
    server.wait_processed()
    first, second = far.messages()
    assert (first["group"], first["dedup"]) == ("5", "first")
    assert second["group"] == "5"
    assert re.fullmatch("[0-9a-f]{64}", second["dedup"])


def test_a_repeat_within_five_minutes_is_one_message(aws, sqs):
    """SQS has taken it, and nobody heard: the retry has the same id."""
    far = sqs(queue="orders.fifo", next=["stored"])
    server = aws(far)
    server.expect("retry in")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert len(far.messages()) == 1
    assert len(far.messages(repeats=True)) == 2
    assert outcomes(server) == [
        "unknown: the connection was lost before the answer", "done"]


def test_what_sqs_refuses_goes_as_base64(aws, sqs):
    far = sqs()
    server = aws(far)
    body = SMALL.replace(b"{", b'{"odd":"\xef\xbf\xbe\x7f",', 1)
    received(server.post(body, "odd"))
    # An order's id may hold anything; an attribute of it is binary then.
    server.wait_processed()
    [message] = far.messages()
    assert far.attribute(message, "klikitd-encoding") == "base64"
    assert far.body(message) == body


def test_an_odd_order_id_is_binary(aws, sqs):
    far = sqs()
    server = aws(far, "unit = order\n")
    body = json.dumps({"brand_id": 1, "orders": [
        {"id": "a\u0007b", "status": 1}]}).encode()
    received(server.post(body, "odd"))
    server.wait_processed()
    [message] = far.messages()
    assert far.attribute(message, "klikit-order-id") == b"a\x07b"
    assert far.attribute(message, "idempotency-key") == "odd:a%07b"


def gather(server, far, bodies):
    """Four calls are held; what comes then gathers until they end."""
    far.set(hold=True)
    for n in range(4):
        received(server.post(order_body(1000 + n, 1), f"held{n}"))
        wait_for(lambda: far.state()["held"] == n + 1, "call")
    for n, body in enumerate(bodies):
        received(server.post(body, f"e{n}"))
    server.wait_query("SELECT count(*) FROM attempts", [(4 + len(bodies),)])
    far.set(hold=False)
    server.wait_processed()


def test_what_gathers_goes_out_in_batches(aws, sqs):
    far = sqs()
    server = aws(far)
    gather(server, far, [order_body(n, 1) for n in range(25)])
    assert len(far.messages()) == 29
    assert sorted(far.calls("")) == [1, 1, 1, 1, 5, 10, 10]


def test_a_batch_stays_below_its_size(aws, sqs):
    far = sqs()
    server = aws(far)
    gather(server, far, [order_body(n, 1, pad=400_000) for n in range(8)])
    assert sorted(far.calls("")) == [1, 1, 1, 1, 2, 2, 2, 2]  # and the fake counts


def test_what_is_refused_as_a_whole_is_divided(aws, sqs):
    """A batch is refused for one of its messages: which, shows alone."""
    far = sqs(size_max=2000, refuse_batches=(
        "AWS.SimpleQueueService.BatchRequestTooLong"))
    server = aws(far)
    server.expect("dead: event e2")
    gather(server, far, [order_body(n, 1, pad=3000 if n == 2 else 0)
                         for n in range(5)])
    assert sorted(far.calls()) == [1] * 9 + [5]
    assert server.query("SELECT e.event_id FROM jobs j JOIN events e ON "
                        "e.id = j.event WHERE j.state = 'dead'") == [("e2",)]
    assert len(far.messages()) == 8


def test_by_an_endpoint(aws, sqs):
    far = sqs()
    server = aws(far, f"endpoint = {far.url}\nregion = eu-west-1\n",
                 url="https://sqs.eu-west-1.amazonaws.com/123456789012/orders")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert len(far.messages()) == 1


# -- Each entry by itself --


def test_entries_fail_by_themselves(aws, sqs):
    far = sqs(queue="orders.fifo", fail_every=3)
    server = aws(far)
    server.expect("retry in", "failed in a row")
    for n in range(40):
        received(server.post(order_body(n % 4, 1 + n // 4), f"e{n}",
                             type=CREATED if n < 4 else STATUS))
    server.wait_processed()
    found = [far.attribute(m, "klikit-event-id") for m in far.messages()]
    assert sorted(found) == sorted(f"e{n}" for n in range(40))
    for order in range(4):  # none has overtaken
        of_order = [int(e[1:]) for e in found if int(e[1:]) % 4 == order]
        assert of_order == sorted(of_order)
    assert any("SQS has trouble of its own" in o for o in outcomes(server))


@pytest.mark.parametrize("way, said", [
    ("missing", "the answer of SQS says nothing of this message"),
    ("twice", "the answer of SQS says nothing of this message"),
    ("strangers", "the answer of SQS says nothing of this message"),
])
def test_an_answer_that_leaves_out_an_entry(aws, sqs, way, said):
    far = sqs(next=[way])
    server = aws(far)
    server.expect("retry in")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert outcomes(server) == [f"unknown: {said}", "done"]
    keys = {far.attribute(m, "idempotency-key") for m in far.messages()}
    assert keys == {"one"}


def test_a_wrong_digest_is_not_done(aws, sqs):
    far = sqs(wrong_md5=True)
    server = aws(far)
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log("retry in .*the MD5 that it answers is another")
    far.set(wrong_md5=False)
    server.wait_processed()
    assert outcomes(server)[0].startswith("unknown: SQS has stored something")


def test_too_large_is_dead(aws, sqs):
    """Where ours is the limit, and where the queue's is."""
    far = sqs(size_max=2000)
    server = aws(far)
    server.expect("dead: event")
    bare = len(order_body(1, 1))
    received(server.post(order_body(1, 1, pad=SIZE_MAX - bare - 100), "huge"))
    server.wait_log(r"dead: event huge: too large for SQS: \d+ bytes with "
                    "its attributes; it takes 1048576")
    received(server.post(order_body(2, 1, pad=3000), "large"))
    server.wait_log("dead: event large: SQS refuses what the message holds")
    received(server.post(order_body(3, 1), "small"))
    server.wait_processed()
    assert [far.attribute(m, "klikit-event-id") for m in far.messages()] == [
        "small"]
    assert server.query("SELECT detail FROM attempts WHERE outcome LIKE "
                        "'SQS refuses%'") == [
        ("InvalidParameterValue: Reason: Message must be shorter than 2000 "
         "bytes.",)]




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
def test_it_pauses_with_the_cause(aws, sqs, behaviour, more, env, said):
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


def test_throttling_is_waited_for(aws, sqs):
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


# -- The clock --


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_clock_an_hour_off(aws, sqs, ahead):
    far = sqs(ahead=ahead)
    server = aws(far)
    for n in range(3):
        received(server.post(order_body(n, 1), f"e{n}"))
        server.wait_processed()
    assert len(far.messages()) == 3
    # Refused once, by the first call alone; no attempt knows of it.
    assert len(far.calls("InvalidSignatureException")) == 1
    assert outcomes(server) == ["done"] * 3


def test_a_clock_that_changes_meanwhile(aws, sqs):
    far = sqs(ahead=3600)
    server = aws(far)
    received(server.post(order_body(1, 1), "one"))
    server.wait_processed()
    far.set(ahead=0)
    received(server.post(order_body(2, 1), "two"))
    server.wait_processed()
    assert outcomes(server) == ["done", "done"]
    assert len(far.calls("InvalidSignatureException")) == 2


def test_a_clock_that_no_date_helps(aws, sqs):
    """It refuses the time that it gives itself."""
    refusal = {"code": "RequestExpired", "status": 403}
    far = sqs(next=[refusal] * 20)
    server = aws(far)
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log("SQS refuses the time of the signature: set this "
                    "machine's clock")
    far.set(next=[])
    server.wait_processed()
    assert len(far.messages()) == 1


# -- Credentials --

TEMPORARY = {"ASIAONE": ["one/secret", "one+token=="],
             "ASIATWO": ["two/secret", "two+token=="]}


def machine(far):
    return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": far.url + "/"}


def test_from_the_machine(aws, sqs):
    far = sqs(keys=TEMPORARY, role_key="ASIAONE")
    server = aws(far, env=machine(far))
    for n in range(3):
        received(server.post(order_body(n, 1), f"e{n}"))
    server.wait_processed()
    assert len(far.messages()) == 3
    roles = "/latest/meta-data/iam/security-credentials/"
    assert far.state()["metadata"] == [
        "PUT /latest/api/token", f"GET {roles}", f"GET {roles}shop-role"]


def test_expired_ones_are_fetched_once_and_sent_again(aws, sqs):
    far = sqs(keys=TEMPORARY, role_key="ASIAONE")
    server = aws(far, env=machine(far))
    received(server.post(order_body(1, 1), "one"))
    server.wait_processed()
    far.set(expired=["ASIAONE"], role_key="ASIATWO")
    received(server.post(order_body(2, 1), "two"))
    server.wait_processed()
    assert outcomes(server) == ["done", "done"]
    assert len(far.calls("ExpiredTokenException")) == 1
    assert len(far.state()["metadata"]) == 6


@pytest.mark.parametrize("how", ["token", "file"])
def test_from_the_container(aws, sqs, tmp_path, how):
    far = sqs(keys=TEMPORARY, role_key="ASIATWO")
    path = tmp_path / "token"
    path.write_text("container-token\n")
    server = aws(far, env={
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": far.url + "/container",
        **({"AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token"}
           if how == "token" else
           {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(path)})})
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert far.state()["metadata"] == ["GET /container"]


def test_a_container_far_away_is_not_asked_by_http(aws, sqs):
    far = sqs()
    server = aws(far, env={
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/x",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token"})
    received(server.post(SMALL, "one"))
    assert wait_paused(server).startswith(
        "no AWS credentials: the container's metadata service: its URL is "
        "neither https nor this machine's")


def test_from_the_shared_files(aws, sqs, tmp_path):
    far = sqs(keys=TEMPORARY, region="ap-southeast-1")
    folder = tmp_path / "home" / ".aws"
    folder.mkdir(parents=True)
    (folder / "credentials").write_text(
        "[default]\naws_access_key_id = NOT\naws_secret_access_key = IT\n"
        "[shop]\naws_access_key_id = ASIAONE\n"
        "aws_secret_access_key = one/secret\n"
        "aws_session_token = one+token==\n")
    (folder / "config").write_text("[profile shop]\nregion = ap-southeast-1\n")
    server = aws(far, "profile = shop\n; no region\n")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert len(far.messages()) == 1


def test_a_file_that_was_renewed_is_read_again(aws, sqs, tmp_path):
    """By somebody else, while klikitd runs; and not for each call."""
    far = sqs(keys=TEMPORARY)
    path = tmp_path / "aws"

    def write(name):
        secret, token = TEMPORARY[name]
        path.write_text(f"[default]\naws_access_key_id={name}\n"
                        f"aws_secret_access_key={secret}\n"
                        f"aws_session_token={token}\n")

    write("ASIAONE")
    server = aws(far, f"credentials_file = {path}\n")
    received(server.post(order_body(1, 1), "one"))
    server.wait_processed()
    path.unlink()
    received(server.post(order_body(2, 1), "two"))
    server.wait_processed()
    far.set(expired=["ASIAONE"])
    write("ASIATWO")
    received(server.post(order_body(3, 1), "three"))
    server.wait_processed()
    assert outcomes(server) == ["done"] * 3


@pytest.mark.parametrize("behaviour, said", [
    ({"role": ""}, "the machine has no role: give it one"),
    ({"metadata": "nonsense"}, "makes no sense|answered are none|no role"),
    ({"metadata": "x" * 100_000}, "makes no sense"),
], ids=["no-role", "nonsense", "huge"])
def test_a_machine_without_credentials(aws, sqs, behaviour, said):
    far = sqs(**behaviour)
    server = aws(far, env=machine(far))
    server.expect("retry in", "paused", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log(r"no AWS credentials: none in the environment or the "
                    rf"profile default \(set credentials_file\), and .*"
                    rf"({said})")
    assert far.messages() == []


def test_no_metadata_service(aws, sqs):
    """As on a machine of one's own: it heals by itself if one comes up."""
    far = sqs()
    server = aws(far, env={"AWS_EC2_METADATA_SERVICE_ENDPOINT":
                           "http://127.0.0.1:1"})
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log("the machine's metadata service: connection refused")
    assert far.calls() == []


# -- TLS --


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    made = Authority(tmp_path_factory.mktemp("sqs-certificates"))
    made.good = made.make("good")
    made.other = made.make("other", sans="DNS:other.example")
    return made


def test_by_tls(aws, sqs, authority):
    far = sqs(cert=authority.good)
    server = aws(far, f"ca_file = {authority.root.path}\n")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert len(far.messages()) == 1


def test_by_tls_with_a_wrong_name(aws, sqs, authority):
    far = sqs(cert=authority.other)
    server = aws(far, f"ca_file = {authority.root.path}\n")
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log("no TLS with 127.0.0.1:.*name")
    assert far.calls() == []


# -- A far side that lies --


@pytest.mark.parametrize("way", ["garbage", "html", "endless", "huge", "cut",
                                 "close"])
def test_hostile_answers(aws, sqs, way):
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


def test_silence_is_the_time_limit(aws, sqs):
    far = sqs(next=["hang"])
    server = aws(far, "timeout = 1s\n")
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    found = outcomes(server)
    assert (found[0], found[-1]) == ("unknown: no answer within 1s", "done")


def test_memory_is_bounded(aws, sqs):
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


def test_what_waits_too_long_is_said(aws, sqs):
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


# -- Its life --


def test_it_is_stopped_in_the_middle(aws, sqs):
    """At once by the second TERM; the next start sends it again."""
    far = sqs(queue="orders.fifo")
    server = aws(far)
    server.expect("retry in", "is cut off", "unclean stop", "second signal")
    far.set(hold=True)
    for n in range(8):
        received(server.post(order_body(n, 1), f"e{n}"))
    wait_for(lambda: far.state()["held"] == 4, "calls")
    os.kill(server.pid, signal.SIGTERM)
    server.wait_log("stopping: finishing what is under way")
    server.stop(expect=None)
    far.set(hold=False)
    server.start()
    server.wait_processed()
    assert {far.attribute(m, "klikit-event-id") for m in far.messages()} == {
        f"e{n}" for n in range(8)}


def test_a_reload_takes_new_settings(aws, sqs):
    """What is under way ends where it went; the rest goes elsewhere."""
    far, other = sqs(), sqs()
    server = aws(far)
    far.set(hold=True)
    received(server.post(order_body(1, 1), "one"))
    wait_for(lambda: far.state()["held"] == 1, "call")
    server.write_config(server.config.read_text().replace(
        far.queue_url, other.queue_url))
    server.reload()
    received(server.post(order_body(2, 1), "two"))
    wait_for(other.messages, "message")
    far.set(hold=False)
    server.wait_processed()
    assert [[f.attribute(m, "klikit-event-id") for m in f.messages()]
            for f in (far, other)] == [["one"], ["two"]]


# -- Secrets --


def test_secrets_are_nowhere(aws, sqs, tmp_path):
    far = sqs(keys=TEMPORARY, expired=["ASIAONE"])
    server = aws(far, env={
        **NOTHING, "AWS_ACCESS_KEY_ID": "ASIAONE",
        "AWS_SECRET_ACCESS_KEY": "one/secret",
        "AWS_SESSION_TOKEN": "one+token=="})
    received(server.post(SMALL, "one"))
    wait_paused(server)
    shown = server.do("jobs", "1") + server.do("jobs", "1", "--json")
    log = server.final_log()
    stored = b"".join(path.read_bytes() for path in
                      server.directory.iterdir() if path.is_file() and
                      path.stat().st_size < 4 << 20)
    for secret in "one/secret", "one+token":
        assert secret not in shown + log
        assert secret.encode() not in stored


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
def test_doctor_looks_at_the_queue(sqs, tmp_path, queue, behaviour, env, good,
                                   said):
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


# -- Nothing is lost --


class Queue(Target):
    expected = ["no AWS credentials"]

    def __init__(self, far):
        self.far = far
        self.port = far.port

    def section(self, port):
        return ("[handler out]\ntype = sqs\nevents = *\n"
                f"queue_url = http://127.0.0.1:{port}/123456789012/"
                f"{self.far.queue}\nregion = eu-west-1\n"
                "timeout = 5s\nretry = 50ms, 100ms, 200ms\n")

    def start(self):
        self.far.start()

    def kill(self):
        self.far.kill()

    def fill(self):
        self.far.set(full=True)

    def empty(self):
        self.far.set(full=False)

    def arrivals(self):
        return [Arrival(self.far.attribute(m, "klikit-event-id"),
                        self.far.attribute(m, "idempotency-key"),
                        self.far.body(m))
                for m in self.far.messages(repeats=True)]


@pytest.mark.parametrize("queue", ["orders.fifo", "orders"])
@pytest.mark.parametrize("plan", PLANS)
def test_nothing_is_lost(klikitd, rng, relay, sqs, plan, queue,  # noqa: F811
                         monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    far = sqs(queue=queue, fail_every=17)
    stand(klikitd, rng, relay, plan, Queue(far))
    if queue.endswith(".fifo"):  # what was repeated soon was one message
        ids = [far.attribute(m, "klikit-event-id") for m in far.messages()]
        assert len(ids) == len(set(ids))
