"""server/docs/openapi.json is what a running server does: each path, method,
parameter and field that it serves is described, and each that is described is
served. Whoever adds one to the API adds a line there; what fails names it."""

import collections
import http.client
import json
import re
from urllib.parse import quote

import pytest

from conftest import (CREATED, DEADLINE, ROOT, STATUS, own, payload, received,
                      sign)

pytestmark = [pytest.mark.once,
              pytest.mark.sqlite("what is served is the same")]

FILE = ROOT / "server" / "docs" / "openapi.json"
DOC = json.loads(FILE.read_text())
ADMIN = ROOT / "server" / "admin"
METHODS = ("get", "post", "put", "delete", "patch")
SMALL = payload("created-small.json")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# Fields that nothing here brings about: what would.
RARE = {
    "Event.date_doubted": "a clock that is wrong",
    "EventInFull.date_doubted": "a clock that is wrong",
    "Handler.connected": "a broker",
    "Handler.pulled_at": "a puller",
    "Health.clock": "a clock that is wrong",
    "Health.check": "an unclean stop",
    "Health.advice": "a damaged store",
    "Receiver.counts": "a shared store",
    "Receiver.last_seen": "a shared store",
    "Status.curl": "a machine without curl",
    "Status.receivers": "a shared store",
}


def resolve(schema):
    """What a $ref stands for."""
    while "$ref" in schema:
        at = DOC
        for part in schema["$ref"].removeprefix("#/").split("/"):
            at = at[part]
        schema = at
    return schema


def none(found, what):
    """Fail, and name all of them, if there are any."""
    lines = sorted(map(str, found))
    assert not lines, f"server/docs/openapi.json: {what}:\n" + "\n".join(lines)


