"""Who asks: the address of an event, a rejection and a line of the log is the
client's, as a trusted proxy says it; of nobody else anything is believed."""

import contextlib
import re

import pytest

from conftest import SECRET, own, payload, received
from strangers import GOOD, STRANGER, close_all, idle
from wire import Wire, delivery

pytestmark = pytest.mark.once

BODY = payload("created-small.json")
PROXY = "127.0.0.9"
CLIENT = "203.0.113.7"
TRUST = f"[http]\ntrusted_proxies = {PROXY}\n"


def peers(server):
    """Whose the events are, the newest last."""
    return [peer for peer, in server.query(
        "SELECT peer FROM events ORDER BY id")]


def deliver(server, source, **fields):
    """Returns the peer that was stored with the event."""
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    received(server.deliver(BODY, source=source, headers=headers))
    return peers(server)[-1]


def test_the_client_is_whom_a_trusted_proxy_names(klikitd):
    server = klikitd(config=TRUST)
    assert deliver(server, PROXY, X_Forwarded_For=CLIENT) == CLIENT
    assert deliver(server, PROXY, Forwarded=f'for="{CLIENT}:4711"') == CLIENT
    assert deliver(server, PROXY,
                   X_Forwarded_For=f"192.0.2.1, {CLIENT}, {PROXY}") == CLIENT
    assert deliver(server, PROXY,
                   Forwarded='for="[2001:db8::7]"') == "2001:db8::7"


@pytest.mark.parametrize("config", ["", TRUST], ids=["default", "a proxy"])
def test_nobody_else_is_believed(klikitd, config):
    server = klikitd(config=config)
    for source in (STRANGER, GOOD, "127.0.0.1"):
        for fields in ({"X_Forwarded_For": CLIENT},
                       {"Forwarded": f"for={CLIENT}"},
                       {"X_Real_IP": CLIENT}):
            peer = deliver(server, source, **fields)
            assert re.fullmatch(rf"{re.escape(source)}:\d+", peer)


def test_what_a_stranger_writes_before_is_not_believed(klikitd):
    """His proxy adds the truth at the end."""
    server = klikitd(config=TRUST)
    server.expect("does not say clearly")
    for forged in ("192.0.2.1", PROXY, "rubbish", '"', "for=192.0.2.1"):
        assert deliver(server, PROXY,
                       X_Forwarded_For=f"{forged}, {CLIENT}") == CLIENT
    # The one that the proxy lets through as it came makes him nobody else.
    for forged in ("192.0.2.1", "unknown", PROXY):
        peer = deliver(server, PROXY, X_Forwarded_For=CLIENT,
                       Forwarded=f"for={forged}")
        assert peer.startswith(f"{PROXY}:")
    assert "does not say clearly" in server.final_log()


def test_rejections_and_the_log_name_the_client(klikitd):
    server = klikitd(config=TRUST)
    server.expect("invalid signature", "rejection", "delivery")
    status, _, _ = server.post(BODY, signature="0" * 64, source=PROXY,
                               headers={"X-Forwarded-For": CLIENT})
    assert status == 401
    server.wait_query("SELECT peer FROM rejections", [(CLIENT,)])
    server.wait_log(rf"delivery .* from {re.escape(CLIENT)}\b")


def test_many_clients_come_by_one_connection(klikitd):
    server = klikitd(config=TRUST)
    connection = server.connect(source=PROXY)
    for number in range(3):
        received(server.deliver(BODY, connection=connection, headers={
            "X-Forwarded-For": f"203.0.113.{number}"}))
    received(server.deliver(BODY, connection=connection))
    connection.close()
    *clients, proxy = peers(server)
    assert clients == [f"203.0.113.{number}" for number in range(3)]
    assert proxy.startswith(f"{PROXY}:")


def test_a_reload_changes_who_is_trusted(klikitd):
    server = klikitd(config=TRUST)
    connection = server.connect(source=PROXY)
    fields = {"X-Forwarded-For": CLIENT}
    received(server.deliver(BODY, connection=connection, headers=fields))
    server.write_config("[http]\ntrusted_proxies =\n")
    server.reload()
    received(server.deliver(BODY, connection=connection, headers=fields))
    server.write_config("[http]\ntrusted_proxies = 127.0.0.8/29\n")
    server.reload()
    received(server.deliver(BODY, connection=connection, headers=fields))
    connection.close()
    trusted, stranger, again = peers(server)
    assert trusted == again == CLIENT
    assert stranger.startswith(f"{PROXY}:")


# -- Shares --


def begun(server, client, size, missing=1):
    """A delivery for that client by the proxy, without its last bytes. Returns
    the connection and the rest."""
    body = own(BODY, client) + b" " * size
    head = delivery(server, body, extra=(f"X-Forwarded-For: {client}",))
    wire = Wire(server, source=PROXY)
    wire.send(head[:-missing] if missing else head)
    return wire, head[-missing:]


def test_what_is_unfinished_is_charged_to_the_client(klikitd):
    """The proxy's largest request is the good one's, but a stranger has most
    of all that has come by the proxy: he pays."""
    server = klikitd(config=TRUST)
    server.expect("refused")
    with contextlib.ExitStack() as open_:
        good, rest = begun(server, CLIENT, 900 * 1024)
        open_.enter_context(good)
        for _ in range(120):
            with contextlib.suppress(OSError):  # he is being cut
                open_.enter_context(begun(server, "192.0.2.66",
                                          400 * 1024)[0])
        server.wait_log(r"refused 192\.0\.2\.66: too many bytes")
        assert good.send(rest).answer().status == 200
    assert f"refused {CLIENT}" not in server.final_log()


