"""Hands out what our fake of SQS has taken, to a consumer."""

import hashlib
import http.server
import threading
import urllib.parse
import xml.sax.saxutils


class SqsFront(http.server.ThreadingHTTPServer):
    """By the protocol that Debian's botocore speaks: query, XML."""

    daemon_threads = True

    def __init__(self, fake):
        super().__init__(("127.0.0.1", 0), SqsCall)
        self.fake = fake
        self.more = []  # what the fake has not taken itself
        self.out, self.deleted = set(), set()  # by their places
        self.lock = threading.Lock()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def add(self, body, attributes):
        self.more.append({"body": body.decode(), "group": None, "attributes": {
            name: {"DataType": "String", "StringValue": value}
            for name, value in attributes.items()}})

    def give_back(self):
        with self.lock:
            self.out.clear()

    def receive(self, most):
        """Of a group only what no earlier one of it is out of."""
        found = []
        messages = self.fake.messages() + self.more
        with self.lock:
            busy = {messages[place]["group"] for place in self.out} - {None}
            for place, message in enumerate(messages):
                if place in self.out | self.deleted or len(found) == most:
                    continue
                if message["group"] in busy:
                    continue
                found.append((place, message))
            self.out.update(place for place, _ in found)
        return found

    def delete(self, place):
        with self.lock:
            self.out.discard(place)
            self.deleted.add(place)


class SqsCall(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        sent = dict(urllib.parse.parse_qsl(self.rfile.read(
            int(self.headers["content-length"])).decode()))
        action = sent["Action"]
        text = ""
        if action == "DeleteMessage":
            self.server.delete(int(sent["ReceiptHandle"]))
        else:
            text = "".join(self.message(place, message) for place, message in
                           self.server.receive(
                               int(sent["MaxNumberOfMessages"])))
        data = (f"<{action}Response><{action}Result>{text}</{action}Result>"
                f"</{action}Response>").encode()
        self.send_response(200)
        self.send_header("content-type", "text/xml")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def message(self, place, message):
        attributes = "".join(
            f"<MessageAttribute><Name>{name}</Name><Value>" + "".join(
                f"<{kind}>{xml.sax.saxutils.escape(text)}</{kind}>"
                for kind, text in value.items()) +
            "</Value></MessageAttribute>"
            for name, value in message["attributes"].items())
        body = message["body"]
        return (f"<Message><MessageId>m{place}</MessageId><ReceiptHandle>"
                f"{place}</ReceiptHandle><MD5OfBody>"
                f"{hashlib.md5(body.encode()).hexdigest()}</MD5OfBody><Body>"
                f"{xml.sax.saxutils.escape(body)}</Body>{attributes}"
                "</Message>")

    def log_message(self, *args):
        pass
