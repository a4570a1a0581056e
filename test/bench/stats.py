"""Arithmetic on rounds. Pure.

Only values of the same round are compared: a machine that others use may be
twice as fast a minute later, but hardly within a round.
"""

import statistics


def ratios(above, below):
    """Per round above / below, of the rounds that both have."""
    return [above[r] / below[r] for r in sorted(set(above) & set(below))
            if below[r]]


def spread(values):
    """(minimum, median, maximum), or None of nothing."""
    values = list(values)
    if not values:
        return None
    return min(values), statistics.median(values), max(values)


class Series:
    """What was measured of each server with one workload, round by round."""

    def __init__(self):
        self.rows = {}  # server -> round -> result of load

    def add(self, server, number, result):
        self.rows.setdefault(server, {})[number] = result

    def servers(self):
        return list(self.rows)

    def values(self, server, pick):
        """Per round what pick makes of the result."""
        return {number: pick(result) for number, result
                in self.rows.get(server, {}).items()}

    def median(self, server, pick):
        found = spread(self.values(server, pick).values())
        return found and found[1]

    def ratio(self, above, below, pick):
        """(min, median, max) of the per-round ratios, or None."""
        return spread(ratios(self.values(above, pick),
                             self.values(below, pick)))


def rate(result):
    return result["rate"]


def p50_us(result):
    return result["latency_us"]["p50"]


def p99_us(result):
    return result["latency_us"]["p99"]


def cpu_us(result):
    """CPU per request; per 1000 requests the same number is in ms."""
    return result["server"]["cpu_us"] / max(1, result["requests"])


def written_kb(result):
    """What a request has sent to the disk."""
    return result["server"]["written"] / 1024 / max(1, result["requests"])


def peak_kb(result):
    return result["server"]["peak_kb"]


def idle_kb(result):
    return result["idle_kb"]


def start_ms(result):
    return result["start_ms"]
