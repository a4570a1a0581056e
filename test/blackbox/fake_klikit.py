"""klikitd's own fake of klikit's API, told what to know and to do wrong."""

import base64
import json

from sink import Sink

PATH = "/v1/partner/orders"
BASIC = "Basic " + base64.b64encode(b"test-key:test-secret").decode()
BEARER = "Bearer test-token"


class FakeKlikit(Sink):
    def __init__(self, directory, *args):
        super().__init__(directory, "--klikit-api", *args)

    def ask(self, method, path, body=None, headers=None):
        """One request on a connection of its own: status, headers, body."""
        conn = self.connect()
        try:
            conn.request(method, path, body, headers or {})
            answer = conn.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            conn.close()

    def control(self, method, what, value=None):
        status, _, body = self.ask(
            method, "/fake/" + what,
            None if value is None else json.dumps(value))
        assert status == 200, body
        return json.loads(body)

    def put(self, *orders):
        self.control("PUT", "orders", list(orders))

    def faults(self, *faults):
        self.control("PUT", "faults", list(faults))

    def orders(self):
        """What klikit knows now, by id."""
        return {order["id"]: order
                for order in self.control("GET", "orders")}

    def requests(self):
        return self.control("GET", "requests")

    def forget(self):
        """As at its start, but for its credentials."""
        for what in ("orders", "faults", "requests"):
            self.control("DELETE", what)

    def list(self, query="", auth=BASIC):
        """Status, headers, document."""
        status, headers, body = self.ask(
            "GET", PATH + query, headers={"Authorization": auth})
        return status, headers, json.loads(body)

    def patch(self, order, body, key, auth=BASIC):
        headers = {"Authorization": auth}
        if key is not None:
            headers["Idempotency-Key"] = key
        status, _, answer = self.ask("PATCH", f"{PATH}/{order}/status",
                                     json.dumps(body), headers)
        return status, json.loads(answer)


def order(number, status=1, **more):
    """One as klikit has it; the higher its number the newer it is."""
    return {"id": number, "status": status,
            "created_at": f"2024-06-25T09:{number % 60:02}:00Z",
            "updated_at": f"2024-06-25T09:{number % 60:02}:30Z", **more}
