"""What the deployment page tells people to type on one host is typed here."""

import re
from pathlib import Path

import pytest
from test_cli_docs import TIMEOUT_S, type_in

PAGE = (Path(__file__).parents[2] / "docs/deployment.md").read_text()


def block_under(heading: str) -> str:
    section = PAGE.split(f"\n## {heading}\n")[1]
    found = re.search(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def as_in_a_checkout_that_is_set_up(block: str) -> str:
    """The tests' own environment takes the place of what `make setup` would make."""
    lines = [line for line in block.splitlines() if not line.startswith(("make ", "git "))]
    return "\n".join(lines).replace(".venv/bin/", "")


@pytest.mark.timeout(TIMEOUT_S + 60)
def test_one_host_is_started_restarted_process_by_process_and_stopped(tmp_path: Path) -> None:
    start = as_in_a_checkout_that_is_set_up(block_under("One host"))
    restart = as_in_a_checkout_that_is_set_up(block_under("A rolling restart, a new version"))
    assert "gateway up" in start
    assert "gateway restart" in restart

    try:
        done = type_in(tmp_path, [start, restart, "gateway up", "gateway health"])
    finally:
        down = type_in(tmp_path, ["gateway down || test $? -eq 4"])

    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert down.returncode == 0
    for process in ("manager", "actioner", "listener", "executor"):
        assert f"restarted: {process}" in done.stdout


@pytest.mark.timeout(TIMEOUT_S + 60)
def test_the_supervisor_in_the_foreground_stops_everything_on_term(tmp_path: Path) -> None:
    """As systemd and container engines run it."""
    script = """
    gateway init
    gateway up --foreground > said.log 2>&1 &
    supervisor=$!
    until gateway status > status.log; do sleep 0.1; done
    kill -TERM $supervisor
    wait $supervisor
    """

    done = type_in(tmp_path, [script, "gateway status || test $? -eq 4"])

    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert not list((tmp_path / "var/run").glob("*.sock"))
