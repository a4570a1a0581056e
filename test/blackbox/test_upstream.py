"""[upstream NAME]: events are fetched from a hub. Here it is one of the tests'
own, which misbehaves: nothing is lost, nothing comes twice, and the orders keep
their order."""

import json
import ssl

import pytest

from certificates import Authority
from conftest import CREATED, own, payload, run, sign
from fake_hub import FakeHub
from relay import Relay

pytestmark = pytest.mark.once

BODY = payload("created-small.json")
TOKEN = "a-token-of-the-tests"
CUT = "upstream hub: cut"


@pytest.fixture
def hub():
    hub = FakeHub(TOKEN)
    yield hub
    hub.stop()


@pytest.fixture
def box(klikitd, tmp_path):
    """A klikitd that fetches from a URL."""
    (tmp_path / "token").write_text(TOKEN + "\n")

    def make(url, more="", config="", **options):
        server = klikitd(config=f"{config}\n{section(tmp_path, url, more)}",
                         **options)
        server.expect(CUT)
        return server

    return make


def section(tmp_path, url, more=""):
    return (f"[upstream hub]\nurl = {url}\n"
            f"token_file = {tmp_path}/token\n{more}\n")


def add(hub, number, lane=None, **options):
    event_id = f"hub-{number:03}"
    hub.add(own(BODY, event_id), event_id, lane, **options)
    return event_id


def stored(server):
    return server.query("SELECT event_id FROM events WHERE origin = 'hub' "
                        "ORDER BY id")


def upstream(server):
    """What the status says of the one there is."""
    _, _, status = server.ask("GET", "/api/v1/status")
    one, = status["upstreams"]
    return one


@pytest.mark.both
def test_events_are_fetched_stored_and_reported(box, hub, tmp_path):
    server = box(hub.url, config="[handler all]\ntype = exec\nevents = *\n"
                 "once_per_order = no\n"
                 f"command = /bin/sh -c 'cat >> {tmp_path}/called'\n")
    server.wait_log("upstream hub: connected to http://127.0.0.1:")
    ids = [add(hub, i) for i in range(5)]
    hub.wait_done()
    assert hub.outcomes("done") == 5
    assert stored(server) == [(i,) for i in ids]
    headers = dict(server.ask("GET", f"/api/v1/events/{ids[0]}")[2]["headers"])
    assert headers["Content-Type"] == "application/json"
    assert headers["x-klikit-event-id"] == ids[0]
    server.wait_processed()
    called = (tmp_path / "called").read_bytes()
    assert sorted(called.split(b'{"own":')) == sorted(
        b"".join(own(BODY, i) for i in ids).split(b'{"own":'))

    # The same that klikit's own delivery is: its scope, its secret, its id.
    status, _, said = server.post(own(BODY, ids[0]), ids[0])
    assert (status, said) == (200, b'{"status":"duplicate-ignored"}')
    assert server.query("SELECT DISTINCT secret, scope, peer FROM events") == [
        ("default", "", "upstream hub")]
    one = upstream(server)
    assert one["connected"] is True and one["error"] is None, one
    assert one["stored"] == 5 and one["last_event_at"], one
    numbers = server.metrics()
    assert numbers['klikitd_upstream_connected{upstream="hub"}'] == 1
    assert numbers['klikitd_upstream_jobs_total{upstream="hub",'
                   'end="stored"}'] == 5
    assert numbers['klikitd_upstream_lag_seconds{upstream="hub"}'] >= 0
    assert numbers['klikitd_upstream_reconnects_total{upstream="hub"}'] == 0


def test_what_is_not_right_is_reported_dead_and_kept(box, hub):
    server = box(hub.url)
    server.expect("delivery ", "event .*another body")
    add(hub, 1, signature="0" * 64)
    hub.add(b"no JSON", "hub-2")
    add(hub, 3, fields=[["Content-Type", "application/json"]])
    add(hub, 4, type="klikitd.alert.disk")
    add(hub, 5)
    hub.wait_done()
    assert stored(server) == [("hub-005",)]
    dead = {i: why for i, said, why in hub.log if said == "dead"}
    assert "secret" in dead["hub-001"] and "JSON" in dead["hub-2"], dead
    assert "headers" in dead["hub-003"] and "type" in dead["hub-004"], dead
    server.wait_query("SELECT cause, peer FROM rejections ORDER BY cause", [
        (cause, "upstream hub")
        for cause in ("headers_invalid", "headers_missing", "invalid_json",
                      "signature")])
    assert upstream(server)["refused"] == 4


@pytest.mark.both
def test_the_hubs_word_may_be_enough(box, hub):
    server = box(hub.url, "trust = hub\n")
    add(hub, 1, secret=b"klikit's, which the box does not have")
    add(hub, 2, fields=[["x-klikit-event-type", CREATED]])
    add(hub, 3)
    hub.wait_done()
    assert hub.outcomes("done") == 3
    assert server.query("SELECT secret FROM events ORDER BY id") == [
        ("upstream hub, by its word",), (None,), ("default",)]


