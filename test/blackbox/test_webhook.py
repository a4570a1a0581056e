"""Deliveries as klikit makes them: received once, a duplicate ever after."""

import concurrent.futures
import http.client
import json
import random
import subprocess
import uuid

import pytest

from conftest import (CART, CREATED, PAYLOADS, SECRET, STATUS, duplicate,
                      payload, received, sign)

FILES = sorted(path.name for path in PAYLOADS.glob("*.json"))
TYPES = {"created": CREATED, "status": STATUS, "cart": CART,
         "roundtrip": CREATED}


def type_of(name):
    return next(t for start, t in TYPES.items() if name.startswith(start))


def curl(server, path, event_id, signature, type=CREATED):
    """klikit's own recipe: the bytes of a file, by curl --data-binary."""
    done = subprocess.run(
        ["curl", "-sS", "-w", "\n%{http_code}", "-X", "POST",
         "-H", "Content-Type: application/json",
         "-H", f"x-klikit-event-id: {event_id}",
         "-H", f"x-klikit-event-type: {type}",
         "-H", f"x-klikit-signature: {signature}",
         "--data-binary", f"@{path}", f"{server.url}/webhooks/klikit"],
        capture_output=True, check=True, text=True)
    body, status = done.stdout.rsplit("\n", 1)
    return int(status), {}, body


def openssl(path, secret=SECRET):
    """The last field of what openssl prints, as the recipe says."""
    done = subprocess.run(
        ["openssl", "dgst", "-sha256", "-hmac", secret.decode(), str(path)],
        capture_output=True, check=True, text=True)
    return done.stdout.split()[-1]


@pytest.mark.valgrind
def test_recipe_of_klikit_is_received_then_a_duplicate(server, tmp_path):
    body = tmp_path / "body"
    body.write_bytes(b'{"brand_id":1,"branch_id":2,"orders":[]}')
    event_id = f"test-{uuid.uuid4()}"
    received(curl(server, body, event_id, openssl(body)))
    duplicate(curl(server, body, event_id, openssl(body)))
    body.write_bytes(body.read_bytes() + b" ")
    server.expect("signature")
    assert curl(server, body, event_id, "0" * 64)[0] == 401


@pytest.mark.valgrind
def test_every_payload_is_received_once_also_after_a_restart(server):
    for name in FILES:
        path = PAYLOADS / name
        received(curl(server, path, name, openssl(path), type_of(name)))
        duplicate(curl(server, path, name, openssl(path), type_of(name)))
    server.wait_processed()
    server.restart()
    for name in FILES:
        path = PAYLOADS / name
        duplicate(curl(server, path, name, openssl(path), type_of(name)))
    assert server.query("SELECT count(*), sum(duplicates) FROM events") == [
        (len(FILES), 2 * len(FILES))]


@pytest.mark.parametrize("name", FILES)
def test_body_is_stored_byte_for_byte(server, name):
    body = payload(name)
    received(server.post(body, "one", type_of(name)))
    assert server.query("SELECT body FROM bodies") == [(body,)]


def test_one_changed_byte_or_digit_is_refused(server):
    server.expect("signature")
    rng = random.Random(1)
    for name in FILES:
        body = payload(name)
        good = sign(body)
        for _ in range(5):
            at = rng.randrange(len(body))
            changed = bytearray(body)
            changed[at] ^= 1 << rng.randrange(8)
            assert server.post(bytes(changed), signature=good)[0] == 401
            at = rng.randrange(64)
            digit = rng.choice([d for d in "0123456789abcdef"
                                if d != good[at]])
            wrong = good[:at] + digit + good[at + 1:]
            assert server.post(body, signature=wrong)[0] == 401
    assert server.query("SELECT count(*) FROM events") == [(0,)]


@pytest.mark.parametrize("wrong", [
    "0", "0" * 63, "0" * 65, "A" * 64, "g" * 64, "\xe9" * 64, "=" * 44,
    "sha256=" + "0" * 64, "t=1700000000,v1=" + "0" * 64, "0" * 5000,
])
def test_every_malformed_signature_is_the_same_401(server, wrong):
    server.expect("signature")
    body = payload("created-small.json")
    status, _, answer = server.post(
        body, signature=wrong.encode("latin-1"))
    assert (status, answer) == (401, b'{"error":"invalid signature"}')


