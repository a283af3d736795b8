"""Where a run takes place: the gateway under supervisord, and the programs that use it."""

import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn
from xmlrpc.client import Fault

from gateway.chaos import processes, signals
from gateway.chaos.clocks import ROLES, Clocks
from gateway.chaos.disk import SmallDisk
from gateway.cli.stage import PROGRAMS, Stage, wait_for
from gateway.service.embedded import embedded_text
from gateway.store.embedded import EmbeddedPostgres

SMALL_JOURNALS = """
[journal]
segment_mib = 8
max_mib = 128
reserve_mib = 4
"""
SECTIONS = """
[timing]
sweep = {sweep}

[store]
on_down = "{on_store_down}"
"""
BACK_S = 120.0
END_S = 20.0


class Scene:
    """The gateway in `root`, trading programs and accountants by name. One process owns it."""

    def __init__(
        self,
        root: Path,
        *,
        sweep_s: float = 30.0,
        on_store_down: str = "trade",
        small_disk: bool = False,
        small_journals: bool = True,
    ) -> None:
        """Small journals roll often, and are full after minutes without a database."""
        self.root = root
        self.diaries = root / "diaries"
        self.clocks = Clocks(root / "clocks")
        sections = SECTIONS.format(sweep=sweep_s, on_store_down=on_store_down)
        text = embedded_text() + (SMALL_JOURNALS if small_journals else "") + sections
        environment = self.clocks.environment
        self.stage = Stage(root / "gw", config_text=text, environment=environment)
        self.disk = self._mount() if small_disk else None
        self._commands: dict[str, Callable[[], list[str]]] = {}
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def _mount(self) -> SmallDisk:
        self.stage.home.make()
        return SmallDisk(self.stage.home.root / "journal")

    @property
    def store_url(self) -> str:
        home = self.stage.home
        return EmbeddedPostgres(home.postgres, home.run).url

    # ---- all of it -----------------------------------------------------------------------------

    def start(self) -> None:
        self.diaries.mkdir(mode=0o700, exist_ok=True)
        self.stage.start()
        self.stage.wait_up()

    def stop(self) -> None:
        for name in list(self._running):
            self.end(name)
        try:
            self.stage.stop()
        finally:
            for pid in processes.of_home(self.stage.home.root):
                processes.send(pid, signal.SIGKILL)
            if self.disk is not None:
                self.disk.unmount()

    # ---- users ---------------------------------------------------------------------------------

    @property
    def users(self) -> tuple[str, ...]:
        return tuple(self._commands)

    def diary_of(self, name: str) -> Path:
        return self.diaries / f"{name}.lines"

    def add_trader(
        self, name: str, seed: int, orders_per_second: float, longest_life_s: float
    ) -> None:
        run, url = str(self.stage.home.run), self.stage.paper_url
        more = ["--seed", str(seed), "--rate", str(orders_per_second)]
        more += ["--longest-life", str(longest_life_s)]
        self._add(name, lambda: ["gateway.chaos.program", name, self._diary(name), run, url, *more])

    def add_steady_trader(self, name: str, seed: int, orders_per_second: float) -> None:
        run, url = str(self.stage.home.run), self.stage.paper_url
        words = [name, run, url, "--seed", str(seed), "--rate", str(orders_per_second)]
        self._add(name, lambda: ["gateway.chaos.steady", *words])

    def add_accountant(self, name: str, consumers: tuple[str, ...]) -> None:
        run = str(self.stage.home.run)
        self._add(name, lambda: ["gateway.chaos.accountant", self._diary(name), run, *consumers])

    def add_hand(self, name: str, seed: int) -> None:
        words = [name, self._diary(name), self.stage.paper_url, "--seed", str(seed)]
        self._add(name, lambda: ["gateway.chaos.hand", *words])

    def add_operator(self, name: str, seed: int) -> None:
        words = [name, self._diary(name), str(self.stage.home.run), "--seed", str(seed)]
        self._add(name, lambda: ["gateway.chaos.operator", *words])

    def _diary(self, name: str) -> str:
        return str(self.diary_of(name))

    def _add(self, name: str, words: Callable[[], list[str]]) -> None:
        self._commands[name] = words
        self.launch(name)

    def launch(self, name: str) -> None:
        """Starts the program, again if it has ended."""
        old = self._running.get(name)
        if old is not None and old.poll() is None:
            return
        with (self.diaries / f"{name}.log").open("ab") as log, signals.held_back():
            self._running[name] = subprocess.Popen(
                [sys.executable, "-m", *self._commands[name]()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def end(self, name: str) -> None:
        program = self._running.pop(name, None)
        if program is None:
            return
        program.send_signal(signal.SIGCONT)
        program.terminate()
        try:
            program.wait(END_S)
        except subprocess.TimeoutExpired:
            program.kill()
            program.wait()

    def program(self, name: str) -> subprocess.Popen[bytes] | None:
        return self._running.get(name)

    def left_behind(self) -> list[str]:
        """Processes that outlived their supervisor, and keep their successors out."""
        looked_after = {self.pid(name) for name in PROGRAMS}
        running = processes.of_home(self.stage.home.root)
        return [
            f"{name}, process {pid}, was left behind"
            for pid, name in running.items()
            if pid not in looked_after
        ]

    def fallen(self) -> list[str]:
        """Programs that have ended by themselves."""
        return [name for name, one in self._running.items() if one.poll() is not None]

    # ---- one process ---------------------------------------------------------------------------

    def pid(self, target: str) -> int:
        """0 while it is not running."""
        program = self._running.get(target)
        if program is not None:
            return program.pid if program.poll() is None else 0
        with suppress(OSError, Fault):
            return self.stage.pid(target)
        return 0

    def pids(self, target: str) -> list[int]:
        """The process and, of postgres, its servers."""
        pid = self.pid(target)
        below = processes.children_of(pid) if target == "postgres" and pid else []
        return [one for one in (pid, *below) if one]

    def restart(self, target: str) -> None:
        self.take_away(target)
        self.bring_back(target)

    def take_away(self, target: str) -> None:
        """SIGTERM (postgres: INT), and no new start."""
        with suppress(OSError, Fault):
            self.stage.stop_program(target)

    def bring_back(self, target: str) -> None:
        with suppress(OSError, Fault):
            self.stage.start_program(target)

    def kill_supervisor(self, number: signal.Signals) -> None:
        """Its programs go with it. Then a new one is started."""
        self.stage.end_supervisor(number)
        self.stage.start()

    def all_up(self) -> bool:
        return self.stage.is_up() and not self.fallen()

    def put_right(self) -> None:
        """Everything that was done to processes is undone; returns when all are up."""
        for role in ROLES:
            self.clocks.set(role, 0)
        if self.disk is not None:
            self.disk.free()
        for target in (*PROGRAMS, *self.users):
            for pid in self.pids(target):
                processes.send(pid, signal.SIGCONT)
                processes.allow_files(pid, None)
        for target in PROGRAMS:
            self.bring_back(target)  # refused for all that are there
        for name in self.users:
            self.launch(name)
        wait_for(self.all_up, "every process is up", BACK_S)

    def logs(self) -> Mapping[str, str]:
        return {name: self.stage.log_tail(name, 50_000_000) for name in PROGRAMS}


def leave_nothing_behind() -> None:
    """Whoever terminates this program early gets its scene taken down as well."""
    signal.signal(signal.SIGTERM, _end)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(2)
