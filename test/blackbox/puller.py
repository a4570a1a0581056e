"""A puller: fetches jobs from the public listener and reports them."""

import base64
import json
import threading

TOKEN = "branch-token-0123456789"


class Puller:
    def __init__(self, server, name="branch", token=TOKEN):
        self.server = server
        self.name = name
        self.token = token

    def ask(self, method, path, body=None, token=None, connection=None):
        """A request below /pull/. Returns status, fields, JSON."""
        conn = connection or self.server.connect()
        token = self.token if token is None else token
        conn.request(method, f"/pull/{path}", body,
                     {"Authorization": f"Bearer {token}"} if token else {})
        answer = conn.getresponse()
        data = answer.read()
        fields = {k.lower(): v for k, v in answer.getheaders()}
        if connection is None:
            conn.close()
        return answer.status, fields, json.loads(data)

    def pull(self, wait=25, max=32):
        """The jobs of one answer."""
        status, fields, said = self.ask(
            "GET", f"{self.name}?wait={wait}&max={max}")
        assert status == 200, said
        assert fields["cache-control"] == "no-store"
        return said["jobs"]

    def pull_many(self, count, **options):
        """Those of as many answers as it takes."""
        jobs = []
        while len(jobs) < count:
            jobs += self.pull(**options)
        assert len(jobs) == count
        return jobs

    def report(self, *outcomes):
        """(job, outcome) or (job, outcome, more) each. Returns the results."""
        sent = [{"id": job["id"], "lease": job["lease"], "outcome": outcome,
                 **(more[0] if more else {})}
                for job, outcome, *more in outcomes]
        status, _, said = self.ask("POST", f"{self.name}/done",
                                   json.dumps({"outcomes": sent}))
        assert status == 200, said
        assert [one["id"] for one in said["outcomes"]] == [
            one["id"] for one in sent]
        return [one["result"] for one in said["outcomes"]]

    def done(self, *jobs):
        assert self.report(*((job, "done") for job in jobs)) == [
            "recorded"] * len(jobs)

    def later(self, **options):
        """Pull beside the test. Returns a function that waits for the jobs."""
        got = []
        thread = threading.Thread(
            target=lambda: got.append(self.pull(**options)), daemon=True)
        thread.start()

        def wait():
            thread.join(60)
            assert got, "no answer"
            return got[0]
        return wait

    def wait_there(self, count=1):
        """Until so many pullers wait."""
        ticks = threading.Event()
        for _ in range(1200):
            if self.count() == count:
                return
            ticks.wait(0.05)  # nothing else says so to another process
        raise AssertionError(self.count())

    def count(self):
        return self.server.metrics()[
            f'klikitd_pullers{{handler="{self.name}"}}']


def body_of(job):
    return base64.b64decode(job["body"], validate=True)


def field(job, name):
    """The value of a header that came with it; None: there is none."""
    return dict(map(tuple, job["headers"])).get(name)
