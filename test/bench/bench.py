#!/usr/bin/python3
"""Measure klikitd beside other receivers, on this machine, in one session.

usage: ./run bench [--quick | --full] [--json FILE] [--only STEP,...]
       ./run bench --outlets [--quick] [--only STEP,...] [--against BINARY]
       ./run bench --shared [--quick] [--only STEP,...]
       ./run bench --lists [--quick] [--only STEP,...]
       ./run bench --against BINARY [--rounds N]

  --quick      under 3 minutes: two short rounds; says whether all works,
               not how fast it is
  --full       adds 10 million stored ids; takes up to 40 minutes
  --json FILE  where the results go as JSON (build-bench/results.json)
  --only ...   of: rounds, grid, alone, processed, repeats, kill, idle,
               blocked, memory, backlog, stored, stored10m
  --outlets    only this: from the POST to the confirmation of a broker, beside
               Node with the vendor's client; and what a backlog costs. Steps
               are redis, amqp, sqs, forward, and drain-NAME, order-NAME,
               beside-NAME; drains and orders beside another build if given
  --shared     only this: receivers on one PostgreSQL, beside one in a file. Steps
               are ack, handlers, latency, three, stored
  --lists      only this: lists of a store with a million events, which is kept.
               Steps are asked, verbs, load
  --against BINARY  only this: klikitd beside another build of it, N rounds
               (9), with and without handlers: is a change worth it?

Without --full it ends by itself in under 25 minutes. The server has one core,
the load generator another. Only ratios within a round mean anything beyond
this machine and this hour. Exit status: 0 all was measured, whether the goals
were reached or not; 1 something could not be measured; 2 usage.
"""

import argparse
import json
import pathlib
import sys
import time

import goals
import growth
import killtest
import lists
import machine
import outlets
import report
import rounds
import servers
import shared
import stats
from context import ROOT, Bench, BenchError, OutOfTime, hard_limit

EVERYONE = ["klikitd", "node", "limit", "evhttp", "klikitd-one", "node-sqlite",
            "klikitd-tmpfs", "evhttp-hmac", "klikitd-handlers", "webhook"]
THREE = ["klikitd", "node", "limit"]


class Plan:
    """How much of everything: (full, quick)."""

    def __init__(self, quick):
        def pick(normal, short):
            return short if quick else normal

        self.limit_s = pick(24 * 60, 170)
        self.rounds = pick(5, 2)
        self.seconds = pick(2.0, 0.6)
        self.warm_up = pick(0.7, 0.2)
        self.requests = pick(20000, 3000)
        self.kills = pick(10, 3)
        self.idle = pick(5000, 5000)
        self.memory_events = pick(1000000, 20000)
        self.memory_s = pick(400, 20)
        self.backlog = pick(100000, 10000)
        self.stored = pick(1000000, 50000)
        self.stored_name = pick("stored_1m", "stored_few")
        self.stored_more = 10000000
        self.outlet_events = pick(5000, 1500)
        self.outlet_drains = pick(2, 1)
        self.outlet_backlog = pick(50000, 3000)
        self.outlet_order = pick(10000, 1000)
        self.shared_requests = pick(5000, 1000)
        self.lists_events = pick(1000000, 60000)
        self.lists_asked = pick(50, 5)


def steps(bench, plan, full):
    """Every step by name: what to call. The most telling ones come first."""
    each = (plan.rounds, plan.seconds, plan.warm_up)

    def grid():
        rounds.run(bench, "0.3k/64", THREE + ["klikitd-one"], *each)
        for workload in ("40k/64", "5k/16", "5k/256"):
            rounds.run(bench, workload, THREE, *each)
        for workload in ("0.3k/1", "0.3k/16", "0.3k/256", "40k/1", "40k/16",
                         "40k/256"):
            rounds.run(bench, workload, ["klikitd", "limit"], *each)

    every = {
        "rounds": lambda: rounds.run(bench, "5k/64", EVERYONE, *each),
        "grid": grid,
        "alone": lambda: rounds.run_alone(bench, THREE, *each),
        "processed": lambda: growth.processed(
            bench, ["klikitd-handlers", "node"], plan.rounds, plan.requests),
        "repeats": lambda: growth.repeats(bench, *each),
        "kill": lambda: killtest.run(bench, plan.kills),
        "idle": lambda: growth.idle(bench, plan.idle),
        "blocked": lambda: growth.blocked(bench),
        "backlog": lambda: growth.backlog(bench, plan.backlog),
        "stored": lambda: growth.stored(bench, plan.stored_name,
                                        plan.stored, *each),
        "memory": lambda: growth.memory(bench, plan.memory_events,
                                        plan.memory_s),
    }
    if full:
        every["stored10m"] = lambda: growth.stored(
            bench, "stored_10m", plan.stored_more, *each, purged=True)
    return every


