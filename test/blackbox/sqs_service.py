"""A fake of Amazon SQS that checks what the real one does, and more.

A program that serves one directory, in which the messages are kept, each on
disk before it is confirmed:

    sqs_service.py --directory DIR [--port PORT] [--cert FILE --key FILE]

It recomputes each signature with botocore, checks the time of it, credentials,
region, queue and all limits, and answers with the MD5 of what it got. On the
same port are the metadata services of a machine (IMDSv2) and of a container.

POST /_control changes how it behaves while it runs, each field of Behaviour by
its name; GET /_state says what it was asked. fake_sqs.py does both for tests.
"""

import argparse
import base64
import contextlib
import dataclasses
import datetime
import hashlib
import http.server
import json
import os
import pathlib
import re
import socket
import ssl
import struct
import sys
import threading
import time

SIZE_MAX = 1024 * 1024
DEDUP_SECONDS = 300
SKEW_SECONDS = 900
ACCOUNT = "123456789012"
REFUSED = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
FIFO_ID = re.compile(r"[A-Za-z0-9!-/:-@\[-`{-~]{1,128}")
ATTRIBUTE_NAME = re.compile(r"(?!aws\.|amazon\.)[A-Za-z0-9_.-]{1,256}", re.I)
TOKEN = "imds-token"


@dataclasses.dataclass
class Behaviour:
    region: str = "eu-west-1"
    queues: list = dataclasses.field(
        default_factory=lambda: ["orders", "orders.fifo"])
    # Access key id -> [secret, session token or None]
    keys: dict = dataclasses.field(default_factory=lambda: {
        "AKIATEST": ["secret/of+the/test", None]})
    expired: list = dataclasses.field(default_factory=list)  # ids of keys
    denied: list = dataclasses.field(default_factory=list)   # actions
    ahead: int = 0      # seconds that its clock is ahead
    size_max: int = SIZE_MAX  # of a message; of a batch it is SIZE_MAX
    retention: int = 345600
    redrive: bool = True
    hold: bool = False       # calls wait until it is False again
    throttle: bool = False   # every call
    full: bool = False       # every entry of every call
    refuse_batches: str = "" # a code for each of several entries
    fail_every: int = 0      # each so many-th entry fails
    wrong_md5: bool = False
    # What the next calls get in place of an answer: "garbage", "endless",
    # "huge", "strangers", "missing", "twice", "cut", "close", "hang", or
    # [status, headers, body], or {"code": ..., "status": ...}.
    next: list = dataclasses.field(default_factory=list)
    role: str = "shop-role"  # of the machine; empty: it has none
    role_key: str = "AKIATEST"
    role_seconds: int = 3600  # until they expire
    metadata: str = ""  # what it answers instead


class Refusal(Exception):
    def __init__(self, code, message="", status=400):
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status


def md5(data):
    return hashlib.md5(data).hexdigest()


def attributes_md5(attributes):
    """As "Calculating the MD5 message digest" in SQS's guide."""
    data = b""
    for name in sorted(attributes):
        a = attributes[name]
        kind = a["DataType"]
        binary = kind.startswith("Binary")
        value = (base64.b64decode(a["BinaryValue"]) if binary else
                 a["StringValue"].encode())
        for part in (name.encode(), kind.encode()):
            data += struct.pack(">I", len(part)) + part
        data += (b"\2" if binary else b"\1") + struct.pack(
            ">I", len(value)) + value
    return md5(data)


def size_of(entry):
    size = len(entry["MessageBody"].encode())
    for name, a in entry.get("MessageAttributes", {}).items():
        size += len(name.encode()) + len(a["DataType"].encode())
        size += (len(base64.b64decode(a["BinaryValue"]))
                 if "BinaryValue" in a else len(a["StringValue"].encode()))
    return size


