"""The signature doctor: each kind of broken delivery yields its cause."""

import base64
import gzip
import hashlib
import hmac
import json
import re

import pytest

from conftest import PAYLOADS, SECRET, Klikitd, payload, run, sign

pytestmark = pytest.mark.once

# A body in which every rewriting shows: escapes, slashes, order, numbers.
DOCUMENT = {"orders": [{"total": 84.5, "note": "caf\u00e9 <b>&</b>",
                        "logo": "https://img.example/a.png", "id": 7}],
            "brand_id": 910, "branch_id": 2041}
BODY = json.dumps(DOCUMENT, separators=(",", ":"),
                  ensure_ascii=False).encode()
OLD_SECRET = b"canary-old-secret"
BAD = "0" * 64


def dump(**how):
    how.setdefault("separators", (",", ":"))
    return json.dumps(DOCUMENT, ensure_ascii=how.pop("ascii", False),
                      **how).encode()


def as_go(text):
    return (text.replace(b"<", b"\\u003c").replace(b">", b"\\u003e")
            .replace(b"&", b"\\u0026"))


def signed(text, secret=SECRET):
    """What came is BODY, what was signed is text."""
    return BODY, sign(text, secret), {}


def raw(secret=SECRET):
    return hmac.new(secret, BODY, hashlib.sha256).digest()


# name: (expected code, (body that came, signature header, other headers))
BROKEN = {
    "another secret": ("secret_wrong", signed(BODY, b"not-ours")),
    "an old secret": ("secret_expired", signed(BODY, OLD_SECRET)),
    "newline at the sender": ("secret_newline",
                              signed(BODY, SECRET + b"\n")),
    "quotes at the sender": ("secret_quoted",
                             signed(BODY, b'"' + SECRET + b'"')),
    "blank at the sender": ("secret_blanks", signed(BODY, SECRET + b" ")),
    "hex at the sender": ("secret_encoded",
                          signed(BODY, SECRET.hex().encode())),
    "base64 at the sender": ("secret_encoded",
                             signed(BODY, base64.b64encode(SECRET))),
    "no secret at the sender": ("secret_empty", signed(BODY, b"")),
    "sorted names": ("body_reserialised", signed(dump(sort_keys=True))),
    "blanks": ("body_reserialised", signed(dump(separators=(", ", ": ")))),
    "indented by 2": ("body_reserialised",
                      signed(dump(indent=2, separators=(",", ": ")))),
    "indented by 4": ("body_reserialised",
                      signed(dump(indent=4, separators=(",", ": ")))),
    "escaped as Go does": ("body_reserialised", signed(as_go(BODY))),
    "escaped to ASCII": ("body_reserialised", signed(dump(ascii=True))),
    "slashes escaped": ("body_reserialised",
                        signed(BODY.replace(b"/", b"\\/"))),
    "printed with blanks": (
        "body_reserialised",
        (dump(indent=2, separators=(",", ": ")), sign(BODY), {})),
    "newline added": ("body_newline", (BODY + b"\n", sign(BODY), {})),
    "newline cut": ("body_newline", signed(BODY + b"\n")),
    "CRLF": ("body_line_ends",
             (BODY.replace(b",", b",\r\n"), sign(BODY.replace(b",", b",\n")),
              {})),
    "BOM added": ("body_bom", (b"\xef\xbb\xbf" + BODY, sign(BODY), {})),
    "BOM cut": ("body_bom", signed(b"\xef\xbb\xbf" + BODY)),
    "compressed": ("body_compressed",
                   (gzip.compress(BODY), sign(BODY),
                    {"Content-Encoding": "gzip"})),
    "compressed, not said": ("body_compressed",
                             (gzip.compress(BODY), sign(BODY), {})),
    "empty": ("body_empty", (b"", sign(BODY), {})),
    "cut": ("body_truncated", (BODY[:60], sign(BODY), {})),
    "form fields": ("body_not_json", (b"payload=%7B%7D", sign(BODY), {})),
    "upper case": ("signature_uppercase", (BODY, sign(BODY).upper(), {})),
    "base64": ("signature_base64",
               (BODY, base64.b64encode(raw()).decode(), {})),
    "prefixed": ("signature_prefixed", (BODY, "sha256=" + sign(BODY), {})),
    "older scheme": ("signature_old_scheme",
                     (BODY, "t=1750000000,v1=" +
                      sign(b"1750000000." + BODY), {})),
    "SHA-1": ("signature_other_hash",
              (BODY, hmac.new(SECRET, BODY, "sha1").hexdigest(), {})),
    "no MAC": ("signature_malformed", (BODY, "ok", {})),
    "plain hash": ("signed_without_key",
                   (BODY, hashlib.sha256(BODY).hexdigest(), {})),
    "id and body": ("signed_more",
                    (BODY, sign(b"event-1" + BODY), {})),
    "underscores": ("headers_renamed",
                    (BODY, None, {"X_Klikit_Signature": sign(BODY)})),
    "older name": ("headers_renamed",
                   (BODY, sign(BODY), {"x-klikit-event-type": None,
                                       "X-Klikit-Event": "order.placed"})),
    "no header": ("headers_missing",
                  (BODY, None, {"x-klikit-event-id": None,
                                "x-klikit-event-type": None})),
    "one header": ("headers_missing",
                   (BODY, sign(BODY), {"x-klikit-event-id": None})),
    "empty header": ("headers_empty",
                     (BODY, sign(BODY), {"x-klikit-event-id": ""})),
    "long id": ("headers_invalid",
                (BODY, sign(BODY), {"x-klikit-event-id": "i" * 300})),
    "signed, no JSON": ("body_not_json",
                        (b'{"orders":nil}', sign(b'{"orders":nil}'), {})),
    "signed, cut": ("body_truncated", (BODY[:60], sign(BODY[:60]), {})),
    "signed, with BOM": ("body_bom",
                         (b"\xef\xbb\xbf" + BODY,
                          sign(b"\xef\xbb\xbf" + BODY), {})),
}


