"""A service manager's side of sd_notify(3): a datagram socket that a server
tells how it is."""

import os
import socket
import threading

from conftest import DEADLINE


class NotifySocket:
    """Messages as they came: dicts of their fields."""

    def __init__(self, folder, abstract=False):
        name = f"{folder}/notify"
        # An abstract name is at most 107 bytes.
        self.name = f"@klikitd-{os.getpid()}-{id(self)}" if abstract else name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name[1:] if abstract else name)
        self.messages = []
        self.status = ""  # the last one
        self.changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def env(self):
        return {"NOTIFY_SOCKET": self.name}

    def _read(self):
        while True:
            data = self.socket.recv(4096).decode()
            assert data.endswith("\n"), data
            with self.changed:
                self.messages.append(dict(
                    line.split("=", 1) for line in data.splitlines()))
                self.status = self.messages[-1].get("STATUS", self.status)
                self.changed.notify_all()

    def count(self, **fields):
        with self.changed:
            return sum(fields.items() <= message.items()
                       for message in self.messages)

    def wait(self, count=1, **fields):
        """Wait for so many messages with these fields."""
        with self.changed:
            assert self.changed.wait_for(
                lambda: self.count(**fields) >= count,
                DEADLINE), self.messages[-20:]

    def wait_status(self, text):
        with self.changed:
            assert self.changed.wait_for(
                lambda: text in self.status, DEADLINE), self.status

    def words(self):
        """What was said, without what is for people and the watchdog."""
        with self.changed:
            return [name for message in self.messages for name in message
                    if name in ("READY", "RELOADING", "STOPPING")]
