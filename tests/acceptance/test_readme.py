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
from test_cli_docs import type_in

import gateway
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


def programs(page: str = README) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def own_gateway() -> list[str]:
    """Without what makes the environment: the tests have theirs."""
    section = README.split("\n## A gateway of one's own\n")[1]
    block = re.search(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert block is not None
    return [line for line in block[1].splitlines() if not line.startswith(("make ", "export "))]


@pytest.mark.timeout(2 * DEMO_S)
def test_a_newcomer_gets_from_init_to_a_cancelled_order_and_two_programs(
    short_folder: Path,
) -> None:
    *lines, last = own_gateway()
    connected, attached = programs()
    (short_folder / "connected.py").write_text(connected)
    (short_folder / "attached.py").write_text(attached)
    assert (lines[0], last) == ("gateway init", "gateway down")

    try:
        done = type_in(short_folder, [*lines, "python connected.py", last, "python attached.py"])
    finally:
        down = type_in(short_folder, ["gateway down || test $? -eq 4"])

    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert down.returncode == 0
    *_, filled = said = done.stdout.splitlines()
    assert filled.startswith("filled 0.002")
    assert [line for line in said if line.startswith("canceled 0")]  # as the venue writes it: 0E-8


@pytest.mark.timeout(2 * DEMO_S)
def test_the_demo_can_be_left_running(short_folder: Path) -> None:
    with left_running(short_folder / "var") as said:
        assert number_before("differences", said) == 0
        with gateway.connect(client_id="look", home=short_folder / "var/demo") as client:
            assert client.health().processes
