"""Jobs that are fetched: `type = pull`, and what is promised of it."""

import re
import socket
import subprocess

import pytest

from conftest import (CREATED, DEADLINE, ROOT, STATUS, own, payload, received,
                      sign)
from load import order_body
from puller import TOKEN, Puller, body_of, field
from wire import Wire

NEW = "new-token-0123456789"
JOBS = """SELECT e.event_id, j.state, j.attempts, j.outcome FROM jobs j
    JOIN handlers h ON h.id = j.handler JOIN events e ON e.id = j.event
    WHERE h.name = 'branch' ORDER BY j.id"""
RESTARTED = "unknown: klikitd stopped before it was reported"

pytestmark = pytest.mark.once


def section(tmp_path, name="branch", token=TOKEN, more=""):
    path = tmp_path / f"{name}-token"
    path.write_text(token + "\n")
    path.chmod(0o600)
    return (f"[handler {name}]\ntype = pull\ntoken_file = {path}\n"
            f"retry = 100ms\n{more}")


@pytest.fixture
def hub(klikitd, tmp_path):
    """A server whose handler `branch' is pulled, and its puller."""

    def make(more="", **options):
        server = klikitd(config=section(tmp_path, more=more), **options)
        return server, Puller(server)
    return make


@pytest.mark.both
def test_a_job_comes_byte_for_byte_and_ends(hub):
    server, puller = hub()
    body = own(payload("created-small.json"), "e1")
    received(server.post(body, "e1", headers={
        "User-Agent": "klikit-webhooks/3", "X-Nobody-Named": "this: one",
        "X-Request-Id": "req-81", "Content-Type": "application/json; v=2",
        "X-Own-Token": "canary-of-the-test", "X-Forwarded-For": "10.9.8.7",
        "Idempotency-Key": "not ours"}))
    [job] = puller.pull()
    assert body_of(job) == body
    assert field(job, "User-Agent") == "klikit-webhooks/3"
    assert field(job, "X-Nobody-Named") == "this: one"
    assert field(job, "X-Request-Id") == "req-81"
    assert field(job, "Content-Type") == "application/json; v=2"
    names = [name.lower() for name, _ in job["headers"]]
    assert len(set(names)) == len(names), names
    assert not {"host", "content-length", "x-own-token",
                "x-forwarded-for"} & set(names)
    assert "canary" not in str(job)
    assert job["event_id"] == "e1" and job["attempt"] == 1
    assert job["lease_ms"] == 60000
    assert field(job, "x-klikit-event-id") == "e1"
    assert field(job, "x-klikit-event-type") == CREATED
    assert field(job, "x-klikit-signature") == sign(body)
    assert field(job, "Idempotency-Key") == "e1"
    assert field(job, "x-klikitd-attempt") == "1"
    [(received_at,)] = server.query("SELECT received_at FROM events")
    assert job["received_at"] == received_at
    puller.done(job)
    assert server.query(JOBS) == [("e1", "done", 1, "done")]
    assert puller.report((job, "done")) == ["gone"]


def test_who_waits_gets_what_comes(hub):
    server, puller = hub()
    wait = puller.later()
    puller.wait_there()
    received(server.post(order_body(1), "e1"))
    [job] = wait()
    puller.done(job)
    assert puller.count() == 0


def test_nothing_there(hub):
    _, puller = hub()
    assert puller.pull(wait=0) == []


def test_nothing_is_started_while_nobody_pulls(hub):
    server, puller = hub()
    for n in range(50):
        received(server.post(order_body(n), f"e{n}"))
    server.restart()
    received(server.post(order_body(50), "e50"))
    assert server.query(JOBS) == [(f"e{n}", "ready", 0, None)
                                  for n in range(51)]
    jobs = puller.pull_many(51)
    assert [job["attempt"] for job in jobs] == [1] * 51
    puller.done(*jobs)
    assert {row[1] for row in server.query(JOBS)} == {"done"}


