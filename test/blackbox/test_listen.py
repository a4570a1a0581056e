"""klikitd listen: a hub's events for a program on this machine, with a store
that is gone when it ends."""

import stat

import pytest

from conftest import BINARY, CREATED, Klikitd, own, payload, received, run, sign
from fake_hub import FakeHub
from puller import TOKEN
from sink import Sink
from terminals import Terminal

pytestmark = [pytest.mark.once,
              pytest.mark.sqlite("its store is a file of its own")]

BODY = payload("created-small.json")
NOWHERE = "http://127.0.0.1:1/hook"


class Listen(Klikitd):
    """One that runs; its folders are made in `tmp'."""

    def __init__(self, directory, *args):
        super().__init__(directory, verb="listen", args=args, secret=None)
        self.tmp = self.directory / "tmp"
        self.tmp.mkdir(exist_ok=True)
        # What a service on this machine has is not read.
        (self.directory / "broken.ini").write_text("[nonsense]\n")
        self.env = {"TMPDIR": str(self.tmp), "KLIKITD_LISTEN_TOKEN": TOKEN,
                    "KLIKITD_CONFIG": str(self.directory / "broken.ini")}
        self.expected = ["upstream hub: cut"]  # when the test is over

    def command(self):
        return [BINARY, "listen", *map(str, self.args)]

    def folders(self):
        return list(self.tmp.iterdir())


@pytest.fixture
def hub():
    hub = FakeHub(TOKEN)
    yield hub
    hub.stop()


@pytest.fixture
def pos(tmp_path):
    pos = Sink(tmp_path)
    yield pos
    pos.stop()


@pytest.fixture
def listen(tmp_path):
    """One that fetches from a URL."""
    made = []

    def make(*args):
        made.append(Listen(tmp_path, *args))
        return made[-1].start()

    yield make
    for one in made:
        one.stop()
        one.check_log()
        assert one.folders() == []


def add(hub, *ids, **options):
    for event_id in ids:
        hub.add(own(BODY, event_id), event_id, **options)


def test_the_program_gets_a_hubs_events(listen, hub, pos):
    one = listen(hub.url, "--forward-to", f"{pos.url}/hook")
    one.wait_log("upstream hub: connected to " + hub.url)
    [folder] = one.folders()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # Of the same order, and klikit's own: each of them is sent on.
    add(hub, "e1", "e2", secret=b"klikit's, which is not here")
    hub.wait_done()
    got = {line["key"]: line for line in pos.wait_lines(2)}
    assert set(got) == {"e1", "e2"}
    assert got["e1"]["path"] == "/hook"
    one.wait_log(r"listen: event e\d: answered 200 in \d+ ms", 2)
    _, _, said = one.ask("GET", "/api/v1/events")
    assert {event["origin"] for event in said["events"]} == {"hub"}
    # Nobody can deliver there: it has no secret.
    assert one.post(BODY, signature=sign(BODY, b""))[0] == 401
    one.expect("delivery ")
    log = one.final_log()
    assert "not forwarded" not in log and TOKEN not in log


def test_what_was_not_forwarded_is_said(listen, hub):
    one = listen(hub.url, "--forward-to", NOWHERE)
    one.expect("job .*listen", "handler listen: ")
    add(hub, "left-1", "left-2")
    hub.wait_done()
    one.wait_log("job .*listen.*retry")
    one.stop(expect=1)
    said = one.log().split("klikitd listen: ")[-1]
    assert said.startswith("2 events were taken from the hub, but not "
                           "forwarded:"), said
    assert "    left-1" in said and "    left-2" in said
    assert "klikitd replay EVENT-ID" in said


def test_after_a_kill_the_next_one_says_it(listen, hub, pos):
    one = listen(hub.url, "--forward-to", NOWHERE)
    one.expect("job .*listen", "handler listen: ")
    add(hub, "left-1")
    hub.wait_done()
    one.kill()
    assert len(one.folders()) == 1
    other = listen(hub.url, "--forward-to", pos.url)
    other.wait_log("an earlier one was killed: 1 event was taken from the hub, "
                   "but not forwarded:\n    left-1\n")
    assert len(other.folders()) == 1
    # One that runs is left alone.
    third = listen(hub.url, "--forward-to", pos.url)
    assert len(third.folders()) == 2
    third.stop()
    assert len(other.folders()) == 1
    other.stop()