def test_a_box_needs_no_secret_of_its_own(box, hub):
    """Then nobody can deliver to it, and that is said in words."""
    server = box(hub.url, "trust = hub\n", secret=None)
    server.expect("delivery ")
    server.wait_log("secrets: none: events come from hubs only, and every "
                    "delivery is answered 401")
    add(hub, 1)
    hub.wait_done()
    assert server.query("SELECT secret, scope, endpoint FROM events") == [
        ("upstream hub, by its word", "", "default")]
    assert server.post(BODY, signature=sign(BODY, b""))[0] == 401
    server.wait_query("SELECT count(*) FROM rejections WHERE diagnosis LIKE "
                      "'no webhook secret is configured here%'", [(1,)])
    _, _, status = server.ask("GET", "/api/v1/status")
    assert (status["webhooks"], status["trigger"]) == ([], None), status
    server.reload()

    said = "events come from hubs only"
    assert f"secret      none: {said}" in server.do("check-config")
    assert f"upstream    hub: from {hub.url}, its word" in (
        server.do("check-config"))
    assert f"ok    secrets        none: {said}" in server.do("doctor",
                                                             expect=None)
    for verb in (("sign", "token"), ("trigger", "created")):
        server.do(*verb, expect=1)
        assert f"no webhook secret is configured: {said}" in server.said


def test_the_same_again_is_done_again(box, hub):
    server = box(hub.url)
    event_id = "klikit-was-faster"
    assert server.post(own(BODY, event_id), event_id)[0] == 200
    hub.add(own(BODY, event_id), event_id)
    hub.wait_done()
    assert hub.log == [(event_id, "done", None)]
    assert upstream(server)["duplicate"] == 1
    assert server.query("SELECT count(*) FROM events") == [(1,)]


def test_what_is_no_hub_is_not_believed(box, hub):
    page = b"<html><body>Guest Wi-Fi: please log in</body></html>"
    said = [
        (200, {"Content-Type": "text/html"}, page),
        (302, {"Location": "http://login.example/"}, b""),
        (200, {}, b'{"status":"ok"}'),
        (200, {}, b'{"jobs":[{"id":"1"}]}'),
        (200, {"Content-Length": "900"}, b'{"jobs":[]}'),  # cut
        (502, {}, page),
        (429, {"Retry-After": "1"}, b""),
    ]
    server = box(hub.url)
    for i, one in enumerate(said):
        with hub.changed:  # so that no poll comes between them
            hub.say(*one)
            add(hub, i)
        hub.wait_done()
        assert not hub.said
    assert [i for i, in stored(server)] == [
        f"hub-{i:03}" for i in range(len(said))]
    assert "upstream hub: cut: answered 200, but not as a hub does" in (
        server.log())


def test_a_report_that_is_not_answered_is_repeated(box, hub):
    server = box(hub.url)
    hub.say(200, {}, b"<html>", done=True)
    hub.say(503, {}, b"", done=True)
    hub.say(200, {}, b'{"outcomes":[]}', done=True)
    add(hub, 1)
    hub.wait_done()
    assert hub.handed == {"hub-001": 1}
    assert stored(server) == [("hub-001",)]


def test_a_hub_that_restarts_loses_nothing(box, hub):
    server = box(hub.url)
    for i in range(20):
        add(hub, i, lane=str(i % 4))
    hub.wait_for(lambda: hub.outcomes("done") >= 3)
    hub.stop()
    for i in range(20, 40):
        add(hub, i, lane=str(i % 4))
    server.wait_log(CUT)
    assert upstream(server)["connected"] is False
    hub.start()
    hub.wait_done()
    ids = [event_id for event_id, in stored(server)]
    assert sorted(ids) == [f"hub-{i:03}" for i in range(40)]
    for lane in range(4):
        of = [i for i in ids if int(i[4:]) % 4 == lane]
        assert of == sorted(of)
    assert upstream(server)["reconnects"] >= 1


def test_a_connection_cut_anywhere_loses_nothing(box, hub):
    relay = Relay(hub.port)
    try:
        server = box(f"http://127.0.0.1:{relay.port}/pull/box")
        hub.lease_ms = 300
        for i in range(30):
            add(hub, i, lane=str(i % 3))
            if i % 5 == 0:  # in the answer, the question, the report
                relay.cut_after(37 * i + 1, up=i % 10 == 0)
        hub.wait_done()
        ids = [event_id for event_id, in stored(server)]
        assert sorted(ids) == [f"hub-{i:03}" for i in range(30)]
        for lane in range(3):
            of = [i for i in ids if int(i[4:]) % 3 == lane]
            assert of == sorted(of)
    finally:
        relay.close()


def test_a_slow_link_asks_for_less(box, hub):
    """Leases that end before the report is there: with fewer jobs they do
    not."""
    server = box(hub.url)
    server.wait_log("upstream hub: connected")
    late = json.dumps({"outcomes": [
        {"id": str(i + 1), "result": "gone"} for i in range(2)]}).encode()
    hub.say(200, {}, late, done=True)
    with hub.changed:
        for i in range(2):
            add(hub, i)
    hub.wait_for(lambda: hub.asked and hub.asked[-1]["max"] == 8)
    assert upstream(server)["late"] == 2


