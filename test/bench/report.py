"""The table and the verdicts. Pure: lines of text."""

import stats

BASES = ("node", "limit")
COLUMNS = ("req/s", "p50 ms", "p99 ms", "CPU ms/1000", "disk KB/req",
           "peak MB", "against node", "against the limit")
WIDTHS = (9, 9, 9, 12, 12, 9, 20, 20)
NAME_WIDTH = 40


def _ratio(found):
    if found is None:
        return "-"
    low, median, high = found
    return f"{median:.2f} ({low:.2f}-{high:.2f})"


def _cells(series, name):
    cells = [f"{series.median(name, stats.rate):.0f}",
             f"{series.median(name, stats.p50_us) / 1000:.2f}",
             f"{series.median(name, stats.p99_us) / 1000:.2f}",
             f"{series.median(name, stats.cpu_us):.1f}",
             f"{series.median(name, stats.written_kb):.1f}",
             f"{series.median(name, stats.peak_kb) / 1024:.1f}"]
    return cells + [_ratio(series.ratio(name, base, stats.rate))
                    if base != name else "1" for base in BASES]


def _row(name, cells):
    return f"  {name:{NAME_WIDTH}}" + "".join(
        f"{cell:>{width}}" for cell, width in zip(cells, WIDTHS))


def workload_lines(workload, series, servers):
    """A section of the table: one line per server, also of the missing."""
    size, connections = workload.split("/")
    names = [name for name in servers if name in series.rows]
    most = max((len(series.rows[name]) for name in names), default=0)
    yield ""
    yield _row(f"{size[:-1]} KB, {connections} connections "
               f"({most} rounds)", COLUMNS)
    for name in names:
        yield _row(servers[name].text, _cells(series, name))


def missing_lines(servers):
    gone = [server for server in servers.values() if server.missing]
    if gone:
        yield ""
    for server in gone:
        yield f"  {server.text}: NOT MEASURED: {server.missing}"


def _found(goal):
    if goal.found is None:
        return "-"
    if isinstance(goal.found, tuple):
        return _ratio(goal.found)
    return f"{goal.found:.1f} {goal.unit}"


def goal_lines(goals):
    if not goals:
        return
    yield ""
    yield "  goal                                                          " \
          "  wanted  found                 verdict"
    for goal in goals:
        wanted = ("" if goal.limit is None
                  else f"{goal.sense} {goal.limit:g}")
        yield f"  {goal.name:4}{goal.text:58}{wanted:>9}  " \
              f"{_found(goal):22}{goal.verdict()}"


def as_json(bench, machine, goals, took_s):
    return {
        "machine": machine,
        "seconds": round(took_s),
        "workloads": {workload: {name: {str(number): result for number, result
                                        in rounds.items()}
                                 for name, rounds in series.rows.items()}
                      for workload, series in bench.series.items()},
        "missing": {name: server.missing for name, server
                    in bench.servers.items() if server.missing},
        "extra": bench.extra,
        "facts": bench.facts,
        "failures": bench.failures,
        "goals": [goal.as_json() for goal in goals],
    }