def operations():
    """Each path and method, and what is said of it."""
    for path, methods in DOC["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


# -- What an answer has is described, and what is described is seen --


class Answers:
    """Looks at answers by their schemas; gathers what is wrong and which
    described fields have been seen."""

    KINDS = {"string": str, "boolean": bool, "array": list, "object": dict,
             "null": type(None)}

    def __init__(self):
        self.wrong = set()
        self.seen = collections.defaultdict(set)

    def is_a(self, value, kind):
        if kind == "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        if kind == "number":
            return isinstance(value, (int, float)) and not isinstance(value,
                                                                      bool)
        return isinstance(value, self.KINDS[kind])

    def look(self, value, schema, where):
        if "$ref" in schema:
            where = schema["$ref"].rsplit("/", 1)[1]
        schema = resolve(schema)
        if "anyOf" in schema or "oneOf" in schema:
            fits = [each for each in schema.get("anyOf", schema.get("oneOf"))
                    if self.is_a(value, resolve(each)["type"])]
            if not fits:
                self.wrong.add(f"{where}: is {value!r}")
                return
            schema = resolve(fits[0])
        kinds = schema.get("type")
        if kinds is None:  # anything
            return
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if not any(self.is_a(value, kind) for kind in kinds):
            self.wrong.add(f"{where}: is {value!r}, and not {kinds}")
            return
        if value is None:
            return
        if "enum" in schema and value not in schema["enum"]:
            self.wrong.add(f"{where}: {value!r} is not one of the described")
        if schema.get("format") == "date-time" and not TIME.fullmatch(value):
            self.wrong.add(f"{where}: {value!r} is no date")
        if isinstance(value, list):
            for one in value:
                self.look(one, schema["items"], f"{where}[]")
        elif isinstance(value, dict):
            self.look_at_object(value, schema, where)

    def look_at_object(self, value, schema, where):
        fields = schema.get("properties", {})
        more = schema.get("additionalProperties")
        for name, one in value.items():
            if name in fields:
                self.seen[where].add(name)
                self.look(one, fields[name], f"{where}.{name}")
            elif isinstance(more, dict):
                self.look(one, more, f"{where}.{name}")
            else:
                self.wrong.add(f"{where}.{name}: is not described")
        for name in schema.get("required", []):
            if name not in value:
                self.wrong.add(f"{where}.{name}: is required, and not there")

    def unseen(self):
        """Fields that are described and that no answer had."""
        def fields(schema, where):
            if "$ref" in schema:
                return
            for name, one in schema.get("properties", {}).items():
                if name not in self.seen[where]:
                    yield f"{where}.{name}"
                yield from fields(one, f"{where}.{name}")
            if "items" in schema:
                yield from fields(schema["items"], f"{where}[]")
            for each in schema.get("anyOf", []):
                yield from fields(each, where)

        for name, schema in DOC["components"]["schemas"].items():
            yield from fields(schema, name)


def test_an_answer_that_is_described_wrongly_is_found():
    answers = Answers()
    error = {"$ref": "#/components/schemas/Error"}
    answers.look({"error": "x"}, error, "")
    assert not answers.wrong
    answers.look({"error": 1, "new": 2}, error, "")
    answers.look({}, error, "")
    assert answers.wrong == {
        "Error.error: is 1, and not ['string']",
        "Error.new: is not described",
        "Error.error: is required, and not there"}
    assert "Job.handler" in Answers().unseen()


# -- A server to which everything has happened --


@pytest.fixture
def busy(klikitd, tmp_path):
    far = tmp_path / "code"
    far.write_text("exit 3")
    (tmp_path / "backups").mkdir()
    (tmp_path / "other").write_text("other-secret")
    (tmp_path / "token").write_text("a-token-of-the-tests")
    (tmp_path / "api").write_text("key:secret")
    (tmp_path / "fails").write_text("#!/bin/sh\nexit 1\n")
    server = klikitd(config=f"""[http]
listen = 127.0.0.1:0
[secret other]
file = {tmp_path}/other
scope = other
[backup]
dir = {tmp_path}/backups
every = 1s
command = /bin/false
[probe]
url = http://127.0.0.1:1/webhooks/klikit
every = 1h
[upstream hub]
url = http://127.0.0.1:1/pull/box
token_file = {tmp_path}/token
[reconcile]
url = http://127.0.0.1:1/orders
auth = bearer
credentials_file = {tmp_path}/token
[handler orders]
type = orders
[handler pos]
type = exec
events = klikit.*
command = /bin/sh {far}
retry = 1h
deadline = 1s
on_deadline = bell
[handler bell]
type = exec
events =
command = /bin/true
[handler klikit]
type = klikit
url = http://127.0.0.1:1/v1/partner
credentials_file = {tmp_path}/api
retry = 1h
[handler ops]
type = exec
events = klikitd.alert.*
command = /bin/true
""")
    server.expect(".")
    received(server.post(own(SMALL, "dead"), "dead"))
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'dead'",
                      [(1,)])
    far.write_text("exit 75")
    received(server.post(own(SMALL, "waits"), "waits"))
    server.post(own(SMALL, "waits"), "waits")
    received(server.post(own(SMALL, "waits"), "again"))  # a repeat
    for path in ("status-updated-cancelled.json", "cart-updated.json"):
        received(server.post(payload(path), path, type=STATUS if "status" in
                             path else "klikit.order.cart.updated"))
    # The same id and order under the other secret.
    other = own(SMALL, "dead")
    received(server.post(other, "dead", signature=sign(other,
                                                       b"other-secret")))
    server.post(SMALL, "dead", type=CREATED)  # another body
    server.post(SMALL, "bad", signature="0" * 64)
    server.post(b"[1,", "json")
    server.wait_query("SELECT count(*) >= 3 FROM rejections", [(1,)])
    server.wait_query("SELECT count(*) >= 1 FROM jobs WHERE state = 'waiting'",
                      [(1,)])
    server.wait_query("SELECT count(*) >= 1 FROM events WHERE type = "
                      "'klikitd.alert.job_dead'", [(1,)])
    server.wait_log("was not handed on")
    server.wait_for(lambda: ask(server, "GET", "/api/v1/alarms")[1]["alarms"],
                    "alarm")
    return server


def ask(server, method, path, body=None):
    status, _, answer = server.ask(method, path, body)
    return status, answer


def described(path, method, status):
    """The schema of an answer."""
    responses = DOC["paths"][path][method.lower()]["responses"]
    found = responses.get(str(status), responses.get(f"{str(status)[0]}XX"))
    assert found is not None, f"{method} {path}: {status} is not described"
    content = resolve(found)["content"]["application/json"]
    return content["schema"]


