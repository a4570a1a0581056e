"""The verbs that need no server: help, checks, signatures, lists, trigger."""

import http.server
import json
import os
import pathlib
import re
import subprocess
import threading

import pytest

from conftest import own_listeners

pytestmark = pytest.mark.once

ROOT = pathlib.Path(__file__).resolve().parents[2]
KLIKITD = os.environ.get("KLIKITD", str(ROOT / "build" / "klikitd"))
PAYLOADS = ROOT / "test" / "payloads"
KEY = "klikit-test-secret"


@pytest.fixture
def cli(tmp_path):
    """Run klikitd in a directory and an environment of its own."""

    def run(*args, env=None, stdin=b"", secret=KEY):
        clean = {k: v for k, v in os.environ.items()
                 if not k.startswith("KLIKIT")
                 and k not in ("PORT", "STATE_DIRECTORY")}
        clean.update(own_listeners(args, tmp_path), KLIKITD_CONFIG="")
        if secret is not None:
            clean["KLIKIT_WEBHOOK_SECRET"] = secret
        clean.update(env or {})
        done = subprocess.run([KLIKITD, *map(str, args)], cwd=tmp_path,
                              env=clean, input=stdin, capture_output=True,
                              timeout=60)
        assert b"Sanitizer" not in done.stderr, done.stderr.decode()
        return Result(done)

    return run


class Result:
    def __init__(self, done):
        self.rc = done.returncode
        self.bytes = done.stdout
        self.err = done.stderr.decode()

    @property
    def out(self):
        return self.bytes.decode()


# -- Help and usage --


def verbs(cli):
    return re.findall(r"^  ([a-z-]+) ", cli("help").out, re.M)


def test_help_tells_every_verb(cli):
    listed = verbs(cli)
    assert {"trigger", "events", "orders", "sign", "verify", "check-config",
            "version", "help"} <= set(listed)
    for verb in listed:
        by_flag, by_verb = cli(verb, "--help"), cli("help", verb)
        assert by_flag.rc == by_verb.rc == 0
        assert by_flag.out == by_verb.out
        assert by_flag.out.startswith(f"usage: klikitd {verb} ")


def test_help_fits_eighty_columns(cli):
    for verb in verbs(cli):
        for line in cli("help", verb).out.splitlines():
            assert len(line) <= 80, line


def test_without_a_verb_the_usage_goes_to_stderr(cli):
    done = cli()
    assert done.rc == 2
    assert done.out == ""
    assert done.err.startswith("usage: klikitd VERB")


@pytest.mark.parametrize("args, reason", [
    (["evnts"], "evnts: unknown verb; did you mean events?"),
    (["zzzzzzz"], "zzzzzzz: unknown verb"),
    (["help", "evnts"], "evnts: unknown verb; did you mean events?"),
    (["events", "--limt", "3"],
     "--limt: unknown flag; did you mean --limit?"),
    (["sign", "--http.lisen=x", "f"],
     "--http.lisen: unknown flag; did you mean --http.listen?"),
    (["version", "-c", "f"], "-c: unknown flag"),
    (["events", "--limit"], "--limit: needs a value: N"),
    (["events", "--limit", "0"],
     '--limit: "0" is not a number from 1 to 1000000'),
    (["events", "--json=yes"], "--json: takes no value"),
    (["events", "--json", "--json"], "--json: given twice"),
    (["events", "--since", "monday"], '--since: "monday" is not a time'),
    (["events", "a", "b"], '"b": one word too many'),
    (["events", "a", "--type", "t"], "--type: only for the list"),
    (["events", "--body"], "--body: needs [EVENT-ID]"),
    (["events", "a", "--body", "--json"], "--body: excludes --json"),
    (["orders", "--document"], "--document: needs [ORDER-ID]"),
    (["sign"], "needs FILE"),
    (["verify", "f"], "needs --signature HEX"),
    (["trigger"], "needs created|status|cart|FILE"),
    (["trigger", "f", "--override", "a=1"],
     "--override: a file is sent byte for byte"),
    (["trigger", "created", "--override", "nonsense"],
     '--override: "nonsense" is not PATH=VALUE'),
    (["trigger", "created", "--type", "t"], "--type: only for a FILE"),
    (["trigger", "created", "--event-id", "e", "--count", "2"],
     "--event-id: excludes --count"),
    (["trigger", "created", "--duplicate", "--bad-signature"],
     "--duplicate: excludes --bad-signature"),
    (["trigger", "created", "--print", "--to", "http://x"],
     "--print: excludes --to and --duplicate"),
])
def test_usage_errors_name_the_flag(cli, args, reason):
    done = cli(*args)
    assert done.rc == 2
    assert done.out == ""
    assert reason in done.err.splitlines()[0]
    assert "Try: klikitd" in done.err