def test_an_orders_events_come_one_after_the_other(hub):
    server, puller = hub()
    received(server.post(order_body(1, 1), "first"))
    received(server.post(order_body(1, 2), "second", type=STATUS))
    received(server.post(order_body(2, 1), "other"))
    jobs = {job["event_id"]: job for job in puller.pull_many(2)}
    assert set(jobs) == {"first", "other"}
    assert puller.pull(wait=0) == []
    puller.done(jobs["first"])
    [second] = puller.pull()
    assert second["event_id"] == "second"
    puller.done(jobs["other"], second)


def test_max_bounds_a_batch(hub):
    server, puller = hub()
    for n in range(5):
        received(server.post(order_body(n), f"e{n}"))
    first = puller.pull(max=2)
    assert 1 <= len(first) <= 2
    rest = puller.pull_many(5 - len(first), max=3)
    assert len({job["id"] for job in first + rest}) == 5
    puller.done(*first, *rest)


def test_large_jobs_come_in_several_batches(hub):
    server, puller = hub("", args=["--http.max_body=4m"])
    sizes = {}
    for n in range(4):
        body = order_body(n)[:-1] + b',"x":"%s"}' % (b"x" * (2 << 20))
        received(server.post(body, f"e{n}"))
        sizes[f"e{n}"] = body
    jobs = puller.pull_many(4)
    for job in jobs:
        assert body_of(job) == sizes[job["event_id"]]
    puller.done(*jobs)


@pytest.mark.both
def test_outcomes_are_what_they_say(hub):
    server, puller = hub()
    server.expect("retry in", "dead: event", "again later", "refused it")
    for name in ("a", "b"):
        received(server.post(order_body(ord(name)), name))
    jobs = {job["event_id"]: job for job in puller.pull_many(2)}
    assert puller.report(
        (jobs["a"], "retry", {"reason": "no paper", "retry_after_ms": 1}),
        (jobs["b"], "dead", {"reason": "unknown item"}),
        ({"id": "9999", "lease": "x"}, "done"),
        ({"id": jobs["a"]["id"], "lease": "x"}, "done"),
    ) == ["recorded", "recorded", "gone", "gone"]
    [again] = puller.pull()
    assert (again["event_id"], again["attempt"]) == ("a", 2)
    puller.done(again)
    assert server.query(JOBS) == [
        ("a", "done", 2, "done"),
        ("b", "dead", 1, "the puller refused it")]
    [(number,)] = server.query(
        "SELECT j.id FROM jobs j JOIN events e ON e.id = j.event "
        "WHERE e.event_id = 'b'")
    assert "unknown item" in server.do("jobs", str(number))
    assert "unknown item" not in server.log()
    server.do("replay", "b")
    [replayed] = puller.pull()
    assert (replayed["event_id"], body_of(replayed)) == (
        "b", body_of(jobs["b"]))
    puller.done(replayed)


@pytest.mark.both
def test_a_lease_that_is_over_is_unknown(hub):
    server, puller = hub("lease = 1s\n")
    server.expect("retry in.*unknown: not reported within its lease of 1s")
    received(server.post(order_body(1), "e1"))
    [job] = puller.pull()
    [again] = puller.pull()
    assert again["id"] == job["id"] and again["attempt"] == 2
    assert again["lease"] != job["lease"]
    assert field(again, "Idempotency-Key") == field(job, "Idempotency-Key")
    assert puller.report((job, "dead"), (again, "done")) == ["gone",
                                                            "recorded"]
    [(outcome,)] = server.query(
        "SELECT outcome FROM attempts WHERE number = 1")
    assert outcome == "unknown: not reported within its lease of 1s"


