"""What Prometheus makes of klikitd: a real one scrapes it, every query of the
dashboard has an answer, and each rule fires when it should and not before."""

import json
import re
import subprocess
import time
import urllib.parse
import urllib.request

import pytest

from certificates import Authority
from conftest import DEADLINE, ROOT, payload, received
from https import client
from unpacked import Home, free_port, program

pytestmark = pytest.mark.once

ADMIN = ROOT / "server" / "admin"
RULES = ADMIN / "alerts.yml"
DASHBOARD = json.loads((ADMIN / "dashboard.json").read_text())
GUIDE = ROOT / "server" / "docs" / "troubleshoot.md"
SMALL = payload("created-small.json")


def rules():
    """The text of each rule, by its name."""
    parts = re.split(r"^ +- alert: (\w+)$", RULES.read_text(), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


# -- A real Prometheus --


class Prometheus:
    """It scrapes one klikitd, and has its rules."""

    def __init__(self, server):
        self.home = Home("prometheus")
        self.port = free_port()
        rules = self.home.write("alerts.yml", RULES.read_bytes())
        config = self.home.write("prometheus.yml", f"""
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
  evaluation_interval: 1s
rule_files: [{rules}]
scrape_configs:
  - job_name: klikitd
    static_configs:
      - targets: ["{server.admin.removeprefix('http://')}"]
""")
        self.process = self.home.start(
            [self.home.program("prometheus"), f"--config.file={config}",
             f"--storage.tsdb.path={self.home.path}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"])

    def ask(self, path, **query):
        """Its answer, or None as long as there is none."""
        url = (f"http://127.0.0.1:{self.port}/api/v1/{path}?"
               f"{urllib.parse.urlencode(query)}")
        try:
            with urllib.request.urlopen(url, timeout=DEADLINE) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            if error.code != 503:  # not ready yet
                raise AssertionError(f"{query}: {error.read()}") from None
        except OSError:
            pass
        assert self.process.poll() is None, self.home.log()
        return None

    def wait(self, condition, what):
        end = time.monotonic() + DEADLINE
        while not (found := condition()):
            assert time.monotonic() < end, f"no {what}\n{self.home.log()}"
            time.sleep(0.05)  # it tells nobody when it has scraped
        return found

    def query(self, text):
        """The samples of an expression; NaN is none."""
        answer = self.ask("query", query=text)
        return answer and [s for s in answer["result"]
                           if s["value"][1] != "NaN"]

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.home.remove()


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("prometheus"))


@pytest.fixture
def server(klikitd, authority, tmp_path):
    """One that has all that a panel shows: TLS, handlers of which one is
    always failing, backups, an endpoint."""
    pair = authority.make("server")
    (tmp_path / "backups").mkdir()
    server = klikitd(config=f"""[http]
listen = 127.0.0.1:0
[tls]
certificate = {pair.path}
key = {pair.key}
[backup]
dir = {tmp_path}/backups
every = 1s
[handler orders]
type = orders
[handler pos]
type = exec
command = /bin/true
[handler printer]
type = exec
command = /bin/sh -c 'exit 75'
retry = 1h
""")
    server.tls = client(authority)
    server.expect("retry in", "calls failed in a row", "refused", "backup: ")
    return server


@pytest.fixture
def prometheus(server):
    it = Prometheus(server)
    yield it
    it.close()


