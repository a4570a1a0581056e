"""GET /metrics: Prometheus can read it, and it says what happened."""

import http.client
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

from conftest import DEADLINE, ROOT, payload, received

pytestmark = [pytest.mark.once, pytest.mark.both]

SMALL = payload("created-small.json")
ALERTS = ROOT / "server" / "admin" / "alerts.yml"


def scrape(server, method="GET"):
    host, port = server.admin.removeprefix("http://").rsplit(":", 1)
    conn = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
    conn.request(method, "/metrics")
    answer = conn.getresponse()
    assert answer.status == 200
    assert answer.getheader("content-type").startswith(
        "text/plain; version=0.0.4")
    text = answer.read().decode()
    conn.close()
    return text


def values(server):
    return server.metrics()


def promtool(*args, input=None):
    if shutil.which("promtool") is None:
        pytest.skip("no promtool: `./run test` unpacks it")
    done = subprocess.run(["promtool", *map(str, args)], input=input,
                          capture_output=True, timeout=DEADLINE)
    assert done.returncode == 0, done
    assert not done.stderr, done.stderr.decode()
    return done.stdout.decode()


@pytest.fixture
def busy(klikitd, tmp_path):
    """A server to which some of everything has happened."""
    (tmp_path / "far.sh").write_text(f"exit $(cat {tmp_path}/code)")
    server = klikitd(
        config="[http]\nlisten = 127.0.0.1:0\n"
        "[handler orders]\ntype = orders\n"
        "[handler pos]\ntype = exec\nevents = *\nretry = 1h\n"
        f"command = /bin/sh {tmp_path}/far.sh\nonce_per_order = no\n")
    server.expect("retry in", "dead", "refused", "another body")
    for i, code in enumerate(("0", "3", "75")):
        (tmp_path / "code").write_text(code)
        received(server.deliver(SMALL, f"e{i}"))
        server.wait_query(
            "SELECT count(*) FROM jobs WHERE handler = 2 AND attempts = 1 "
            "AND state IN ('done', 'waiting', 'dead')", [(i + 1,)])
    received(server.deliver(SMALL, "e3"))  # behind the one that waits
    server.deliver(SMALL, "e0")
    server.post(SMALL + b"\n", "e0")
    server.post(SMALL, "bad", signature="0" * 64)
    server.post(b"[1,", "json")
    server.wait_query("SELECT count(*) FROM rejections", [(3,)])
    server.wait_query("SELECT count(*) FROM jobs WHERE handler = 1 "
                      "AND finished_at IS NULL", [(0,)])
    return server


def test_promtool_has_nothing_to_say(busy):
    assert promtool("check", "metrics", input=scrape(busy).encode()) == ""
    assert scrape(busy, "HEAD") == ""


def test_the_rules_are_sound_and_use_only_what_exists(busy):
    promtool("check", "rules", ALERTS)
    text = scrape(busy)
    families = set(re.findall(r"^# TYPE (\S+) ", text, re.M))
    families |= {f + end for f in families
                 for end in ("_bucket", "_sum", "_count")
                 if f"# TYPE {f} histogram" in text}
    expressions = re.sub(r"#.*", "", ALERTS.read_text())
    named = set(re.findall(r"\bklikitd_[a-z_]+", expressions))
    assert len(named) > 15
    assert named <= families, named - families
    for label, name in re.findall(r"(klikitd_[a-z_]+)\{(\w+)[!=]",
                                  expressions):
        assert re.search(rf"^{label}\{{.*\b{name}=", text, re.M), (label, name)


