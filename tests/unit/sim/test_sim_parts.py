"""Processes, wires and clocks of the simulation: what can happen to them, and what can't."""

from collections import Counter
from collections.abc import Callable

import pytest

from gateway.sim.clock import SimClock, SimTimers, WallClock
from gateway.sim.network import PubSub, PushPull, ReqRouter, Weather
from gateway.sim.process import Instance, Process, State
from gateway.sim.randomness import chance
from gateway.sim.scheduler import Scheduler
from gateway.sim.trace import Trace

SECOND = 1_000_000_000


class Desk:
    """A scheduler, and what is needed to make processes and wires on it."""

    def __init__(self) -> None:
        self.scheduler = Scheduler(0)
        self.trace = Trace(self.scheduler, None)
        self.counters: Counter[str] = Counter()

    def process(self, start: Callable[[Instance], None] = lambda _: None) -> Process:
        process = Process("part", self.trace, self.counters, start)
        process.start()
        return process

    def instance(self, process: Process) -> Instance:
        assert process.instance is not None
        return process.instance

    def pipe(self, hwm: int = 100) -> PushPull:
        return PushPull(
            "orders", self.scheduler, chance(1, "w"), self.trace, self.counters, hwm=hwm
        )

    def status(self, hwm: int = 100) -> PubSub:
        return PubSub(
            "status",
            self.scheduler,
            chance(1, "w"),
            self.trace,
            self.counters,
            hwm=hwm,
            slow_join=SECOND,
        )

    def requests(self) -> ReqRouter:
        return ReqRouter("requests", self.scheduler, chance(1, "w"), self.trace, self.counters)

    def run(self, seconds: float = 10) -> None:
        self.scheduler.run_until(self.scheduler.now + int(seconds * SECOND))


@pytest.fixture
def desk() -> Desk:
    return Desk()


# ---- time --------------------------------------------------------------------------------------


def test_actions_of_one_moment_run_in_the_order_of_planning(desk: Desk) -> None:
    done: list[int] = []
    for number in range(5):
        desk.scheduler.after(SECOND, lambda number=number: done.append(number))  # type: ignore[misc]
    desk.run()
    assert done == [0, 1, 2, 3, 4]


def test_a_canceled_action_does_not_run(desk: Desk) -> None:
    done: list[int] = []
    desk.scheduler.after(SECOND, lambda: done.append(1)).cancel()
    desk.run()
    assert done == []


def test_a_wall_clock_can_be_off_and_set_and_the_monotonic_one_goes_on(desk: Desk) -> None:
    wall = WallClock(desk.scheduler, error=5)
    clock = SimClock(desk.scheduler, wall, origin=0)
    desk.run(1)
    assert (clock.now(), clock.monotonic()) == (SECOND + 5, SECOND)
    wall.error = -SECOND
    assert (clock.now(), clock.monotonic()) == (0, SECOND)


def test_timers_of_a_killed_process_never_fire(desk: Desk) -> None:
    process, done = desk.process(), []
    timers = SimTimers(desk.scheduler, desk.instance(process))
    timers.after(SECOND, lambda: done.append(1))
    process.kill()
    process.start()
    desk.run()
    assert done == []


def test_timers_of_a_paused_process_fire_late(desk: Desk) -> None:
    process, done = desk.process(), []
    timers = SimTimers(desk.scheduler, desk.instance(process))
    timers.after(SECOND, lambda: done.append(desk.scheduler.now))
    canceled = timers.after(SECOND, lambda: done.append(0))
    process.pause()
    desk.run(5)
    canceled.cancel()
    assert process.state is State.PAUSED
    process.resume()
    assert done == [5 * SECOND]


# ---- processes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("survived", range(4))
def test_a_process_can_die_between_any_two_calls_of_its_ports(desk: Desk, survived: int) -> None:
    process, done = desk.process(), []

    def step(instance: Instance) -> None:
        for number in range(4):
            instance.touch()
            done.append(number)

    instance = desk.instance(process)
    process.fuse = survived
    instance.enter(lambda: step(instance))
    assert done == list(range(survived))
    assert process.state is State.DOWN
    assert not instance.alive


def test_nothing_enters_a_process_after_its_end(desk: Desk) -> None:
    process, done = desk.process(), []
    instance = desk.instance(process)
    process.kill()
    instance.enter(lambda: done.append(1))
    assert done == []


