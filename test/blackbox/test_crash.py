"""Power switches: what was acknowledged is there, exactly once."""

import pytest

from load import Senders

pytestmark = pytest.mark.both


def stored_ids(server):
    return [row[0] for row in server.query("SELECT event_id FROM events")]


def check_sound(server):
    """The file's structure, and the rules between its tables."""
    if not server.store:
        assert server.query("PRAGMA integrity_check") == [("ok",)]
    assert server.query("""
        SELECT count(*) FROM events e WHERE
            (SELECT count(*) FROM bodies WHERE event = e.id) != 1 OR
            (SELECT count(*) FROM event_orders WHERE event = e.id) != 1 OR
            (SELECT count(*) FROM jobs WHERE event = e.id) != 1
        """) == [(0,)]
    assert server.query("""
        SELECT count(*) FROM lanes l JOIN jobs j ON j.id = l.job
        WHERE j.finished_at IS NOT NULL""") == [(0,)]
    assert server.query("""
        SELECT count(*) FROM jobs j WHERE finished_at IS NULL AND behind !=
            (SELECT count(*) FROM lanes a WHERE a.job = j.id AND EXISTS
                (SELECT 1 FROM lanes b WHERE b.handler = a.handler AND
                 b.lane = a.lane AND b.job < a.job))""") == [(0,)]


@pytest.mark.parametrize("kills", [
    50, pytest.param(500, marks=pytest.mark.long)])
def test_kill_at_random_loses_and_doubles_nothing(klikitd, rng, kills):
    server = klikitd(config="[http]\nlisten = 127.0.0.1:0\n")
    port = server.port
    server.write_config(f"[http]\nlisten = 127.0.0.1:{port}\n")
    senders = Senders(server, restarts=True)
    for _ in range(kills):
        senders.wait_for(rng.randrange(1, 60))
        server.kill()
        server.start()
        assert server.port == port
    senders.wait_for(50)
    senders.stop()
    server.wait_processed()

    ids = stored_ids(server)
    assert len(ids) == len(set(ids))
    assert set(senders.acknowledged) <= set(ids)
    assert len(senders.acknowledged) == len(set(senders.acknowledged))
    assert not senders.refused
    check_sound(server)
    assert server.query("SELECT DISTINCT state FROM jobs") == [("done",)]


def test_events_are_processed_after_a_restart(klikitd):
    """A server killed right after an ack does the work at the next start."""
    server = klikitd(config="[http]\nlisten = 127.0.0.1:0\n")
    senders = Senders(server, count=16)
    senders.wait_for(200)
    server.kill()
    senders.stop()
    server.start()
    server.wait_processed()
    check_sound(server)


@pytest.mark.sqlite("a file that was not closed")
def test_an_unclean_stop_is_followed_by_a_check(server):
    senders = Senders(server, count=2)
    senders.wait_for(5)
    server.kill()
    senders.stop()
    server.start()
    server.wait_log("checked after an unclean stop: sound")