def test_version_tells_the_libraries(cli):
    done = cli("--version")
    assert done.rc == 0
    assert re.match(r"klikitd \d+\.\d+\.\d+\n", done.out)
    known = json.loads(cli("version", "--json").out)
    assert list(known) == ["klikitd", "libevent", "mbedtls", "jansson",
                           "sqlite", "libpq"]
    assert all(value for name, value in known.items() if name != "libpq")
    assert f"\nlibpq {known['libpq'] or 'none'}\n" in done.out


def test_a_closed_stdout_is_no_success(cli):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([KLIKITD, "help"], stdout=full)
    assert done.returncode == 1


# -- check-config --


def test_check_config_tells_each_error_with_its_line(cli, tmp_path):
    (tmp_path / "k.ini").write_text(
        "[htpp]\nlisten = x\n[http]\nlisten = 8080\nmax_bdy = 1m\n"
        "[klikit]\nsecret = hunter2\n[handler a]\ntype = orders\n"
        "retry = often\n")
    done = cli("check-config", "-c", "k.ini", secret=None)
    assert done.rc == 1
    assert done.out == ""
    assert "hunter2" not in done.err
    lines = done.err.splitlines()
    for line, start in zip(lines, [
            "k.ini:1: [htpp]: unknown section; did you mean [http]?",
            'k.ini:4: http.listen: "8080" is not HOST:PORT',
            "k.ini:5: http.max_bdy: unknown key; did you mean http.max_body?",
            "k.ini:7: klikit.secret: a secret does not stand in this file",
            'k.ini:10: handler.retry: "often" is not a duration',
            "no webhook secret: set KLIKIT_WEBHOOK_SECRET or"]):
        assert line.startswith(start)
    assert len(lines) == 6


def test_check_config_tells_what_is_in_force(cli, tmp_path):
    secret = tmp_path / "old"
    secret.write_text("hunter2\n")
    secret.chmod(0o644)
    (tmp_path / "k.ini").write_text(
        "[http]\nlisten = 127.0.0.1:1, [::1]:2\n[secret old]\nfile = old\n"
        "valid_until = 2020-01-01T00:00:00Z\n"
        "[handler a]\ntype = orders\nevents = x, y\nbranches = 7\n")
    done = cli("check-config", "-c", "k.ini", env={"PORT": "9000"})
    assert done.rc == 0
    assert KEY not in done.out + done.err
    assert "hunter2" not in done.out + done.err
    assert "listen      127.0.0.1:9000, [::1]:9000\n" in done.out
    assert f"store       sqlite:{tmp_path}/klikitd.db\n" in done.out
    assert re.search(r"^secret      default: from KLIKIT_WEBHOOK_SECRET, "
                     r"18 bytes, fingerprint [0-9a-f]{8}$", done.out, re.M)
    assert re.search(rf"^secret      old: from {secret}, 7 bytes, "
                     r"fingerprint [0-9a-f]{8}, valid until "
                     r"2020-01-01T00:00:00.000Z$", done.out, re.M)
    assert "handler     a: orders, events x, y, branches 7\n" in done.out
    assert "warning: secret old: has expired" in done.err
    assert "warning: secret old: the newline at the end" in done.err
    assert "warning: secret old: others can read" in done.err


