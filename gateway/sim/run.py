"""One seed from its beginning to its verdict."""

from collections import Counter
from dataclasses import dataclass, field

from gateway.sim.checker import judge
from gateway.sim.records import Violation
from gateway.sim.world import Options, World


@dataclass(slots=True)
class Result:
    """What one seed came to."""

    seed: int
    violations: list[Violation]
    orders: int = 0
    fills: int = 0
    simulated: float = 0.0
    counters: Counter[str] = field(default_factory=Counter)


def run_seed(seed: int, options: Options) -> Result:
    world = World(seed, options)
    began = world.scheduler.now
    evidence = world.run()
    counters = world.counters
    return Result(
        seed=seed,
        violations=judge(evidence),
        orders=sum(command.what == "place" for command in evidence.commands),
        fills=len(evidence.venue_fills),
        simulated=(world.scheduler.now - began) / 1e9,
        counters=counters,
    )
