"""Calls for help: raised once, reminded, cleared; to whoever takes them."""

import contextlib
import json
import re
import subprocess

import pytest

from conftest import ROOT, payload, received, run
from ops import alerting, looks, ops, states  # noqa: F401 (a fixture)
from test_certificates import hup

pytestmark = [pytest.mark.both, pytest.mark.once]

BODIES = [payload("created-small.json").replace(b"9100001", b"%d" % (
    9300001 + i)) for i in range(4)]
TYPE = "klikitd.alert."


def pos(tmp_path, more=""):
    """Does what there is a file `good' for; says 75 while there is `away'."""
    return ("[handler pos]\ntype = exec\nordering = none\n"
            "once_per_order = no\nretry = 100ms\n" + more +
            f"command = /bin/sh -c 'test -e {tmp_path}/away && exit 75; "
            f"test -e {tmp_path}/good'\n")


def test_dead_jobs_make_one_alert(klikitd, ops, tmp_path):
    """However many there are; it is over when none is left."""
    far = ops()
    server = klikitd(config=alerting(far.url, pos(tmp_path)))
    server.expect("dead: event", "alert: job_dead")
    received(server.post(BODIES[0], "first"))
    first, = far.wait(1)
    assert states([first]) == [("job_dead", "pos", "raised")]
    assert first["sentence"].startswith("1 job is dead at handler pos")
    assert first["advice"] in first["text"] and first["reminder"] == 0
    for i, body in enumerate(BODIES[1:], 1):
        received(server.post(body, f"more{i}"))
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'dead'",
                      [(len(BODIES),)])
    looks(server)
    assert len(far.told()) == 1
    (tmp_path / "good").touch()
    server.do("replay", "--state", "dead", "--handler", "pos")
    server.wait_processed()
    alerts = far.wait(2)
    assert states(alerts)[1] == ("job_dead", "pos", "cleared")
    assert alerts[1]["since"] == first["since"]
    line = far.posts()[1]
    assert line.type == TYPE + "cleared"


def test_a_thousand_dead_jobs_make_one_alert(klikitd, ops):
    """And it says how many when it reminds."""
    far, pos = ops(), ops(400)
    server = klikitd(config=alerting(
        far.url, "[handler pos]\ntype = forward\nordering = none\n"
        f"once_per_order = no\nconcurrency = 64\nurl = {pos.url}\n",
        remind="5m"))
    server.expect("dead: event", "alert: job_dead")
    with contextlib.closing(server.connect()) as connection:
        for i in range(1000):
            received(server.post(payload("created-small.json").replace(
                b"9100001", b"%d" % (9400001 + i)), f"e{i}",
                connection=connection))
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'dead'",
                      [(1000,)])
    looks(server)
    assert states(far.told()) == [("job_dead", "pos", "raised")]
    up, = server.ask("GET", "/api/v1/status")[2]["alerts"]
    assert up["sentence"].startswith("1000 jobs are dead at handler pos")
    assert up["advice"] == far.told()[0]["advice"]


def test_a_handler_that_fails_is_told_of_and_reminded(klikitd, ops, tmp_path):
    far = ops()
    (tmp_path / "away").touch()
    server = klikitd(config=alerting(far.url, pos(tmp_path), remind="1s"))
    server.expect("retry in", "alert: handler_failing", "calls failed")
    received(server.post(BODIES[0], "first"))
    alerts = far.wait(3)
    assert states(alerts[:3]) == [
        ("handler_failing", "pos", "raised"),
        ("handler_failing", "pos", "reminder"),
        ("handler_failing", "pos", "reminder")]
    assert [a["reminder"] for a in alerts[:3]] == [0, 1, 2]
    assert len({a["since"] for a in alerts[:3]}) == 1
    (tmp_path / "good").touch()
    (tmp_path / "away").unlink()
    server.wait_processed()
    looks(server)
    last = far.told()[-1]
    assert last["state"] == "cleared" and last["kind"] == "handler_failing"
    looks(server)
    assert far.told()[-1] == last


