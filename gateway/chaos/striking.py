"""Does what the plan says, and undoes it when its time is over."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from gateway.chaos import processes, strangers
from gateway.chaos.plan import Blow, Planned
from gateway.chaos.scene import Scene
from gateway.chaos.venue_record import VenueSwitches

FREE_FILES = 1
MILLISECOND_NS = 1_000_000
STEPS_MS = (-900, -400, -50, 50, 400, 900)
"""Within the clock error that the configuration allows for (1 s)."""
MAX_STEP_NS = max(STEPS_MS) * MILLISECOND_NS


@dataclass(frozen=True, slots=True)
class Struck:
    """A blow that fell. ns UTC; it was over at `ended`."""

    blow: Blow
    target: str
    began: int
    ended: int


class Striker:
    def __init__(self, scene: Scene, random: Random) -> None:
        self._scene = scene
        self._random = random
        self._venue = VenueSwitches(scene.stage.paper_url)
        self._supervising = asyncio.Lock()
        self.struck: list[Struck] = []
        self._ways: dict[Blow, Callable[[Planned], Awaitable[bool]]] = {
            Blow.KILL: self._kill,
            Blow.STOP: self._stop,
            Blow.RESTART: self._restart,
            Blow.AWAY: self._away,
            Blow.SUPERVISOR_KILL: self._kill_supervisor,
            Blow.SUPERVISOR_RESTART: self._restart_supervisor,
            Blow.DESCRIPTORS: self._no_descriptors,
            Blow.DISK_FULL: self._fill_disk,
            Blow.CLOCK_STEP: self._step_clock,
            Blow.GARBAGE: self._garbage,
            Blow.BROKEN_SUBSCRIBER: self._broken_subscribers,
            Blow.VENUE_CUT: self._cut,
            Blow.VENUE_CRASH: self._crash_venue,
            Blow.VENUE_PAUSE: self._pause_venue,
            Blow.VENUE_SILENCE: self._silence_venue,
            Blow.VENUE_TERMINATES: self._terminate_streams,
        }

    async def strike(self, planned: Planned) -> None:
        """Notes the blow if there was somebody to hit."""
        began = time.time_ns()
        if await self._ways[planned.blow](planned):
            self.struck.append(Struck(planned.blow, planned.target, began, time.time_ns()))

    # ---- a process -----------------------------------------------------------------------------

    async def _pids(self, target: str) -> list[int]:
        return await asyncio.to_thread(self._scene.pids, target)

    async def _kill(self, planned: Planned) -> bool:
        pids = await self._pids(planned.target)
        hit = bool(pids) and processes.send(pids[0], signal.SIGKILL)
        if planned.target in self._scene.users:
            await asyncio.sleep(planned.length_s)
            self._scene.launch(planned.target)
        return hit

    async def _stop(self, planned: Planned) -> bool:
        pids = await self._pids(planned.target)
        hit = [pid for pid in pids if processes.send(pid, signal.SIGSTOP)]
        await asyncio.sleep(planned.length_s)
        for pid in hit:
            processes.send(pid, signal.SIGCONT)
        return bool(hit)

    async def _restart(self, planned: Planned) -> bool:
        async with self._supervising:
            await asyncio.to_thread(self._scene.restart, planned.target)
        return True

    async def _away(self, planned: Planned) -> bool:
        async with self._supervising:
            await asyncio.to_thread(self._scene.take_away, planned.target)
        await asyncio.sleep(planned.length_s)
        async with self._supervising:
            await asyncio.to_thread(self._scene.bring_back, planned.target)
        return True

    async def _kill_supervisor(self, _planned: Planned) -> bool:
        return await self._end_supervisor(signal.SIGKILL)

    async def _restart_supervisor(self, _planned: Planned) -> bool:
        return await self._end_supervisor(signal.SIGTERM)

    async def _end_supervisor(self, number: signal.Signals) -> bool:
        async with self._supervising:
            await asyncio.to_thread(self._scene.kill_supervisor, number)
        return True

    # ---- what a process needs ------------------------------------------------------------------

    async def _no_descriptors(self, planned: Planned) -> bool:
        pids = await self._pids(planned.target)
        if not pids:
            return False
        processes.allow_files(pids[0], processes.open_files(pids[0]) + FREE_FILES)
        await asyncio.sleep(planned.length_s)
        processes.allow_files(pids[0], None)
        return True

    async def _fill_disk(self, planned: Planned) -> bool:
        disk = self._scene.disk
        if disk is None:
            return False
        await asyncio.to_thread(disk.fill)
        await asyncio.sleep(planned.length_s)
        disk.free()
        return True

    async def _step_clock(self, planned: Planned) -> bool:
        offset = self._random.choice(STEPS_MS) * MILLISECOND_NS
        self._scene.clocks.set(planned.target, offset)
        await asyncio.sleep(planned.length_s)
        self._scene.clocks.set(planned.target, 0)
        return True

    # ---- strangers -----------------------------------------------------------------------------

    async def _garbage(self, _planned: Planned) -> bool:
        await strangers.send_garbage(self._scene.stage.endpoints, self._random)
        return True

    async def _broken_subscribers(self, planned: Planned) -> bool:
        endpoints = self._scene.stage.endpoints
        await strangers.break_subscribers(endpoints, self._random, planned.length_s)
        return True

    # ---- the venue as a whole ------------------------------------------------------------------

    async def _cut(self, _planned: Planned) -> bool:
        return await asyncio.to_thread(self._venue.cut)

    async def _crash_venue(self, planned: Planned) -> bool:
        duration = int(planned.length_s * 1000)
        hit = await self._control("crash", duration_ms=duration)
        await asyncio.sleep(planned.length_s)
        return hit

    async def _pause_venue(self, planned: Planned) -> bool:
        hit = await self._control("pause")
        await asyncio.sleep(planned.length_s)
        await self._control("resume")
        return hit

    async def _silence_venue(self, planned: Planned) -> bool:
        hit = await self._control("silence", duration_ms=int(planned.length_s * 1000))
        await asyncio.sleep(planned.length_s)
        return hit

    async def _terminate_streams(self, _planned: Planned) -> bool:
        return await self._control("terminate_streams")

    async def _control(self, action: str, **fields: object) -> bool:
        return await asyncio.to_thread(lambda: self._venue.control(action, **fields))

    async def calm_venue(self) -> None:
        """No faults, and nobody waits; repeated until the venue has heard it."""
        while not (
            await asyncio.to_thread(self._venue.set_faults, []) and await self._control("resume")
        ):
            await asyncio.sleep(0.2)