def test_a_process_that_raises_has_fallen(desk: Desk) -> None:
    process = desk.process()
    desk.instance(process).enter(lambda: 1 // 0)
    assert process.state is State.DOWN
    assert "ZeroDivisionError" in process.falls[0]


def test_an_orderly_stop_lets_the_process_close_what_it_has(desk: Desk) -> None:
    done: list[str] = []

    def start(instance: Instance) -> None:
        instance.on_stop = lambda: done.append("closed")

    process = desk.process(start)
    process.stop()
    process.start()
    process.kill()
    assert done == ["closed"]


# ---- wires -------------------------------------------------------------------------------------


def test_a_send_to_nobody_is_refused_at_once(desk: Desk) -> None:
    wire, sender, receiver = desk.pipe(), desk.process(), desk.process()
    outlet = wire.outlet(desk.instance(sender))
    assert not outlet.send(b"1")
    wire.bind(desk.instance(receiver), lambda _: None)
    assert outlet.send(b"2")
    receiver.kill()
    assert not outlet.send(b"3")


def test_a_dead_receivers_queue_is_lost(desk: Desk) -> None:
    wire, receiver = desk.pipe(), desk.process()
    heard: list[bytes] = []
    wire.bind(desk.instance(receiver), heard.append)
    outlet = wire.outlet(desk.instance(desk.process()))
    outlet.send(b"1")
    receiver.kill()
    receiver.start()
    wire.bind(desk.instance(receiver), heard.append)
    outlet.send(b"2")
    desk.run()
    assert heard == [b"2"]


def test_a_paused_receivers_queue_fills_to_its_bound_and_then_refuses(desk: Desk) -> None:
    wire, receiver = desk.pipe(hwm=3), desk.process()
    heard: list[bytes] = []
    wire.bind(desk.instance(receiver), heard.append)
    outlet = wire.outlet(desk.instance(desk.process()))
    receiver.pause()
    taken = [outlet.send(b"%d" % number) for number in range(5)]
    desk.run()
    assert taken == [True, True, True, False, False]
    assert heard == []
    receiver.resume()
    assert heard == [b"0", b"1", b"2"]


def test_fair_weather_keeps_one_connections_order(desk: Desk) -> None:
    wire, receiver = desk.pipe(), desk.process()
    heard: list[bytes] = []
    wire.bind(desk.instance(receiver), heard.append)
    outlet = wire.outlet(desk.instance(desk.process()))
    frames = [b"%d" % number for number in range(50)]
    for frame in frames:
        outlet.send(frame)
    desk.run()
    assert heard == frames


@pytest.mark.parametrize(
    ("weather", "what"),
    [
        (Weather(loss=0.5), "lost"),
        (Weather(duplicate=0.5), "duplicated"),
        (Weather(reorder=0.5, most_delay=SECOND), "reordered"),
        (Weather(stall=0.5), "stalled"),
    ],
)
def test_bad_weather_does_what_it_says(desk: Desk, weather: Weather, what: str) -> None:
    wire, receiver = desk.pipe(hwm=1_000), desk.process()
    heard: list[int] = []
    wire.bind(desk.instance(receiver), lambda frame: heard.append(int(frame)))
    wire.weather = weather
    outlet = wire.outlet(desk.instance(desk.process()))
    for number in range(100):
        outlet.send(b"%d" % number)
    desk.run(600)
    assert desk.counters[f"orders {what}"]
    assert (len(set(heard)) < 100) == (what == "lost")
    assert (len(heard) > len(set(heard))) == (what == "duplicated")
    assert (sorted(heard) != heard) == (what == "reordered")


def test_a_subscription_takes_effect_after_a_while_and_again_with_a_new_publisher(
    desk: Desk,
) -> None:
    wire, publisher, subscriber = desk.status(), desk.process(), desk.process()
    heard: list[str] = []
    broadcast = wire.bind(desk.instance(publisher))
    subscribe = wire.subscriber(desk.instance(subscriber), lambda topic, _: heard.append(topic))
    subscribe("a/")
    broadcast.publish("a/", b"too early")
    desk.run(1)
    broadcast.publish("a/", b"")
    broadcast.publish("b/", b"")
    desk.run(1)
    assert heard == ["a/"]
    publisher.kill()
    publisher.start()
    again = wire.bind(desk.instance(publisher))
    again.publish("a/", b"too early")
    desk.run(1)
    again.publish("a/", b"")
    desk.run(1)
    assert heard == ["a/", "a/"]


def test_a_slow_subscriber_loses_what_its_queue_can_t_take_and_others_lose_nothing(
    desk: Desk,
) -> None:
    wire, slow, quick = desk.status(hwm=5), desk.process(), desk.process()
    broadcast = wire.bind(desk.instance(desk.process()))
    heard: dict[str, list[bytes]] = {"slow": [], "quick": []}
    for name, process in (("slow", slow), ("quick", quick)):
        got = heard[name]
        wire.subscriber(desk.instance(process), lambda _, f, got=got: got.append(f))("a/")  # type: ignore[misc]
    desk.run(1)
    slow.pause()
    for number in range(20):
        broadcast.publish("a/", b"%d" % number)
        desk.run(0.1)
    slow.resume()
    assert len(heard["slow"]) == 5
    assert len(heard["quick"]) == 20


def test_a_question_is_answered_once_or_times_out_with_none(desk: Desk) -> None:
    wire, server, asker = desk.requests(), desk.process(), desk.process()
    wire.weather = Weather(duplicate=1.0)
    wire.bind(desk.instance(server), lambda frame, reply: reply(frame + b"!"))
    answers: list[bytes | None] = []
    asking = wire.asker(desk.instance(asker))
    asking.request(b"1", 2.0, answers.append)
    desk.run(5)
    wire.weather = Weather(loss=1.0)
    asking.request(b"2", 2.0, answers.append)
    desk.run(5)
    server.kill()
    asking.request(b"3", 2.0, answers.append)
    desk.run(5)
    assert answers == [b"1!", None, None]


def test_an_answer_that_waits_with_its_time_out_for_a_paused_asker_is_given_once(
    desk: Desk,
) -> None:
    wire, server, asker = desk.requests(), desk.process(), desk.process()
    wire.bind(desk.instance(server), lambda frame, reply: reply(frame))
    answers: list[bytes | None] = []
    wire.asker(desk.instance(asker)).request(b"1", 2.0, answers.append)
    asker.pause()
    desk.run(5)
    asker.resume()
    assert answers == [b"1"]