@pytest.mark.parametrize("wrong", [
    lambda good: good.upper(), lambda good: " " + good[1:],
    lambda good: good + "0", lambda good: good[:-1],
    lambda good: "sha256=" + good,
])
def test_a_right_signature_written_wrongly_is_refused(server, wrong):
    server.expect("signature")
    body = payload("created-small.json")
    assert server.post(body, signature=wrong(sign(body)))[0] == 401


@pytest.mark.parametrize("header", [
    "x-klikit-event-id", "x-klikit-event-type", "x-klikit-signature"])
@pytest.mark.parametrize("value", [None, ""])
def test_each_of_the_three_headers_is_needed(server, header, value):
    server.expect("headers")
    body = payload("created-small.json")
    status, _, answer = server.post(body, headers={header: value})
    assert (status, answer) == (400, b'{"error":"missing klikit headers"}')


@pytest.mark.parametrize("header", ["x-klikit-event-id",
                                    "x-klikit-event-type"])
@pytest.mark.parametrize("value", [b"x" * 256, b"caf\xc3\xa9", b"a\tb"])
def test_ids_and_types_are_short_printable_ascii(server, header, value):
    server.expect("headers")
    body = payload("created-small.json")
    status, _, answer = server.post(body, headers={header: value})
    assert (status, answer) == (400, b'{"error":"invalid klikit headers"}')


def test_an_id_of_255_bytes_is_accepted(server):
    received(server.post(payload("created-small.json"), "i" * 255))


@pytest.mark.parametrize("body", [
    b"", b"null", b"1", b'"text"', b"{", b'{"orders":[}', b"\xff\xfe",
    b'{"a":1}{', b'\xef\xbb\xbf{"orders":[]}', b'{"a":1}\x00',
])
def test_signed_bodies_that_are_no_document_are_kept_as_rejections(
        server, body):
    server.expect("invalid_json")
    status, _, answer = server.post(body)
    assert (status, answer) == (400, b'{"error":"invalid JSON"}')
    server.wait_query("SELECT cause, body FROM rejections",
                      [("invalid_json", body)])
    assert server.query("SELECT count(*) FROM events") == [(0,)]


@pytest.mark.parametrize("body", [b"[]", b"{}", b"[1]", b'{"orders":3}',
                                  b' {"orders":[]} \r\n'])
def test_documents_without_orders_are_stored(server, body):
    received(server.post(body, "empty"))
    assert server.query("SELECT body FROM bodies") == [(body,)]
    server.wait_log(r"orders=0")


def test_too_many_orders_are_refused_and_kept(server):
    server.expect("too_many_orders")
    body = b'{"orders":[%s]}' % b",".join([b'{"id":1}'] * 4097)
    status, _, answer = server.post(body)
    assert (status, answer) == (400, b'{"error":"too many orders"}')
    server.wait_query("SELECT cause, body FROM rejections",
                      [("too_many_orders", body)])
    most = b'{"orders":[%s]}' % b",".join([b'{"id":1}'] * 4096)
    received(server.post(most))


def test_same_id_with_another_body_is_a_duplicate_and_kept(server):
    server.expect("another body")
    first, second = payload("created-small.json"), payload(
        "created-typical.json")
    received(server.post(first, "same"))
    duplicate(server.post(second, "same"))
    server.wait_query("SELECT cause, body FROM rejections",
                      [("id_conflict", second)])
    assert server.query("SELECT body FROM bodies") == [(first,)]