def test_a_late_report_is_gone_and_heeded_all_the_same(hub):
    """Over a restart, and after the lease's end: done is done."""
    server, puller = hub("lease = 1s\n")
    server.expect("retry in.*unknown: ", "store: ")
    for n in range(3):
        received(server.post(order_body(n), f"e{n}"))
    first, second, third = sorted(puller.pull_many(3),
                                  key=lambda job: job["event_id"])
    server.kill()
    server.start()
    server.wait_ready()
    forged = {**second, "lease": second["lease"][:32] + "0" * 32}
    assert puller.report((first, "done"), (forged, "done"),
                         (third, "retry")) == ["gone"] * 3
    again = {job["event_id"]: job for job in puller.pull_many(2)}
    assert set(again) == {"e1", "e2"}
    assert again["e1"]["lease"][:32] != second["lease"][:32]
    puller.done(again["e2"])
    server.wait_query(JOBS, [("e0", "done", 2, "done"),
                             ("e1", "waiting", 2, "unknown: not reported "
                              "within its lease of 1s"),
                             ("e2", "done", 2, "done")])
    # The lease of the attempt before is as good as that of the last.
    assert puller.report((second, "done"))[0] in ("gone", "recorded")
    assert puller.pull(wait=1) == []
    server.wait_query(JOBS, [(f"e{n}", "done", attempts, "done")
                             for n, attempts in enumerate((2, 3, 2))])


def test_too_old_is_dead(hub):
    server, puller = hub("lease = 1s\nmax_age = 1s\n")
    server.expect("dead: event e1: too old: unknown")
    received(server.post(order_body(1), "e1"))
    puller.pull()
    server.wait_query(JOBS, [(
        "e1", "dead", 1,
        "too old: unknown: not reported within its lease of 1s")])


def test_the_alarm_rings_for_what_is_not_done(hub, tmp_path):
    server, puller = hub(
        "deadline = 1s\non_deadline = bell\n[handler bell]\ntype = exec\n"
        f"events =\ncommand = /usr/bin/touch {tmp_path}/rang\n")
    server.expect("alarm: bell rings: event e1")
    received(server.post(order_body(1), "e1"))
    server.wait_log("alarm: bell rings")
    puller.done(*puller.pull())


def test_a_paused_handler_hands_out_nothing(hub):
    server, puller = hub()
    server.do("pause", "branch")
    received(server.post(order_body(1), "e1"))
    assert puller.pull(wait=0) == []
    wait = puller.later()
    server.do("resume", "branch")
    puller.done(*wait())


def test_wrong_is_wrong(hub, tmp_path):
    """A wrong token and a name that nobody has are one answer."""
    server, puller = hub(section(tmp_path, "other", NEW))
    received(server.post(order_body(1), "e1"))
    answers = [puller.ask(method, path, body, token)
               for method, path, body in (
                   ("GET", "branch", None), ("GET", "nobody", None),
                   ("POST", "branch/done", "{}"), ("GET", "branch/x", None),
                   ("GET", "", None), ("POST", "nobody/done", "{}"))
               for token in ("", NEW, TOKEN + "x", "x" * 300)]
    for _, fields, _ in answers:
        fields.pop("date", None)
    assert answers[0][0] == 401
    assert all(answer == answers[0] for answer in answers)
    assert Puller(server, "other").ask("GET", "other")[0] == 401
    other = Puller(server, "other", NEW)
    [others] = other.pull()
    assert others["event_id"] == "e1"
    # One branch's token says nothing of another's jobs.
    [job] = puller.pull()
    assert other.report((job, "dead")) == ["gone"]
    puller.done(job)
    other.done(others)


def test_too_many_wrong_tokens(hub):
    server, puller = hub()
    server.expect("too many wrong tokens from 127.0.0.9")
    ask = ("GET /pull/branch HTTP/1.1\r\nHost: x\r\n"
           "Authorization: Bearer wrong\r\n\r\n").encode()
    wires = [Wire(server, source="127.0.0.9") for _ in range(20)]
    answers = []
    while not any(answer.status == 429 for answer in answers):
        assert len(answers) < 2000
        for wire in wires:  # beyond the allowance an answer takes its time
            wire.send(ask)
        answers += [wire.answer() for wire in wires]
    statuses = [answer.status for answer in answers]
    assert statuses[:60] == [401] * 60 and set(statuses) == {401, 429}
    [wait] = {answer.headers["retry-after"] for answer in answers
              if answer.status == 429}
    assert 1 <= int(wait) <= 60
    for wire in wires:
        wire.sock.close()
    assert puller.pull(wait=0) == []  # another address