def macs_of(body):
    """Every value that is right for a body under any secret or variant."""
    found = []
    for secret in (SECRET, OLD_SECRET, SECRET + b"\n", b""):
        mac = hmac.new(secret, body, hashlib.sha256).digest()
        found += [mac.hex(), mac.hex().upper(),
                  base64.b64encode(mac).decode().rstrip("=")]
    return found


def check_canaries(text, where):
    """No secret, and no MAC of a body that was refused."""
    for secret in (SECRET, OLD_SECRET):
        for form in (secret, secret.hex().encode(),
                     base64.b64encode(secret).rstrip(b"=")):
            assert form.decode() not in text, where
    for _, (body, signature, _) in BROKEN.values():
        for mac in macs_of(body):
            assert mac not in text, where
        if signature is not None and len(signature) >= 40:
            assert signature not in text, where


def configure(directory):
    """A configuration with an old secret beside the present one."""
    (directory / "old").write_bytes(OLD_SECRET)
    return f"""
[secret old]
file = {directory}/old
valid_until = 2020-01-01T00:00:00Z
"""


EXPECTED = ("secret old", "refused: ", "another body")


@pytest.fixture
def doctor(klikitd, tmp_path):
    server = klikitd(config=configure(tmp_path))
    server.expect(*EXPECTED)
    return server


def deliver(server, kinds):
    """Deliver what is broken in these ways. What each was answered, and its
    rejection: id, cause, code, diagnosis."""
    found = {}
    kinds = list(kinds)
    for at in range(0, len(kinds), 20):  # so many are surely examined
        for kind in kinds[at:at + 20]:
            body, signature, more = BROKEN[kind][1]
            headers = {"x-klikit-signature": signature, **more}
            found[kind] = [server.post(body, "event-1", headers=headers)]
        server.wait_query("SELECT count(*) FROM rejections",
                          [(len(found),)])
    rows = server.query(
        "SELECT id, cause, code, diagnosis FROM rejections ORDER BY id")
    for kind, row in zip(kinds, rows, strict=True):
        found[kind].append(row)
    return found


@pytest.fixture(scope="module")
def ward(tmp_path_factory):
    """One server for all the kinds, which are many."""
    home = tmp_path_factory.mktemp("ward")
    server = Klikitd(home, config=configure(home))
    server.expect(*EXPECTED)
    server.start()
    server.found = deliver(server, BROKEN)
    yield server
    server.stop()
    server.check_log()


@pytest.mark.parametrize("kind", BROKEN)
def test_each_kind_is_found(ward, kind):
    (status, _, answer), (_, cause, code, text) = ward.found[kind]
    assert code == BROKEN[kind][0], text
    if cause == "signature":
        assert (status, answer) == (401, b'{"error":"invalid signature"}')


@pytest.mark.parametrize("kind", [k for k in BROKEN
                                  if not k.startswith(("signed, ", "long"))])