def test_check_config_has_no_warnings_without_reason(cli, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    done = cli("check-config", "--klikit.secret_file=secret", secret=None)
    assert done.rc == 0
    assert done.err == ""


def test_the_example_is_a_configuration(cli, tmp_path):
    example = cli("check-config", "--print-example").bytes
    assert example == (ROOT / "config.example.ini").read_bytes()
    (tmp_path / "k.ini").write_bytes(example)
    assert cli("check-config", "-c", "k.ini",
               env=own_listeners(["check-config"])).rc == 0


# -- Signatures --


def openssl(path):
    done = subprocess.run(["openssl", "dgst", "-sha256", "-hmac", KEY,
                           str(path)], capture_output=True, check=True)
    return done.stdout.decode().split()[-1]


@pytest.mark.parametrize("name", sorted(
    p.name for p in PAYLOADS.glob("*.json")))
def test_sign_and_verify_agree_with_openssl(cli, name):
    path = PAYLOADS / name
    digits = openssl(path)
    assert cli("sign", path).out == digits + "\n"
    done = cli("verify", "--signature", digits, path)
    assert (done.rc, done.out) == (0, "valid: under secret default\n")


def test_sign_reads_stdin_and_prints_a_header(cli, tmp_path):
    (tmp_path / "b").write_bytes(b"{}")
    digits = openssl(tmp_path / "b")
    assert cli("sign", "--header", "-", stdin=b"{}").out == (
        f"x-klikit-signature: {digits}\n")


def test_sign_takes_a_named_secret(cli, tmp_path):
    (tmp_path / "old").write_text(KEY)
    (tmp_path / "k.ini").write_text("[secret old]\nfile = old\n")
    path = PAYLOADS / "created-small.json"
    done = cli("sign", "-c", "k.ini", "--secret-name", "old", path,
               secret="another")
    assert done.out == openssl(path) + "\n"
    assert cli("sign", "-c", "k.ini", path, secret="another").out != done.out
    done = cli("sign", "--secret-name", "none", path)
    assert done.rc == 1
    assert '--secret-name: no secret "none"' in done.err


def test_verify_says_why_not(cli, tmp_path):
    path = PAYLOADS / "created-small.json"
    digits = openssl(path)
    body = path.read_bytes()

    def verify(signature, text, *args, **more):
        done = cli("verify", "--signature", signature, *args, "-",
                   stdin=text, **more)
        assert done.rc == 1
        assert done.out.startswith("not valid: ")
        return done.out

    assert "does not match" in verify("0" * 64, body)
    assert "ends in the middle of its JSON" in verify("0" * 64, body[:-1])
    assert "capital" in verify(digits.upper(), body)
    assert "older scheme" in verify("t=1,v1=" + digits, body)
    assert "a newline was added" in verify(digits, body + b"\n")
    (tmp_path / "old").write_text(KEY)
    (tmp_path / "k.ini").write_text(
        "[secret old]\nfile = old\nvalid_until = 2020-01-01T00:00:00Z\n")
    said = verify(digits, body, "-c", "k.ini", secret="another")
    assert re.search(r"secret old \(.*/old\) was valid until 2020", said)


def test_a_missing_file_is_told(cli):
    done = cli("sign", "nowhere")
    assert done.rc == 1
    assert done.err == "nowhere: cannot be read: No such file or directory\n"


# -- Lists --


@pytest.mark.parametrize("verb", ["events", "orders"])
def test_lists_name_a_missing_store(cli, tmp_path, verb):
    done = cli(verb, secret=None)
    assert done.rc == 1
    assert done.out == ""
    assert str(tmp_path / "klikitd.db") in done.err
    assert len(done.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def served(cli, tmp_path):
    """A server in the directory of cli, for as long as the test runs."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("KLIKIT")}
    server = subprocess.Popen(
        [KLIKITD, "serve", "--http.listen=127.0.0.1:0",
         "--admin.listen=127.0.0.1:0"], cwd=tmp_path,
        env={**env, "KLIKIT_WEBHOOK_SECRET": KEY, "KLIKITD_CONFIG": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL)
    line = server.stdout.readline().decode()
    assert line.startswith("listening: ")
    yield line.split()[1]
    server.terminate()
    server.stdout.close()
    assert server.wait(60) == 0


def rows(done):
    assert done.rc == 0, done.err
    return [json.loads(line) for line in done.out.splitlines()]


def test_lists_page_through_everything(cli, served):
    done = cli("trigger", "created", "--count", "507", "--to", served)
    assert done.rc == 0, done.err
    sent = [line.split()[3] for line in done.out.splitlines()]
    # Its five orders straddle what would be the end of the first page.
    batch = PAYLOADS / "created-batch-5.json"
    assert cli("trigger", batch, "--to", served).rc == 0
    assert cli("trigger", "created", "--count", "497", "--to", served).rc == 0

    events = rows(cli("events", "--json", "--limit", "9999"))
    assert len(events) == 507 + 1 + 497
    assert [e["event_id"] for e in reversed(events)][:507] == sent
    assert len(rows(cli("events", "--json"))) == 50
    assert len(rows(cli("events", "--json", "--limit", "501"))) == 501

    orders = rows(cli("orders", "--json", "--limit", "9999"))
    assert len(orders) == len({o["order_id"] for o in orders}) == 1009
    assert len(rows(cli("orders", "--json", "--limit", "499"))) == 499


def test_lists_choose_rows(cli, served):
    for name in "created-batch-5.json", "created-small.json":
        assert cli("trigger", PAYLOADS / name, "--to", served).rc == 0
    assert cli("trigger", "status", "--override", "brand_id=5", "--override",
               "branch_id=6", "--override", "orders.0.id=9100001", "--to",
               served).rc == 0

    def count(*flags):
        return len(rows(cli("events", "--json", *flags)))

    assert count() == 3
    assert count("--type", "klikit.order.status.updated") == 1
    assert count("--order", "9100001") == 2
    assert count("--brand", "5") == count("--branch", "6") == 1
    assert count("--brand", "5", "--branch", "2041") == 0
    assert count("--since", "2100-01-01T00:00:00Z") == 0
    assert count("--until", "2100-01-01T00:00:00Z") == 3
    assert len(rows(cli("orders", "--json", "--order", "9100001"))) == 1


def test_an_event_is_shown_with_its_bytes(cli, served):
    path = PAYLOADS / "roundtrip-traps.json"
    assert cli("trigger", path, "--event-id", "evt-7", "--duplicate", "--to",
               served).rc == 0
    assert cli("events", "evt-7", "--body").bytes == path.read_bytes()
    shown = cli("events", "evt-7").out
    assert re.search("^duplicates +1$", shown, re.M)
    assert re.search("^last_duplicate_at +20", shown, re.M)
    assert "9007199254740993" in shown
    event, = rows(cli("events", "evt-7", "--json"))
    assert [o["order_id"] for o in event["orders"]] == ["9007199254740993"]
    assert event["jobs"][0]["handler"] == "orders"
    done = cli("events", "evt-8")
    assert done.rc == 1
    assert "there is no event evt-8" in done.err

    # Also a list of bytes over lines stays one JSON object on one line.
    order, = rows(cli("orders", "9007199254740993", "--json"))
    assert order["document"]["external_id"] == "RT/0001"
    assert '"final_price":84.50' in cli("orders", "9007199254740993",
                                        "--document").out
    assert cli("orders", "1").rc == 1


# -- trigger --


class Receiver(http.server.BaseHTTPRequestHandler):
    """Keeps what came, and answers what the test wants."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        server = self.server
        server.got.append((self.path, self.headers, body,
                           self.client_address))
        status, answer = server.answers[
            min(len(server.got), len(server.answers)) - 1]
        self.send_response(status)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


RECEIVED = (200, b'{"status":"received"}')
IGNORED = (200, b'{"status":"duplicate-ignored"}')
REFUSED = (401, b'{"error":"invalid signature"}')


@pytest.fixture
def receiver():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.got = []
    server.answers = [RECEIVED]
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def signed(cli, headers, body):
    return cli("verify", "--signature", headers["x-klikit-signature"], "-",
               stdin=body).rc == 0


def test_trigger_prints_without_sending(cli):
    done = cli("trigger", "status", "--print", "--event-id", "evt-1",
               "--override", "orders.0.id=42", "--override", "brand_id=12")
    assert done.rc == 0
    head, body = done.bytes.split(b"\n\n", 1)
    headers = dict(line.split(": ") for line in head.decode().splitlines())
    assert headers["x-klikit-event-id"] == "evt-1"
    assert headers["x-klikit-event-type"] == "klikit.order.status.updated"
    assert signed(cli, headers, body[:-1])
    doc = json.loads(body)
    assert (doc["brand_id"], doc["orders"][0]["id"]) == (12, 42)


def test_trigger_refuses_a_path_that_does_not_fit(cli):
    done = cli("trigger", "created", "--print", "--override", "orders.9.id=1")
    assert done.rc == 1
    assert "--override orders.9.id=1: no such place in the body" in done.err


def test_trigger_sends_signed_deliveries_over_one_connection(cli, receiver):
    done = cli("trigger", "created", "--count", "3", "--to", receiver.url)
    assert done.rc == 0, done.err
    assert len(receiver.got) == len(done.out.splitlines()) == 3
    assert len({peer for _, _, _, peer in receiver.got}) == 1
    assert len({h["x-klikit-event-id"] for _, h, _, _ in receiver.got}) == 3
    orders = set()
    for path, headers, body, _ in receiver.got:
        assert path == "/webhooks/klikit"
        assert headers["content-type"] == "application/json"
        assert headers["x-klikit-event-type"] == "klikit.order.created.v2"
        assert signed(cli, headers, body)
        orders.add(json.loads(body)["orders"][0]["id"])
    assert len(orders) == 3


def test_trigger_finds_the_listener_of_the_configuration(cli, receiver):
    done = cli("trigger", "cart", env={"PORT": str(receiver.server_port)})
    assert done.rc == 0, done.err
    assert receiver.got[0][1]["host"] == f"127.0.0.1:{receiver.server_port}"


def test_trigger_sends_files_byte_for_byte(cli, receiver):
    path = PAYLOADS / "roundtrip-traps.json"
    done = cli("trigger", path, "--type", "my.type", "--to", receiver.url)
    assert done.rc == 0, done.err
    _, headers, body, _ = receiver.got[0]
    assert body == path.read_bytes()
    assert headers["x-klikit-signature"] == openssl(path)
    assert headers["x-klikit-event-type"] == "my.type"


def test_trigger_sends_duplicates(cli, receiver):
    receiver.answers = [RECEIVED, IGNORED]
    done = cli("trigger", "created", "--duplicate", "--to", receiver.url)
    assert done.rc == 0, done.err
    first, second = receiver.got
    assert first[2] == second[2]
    assert first[1]["x-klikit-event-id"] == second[1]["x-klikit-event-id"]
    receiver.got.clear()
    receiver.answers = [RECEIVED]
    done = cli("trigger", "created", "--duplicate", "--to", receiver.url)
    assert done.rc == 1
    assert "(unexpected)" in done.out


def test_trigger_expects_a_bad_signature_to_be_refused(cli, receiver):
    receiver.answers = [REFUSED]
    done = cli("trigger", "created", "--bad-signature", "--to", receiver.url)
    assert done.rc == 0, done.err
    _, headers, body, _ = receiver.got[0]
    assert not signed(cli, headers, body)
    receiver.answers = [RECEIVED]
    assert cli("trigger", "created", "--bad-signature", "--to",
               receiver.url).rc == 1


def test_trigger_fails_on_a_wrong_answer(cli, receiver):
    receiver.answers = [(503, b'{"error":"try again later"}')]
    done = cli("trigger", "created", "--to", receiver.url)
    assert done.rc == 1
    assert "1 unexpected answers" in done.err
    assert "503" in done.out


@pytest.mark.parametrize("url, reason", [
    ("ftp://127.0.0.1:1", "must begin with http:// or https://"),
    ("localhost", "must begin with http:// or https://"),
    ("http://u:p@127.0.0.1:1", "must not hold a user or password"),
])
def test_trigger_refuses_urls_it_cannot_use(cli, url, reason):
    done = cli("trigger", "created", "--to", url)
    assert done.rc == 1
    assert reason in done.err


def test_trigger_tells_when_nobody_listens(cli):
    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as server:
        port = server.server_port
    done = cli("trigger", "created", "--to", f"http://127.0.0.1:{port}")
    assert done.rc == 1
    assert done.err == (f"klikitd trigger: 127.0.0.1:{port}: cannot connect; "
                        "is klikitd listening there?\n")


def test_dev_tells_where_its_secret_would_be(cli, tmp_path):
    done = cli("trigger", "created", "--dev", secret=None)
    assert done.rc == 1
    assert done.err.startswith(f"{tmp_path}/.klikitd/secret: is not there")


# -- trigger --all --


def lines_of(done):
    """What --all said of each delivery: its name, right or wrong."""
    return {line[:34].strip(): line[34:].split()[0]
            for line in done.out.splitlines()}


def test_trigger_all_finds_klikitd_right(cli, served):
    done = cli("trigger", "--all", "--to", served)
    assert done.rc == 0, done.out
    assert len(done.out.splitlines()) == 10
    assert set(lines_of(done).values()) == {"right"}
    assert '401' in done.out and "duplicate-ignored" in done.out
    orders = rows(cli("orders", "--json"))
    assert len(orders) == 8  # but for the type that is not heard of
    types = {e["type"] for e in rows(cli("events", "--json"))}
    assert "klikit.order.unheard_of.v1" in types and len(types) == 4


def test_trigger_all_sends_what_it_says(cli, receiver):
    cli("trigger", "--all", "--to", receiver.url)
    assert len(receiver.got) == 10
    sent = [(h["x-klikit-event-type"], h["x-klikit-event-id"],
             h["x-klikit-signature"], body) for _, h, body, _ in receiver.got]
    assert sent[0] == sent[1]
    assert [len(json.loads(body)["orders"]) for *_, body in sent] == [
        1, 1, 1, 1, 5, 1, 1, 1, 1, 1]
    good = [signed(cli, h, body) for _, h, body, _ in receiver.got
            if h["x-klikit-signature"]]
    assert good == [True] * 6 + [False] + [True] * 2
    assert [s[2] is None for s in sent].index(True) == 7
    assert [s[1] is None for s in sent].index(True) == 8
    assert [s[0] is None for s in sent].index(True) == 9


def test_trigger_all_says_what_a_naive_receiver_does_wrong(cli, receiver):
    done = cli("trigger", "--all", "--to", receiver.url)
    assert done.rc == 1
    assert "5 of 10 answers are wrong" in done.err
    wrong = [name for name, word in lines_of(done).items() if word == "wrong"]
    assert wrong == ["the same again", "a wrong signature",
                     "without x-klikit-signature",
                     "without x-klikit-event-id",
                     "without x-klikit-event-type"]
    assert "(wanted: 401 or 403: anyone who knows the URL can send this)" in (
        done.out)


def test_trigger_all_takes_no_choice_beside_it(cli):
    for args in (["created"], ["--count", "2"], ["--print"],
                 ["--override", "a=1"], ["--type", "t"]):
        done = cli("trigger", "--all", *args)
        assert done.rc == 2, args
        assert "--all: excludes" in done.err
    done = cli("trigger")
    assert done.rc == 2
    assert "needs created|status|cart|FILE or --all" in done.err
