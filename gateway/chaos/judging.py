"""Everything that a run leaves behind, as the checker's plain records, and its verdict."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import replace

from gateway.chaos import diary as d
from gateway.chaos.books import Books, Number
from gateway.chaos.striking import MAX_STEP_NS
from gateway.chaos.venue_record import VenueRecord
from gateway.chaos.weather import MAX_SKEW_MS
from gateway.sim.checker import judge
from gateway.sim.evidence import EXCUSES
from gateway.sim.records import (
    Belief,
    Command,
    Consumed,
    Delivery,
    Evidence,
    Followed,
    Heard,
    Item,
    Violation,
)

RECEIVE_WINDOW = 5_000_000_000
MILLISECOND = 1_000_000


@dataclass(slots=True)
class Life:
    """One life of a program: what it was given of each stream."""

    streams: dict[str, list[Heard]] = field(default_factory=dict)


@dataclass(slots=True)
class Told:
    """All that one program's diary tells."""

    name: str
    commands: list[Command] = field(default_factory=list)
    first_of_life: int = 0
    lives: list[Life] = field(default_factory=list)
    believed: d.Believed | None = None
    consumed: dict[tuple[str, str], list[Delivery]] = field(default_factory=dict)

    def take(self, line: d.Line) -> None:
        match line:
            case d.Began():
                self.first_of_life = len(self.commands)
                self.lives.append(Life())
                self.believed = None
            case d.Gave():
                self.commands.append(line.command)
            case d.Told():
                self.lives[-1].streams.setdefault(line.account, []).append(line.entry)
            case d.Got():
                key = line.consumer, line.account
                self.consumed.setdefault(key, []).append(line.delivery)
            case d.Believed():
                self.believed = line

    def all_commands(self) -> list[Command]:
        """What a program asked for that died is not held against the gateway, if undone."""
        given_up = self.commands[: self.first_of_life]
        return [*map(_given_up, given_up), *self.commands[self.first_of_life :]]

    def followed(self) -> Iterable[Followed]:
        for life in self.lives:
            for account, entries in life.streams.items():
                yield Followed(self.name, account, life is self.lives[-1], tuple(entries))

    @property
    def beliefs(self) -> tuple[Belief, ...]:
        return () if self.believed is None else self.believed.beliefs


def _given_up(command: Command) -> Command:
    return replace(command, kept=False)


class Archive:
    """Reads on what there is to read, and puts it together."""

    def __init__(self, diaries: Mapping[str, Path], record: VenueRecord, books: Books) -> None:
        self._readers = {name: d.DiaryReader(path) for name, path in diaries.items()}
        self.told = {name: Told(name) for name in diaries}
        self.record = record
        self._books = books

    def read(self) -> None:
        for name, reader in self._readers.items():
            for line in reader.read():
                self.told[name].take(line)

    def evidence(self, tag: int, published: Mapping[Number, int], falls: list[str]) -> Evidence:
        self.read()
        self.record.follow()
        venue_orders, venue_fills = self.record.orders()
        items = self._books.items(published)
        told = self.told.values()
        self._share(items)
        return Evidence(
            tag=tag,
            receive_window=RECEIVE_WINDOW,
            clock_error=MAX_STEP_NS,
            excused_alarms=self._excused(),
            venue_orders=tuple(venue_orders),
            venue_fills=tuple(venue_fills),
            venue_requests=tuple(self.record.requests()),
            orders=self._books.orders(),
            items=items,
            refusals=self._books.refusals(),
            alarms=self._books.alarms(),
            rejected_rows=self._books.rejected(),
            commands=self._commands(),
            beliefs=tuple(belief for one in told for belief in one.beliefs),
            followed=tuple(followed for one in told for followed in one.followed()),
            consumed=tuple(
                Consumed(consumer, account, tuple(deliveries))
                for one in told
                for (consumer, account), deliveries in one.consumed.items()
            ),
            falls=tuple(falls),
        )

    def _commands(self) -> tuple[Command, ...]:
        """A place that the venue judged by a wrong clock may land as much later."""
        late = self.record.places_on_a_wrong_clock()
        given = (command for one in self.told.values() for command in one.all_commands())
        return tuple(
            replace(one, expires_at=one.expires_at + MAX_SKEW_MS * MILLISECOND)
            if one.what == "place" and one.order_id in late
            else one
            for one in given
        )

    def _share(self, items: Iterable[Item]) -> None:
        """What a program heard is most often what is stored: once in memory is enough."""
        stored = {(item.account, item.epoch, item.seq): item for item in items}
        for told in self.told.values():
            for life in told.lives:
                for account, entries in life.streams.items():
                    for at, entry in enumerate(entries):
                        there = stored.get((account, entry.epoch, entry.seq))
                        if there is not None and _says_the_same(entry, there):
                            entries[at] = Heard(entry.epoch, entry.seq, item=there)

    def _excused(self) -> frozenset[str]:
        kinds = {hit.kind for hit in self.record.faults()}
        return frozenset(alarm for kind, said in EXCUSES.items() if kind in kinds for alarm in said)


def _says_the_same(entry: Heard, stored: Item) -> bool:
    heard = entry.item
    if heard is None or heard is stored:
        return False
    return (heard.order, heard.transaction) == (stored.order, stored.transaction)


def verdict(evidence: Evidence) -> list[Violation]:
    return judge(evidence)


def parted(
    violations: Iterable[Violation], before: Iterable[Violation]
) -> tuple[list[Violation], list[Violation]]:
    """Those that the look before had as well, in whatever words, and the new ones."""
    known = {(violation.rule, violation.about) for violation in before}
    standing: list[Violation] = []
    fresh: list[Violation] = []
    for violation in violations:
        seen = (violation.rule, violation.about) in known
        (standing if seen else fresh).append(violation)
    return standing, fresh


def by_rule(violations: Iterable[Violation]) -> Counter[str]:
    return Counter(violation.rule for violation in violations)
