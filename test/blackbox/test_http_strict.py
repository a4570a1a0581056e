"""What evhttp lets through and klikitd does not, one claim per test."""

import os
import signal
import socket
import struct

import pytest

from conftest import payload
from wire import GET, Wire, chunked, delivery

BODY = payload("created-typical.json")


def refused(server, data, status=400, error="bad request"):
    """The data gets one refusal and the end, and nothing of it is stored."""
    with Wire(server) as wire:
        answer = wire.send(data).answer()
        assert answer.status == status, answer
        assert answer.json() == {"error": error}
        assert answer.headers["connection"] == "close"
        assert wire.closed()
    assert server.query("SELECT count(*) FROM events") == [(0,)]


def taken(server, data):
    """The data is one good delivery; the connection stays."""
    with Wire(server) as wire:
        answer = wire.send(data).answer()
        assert (answer.status, answer.json()) == (200, {"status": "received"})
        assert wire.send(GET).answer().status == 200


# -- limits --

def test_body_over_the_limit_is_413(server):
    with Wire(server) as wire:
        wire.send(delivery(server, b"x" * (1024 * 1024 + 1)))
        assert wire.answer().status == 413
        assert wire.closed()


def test_body_at_the_limit_is_taken(server):
    body = b'{"orders":[],"x":"' + b"x" * (1024 * 1024 - 20) + b'"}'
    assert len(body) == 1024 * 1024
    taken(server, delivery(server, body))


def test_20_mb_upload_still_reads_its_413(server):
    with Wire(server) as wire:
        wire.send(delivery(server, b"x" * 20_000_000))
        assert wire.answer().status == 413


def test_expect_100_continue_over_the_limit_is_413_without_100(server):
    head = delivery(server, b"", drop=("Content-Length",), length=False,
                    extra=("Content-Length: 9000000", "Expect: 100-continue"))
    with Wire(server) as wire:
        wire.send(head + b"x" * 9_000_000)
        assert wire.answer().status == 413


def test_expect_100_continue_gets_100_then_200(server):
    data = delivery(server, BODY, extra=("Expect: 100-continue",))
    head, body = data[:-len(BODY)], data[-len(BODY):]
    with Wire(server) as wire:
        assert wire.send(head).answer().status == 100
        assert wire.send(body).answer().status == 200


@pytest.mark.parametrize("line", [
    "GET /" + "a" * 17000 + " HTTP/1.1",
    "GET / HTTP/1.1\r\nX-Long: " + "a" * 17000,
    "GET / HTTP/1.1" + "\r\nX: y" * 4000,
], ids=["target", "header", "headers"])
def test_head_over_16_kb_is_400(server, line):
    refused(server, f"{line}\r\nHost: x\r\n\r\n".encode())


