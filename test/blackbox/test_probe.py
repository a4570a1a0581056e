"""klikitd doctor --probe and [probe]: does a delivery through the public URL
arrive here? Each way in which it may not is said in words."""

import http.server
import json
import socket
import threading

import pytest

from certificates import Authority
from conftest import CREATED, payload, received, run, sign
from relay import Relay
from test_certificates import hup

pytestmark = [pytest.mark.once, pytest.mark.both]

BODY = payload("created-small.json")
PATH = "/webhooks/klikit"
PROBE = "klikitd.probe"


class Front(http.server.BaseHTTPRequestHandler):
    """Something else that answers at the public URL."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((dict(self.headers), body))
        status, headers, text = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


@pytest.fixture
def front():
    """A web server that answers every POST the same way."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    server.seen = []
    server.answer = (200, {}, b"ok")
    server.url = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def probe(server, url):
    """What the admin API says of a probe through that URL."""
    status, _, said = server.ask("POST", "/api/v1/probe", {"url": url})
    assert status == 200, said
    return said


def nothing_stored(server):
    assert server.query("SELECT count(*) FROM events") == [(0,)]
    assert server.query("SELECT count(*) FROM jobs") == [(0,)]


def test_it_arrives_and_is_stored_nowhere(klikitd, tmp_path):
    server = klikitd(config="[handler all]\ntype = exec\nevents = *\n"
                     f"command = /bin/sh -c 'echo >> {tmp_path}/called'\n")
    before = server.metrics()["klikitd_deliveries_total{result=\"received\"}"]
    said = probe(server, server.url + PATH)
    assert said["arrived"] is True and said["code"] == "arrived", said
    assert "127.0.0.1" in said["text"] and " ms" in said["text"]
    assert said["advice"] is None
    nothing_stored(server)
    received(server.deliver(BODY))
    server.wait_processed()
    assert len((tmp_path / "called").read_text().splitlines()) == 1
    assert server.metrics()[
        "klikitd_deliveries_total{result=\"received\"}"] == before + 1


def test_doctor_says_it(klikitd):
    server = klikitd()
    env = {"KLIKIT_WEBHOOK_SECRET": server.secret.decode()}

    if server.store:  # where a verb finds it is told to the others later
        server.wait_query("SELECT count(*) FROM reports", [(1,)])

    def doctor(url):
        done = run("doctor", "--no-network", "--json", "--probe", url,
                   "-c", server.config, env=env, cwd=server.directory)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        one, = (f for f in found if f["check"] == "probe")
        return one, done

    one, _ = doctor(server.url + PATH)
    assert one["level"] == "ok" and "arrived" in one["text"], one
    one, done = doctor(server.url + "/elsewhere")
    assert one["level"] == "failure" and "404" in one["text"], one
    assert done.returncode == 1
    server.stop()
    one, _ = doctor("http://127.0.0.1:1" + PATH)
    assert one["level"] == "failure" and "has to run" in one["advice"], one


def test_a_relay_in_between_shows_no_difference_until_it_is_cut(klikitd):
    server = klikitd()
    relay = Relay(server.port)
    url = f"http://127.0.0.1:{relay.port}{PATH}"
    try:
        assert probe(server, url)["code"] == "arrived"
        relay.cut_after(9, up=False)  # in the middle of the answer
        assert probe(server, url)["code"] == "no_answer"
        relay.refuse()
        said = probe(server, url)
        assert said["code"] == "unreached", said
    finally:
        relay.close()
    nothing_stored(server)


def test_nobody_there(klikitd):
    server = klikitd()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    said = probe(server, f"http://127.0.0.1:{port}{PATH}")
    assert said["code"] == "unreached" and "refused" in said["text"], said
    said = probe(server, f"http://no-such-name.invalid{PATH}")
    assert said["code"] == "unreached", said
    assert "no-such-name.invalid" in said["text"], said


@pytest.mark.parametrize("answer, code", [
    ((200, {}, b"<!doctype html><h1>Please sign in</h1>"), "page"),
    ((200, {}, b'{"status":"received"}'), "stranger"),
    ((200, {}, b'{"status":"probe"}'), "elsewhere"),
    ((302, {"location": "http://portal.invalid/"}, b""), "redirected"),
    ((404, {}, b""), "path"),
    ((405, {}, b""), "path"),
    ((502, {}, b""), "proxy"),
    ((401, {}, b'{"error":"invalid signature"}'), "unsigned"),
])
def test_somebody_else_answers(klikitd, front, answer, code):
    server = klikitd()
    front.answer = answer
    said = probe(server, front.url)
    assert (said["arrived"], said["code"]) == (False, code), said
    assert said["advice"] and str(answer[0]) in said["text"]


