"""Who asks: the address of an event, a rejection and a line of the log is the
client's, as a trusted proxy says it; of nobody else anything is believed."""

import re

import pytest

from conftest import SECRET, payload, received
from strangers import GOOD, STRANGER

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


@pytest.mark.parametrize("every", ["0.0.0.0/0", "::/0"])
def test_trust_in_everybody_is_warned_of(klikitd, every):
    server = klikitd(start=False,
                     config=f"[http]\ntrusted_proxies = {every}\n"
                            "[klikit]\nsecret_file = secret\n")
    (server.directory / "secret").write_bytes(SECRET)
    server.do("check-config")
    assert f"http.trusted_proxies: {every} is everybody" in server.said
