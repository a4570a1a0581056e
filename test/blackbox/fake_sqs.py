"""A fake of Amazon SQS (sqs_service.py) in a process of its own, for tests.

FakeSqs starts it, kills it, and changes how it behaves while it runs:
set(name=value) for each field of Behaviour.
"""

import base64
import http.client
import json
import os
import pathlib
import ssl
import subprocess
import sys

from sqs_service import ACCOUNT
from unpacked import python_path

SERVICE = pathlib.Path(__file__).with_name("sqs_service.py")


class FakeSqs:
    """One fake, in a process of its own, on a port that stays the same."""

    def __init__(self, directory, queue="orders", cert=None, **behaviour):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.queue = queue
        self.cert = cert
        self.behaviour = behaviour
        self.port = 0
        self.process = None
        self.start()

    @property
    def url(self):
        return f"http{'s' if self.cert else ''}://127.0.0.1:{self.port}"

    @property
    def queue_url(self):
        return f"{self.url}/{ACCOUNT}/{self.queue}"

    def start(self):
        command = [sys.executable, SERVICE, "--directory",
                   str(self.directory), "--port", str(self.port)]
        if self.cert:
            command += ["--cert", str(self.cert.path), "--key",
                        str(self.cert.key)]
        env = dict(os.environ, PYTHONPATH=python_path())
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE,
                                        stdin=subprocess.DEVNULL, env=env)
        line = self.process.stdout.readline()
        assert line, "the fake does not start"
        self.port = int(line)
        self.set(**self.behaviour)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def ask(self, method, path, body=None):
        kind = (http.client.HTTPSConnection if self.cert else
                http.client.HTTPConnection)
        more = {"context": ssl._create_unverified_context()} if (
            self.cert) else {}
        conn = kind("127.0.0.1", self.port, timeout=60, **more)
        conn.request(method, path, body)
        answer = conn.getresponse()
        data = json.loads(answer.read())
        conn.close()
        assert answer.status == 200
        return data

    def set(self, **behaviour):
        self.behaviour.update(behaviour)
        self.behaviour.pop("next", None)  # only once
        self.ask("POST", "/_control", json.dumps(behaviour))

    def state(self):
        return self.ask("GET", "/_state")

    def calls(self, code=None):
        """Of SendMessageBatch: how many entries each had."""
        return [n for action, n, c in self.state()["calls"]
                if action.endswith("SendMessageBatch") and
                (code is None or c == code)]

    def messages(self, repeats=False):
        """What is in the queue, in its order."""
        path = self.directory / "messages.jsonl"
        text = path.read_text() if path.exists() else ""
        found = [json.loads(line) for line in
                 text[:text.rfind("\n") + 1].splitlines()]
        return [m for m in found if m["queue"] == self.queue and
                (repeats or not m["repeat"])]

    @staticmethod
    def attribute(message, name):
        a = message["attributes"].get(name)
        if a is None:
            return None
        return (base64.b64decode(a["BinaryValue"]) if "BinaryValue" in a
                else a["StringValue"])

    @classmethod
    def body(cls, message):
        text = message["body"]
        if cls.attribute(message, "klikitd-encoding") == "base64":
            return base64.b64decode(text)
        return text.encode()

    def close(self):
        if self.process.poll() is None:
            self.kill()