def test_doctor_says_what_needs_a_person(klikitd, tmp_path):
    """As the server that runs knows it, from its first second on; of one that
    is stopped, nothing."""
    server = klikitd(config="[http]\nlisten = 127.0.0.1:0\n[alert]\n"
                     "after = 1s\n" + pos(tmp_path))
    server.expect("dead: event", "alert: job_dead")

    def doctor():
        done = run("doctor", "--no-network", "--json", "-c", server.config,
                   env={"KLIKIT_WEBHOOK_SECRET": server.secret.decode()},
                   cwd=server.directory)
        assert done.stderr == b"", done.stderr
        found = [json.loads(line) for line in done.stdout.splitlines()]
        return [(f["level"], f["text"], f["advice"]) for f in found
                if f["check"] == "needs"]

    assert doctor() == [("ok", f"the server (pid {server.pid}) needs nobody",
                         None)]
    received(server.post(BODIES[0], "first"))
    server.wait_log("alert: job_dead pos: 1 job is dead")
    assert doctor() == []  # the check of the jobs says that
    server.do("pause", "pos", "--why", "new printer")
    need, dead = server.ask("GET", "/api/v1/status")[2]["needs"]
    assert dead["kind"] == "job_dead"
    assert doctor() == [("warning", f"pos is paused: new printer, since "
                         f"{need['since']}", need["advice"])]
    server.stop()
    assert doctor() == []


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_a_handler_that_is_removed_fails_no_longer(klikitd, ops, tmp_path,
                                                   how):
    far = ops()
    (tmp_path / "away").touch()
    server = klikitd(config=alerting(far.url, pos(tmp_path)))
    server.expect("retry in", "alert: handler_failing", "calls failed",
                  "not configured")
    received(server.post(BODIES[0], "first"))
    far.wait(1)
    if how == "restart":
        server.stop()
    server.write_config(alerting(far.url))
    if how == "restart":
        server.start()
    else:
        hup(server, "reload: done")
    alerts = far.wait(2)
    assert states(alerts) == [("handler_failing", "pos", "raised"),
                              ("handler_failing", "pos", "cleared")]
    assert alerts[1]["sentence"] == (
        "handler pos was removed from the configuration")
    assert alerts[1]["since"] == alerts[0]["since"]
    looks(server)
    assert len(far.told()) == 2


def test_a_restart_tells_nothing_twice(klikitd, ops, tmp_path):
    far = ops()
    server = klikitd(config=alerting(far.url, pos(tmp_path)))
    server.expect("dead: event", "alert: job_dead")
    received(server.post(BODIES[0], "first"))
    first, = far.wait(1)
    server.restart()
    looks(server)
    assert len(far.told()) == 1
    server.stop()
    (tmp_path / "good").touch()
    server.do("discard", "1", "--reason", "known")
    server.start()
    alerts = far.wait(2)
    assert states(alerts) == [("job_dead", "pos", "raised"),
                              ("job_dead", "pos", "cleared")]
    assert alerts[1]["since"] == first["since"]
    assert alerts[1]["sentence"] == first["sentence"]


def test_an_alert_makes_no_alert(klikitd, ops, tmp_path):
    """Neither one that cannot be delivered, nor one that is dead."""
    far = ops(500)
    server = klikitd(config=alerting(far.url, pos(tmp_path)))
    server.expect("dead: event", "alert: job_dead", "retry in",
                  "calls failed")
    received(server.post(BODIES[0], "first"))
    server.wait_query("SELECT attempts >= 12 FROM jobs AS j JOIN handlers "
                      "AS h ON h.id = j.handler WHERE h.name = 'ops'",
                      [(1,)])
    looks(server, 8)
    assert server.query("SELECT count(*) FROM events "
                        "WHERE origin = 'internal'") == [(1,)]
    far.status = 400
    server.wait_query("SELECT state FROM jobs AS j JOIN handlers AS h "
                      "ON h.id = j.handler WHERE h.name = 'ops'",
                      [("dead",)])
    looks(server, 4)
    assert server.query("SELECT type FROM events "
                        "WHERE origin = 'internal'") == [(TYPE + "job_dead",)]