def against(bench, binary, count):
    """Steps that compare this build with another one."""
    new, old = {}, {}
    for name, handlers in (("", False), (" with orders", True)):
        new[name] = "klikitd" + ("-handlers" if handlers else "")
        old[name] = "old" + name
        bench.servers[old[name]] = servers.Klikitd(
            bench, old[name], f"{binary}{name}", binary=binary.resolve(),
            handlers=handlers)

    def compare(workload, kind):
        names = [new[kind], old[kind]]
        rounds.run(bench, workload, names, count, 1.5, 0.5)
        found = bench.series[workload]
        for what, pick in (("rate", stats.rate), ("CPU", stats.cpu_us)):
            low, median, high = found.ratio(*names, pick)
            bench.facts.append(f"{workload}{kind}: {what} of the new one "
                               f"{median:.3f} ({low:.3f}-{high:.3f})")

    return {f"{workload}{kind}":
            lambda workload=workload, kind=kind: compare(workload, kind)
            for workload in ("5k/64", "0.3k/64", "40k/64") for kind in new}


def run_steps(bench, chosen):
    for name, step in chosen.items():
        try:
            bench.need_time()
            step()
        except OutOfTime:
            bench.fail(name, "no time left")
        except (BenchError, OSError, RuntimeError) as error:
            bench.fail(name, error)


def print_report(bench, plan, described, verdicts, took_s):
    out = [""]
    out += [f"  {name}: {value}" for name, value in described.items()]
    for workload, series in bench.series.items():
        out += report.workload_lines(workload, series, bench.servers)
    out += report.missing_lines(bench.servers)
    out += [""] + [f"  {fact}" for fact in bench.facts]
    out += report.goal_lines(verdicts)
    if bench.failures:
        out += ["", "  could not be measured:"]
        out += [f"    {failure}" for failure in bench.failures]
    out += ["", f"  took {took_s / 60:.1f} minutes"]
    if plan.rounds < 5:
        out += ["  --quick: too short to judge by"]
    print("\n".join(out))


def read_arguments(argv):
    parser = argparse.ArgumentParser(prog="./run bench", usage=__doc__,
                                     add_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--outlets", action="store_true")
    parser.add_argument("--shared", action="store_true")
    parser.add_argument("--lists", action="store_true")
    parser.add_argument("--against", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--build", type=pathlib.Path,
                        default=ROOT / "build-bench")
    arguments = parser.parse_args(argv)
    if arguments.help:
        print(__doc__)
        sys.exit(0)
    return arguments


def main(argv):
    arguments = read_arguments(argv)
    plan = Plan(arguments.quick)
    if arguments.outlets and not arguments.quick:
        plan.limit_s = 60 * 60
    if arguments.full:
        plan.limit_s = 40 * 60
    started = time.monotonic()
    try:
        bench = Bench(arguments.build.resolve(), plan.limit_s)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    try:
        chosen = steps(bench, plan, arguments.full)
        if arguments.against:
            chosen = against(bench, arguments.against, arguments.rounds)
        if arguments.outlets:
            chosen = outlets.steps(bench, plan, arguments.against)
        if arguments.shared:
            chosen = shared.steps(bench, plan)
        if arguments.lists:
            chosen = lists.steps(bench, plan)
        if arguments.only:
            wanted = arguments.only.split(",")
            unknown = [name for name in wanted if name not in chosen]
            if unknown:
                print(f"bench: no step {unknown[0]}; there are: "
                      f"{', '.join(chosen)}", file=sys.stderr)
                return 2
            chosen = {name: chosen[name] for name in wanted}
        described = machine.describe(bench.work)
        hard_limit(plan.limit_s + 20)
        run_steps(bench, chosen)
        verdicts = (goals.all_outlet_goals(bench.extra) if arguments.outlets
                    else goals.shared_goals(bench.extra) if arguments.shared
                    else goals.lists_goals(bench.extra) if arguments.lists
                    else goals.all_goals(bench.series, bench.extra))
        if (arguments.only or arguments.against or arguments.outlets or
                arguments.shared or arguments.lists):
            verdicts = [goal for goal in verdicts if goal.value() is not None]
        took_s = time.monotonic() - started
        print_report(bench, plan, described, verdicts, took_s)
        path = arguments.json or arguments.build / "results.json"
        path.write_text(json.dumps(report.as_json(
            bench, described, verdicts, took_s), indent=1) + "\n")
        print(f"  as JSON: {path}")
    finally:
        bench.close()
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
