"""Endpoints: brands with a path and a secret each, apart in all that they
share a server for."""

import http.client
import json
import os
import re
import socket
import subprocess

import pytest

from conftest import (BINARY, CREATED, ROOT, STATUS, duplicate, received, run,
                      sign)

pytestmark = [pytest.mark.once, pytest.mark.both]

BURGER, PIZZA = b"the secret of burger", b"the secret of pizza"
SECRETS = ("[secret burger]\nfile = burger\n"
           "[secret pizza]\nfile = pizza\n")
TWO = SECRETS + ("[endpoint burger]\n"
                 "path = /hooks/burger, /hooks/burger/\nsecrets = burger\n"
                 "[endpoint pizza]\npath = /hooks/pizza\nsecrets = pizza\n")


def body(order=7, brand=910, branch=2041, note=""):
    return json.dumps({"brand_id": brand, "branch_id": branch, "orders": [
        {"id": order, "status": 1, "note": note,
         "updated_at": "2026-06-25T12:00:00Z"}]}).encode()


class Brands:
    """A server with endpoints, and klikit that delivers to each."""

    PATHS = {"burger": "/hooks/burger", "pizza": "/hooks/pizza",
             "default": "/webhooks/klikit"}

    def __init__(self, make, config=TWO, **options):
        self.server = make(start=False, config=config, **options)
        self.secrets = {"burger": BURGER, "pizza": PIZZA,
                        "default": self.server.secret}
        for name in ("burger", "pizza"):
            (self.server.directory / name).write_bytes(self.secrets[name])
        self.server.expect("alert: rejections ")  # what was really signed
        self.server.start()

    def post(self, to, data=None, event_id=None, by=None, path=None,
             **options):
        """To an endpoint, signed for it, or for another."""
        data = body() if data is None else data
        return self.server.post(data, event_id,
                                path=path or self.PATHS[to],
                                signature=sign(data, self.secrets[by or to]),
                                **options)


@pytest.fixture
def brands(klikitd):
    return Brands(klikitd)


def seen(answer):
    """What a sender sees of an answer, but for the date."""
    status, fields, data = answer
    return status, {k: v for k, v in fields.items() if k != "date"}, data


FORGED = (401, b'{"error":"invalid signature"}')
MISFIT = (403, b'{"error":"not for this endpoint"}')


def refused(answer, expected):
    assert (answer[0], answer[2]) == expected, answer


# -- Secrets --


def test_no_secret_opens_another_endpoint(brands):
    brands.server.expect("refused: signature")
    names = list(brands.PATHS)
    for to in names:
        received(brands.post(to, event_id=f"to {to}"))
        for by in names:
            if by != to:
                refused(brands.post(to, event_id="x", by=by), FORGED)
    brands.server.wait_processed()
    assert brands.server.query(
        "SELECT event_id, endpoint, secret, scope FROM events ORDER BY id"
    ) == [("to burger", "burger", "burger", "burger"),
          ("to pizza", "pizza", "pizza", "pizza"),
          ("to default", "default", "default", "")]


def test_an_id_is_new_at_each_endpoint(brands):
    for to in brands.PATHS:
        received(brands.post(to, event_id="e"))
    for to in brands.PATHS:
        duplicate(brands.post(to, event_id="e"))
    assert brands.server.query(
        "SELECT event_id, scope, duplicates FROM events ORDER BY scope") == [
            ("e", "", 1), ("e", "burger", 1), ("e", "pizza", 1)]


def test_no_answer_says_that_an_id_or_a_secret_is_known_elsewhere(brands):
    """The same answers, to the byte, whether it is known elsewhere or not."""
    brands.server.expect("refused: signature")
    received(brands.post("pizza", event_id="known"))
    data = body()
    stranger = seen(brands.server.post(
        data, "fresh", path="/hooks/burger",
        signature=sign(data, b"of nobody")))
    assert stranger == seen(brands.post("burger", event_id="fresh",
                                        by="pizza"))
    assert stranger == seen(brands.post("burger", event_id="known",
                                        by="pizza"))
    assert stranger[0] == 401
    assert seen(brands.post("burger", body(8), "known")) == seen(
        brands.post("burger", body(9), "never seen"))


def test_orders_of_two_endpoints_are_apart(brands):
    received(brands.post("burger", body(7, note="b"), "a"))
    received(brands.post("pizza", body(7, note="p"), "b"))
    brands.server.wait_processed()
    assert [(scope, json.loads(document)["note"])
            for scope, document in brands.server.query(
                "SELECT scope, document FROM order_documents ORDER BY scope")
            ] == [("burger", "b"), ("pizza", "p")]


