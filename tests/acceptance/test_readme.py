"""What the first page tells a newcomer to type, typed."""

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.cli.stage import wait_for
from gateway.supervision import CHECKOUT

README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
DEMO_S = 240.0
STOP_S = 60.0


def make(target: str, home: Path, *variables: str) -> str:
    """`make demo` as it stands, except that the packages are here already."""
    done = subprocess.run(
        ["make", "--old-file=setup", target, f"BIN={Path(sys.executable).parent}", *variables],
        cwd=CHECKOUT,
        env={**os.environ, "GATEWAY_HOME": str(home), "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEMO_S,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
    return done.stdout


def number_before(what: str, said: str) -> int:
    found = re.search(rf"(\d+) {what}", said)
    assert found is not None, said[-2000:]
    return int(found[1])


@contextlib.contextmanager
def left_running(home: Path) -> Iterator[str]:
    said = make("demo", home, "KEEP=1")
    pid = int(re.findall(r"`kill (\d+)`", said)[-1])
    try:
        yield said
    finally:
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not Path(f"/proc/{pid}/fd").exists(), "the supervisor has ended", STOP_S)


@pytest.mark.timeout(2 * DEMO_S)
def test_the_demo_runs_agrees_with_the_venue_and_leaves_nothing_running(short_folder: Path) -> None:
    home = short_folder / "demo-home"

    said = make("demo", home)

    assert number_before("orders placed", said) >= 200
    assert number_before("differences", said) == 0
    for kind in ("partial", "reject", "ioc", "market"):
        assert kind in said.lower(), kind
    assert not list((home / "demo/run").glob("*.pid"))


@pytest.mark.timeout(2 * DEMO_S)
def test_the_program_of_the_readme_runs_beside_the_demo_that_was_left_running(
    short_folder: Path,
) -> None:
    program = re.search(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert program is not None

    with left_running(short_folder / "var"):
        done = subprocess.run(
            [sys.executable, "-c", program[1]],
            cwd=short_folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert (done.returncode, done.stdout) == (0, "canceled 0\n"), done.stderr
