"""Who fails verification on and on is answered 429; klikit is not locked out."""

import time

import pytest

from conftest import CREATED, received, sign
from strangers import GOOD, STRANGER, metric
from wire import Wire, delivery

STRICT = "[http]\nmax_failures = {}\nfailure_work = 0\n"
BEYOND = "too many deliveries from"
REFUSED = "delivery .* refused"
FORGED = "0" * 64
SECRETS = 16  # as many as there may be, so that a forgery costs most
MIB = 1024 * 1024


def fail_until(server, wire, statuses, most=2000, body=b"{}", **how):
    """Send forgeries until one is answered otherwise. Returns that answer."""
    how = how or {"signature": FORGED}
    for _ in range(most):
        answer = wire.send(delivery(server, body, **how)).answer()
        if answer.status not in statuses:
            return answer
    raise AssertionError(f"{most} were answered {statuses}")


def limited(server, listener="public"):
    return metric(server, "klikitd_limited_requests_total", listener=listener)


@pytest.mark.parametrize("how,status", [
    ({"signature": FORGED}, 401), ({"drop": ("x-klikit-event-id",)}, 400),
    ({"type": "x" * 300}, 400)])
def test_who_fails_too_often_is_answered_429(klikitd, how, status):
    server = klikitd(config=STRICT.format(20))
    server.expect(BEYOND, REFUSED)
    with Wire(server, source=STRANGER) as stranger:
        for _ in range(20):
            answer = stranger.send(delivery(server, **how)).answer()
            assert answer.status == status
        answer = fail_until(server, stranger, (status,), **how)
        assert answer.status == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 3
        assert "failed" in answer.json()["error"]
        received(server.deliver(b'{"orders":[]}', source=GOOD))
        assert limited(server) >= 1
        assert metric(server, "klikitd_deliveries_total",
                      result="limited") == limited(server)
        # Not a word on secrets: what is good is not looked at either.
        assert fail_until(server, stranger, (status,), **how).status == 429
    log = server.final_log()
    assert log.count(BEYOND) in (1, 2), log  # a line a minute
    assert f"http: {BEYOND} {STRANGER} failed verification" in log


def test_by_default_a_stranger_in_the_same_tunnel_shuts_nobody_out(server):
    server.expect(REFUSED)
    with Wire(server) as stranger:
        # 600 a minute, and some that are answered later.
        for count in (300, 300, 5):
            stranger.send(delivery(server, signature=FORGED) * count)
            assert {stranger.answer().status for _ in range(count)} == {401}
        received(server.deliver(b'{"orders":[]}'))
    assert limited(server) == 0


def test_who_is_beyond_its_allowance_is_refused_later(klikitd):
    """Whether it is looked at or not; what is good is answered at once."""
    for work, status in (("1m", 401), ("0", 429)):
        server = klikitd(config="[http]\nmax_failures = 1\n"
                         f"failure_work = {work}\n")
        server.expect(BEYOND, REFUSED)
        with Wire(server, source=STRANGER) as stranger, \
                Wire(server, source=GOOD) as good:
            for _ in range(2):  # the allowance
                stranger.send(delivery(server, signature=FORGED)).answer()
            for _ in range(2):
                sent = time.monotonic()
                stranger.send(delivery(server, signature=FORGED))
                assert good.send(delivery(server)).answer().status == 200
                assert stranger.answer().status == status
                assert time.monotonic() - sent > 0.29  # never sooner
            stranger.send(delivery(server, signature=FORGED))
            if status == 401:  # of its address, too, what is good
                received(server.deliver(b'{"orders":[]}', source=STRANGER))
            server.stop()


def test_beyond_the_work_there_is_time_for_a_good_one_again(klikitd, tmp_path):
    (tmp_path / "other").write_text("another secret")
    sections = "".join(f"[secret s{i}]\nfile = {tmp_path}/other\n"
                       for i in range(SECRETS - 1))
    server = klikitd(config="[http]\nmax_failures = 1\nfailure_work = 1m\n" +
                     sections)
    server.expect(BEYOND, REFUSED)
    with Wire(server, source=STRANGER) as stranger:
        answer = fail_until(server, stranger, (401,), body=b"x" * (MIB // 4))
        assert answer.status == 429
        assert 1 <= int(answer.headers["retry-after"]) <= 5
        again = fail_until(
            server, stranger, (429,), most=1000000, event_id="good-one",
            signature=sign(b"{}"))
        assert (again.status, again.json()) == (200, {"status": "received"})


def test_a_new_secret_forgives_what_failed_by_the_old_one(klikitd):
    """A partner has a new secret before we do."""
    server = klikitd(start=False, secret=None, config=STRICT.format(1) +
                     "[klikit]\nsecret_file = secret\n")
    secret = server.directory / "secret"
    secret.write_text("the old secret")
    server.expect(BEYOND, REFUSED)
    server.start()
    server.secret = b"the new secret"
    with Wire(server, source=STRANGER) as partner:
        assert fail_until(server, partner, (401,), type=CREATED).status == 429
        secret.write_bytes(server.secret)
        server.reload()
        answer = partner.send(delivery(server)).answer()
        assert answer.json() == {"status": "received"}


def test_behind_a_trusted_proxy_it_is_the_client_who_is_limited(klikitd):
    """Neither the proxy nor another client of it, on the same connection."""
    server = klikitd(config=STRICT.format(1) +
                     f"trusted_proxies = {STRANGER}\n")
    server.expect(BEYOND, REFUSED)
    forger = {"signature": FORGED,
              "extra": ("X-Forwarded-For: 198.51.100.7",)}
    with Wire(server, source=STRANGER) as proxy:
        assert fail_until(server, proxy, (401,), **forger).status == 429
        for extra in ((), ("X-Forwarded-For: 203.0.113.9",)):
            answer = proxy.send(delivery(server, extra=extra)).answer()
            assert answer.status == 200
        assert fail_until(server, proxy, (), **forger).status == 429
    assert f"http: {BEYOND} 198.51.100.7 failed" in server.final_log()


def test_the_limit_changes_live(klikitd):
    server = klikitd(config=STRICT.format(0))
    server.expect(BEYOND, REFUSED)
    with Wire(server, source=STRANGER) as stranger:
        for _ in range(30):
            assert stranger.send(delivery(
                server, signature=FORGED)).answer().status == 401
        server.write_config(STRICT.format(5))
        server.reload()
        assert fail_until(server, stranger, (401,)).status == 429
        server.write_config(STRICT.format(0))
        server.reload()
        received(server.deliver(b'{"orders":[]}', source=STRANGER))
