"""A Google Pub/Sub of our own, as far as klikitd and its workers use it.

It is stricter than Google's emulator: it verifies each token (a JWT that a
service account signed, or one of its own metadata server), checks the limits,
and keeps what it has taken in a file, so that it may be killed.

    account = Account(directory)         # a service account and its key's file
    fake = FakePubsub(directory, account)       # a process; FakePubsub.port
    fake.messages()                      # what was taken: [{"data": bytes, ...}]
    fake.do(act=[{"status": 503}])       # see Fake.control()
    fake.kill(); fake.start()            # same port, same data
    fake.stop()

As a program: fake_pubsub.py --port 0 --data FILE --account FILE. Subscriptions
are named after their topic, with -sub behind it. REST: topics.get, publish,
testIamPermissions, subscriptions.list, pull, acknowledge; and of a metadata
server the token.
"""

import argparse
import base64
import binascii
import hashlib
import http.client
import http.server
import json
import os
import pathlib
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from email.utils import formatdate

PROJECT = "demo-kitchen"
TOPIC = "orders"
AUDIENCE = "https://pubsub.googleapis.com/"
# The prefix of PKCS #1 v1.5 for SHA-256 (RFC 8017, section 9.2, note 1).
SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
REQUEST_MAX = 10_000_000
MESSAGES_MAX = 1000


class Refused(Exception):
    def __init__(self, code, status, message):
        super().__init__(message)
        self.code, self.status, self.message = code, status, message


# -- Tokens --


def unbase64url(text):
    if "=" in text or "+" in text or "/" in text:
        raise ValueError("not base64url without padding")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def verify(signed, signature, modulus, exponent=65537):
    """RS256 (RFC 8017, section 8.2.2), in integers."""
    size = (modulus.bit_length() + 7) // 8
    if len(signature) != size:
        return False
    number = pow(int.from_bytes(signature, "big"), exponent, modulus)
    tail = SHA256_PREFIX + hashlib.sha256(signed).digest()
    padded = b"\0\1" + b"\xff" * (size - len(tail) - 3) + b"\0" + tail
    return number.to_bytes(size, "big") == padded


def check_jwt(token, account, now):
    """Raises ValueError with what is wrong with it."""
    head, claims, signature = token.split(".")
    header = json.loads(unbase64url(head))
    if header != {"alg": "RS256", "typ": "JWT", "kid": account["key_id"]}:
        raise ValueError(f"header {header}")
    if not verify(f"{head}.{claims}".encode(), unbase64url(signature),
                  int(account["modulus"], 16)):
        raise ValueError("signature")
    claims = json.loads(unbase64url(claims))
    wanted = {"iss": account["email"], "sub": account["email"],
              "aud": AUDIENCE, "iat": claims["iat"], "exp": claims["exp"]}
    if claims != wanted:
        raise ValueError(f"claims {claims}")
    if not claims["iat"] - 30 <= now < claims["exp"]:
        raise ValueError("time")
    if not 0 < claims["exp"] - claims["iat"] <= 3600:
        raise ValueError("life")


# -- What is published --


def check_message(message):
    """Raises ValueError. The limits are those of "Quotas and limits"."""
    if set(message) - {"data", "attributes", "orderingKey"}:
        raise ValueError(f"fields {sorted(message)}")
    data = base64.b64decode(message.get("data", ""), validate=True)
    attributes = message.get("attributes", {})
    if not data and not attributes:
        raise ValueError("an empty message")
    if len(attributes) > 100:
        raise ValueError("attributes")
    for key, value in attributes.items():
        if not key or key.startswith("goog") or len(key.encode()) > 256:
            raise ValueError(f"attribute {key}")
        if len(value.encode()) > 1024:
            raise ValueError(f"value of {key}")
    if len(message.get("orderingKey", "").encode()) > 1024:
        raise ValueError("orderingKey")
    return data