def acts(server, waiting, dead):
    """What is asked for to change something: path, its real form, body."""
    yield "/api/v1/handlers/{name}/pause", "/api/v1/handlers/pos/pause", {
        "why": "a test"}
    yield ("/api/v1/handlers/{name}/pause", "/api/v1/handlers/none/pause", {})
    yield ("/api/v1/jobs/replay", None, {"ids": [dead, 999999]})
    yield ("/api/v1/jobs/{id}/retry", f"/api/v1/jobs/{waiting}/retry", {})
    yield ("/api/v1/jobs/{id}/discard", f"/api/v1/jobs/{waiting}/discard",
           {"reason": "a test"})
    yield ("/api/v1/jobs/discard", None, {"ids": [waiting, 999999],
                                          "reason": "a test"})
    alarms = ask(server, "GET", "/api/v1/alarms")[1]["alarms"]
    yield "/api/v1/alarms/acknowledge", None, {
        "ids": [alarms[0]["id"], 999999], "by": "a test"}
    yield ("/api/v1/orders/{id}/status", "/api/v1/orders/9100001/status",
           {"status": "ready", "scope": "", "by": "a test"})
    yield "/api/v1/probe", None, {"url": server.url + "/webhooks/klikit"}


def ends(server):
    """The same, for what leaves nothing to look at."""
    yield ("/api/v1/handlers/{name}/resume", "/api/v1/handlers/pos/resume", {})
    yield "/api/v1/purge", None, {"older_than_ms": 1}


def look_at_what_is_not_json(server):
    """It is described as such."""
    host, port = server.admin.removeprefix("http://").rsplit(":", 1)
    for path, real in (("/metrics", "/metrics"),
                       ("/api/v1/events/{id}/body", "/api/v1/events/dead/body"),
                       ("/api/v1/stream", "/api/v1/stream")):
        conn = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        conn.request("GET", real)
        answer = conn.getresponse()
        kind, = DOC["paths"][path]["get"]["responses"]["200"]["content"]
        assert answer.status == 200
        assert answer.getheader("Content-Type").split(";")[0] == kind
        conn.close()


def test_each_field_is_described_and_each_described_is_served(busy):
    answers = Answers()
    reached = set()

    def check(path, method, real=None, body=None):
        status, answer = ask(busy, method, real or path, body)
        reached.add((path, method))
        answers.look(answer, described(path, method, status),
                     f"{method} {path}")
        return answer

    def look():
        check("/healthz", "GET")
        check("/readyz", "GET")
        for path, method, operation in operations():
            if method == "GET" and "{" not in path and path.startswith(
                    "/api/v1/") and path != "/api/v1/stream":
                check(path, "GET")
        check("/api/v1/stats", "GET", "/api/v1/stats?step=hour")
        check("/api/v1/events", "GET", "/api/v1/events?limit=1")
        check("/api/v1/orders", "GET", "/api/v1/orders?limit=1")
        events = check("/api/v1/events", "GET", "/api/v1/events?limit=500")
        for event in events["events"]:
            check("/api/v1/events/{id}", "GET",
                  f"/api/v1/events/{quote(event['event_id'], safe='')}?scope="
                  f"{event.get('scope', '')}")
        check("/api/v1/events/{id}", "GET", "/api/v1/events/dead")
        for order in check("/api/v1/orders", "GET")["orders"]:
            check("/api/v1/orders/{id}", "GET",
                  f"/api/v1/orders/{order['order_id']}?scope="
                  f"{order.get('scope', '')}")
        check("/api/v1/orders/{id}", "GET", "/api/v1/orders/9100001")
        check("/api/v1/orders/{id}/status", "GET",
              "/api/v1/orders/9100001/status?scope=")
        check("/api/v1/rejections/groups", "GET")
        for one in check("/api/v1/rejections", "GET")["rejections"]:
            check("/api/v1/rejections/{id}", "GET",
                  f"/api/v1/rejections/{one['id']}")
        jobs = check("/api/v1/jobs", "GET", "/api/v1/jobs?limit=500")["jobs"]
        for job in jobs:
            check("/api/v1/jobs/{id}", "GET", f"/api/v1/jobs/{job['id']}")
        return jobs

    look_at_what_is_not_json(busy)
    jobs = look()
    dead, = [job["id"] for job in jobs if job["state"] == "dead"]
    waiting = [job["id"] for job in jobs if job["state"] == "waiting"][0]
    for path, real, body in acts(busy, waiting, dead):
        check(path, "POST", real, body)
    look()
    for path, real, body in ends(busy):
        check(path, "POST", real, body)
    look()
    none(answers.wrong, "put these right")
    none(set(answers.unseen()) - set(RARE), "no answer had these: remove "
         "them, or have `busy` bring them about")
    raw = {"/metrics", "/api/v1/stream", "/api/v1/events/{id}/body"}
    assert {(path, method) for path, method, _ in operations()
            if path not in raw} == reached, "no answer of these was looked at"


