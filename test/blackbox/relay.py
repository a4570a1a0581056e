"""A relay that cuts connections, and a server that says what it likes.

    relay = Relay(broker_port)      # connect to relay.port instead
    relay.cut_after(700)            # once, when so many more bytes came from
                                    # the client: those are passed on, no more
    relay.cut_after(9, up=False)    # the same for bytes of the server
    relay.cut()                     # all connections, now
    relay.stall(); relay.flow()     # keeps all bytes, from both sides
    relay.refuse(); relay.accept()  # new connections end at once
    relay.cuts, relay.accepted      # how often so far
    relay.wait_for(lambda: relay.cuts == 1)

    server = Scripted([b"garbage"], [7, b"half a fra", None])

Each script is for one connection in turn, the last one for all that follow. Its
steps: bytes are sent; a number is how many bytes to wait for; None waits until
the other side closes; a function gets the socket; an iterator's bytes are sent
until the other side closes. Then the connection is closed. What a client has
sent is in server.received[i], how many connections came is server.accepted.
"""

import contextlib
import socket
import struct
import threading
import time

from conftest import DEADLINE

CHUNK = 65536
ABORT = struct.pack("ii", 1, 0)  # SO_LINGER: close by RST


class Listener:
    """Takes connections on a port of its own, a thread for each."""

    def __init__(self):
        self.accepted = 0
        self.changed = threading.Condition()
        self.sockets = set()
        self.closing = False
        self.threads = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self._spawn(self._accept)

    def _spawn(self, function, *args):
        thread = threading.Thread(target=function, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                if self.closing:
                    sock.close()
                    return
                self.sockets.add(sock)
                number, self.accepted = self.accepted, self.accepted + 1
                self.changed.notify_all()
            self._spawn(self._serve, sock, number)

    def wait_for(self, condition):
        """Until something that this counts is so."""
        with self.changed:
            assert self.changed.wait_for(condition, DEADLINE), vars(self)

    def _end(self, sock, abort=False):
        with self.changed:
            if sock not in self.sockets:
                return
            self.sockets.remove(sock)
            self.changed.notify_all()
        with contextlib.suppress(OSError):
            if abort:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
            else:
                sock.shutdown(socket.SHUT_RDWR)  # who reads it wakes up
        sock.close()

    def close(self):
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in list(self.sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            self._end(sock)
        for thread in self.threads:
            thread.join(DEADLINE)
            assert not thread.is_alive()


class Relay(Listener):
    def __init__(self, port):
        self.target = port
        self.flowing = True
        self.refusing = False
        self.cuts = 0
        self.left = {True: None, False: None}  # bytes until a cut, by `up`
        super().__init__()

    def _serve(self, client, _):
        if self.refusing:
            self._end(client)
            return
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            self._end(client)
            return
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self.changed:
            self.sockets.add(server)
        self._spawn(self._pass, client, server, True)
        self._pass(server, client, False)

    def _pass(self, source, sink, up):
        with contextlib.suppress(OSError, ValueError):
            while data := source.recv(CHUNK):
                with self.changed:
                    self.changed.wait_for(
                        lambda: self.flowing or self.closing or
                        source not in self.sockets)
                    data, last = self._until_cut(data, up)
                sink.sendall(data)
                if last:
                    break
        self._end(source)
        self._end(sink)

    def _until_cut(self, data, up):
        left = self.left[up]
        if left is None:
            return data, False
        if len(data) < left:
            self.left[up] = left - len(data)
            return data, False
        self.left[up] = None
        self.cuts += 1
        self.changed.notify_all()
        return data[:left], True

    def cut_after(self, count, up=True):
        with self.changed:
            self.left[up] = count

    def cut(self, abort=False):
        with self.changed:
            self.cuts += 1
        for sock in list(self.sockets):
            if not abort:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
            self._end(sock, abort)

    def stall(self):
        with self.changed:
            self.flowing = False

    def flow(self):
        with self.changed:
            self.flowing = True
            self.changed.notify_all()

    def refuse(self):
        self.refusing = True

    def accept(self):
        self.refusing = False


class Scripted(Listener):
    def __init__(self, *scripts):
        self.scripts = scripts
        self.received = []
        self.times = []  # of the connections, to see that they are paced
        super().__init__()

    def _serve(self, sock, number):
        with self.changed:
            while len(self.received) <= number:
                self.received.append(b"")
                self.times.append(time.monotonic())
        script = self.scripts[min(number, len(self.scripts) - 1)]
        with contextlib.suppress(OSError):
            for step in script:
                self._step(sock, number, step)
        self._end(sock)

    def _step(self, sock, number, step):
        if isinstance(step, bytes):
            sock.sendall(step)
        elif step is None:
            while self._read(sock, number, CHUNK):
                pass
        elif isinstance(step, int):
            wanted = len(self.received[number]) + step
            while (missing := wanted - len(self.received[number])) > 0:
                if not self._read(sock, number, missing):
                    break
        elif callable(step):
            step(sock)
        else:
            for data in step:
                sock.sendall(data)

    def _read(self, sock, number, count):
        data = sock.recv(count)
        with self.changed:
            self.received[number] += data
            self.changed.notify_all()
        return data
