"""What strangers send costs little, and pushes out nothing that was signed."""

import contextlib
import http.client
import json
import threading
import time

import pytest

from conftest import DEADLINE, payload, received, sign

pytestmark = pytest.mark.both

SMALL = payload("created-small.json")
FORGED = "0" * 64
BROKEN = b'{"orders": ['
REFUSED = r"refused: (signature|invalid_json|id_conflict)|another body"


@pytest.fixture
def server(klikitd):
    # Floods come as fast as they can: none is slowed down.
    made = klikitd(config="[http]\nmax_failures = 0\n")
    made.expect(REFUSED)
    return made


def connect(server, source):
    return http.client.HTTPConnection("127.0.0.1", server.port,
                                      timeout=DEADLINE,
                                      source_address=(source, 0))


def forge(server, conn, n, body=b"{}"):
    """Deliver n that nobody has signed."""
    for i in range(n):
        code, _, _ = server.post(body, f"forged-{i}", signature=FORGED,
                                 connection=conn)
        assert code == 401


@contextlib.contextmanager
def flood(server, source, threads=3):
    """Forgeries from one address, as many as it can send."""
    over = threading.Event()
    begun = threading.Semaphore(0)
    failed = []

    def run():
        conn = connect(server, source)
        try:
            while not over.is_set():
                forge(server, conn, 50, b" " * 600)
                begun.release()
        except Exception as error:
            failed.append(error)
            begun.release()
        conn.close()

    running = [threading.Thread(target=run, daemon=True)
               for _ in range(threads)]
    for thread in running:
        thread.start()
    try:
        for _ in range(4):
            assert begun.acquire(timeout=DEADLINE)
        yield
    finally:
        over.set()
        for thread in running:
            thread.join(DEADLINE)
    assert not failed, failed


def rows(server, where="1 = 1"):
    return server.query(f"SELECT count(*) FROM rejections WHERE {where}")[0][0]


def fill_ring(server):
    """As many strangers' rows as there may be of all, after what is there."""
    server.change("""INSERT INTO rejections (at, peer, cause, size, class)
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL
            SELECT i + 1 FROM n WHERE i < 9999)
        SELECT 1750000000000 + i, '192.0.2.1:1', 'signature', 0, 0 FROM n""")


def test_an_authentic_rejection_survives_forgeries(server):
    """Of one address, and of many: each class has its own ring."""
    code, _, _ = server.post(BROKEN, "broken")
    assert code == 400
    server.wait_query("SELECT count(*) FROM rejections", [(1,)])
    server.stop()
    fill_ring(server)
    server.start()
    conn = connect(server, "127.0.0.2")
    forge(server, conn, 20)
    conn.close()
    for i in range(40):
        conn = connect(server, f"127.1.{i}.1")
        forge(server, conn, 1)
        conn.close()
    server.stop()
    assert server.query("SELECT body FROM rejections "
                        "WHERE cause = 'invalid_json'") == [(BROKEN,)]
    assert rows(server, "cause = 'signature'") <= 4000
    # The newest of them are kept, as before.
    assert rows(server, "peer LIKE '127.%'") > 0


@pytest.mark.once
def test_a_flood_of_forgeries_is_sampled(server):
    """What is not kept is counted, and everybody says how much that is."""
    begin = time.monotonic()
    with flood(server, "127.0.0.2"):
        threading.Event().wait(20)  # the time is what is tested
    took = time.monotonic() - begin
    server.stop()
    # 2 MiB at once and 8 in an hour; such a row costs 3 KB and more.
    assert rows(server) < (2 + 8 * took / 3600) * 350 + 128