def test_the_operator_is_told_whose_secret_it_was(brands):
    brands.server.expect("refused: signature")
    refused(brands.post("burger", event_id="x", by="pizza"), FORGED)
    brands.server.wait_log("delivery x from .* to burger refused: signature: "
                           "its signature is right with secret pizza .*, but "
                           "that opens endpoint pizza, and it came to "
                           "endpoint burger")
    brands.server.wait_query(
        "SELECT cause, code, endpoint FROM rejections",
        [("signature", "secret_elsewhere", "burger")])


def test_a_secret_that_nothing_names_opens_nothing(klikitd):
    brands = Brands(klikitd, SECRETS +
                    "[endpoint main]\npath = /webhooks/klikit\n"
                    "secrets = default\n")
    brands.server.expect("secret (burger|pizza): no \\[endpoint\\] names it",
                         "refused: signature")
    refused(brands.post("default", by="burger"), FORGED)
    received(brands.post("default"))


# -- Paths --


def test_paths_are_exact_but_for_the_query(brands):
    for path in ("/hooks/burger", "/hooks/burger/", "/hooks/burger?a=1",
                 "/hooks/burger/?", "/hooks/b%75rger",
                 "/webhooks/klikit?x"):
        to = "default" if "klikit" in path else "burger"
        received(brands.post(to, body(note=path), path=path))
    for path in ("/hooks/pizza/", "/hooks/Burger", "/hooks", "/hooks/",
                 "/hooks/burger//", "//hooks/burger", "/hooks/burger/x",
                 "/webhooks/klikit/", "/"):
        answer = brands.post("pizza", path=path)
        assert (answer[0], answer[2]) == (404, b'{"error":"not found"}'), path
    conn = brands.server.connect()
    conn.request("GET", "/hooks/pizza")
    answer = conn.getresponse()
    assert (answer.status, answer.getheader("allow")) == (405, "POST")
    answer.read()
    conn.request("GET", "/healthz")
    assert conn.getresponse().status == 200
    conn.close()


def test_the_usual_path_goes_with_its_last_secret(klikitd):
    brands = Brands(klikitd, TWO +
                    "[endpoint third]\npath = /third\nsecrets = default\n")
    assert brands.post("default")[0] == 404
    received(brands.post("default", path="/third"))


def test_a_section_for_the_usual_path_forgets_no_id(klikitd):
    brands = Brands(klikitd, SECRETS)
    received(brands.post("default", event_id="e"))
    received(brands.post("burger", event_id="f", path="/webhooks/klikit"))
    brands.server.write_config(
        SECRETS + "[endpoint main]\npath = /webhooks/klikit\n"
        "secrets = default, burger, pizza\n")
    brands.server.reload()
    duplicate(brands.post("default", event_id="e"))
    duplicate(brands.post("burger", event_id="f", path="/webhooks/klikit"))
    received(brands.post("default", event_id="g"))
    assert brands.server.query("SELECT endpoint, scope FROM events "
                               "ORDER BY id") == [
        ("default", ""), ("default", ""), ("main", "")]


# -- What an endpoint takes --


def test_what_does_not_fit_is_kept_whole(klikitd):
    brands = Brands(klikitd, SECRETS + (
        "[endpoint burger]\npath = /hooks/burger\nsecrets = burger\n"
        f"brands = 910, 911\nbranches = 2041\nevents = {CREATED}\n"))
    brands.server.expect("refused: not_for_endpoint")
    received(brands.post("burger", body(1), "fits"))
    received(brands.post("burger", body(2, brand=911), "fits, too"))
    odd = body(3, brand=912, note="x" * 3000)
    refused(brands.post("burger", odd, "brand"), MISFIT)
    refused(brands.post("burger", body(4, branch=1), "branch"), MISFIT)
    refused(brands.post("burger", body(5), "type", type=STATUS), MISFIT)
    refused(brands.post("burger", b'{"orders":[]}', "none"), MISFIT)
    brands.server.wait_query("SELECT count(*) FROM rejections", [(4,)])
    rows = brands.server.query(
        "SELECT cause, code, endpoint, class, body FROM rejections "
        "ORDER BY id")
    assert {tuple(row[:4]) for row in rows} == {
        ("not_for_endpoint", "not_for_endpoint", "burger", 2)}
    assert bytes(rows[0][4]) == odd
    assert brands.server.query("SELECT count(*) FROM events") == [(2,)]
    # What is wrong with it otherwise comes first.
    brands.server.expect("refused: (signature|invalid_json)")
    refused(brands.post("burger", odd, by="pizza"), FORGED)
    assert brands.post("burger", b"{")[0] == 400
    # Other endpoints take all.
    received(brands.post("default", odd))


