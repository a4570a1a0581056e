"""A far side that speaks TLS, by Python's own ssl, and notes what comes."""

import socket
import ssl
import struct
import threading

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\nok"


class TlsPos:
    """Takes POSTs on a port the kernel chose.

    each: so many requests, then the connection is closed: "header" says so
    in the answer, "notify" sends close_notify only, "fin" not even that,
    "reset" not that either.
    """

    def __init__(self, cert, ca=None, each=0, how="header", host="127.0.0.1",
                 setup=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert.path, cert.key)
        if ca is not None:
            self.context.verify_mode = ssl.CERT_REQUIRED
            self.context.load_verify_locations(ca.path)
        self.names = []
        self.context.sni_callback = lambda _, name, __: self.names.append(name)
        if setup is not None:
            setup(self.context)
        self.each = each
        self.how = how
        self.keys = []
        self.bodies = []
        self.clients = []  # the common name in each one's certificate
        self.accepted = 0
        self.handshakes = 0
        self.resumed = 0
        self.failures = []
        self.changed = threading.Condition()
        self.listener = socket.create_server(
            (host, 0), family=socket.AF_INET6 if ":" in host
            else socket.AF_INET, backlog=64)
        self.port = self.listener.getsockname()[1]
        self.url = f"https://{f'[{host}]' if ':' in host else host}:{self.port}"
        self.closing = False
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def close(self):
        self.closing = True
        socket.create_connection(self.listener.getsockname()[:2]).close()
        self.thread.join()
        self.listener.close()

    def wait_for(self, condition, what):
        with self.changed:
            assert self.changed.wait_for(condition, 60), f"no {what}"

    def _note(self, **more):
        with self.changed:
            for name, value in more.items():
                if isinstance(value, int):
                    setattr(self, name, getattr(self, name) + value)
                else:
                    getattr(self, name).append(value)
            self.changed.notify_all()

    def _accept(self):
        while True:
            conn, _ = self.listener.accept()
            if self.closing:
                conn.close()
                return
            self._note(accepted=1)
            threading.Thread(target=self._serve, args=(conn,),
                             daemon=True).start()

    def _serve(self, raw):
        raw.settimeout(120)
        try:
            conn = self.context.wrap_socket(raw, server_side=True)
        except OSError as e:
            self._note(failures=str(e))
            raw.close()
            return
        cert = conn.getpeercert()
        self._note(handshakes=1, resumed=int(conn.session_reused))
        if cert:
            self._note(clients=dict(x[0] for x in cert["subject"])
                       ["commonName"])
        try:
            self._talk(conn)
        except OSError as e:
            self._note(failures=str(e))
        conn.close()

    def _talk(self, conn):
        stream = conn.makefile("rb")
        count = 0
        while True:
            lines = []
            while (line := stream.readline()) not in (b"\r\n", b""):
                lines.append(line.decode().rstrip("\r\n"))
            if not lines:
                return
            headers = {k.lower(): v for k, v in
                       (line.split(": ", 1) for line in lines[1:])}
            body = stream.read(int(headers["content-length"]))
            count += 1
            last = count == self.each
            # What is noted has been answered, or will be, or is cut on purpose.
            self._note(keys=headers["idempotency-key"], bodies=body)
            conn.sendall(OK % (b"Connection: close\r\n" if last and
                               self.how == "header" else b""))
            if not last:
                continue
            if self.how == "notify":
                conn.unwrap()
            if self.how == "reset":
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
            return


class RawPos:
    """A listener that does with each connection what it is told to."""

    def __init__(self, act):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}"
        self.accepted = 0
        self.closing = False
        self.act = act
        self.kept = []
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()

    def close(self):
        self.closing = True
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.thread.join()
        for conn in self.kept:
            conn.close()
        self.listener.close()

    def _accept(self):
        while True:
            conn, _ = self.listener.accept()
            if self.closing:
                conn.close()
                return
            self.accepted += 1
            self.act(conn)
            self.kept.append(conn)
