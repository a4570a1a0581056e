"""The type sqs: its clock, its credentials, TLS; secrets are nowhere."""

import pytest

from certificates import Authority
from conftest import received
from load import order_body
from sqs_case import NOTHING, SMALL, outcomes, wait_paused
from sqs_case import aws, sqs  # noqa: F401 (fixtures)

pytestmark = pytest.mark.once


# -- The clock --


@pytest.mark.parametrize("ahead", [3600, -3600])
def test_a_clock_an_hour_off(aws, sqs, ahead):  # noqa: F811
    far = sqs(ahead=ahead)
    server = aws(far)
    for n in range(3):
        received(server.post(order_body(n, 1), f"e{n}"))
        server.wait_processed()
    assert len(far.messages()) == 3
    # Refused once, by the first call alone; no attempt knows of it.
    assert len(far.calls("InvalidSignatureException")) == 1
    assert outcomes(server) == ["done"] * 3


def test_a_clock_that_changes_meanwhile(aws, sqs):  # noqa: F811
    far = sqs(ahead=3600)
    server = aws(far)
    received(server.post(order_body(1, 1), "one"))
    server.wait_processed()
    far.set(ahead=0)
    received(server.post(order_body(2, 1), "two"))
    server.wait_processed()
    assert outcomes(server) == ["done", "done"]
    assert len(far.calls("InvalidSignatureException")) == 2


def test_a_clock_that_no_date_helps(aws, sqs):  # noqa: F811
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


def test_from_the_machine(aws, sqs):  # noqa: F811
    far = sqs(keys=TEMPORARY, role_key="ASIAONE")
    server = aws(far, env=machine(far))
    for n in range(3):
        received(server.post(order_body(n, 1), f"e{n}"))
    server.wait_processed()
    assert len(far.messages()) == 3
    roles = "/latest/meta-data/iam/security-credentials/"
    assert far.state()["metadata"] == [
        "PUT /latest/api/token", f"GET {roles}", f"GET {roles}shop-role"]


def test_expired_ones_are_fetched_once_and_sent_again(aws, sqs):  # noqa: F811
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
def test_from_the_container(aws, sqs, tmp_path, how):  # noqa: F811
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


def test_a_container_far_away_is_not_asked_by_http(aws, sqs):  # noqa: F811
    far = sqs()
    server = aws(far, env={
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://192.0.2.1/x",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": "container-token"})
    received(server.post(SMALL, "one"))
    assert wait_paused(server).startswith(
        "no AWS credentials: the container's metadata service: its URL is "
        "neither https nor this machine's")


def test_from_the_shared_files(aws, sqs, tmp_path):  # noqa: F811
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


def test_a_file_that_was_renewed_is_read_again(aws, sqs,  # noqa: F811
                                               tmp_path):
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
def test_a_machine_without_credentials(aws, sqs, behaviour,  # noqa: F811
                                       said):
    far = sqs(**behaviour)
    server = aws(far, env=machine(far))
    server.expect("retry in", "paused", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log(r"no AWS credentials: none in the environment or the "
                    rf"profile default \(set credentials_file\), and .*"
                    rf"({said})")
    assert far.messages() == []


def test_no_metadata_service(aws, sqs):  # noqa: F811
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


def test_by_tls(aws, sqs, authority):  # noqa: F811
    far = sqs(cert=authority.good)
    server = aws(far, f"ca_file = {authority.root.path}\n")
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert len(far.messages()) == 1


def test_by_tls_with_a_wrong_name(aws, sqs, authority):  # noqa: F811
    far = sqs(cert=authority.other)
    server = aws(far, f"ca_file = {authority.root.path}\n")
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    server.wait_log("no TLS with 127.0.0.1:.*name")
    assert far.calls() == []


# -- Secrets --


def test_secrets_are_nowhere(aws, sqs, tmp_path):  # noqa: F811
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
