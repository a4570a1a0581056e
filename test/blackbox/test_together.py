"""All at once: what the threads share is shared rightly.

Most of its worth is under ThreadSanitizer (suite tsan), which names every race
that happens on the way.
"""

import signal
import threading

import pytest

from conftest import payload, received
from load import Senders
from sink import Sink


CONFIG = """[handler rows]
type = orders
[handler pos]
type = forward
events = *
url = {url}
unit = order
retry = 50ms, 100ms
deadline = 1s
on_deadline = bell
[handler run]
type = exec
events = *
command = /bin/cat
[handler bell]
type = exec
events =
command = /bin/true
"""


@pytest.mark.sqlite("a backup is made by pg_dump")
@pytest.mark.tsan
def test_load_reloads_purges_backups_and_a_stop_at_once(klikitd, tmp_path):
    pos = Sink(tmp_path, "--fail", "10%", "--drop-after-read", "5%")
    server = klikitd(config=CONFIG.format(url=pos.url))
    server.expect("retry in", "in a row", "alarm: ", "log is busy",
                  "cut off", "under way")
    received(server.post(payload("created-small.json"), "first"))
    server.do("pause", "run")
    senders = Senders(server, count=6)
    for turn in range(3):
        senders.wait_for(60)
        server.process.send_signal(signal.SIGHUP)
        server.wait_log("reload: done", turn + 1)
        server.do("backup", tmp_path / f"copy{turn}")
        server.do("jobs", "--state", "done")
        server.do("replay", "first")
        if turn == 1:
            server.do("resume", "run")  # a backlog beside what comes in
    purges = [threading.Thread(target=server.do, args=(
        "purge", "--older-than", "1s"), kwargs={"expect": None})
        for _ in range(2)]
    for purge in purges:
        purge.start()
    for purge in purges:
        purge.join()
    senders.wait_for(20)
    server.process.send_signal(signal.SIGTERM)
    server.wait()
    senders.stop()
    known = {row[0] for row in server.query("SELECT event_id FROM events")}
    assert known >= set(senders.acknowledged)
    pos.stop()
