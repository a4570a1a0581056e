"""A far side that keeps what is posted to it, as a chat's webhook would."""

import http.server
import json
import threading
import types

from conftest import DEADLINE


class Ops:
    def __init__(self, status=200):
        self.status = status
        self.all = []
        self.changed = threading.Condition()
        ops = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response(ops.take(self.headers, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def take(self, headers, body):
        """One request; what it is answered."""
        with self.changed:
            self.all.append(types.SimpleNamespace(
                type=headers["x-klikit-event-type"], body=body,
                id=headers["x-klikit-event-id"],
                signature=headers["x-klikit-signature"],
                key=headers["Idempotency-Key"]))
            self.changed.notify_all()
            return self.status

    def posts(self):
        with self.changed:
            return list(self.all)

    def told(self):
        """What was said in them, in the order in which they came."""
        return [json.loads(post.body) for post in self.posts()]

    def wait(self, count):
        """The same, once there are so many."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.all) >= count,
                                         DEADLINE), (len(self.all), count)
        return self.told()