def test_200_deliveries_of_one_id_make_one_event(server):
    body = payload("created-typical.json")

    def deliver(_):
        connection = server.connect()
        answers = [json.loads(server.post(
            body, "once", connection=connection)[2])["status"]
            for _ in range(4)]
        connection.close()
        return answers

    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = [a for four in pool.map(deliver, range(50)) for a in four]
    assert sorted(answers) == ["duplicate-ignored"] * 199 + ["received"]
    counts = server.ask("GET", "/api/v1/status")[2]["counts"]
    assert (counts["received"], counts["duplicates"]) == (1, 199)
    # Of a flood of them few are noted at the event.
    event_id, noted = server.query(
        "SELECT event_id, duplicates FROM events")[0]
    assert event_id == "once" and 16 <= noted <= 20


def test_several_secrets_are_valid_at_once_until_their_date(klikitd,
                                                            tmp_path):
    for name in ("next", "old"):
        (tmp_path / name).write_bytes(f"secret-{name}\n".encode())
    server = klikitd(config=f"""
[secret next]
file = {tmp_path}/next
[secret old]
file = {tmp_path}/old
valid_until = 2020-01-01T00:00:00Z
""")
    server.expect("old", "signature")
    body = payload("created-small.json")
    received(server.post(body, "a"))
    received(server.post(body, "b", signature=sign(body, b"secret-next")))
    assert server.post(body, "c",
                       signature=sign(body, b"secret-old"))[0] == 401
    assert server.query("SELECT event_id, secret FROM events ORDER BY id") == [
        ("a", "default"), ("b", "next")]


def test_the_reference_receiver_logs_the_same_line(server):
    received(server.post(payload("created-batch-5.json")))
    server.wait_log(
        r"\[klikit\.order\.created\.v2\] brand=910 branch=2041 orders=5")


def test_an_unknown_type_is_stored_and_warned_of_once(server):
    server.expect("unknown event type")
    for event_id in ("a", "b"):
        received(server.post(payload("created-small.json"), event_id,
                             "klikit.rider.moved"))
    server.wait_processed()
    server.wait_log(r"\[klikit\.rider\.moved\]", 2)
    assert server.final_log().count("unknown event type") == 1


def test_a_404_a_405_and_the_health_check(server):
    body = payload("created-small.json")
    status, _, answer = server.post(body, path="/webhooks/other")
    assert (status, answer) == (404, b'{"error":"not found"}')
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        connection = server.connect()
        connection.request(method, "/webhooks/klikit", b"",
                           {"Content-Length": "0"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert (answer.status, answer.getheader("Allow")) == (405, "POST")
    assert server.get("/healthz")[0] == 200


def test_a_body_over_the_limit_is_413(klikitd):
    server = klikitd(config="[http]\nmax_body = 64k\n")
    fits = b'{"orders":[]%s}' % (b" " * (64 * 1024 - 13))
    assert len(fits) == 64 * 1024
    received(server.post(fits))
    try:
        assert server.post(fits + b" ")[0] == 413
    except (BrokenPipeError, ConnectionResetError):
        pytest.fail("the answer was lost")


def test_node_s_own_client_is_received(server):
    script = """
const http = require('http'), crypto = require('crypto');
const [url, secret] = process.argv.slice(1);
const body = Buffer.from('{"brand_id":1,"orders":[{"id":7}]}');
const req = http.request(url + '/webhooks/klikit', {method: 'POST', headers: {
  'content-type': 'application/json', 'x-klikit-event-id': 'node-1',
  'x-klikit-event-type': 'klikit.order.created.v2', 'x-klikit-signature':
  crypto.createHmac('sha256', secret).update(body).digest('hex')}},
  res => { res.on('data', d => process.stdout.write(d)); });
req.end(body);
"""
    done = subprocess.run(["node", "-e", script, server.url,
                           SECRET.decode()], capture_output=True, text=True,
                          check=True)
    assert json.loads(done.stdout) == {"status": "received"}


def test_chunked_bodies_are_received(server):
    body = payload("created-large.json")
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    chunks = [body[at:at + 997] for at in range(0, len(body), 997)]
    connection.request("POST", "/webhooks/klikit", iter(chunks),
                       server.headers(body, "chunked"), encode_chunked=True)
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b'{"status":"received"}')
    connection.close()
    assert server.query("SELECT body FROM bodies") == [(body,)]
