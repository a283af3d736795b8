"""What is to go wrong in one run, and when: drawn from its seed before it begins."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from gateway.chaos.clocks import ROLES
from gateway.sim.randomness import chance

SERVERS = (*ROLES, "paper", "postgres")
QUIET_S = 3.0
"""At the end of a run: the last blow falls before."""


class Blow(StrEnum):
    KILL = "kill"
    STOP = "stop and continue"
    RESTART = "restart"
    AWAY = "away"
    SUPERVISOR_KILL = "kill of the supervisor"
    SUPERVISOR_RESTART = "restart of the supervisor"
    DESCRIPTORS = "no file descriptors"
    DISK_FULL = "disk full"
    CLOCK_STEP = "clock step"
    GARBAGE = "garbage"
    BROKEN_SUBSCRIBER = "broken subscribers"
    VENUE_CUT = "venue cuts its sockets"
    VENUE_CRASH = "venue crash"
    VENUE_PAUSE = "venue pause"
    VENUE_SILENCE = "venue silence"
    VENUE_TERMINATES = "venue ends its streams"


@dataclass(frozen=True, slots=True)
class Planned:
    """`at_s` after the beginning; `length_s` of what lasts."""

    at_s: float
    blow: Blow
    target: str
    length_s: float


WEIGHTS: Mapping[Blow, int] = {
    Blow.KILL: 34,
    Blow.STOP: 18,
    Blow.RESTART: 10,
    Blow.AWAY: 4,
    Blow.SUPERVISOR_KILL: 2,
    Blow.SUPERVISOR_RESTART: 1,
    Blow.DESCRIPTORS: 5,
    Blow.DISK_FULL: 4,
    Blow.CLOCK_STEP: 6,
    Blow.GARBAGE: 6,
    Blow.BROKEN_SUBSCRIBER: 4,
    Blow.VENUE_CUT: 3,
    Blow.VENUE_CRASH: 2,
    Blow.VENUE_PAUSE: 2,
    Blow.VENUE_SILENCE: 2,
    Blow.VENUE_TERMINATES: 2,
}
OF_PROCESSES = frozenset(
    {
        Blow.KILL,
        Blow.STOP,
        Blow.RESTART,
        Blow.AWAY,
        Blow.SUPERVISOR_KILL,
        Blow.SUPERVISOR_RESTART,
        Blow.DESCRIPTORS,
        Blow.DISK_FULL,
        Blow.CLOCK_STEP,
    }
)
"""What the figure "process faults" counts."""

LENGTHS_S = (0.3, 1.0, 2.5, 5.0, 12.0)


def blows(
    seed: int, seconds: float, per_minute: float, programs: tuple[str, ...], without: frozenset[str]
) -> tuple[Planned, ...]:
    """In order of time; about `per_minute` of them."""
    random = chance(seed, "blows")
    kinds = [blow for blow in Blow if blow.value not in without]
    weights = [WEIGHTS[blow] for blow in kinds]
    planned = []
    for at_s in _moments(random, seconds - QUIET_S, per_minute):
        blow = random.choices(kinds, weights)[0]
        target = _target(random, blow, programs)
        planned.append(Planned(at_s, blow, target, random.choice(LENGTHS_S)))
    return tuple(planned)


def _moments(random: Random, seconds: float, per_minute: float) -> Iterator[float]:
    at_s = random.expovariate(per_minute / 60)
    while at_s < seconds:
        yield at_s
        at_s += random.expovariate(per_minute / 60)


def _target(random: Random, blow: Blow, programs: tuple[str, ...]) -> str:
    match blow:
        case Blow.KILL | Blow.STOP:
            return random.choice((*SERVERS, *SERVERS, "executor", "listener", *programs))
        case Blow.RESTART | Blow.AWAY:
            return random.choice(SERVERS)
        case Blow.DESCRIPTORS:
            return random.choice((*ROLES, "paper"))
        case Blow.CLOCK_STEP:
            return random.choice(ROLES)
        case _:
            return "all"
