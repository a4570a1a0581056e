"""kill -9 under load: what was acknowledged is there, exactly once."""

import random
import time

import servers
from machine import BenchError


def run(bench, kills, seed=20261126):
    """Kill the server so often, at random; check what load was promised."""
    server = bench.servers["klikitd-handlers"]
    rng = random.Random(seed)
    bench.say(f"kill -9 under load, {kills} times")
    seconds = kills * 0.9 + 3
    bench.need_time(seconds + 60)
    folder = bench.new_folder("kill")
    ids = folder / "acknowledged"
    server.port = servers.free_port()
    running = None
    try:
        running = server.start(folder)
        load = bench.load_start(running, **bench.deliveries(
            "5k", connections=64, seconds=seconds, reopen=True, ids=ids))
        for _ in range(kills):
            time.sleep(rng.uniform(0.2, 0.9))
            running.kill()
            running = server.start(folder)
        result = bench.load_end(load)
        if running.stop() != 0:
            raise BenchError("the server failed after the kills")
    finally:
        server.port = 0
        if running is not None and running.process.poll() is None:
            running.kill()
    acknowledged = ids.read_text().split()
    stored = [row[0] for row in
              server.query(folder, "SELECT event_id FROM events")]
    lost = set(acknowledged) - set(stored)
    if lost or len(stored) != len(set(stored)) or not acknowledged:
        raise BenchError(f"of {len(acknowledged)} acknowledged events "
                         f"{len(lost)} are lost, "
                         f"{len(stored) - len(set(stored))} are there twice")
    sound = server.query(folder, "PRAGMA integrity_check")[0][0]
    if sound != "ok":
        raise BenchError(f"the database is damaged: {sound}")
    server.clean(running)
    bench.extra["kill"] = {"kills": kills, "acknowledged": len(acknowledged),
                           "stored": len(stored), "cut": result["cut"],
                           "lost": 0}
    bench.facts.append(
        f"{kills} times kill -9 under load: {len(acknowledged)} events "
        f"acknowledged, none lost, none twice, database sound")