def test_it_counts_what_happened(busy):
    v = values(busy)
    wanted = {
        'klikitd_deliveries_total{result="received"}': 4,
        'klikitd_deliveries_total{result="duplicate"}': 2,
        'klikitd_deliveries_total{result="refused"}': 2,
        'klikitd_deliveries_total{result="busy"}': 0,
        "klikitd_id_conflicts_total": 1,
        'klikitd_rejections_total{cause="signature"}': 1,
        'klikitd_rejections_total{cause="invalid_json"}': 1,
        'klikitd_rejections_total{cause="id_conflict"}': 1,
        'klikitd_diagnoses_total{result="skipped"}': 0,
        'klikitd_attempts_total{handler="pos",outcome="done"}': 1,
        'klikitd_attempts_total{handler="pos",outcome="dead"}': 1,
        'klikitd_attempts_total{handler="pos",outcome="retry"}': 1,
        'klikitd_attempts_total{handler="orders",outcome="done"}': 4,
        'klikitd_jobs_pending{handler="pos"}': 2,
        'klikitd_jobs_pending{handler="orders"}': 0,
        'klikitd_jobs_dead{handler="pos"}': 1,
        "klikitd_lanes_blocked": 1,
        'klikitd_handler_paused{handler="pos"}': 0,
        'klikitd_handler_call_seconds_count{handler="pos"}': 3,
        'klikitd_handler_call_seconds_bucket{handler="pos",le="+Inf"}': 3,
        'klikitd_events_total{type="klikit.order.created"}': 4,
        'klikitd_events_total{type="other"}': 0,
        "klikitd_rejections_of_klikit_total": 1,
        "klikitd_ack_seconds_count": 4,
        'klikitd_ack_seconds_bucket{le="+Inf"}': 4,
        "klikitd_end_to_end_seconds_count": 5,
        "klikitd_ready": 1,
        "klikitd_store_ready": 1,
        "klikitd_store_damaged": 0,
        "klikitd_store_repairs_total": 0,
        "klikitd_queue_bytes": 0,
        'klikitd_connections{listener="admin"}': 1,
        'klikitd_requests_total{listener="public"}': 8,
        "klikitd_stream_readers": 0,
    }
    assert {name: v[name] for name in wanted} == wanted
    assert v["klikitd_store_bytes"] > 0
    if not busy.store:  # of another machine's disk nothing is known
        assert v["klikitd_store_free_bytes"] > 0 < v["klikitd_store_wal_bytes"]
    assert v["klikitd_commit_operations_sum"] >= 4 + 5
    assert v["klikitd_commit_operations_count"] <= (
        v["klikitd_commit_operations_sum"])
    start = v["process_start_time_seconds"]
    assert time.time() - DEADLINE < start < time.time()
    for name in ('klikitd_oldest_pending_timestamp_seconds{handler="pos"}',
                 'klikitd_last_valid_event_timestamp_seconds{branch="2041"}',
                 'klikitd_secret_last_used_timestamp_seconds{secret="default"}',
                 "klikitd_store_figures_timestamp_seconds"):
        assert start < v[name] <= time.time(), name
    assert 'klikitd_oldest_pending_timestamp_seconds{handler="orders"}' not in v
    assert 'klikitd_handler_call_seconds_count{handler="orders"}' not in v


def test_the_process_is_seen_as_prometheus_sees_others(busy):
    v = values(busy)
    assert 0 < v["process_cpu_seconds_total"] < DEADLINE
    pages = [int(n) * os.sysconf("SC_PAGESIZE") for n in pathlib.Path(
        f"/proc/{busy.pid}/statm").read_text().split()[:2]]
    for name, wanted in zip(("process_virtual_memory_bytes",
                             "process_resident_memory_bytes"), pages):
        assert abs(v[name] - wanted) < wanted / 2, name
    assert 10 < v["process_open_fds"] < v["process_max_fds"]
    # One more is open while it is asked again.
    conn = busy.connect()
    conn.connect()
    conn.request("GET", "/healthz")
    conn.getresponse().read()
    assert values(busy)["process_open_fds"] == v["process_open_fds"] + 1
    conn.close()


