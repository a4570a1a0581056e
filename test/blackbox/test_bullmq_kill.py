"""The killing test of BullMQ: each order's side effect is done once."""

import threading

import pytest

from brokers import redis_server, relay  # noqa: F401 (fixtures)
from bullmq import bridge, node  # noqa: F401 (fixtures)
from bullmq import stream_bridge, worker  # noqa: F401 (fixtures)
from bullmq import forward, wait_results
from kill_frame import PLANS, Arrival, Target, stand


class Bull(Target):
    """BullMQ; its worker is killed as well, and so is the stream bridge."""

    exactly_once = True  # by the id of the job
    ordered = False  # as BullMQ does not

    def __init__(self, redis, worker, rng, plan):  # noqa: F811
        self.redis, self.worker = redis, worker
        self.count = plan.events
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
                for program in self.killed():
                    program.kill()
                    program.start()
        except AssertionError as e:  # the test says so
            self.failure = e

    def killed(self):
        return [self.worker]

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


class Http(Bull):
    """Behind the HTTP bridge: the relay is before that."""

    def __init__(self, bridge, *args):  # noqa: F811
        self.port = bridge.port
        super().__init__(*args)

    def section(self, port):
        return forward(port)


class Stream(Bull):
    """Behind a Redis stream: the relay is before Redis."""

    def __init__(self, bridge, redis, *args):  # noqa: F811
        self.bridge = bridge
        self.port = redis.port
        super().__init__(redis, *args)

    def killed(self):
        return [self.worker, self.bridge]

    def section(self, port):
        return ("[handler out]\ntype = redis\nevents = *\n"
                f"url = redis://127.0.0.1:{port}/0\nstream = events\n"
                "retry = 50ms, 100ms, 200ms\n")


@pytest.fixture
def redis(redis_server):  # noqa: F811
    return redis_server(appendfsync="always", maxmemory_policy="noeviction")


@pytest.mark.parametrize("plan", PLANS)
def test_a_side_effect_is_done_once_whoever_is_killed(  # noqa: F811
        klikitd, rng, relay, redis, bridge, worker, plan):
    stand(klikitd, rng, relay, plan,
          Http(bridge(redis.port), redis, worker(redis), rng, plan))


@pytest.mark.parametrize("plan", PLANS)
def test_so_it_is_behind_a_stream(  # noqa: F811
        klikitd, rng, relay, redis, stream_bridge, worker, plan):
    bridge = stream_bridge(redis, "--claim", 500)  # noqa: F811
    stand(klikitd, rng, relay, plan,
          Stream(bridge, redis, worker(redis), rng, plan))