def test_what_is_wrong_is_named(hub):
    server, puller = hub()
    for path in ("branch?wait=56", "branch?max=0", "branch?x=1"):
        status, _, said = puller.ask("GET", path)
        assert status == 400 and "error" in said
    for body in ("", "{", '{"outcomes":[{"id":"1"}]}'):
        status, _, said = puller.ask("POST", "branch/done", body)
        assert status == 400 and "error" in said
    assert puller.ask("POST", "branch/done", "x" * (257 << 10))[0] == 413
    assert puller.ask("POST", "branch", "{}")[1]["allow"] == "GET"
    assert puller.ask("GET", "branch/done")[1]["allow"] == "POST"
    assert puller.ask("POST", "branch/done", '{"outcomes":[]}') [2] == {
        "outcomes": []}


def test_a_reload_changes_names_and_tokens(hub, tmp_path):
    server, puller = hub()
    received(server.post(order_body(1), "e1"))
    [job] = puller.pull()
    wait = puller.later(wait=55)
    puller.wait_there()
    server.write_config(section(tmp_path, token=f"{TOKEN}\n{NEW}") +
                        section(tmp_path, "second", NEW))
    server.reload()
    assert wait() == []  # to come again, and show it
    newer = Puller(server, token=NEW)
    assert newer.pull(wait=0) == puller.pull(wait=0) == []
    newer.done(job)  # its lease goes on
    assert Puller(server, "second", NEW).pull(wait=0) == []
    server.write_config(section(tmp_path, "second", NEW))
    server.reload()
    assert puller.ask("GET", "branch")[0] == 401
    assert newer.ask("POST", "branch/done", "{}")[0] == 401
    server.write_config("")
    server.reload()
    assert puller.ask("GET", "second")[0] == 404


@pytest.mark.both
def test_who_waits_at_the_end_is_answered(hub):
    server, puller = hub()
    server.expect("retry in.*" + RESTARTED)
    received(server.post(order_body(1), "e1"))
    [job] = puller.pull()
    wait = puller.later(wait=55)
    puller.wait_there()
    server.stop()
    assert wait() == []
    assert server.query(JOBS) == [("e1", "waiting", 1, RESTARTED)]
    server.start()
    [again] = puller.pull()
    assert again["attempt"] == 2
    assert puller.report((job, "done")) == ["gone"]
    puller.done(again)


def test_killed_it_is_unknown(hub):
    server, puller = hub()
    server.expect("not closed properly")
    received(server.post(order_body(1), "e1"))
    puller.pull()
    server.kill()
    server.start()
    [again] = puller.pull()
    assert again["attempt"] == 2
    puller.done(again)


def test_who_leaves_takes_nothing_along(hub):
    server, puller = hub()
    with socket.create_connection(("127.0.0.1", server.port)) as sock:
        sock.sendall(b"GET /pull/branch?wait=55 HTTP/1.1\r\nHost: x\r\n"
                     b"Authorization: Bearer %s\r\n\r\n" % TOKEN.encode())
        puller.wait_there()
    puller.wait_there(0)
    received(server.post(order_body(1), "e1"))
    [job] = puller.pull()
    assert job["attempt"] == 1
    puller.done(job)


def test_it_is_shown(hub):
    server, puller = hub()
    assert "not pulled since the start" in server.do("handlers")
    received(server.post(order_body(1), "e1"))
    [job] = puller.pull()
    metrics = server.metrics()
    assert metrics['klikitd_pulled_jobs{handler="branch"}'] == 1
    assert metrics['klikitd_pulled_jobs_total{handler="branch"}'] == 1
    wait = puller.later(wait=55)
    puller.wait_there()
    assert "pulled by 1, last seen 20" in server.do("handlers")
    status, _, said = server.ask("GET", "/api/v1/handlers")
    assert status == 200
    assert said["handlers"][0]["connected"] is True
    puller.ask("GET", "branch", token="wrong")
    assert server.metrics()["klikitd_pulls_refused_total"] == 1
    puller.done(job)
    received(server.post(order_body(2), "e2"))
    puller.done(*wait())