def test_a_proxy_is_not_greedy_for_having_many_connections(klikitd):
    server = klikitd(config="[http]\nmax_connections = 30\n"
                            f"trusted_proxies = {PROXY}\n")
    server.expect("as many connections are open as may be")
    kept = [server.connect(source=PROXY) for _ in range(20)]
    for connection in kept:
        connection.request("GET", "/healthz")
        assert connection.getresponse().read()
    strangers = idle(server, 20)
    server.wait_log(f"closed one of the .* that {STRANGER} has")
    for number, connection in enumerate(kept):
        received(server.deliver(BODY, connection=connection, headers={
            "X-Forwarded-For": f"203.0.113.{number}"}))
        connection.close()
    close_all(strangers)


# -- http.allow --

ALLOW = f"[http]\nallow = {GOOD}, {CLIENT}\ntrusted_proxies = {PROXY}\n"


def refused(wire):
    """Answered 403 without the body, and closed."""
    answer = wire.answer()
    assert answer.status == 403 and answer.json() == {"error": "forbidden"}
    assert answer.headers["connection"] == "close"
    assert wire.half_close().closed()


def test_who_is_not_allowed_is_refused_before_his_body_is_read(klikitd):
    server = klikitd(config=ALLOW)
    body = own(BODY, "x") + b" " * 100000
    head = delivery(server, body)[:-len(body)]
    with Wire(server, source=STRANGER) as wire:
        refused(wire.send(head))
    forged = delivery(server, body, extra=(f"X-Forwarded-For: {CLIENT}",))
    with Wire(server, source=STRANGER) as wire:
        refused(wire.send(forged[:-len(body)]))
    with Wire(server, source=STRANGER) as wire:
        refused(wire.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"))
    received(server.deliver(BODY, source=GOOD))
    assert server.metrics()[
        'klikitd_forbidden_requests_total{listener="public"}'] == 3
    assert re.search(rf"refused {STRANGER}:\d+: not in http.allow",
                     server.final_log())


def test_clients_of_a_proxy_are_allowed_by_their_own_address(klikitd):
    server = klikitd(config=ALLOW)
    connection = server.connect(source=PROXY)
    for _ in range(2):
        received(server.deliver(BODY, connection=connection,
                                headers={"X-Forwarded-For": CLIENT}))
    status, _, _ = server.deliver(
        BODY, connection=connection,
        headers={"X-Forwarded-For": f"{CLIENT}, 192.0.2.66"})
    assert status == 403
    connection.close()
    for named, wanted in ((f"{CLIENT}, x", 403), (None, 403), (CLIENT, 200)):
        status, _, _ = server.deliver(BODY, source=PROXY,
                                      headers={"X-Forwarded-For": named})
        assert status == wanted, named


def test_a_trusted_proxy_may_ask_whether_all_is_well(klikitd):
    server = klikitd(config=ALLOW)
    for source, target, fields, wanted in (
            (PROXY, "/healthz", {}, 200),
            (PROXY, "/healthz?x", {}, 403),
            (PROXY, "/", {}, 403),
            (PROXY, "/healthz", {"X-Forwarded-For": "192.0.2.66"}, 403),
            (PROXY, "/healthz", {"X-Forwarded-For": CLIENT}, 200),
            (GOOD, "/healthz", {}, 200)):
        connection = server.connect(source=source)
        connection.request("GET", target, headers=fields)
        assert connection.getresponse().status == wanted, (source, target)
        connection.close()


def test_a_reload_changes_who_is_allowed(klikitd):
    server = klikitd(config="[http]\nallow = 127.0.0.0/8\n")
    connection = server.connect(source=STRANGER)
    received(server.deliver(BODY, connection=connection))
    server.write_config(f"[http]\nallow = {GOOD}\n")
    server.reload()
    status, _, _ = server.deliver(BODY, connection=connection)
    assert status == 403
    connection.close()
    received(server.deliver(BODY, source=GOOD))
    server.write_config("[http]\nallow =\n")
    server.reload()
    received(server.deliver(BODY, source=STRANGER))


# -- What is wrong with them --


@pytest.mark.parametrize("wrong, says", [
    ("10.0.0.1/8", "write 10.0.0.0/8"),
    ("10.0.0.0/33", "no length of a network"),
    ("proxy.example", "no numeric address or network"),
    ("unix", "no numeric address or network"),
    ("10.0.0.0/8 192.0.2.1", "separated by commas"),
])
def test_what_is_no_network_is_an_error(klikitd, wrong, says):
    server = klikitd(start=False,
                     config=f"[http]\ntrusted_proxies = {wrong}\n")
    server.do("check-config", expect=1)
    assert "http.trusted_proxies: " in server.said and says in server.said


@pytest.mark.parametrize("key", ["trusted_proxies", "allow"])
@pytest.mark.parametrize("every", ["0.0.0.0/0", "::/0"])
def test_everybody_is_warned_of(klikitd, key, every):
    server = klikitd(start=False,
                     config=f"[http]\n{key} = {every}\n"
                            "[klikit]\nsecret_file = secret\n")
    (server.directory / "secret").write_bytes(SECRET)
    server.do("check-config")
    assert f"http.{key}: {every} is everybody" in server.said
