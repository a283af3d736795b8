"""Looks for a world that shows each planted bug, among those in which all is well without it."""

from collections.abc import Iterable, Iterator

from gateway.sim.planted import BUGS, Bug, planted
from gateway.sim.run import Result, run_seed
from gateway.sim.world import Options


def hunt(
    seeds: Iterable[int], options: Options, bugs: Iterable[Bug] = BUGS
) -> Iterator[tuple[str, Result | None]]:
    """Each bug's name with the first world of `seeds` that shows it; None if none does."""
    clean: dict[int, bool] = {}
    wanted = tuple(seeds)
    for bug in bugs:
        yield bug.__name__, _first(bug, wanted, options, clean)


def _first(
    bug: Bug, seeds: tuple[int, ...], options: Options, clean: dict[int, bool]
) -> Result | None:
    for seed in seeds:
        if seed not in clean:
            clean[seed] = not run_seed(seed, options).violations
        if not clean[seed]:
            continue
        with planted(bug):
            found = run_seed(seed, options)
        if found.violations:
            return found
    return None