def test_doctor_says_who_pulls(hub):
    server, puller = hub()

    def doctor():
        out = server.do("doctor", expect=None)
        [line] = [line for line in out.splitlines() if " pullers " in line]
        return " ".join(line.split())

    assert doctor() == ("warn pullers branch: nobody has pulled since the "
                        "server began")
    assert puller.pull(wait=0) == []
    assert doctor().startswith("ok pullers branch: last pulled 20")
    _, _, said = server.ask("GET", "/api/v1/handlers")
    assert [(h["name"], h["pulled_at"] is None) for h in said["handlers"]] == [
        ("branch", False)]


def test_a_token_file_that_holds_none_is_refused(klikitd, tmp_path):
    for text, why in (("short", "no token"), (f"{TOKEN}\n{NEW}\n{NEW}x",
                                              "more than two tokens")):
        server = klikitd(start=False, config=section(tmp_path, token=text))
        server.expect("token_file")
        server.start(wait=False)
        server.wait(expect=1)
        assert why in server.log()
    server = klikitd(start=False, config=section(tmp_path,
                                                 more="timeout = 5s\n"))
    server.expect("unknown key")
    server.start(wait=False)
    server.wait(expect=1)


def test_the_puller_of_the_guide(hub, tmp_path):
    """As it stands there: over a restart of the hub, with a report lost."""
    guide = (ROOT / "server" / "docs" / "pull.md").read_text()
    (tmp_path / "puller.py").write_text(
        re.search(r"```python\n(.*?)^```$", guide, re.S | re.M)[1])
    server, puller = hub(args=["--http.listen=127.0.0.1:0"])
    server.expect("retry in.*" + RESTARTED)
    received(server.post(order_body(1), "e1"))
    [job] = puller.pull()  # so e1 comes twice
    server.stop()
    # The same port, since the puller is told of one.
    server.args = [f"--http.listen=127.0.0.1:{server.port}"]
    server.start()
    program = subprocess.Popen(
        ["/usr/bin/python3", "puller.py"], cwd=tmp_path, text=True,
        stdout=subprocess.PIPE,
        env={"PULL_URL": f"{server.url}/pull/branch",
             "PULL_TOKEN_FILE": str(tmp_path / "branch-token")})
    try:
        assert program.stdout.readline() == f"e1 {len(order_body(1))}\n"
        server.wait_query(JOBS, [("e1", "done", 2, "done")])
        server.restart()
        received(server.post(order_body(2), "e2"))
        for line in program.stdout:
            if not line.startswith("not now:"):
                break
        assert line == f"e2 {len(order_body(2))}\n"
        server.wait_query(JOBS, [("e1", "done", 2, "done"),
                                 ("e2", "done", 1, "done")])
    finally:
        program.kill()
        program.wait(DEADLINE)
        program.stdout.close()


@pytest.fixture
def receivers(postgres, klikitd, tmp_path):
    """Two of them on one database."""
    config = f"[store]\nurl = {postgres.url}\n" + section(tmp_path)
    return [klikitd(config=config) for _ in range(2)]


def test_a_puller_may_ask_any_receiver(receivers):
    """What came in at one comes out at the other, when nobody pulls there."""
    first, second = receivers
    for n in range(3):
        received(first.post(order_body(n), f"e{n}"))
    puller = Puller(second)
    puller.done(*puller.pull_many(3))
    wait = puller.later(wait=55)
    puller.wait_there()
    received(first.post(order_body(3), "e3"))
    [job] = wait()
    assert (job["event_id"], job["attempt"]) == ("e3", 1)
    puller.done(job)
    # It changes over to the other one, which has let go of what it had.
    received(second.post(order_body(4), "e4"))
    moved = Puller(first)
    [job] = moved.pull(wait=55)
    assert (job["event_id"], job["attempt"]) == ("e4", 1)
    assert puller.report((job, "done")) == ["gone"]
    moved.done(job)
