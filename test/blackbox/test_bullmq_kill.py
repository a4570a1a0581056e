"""The killing test of BullMQ: each order's side effect is done once."""

import threading

import pytest

from brokers import redis_server, relay  # noqa: F401 (fixtures)
from bullmq import bridge, node, worker  # noqa: F401 (fixtures)
from bullmq import forward, wait_results
from kill_frame import PLANS, Arrival, Target, stand


class Bull(Target):
    """BullMQ behind the HTTP bridge; its worker is killed as well."""

    exactly_once = True  # by the id of the job
    ordered = False  # as BullMQ does not

    def __init__(self, bridge, redis, worker, rng, plan):  # noqa: F811
        self.bridge, self.redis, self.worker = bridge, redis, worker
        self.count = plan.events
        self.port = bridge.port
        marks = rng.sample(range(1, plan.events), plan.server_kills + 2)
        self.failure = None
        self.thread = threading.Thread(target=self._kill_workers, daemon=True,
                                       args=(sorted(marks),))
        self.thread.start()

    def _kill_workers(self, marks):
        """Each time that so many jobs are done."""
        try:
            for count in marks:
                wait_results(self.worker, count)
                self.worker.kill()
                self.worker.start()
        except AssertionError as e:  # the test says so
            self.failure = e

    def section(self, port):
        return forward(port)

    def start(self):
        self.redis.start()

    def kill(self):
        self.redis.kill()

    def fill(self):
        self.redis.set("maxmemory", 1)

    def empty(self):
        self.redis.set("maxmemory", 0)

    def arrivals(self):
        """What the worker has done."""
        self.thread.join()
        assert self.failure is None, self.failure
        for job_id, data in wait_results(self.worker, self.count).items():
            yield Arrival(data["attributes"]["klikit-event-id"], job_id,
                          data["body"].encode())


@pytest.mark.parametrize("plan", PLANS)
def test_a_side_effect_is_done_once_whoever_is_killed(  # noqa: F811
        klikitd, rng, relay, redis_server, bridge, worker, plan):
    redis = redis_server(appendfsync="always", maxmemory_policy="noeviction")
    stand(klikitd, rng, relay, plan,
          Bull(bridge(redis.port), redis, worker(redis), rng, plan))
