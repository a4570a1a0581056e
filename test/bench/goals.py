"""The goals P1 to P13: what was measured against what is wanted. Pure."""

import stats

AT_LEAST, AT_MOST, REPORTED = ">=", "<=", ""


class Goal:
    """One line of the verdicts.

    found: (min, median, max) of ratios, or a number, or None if it was not
    measured; the median decides. limit: None of what is REPORTED only.
    """

    def __init__(self, name, text, sense, limit, found, unit=""):
        self.name, self.text, self.sense = name, text, sense
        self.limit, self.found, self.unit = limit, found, unit

    def value(self):
        return self.found[1] if isinstance(self.found, tuple) else self.found

    def verdict(self):
        value = self.value()
        if value is None:
            return "not measured"
        if self.sense == REPORTED:
            return "reported"
        good = (value >= self.limit if self.sense == AT_LEAST
                else value <= self.limit)
        return "reached" if good else "NOT REACHED"

    def as_json(self):
        return {"goal": self.name, "text": self.text, "sense": self.sense,
                "limit": self.limit, "found": self.found,
                "verdict": self.verdict()}



OUTLETS = ("redis", "amqp", "sqs", "forward")


def all_outlet_goals(extra):
    return [goal for kind in OUTLETS for goal in outlet_goals(kind, extra)]


def outlet_goals(kind, extra):
    return [
        Goal("P11", f"{kind}: POST to confirmation, against Node", AT_LEAST, 2,
             extra.get(f"rate-{kind}")),
        Goal("P11", f"{kind}: CPU per event against Node", AT_MOST, 0.5,
             extra.get(f"cpu_us-{kind}")),
        Goal("P11", f"{kind}: a backlog by 4 in flight against 1", AT_LEAST,
             1, extra.get(f"drain4-{kind}")),
        Goal("P11", f"{kind}: the same by 16 against 4", AT_LEAST, 1,
             extra.get(f"drain16-{kind}")),
        Goal("P11", f"{kind}: the same by 64 against 16", AT_LEAST, 1,
             extra.get(f"drain64-{kind}")),
        Goal("P11", f"{kind}: the same by 16 against the build of before",
             AT_LEAST, 1.5, extra.get(f"old-{kind}")),
        Goal("P11", f"{kind}: one order, jobs a second", AT_LEAST, 2500,
             extra.get(f"order-{kind}")),
        Goal("P11", f"{kind}: acks beside a backlog against without", AT_LEAST,
             0.9, extra.get(f"beside-{kind}")),
    ]


def shared_goals(extra):
    return [
        Goal("P12", "one receiver on PostgreSQL against one in a file",
             AT_LEAST, 0.5, extra.get("shared-ack")),
        Goal("P12", "the same until the last event is processed", AT_LEAST,
             0.5, extra.get("shared-handlers")),
    ]


def lists_goals(extra):
    return [
        Goal("P13", "the slowest list with 1 M events, p99", AT_MOST, 50,
             extra.get("lists-p99"), "ms"),
        Goal("P13", "acks beside one who asks all lists, against without",
             AT_LEAST, 0.98, extra.get("lists-beside")),
    ]


def all_goals(series, extra):
    """Every goal.

    series: workload -> stats.Series, for workloads like "5k/64".
    extra: what the other steps found, by name; what is missing was not
    measured.
    """
    def ratio(workload, above, below, pick=stats.rate):
        return series.get(workload, stats.Series()).ratio(above, below, pick)

    return [
        Goal("P1", "durable ack against Node, 5 KB", AT_LEAST, 4,
             ratio("5k/64", "klikitd", "node")),
        Goal("P1", "the same, 0.3 KB", AT_LEAST, 4,
             ratio("0.3k/64", "klikitd", "node")),
        Goal("P2", "durable ack against Node + better-sqlite3", AT_LEAST, 7,
             ratio("5k/64", "klikitd", "node-sqlite")),
        Goal("P3", "group commit against one event per commit, 5 KB",
             REPORTED, None, ratio("5k/64", "klikitd", "klikitd-one")),
        Goal("P3", "the same, 0.3 KB", REPORTED, None,
             ratio("0.3k/64", "klikitd", "klikitd-one")),
        *(Goal("P4", f"durable ack against the limit probe, {text}", AT_LEAST,
               0.75, ratio(f"{size}/64", "klikitd", "limit"))
          for size, text in (("0.3k", "0.3 KB"), ("5k", "5 KB"),
                             ("40k", "40 KB"))),
        Goal("P5", "one connection: p50 against the limit probe", AT_MOST,
             1.3, ratio("5k/1", "klikitd", "limit", stats.p50_us)),
        Goal("P6", "database on disk against tmpfs", REPORTED, None,
             ratio("5k/64", "klikitd", "klikitd-tmpfs")),
        Goal("P7", "CPU per request against Node", AT_MOST, 0.25,
             ratio("5k/64", "klikitd", "node", stats.cpu_us)),
        Goal("P7", "peak memory against Node", AT_MOST, 0.2,
             ratio("5k/64", "klikitd", "node", stats.peak_kb)),
        Goal("P7", "idle memory against Node", AT_MOST, 0.1,
             ratio("5k/64", "klikitd", "node", stats.idle_kb)),
        Goal("P7", "start-up against Node", AT_MOST, 0.1,
             ratio("5k/64", "klikitd", "node", stats.start_ms)),
        Goal("P8", "until all is processed, against Node", AT_LEAST, 2,
             extra.get("processed")),
        Goal("P9", "with 1 M events stored against none", AT_LEAST, 0.8,
             extra.get("stored_1m")),
        Goal("P9", "with 10 M ids stored against none", AT_LEAST, 0.6,
             extra.get("stored_10m")),
        Goal("P10", "memory of 5,000 idle connections", AT_MOST, 16,
             extra.get("idle_mb"), "MB"),
        Goal("P10", "health check while the store is blocked for 2 s",
             AT_MOST, 50, extra.get("health_ms"), "ms"),
    ]