def test_handlers_choose_by_endpoint(klikitd):
    brands = Brands(klikitd, TWO + (
        "[handler all]\ntype = orders\n"
        "[handler b]\ntype = orders\n"
        "endpoints = burger, default\n"))
    for to in ("burger", "pizza", "default"):
        received(brands.post(to))
    brands.server.wait_processed()
    assert brands.server.query(
        "SELECT e.endpoint, h.name FROM jobs AS j "
        "JOIN handlers AS h ON h.id = j.handler "
        "JOIN events AS e ON e.id = j.event ORDER BY e.endpoint, h.name") == [
            ("burger", "all"), ("burger", "b"), ("default", "all"),
            ("default", "b"), ("pizza", "all")]


# -- Reload --


def test_paths_and_bindings_change_live(brands):
    server = brands.server
    server.expect("refused: signature", "reload: ")
    received(brands.post("burger"))
    server.write_config(TWO.replace("/hooks/burger/", "/hooks/new")
                        .replace("secrets = burger", "secrets = SWAP")
                        .replace("secrets = pizza", "secrets = burger")
                        .replace("secrets = SWAP", "secrets = pizza"))
    server.reload()
    assert brands.post("burger", path="/hooks/burger/")[0] == 404
    refused(brands.post("burger"), FORGED)
    received(brands.post("pizza", path="/hooks/new"))
    received(brands.post("burger", path="/hooks/pizza"))
    # A bad one changes nothing.
    server.write_config(TWO.replace("/hooks/pizza", "/hooks/burger"))
    server.process.send_signal(1)
    server.wait_log("reload: refused")
    server.wait_log(r"ini:\d+: endpoint.path: /hooks/burger is taken already")
    received(brands.post("pizza", body(8), path="/hooks/new"))
    server.write_config("")
    server.reload()
    assert brands.post("pizza", path="/hooks/new")[0] == 404
    received(brands.post("default"))


def test_a_request_on_its_way_meets_the_new_endpoints(brands):
    """It is routed when it is whole; on the same connection as well."""
    data = body()
    head = (f"POST /hooks/later HTTP/1.1\r\nHost: x\r\n"
            f"x-klikit-event-id: e\r\nx-klikit-event-type: {CREATED}\r\n"
            f"x-klikit-signature: {sign(data, BURGER)}\r\n"
            f"Content-Length: {len(data)}\r\n\r\n").encode()
    with socket.create_connection(("127.0.0.1", brands.server.port)) as conn:
        conn.sendall(head + data[:10])
        brands.server.write_config(TWO.replace("/hooks/burger/",
                                               "/hooks/later"))
        brands.server.reload()
        conn.sendall(data[10:])
        answer = http.client.HTTPResponse(conn)
        answer.begin()
        assert answer.status == 200


# -- What is shown --


def test_what_the_operator_sees(brands):
    brands.server.expect("refused: signature")
    for to in brands.PATHS:
        received(brands.post(to, event_id=to))
    duplicate(brands.post("burger", event_id="burger"))
    refused(brands.post("burger", event_id="x", by="pizza"), FORGED)
    brands.server.wait_query("SELECT count(*) FROM rejections", [(1,)])
    _, _, said = brands.server.ask("GET", "/api/v1/events")
    assert {e["event_id"]: e["endpoint"] for e in said["events"]} == {
        to: to for to in brands.PATHS}
    _, _, said = brands.server.ask("GET", "/api/v1/rejections")
    assert said["rejections"][0]["endpoint"] == "burger"
    _, _, said = brands.server.ask("GET", "/api/v1/status")
    assert sorted(url.split("/", 3)[3] for url in said["webhooks"]) == [
        "hooks/burger", "hooks/burger/", "hooks/pizza", "webhooks/klikit"]
    assert {s["name"]: s["endpoint"] for s in said["secrets"]} == {
        name: name for name in brands.PATHS}
    shown = json.loads(brands.server.do("events", "--json", "pizza"))
    assert shown["endpoint"] == "pizza"
    assert " burger " in brands.server.do("rejections")
    values = brands.server.metrics()

    def counted(endpoint, result):
        return values["klikitd_endpoint_deliveries_total{"
                      f'endpoint="{endpoint}",result="{result}"}}']
    assert [counted("burger", r) for r in (
        "received", "duplicate", "refused", "busy")] == [1, 1, 1, 0]
    assert counted("pizza", "received") == 1
    # It goes on counting after a reload.
    brands.server.reload()
    received(brands.post("burger"))
    values = brands.server.metrics()
    assert counted("burger", "received") == 2