def test_verify_finds_the_same(ward, kind):
    code, (body, signature, more) = BROKEN[kind]
    headers = {"x-klikit-event-id": "event-1", "x-klikit-event-type": "t",
               "x-klikit-signature": signature, **more}
    head = "POST /webhooks/klikit HTTP/1.1\r\n" + "".join(
        f"{k}: {v}\r\n" for k, v in headers.items() if v is not None)
    done = run("verify", "--request", "--json", "-c", ward.config, "-",
               input=head.encode() + b"\r\n" + body,
               env={"KLIKIT_WEBHOOK_SECRET": SECRET.decode()})
    assert done.returncode == 1, done
    said = json.loads(done.stdout)
    assert (said["valid"], said["diagnosis_code"]) == (False, code), said
    check_canaries((done.stdout + done.stderr).decode(), "verify")


@pytest.mark.parametrize("kind", ["escaped to ASCII", "signed, cut"])
def test_log_and_list_tell_the_same(doctor, kind):
    _, (number, cause, code, text) = deliver(doctor, [kind])[kind]
    doctor.wait_log(re.escape(f"refused: {cause}: {text}"))
    listed = json.loads(doctor.do("rejections", "--json"))
    assert (listed["id"], listed["diagnosis_code"],
            listed["diagnosis"]) == (number, code, text)
    shown = doctor.do("rejections", str(number))
    assert code in shown and text in shown


def test_nothing_tells_a_secret_or_a_right_signature(doctor):
    deliver(doctor, BROKEN)
    body = payload("created-small.json")
    doctor.post(body, "same")
    doctor.post(BODY, "same")  # signed, under an id that is taken
    doctor.wait_query(
        "SELECT count(*) FROM rejections WHERE code = 'id_conflict'", [(1,)])
    outputs = {"list": doctor.do("rejections"),
               "list, json": doctor.do("rejections", "--json",
                                       "--limit", "500"),
               "list, API": json.dumps(doctor.ask(
                   "GET", "/api/v1/rejections?limit=500")[2])}
    for (number,) in doctor.query("SELECT id FROM rejections"):
        outputs[f"{number}, API"] = json.dumps(
            doctor.ask("GET", f"/api/v1/rejections/{number}")[2])
    for (number,) in doctor.query(
            "SELECT min(id) FROM rejections GROUP BY code"):
        outputs[f"{number}"] = doctor.do("rejections", str(number))
    doctor.stop()
    outputs["log"] = doctor.log()
    outputs["store"] = repr(doctor.query("SELECT * FROM rejections"))
    for where, text in outputs.items():
        check_canaries(text, where)


def test_a_secret_with_a_newline_here(klikitd, tmp_path):
    (tmp_path / "secret").write_bytes(SECRET + b"\n\n")
    server = klikitd(config=f"[klikit]\nsecret_file = {tmp_path}/secret\n",
                     secret=None)
    server.expect("ends with a line end", "refused: signature")
    server.secret = SECRET
    assert server.post(BODY)[0] == 401
    server.wait_log(r"refused: signature: secret default \(.*/secret\) ends "
                    "with a newline that the sender's has not")
    server.wait_log(r"warn secret default: .*/secret ends with a line end")


@pytest.mark.parametrize("secret, warning", [
    (b'"klikit-test-secret"', "is in quotes"),
    (b" klikit-test-secret", "begins with a blank"),
    (b"KLIKIT_WEBHOOK_SECRET=x", "begins with NAME="),
])
def test_odd_secrets_are_warned_of_at_the_start(klikitd, secret, warning):
    server = klikitd(secret=secret)
    server.expect(warning)
    server.wait_log(warning)
    assert secret.decode() not in server.final_log()


def test_a_reload_changes_what_is_found(klikitd, tmp_path):
    (tmp_path / "secret").write_bytes(b"first")
    server = klikitd(config=f"[klikit]\nsecret_file = {tmp_path}/secret\n",
                     secret=None)
    server.expect("refused: signature")
    signature = sign(BODY, b"second\n")
    assert server.post(BODY, signature=signature)[0] == 401
    server.wait_query("SELECT code FROM rejections", [("secret_wrong",)])
    (tmp_path / "secret").write_bytes(b"second")
    server.process.send_signal(1)
    server.wait_log("reload: done")
    assert server.post(BODY, signature=signature)[0] == 401
    server.wait_query("SELECT code FROM rejections ORDER BY id",
                      [("secret_wrong",), ("secret_newline",)])


