"""Twenty addresses attack at once, for as long as they like: who delivers from
another one is answered, directly and through HAProxy, which says who they are
by a header field, by the PROXY protocol, or not at all."""

import contextlib
import threading
import time

import pytest

from attackers import Attack
from conftest import DEADLINE, payload, received
from haproxy import in_front, saying_who
from https import https, pki  # noqa: F401 (fixtures)
from memory import OWN_ALLOCATOR, memory_kb, peak_kb, wait_given_back
from strangers import GOOD, metric
from test_tls_abuse import wait_fds

BODY = payload("created-typical.json")
LIMIT_KB = 64 * 1024
# Both listeners may have more for a moment, and close them in the same turn.
MOST_FDS = 1024 + 64 + 160 + 64
KINDS = ("heads", "bodies", "handshakes", "forgeries", "streams")
EXPECTED = ("refused", "as many connections are open as may be",
            "as many TLS handshakes are under way as may be",
            "as many readers follow the stream as may be",
            "too many deliveries from")
LONG = [pytest.param(2, id="short"),
        pytest.param(30, id="long", marks=pytest.mark.long)]


class Place:
    """Where a server's plain and its TLS listener are reached."""

    def __init__(self, server, plain, secure):
        self.server, self.plain, self.secure = server, plain, secure
        self.tls = server.tls
        self.count = 0

    def deliver(self, seconds):
        """By TLS and without, by turns, each on its own connection."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.count += 1
            self.server.port, self.server.tls = (
                (self.plain, None) if self.count % 2 else
                (self.secure, self.tls))
            received(self.server.deliver(BODY, source=GOOD))


@pytest.fixture
def attacked(https, way):  # noqa: F811
    trusts = "trusted_proxies = 127.0.0.1\n" if way in (named, proxied) else ""
    also = "proxy" if way is proxied else "plain"
    server = https(config=f"[http]\n{also}_listen = 127.0.0.1:0\n" + trusts)
    server.expect(*EXPECTED)
    server.wait_for(lambda: len(server.urls) == 2, "two listeners")
    return Place(server, int(server.urls[1].rsplit(":", 1)[1]), server.port)


@contextlib.contextmanager
def directly(place):
    yield place


@contextlib.contextmanager
def balanced(place):
    """The same, behind a HAProxy."""
    front, plain, secure = in_front(place.plain, place.secure)
    try:
        yield Place(place.server, plain, secure)
    finally:
        front.close()


def most_fds(server, over, found):
    """How many descriptors it has at most, until that is over."""
    while not over.wait(0.05):
        found.append(len(server.open_files()))


def attack_for(place, seconds, fds):
    """Deliver while they attack. Returns what they did; all that was sent is
    acknowledged, or this fails."""
    server = place.server
    over = threading.Event()
    watch = threading.Thread(target=most_fds, args=(server, over, fds))
    with Attack({"heads": place.plain, "bodies": place.plain,
                 "handshakes": place.secure, "forgeries": place.plain,
                 "streams": int(server.admin.rsplit(":", 1)[1])}) as attack:
        watch.start()
        try:
            place.deliver(seconds)
            assert server.ask("GET", "/readyz")[0] == 200
        finally:
            over.set()
            watch.join(DEADLINE)
    assert all(attack.told[kind]["opened"] > 0 for kind in KINDS)
    return attack.told


def named(place):
    """And klikitd believes what that says of its clients."""
    return balanced(place)


@contextlib.contextmanager
def proxied(place):
    """And that says so before the first byte of all that comes."""
    front, plain, secure = saying_who(place.plain)
    try:
        yield Place(place.server, plain, secure)
    finally:
        front.close()


@pytest.mark.parametrize("seconds", LONG)
@pytest.mark.parametrize("way", [directly, balanced, named, proxied])
def test_twenty_addresses_stop_no_delivery(attacked, way, seconds):
    """Behind a balancer that is not trusted they have one address with who
    delivers."""
    server = attacked.server
    with way(attacked) as place:
        # As long as under attack: the store's cache grows with what is stored.
        place.deliver(max(0.5, seconds - 2))
        before_kb = memory_kb(server, "VmRSS")
        before_fds = len(server.open_files())
        fds = [before_fds]
        told = attack_for(place, seconds, fds)
        place.deliver(0.5)
    assert server.query("SELECT count(*) FROM events") == [(place.count,)]
    assert told["forgeries"]["401"] > 0
    # Verifying those is cheap: nobody is turned away for them.
    assert "429" not in told["forgeries"], told
    assert metric(server, "klikitd_limited_requests_total",
                  listener="public") == 0
    assert peak_kb(server) < LIMIT_KB or not OWN_ALLOCATOR
    assert max(fds) <= before_fds + MOST_FDS
    wait_fds(server, before_fds + 8)
    # Tables by descriptor stay as long as the highest one needs.
    wait_given_back(server, before_kb + 4096)
