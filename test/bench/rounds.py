"""The same workload on several servers, one after the other, round by round."""

import json
import subprocess

import machine
import stats
from machine import BenchError

# What a server takes beside its seconds: to start, to be checked, to stop.
OVERHEAD_S = 2


def measure(bench, server, size, connections, seconds, warm_up, **more):
    """One run of one server, in a new folder. Returns load's result. more:
    options of load."""
    running = server.start()
    try:
        result = bench.load(running, **bench.deliveries(
            size, connections=connections, seconds=seconds, warm_up=warm_up,
            **more))
        result["start_ms"] = running.start_ms
        result["idle_kb"] = running.idle_kb
        server.check(running, result["answered"])
    finally:
        if running.process.poll() is None:
            running.kill()
    server.clean(running)
    return result


def synced_append_us(bench):
    """What a synced append costs right now, on the servers' core."""
    probe = bench.build / "test/bench/sync_probe"
    run = subprocess.run(machine.pinned(bench.server_core,
                                        [probe, bench.work, 300]),
                         capture_output=True, text=True, check=True)
    return json.loads(run.stdout)["append_us"]


def run_round(bench, workload, names, number, seconds, warm_up):
    """One round of a workload, "SIZE/CONNECTIONS", on each server.

    What it finds is in bench.series[workload]. A server that fails is told
    of, and takes no part in the rest of the workload.
    """
    size, connections = workload.split("/")
    found = bench.series.setdefault(workload, stats.Series())
    names = [name for name in names if bench.servers[name].missing is None
             and (name, workload) not in bench.failed]
    bench.need_time(len(names) * (seconds + warm_up + OVERHEAD_S))
    bench.say(f"{workload} connections: round {number + 1}, "
              f"{len(names)} servers")
    # Everyone is first in turn: a round is long enough to drift within.
    shift = number % max(1, len(names))
    for name in names[shift:] + names[:shift]:
        try:
            found.add(name, number, measure(bench, bench.servers[name], size,
                                            connections, seconds, warm_up))
        except BenchError as error:
            bench.failed.add((name, workload))
            bench.fail(f"{name}, {workload}", error)


def run(bench, workload, names, count, seconds, warm_up):
    for number in range(count):
        run_round(bench, workload, names, number, seconds, warm_up)


def run_alone(bench, names, count, seconds, warm_up):
    """One connection; with it, what a synced append costs in each round."""
    appends = []
    for number in range(count):
        appends.append(synced_append_us(bench))
        run_round(bench, "5k/1", names, number, seconds, warm_up)
    median = stats.spread(appends)
    bench.facts.append(f"a synced append of 4 KB: p50 {median[1]:.0f} us "
                       f"({median[0]:.0f} to {median[2]:.0f})")