def test_a_flood_is_bounded_and_says_so(doctor):
    """Counts, not times: most of a flood is not examined, nor stored."""
    connection = doctor.connect()
    for i in range(600):
        assert doctor.post(BODY, f"flood-{i}", signature=BAD,
                           connection=connection)[0] == 401
    connection.close()
    doctor.post(BODY, "good")
    doctor.wait_query("SELECT count(*) > 0 FROM rejections "
                      "WHERE code = 'secret_wrong'", [(1,)])
    doctor.wait_query("SELECT count(*) > 0 FROM rejections "
                      "WHERE code = 'skipped'", [(1,)])
    doctor.stop()
    [(rows, skipped)] = doctor.query(
        "SELECT count(*), sum(CASE WHEN code = 'skipped' THEN 1 END) "
        "FROM rejections")
    assert rows < 600 and skipped < rows
    # More than one, if the machine was slow: too many a second, or at once.
    for (why,) in doctor.query("SELECT DISTINCT diagnosis FROM rejections "
                               "WHERE code = 'skipped'"):
        assert why.startswith("not examined: ")


def test_large_bodies_are_told_to_be_too_large(klikitd):
    server = klikitd()
    server.expect("refused: signature")
    body = b'{"orders":[%s]}' % (b" " * 300_000)
    assert server.post(body, signature=BAD)[0] == 401
    server.wait_query("SELECT code, length(body) FROM rejections",
                      [("body_too_large", 1024)])
    assert server.post(body, signature=sign(body, SECRET).upper())[0] == 401
    server.wait_query("SELECT code, diagnosis LIKE '%too large to check%' "
                      "FROM rejections WHERE id = 2",
                      [("signature_uppercase", 1)])


def test_refusals_that_wait_outlast_a_stop(doctor):
    for _ in range(3):
        doctor.post(BODY, signature=BAD)
    doctor.restart()
    assert doctor.query("SELECT count(*) FROM rejections") == [(3,)]


# -- The verb --


def test_rejections_are_listed_and_shown(doctor):
    deliver(doctor, ["upper case", "no header"])
    table = doctor.do("rejections").splitlines()
    assert table[0].split() == ["REJECTION", "RECEIVED", "FROM", "TO",
                                "REFUSED", "DIAGNOSIS", "BYTES", "AGAIN", "NOT",
                                "KEPT"]
    assert "headers_missing" in table[1] and "signature_uppercase" in table[2]
    assert len(doctor.do("rejections", "--limit", "1").splitlines()) == 2
    only = doctor.do("rejections", "--cause", "signature", "--json")
    assert json.loads(only)["cause"] == "signature"
    one = json.loads(doctor.do("rejections", "1", "--json"))
    assert base64.b64decode(one["body_base64"]) == BODY
    assert "x-klikit-signature: (64 bytes)\n" in one["headers"]
    assert doctor.do("rejections", "1", "--body").encode() == BODY
    assert "x-klikit-event-id: event-1" in doctor.do("rejections", "1")
    assert doctor.do("rejections", "9", expect=1) == ""
    assert "there is no rejection 9" in doctor.said
    assert doctor.do("rejections", "x", expect=1) == ""
    assert "there is no rejection x" in doctor.said
    assert doctor.do("rejections", "1", "--cause", "x", expect=2) == ""
    assert doctor.do("rejections", "--body", expect=2) == ""


def test_verify_takes_headers_one_by_one():
    path = PAYLOADS / "created-small.json"
    good = sign(path.read_bytes())
    env = {"KLIKIT_WEBHOOK_SECRET": SECRET.decode()}

    def verify(*args, **more):
        return run("verify", *args, env=env, **more)

    done = verify("--header", f"X-Klikit-Signature: {good}", path)
    assert (done.returncode, done.stdout) == (
        0, b"valid: under secret default\n")
    done = verify("--header", f"X_klikit_signature: {good}", path)
    assert done.returncode == 1 and b"headers_renamed" in done.stdout
    assert good.encode() not in done.stdout + done.stderr
    done = verify("--signature", BAD, "--header", "Via: 1.1 proxy", path)
    assert done.returncode == 1 and b"as Via says" in done.stdout
    done = verify("--header", "no colon", path)
    assert done.returncode == 2 and b"Name: value" in done.stderr
    done = verify("--request", path)
    assert done.returncode == 1 and b"no empty line" in done.stderr
    done = verify("--request", "-", input=b"Transfer-Encoding: chunked\n\n")
    assert done.returncode == 1 and b"chunked" in done.stderr
    done = verify("--signature", good, "--json", path)
    assert json.loads(done.stdout) == {
        "valid": True, "secret": "default", "diagnosis_code": None,
        "diagnosis": None}
