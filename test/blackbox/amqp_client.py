"""As much of AMQP 0-9-1 as a test needs to see what is in RabbitMQ.

    client = Client(port, "guest", "guest", vhost="/")
    client.declare("orders", **{"x-queue-type": "quorum"})
    client.declare_exchange("events", "topic")
    client.bind("orders", "events", "#")
    client.publish("events", "created", b"body", message_id="1")
    client.get("orders")            # a Message, taken off the queue, or None
    client.drain("orders")          # all of them
    client.count("orders"); client.purge("orders"); client.delete("orders")

What the server refuses raises Closed with its code and text; the connection is
of no use then. publish() waits for the server's confirmation.
"""

import socket
import struct

from conftest import DEADLINE

FRAME_MAX = 131072
METHOD, HEADER, BODY, HEARTBEAT, END = 1, 2, 3, 8, b"\xce"
# The properties of a message in the order of their flags, with their kinds.
PROPERTIES = [("content_type", "s"), ("content_encoding", "s"),
              ("headers", "F"), ("delivery_mode", "B"), ("priority", "B"),
              ("correlation_id", "s"), ("reply_to", "s"), ("expiration", "s"),
              ("message_id", "s"), ("timestamp", "Q"), ("type", "s"),
              ("user_id", "s"), ("app_id", "s"), ("cluster_id", "s")]
NUMBERS = {b"b": "b", b"B": "B", b"s": "h", b"u": "H", b"I": "i", b"i": "I",
           b"l": "q", b"L": "Q", b"f": "f", b"d": "d", b"T": "Q", b"t": "?"}


class Closed(Exception):
    """The server has closed the channel or the connection."""

    def __init__(self, code, text):
        super().__init__(f"{code} {text}")
        self.code = code
        self.text = text


class Refused(Exception):
    """A queue has not taken what was published."""


class Message:
    def __init__(self, body, properties, routing_key, exchange, redelivered):
        self.body = body
        self.properties = properties
        self.headers = properties.get("headers", {})
        self.routing_key = routing_key
        self.exchange = exchange
        self.redelivered = redelivered


def short(text):
    data = text.encode()
    return bytes([len(data)]) + data


def long(data):
    return struct.pack(">I", len(data)) + data


def table(fields):
    out = b""
    for name, value in fields.items():
        out += short(name)
        if isinstance(value, bool):
            out += b"t" + bytes([value])
        elif isinstance(value, int):
            out += b"l" + struct.pack(">q", value)
        elif isinstance(value, dict):
            out += b"F" + table(value)
        else:
            out += b"S" + long(str(value).encode())
    return long(out)


class Reader:
    """Takes fields off bytes."""

    def __init__(self, data):
        self.data = data

    def take(self, count):
        taken, self.data = self.data[:count], self.data[count:]
        assert len(taken) == count, "a short frame"
        return taken

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(form)))[0]

    def short(self):
        return self.take(self.number("B")).decode()

    def long(self):
        return self.take(self.number("I"))

    def value(self):
        kind = self.take(1)
        if kind in NUMBERS:
            return self.number(NUMBERS[kind])
        if kind == b"S":
            return self.long().decode(errors="surrogateescape")
        if kind == b"x":
            return self.long()
        if kind == b"F":
            return self.table()
        if kind == b"A":
            inner, found = Reader(self.long()), []
            while inner.data:
                found.append(inner.value())
            return found
        assert kind == b"V", kind
        return None

    def table(self):
        inner, fields = Reader(self.long()), {}
        while inner.data:
            name = inner.short()
            fields[name] = inner.value()
        return fields

    def properties(self):
        flags, found = self.number("H"), {}
        for place, (name, kind) in enumerate(PROPERTIES):
            if flags & (0x8000 >> place):
                found[name] = (self.short() if kind == "s" else self.table()
                               if kind == "F" else self.number(kind))
        return found


def packed_properties(properties):
    flags, out = 0, b""
    for place, (name, kind) in enumerate(PROPERTIES):
        if name in properties:
            flags |= 0x8000 >> place
            value = properties[name]
            out += (short(value) if kind == "s" else table(value)
                    if kind == "F" else struct.pack(">" + kind, value))
    return struct.pack(">H", flags) + out