def test_another_klikitd_with_another_secret(klikitd):
    server = klikitd()
    other = klikitd(secret=b"another-secret-altogether")
    other.expect("signature")
    said = probe(server, other.url + PATH)
    assert said["code"] == "unsigned", said


def test_another_klikitd_with_the_same_secret(klikitd):
    server = klikitd()
    other = klikitd()
    said = probe(server, other.url + PATH)
    assert said["code"] == "elsewhere", said
    nothing_stored(other)


class Changing(http.server.BaseHTTPRequestHandler):
    """A proxy that writes the body anew."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        status, _, text = self.server.inner.post(
            body.replace(b":", b": "), self.headers["x-klikit-event-id"],
            type=self.headers["x-klikit-event-type"],
            signature=self.headers["x-klikit-signature"])
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args):
        pass


def test_a_proxy_that_changes_the_body(klikitd):
    server = klikitd()
    server.expect("signature")
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Changing)
    proxy.inner = server
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    try:
        said = probe(server,
                     f"http://127.0.0.1:{proxy.server_address[1]}{PATH}")
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()
    assert said["code"] == "changed", said


@pytest.mark.parametrize("sans, word", [
    ("DNS:other.example", "name"), (None, "trust")])
def test_tls_that_klikit_would_refuse(klikitd, tmp_path, sans, word):
    ca = Authority(tmp_path / "ca")
    cert = ca.make("leaf", sans=sans or "DNS:localhost")
    home = tmp_path / "box"
    home.mkdir()
    server = klikitd(directory=home, config=f"""[tls]
certificate = {cert.path}
key = {cert.key}
[probe]
ca_file = {ca.root.path if sans else '/etc/ssl/certs/ca-certificates.crt'}
""")
    server.expect("certificate", "tls")
    said = probe(server, f"https://localhost:{server.port}{PATH}")
    assert said["code"] == "unreached", said
    assert "TLS" in said["text"] or "certificate" in said["text"], said


def test_tls_that_fits(klikitd, tmp_path):
    ca = Authority(tmp_path / "ca")
    cert = ca.make("leaf", sans="DNS:localhost")
    home = tmp_path / "box"
    home.mkdir()
    server = klikitd(directory=home, config=f"[tls]\ncertificate = {cert.path}"
                     f"\nkey = {cert.key}\n[probe]\nca_file = "
                     f"{ca.root.path}\n")
    server.expect("certificate")
    said = probe(server, f"https://localhost:{server.port}{PATH}")
    assert said["code"] == "arrived", said


def test_a_certificate_that_has_expired(klikitd, tmp_path):
    """That is what klikit sees, too, and it is said with its date; until
    another is in its place."""
    ca = Authority(tmp_path / "ca")
    cert = ca.make("leaf", sans="DNS:localhost", start="20200101000000Z",
                   end="20210101000000Z")
    home = tmp_path / "box"
    home.mkdir()
    server = klikitd(directory=home, config=f"[tls]\ncertificate = {cert.path}"
                     f"\nkey = {cert.key}\n[probe]\nca_file = "
                     f"{ca.root.path}\n")
    server.expect("certificate", "tls")
    url = f"https://localhost:{server.port}{PATH}"
    said = probe(server, url)
    assert said["code"] == "unreached" and not said["arrived"], said
    assert "has expired (CN=leaf until 2021-01-01" in said["text"], said
    assert "certificate is valid" in said["advice"], said
    good = ca.make("good", sans="DNS:localhost")
    cert.path.write_text(good.text)
    cert.key.write_text(good.key.read_text())
    hup(server, "reload: done")
    assert probe(server, url)["code"] == "arrived"
    nothing_stored(server)


# -- What a stranger can do with it --


def captured(server, front):
    """The headers and the body of a probe, as somebody on the way has them."""
    probe(server, front.url)
    headers, body = front.seen[-1]
    return {k.lower(): v for k, v in headers.items()}, body


def test_a_captured_probe_is_no_event_under_any_name(klikitd, front):
    server = klikitd(config="[handler all]\ntype = exec\nevents = *\n"
                     "command = /bin/false\n")
    headers, body = captured(server, front)
    for type in PROBE, CREATED, "klikit.any":
        for event_id in "again", headers["x-klikit-event-id"]:
            status, _, said = server.post(
                body, event_id, type=type,
                signature=headers["x-klikit-signature"])
            assert (status, json.loads(said)) == (200, {"status": "probe"})
    nothing_stored(server)


def test_the_type_alone_opens_nothing(server):
    server.expect("signature", "headers_invalid")
    assert server.post(BODY, type=PROBE, signature="0" * 64)[0] == 401
    status, _, said = server.post(BODY, type=PROBE)  # authentic, but no probe
    assert (status, json.loads(said)) == (
        400, {"error": "invalid klikit headers"})
    assert server.post(BODY, "klikitd.probe")[0] == 400
    nothing_stored(server)


def test_a_probe_that_is_not_ours_is_only_answered(server):
    server.expect("headers_invalid")
    body = b'{"klikitd.probe":"%s"}' % (b"0" * 32)
    assert json.loads(server.post(body, type=PROBE)[2]) == {"status": "probe"}
    other = body.replace(b"0" * 32, b"x" * 32)
    assert server.post(other, type=PROBE, signature=sign(other))[0] == 400
    nothing_stored(server)


def test_the_path_says_which_secret_signs(klikitd, tmp_path):
    """Each endpoint is opened by its own secrets only."""
    own = tmp_path / "own"
    own.write_bytes(b"the-secret-of-the-bakery")
    own.chmod(0o600)
    server = klikitd(config=f"""[secret bakery]