def test_types_are_a_bounded_set(server):
    """A captured body can be sent again under any type."""
    for i, kind in enumerate(("klikit.order.created.v7", "klikit.order.cart."
                              "updated", "klikit.order.lost", "x" * 200)):
        received(server.deliver(SMALL, f"e{i}", type=kind))
    server.expect("unknown event type")
    assert {name: n for name, n in values(server).items()
            if name.startswith("klikitd_events_total")} == {
        'klikitd_events_total{type="klikit.order.created"}': 1,
        'klikitd_events_total{type="klikit.order.status.updated"}': 0,
        'klikitd_events_total{type="klikit.order.cart.updated"}': 1,
        'klikitd_events_total{type="other"}': 2,
    }


def test_a_replay_and_a_pause_show(busy):
    dead = busy.query("SELECT id FROM jobs WHERE state = 'dead'")[0][0]
    assert busy.ask("POST", "/api/v1/handlers/pos/pause", {})[0] == 200
    assert busy.ask("POST", "/api/v1/jobs/replay",
                    {"ids": [dead]})[2]["replayed"] == 1
    wanted = ('klikitd_jobs_dead{handler="pos"}',
              'klikitd_handler_paused{handler="pos"}')
    for _ in range(DEADLINE * 10):  # what the store counted is kept a second
        v = values(busy)
        if [v[name] for name in wanted] == [0, 1]:
            break
    assert [v[name] for name in wanted] == [0, 1]


def test_what_was_long_ago_is_known_after_a_restart(server):
    received(server.post(SMALL, "e1"))
    server.wait_processed()
    server.restart()
    received_at = server.query("SELECT received_at FROM events")[0][0]
    for _ in range(DEADLINE * 10):  # read beside the start
        v = values(server)
        name = 'klikitd_secret_last_used_timestamp_seconds{secret="default"}'
        if name in v:
            break
    assert abs(v[name] - received_at / 1000) < 0.01
    assert abs(v['klikitd_last_valid_event_timestamp_seconds{branch="2041"}'] -
               received_at / 1000) < 5
    assert v['klikitd_deliveries_total{result="received"}'] == 0


def test_branches_are_a_bounded_set_and_their_names_are_escaped(server):
    def body(branch):
        return ('{"brand_id":1,"branch_id":"%s","orders":[]}' %
                branch).encode()

    odd = 'a\\"b\\nc\\\\d'  # as JSON has it: a"b, a line end, c\d
    received(server.post(body(odd), "odd"))
    received(server.post(body(100 * "x"), "long"))
    for i in range(70):
        received(server.post(body(i), f"e{i}"))
    text = scrape(server)
    names = re.findall(r"^klikitd_last_valid_event_timestamp_seconds"
                       r'\{branch="(.*)"\}', text, re.M)
    assert len(names) == 65 and "other" in names
    assert 'a\\"b\\nc\\\\d' in names
    promtool("check", "metrics", input=text.encode())


def test_a_secret_with_an_end_is_shown_and_no_secret_is(klikitd, tmp_path):
    (tmp_path / "old").write_text("the-old-secret")
    server = klikitd(config="[http]\nlisten = 127.0.0.1:0\n[secret old]\n"
                     f"file = {tmp_path}/old\n"
                     "valid_until = 2099-01-01T00:00:00Z\n")
    v = values(server)
    assert v['klikitd_secret_valid_until_timestamp_seconds{secret="old"}'] == (
        4070908800)
    text = scrape(server)
    assert "the-old-secret" not in text
    assert server.secret.decode() not in text


def test_many_scrapes_at_once_share_one_count(server):
    """Many at once are told from one count."""
    received(server.post(SMALL, "e1"))
    host, port = server.admin[7:].split(":")
    conns = [http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
             for _ in range(20)]
    for conn in conns:
        conn.request("GET", "/metrics")
    texts = [conn.getresponse().read() for conn in conns]
    assert all(b"klikitd_store_bytes " in text for text in texts)
    for conn in conns:
        conn.close()


def test_scrapes_under_way_do_not_keep_a_server_from_ending(server):
    host, port = server.admin[7:].split(":")
    conns = [http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
             for _ in range(50)]
    for conn in conns:
        conn.request("GET", "/metrics")
    server.stop()  # with 0, and nothing of a sanitizer
    for conn in conns:
        conn.close()
