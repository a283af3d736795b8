"""`python -m gateway.sim --seeds 100 --from 0`: so many worlds, each from its own seed."""

import argparse
import gc
import logging
import multiprocessing
import sys
import time
from collections import Counter
from collections.abc import Iterator

from gateway.sim.checker import judge
from gateway.sim.figures import tell_figures
from gateway.sim.hunt import hunt
from gateway.sim.plan import PLANS
from gateway.sim.planted import BUGS
from gateway.sim.run import Result, run_seed
from gateway.sim.world import Options, World

SHOWN = 10
FEW_CYCLES = 50_000
"""A world makes next to none of the cycles that Python would look for at each 700 new objects."""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m gateway.sim", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many worlds")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first seed")
    parser.add_argument("--orders", type=int, default=100, help="orders in each world")
    parser.add_argument("--faults", choices=tuple(PLANS), default="all")
    parser.add_argument("--jobs", type=int, default=1, help="worlds side by side")
    parser.add_argument("--trace", action="store_true", help="tell everything that happens")
    parser.add_argument("--planted", action="store_true", help="find each planted bug")
    return parser.parse_args()


def main() -> int:
    arguments = _arguments()
    logging.disable(logging.CRITICAL)
    gc.set_threshold(FEW_CYCLES)
    options = Options(orders=arguments.orders, faults=arguments.faults)
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    if arguments.trace:
        return _trace(seeds, options)
    if arguments.planted:
        return _hunt(seeds, options)
    began = time.monotonic()
    total = _Total()
    for result in _results(seeds, options, arguments.jobs):
        total.add(result)
        if result.violations:
            _tell(result, options)
    total.print(time.monotonic() - began, arguments.jobs)
    tell_figures(total.figures())
    return 1 if total.violations else 0


def _results(seeds: range, options: Options, jobs: int) -> Iterator[Result]:
    if jobs == 1:
        for seed in seeds:
            yield run_seed(seed, options)
        return
    with multiprocessing.get_context("fork").Pool(jobs) as pool:
        work = ((seed, options) for seed in seeds)
        yield from pool.imap(_run_one, work, chunksize=1)


def _run_one(work: tuple[int, Options]) -> Result:
    logging.disable(logging.CRITICAL)
    return run_seed(*work)


def _trace(seeds: range, options: Options) -> int:
    failed = False
    for seed in seeds:
        evidence = World(seed, options, _say).run()
        for violation in judge(evidence):
            failed = True
            _say(f"VIOLATION {violation.rule}: {violation.about}: {violation.text}")
    return 1 if failed else 0


def _hunt(seeds: range, options: Options) -> int:
    missed = 0
    for name, found in hunt(seeds, options):
        missed += found is None
        _say(f"  {name:<45} {_finding(found)}")
    _say(f"simulation: {len(BUGS)} planted bugs, {missed} not found")
    tell_figures({"bugs": len(BUGS), "not found": missed})
    return 1 if missed else 0


def _finding(found: Result | None) -> str:
    if found is None:
        return "NOT FOUND"
    rules = dict.fromkeys(violation.rule for violation in found.violations)
    return f"seed {found.seed}: {', '.join(rules)}"


def _tell(result: Result, options: Options) -> None:
    _say(f"seed {result.seed}: {len(result.violations)} violations")
    for violation in result.violations[:SHOWN]:
        _say(f"  {violation.rule}: {violation.about}: {violation.text[:600]}")
    _say(
        f"  again: python -m gateway.sim --seeds 1 --from {result.seed} --orders {options.orders}"
        f" --faults {options.faults} --trace"
    )


class _Total:
    def __init__(self) -> None:
        self.seeds = self.orders = self.fills = self.violations = self.failed = 0
        self.simulated = 0.0
        self.counters: Counter[str] = Counter()

    def add(self, result: Result) -> None:
        self.seeds += 1
        self.orders += result.orders
        self.fills += result.fills
        self.simulated += result.simulated
        self.violations += len(result.violations)
        self.failed += bool(result.violations)
        self.counters.update(result.counters)

    def print(self, seconds: float, jobs: int) -> None:
        for name, count in sorted(self.counters.items()):
            _say(f"  {count:>9} {name}")
        speed = self.simulated / seconds
        per_minute = 60 * self.orders / seconds / jobs
        _say(f"  {self.orders} orders, {self.fills} fills, {seconds:.1f} s")
        _say(f"  {speed:.0f} simulated seconds a second, {per_minute:.0f} orders a minute and core")
        _say(f"simulation: {self.seeds} seeds, {self.violations} violations")

    def figures(self) -> dict[str, int]:
        return {
            "seeds": self.seeds,
            "orders": self.orders,
            "fills": self.fills,
            "violations": self.violations,
        }


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