# -- Paths and parameters --


def real(path):
    return re.sub(r"\{\w+\}", "1", path)


def test_each_path_and_method_is_described(server):
    """By the server's own table, and by what it answers."""
    table = set(re.findall(r'\{ "(GET|POST)", "(/api[^"]+)"',
                           (ADMIN / "admin.c").read_text()))
    assert len(table) >= 20
    listener = re.findall(r'\{ "(/(?!")[^"]+)", \w+, \w+',
                          (ADMIN / "admin_listener.c").read_text())
    served = {(method, path.replace("*", "{}")) for method, path in table}
    served |= {("GET", path) for path in listener} | {("GET", "/healthz")}
    named = {(method, re.sub(r"\{\w+\}", "{}", path))
             for path, method, _ in operations()}
    none(served - named, "these are served: describe them")
    none(named - served, "these are not served: remove them")
    by_path = collections.defaultdict(set)
    for path, method, _ in operations():
        by_path[path].add(method)
    for path, methods in by_path.items():
        for method, body in (("GET", None), ("POST", {}), ("DELETE", None)):
            status = server.ask(method, real(path), body)[0] if (
                method not in methods) else 405
            assert status in (404, 405), (method, path)


VALUES = ("1", "true", "dead", "hour", "2026-01-01T00:00:00Z", "x")


def takes(server, path, name, schema):
    """Does it know a parameter of that name, which is described like that?"""
    said = [ask(server, "GET", f"{real(path)}?{name}={value}")
            for value in (*VALUES, *schema.get("enum", ()))]
    return any("is unknown here, or has a wrong value" not in
               (answer or {}).get("error", "") for _, answer in said)


def test_each_parameter_is_described_and_each_described_is_taken(server):
    """Every list is asked for each name that any list knows."""
    names = set(re.findall(r'\{ "(\w+)", ADMIN_', "".join(
        path.read_text() for path in ADMIN.glob("*.c"))))
    assert len(names) > 12
    missing, extra = [], []
    for path, method, operation in operations():
        if method != "GET" or not path.startswith("/api/v1/") or (
                path.endswith(("/stream", "/status", "/receivers",
                               "/handlers"))):
            continue
        known = {p["name"]: p["schema"] for p in map(
            resolve, operation.get("parameters", [])) if p["in"] == "query"}
        if path.endswith("/{id}") and not known:
            continue  # it looks at no query
        taken = {name for name in names | set(known)
                 if takes(server, path, name, known.get(name, {}))}
        missing += [f"{path}?{name}" for name in sorted(taken - set(known))]
        extra += [f"{path}?{name}" for name in sorted(set(known) - taken)]
    none(missing, "these are taken: describe them")
    none(extra, "these are not taken: remove them")


def test_it_is_an_openapi_of_3_1():
    assert DOC["openapi"].startswith("3.1.")
    ids = [operation["operationId"] for _, _, operation in operations()]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations():
        assert set(DOC["paths"][path]) <= set(METHODS)
        assert operation["summary"].endswith((".", "?")), path
        inside = {resolve(p)["name"] for p in operation.get("parameters", [])
                  if resolve(p)["in"] == "path"}
        assert inside == set(re.findall(r"\{(\w+)\}", path)), path
        assert operation["responses"]

    def walk(node):
        if isinstance(node, dict):
            if "$ref" in node:
                resolve(node)  # raises if it leads nowhere
                used.add(node["$ref"])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    used = set()
    walk(DOC)
    for kind in "schemas", "parameters", "responses":
        for name in DOC["components"][kind]:
            assert f"#/components/{kind}/{name}" in used, name