def test_a_secret_is_to_be_proved(listen, hub, pos, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("klikit's")
    one = listen(hub.url, "--forward-to", pos.url, "--secret-file", "secret")
    one.expect("delivery ")
    add(hub, "right", secret=b"klikit's")
    add(hub, "wrong", secret=b"another")
    hub.wait_done()
    assert {i: said for i, said, _ in hub.log} == {
        "right": "done", "wrong": "dead"}
    assert [line["key"] for line in pos.wait_lines(1)] == ["right"]


def test_it_is_a_console_with_the_keys_of_dev(tmp_path, hub, pos):
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "tmp").mkdir()
    terminal = Terminal(
        [BINARY, "listen", hub.url, "--token-file", "token", "--forward-to",
         pos.url], 100, {"PATH": str(tmp_path), "TMPDIR": f"{tmp_path}/tmp"},
        tmp_path)
    try:
        terminal.wait_for("Keys: r sends the newest event again, o opens")
        add(hub, "e1")
        terminal.wait_for(r"\x1b\[36m→ created .*\[e1\]")
        terminal.wait_for(r"\x1b\[32m← 200 listen \d+ ms\x1b")
        terminal.type("r")
        terminal.wait_for(r"r: replays the newest event, e1")
        terminal.wait_for(r"(?s)(← 200 listen.*){2}")
        terminal.type("q")
        assert terminal.finish() == 0
        assert "Sanitizer" not in terminal.text
        assert hub.url in terminal.text and pos.url in terminal.text
    finally:
        terminal.close()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.parametrize("args, env, code, said", [
    ((), {}, 2, b"Try: klikitd listen --help"),
    (("http://127.0.0.1:9/pull/x",), {"KLIKITD_LISTEN_TOKEN": TOKEN}, 2,
     b"needs --forward-to URL"),
    (("http://127.0.0.1:9/pull/x", "--forward-to", NOWHERE), {}, 2,
     b"needs the hub's token: --token-file FILE"),
    (("http://hub.example/pull/x", "--forward-to", NOWHERE),
     {"KLIKITD_LISTEN_TOKEN": TOKEN}, 1, b"URL: "),
    (("http://127.0.0.1:9/pull/x", "--forward-to", "nowhere"),
     {"KLIKITD_LISTEN_TOKEN": TOKEN}, 1, b"--forward-to: "),
    (("http://127.0.0.1:9/pull/x", "--forward-to", NOWHERE),
     {"KLIKITD_LISTEN_TOKEN": "short"}, 1,
     b"KLIKITD_LISTEN_TOKEN: holds no token: 16 to 256"),
    (("http://127.0.0.1:9/pull/x", "--forward-to", NOWHERE, "--token-file",
      "absent"), {}, 1, b"--token-file: "),
    (("https://127.0.0.1:9/pull/x", "--forward-to", NOWHERE, "--ca-file",
      "absent"), {"KLIKITD_LISTEN_TOKEN": TOKEN}, 1,
     b"/absent: cannot be read"),
])
def test_what_is_wrong_is_said_and_nothing_is_left(tmp_path, args, env, code,
                                                   said):
    done = run("listen", *args, cwd=tmp_path,
               env={**env, "TMPDIR": str(tmp_path)})
    assert done.returncode == code, done
    assert said.lower() in done.stderr.lower(), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_real_hub_hands_out_what_klikit_delivers(klikitd, listen, pos,
                                                   tmp_path):
    (tmp_path / "ann-token").write_text(TOKEN + "\n")
    hub = klikitd(config="[handler dev-ann]\ntype = pull\n"
                  f"token_file = {tmp_path}/ann-token\n")
    one = listen(f"{hub.url}/pull/dev-ann", "--forward-to", pos.url)
    body = own(BODY, "e1")
    received(hub.post(body, "e1"))
    [line] = pos.wait_lines(1)
    assert line["key"] == "e1" and line["type"] == CREATED, line
    hub.wait_query("SELECT state FROM jobs j JOIN handlers h ON h.id = "
                   "j.handler WHERE h.name = 'dev-ann'", [("done",)])
    one.stop()