file = {own}
[endpoint bakery]
path = /bakery
secrets = bakery
[endpoint usual]
path = {PATH}
secrets = default
""")
    for path in "/bakery", PATH, "/bakery?branch=7":
        said = probe(server, server.url + path)
        assert said["code"] == "arrived" or "?" in path, (path, said)
    nothing_stored(server)


def test_what_makes_no_sense_is_refused(server):
    for body, status in (({}, 400), ({"url": 7}, 400),
                         ({"url": "ftp://h/"}, 409),
                         ({"url": "http://h/" + "x" * 600}, 409)):
        assert server.ask("POST", "/api/v1/probe", body)[0] == status, body


def test_a_stop_ends_a_probe_that_hangs(klikitd):
    server = klikitd()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}{PATH}"
        said = []

        def ask():
            said.append(probe(server, url))

        asking = threading.Thread(target=ask)
        asking.start()
        connection, _ = silent.accept()
        server.stop()
        asking.join()
        connection.close()
    assert "stopped" in said[0]["text"], said


# -- By the timer --


def timed(url):
    return (f"[probe]\nurl = {url}\nevery = 1s\n[alert]\nremind = 0\n")


def test_by_the_timer_it_is_shown_and_calls_for_help(klikitd):
    server = klikitd()
    relay = Relay(server.port)
    url = f"http://127.0.0.1:{relay.port}{PATH}"
    try:
        server.write_config(f"[http]\nlisten = 127.0.0.1:{server.port}\n" +
                            timed(url))
        server.restart()
        server.wait_log("probe: .*: arrived")
        shown = server.ask("GET", "/api/v1/status")[2]["probe"]
        assert shown["arrived"] is True and shown["url"] == url
        numbers = server.metrics()
        assert numbers["klikitd_probe_success"] == 1
        assert numbers["klikitd_probe_last_success_timestamp_seconds"] > 0
        server.expect("probe: .*not reached", "alert: .*do not arrive")
        relay.refuse()
        server.wait_log("alert: .*do not arrive")
        assert server.metrics()["klikitd_probe_success"] == 0
        assert [a["kind"] for a in server.ask(
            "GET", "/api/v1/status")[2]["alerts"]] == ["probe"]
        relay.accept()
        server.wait_log("probe: .*: arrived", 2)
        server.expect("cleared|is over")
    finally:
        relay.close()
    nothing_stored(server)


def test_one_key_alone_is_told(klikitd):
    server = klikitd(config="[probe]\nevery = 5m\n")
    server.expect("probe.every: nothing is probed without probe.url")
    assert "probe" not in server.ask("GET", "/api/v1/status")[2]