def panels():
    """Each panel that asks something, and what it asks."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], target["expr"]


def put_in(expression):
    """What Grafana puts in."""
    return (expression.replace("$instance", ".*")
            .replace("$__rate_interval", "1m"))


def test_every_panel_shows_something(server, prometheus):
    """And every rule can be evaluated on what is really there."""
    seen = prometheus.wait(lambda: prometheus.query("klikitd_ready"), "scrape")
    assert seen[0]["value"][1] == "1"
    for i in range(3):
        received(server.deliver(SMALL, f"e{i}"))
    assert server.post(SMALL, "bad", signature="0" * 64)[0] == 401
    server.wait_query("SELECT count(*) FROM jobs WHERE finished_at IS NULL",
                      [(3,)])
    asked = list(panels())
    assert len(asked) > 30
    for title, expression in asked:
        prometheus.wait(lambda: prometheus.query(put_in(expression)),
                        f"answer for {title}: {expression}")
    prometheus.wait(lambda: prometheus.query(
        "sum(klikitd_events_total) == 3"), "third event")
    evaluated = prometheus.wait(lambda: [
        rule for group in prometheus.ask("rules")["groups"]
        for rule in group["rules"] if rule["health"] != "unknown"] or None,
        "evaluation")
    assert {rule["name"] for rule in evaluated} == set(rules())
    assert [rule for rule in evaluated if rule["health"] != "ok"] == []
    assert prometheus.ask("targets")["activeTargets"][0]["lastError"] == ""


def test_the_dashboard_names_only_what_exists(server):
    """No two panels lie on each other, and none lacks a title."""
    families = set(re.findall(r"^# TYPE (\S+) ", server.metrics_text(), re.M))
    named = {re.sub(r"_(bucket|sum|count)$", "", name) for _, text in panels()
             for name in re.findall(r"\b(?:klikitd|process)_\w+", text)}
    assert named <= families, named - families
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))
    places = [(x, y) for panel in DASHBOARD["panels"]
              for place in [panel["gridPos"]]
              for x in range(place["x"], place["x"] + place["w"])
              for y in range(place["y"], place["y"] + place["h"])]
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) < 24
    assert all(panel["title"] for panel in DASHBOARD["panels"])


# -- When a rule fires --

DAY = 86400
# By rule: what fires it (values of each minute, as promtool writes them), the
# minute in which it does, the last one in which it must not yet, and what must
# never fire it. `x60' is sixty more of the same.
CASES = {
    "KlikitdDown": ({"up": "0x60"}, 6, 4, {"up": "1x60"}),
    "KlikitdStoreNotReady": ({"klikitd_store_ready": "1x5 0x60"}, 9, 6,
                             {"klikitd_store_ready": "1x5 0 1x60"}),
    "KlikitdNotReady": (
        {"klikitd_ready": "0x60", "klikitd_store_ready": "1x60"}, 6, 4,
        # That has a rule of its own.
        {"klikitd_ready": "0x60", "klikitd_store_ready": "0x60"}),
    "KlikitdQueueNearlyFull": (
        {"klikitd_queue_bytes": "90x60", "klikitd_queue_limit_bytes":
         "100x60"}, 3, 1,
        {"klikitd_queue_bytes": "70x60", "klikitd_queue_limit_bytes":
         "100x60"}),
    "KlikitdRejections": (
        {"klikitd_rejections_of_klikit_total": "0x20 1x60"}, 24, 19,
        {"klikitd_rejections_of_klikit_total": "7x60",
         # A stranger's.
         'klikitd_rejections_total{cause="signature"}': "0+100x60"}),
    "KlikitdOnlyForgeries": (
        {'klikitd_rejections_total{cause="signature"}': "0x20 0+1x60",
         'klikitd_deliveries_total{result="received"}': "5x80",
         'klikitd_deliveries_total{result="duplicate"}': "1x80"}, 45, 22,
        {'klikitd_rejections_total{cause="signature"}': "0x20 0+1x60",
         'klikitd_deliveries_total{result="received"}': "0+1x80",
         'klikitd_deliveries_total{result="duplicate"}': "1x80"}),
    "KlikitdProbeFails": ({"klikitd_probe_success": "0x60"}, 4, 2,
                          {"klikitd_probe_success": "1 0 1x60"}),
    "KlikitdBranchSilent": (
        {'klikitd_alert_active{kind="branch_silent"}': "2x60"}, 6, 4,
        {'klikitd_alert_active{kind="branch_silent"}': "0x60",
         'klikitd_alert_active{kind="disk"}': "1x60"}),
    "KlikitdHubCut": (
        {'klikitd_upstream_connected{upstream="hub"}': "1x5 0x60"}, 21, 19,
        # A slow night: it came back each time.
        {'klikitd_upstream_connected{upstream="hub"}':
         "0x10 1 0x12 1 0x12 1x30"}),
    "KlikitdDeadJobs": (
        {'klikitd_jobs_dead{handler="pos"}': "1x60"}, 6, 4,
        # Somebody has replayed it at once.
        {'klikitd_jobs_dead{handler="pos"}': "1x3 0x60"}),
    "KlikitdHandlerFailing": (
        {'klikitd_handler_probing{handler="pos"}': "1x60"}, 11, 9,
        {'klikitd_handler_probing{handler="pos"}': "1x8 0x60"}),
    "KlikitdBacklog": (
        {'klikitd_oldest_pending_timestamp_seconds{handler="pos"}': "60x60"},
        17, 15,
        {'klikitd_oldest_pending_timestamp_seconds{handler="pos"}': "0+60x60",
         # These have rules of their own.
         'klikitd_oldest_pending_timestamp_seconds{handler="a"}': "60x60",
         'klikitd_handler_paused{handler="a"}': "1x60",
         'klikitd_oldest_pending_timestamp_seconds{handler="b"}': "60x60",
         'klikitd_handler_probing{handler="b"}': "1x60"}),
    "KlikitdHandlerPaused": (
        {'klikitd_handler_paused{handler="pos"}': "1x90"}, 61, 59,
        {'klikitd_handler_paused{handler="pos"}': "1x50 0x60"}),
    "KlikitdAlarmRang": ({"klikitd_alarms_total": "0x10 1x60"}, 12, 9,
                         {"klikitd_alarms_total": "4x60"}),
    "KlikitdDiskNearlyFull": (
        {"klikitd_store_free_bytes": "200x60",
         "klikitd_store_floor_bytes": "64x60"}, 11, 9,
        {"klikitd_store_free_bytes": "300x60",
         "klikitd_store_floor_bytes": "64x60"}),
    "KlikitdDiskFills": (
        # 9 GB, and every minute 2.5 MB less: empty in 2.5 days.
        {"klikitd_store_free_bytes": "9e9-2500000x200",
         "klikitd_store_floor_bytes": "64000000x200"}, 70, 58,
        {"klikitd_store_free_bytes": "9e9-500000x200",
         "klikitd_store_floor_bytes": "64000000x200"}),
    "KlikitdStoreRepaired": (
        {"klikitd_store_repairs_total": "0x10 1x60"}, 12, 9,
        {"klikitd_store_repairs_total": "1x60"}),
    "KlikitdLogGrows": ({"klikitd_store_wal_bytes": "3e8x60"}, 16, 14,
                        {"klikitd_store_wal_bytes": "1e8x60"}),
    "KlikitdCertificateEnds": (
        {'klikitd_certificate_expiry_timestamp_seconds{certificate="server"}':
         f"{2 * DAY + 600}x60"}, 11, 9,
        {'klikitd_certificate_expiry_timestamp_seconds{certificate="server"}':
         f"{3 * DAY}x60"}),
    "KlikitdCertificateExpires": (
        {'klikitd_certificate_expiry_timestamp_seconds{certificate="server"}':
         f"{14 * DAY + 600}x60"}, 11, 9,
        {'klikitd_certificate_expiry_timestamp_seconds{certificate="server"}':
         f"{15 * DAY}x60"}),
    "KlikitdSecretExpires": (
        {'klikitd_secret_valid_until_timestamp_seconds{secret="old"}':
         f"{3 * DAY + 600}x60",
         'klikitd_secret_last_used_timestamp_seconds{secret="old"}':
         "900x60"}, 11, 9,
        # Nobody has used it for long.
        {'klikitd_secret_valid_until_timestamp_seconds{secret="old"}':
         f"{3 * DAY + 600}x60",
         'klikitd_secret_last_used_timestamp_seconds{secret="old"}':
         f"{-2 * DAY}x60"}),
    "KlikitdSecretUnused": (
        {'klikitd_secret_last_used_timestamp_seconds{secret="old"}':
         f"{600 - 14 * DAY}x60"}, 11, 9,
        {'klikitd_secret_last_used_timestamp_seconds{secret="old"}':
         f"{-13 * DAY}x60"}),
    "KlikitdClockNotBelieved": ({"klikitd_clock_believed": "0x90"}, 61, 59,
                                {"klikitd_clock_believed": "0x50 1x60"}),
    "KlikitdBackupOld": (
        {"klikitd_backup_interval_seconds": "3600x200",
         "klikitd_backup_last_success_timestamp_seconds": "60x200"}, 137, 135,
        {"klikitd_backup_interval_seconds": "0x200",  # none are wanted
         "klikitd_backup_last_success_timestamp_seconds": "60x200"}),
    "KlikitdBackupFails": (
        {"klikitd_backup_failures_total": "0+1x60"}, 10, 2,
        {"klikitd_backup_failures_total": "0x10 2x60"}),
    "KlikitdBackupNotHandedOn": (
        {"klikitd_backup_push_failures_total": "0+1x60"}, 10, 2,
        {"klikitd_backup_push_failures_total": "0x10 2x60"}),
    "KlikitdSlowAcks": (
        {'klikitd_ack_seconds_bucket{le="1"}': "0x60",
         'klikitd_ack_seconds_bucket{le="5"}': "0+9x60",
         'klikitd_ack_seconds_bucket{le="+Inf"}': "0+9x60"}, 13, 9,
        {'klikitd_ack_seconds_bucket{le="1"}': "0+9x60",
         'klikitd_ack_seconds_bucket{le="5"}': "0+9x60",
         'klikitd_ack_seconds_bucket{le="+Inf"}': "0+9x60"}),
    "KlikitdConnectionsShort": (
        {'klikitd_room_cuts_total{listener="public",limit="connections"}':
         "0+1x60"}, 33, 29,
        {'klikitd_room_cuts_total{listener="public",limit="connections"}':
         "0x10 9x60"}),
    "KlikitdFailuresLimited": (
        {'klikitd_limited_requests_total{listener="public"}': "0+1x60"}, 13,
        9, {'klikitd_limited_requests_total{listener="public"}': "0 9x60"}),
    "KlikitdMemoryShort": (
        {'klikitd_guard_cuts_total{listener="public",'
         'limit="unverified_bytes"}': "0+1x60"}, 13, 9,
        {'klikitd_guard_cuts_total{listener="public",limit="body"}':
         "0+1x60"}),
    "KlikitdLogDropped": (
        {"klikitd_log_dropped_lines_total": "0x10 5x60"}, 12, 9,
        {"klikitd_log_dropped_lines_total": "5x60"}),
}


def series(values, instance):
    """As promtool reads them."""
    def named(name):
        name, _, labels = name.partition("{")
        own = f'instance="{instance}",job="klikitd"'
        return f"{name}{{{own}{',' if labels else ''}{labels or '}'}"
    return [{"series": named(name), "values": numbers}
            for name, numbers in values.items()]


def test_each_rule_fires_when_it_should(tmp_path):
    """promtool's own unit tests, made of the table above: each case is a
    receiver of its own."""
    assert set(CASES) == set(rules())
    given, asked = [], []
    for name, (bad, fires, quiet, good) in CASES.items():
        def ask(what, minute, samples):
            asked.append({
                "expr": f'count(ALERTS{{alertname="{name}",alertstate='
                        f'"firing",instance="{name}-{what}"}})',
                "eval_time": f"{minute}m", "exp_samples": samples})
        given += series(bad, f"{name}-bad") + series(good, f"{name}-good")
        ask("bad", quiet, [])
        ask("bad", fires, [{"labels": "{}", "value": 1}])
        for minute in quiet, fires, fires + 20:
            ask("good", minute, [])
    path = tmp_path / "rules.yml"  # JSON is YAML
    path.write_text(json.dumps({
        "rule_files": [str(RULES)], "evaluation_interval": "1m",
        "tests": [{"interval": "1m", "input_series": given,
                   "promql_expr_test": asked}]}))
    done = subprocess.run([program("promtool"), "test", "rules", path],
                          capture_output=True, text=True, timeout=3 * DEADLINE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout + done.stderr


def test_each_rule_has_a_page_that_says_what_to_do():
    """And says whom it may wake: only what loses orders is a page."""
    headings = {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower()
                .replace(" ", "-") for line in GUIDE.read_text().splitlines()
                if line.startswith("#")}
    for name, text in rules().items():
        url, = re.findall(r"runbook_url: (\S+)$", text, re.M)
        path, _, heading = url.partition("#")
        assert path == "file:///usr/share/doc/klikitd/troubleshoot.md"
        assert heading in headings, name
        assert re.search(r"labels: \{severity: (page|ticket)\}", text), name
        assert "summary: " in text and "description: " in text, name
        if re.search(r"predict_linear|Expires|Unused|Backup", name + text):
            assert "severity: ticket" in text, name