class Topic:
    """What was taken, and what a subscription has not acknowledged yet."""

    def __init__(self, path):
        self.file = open(path, "a+b")
        self.file.seek(0)
        whole = self.file.read()
        whole = whole[:whole.rfind(b"\n") + 1]
        self.file.truncate(len(whole))
        self.messages = [json.loads(line) for line in whole.splitlines()]
        self.acknowledged = set()
        self.out = {}  # ack id -> index

    def add(self, messages):
        """Durably, all or none. Returns their ids."""
        first = len(self.messages)
        stored = [{**m, "messageId": str(10_000_000 + first + i),
                   "publishTime": time.strftime("%Y-%m-%dT%H:%M:%SZ",
                                                time.gmtime())}
                  for i, m in enumerate(messages)]
        self.file.write(b"".join(json.dumps(m).encode() + b"\n"
                                 for m in stored))
        self.file.flush()
        os.fsync(self.file.fileno())
        self.messages += stored
        return [m["messageId"] for m in stored]

    def pull(self, most):
        """In order for each key: none while an earlier one of it is out."""
        found, blocked = [], {self.messages[i].get("orderingKey")
                              for i in self.out.values()} - {None}
        waiting = set(self.out.values())
        for index, message in enumerate(self.messages):
            key = message.get("orderingKey")
            if (index in self.acknowledged or index in waiting or
                    key in blocked or len(found) == most):
                continue
            ack = f"ack-{index}"
            self.out[ack] = index
            found.append({"ackId": ack, "message": message})
        return found

    def acknowledge(self, acks):
        for ack in acks:
            if ack in self.out:
                self.acknowledged.add(self.out.pop(ack))