def test_alerts_are_for_those_that_name_them(klikitd, ops, tmp_path):
    """A handler of every event gets klikit's; nobody else can make one."""
    far, every = ops(), ops()
    server = klikitd(config=alerting(
        far.url, pos(tmp_path) + "[handler all]\ntype = forward\n"
        f"events = *\nurl = {every.url}\n"))
    server.expect("dead: event", "alert: job_dead", "delivery ")
    received(server.post(BODIES[0], "first"))
    far.wait(1)
    every.wait(1)
    for options in ({"type": TYPE + "job_dead"},
                    {"event_id": TYPE + "job_dead/pos/00000002"}):
        status, answer = server.post(
            BODIES[1], **{"event_id": "forged", **options})[:2]
        assert status == 400, answer
    looks(server)
    assert [line.type for line in every.posts()] == [
        "klikit.order.created.v2"]
    line, = far.posts()
    assert line.type == TYPE + "job_dead"
    assert line.key and line.signature is None


def test_without_a_handler_nothing_is_stored(klikitd, ops, tmp_path):
    """It is logged and shown; and told as soon as somebody takes it."""
    far = ops()
    server = klikitd(config="[http]\nlisten = 127.0.0.1:0\n"
                     "[alert]\nafter = 1s\n" + pos(tmp_path))
    server.expect("dead: event", "alert: job_dead")
    received(server.post(BODIES[0], "first"))
    server.wait_log("alert: job_dead pos: ")
    looks(server)
    assert server.query("SELECT count(*) FROM events") == [(1,)]
    assert server.metrics()['klikitd_alert_active{kind="job_dead"}'] == 1
    server.write_config(alerting(far.url, pos(tmp_path)))
    server.reload()
    assert states(far.wait(1)) == [("job_dead", "pos", "raised")]


# -- The cookbook --

COOKBOOK = (ROOT / "server" / "docs" / "alerts.md").read_text()


def recipe(place, number):
    """The script of that number in it, as a program."""
    text = re.findall(r"```sh\n(.*?)```", COOKBOOK, re.S)[number]
    program = place / f"recipe{number}"
    program.write_text(text)
    program.chmod(0o755)
    return program


def recipes(klikitd, tmp_path, program, variables):
    """A server whose dead job is told of by that program."""
    server = klikitd(
        config="[http]\nlisten = 127.0.0.1:0\n[alert]\nafter = 1s\n" +
        pos(tmp_path) + "[handler ops]\ntype = exec\n"
        "events = klikitd.alert.*\nretry = 100ms\n"
        f"command = /usr/bin/env {variables} {program}\n")
    server.expect("dead: event", "alert: job_dead", "retry in")
    received(server.post(BODIES[0], "first"))
    return server


def test_the_recipe_for_a_chat(klikitd, ops, tmp_path):
    """Each form is one; what a chat refuses is posted again."""
    far = ops(500)
    (tmp_path / "url").write_text(far.url + "\n")
    server = recipes(klikitd, tmp_path, recipe(tmp_path, 0),
                     f"ALERT_CHAT_URL_FILE={tmp_path}/url")
    far.wait(2)
    far.status = 204
    server.wait_processed()
    said = far.told()[-1]
    assert set(said) == {"content"}
    assert "1 job is dead at handler pos" in said["content"]
    body = {"text": said["content"]}
    forms = re.findall(r"^\| \w[\w ]* \| `(\{.*\})` \|", COOKBOOK, re.M)
    assert len(forms) == 4
    for form in forms:
        made = subprocess.run(["jq", "-c", form], input=json.dumps(body),
                              capture_output=True, text=True, check=True)
        assert body["text"] in json.dumps(json.loads(made.stdout),
                                          ensure_ascii=False)


def test_the_recipe_for_mail(klikitd, tmp_path):
    sendmail = tmp_path / "bin" / "sendmail"
    sendmail.parent.mkdir()
    sendmail.write_text(f"#!/bin/sh\ncat > {tmp_path}/mail.new\n"
                        f"mv {tmp_path}/mail.new {tmp_path}/mail\n")
    sendmail.chmod(0o755)
    server = recipes(klikitd, tmp_path, recipe(tmp_path, 1),
                     f"PATH={sendmail.parent}:/usr/bin:/bin")
    server.wait_query("SELECT state FROM jobs AS j JOIN handlers AS h "
                      "ON h.id = j.handler WHERE h.name = 'ops'",
                      [("done",)])
    head, _, text = (tmp_path / "mail").read_text().partition("\n\n")
    assert "Subject: klikitd: job_dead raised" in head
    assert text.startswith("klikitd on ")