def test_target_of_9_kb_is_an_unknown_path(server):
    with Wire(server) as wire:
        wire.send(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert wire.answer().status == 404


def test_endless_chunk_line_is_400(server):
    head = delivery(server, b"", length=False,
                    extra=("Transfer-Encoding: chunked",))
    refused(server, head + b"0" * 300)


def test_slow_client_is_cut(klikitd):
    server = klikitd(config="[http]\nrequest_timeout = 300ms\n")
    with Wire(server) as wire:
        answer = wire.send(delivery(server, BODY)[:-1]).answer()
        assert answer.status == 408
        assert wire.closed()


def test_idle_connection_is_closed(klikitd):
    server = klikitd(config="[http]\nidle_timeout = 1s\n")
    with Wire(server) as wire:
        assert wire.send(GET).answer().status == 200
        assert wire.closed()


# -- lengths --

def test_content_lengths_that_differ_are_400(server):
    refused(server, delivery(server, BODY, extra=("Content-Length: 5",)))


def test_content_length_twice_is_400(server):
    refused(server, delivery(
        server, BODY, extra=(f"Content-Length: {len(BODY)}",)))


@pytest.mark.parametrize("value", [
    "+5", "-5", "5,5", "5 5", "0x5", "5.", "", "5\t5",
    "99999999999999999999"])
def test_content_length_is_digits_only(server, value):
    refused(server, delivery(
        server, b"12345", length=False, extra=(f"Content-Length: {value}",)))


def test_blank_before_the_colon_is_400(server):
    refused(server, delivery(
        server, b"12345", length=False, extra=("Content-Length : 5",)))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_no_length_at_all_is_411(server, method):
    refused(server, delivery(server, BODY, length=False,
                             line=f"{method} /webhooks/klikit HTTP/1.1"),
            411, "length required")


def test_content_length_with_transfer_encoding_is_400(server):
    refused(server, delivery(server, chunked(BODY),
                             extra=("Transfer-Encoding: chunked",)))


@pytest.mark.parametrize("value", [
    "chunked, gzip", "", "chunked, chunked", "chunked;q=1", "gzip,,chunked"])
def test_transfer_encoding_is_exactly_chunked(server, value):
    refused(server, delivery(server, chunked(BODY), length=False,
                             extra=(f"Transfer-Encoding: {value}",)))


@pytest.mark.parametrize("value", [
    "xchunked", "gzip, chunked", "identity", "gzip", "deflate;q=1, chunked"])
def test_unknown_transfer_coding_is_501(server, value):
    refused(server, delivery(server, chunked(BODY), length=False,
                             extra=(f"Transfer-Encoding: {value}",)),
            501, "unknown transfer coding")


def test_transfer_encoding_twice_is_400(server):
    refused(server, delivery(
        server, chunked(BODY), length=False,
        extra=("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")))


def test_transfer_encoding_with_http_1_0_is_400(server):
    refused(server, delivery(server, chunked(BODY), length=False,
                             line="POST /webhooks/klikit HTTP/1.0",
                             extra=("Transfer-Encoding: chunked",)))


@pytest.mark.parametrize("method", ["HEAD", "TRACE"])
def test_body_with_a_method_that_has_none_is_400(server, method):
    refused(server, delivery(server, GET,
                             line=f"{method} /healthz HTTP/1.1"))


@pytest.mark.parametrize("size", [1, 7, 4096, 100_000])
def test_chunks_of_any_size_are_taken(server, size):
    data = delivery(server, BODY, length=False,
                    extra=("Transfer-Encoding: chunked",))
    taken(server, data[:-len(BODY)] + chunked(BODY, size))


def test_upper_case_chunked_is_taken(server):
    data = delivery(server, BODY, length=False,
                    extra=("transfer-encoding:CHUNKED",))
    taken(server, data[:-len(BODY)] + chunked(BODY))


def test_trailer_is_skipped(server):
    data = delivery(server, BODY, length=False,
                    extra=("Transfer-Encoding: chunked",))
    taken(server, data[:-len(BODY)] +
          chunked(BODY)[:-2] + b"Checksum: none\r\n\r\n")


@pytest.mark.parametrize("chunks", [
    b"0x5\r\n12345\r\n0\r\n\r\n",
    b"+5\r\n12345\r\n0\r\n\r\n",
    b" 5\r\n12345\r\n0\r\n\r\n",
    b"5 \r\n12345\r\n0\r\n\r\n",
    b"5;\r\n12345\r\n0\r\n\r\n",
    b"5;a=\r\n12345\r\n0\r\n\r\n",
    b"5;a\n12345\r\n0\r\n\r\n",
    b"5;a=\"b\r\n12345\r\n0\r\n\r\n",
    b"5 6;a\r\n12345\r\n0\r\n\r\n",
    b"5\n12345\r\n0\r\n\r\n",
    b"5\r\n12345\n0\r\n\r\n",
    b"5\r\n123456\r\n0\r\n\r\n",
    b"5\r\n12345\r\n0\r\n\n",
    b"5\r\n12345\r\n\r\n0\r\n\r\n",
    b"\r\n5\r\n12345\r\n0\r\n\r\n",
    b"ffffffffffffffff5\r\n12345\r\n0\r\n\r\n",
    b"5\r\n12345\r\n0\r\nx-klikit-event-id: other\r\n\r\n",
    b"5\r\n12345\r\n0\r\nContent-Length: 5\r\n\r\n",
    b"5\r\n12345\r\n0\r\n folded\r\n\r\n",
    b"5\r\n12345\r\n0\r\n" + b"X: y\r\n" * 800,
])
def test_chunks_are_hex_digits_and_crlf_only(server, chunks):
    data = delivery(server, b"", length=False,
                    extra=("Transfer-Encoding: chunked",))
    refused(server, data + chunks)


# -- lines and headers --

def test_bare_lf_is_400(server):
    refused(server, delivery(server, BODY).replace(b"\r\n", b"\n"))


def test_bare_cr_is_400(server):
    refused(server, delivery(server, BODY, extra=(b"X: a\rb",)))


def test_folded_header_is_400(server):
    refused(server, delivery(server, BODY, extra=("X: a", " b")))


@pytest.mark.parametrize("byte", [b"\x00", b"\x01", b"\x1f", b"\x7f"])
def test_control_byte_in_a_header_is_400(server, byte):
    refused(server, delivery(server, BODY, extra=(b"X: a" + byte + b"b",)))


@pytest.mark.parametrize("line", [
    b"X y: z", b": z", b"X(y): z", b"X\xc3\xa9: z", b"no colon"])
def test_header_name_is_a_token(server, line):
    refused(server, delivery(server, BODY, extra=(line,)))


def test_no_host_is_400(server):
    refused(server, delivery(server, BODY, drop=("Host",)))


def test_several_hosts_are_400(server):
    refused(server, delivery(server, BODY, extra=("Host: other",)))


def test_http_1_0_needs_no_host(server):
    with Wire(server) as wire:
        wire.send(delivery(server, BODY, drop=("Host",),
                           line="POST /webhooks/klikit HTTP/1.0"))
        answer = wire.answer()
        assert answer.status == 200
        wire.closed()


@pytest.mark.parametrize("line", [
    "POST /webhooks/klikit HTTP/1.2", "POST /webhooks/klikit HTTP/2.0",
    "POST /webhooks/klikit HTTP/0.9", "POST /webhooks/klikit http/1.1",
    "POST /webhooks/klikit", "POST  /webhooks/klikit HTTP/1.1",
    "POST /webhooks/klikit  HTTP/1.1", "POST /webhooks/klikit HTTP/1.1 ",
    "POST\t/webhooks/klikit HTTP/1.1", " POST /webhooks/klikit HTTP/1.1",
    "POST /web hooks/klikit HTTP/1.1", "PO(ST /webhooks/klikit HTTP/1.1",
    "POST /webhooks/klikit\x7f HTTP/1.1", "\nPOST / HTTP/1.1", "\r \nPOST / HTTP/1.1"])
def test_request_line_has_three_sound_parts(server, line):
    refused(server, delivery(server, BODY, line=line))


@pytest.mark.parametrize("name", [
    "x-klikit-signature", "x-klikit-event-id", "x-klikit-event-type"])
def test_klikit_header_twice_is_400(server, name):
    refused(server, delivery(server, BODY, extra=(f"{name.upper()}: a",)))


# -- methods and paths --

@pytest.mark.parametrize("method", [
    "GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_other_method_is_405_with_allow(server, method):
    with Wire(server) as wire:
        wire.send(f"{method} /webhooks/klikit HTTP/1.1\r\nHost: x\r\n".encode())
        if method in ("PUT", "PATCH"):
            wire.send(b"Content-Length: 0\r\n")
        answer = wire.send(b"\r\n").answer(head=method == "HEAD")
        assert answer.status == 405
        assert answer.headers["allow"] == "POST"
        if method != "HEAD":
            assert answer.json() == {"error": "method not allowed"}
        assert wire.send(GET).answer().status == 200


def test_healthz_allows_get_and_head(server):
    with Wire(server) as wire:
        answer = wire.send(GET).answer()
        assert (answer.status, answer.json()) == (200, {"status": "ok"})
        head = wire.send(GET.replace(b"GET", b"HEAD")).answer(head=True)
        assert head.status == 200
        wire.send(delivery(server, BODY, line="POST /healthz HTTP/1.1"))
        answer = wire.answer()
        assert answer.status == 405
        assert answer.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize("target", [
    "example.org:443", "/webhooks/klikit", "http://a/"])
def test_connect_is_405_and_the_end(server, target):
    with Wire(server) as wire:
        wire.send(f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        answer = wire.answer()
        assert answer.status == 405
        assert answer.json() == {"error": "method not allowed"}
        assert answer.headers["allow"] == "GET, HEAD, POST"
        assert answer.headers["connection"] == "close"
        assert wire.closed()


def test_unknown_method_is_501_and_the_end(server):
    with Wire(server) as wire:
        wire.send(delivery(server, GET, line="BREW /healthz HTTP/1.1"))
        assert wire.answer().status == 501
        assert wire.closed()


@pytest.mark.parametrize("path", ["/", "/webhooks/klikit/", "/webhooks", "*",
                                  "/Webhooks/klikit", "/healthz/x"])
def test_unknown_path_is_404_in_json(server, path):
    with Wire(server) as wire:
        wire.send(delivery(server, BODY, line=f"OPTIONS {path} HTTP/1.1"))
        answer = wire.answer()
        assert (answer.status, answer.json()) == (404, {"error": "not found"})
        assert wire.send(GET).answer().status == 200


@pytest.mark.parametrize("path", [
    "/webhooks/%6blikit", "/webhooks/klikit?a=b",
    "http://example.org/webhooks/klikit"])
def test_path_is_decoded_and_its_query_ignored(server, path):
    with Wire(server) as wire:
        wire.send(delivery(server, BODY, line=f"POST {path} HTTP/1.1"))
        assert wire.answer().status == 200


# -- order and endings --

@pytest.mark.valgrind
def test_pipelined_requests_are_answered_in_order(server):
    with Wire(server) as wire:
        wire.send(b"".join(
            delivery(server, BODY, event_id=f"p{i % 20}") for i in range(40)))
        for i in range(40):
            wanted = "received" if i < 20 else "duplicate-ignored"
            assert wire.answer().json() == {"status": wanted}
        assert wire.send(GET).answer().status == 200
    server.wait_processed()


@pytest.mark.valgrind
def test_nothing_after_a_bad_request_is_read(server):
    good = delivery(server, BODY, event_id="before")
    bad = delivery(server, BODY, event_id="bad", extra=("Content-Length: 0",))
    after = delivery(server, BODY, event_id="after")
    with Wire(server) as wire:
        wire.send(good + bad + after)
        assert wire.answer().json() == {"status": "received"}
        assert wire.answer().json() == {"error": "bad request"}
        assert wire.closed()
    assert server.query("SELECT event_id FROM events") == [("before",)]


def test_byte_by_byte_is_the_same(server):
    good = delivery(server, BODY, event_id="slow", length=False,
                    extra=("Transfer-Encoding: chunked",))
    good = good[:-len(BODY)] + chunked(BODY, 500)
    bad = delivery(server, b"", extra=("Content-Length: 0",))
    with Wire(server) as wire:
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(len(good)):
            wire.send(good[i:i + 1])
        assert wire.answer().json() == {"status": "received"}
        for i in range(len(bad) - 2):  # the end of its head is not needed
            wire.send(bad[i:i + 1])
        wire.send(bad[-2:])
        assert wire.answer().json() == {"error": "bad request"}
        assert wire.closed()


def test_half_closed_client_gets_its_answer(server):
    with Wire(server) as wire:
        wire.send(delivery(server, BODY)).half_close()
        assert wire.answer().json() == {"status": "received"}
        assert wire.closed()


@pytest.mark.valgrind
def test_client_gone_before_its_answer_harms_nothing(server):
    for i in range(50):
        with Wire(server) as wire:
            wire.send(delivery(server, BODY, event_id=f"gone{i}"))
            if i % 2:  # a reset instead of an end
                wire.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                     struct.pack("ii", 1, 0))
    server.wait_query("SELECT count(*) FROM events WHERE event_id LIKE"
                      " 'gone%'", [(50,)])
    server.wait_processed()
    taken(server, delivery(server, BODY))


def test_stop_answers_what_is_under_way(server):
    wires = [Wire(server) for _ in range(20)]
    for i, wire in enumerate(wires):
        wire.send(delivery(server, BODY, event_id=f"last{i}"))
    assert wires[0].answer().status == 200
    server.process.send_signal(signal.SIGTERM)
    answered = 1
    for wire in wires[1:]:
        try:
            answered += wire.answer().status == 200
        except (AssertionError, ConnectionResetError):
            pass  # it came too late, and was told nothing
        wire.sock.close()
    server.wait()
    assert server.query("SELECT count(*) FROM events")[0][0] >= answered


# -- addresses --

def test_star_listens_on_ipv6_and_ipv4(klikitd):
    server = klikitd(config="[http]\nlisten = *:0\n")
    server.expect("refused")
    hosts = ["127.0.0.1"] + (["::1"] if socket.has_ipv6 and
                             os.path.exists("/proc/net/if_inet6") else [])
    for host in hosts:
        with Wire(server, host) as wire:
            wire.send(delivery(server, BODY))
            assert wire.answer().json() == {"status": "received"}
    with Wire(server) as wire:
        wire.send(delivery(server, BODY, signature="0" * 64))
        assert wire.answer().status == 401
    server.wait_log(r"from 127\.0\.0\.1:\d+ to default refused")
    peers = [row[0] for row in server.query("SELECT peer FROM events")]
    assert peers[0].startswith("127.0.0.1:")
    assert [p for p in peers[1:] if not p.startswith("[::1]:")] == []


def test_a_request_is_read_with_one_call(klikitd, tmp_path):
    """Head and body at once, past libevent's own three calls."""
    trace = tmp_path / "trace"
    server = klikitd(wrapper=["strace", "-f", "-qq", "-o", str(trace), "-e",
                              "trace=recvfrom,readv,ioctl"],
                     env={"ASAN_OPTIONS": "detect_leaks=0"})
    server.open_files()  # where they are hidden, so is what it reads
    body = b'{"orders":[],"note":"' + b"x" * 5000 + b'"}'
    with Wire(server) as wire:
        for number in range(20):
            wire.send(delivery(server, body, event_id=f"e{number}"))
            assert wire.answer().status == 200
    server.stop()
    reads = [line for line in trace.read_text().splitlines()
             if "POST /web" in line or "FIONREAD" in line]
    while "POST /web" not in reads[-1]:
        reads.pop()  # how the connection's end was found
    # On a busy machine one or the other comes in two pieces.
    assert len(reads) < 25, reads
    assert sum("recvfrom(" in line for line in reads) > 15, reads