class Fake:
    def __init__(self, args):
        self.account = (json.loads(pathlib.Path(args.account).read_text())
                        if args.account else None)
        self.lock = threading.Lock()
        self.topic = Topic(args.data)
        self.acts = []
        self.settings = {"clock": 0, "denied": [], "missing": False,
                         "subscribed": True, "poison": None, "full": False,
                         "metadata": 200, "life": 3600}
        self.tokens = set()  # of the metadata server
        self.seen = {"publish": 0, "tokens": [], "metadata": 0, "batches": [],
                     "refused": []}

    def now(self):
        return time.time() + self.settings["clock"]

    def control(self, wanted):
        """What a test may ask for.

        act: [{"status", "body", "headers", "raw", "cut", "endless", "silent"}]:
             of the next publishes, one each: an answer made up, or what
             becomes of the connection; with "cut" the messages are taken, and
             so many bytes of the answer still go
        clock: seconds that it is ahead; life: of metadata's tokens
        denied: permissions; missing: there is no topic; subscribed
        poison: text in a body for which it is refused; full: 429
        metadata: its status; forget: its tokens are good no more
        """
        with self.lock:
            self.acts += wanted.pop("act", [])
            if wanted.pop("forget", False):
                self.tokens.clear()
            assert set(wanted) <= set(self.settings), wanted
            self.settings.update(wanted)
            return {"acts": len(self.acts), **self.settings, **self.seen}

    def authorize(self, headers):
        if self.account is None:
            if headers["authorization"]:
                raise Refused(400, "INVALID_ARGUMENT", "a token came")
            return
        kind, _, token = (headers["authorization"] or "").partition(" ")
        if token not in self.seen["tokens"]:
            self.seen["tokens"].append(token)
        try:
            if kind != "Bearer":
                raise ValueError("no token")
            if token not in self.tokens:
                check_jwt(token, self.account, self.now())
        except (ValueError, KeyError, TypeError) as e:
            self.seen["refused"].append(str(e))
            raise Refused(401, "UNAUTHENTICATED",
                          "Request had invalid authentication credentials."
                          ) from e

    def need(self, permission):
        if permission in self.settings["denied"]:
            raise Refused(403, "PERMISSION_DENIED",
                          f"User not authorized to perform this action: "
                          f"{permission}")
        if self.settings["missing"]:
            raise Refused(404, "NOT_FOUND",
                          f"Resource not found (resource={TOPIC}).")

    def publish(self, body):
        self.seen["publish"] += 1
        self.need("pubsub.topics.publish")
        if self.settings["full"]:
            raise Refused(429, "RESOURCE_EXHAUSTED", "Quota exceeded")
        if len(body) > REQUEST_MAX:
            raise Refused(400, "INVALID_ARGUMENT",
                          "Request payload size exceeds the limit")
        request = json.loads(body)
        messages = request["messages"]
        if set(request) != {"messages"} or not (
                0 < len(messages) <= MESSAGES_MAX):
            raise Refused(400, "INVALID_ARGUMENT", "messages")
        self.seen["batches"].append(len(messages))
        try:
            datas = [check_message(m) for m in messages]
        except (ValueError, binascii.Error) as e:
            raise Refused(400, "INVALID_ARGUMENT", str(e)) from e
        poison = self.settings["poison"]
        if poison and any(poison.encode() in data for data in datas):
            raise Refused(400, "INVALID_ARGUMENT", "poison\nof a body")
        return {"messageIds": self.topic.add(messages)}

    def rest(self, method, path, headers, body):
        """What the API answers. Raises Refused."""
        self.authorize(headers)
        topic = f"/v1/projects/{PROJECT}/topics/{TOPIC}"
        subscription = f"/v1/projects/{PROJECT}/subscriptions/{TOPIC}-sub"
        if (method, path) == ("GET", topic):
            self.need("pubsub.topics.get")
            return {"name": topic[4:]}
        if (method, path.split("?")[0]) == ("GET", topic + "/subscriptions"):
            self.need("pubsub.topics.listSubscriptions")
            return ({"subscriptions": [subscription[4:]]}
                    if self.settings["subscribed"] else {})
        if (method, path) == ("POST", topic + ":publish"):
            if headers["content-type"] != "application/json":
                raise Refused(400, "INVALID_ARGUMENT", "content-type")
            return self.publish(body)
        if (method, path) == ("POST", topic + ":testIamPermissions"):
            return {"permissions": [
                p for p in json.loads(body)["permissions"]
                if p not in self.settings["denied"] and
                not self.settings["missing"]]}
        if (method, path) == ("POST", subscription + ":pull"):
            return {"receivedMessages": self.topic.pull(
                json.loads(body)["maxMessages"])}
        if (method, path) == ("POST", subscription + ":acknowledge"):
            self.topic.acknowledge(json.loads(body)["ackIds"])
            return {}
        raise Refused(404, "NOT_FOUND", f"Resource not found ({path}).")

    def metadata(self, headers):
        """(status, what it says)"""
        self.seen["metadata"] += 1
        if headers["metadata-flavor"] != "Google":
            return 403, {"error": "Metadata-Flavor"}
        if self.settings["metadata"] != 200:
            return self.settings["metadata"], {"error": "none"}
        token = "ya29." + base64.urlsafe_b64encode(os.urandom(30)).decode()
        self.tokens.add(token)
        return 200, {"access_token": token, "token_type": "Bearer",
                     "expires_in": self.settings["life"]}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 120

    def setup(self):
        super().setup()
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, status, value, act):
        """All of it in one write; act says what goes wrong."""
        fake = self.server.fake
        body = act.get("body", json.dumps(value)).encode()
        lines = [f"HTTP/1.1 {act.get('status', status)} X",
                 f"Date: {formatdate(fake.now(), usegmt=True)}",
                 "Content-Type: application/json",
                 f"Content-Length: {len(body)}",
                 *(f"{k}: {v}" for k, v in act.get("headers", {}).items())]
        whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        if "raw" in act:
            whole = act["raw"].encode("latin-1")
        if "cut" in act:
            whole = whole[:act["cut"]]
        if "cut" in act or "raw" in act:
            self.close_connection = True
        self.wfile.write(whole)
        if act.get("endless"):
            self.close_connection = True
            while True:
                self.wfile.write(b"x" * 65536)

    def answer(self):
        fake = self.server.fake
        body = self.rfile.read(int(self.headers["content-length"] or 0))
        act, status, value = None, 200, {}
        with fake.lock:
            if self.path.endswith(":publish") and fake.acts:
                act = fake.acts.pop(0)
                fake.seen["publish"] += "cut" not in act
            if act is None or "cut" in act:
                status, value = self.decide(fake, body)
        if act and act.get("silent"):
            self.request.recv(1)  # until the other side closes
            self.close_connection = True
            return
        self.send(status, value, act or {})

    def decide(self, fake, body):
        if self.path.startswith("/computeMetadata/v1/instance/"
                                "service-accounts/default/token"):
            return fake.metadata(self.headers)
        try:
            return 200, fake.rest(self.command, self.path, self.headers, body)
        except Refused as e:
            return e.code, {"error": {"code": e.code, "message": e.message,
                                      "status": e.status}}

    def do_GET(self):
        self.answer()

    def do_POST(self):
        if self.path != "/_fake":
            self.answer()
            return
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send(200, self.server.fake.control(json.loads(body)), {})

    def log_message(self, *args):
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # whoever left in the midst


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--data", required=True)
    parser.add_argument("--account")
    parser.add_argument("--certificate")
    parser.add_argument("--key")
    args = parser.parse_args()
    server = Server(("127.0.0.1", args.port), Handler)
    server.fake = Fake(args)
    if args.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(args.certificate, args.key)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    print(server.server_address[1], flush=True)
    server.serve_forever()