def test_who_asks_hears_how_many_are_not_kept(server):
    name = 'klikitd_rejections_not_kept_total{cause="signature"}'
    ticks = threading.Event()
    with flood(server, "127.0.0.2"):
        for _ in range(DEADLINE * 20):
            if server.metrics()[name] > 0:
                break
            ticks.wait(0.05)  # nothing tells when another process counts
    conn = connect(server, "127.0.0.3")
    forge(server, conn, 1)  # what came before it is dealt with before it
    conn.close()
    server.wait_query("SELECT count(*) FROM rejections "
                      "WHERE peer LIKE '127.0.0.3:%'", [(1,)])
    _, _, status = server.ask("GET", "/api/v1/status")
    said = status["counts"]["refused_not_kept"]
    refused = status["counts"]["refused"]["signature"]
    assert 0 < said < refused
    numbers = server.metrics()
    not_kept = numbers[name]
    assert said == not_kept
    _, _, page = server.ask("GET", "/api/v1/rejections?limit=500")
    listed = page["rejections"]
    assert sum(r["not_kept"] for r in listed) == not_kept
    assert len(listed) + not_kept == refused
    told = [json.loads(line) for line in
            server.do("rejections", "--json", "--limit", "500").splitlines()]
    assert [r["not_kept"] for r in told] == [r["not_kept"] for r in listed]
    assert "NOT KEPT" in server.do("rejections", "--limit", "3")


def test_another_address_is_diagnosed_during_a_flood(server):
    """Its forgery is examined and kept."""
    again = json.dumps(json.loads(SMALL), indent=1).encode()
    with flood(server, "127.0.0.2", threads=4):
        conn = connect(server, "127.0.0.3")
        for i in range(3):
            code, _, _ = server.post(again, f"changed-{i}", connection=conn,
                                     signature=sign(SMALL))
            assert code == 401
        conn.close()
        server.wait_query(
            "SELECT count(*) FROM rejections WHERE peer LIKE '127.0.0.3:%' "
            "AND code = 'body_reserialised'", [(3,)])


def test_a_captured_rejection_is_kept_once(server):
    """Under however many ids the signed body comes again."""
    conn = connect(server, "127.0.0.2")
    for i in range(400):
        code, _, _ = server.post(BROKEN, f"captured-{i}", connection=conn)
        assert code == 400
    conn.close()
    server.wait_query("SELECT count(*) > 0 FROM rejections", [(1,)])
    counts = server.ask("GET", "/api/v1/status")[2]["counts"]
    assert counts["refused"]["invalid_json"] == 400
    server.restart()
    before = server.query("SELECT repeats FROM rejections")[0][0]
    assert server.post(BROKEN, "captured-401")[0] == 400
    server.wait_query("SELECT repeats, body FROM rejections",
                      [(before + 1, BROKEN)])
    shown = json.loads(server.do("rejections", "--json"))
    assert shown["repeats"] == before + 1 and shown["last_at"] is not None
    assert server.final_log().count("refused: invalid_json") == 2


def test_captured_pairs_make_one_conflict(server):
    """Two signed bodies sent in turn under new ids: the second is kept once."""
    conn = connect(server, "127.0.0.2")
    other = SMALL + b"\n"
    for i in range(60):
        received(server.post(SMALL, f"id-{i}", connection=conn))
        code, _, answer = server.post(other, f"id-{i}", connection=conn)
        assert (code, answer) == (200, b'{"status":"duplicate-ignored"}')
    conn.close()
    server.wait_query("SELECT body FROM rejections", [(other,)])
    assert server.metrics()["klikitd_id_conflicts_total"] == 60
    assert server.final_log().count("another body") == 1


def test_a_captured_delivery_is_noted_seldom(server):
    """Resent under its id: all are answered and counted, few are written."""
    received(server.post(SMALL, "captured"))
    conn = connect(server, "127.0.0.2")
    for _ in range(300):
        code, _, answer = server.post(SMALL, "captured", connection=conn)
        assert (code, answer) == (200, b'{"status":"duplicate-ignored"}')
    conn.close()
    name = 'klikitd_deliveries_total{result="duplicate"}'
    assert server.metrics()[name] == 300
    noted = server.query("SELECT duplicates FROM events")[0][0]
    assert 16 <= noted <= 20