def test_a_restart_of_the_box_reports_what_it_has(box, hub):
    server = box(hub.url)
    for i in range(10):
        add(hub, i)
    server.restart()
    hub.wait_done()
    assert len(stored(server)) == 10
    server.stop()
    assert all(n <= 2 for n in hub.handed.values())


def test_a_killed_box_has_each_once(box, hub):
    server = box(hub.url)
    hub.lease_ms = 200
    for i in range(40):
        add(hub, i, lane=str(i % 8))
    hub.wait_for(lambda: hub.outcomes("done") >= 8)
    server.kill()
    server.start()
    hub.wait_done()
    assert sorted(stored(server)) == [(f"hub-{i:03}",) for i in range(40)]


def test_a_reload_adds_changes_and_removes(box, hub, tmp_path):
    hub.lease_ms = 1000  # what a poll took that ended comes again soon
    server = box("http://127.0.0.1:1/pull/box", "alert_after = 1s\n")
    server.expect("alert: upstream ")
    server.wait_log("alert: upstream .*http://127.0.0.1:1/pull/box")
    server.write_config(section(tmp_path, hub.url))
    server.reload()
    add(hub, 1)
    hub.wait_done()
    server.write_config(section(tmp_path, hub.url, "trust = hub\n"))
    server.reload()
    add(hub, 2, secret=b"another")
    hub.wait_done()
    hub.token = "another-token-of-the-tests"
    (tmp_path / "token").write_text(hub.token)
    server.reload()
    add(hub, 3)
    hub.wait_done()
    assert upstream(server)["stored"] == 3
    hub.wait_for(lambda: hub.polls == 1)
    server.write_config("")
    server.reload()
    hub.wait_for(lambda: hub.polls == 0)  # it hung up
    add(hub, 4)
    _, _, status = server.ask("GET", "/api/v1/status")
    assert status["upstreams"] == []
    assert len(stored(server)) == 3 and "hub-004" not in hub.handed


def test_a_wrong_token_is_said_and_not_tried_all_the_time(box, hub, tmp_path):
    hub.token = "not-the-one-of-the-box"
    server = box(hub.url)
    server.wait_log("cut: answered 401: it does not know the token")
    asked = len(hub.asked)
    assert asked <= 2
    one = upstream(server)
    assert one["connected"] is False and "401" in one["error"]
    assert "token_file" in one["advice"]
    assert TOKEN not in server.final_log()


def test_doctor_asks_the_hub_and_takes_nothing(box, hub):
    server = box(hub.url)
    server.stop()
    asked = len(hub.asked)
    add(hub, 1)

    def doctor():
        done = run("doctor", "--json", "-c", server.config,
                   env={"KLIKIT_WEBHOOK_SECRET": server.secret.decode()},
                   cwd=server.directory)
        found = [json.loads(line) for line in done.stdout.splitlines()]
        one, = (f for f in found if f["check"] == "upstreams")
        return one

    one = doctor()
    assert one["level"] == "ok" and "knows the token" in one["text"], one
    hub.say(200, {}, b"<html>", done=True)
    one = doctor()
    assert one["level"] == "failure" and "login page" in one["text"], one
    hub.token = "another-token-of-the-tests"
    one = doctor()
    assert "401" in one["text"] and "token_file" in one["advice"], one
    hub.stop()
    one = doctor()
    assert one["level"] == "failure" and "refused" in one["text"], one
    assert len(hub.asked) == asked and not hub.handed


def test_by_tls_it_is_the_right_hub(box, tmp_path):
    authority = Authority(tmp_path / "ca")
    cert = authority.make("localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert.path, cert.key)
    hub = FakeHub(TOKEN, tls=context)
    try:
        server = box(hub.url, f"ca_file = {authority.root.path}\n")
        add(hub, 1)
        hub.wait_done()
        assert stored(server) == [("hub-001",)]
        Authority(tmp_path / "other")
        (tmp_path / "ca" / "root.pem").write_text(
            (tmp_path / "other" / "root.pem").read_text())
        server.reload()
        server.wait_log("cut: no TLS with ")
        add(hub, 2)
        assert "hub-002" not in hub.handed
    finally:
        hub.stop()


def test_an_alert_and_its_end(box, hub, tmp_path):
    told = tmp_path / "told"
    server = box(hub.url, "alert_after = 1s\n",
                 config="[alert]\nafter = 1s\n"
                 "[handler bell]\ntype = exec\n"
                 "events = klikitd.alert.*\n"
                 f"command = /bin/sh -c 'cat >> {told}'\n")
    server.expect("alert: upstream ")
    server.wait_log("upstream hub: connected")
    hub.stop()
    server.wait_log("alert: upstream ")
    assert server.metrics()['klikitd_alert_active{kind="upstream"}'] == 1
    hub.start()
    server.wait_query("SELECT count(*) FROM events WHERE "
                      "type = 'klikitd.alert.cleared'", [(1,)])
    server.wait_processed()
    assert "no events can be fetched from the hub" in told.read_text()