def test_trigger_and_sign_know_endpoints(klikitd):
    brands = Brands(klikitd)
    port = brands.server.port
    brands.server.write_config(f"[http]\nlisten = 127.0.0.1:{port}\n" + TWO)
    env = {"KLIKIT_WEBHOOK_SECRET": brands.server.secret.decode()}

    def does(*args, code=0, input=None):
        done = run(args[0], "-c", brands.server.config, *args[1:], env=env,
                   cwd=brands.server.directory, input=input)
        assert done.returncode == code, done
        return (done.stdout + done.stderr).decode()

    does("trigger", "created", "--event-id", "a")
    does("trigger", "created", "--endpoint", "burger", "--event-id", "a")
    does("trigger", "created", "--secret-name", "pizza", "--event-id", "a")
    does("trigger", "created", "--event-id", "b", "--to",
         f"http://127.0.0.1:{port}/hooks/burger/?x")
    does("trigger", "created", "--event-id", "c", "--endpoint", "pizza",
         "--to", f"http://127.0.0.1:{port}")
    assert brands.server.query(
        "SELECT event_id, endpoint FROM events ORDER BY id") == [
            ("a", "default"), ("a", "burger"), ("a", "pizza"),
            ("b", "burger"), ("c", "pizza")]
    brands.server.expect("refused: signature")
    assert "(unexpected)" in does("trigger", "created", "--endpoint", "burger",
                                  "--secret-name", "pizza", code=1)
    assert 'no endpoint "taco" is configured' in does(
        "trigger", "created", "--endpoint", "taco", code=1)
    assert does("sign", "--endpoint", "burger", "-", input=b"{}").strip() == (
        sign(b"{}", BURGER))
    assert does("sign", "-", input=b"{}").strip() == sign(
        b"{}", brands.server.secret)


def test_the_printed_command_opens_what_there_is(klikitd):
    """Also where there is no endpoint at the usual path."""
    brands = Brands(klikitd, TWO, secret=None)
    brands.server.wait_log("to send a test event: ")
    command = re.search("to send a test event: (.*)",
                        brands.server.log()).group(1)
    assert "/hooks/burger" in command
    assert f"'{brands.server.directory}/burger'" in command
    done = subprocess.run(["sh", "-c", command], capture_output=True,
                          cwd="/", timeout=60)
    assert done.returncode == 0, done
    assert brands.server.query("SELECT endpoint FROM events") == [("burger",)]


def test_check_config_shows_what_opens_what(brands):
    done = run("check-config", "-c", brands.server.config,
               cwd=brands.server.directory,
               env={"KLIKIT_WEBHOOK_SECRET": "x",
                    "KLIKITD_HTTP_LISTEN": "127.0.0.1:0",
                    "KLIKITD_STORE_URL": "sqlite:other.db",
                    "KLIKITD_ADMIN_LISTEN": "127.0.0.1:0"})
    assert done.returncode == 0, done
    said = done.stdout.decode()
    assert ("endpoint    burger: /hooks/burger, /hooks/burger/, secrets "
            "burger, events *\n") in said
    assert ("endpoint    default: /webhooks/klikit, secrets default, "
            "events *\n") in said


def test_the_guide_is_followed(klikitd):
    guide = (ROOT / "server" / "docs" / "brands.md").read_text()
    config = re.search(r"^```ini\n(.*?)^```", guide, re.M | re.S).group(1)
    command = re.search(r"^```sh\n(.*?)^```", guide, re.M | re.S).group(1)
    server = klikitd(start=False, secret=None)
    for name in ("burger-secret", "pizza-secret"):
        (server.directory / name).write_bytes(name.encode())
    server.write_config(config.replace("*:8080", "127.0.0.1:0"))
    server.expect("burger-pos: retry")
    server.start()
    # Where the guide has a port of its own.
    server.write_config(config.replace("*:8080", f"127.0.0.1:{server.port}"))
    program = BINARY if os.path.isabs(BINARY) else os.path.abspath(BINARY)
    done = subprocess.run(
        ["sh", "-ec", command.replace("klikitd ", f"{program} ", 1)],
        cwd=server.directory, capture_output=True, timeout=60)
    assert done.returncode == 0, done
    assert server.query(
        "SELECT e.endpoint, h.name FROM jobs AS j "
        "JOIN handlers AS h ON h.id = j.handler "
        "JOIN events AS e ON e.id = j.event ORDER BY h.name") == [
            ("burger", "burger-pos"), ("burger", "orders")]