# -- For tests --


class Account:
    """A service account; its key's file is account.file."""

    def __init__(self, directory, bits=2048, name="svc"):
        self.email = f"{name}@{PROJECT}.iam.gserviceaccount.com"
        self.key_id = hashlib.sha256(name.encode()).hexdigest()[:40]
        self.file = pathlib.Path(directory) / f"{name}.json"
        self.public = pathlib.Path(directory) / f"{name}.public.json"
        key = subprocess.run(["openssl", "genrsa", str(bits)], check=True,
                             capture_output=True).stdout
        self.write(key)
        modulus = subprocess.run(
            ["openssl", "rsa", "-noout", "-modulus"], input=key, check=True,
            capture_output=True).stdout.decode().strip().partition("=")[2]
        self.public.write_text(json.dumps({
            "email": self.email, "key_id": self.key_id, "modulus": modulus}))

    def write(self, key, **changes):
        self.key = key.decode()
        self.file.write_text(json.dumps({
            "type": "service_account", "project_id": PROJECT,
            "private_key_id": self.key_id, "private_key": self.key,
            "client_email": self.email, "client_id": "1",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": "https://oauth2.googleapis.com/token", **changes},
            indent=2))
        self.file.chmod(0o600)


class FakePubsub:
    """The program above, as a process of a test."""

    def __init__(self, directory, account=None, certificate=None):
        self.data = pathlib.Path(directory) / "topic.jsonl"
        self.args = ["--data", str(self.data)]
        if account:
            self.args += ["--account", str(account.public)]
        self.tls = None
        if certificate:
            self.args += ["--certificate", str(certificate.path),
                          "--key", str(certificate.key)]
            self.tls = ssl._create_unverified_context()
        self.scheme = "https" if certificate else "http"
        self.port = 0
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--port", str(self.port), *self.args],
            stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        return self

    def _end(self, signum):
        if self.process is not None:
            self.process.send_signal(signum)
            self.process.communicate()
            self.process = None

    def kill(self):
        self._end(signal.SIGKILL)

    def stop(self):
        self._end(signal.SIGTERM)

    def ask(self, path, value, headers=None):
        if self.tls:
            conn = http.client.HTTPSConnection("127.0.0.1", self.port,
                                               timeout=60, context=self.tls)
        else:
            conn = http.client.HTTPConnection("127.0.0.1", self.port,
                                              timeout=60)
        conn.request("POST", path, json.dumps(value), headers or {})
        said = json.loads(conn.getresponse().read())
        conn.close()
        return said

    def do(self, **wanted):
        """Have it behave so from now on; what it has seen."""
        return self.ask("/_fake", wanted)

    def messages(self):
        """What it has taken, in its order; data as bytes."""
        if not self.data.exists():
            return []
        whole = self.data.read_bytes()
        found = [json.loads(line) for line in
                 whole[:whole.rfind(b"\n") + 1].splitlines()]
        for message in found:
            message["data"] = base64.b64decode(message.get("data", ""))
        return found


if __name__ == "__main__":
    main()
