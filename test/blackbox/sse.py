"""A reader of the admin listener's stream, one message at a time."""

import http.client
import json
import socket

from conftest import DEADLINE


class Stream:
    """An open stream; messages() are (event, data, id)."""

    def __init__(self, server, last_id=None, headers=None, query="",
                 source=None):
        host, port = server.admin.removeprefix("http://").rsplit(":", 1)
        self.conn = http.client.HTTPConnection(
            host, int(port), timeout=DEADLINE,
            source_address=source and (source, 0))
        sent = dict(headers or {})
        if last_id is not None:
            sent["Last-Event-ID"] = last_id
        self.conn.request("GET", "/api/v1/stream" + query, headers=sent)
        self.answer = self.conn.getresponse()
        self.status = self.answer.status
        self.last_id = None
        self.comments = 0
        if self.status == 200:
            block = self._block()  # the first one only has an id
            self.retry = block["retry"]
            self.first = block.get("event")

    def _block(self):
        """The next block, which may have no event; None at the end."""
        fields = {}
        while True:
            line = self.answer.readline().decode()
            if line == "":
                return None
            line = line.rstrip("\n")
            if line == "":
                if fields:
                    self.last_id = fields.get("id", self.last_id)
                    return fields
                continue
            if line.startswith(":"):
                self.comments += 1
                continue
            name, value = line.split(": ", 1)
            fields[name] = value

    def next(self):
        """The next message: its event and data. None at the end."""
        while True:
            block = self._block()
            if block is None:
                return None
            if "event" in block:
                return block["event"], json.loads(block["data"])

    def until(self, condition):
        """Read on until one message fulfils the condition; returns all."""
        seen = []
        while not (seen and condition(*seen[-1])):
            message = self.next()
            assert message is not None, seen
            seen.append(message)
        return seen

    def close(self):
        """Leave; answer.close() would wait for an end that never comes."""
        if self.answer.fp is not None:
            self.answer.fp.raw._sock.shutdown(socket.SHUT_RDWR)
            self.answer.fp.close()
        self.conn.close()