class Client:
    """One connection with one channel."""

    def __init__(self, port, user="guest", password="guest", vhost="/",
                 tls=None):
        self.sock = socket.create_connection(("127.0.0.1", port), DEADLINE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")
        self.stream = self.sock.makefile("rb")
        self.sock.sendall(b"AMQP\0\0\x09\x01")
        self._wait(10, 10)
        login = f"\0{user}\0{password}".encode()
        wishes = {"capabilities": {"authentication_failure_close": True}}
        self._method(0, 10, 11, table(wishes) + short("PLAIN") + long(login) +
                     short("en_US"))
        self._wait(10, 30)
        self._method(0, 10, 31, struct.pack(">HIH", 1, FRAME_MAX, 0))
        self._method(0, 10, 40, short(vhost) + short("") + b"\0")
        self._wait(10, 41)
        self._method(1, 20, 10, short(""))
        self._wait(20, 11)
        self._method(1, 85, 10, b"\0")  # confirms
        self._wait(85, 11)

    # -- frames --

    def _frame(self, kind, channel, data):
        self.sock.sendall(struct.pack(">BHI", kind, channel, len(data)) +
                          data + END)

    def _method(self, channel, room, name, arguments):
        self._frame(METHOD, channel, struct.pack(">HH", room, name) +
                    arguments)

    def _read(self, count):
        data = self.stream.read(count)
        if len(data) != count:
            raise ConnectionError("the connection ended")
        return data

    def _next(self):
        """The next frame that is no heartbeat: its kind and what it holds."""
        while True:
            kind, _, length = struct.unpack(">BHI", self._read(7))
            data = self._read(length)
            assert self._read(1) == END
            if kind != HEARTBEAT:
                return kind, Reader(data)

    def _wait(self, room, *names):
        """The next method, which is one of these: its name and arguments."""
        kind, reader = self._next()
        assert kind == METHOD, kind
        came = reader.number("H"), reader.number("H")
        if came in ((10, 50), (20, 40)):
            raise Closed(reader.number("H"), reader.short())
        assert came[0] == room and came[1] in names, came
        return came[1], reader

    def _call(self, room, name, arguments, *answers):
        self._method(1, room, name, arguments)
        return self._wait(room, *answers)

    # -- what tests do --

    def declare(self, queue, durable=True, passive=False, **arguments):
        """Returns the number of messages in it."""
        flags = passive | durable << 1
        _, reader = self._call(50, 10, b"\0\0" + short(queue) +
                               bytes([flags]) + table(arguments), 11)
        reader.short()
        return reader.number("I")

    def count(self, queue):
        return self.declare(queue, passive=True)

    def declare_exchange(self, name, kind="direct", durable=True):
        self._call(40, 10, b"\0\0" + short(name) + short(kind) +
                   bytes([durable << 1]) + table({}), 11)

    def bind(self, queue, exchange, routing_key=""):
        self._call(50, 20, b"\0\0" + short(queue) + short(exchange) +
                   short(routing_key) + b"\0" + table({}), 21)

    def purge(self, queue):
        self._call(50, 30, b"\0\0" + short(queue) + b"\0", 31)

    def delete(self, queue):
        self._call(50, 40, b"\0\0" + short(queue) + b"\0", 41)

    def publish(self, exchange, routing_key, body, **properties):
        """Returns when the server has it on disk; raises if it refuses."""
        properties.setdefault("delivery_mode", 2)
        self._method(1, 60, 40, b"\0\0" + short(exchange) +
                     short(routing_key) + b"\0")
        self._frame(HEADER, 1, struct.pack(">HHQ", 60, 0, len(body)) +
                    packed_properties(properties))
        for start in range(0, len(body), FRAME_MAX - 8):
            self._frame(BODY, 1, body[start:start + FRAME_MAX - 8])
        name, _ = self._wait(60, 80, 120)
        if name == 120:
            raise Refused(routing_key)

    def get(self, queue, ack=True):
        """A message, or None. Without ack it goes back when this closes."""
        name, reader = self._call(60, 70, b"\0\0" + short(queue) +
                                  bytes([ack]), 71, 72)
        if name == 72:
            return None
        reader.number("Q")
        redelivered, exchange, key = (reader.number("?"), reader.short(),
                                      reader.short())
        _, reader = self._next()
        reader.take(4)
        length, properties = reader.number("Q"), reader.properties()
        body = b""
        while len(body) < length:
            body += self._next()[1].data
        return Message(body, properties, key, exchange, redelivered)

    def drain(self, queue):
        return list(iter(lambda: self.get(queue), None))

    def close(self):
        self.stream.close()
        self.sock.close()
