"""A klikitd sink of one's own, on a port the kernel chose at its first start."""

import http.client
import json
import pathlib
import re
import signal
import subprocess
import threading

from conftest import BINARY, DEADLINE, PREFIX


class Sink:
    def __init__(self, directory, *args):
        self.log = pathlib.Path(directory) / "sink.jsonl"
        self.args = [str(arg) for arg in args]
        self.port = 0
        self.process = None
        self.start()

    def start(self):
        """Listen, on the same port as before if there was one."""
        self.process = subprocess.Popen(
            PREFIX + [BINARY, "sink", "--port", str(self.port), "--log",
                      str(self.log)] + self.args,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        line = self.process.stdout.readline().decode()
        found = re.fullmatch(r"listening: (https?://127\.0\.0\.1:(\d+))\n",
                             line)
        assert found, line + self.process.stderr.read().decode()
        self.port = int(found[2])
        self.url = found[1]
        return self

    def stop(self, signum=signal.SIGTERM, expect=0):
        """End it (None: it ends by itself); what it printed, on either."""
        if self.process is None:
            return "", ""
        if signum is not None and self.process.poll() is None:
            self.process.send_signal(signum)
        out, err = self.process.communicate(timeout=DEADLINE)
        code = self.process.returncode
        self.process = None
        assert b"Sanitizer" not in err, err.decode()
        assert code == expect, err.decode()
        return out.decode(), err.decode()

    def kill(self):
        return self.stop(signal.SIGKILL, -signal.SIGKILL)

    def restart(self, *args, kill=False):
        """End it and start it anew, with other flags."""
        if kill:
            self.kill()
        else:
            self.stop()
        self.args = [str(arg) for arg in args]
        return self.start()

    def lines(self):
        """What it has read so far, one record per request."""
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.open()
                if line.endswith("\n")]  # the last may be half written

    def wait_lines(self, count):
        """Wait until it has read so many requests; their records."""
        ticks = threading.Event()
        for _ in range(DEADLINE * 50):
            if len(self.lines()) >= count:
                return self.lines()
            ticks.wait(0.02)  # nothing tells when another process writes
        raise AssertionError(f"{len(self.lines())} requests, not {count}")

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=DEADLINE)

    def post(self, body=b"{}", headers=None, method="POST", path="/orders"):
        """One request on a connection of its own: status, body."""
        conn = self.connect()
        try:
            conn.request(method, path, body, headers or {})
            answer = conn.getresponse()
            return answer.status, answer.read()
        finally:
            conn.close()