class Signatures:
    """What botocore makes of a request."""

    def __init__(self):
        import botocore.auth
        import botocore.awsrequest
        import botocore.credentials
        self.auth = botocore.auth.SigV4Auth
        self.request = botocore.awsrequest.AWSRequest
        self.credentials = botocore.credentials.Credentials

    def authorization(self, key, region, headers, names, body):
        """The value of the header."""
        url = f"http://{headers['host']}/"
        request = self.request(method="POST", url=url, data=body, headers={
            name: headers[name] for name in names if name != "host"})
        request.context["timestamp"] = headers["x-amz-date"]
        auth = self.auth(self.credentials(*key), "sqs", region)
        # The token is signed as the header that came.
        canonical = auth.canonical_request(request)
        text = auth.string_to_sign(request, canonical)
        return (f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, "
                f"SignedHeaders={';'.join(names)}, "
                f"Signature={auth.signature(text, request)}")


class State:
    def __init__(self, directory):
        self.lock = threading.Lock()
        self.behaviour = Behaviour()
        self.signatures = Signatures()
        self.directory = pathlib.Path(directory)
        self.path = self.directory / "messages.jsonl"
        self.calls = []  # [action, entries, code] of each call
        self.metadata_calls = []
        self.held = 0  # calls that have come, and are not acted on yet
        self.count = 0
        self.dedup = {}  # (queue, id) -> (time, message id)
        if self.path.exists():
            text = self.path.read_text()
            whole = text[:text.rfind("\n") + 1]
            self.path.write_text(whole)  # the last one was not confirmed
            for line in whole.splitlines():
                self.remember(json.loads(line))
        self.file = self.path.open("a")

    def now(self):
        return time.time() + self.behaviour.ahead

    def remember(self, m):
        if m["dedup"] is not None and not m["repeat"]:
            self.dedup[m["queue"], m["dedup"]] = (m["at"], m["id"])

    # -- what is asked --

    def check_signature(self, headers, body):
        b = self.behaviour
        m = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/sqs/"
            r"aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=(.*)",
            headers.get("authorization", ""))
        if not m:
            raise Refusal("MissingAuthenticationToken", status=403)
        key_id, _, region, names, _ = m.groups()
        names = names.split(";")
        needed = {"host", "content-type"} | {
            n for n in headers if n.startswith("x-amz-")}
        if not needed <= set(names):
            raise Refusal("IncompleteSignature", f"sign {needed}", 403)
        if key_id not in b.keys:
            raise Refusal(
                "UnrecognizedClientException",
                "The security token included in the request is invalid.", 403)
        if key_id in b.expired:
            raise Refusal(
                "ExpiredTokenException",
                "The security token included in the request is expired", 403)
        secret, token = b.keys[key_id]
        if headers.get("x-amz-security-token") != token:
            raise Refusal("UnrecognizedClientException", "token", 403)
        date = headers["x-amz-date"]
        at = datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(
            tzinfo=datetime.timezone.utc).timestamp()
        if at < self.now() - SKEW_SECONDS:
            raise Refusal("InvalidSignatureException",
                          f"Signature expired: {date} is now earlier than "
                          "another", 403)
        if at > self.now() + SKEW_SECONDS:
            raise Refusal("InvalidSignatureException",
                          f"Signature not yet current: {date} is still later "
                          "than another", 403)
        if region != b.region:
            raise Refusal(
                "InvalidSignatureException", "Credential should be scoped to "
                f"a valid region, not '{region}'. ", 403)
        right = self.signatures.authorization(
            (key_id, secret, None), region, headers, names, body)
        # The token is no part of what botocore adds here: it was signed.
        if right != headers["authorization"]:
            raise Refusal(
                "InvalidSignatureException", "The request signature we "
                "calculated does not match the signature you provided.", 403)

    def queue_of(self, request):
        m = re.fullmatch(rf"https?://[^/]+/{ACCOUNT}/([A-Za-z0-9_.-]+)",
                         request.get("QueueUrl", ""))
        if not m or m[1] not in self.behaviour.queues:
            raise Refusal("com.amazonaws.sqs#QueueDoesNotExist",
                          "The specified queue does not exist.")
        return m[1]

    def check_entry(self, entry, fifo):
        attributes = entry.get("MessageAttributes", {})
        body = entry.get("MessageBody", "")
        if not body:
            raise Refusal("EmptyValue", "The request must contain a body.")
        if REFUSED.search(body):
            raise Refusal("InvalidMessageContents",
                          "Invalid characters were found.")
        if len(attributes) > 10:
            raise Refusal("InvalidParameterValue", "More than 10 attributes.")
        for name, a in attributes.items():
            if not ATTRIBUTE_NAME.fullmatch(name):
                raise Refusal("InvalidParameterValue", f"name {name}")
            if a["DataType"] == "String":
                if not a["StringValue"] or REFUSED.search(a["StringValue"]):
                    raise Refusal("InvalidParameterValue", f"value of {name}")
            elif a["DataType"] != "Binary" or not a["BinaryValue"]:
                raise Refusal("InvalidParameterValue", f"type of {name}")
        if size_of(entry) > self.behaviour.size_max:
            raise Refusal("InvalidParameterValue", "Reason: Message must be "
                          f"shorter than {self.behaviour.size_max} bytes.")
        if not fifo and ("MessageGroupId" in entry or
                         "MessageDeduplicationId" in entry):
            raise Refusal("InvalidParameterValue", "not a FIFO queue")
        for name in ("MessageGroupId", "MessageDeduplicationId"):
            if fifo and not FIFO_ID.fullmatch(entry.get(name, "")):
                raise Refusal("InvalidParameterValue", f"The {name}")

    def store(self, queue, entry, fifo):
        """Returns the message's id."""
        dedup = entry["MessageDeduplicationId"] if fifo else None
        now = time.time()
        earlier = self.dedup.get((queue, dedup)) if fifo else None
        repeat = bool(earlier) and earlier[0] > now - DEDUP_SECONDS
        self.count += 1
        m = {"queue": queue, "id": earlier[1] if repeat else
             hashlib.md5(os.urandom(16)).hexdigest(), "at": now,
             "repeat": repeat, "dedup": dedup,
             "group": entry.get("MessageGroupId"),
             "body": entry["MessageBody"],
             "attributes": entry.get("MessageAttributes", {})}
        self.file.write(json.dumps(m) + "\n")
        self.remember(m)
        return m["id"]

    def take(self, queue, entry, fifo):
        """One entry; returns its place in the answer."""
        self.check_entry(entry, fifo)
        b = self.behaviour
        if b.full:
            raise Refusal("RequestThrottled", "Rate exceeded", 503)
        if b.fail_every and (self.count + 1) % b.fail_every == 0:
            self.count += 1
            raise Refusal("InternalError", "It did not work out.", 500)
        message_id = self.store(queue, entry, fifo)
        answer = {"Id": entry["Id"], "MessageId": message_id,
                  "MD5OfMessageBody": md5(entry["MessageBody"].encode())}
        if b.wrong_md5:
            answer["MD5OfMessageBody"] = md5(b"something else")
        if entry.get("MessageAttributes"):
            answer["MD5OfMessageAttributes"] = attributes_md5(
                entry["MessageAttributes"])
        if fifo:
            answer["SequenceNumber"] = str(self.count)
        return answer

    def send_batch(self, request):
        queue = self.queue_of(request)
        fifo = queue.endswith(".fifo")
        entries = request["Entries"]
        ids = [entry["Id"] for entry in entries]
        if not entries:
            raise Refusal("EmptyBatchRequest")
        if len(entries) > 10:
            raise Refusal("TooManyEntriesInBatchRequest")
        if len(set(ids)) != len(ids):
            raise Refusal("BatchEntryIdsNotDistinct")
        if not all(re.fullmatch(r"[A-Za-z0-9_-]{1,80}", i) for i in ids):
            raise Refusal("InvalidBatchEntryId")
        if self.behaviour.refuse_batches and len(entries) > 1:
            raise Refusal(self.behaviour.refuse_batches)
        if sum(map(size_of, entries)) > SIZE_MAX:
            raise Refusal("AWS.SimpleQueueService.BatchRequestTooLong")
        answer = {"Successful": [], "Failed": []}
        failed = set()  # groups
        for entry in entries:
            try:
                if entry.get("MessageGroupId") in failed:
                    raise Refusal("InternalError", "an earlier one failed")
                answer["Successful"].append(self.take(queue, entry, fifo))
            except Refusal as r:
                if fifo:
                    failed.add(entry.get("MessageGroupId"))
                answer["Failed"].append({
                    "Id": entry["Id"], "Code": r.code, "Message": r.message,
                    "SenderFault": r.status < 500})
        self.file.flush()
        os.fsync(self.file.fileno())
        return answer

    def attributes(self, request):
        queue = self.queue_of(request)
        found = {"MessageRetentionPeriod": str(self.behaviour.retention),
                 "MaximumMessageSize": str(self.behaviour.size_max)}
        if queue.endswith(".fifo"):
            found["FifoQueue"] = "true"
        if self.behaviour.redrive:
            found["RedrivePolicy"] = "{\"maxReceiveCount\":3}"
        return {"Attributes": found}

    def act(self, path, headers, body):
        """Returns the answer of a whole call."""
        if path != "/":
            raise Refusal("UnknownOperationException", status=404)
        if headers.get("content-type") != "application/x-amz-json-1.0":
            raise Refusal("UnknownOperationException", "content type", 404)
        self.check_signature(headers, body)
        action = headers["x-amz-target"].removeprefix("AmazonSQS.")
        if action in self.behaviour.denied:
            raise Refusal("com.amazon.coral.service#AccessDeniedException",
                          f"User: arn:aws:iam::{ACCOUNT}:user/x is not "
                          f"authorized to perform: sqs:{action}", 403)
        if self.behaviour.throttle:
            raise Refusal("com.amazonaws.sqs#RequestThrottled",
                          "Rate exceeded")
        return {"SendMessageBatch": self.send_batch,
                "GetQueueAttributes": self.attributes}[action](
                    json.loads(body))

    # -- the metadata services --

    def credentials(self):
        b = self.behaviour
        secret, token = b.keys[b.role_key]
        until = datetime.datetime.fromtimestamp(
            self.now() + b.role_seconds, datetime.timezone.utc)
        return json.dumps({
            "Code": "Success", "Type": "AWS-HMAC", "AccessKeyId": b.role_key,
            "SecretAccessKey": secret, "Token": token or "",
            "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ")})

    def metadata(self, method, path, headers):
        """Returns status and text; None: it is no path of these."""
        b = self.behaviour
        roles = "/latest/meta-data/iam/security-credentials/"
        if not path.startswith(("/latest/", "/container")):
            return None
        self.metadata_calls.append(f"{method} {path}")
        if b.metadata:
            return 200, b.metadata
        if path == "/container":
            if headers.get("authorization") != "container-token":
                return 401, "no"
            return 200, self.credentials()
        if path == "/latest/api/token":
            ttl = headers.get("x-aws-ec2-metadata-token-ttl-seconds", "")
            good = method == "PUT" and re.fullmatch(r"\d+", ttl)
            return (200, TOKEN) if good else (400, "no")
        if method != "GET" or headers.get(
                "x-aws-ec2-metadata-token") != TOKEN:
            return 401, "no"
        if not b.role:
            return 404, "no"
        if path == roles:
            return 200, b.role + "\n"
        return (200, self.credentials()) if path == roles + b.role else (
            404, "no")


