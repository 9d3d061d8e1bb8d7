"""Markets of many seeds: whether what was planted is found, and how often nothing planted is called something.

    python -m tests.python.truth.soak [--seeds 20] [--first 1] [--folder build/truth]

Two markets of each seed are built, a planted and a plain one (markets.py). Every claim that misses is printed, then the
claims by kind, and the alarms by method beside what is promised. Ends with 1 where more claims missed than chance
explains (claims.py), or a promise is broken (alarms.py). The folder keeps the last market of each kind.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time
from collections import Counter
from pathlib import Path

from ops.project import ROOT
from tests.python.truth.alarms import PROMISED, Alarms
from tests.python.truth.claims import Claim, claims_of, most_misses
from tests.python.truth.markets import PLAIN, PLANTED, build


def main() -> int:
    """Build, judge and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.python.truth.soak", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20, help="how many (default %(default)s)")
    parser.add_argument("--first", type=int, default=1, help="the first of them (default %(default)s)")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "truth")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)

    began, claims, alarms = time.monotonic(), [], Alarms()
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    wanted = [settings.with_changes(seed=seed) for seed in seeds for settings in (PLANTED, PLAIN)]
    for number, market in enumerate(build(wanted, arguments.folder.absolute()), 1):
        with market.open() as tables:
            found = list(claims_of(tables, market.truth))
            if market.settings.plain:
                alarms.add(tables, market.settings)
        claims += found
        missed = [claim for claim in found if not claim.is_held]
        kind = "plain" if market.settings.plain else "planted"
        print(
            f"[{number}/{len(wanted)}, {time.monotonic() - began:.0f} s] seed {market.settings.seed}, {kind}: "
            f"{len(found) - len(missed)} of {len(found)} claims found",
            *(f"  {claim}" for claim in missed), sep="\n", flush=True,
        )  # fmt: skip
    print(*told_of(claims), *told(alarms), *_cost(began), sep="\n")
    return 0 if sum(not claim.is_held for claim in claims) <= most_misses(len(claims)) and not alarms.broken else 1


def told_of(claims: list[Claim]) -> list[str]:
    """The claims by kind, and how many may miss."""
    made, missed = (Counter(c.kind for c in claims if every or not c.is_held) for every in (True, False))
    lines = [f"  {kind:20} {made[kind]:6} claims {missed[kind]:4} missed" for kind in made]
    most = most_misses(len(claims))
    return ["", *lines, f"{len(claims)} claims, {missed.total()} missed; chance explains up to {most}"]


def told(alarms: Alarms) -> list[str]:
    """The alarms by method, beside what is promised."""
    lines = []
    for name, promised in PROMISED.items():
        tally = alarms.tallies[name]
        if tally.chances:
            low, high = tally.interval
            lines.append(
                f"  {name:48} {tally.alarms:5} of {tally.chances:6}: {tally.rate:.2%} ({low:.2%} to {high:.2%}), "
                f"promised {promised:.2%}{' BROKEN' if name in alarms.broken else ''}"
            )
    return ["", "alarms in plain markets", *lines]


def _cost(began: float) -> list[str]:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in used)
    peak = max(usage.ru_maxrss for usage in used)  # of one process, in KiB
    return ["", f"{time.monotonic() - began:.0f} s, {cpu:.0f} CPU seconds, at most {peak / 2**10:.0f} MiB"]


if __name__ == "__main__":
    sys.exit(main())