class Call(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def date_time_string(self, timestamp=None):
        return super().date_time_string(
            self.server.state.now() if timestamp is None else timestamp)

    def read(self):
        length = int(self.headers.get("Content-Length", 0))
        return self.rfile.read(length)

    def answer(self, status, text, headers=()):
        data = text if isinstance(text, bytes) else text.encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.other("GET")

    def do_PUT(self):
        self.read()
        self.other("PUT")

    def other(self, method):
        state = self.server.state
        headers = {k.lower(): v for k, v in self.headers.items()}
        with state.lock:
            if self.path == "/_state":
                found = 200, json.dumps({
                    "calls": state.calls, "metadata": state.metadata_calls,
                    "held": state.held})
            else:
                found = state.metadata(method, self.path, headers)
        self.answer(*(found or (404, "no")))

    def misbehave(self, way):
        """Something else than an answer."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        self.close_connection = True
        if way == "garbage":
            self.wfile.write(os.urandom(4096))
        elif way == "html":
            self.answer(200, "<html>log in to this network</html>")
        elif way in ("endless", "huge"):
            size = 1 << 40 if way == "huge" else None
            self.wfile.write(head + (
                b"Content-Length: %d\r\n\r\n" % size if size else b"\r\n"))
            with contextlib.suppress(OSError):
                while True:
                    self.wfile.write(b"[" * 65536)
        elif way == "cut":
            self.wfile.write(head + b"Content-Length: 400\r\n\r\n"
                             b"{\"Successful\":[{\"Id\":\"0\"")
        elif way == "hang":
            self.server.released.wait()
        elif isinstance(way, list):
            self.answer(way[0], way[2], list(way[1].items()))
        elif isinstance(way, dict):
            self.refuse(Refusal(way["code"], way.get("message", ""),
                                way.get("status", 400)))
        elif way != "close":
            raise AssertionError(way)

    def changed(self, answer, way):
        """An answer that is not what it should be."""
        if way == "strangers":
            return {"Successful": [dict(a, Id=f"{90 + i}") for i, a in
                                   enumerate(answer["Successful"])] + [
                                       {"Id": "x" * 1000}], "Failed": []}
        if way == "missing":
            return dict(answer, Successful=answer["Successful"][:-1])
        return dict(answer, Failed=[dict(a, Code="InternalError") for a in
                                    answer["Successful"]])

    def refuse(self, refusal):
        self.answer(refusal.status, json.dumps(
            {"__type": refusal.code, "message": refusal.message}), [
                ("x-amzn-query-error", f"{refusal.code};Sender")])

    def do_POST(self):
        body = self.read()
        state = self.server.state
        if self.path == "/_control":
            with state.lock:
                for name, value in json.loads(body).items():
                    assert hasattr(state.behaviour, name), name
                    setattr(state.behaviour, name, value)
                (self.server.open.clear if state.behaviour.hold else
                 self.server.open.set)()
            self.answer(200, "{}")
            return
        headers = {k.lower(): v for k, v in self.headers.items()}
        with state.lock:
            state.held += 1
        self.server.open.wait()
        with state.lock:
            state.held -= 1
            way = (state.behaviour.next.pop(0) if state.behaviour.next
                   else None)
            late = way in ("strangers", "missing", "twice", "stored")
            code = way if isinstance(way, str) else "scripted"
            try:
                if way is None or late:
                    code = ""
                    answer = state.act(self.path, headers, body)
            except Refusal as r:
                code, refusal, late, way = r.code, r, False, None
            entries = []
            with contextlib.suppress(ValueError, KeyError):
                entries = json.loads(body)["Entries"]
            state.calls.append([headers.get("x-amz-target", ""),
                                len(entries), code])
        if way == "stored":  # and nobody hears of it
            self.close_connection = True
        elif late:
            self.answer(200, json.dumps(self.changed(answer, way)))
        elif way is not None:
            self.misbehave(way)
        elif code:
            self.refuse(refusal)
        else:
            self.answer(200, json.dumps(answer))


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    args = parser.parse_args()
    server = Server(("127.0.0.1", args.port), Call)
    server.state = State(args.directory)
    server.released = threading.Event()
    server.open = threading.Event()
    if args.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.cert, args.key)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
