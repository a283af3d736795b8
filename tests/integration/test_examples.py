"""The examples run as they are written, and what the raw ones say is what the schemas say."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import gateway
from gateway.supervision import CHECKOUT

EXAMPLES = CHECKOUT / "examples"
PYTHON_DESK = EXAMPLES / "raw/python/desk.py"
NODE_FOLDER = EXAMPLES / "raw/node"
SCHEMAS = CHECKOUT / "schemas/messages"
HAS_NODE = bool(shutil.which("node") and shutil.which("npm"))
START_S, RUN_S = 150.0, 120
ENDED = ["following", "placed", "ended", "stored", "done"]


@pytest.fixture(scope="module")
def base(short_folder: Path) -> Iterator[str]:
    """A gateway that is not in this program, found over `ipc`."""
    home = short_folder / "home"
    with gateway.attach(home=home, child=True, start_timeout=START_S):
        yield f"ipc://{home}/run"


@pytest.fixture(scope="module")
def node_modules(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example with its two packages, as its lock file pins them."""
    folder = tmp_path_factory.mktemp("node")
    for name in ("desk.mjs", "package.json", "package-lock.json"):
        shutil.copy(NODE_FOLDER / name, folder)
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)
    return folder


def run(command: list[str], **more: Any) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=RUN_S, check=False, **more
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def assert_follows_the_protocol(said: str, trace: Path) -> None:
    """It came to its end, closed the gap that it was given, and each message fits its schema."""
    events = [json.loads(line) for line in said.splitlines()]
    assert [event["event"] for event in events if event["event"] != "transaction"] == ENDED
    assert events[-2]["status"] == "canceled"
    assert events[-1]["gaps_closed"] >= 1
    lines = [json.loads(line) for line in trace.read_text().splitlines()]
    sent = {line["message"]["type"] for line in lines if line["way"] == "sent"}
    assert sent == {"accounts", "snapshot", "replay", "place", "cancel", "get_order"}
    for line in lines:
        jsonschema.validate(line["message"], schema_of(line["message"]["type"]))


def schema_of(message_type: str) -> Any:
    return json.loads((SCHEMAS / f"{message_type}.json").read_text())


@pytest.mark.timeout(START_S + RUN_S)
def test_a_raw_socket_in_python_places_follows_cancels_and_asks(base: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace"

    said = run([sys.executable, str(PYTHON_DESK), base, "--lose", "1", "--trace", str(trace)])

    assert_follows_the_protocol(said, trace)


@pytest.mark.timeout(START_S + 2 * RUN_S)
@pytest.mark.skipif(not HAS_NODE, reason="there is no Node.js here, and nothing else needs it")
def test_a_raw_socket_in_node_places_follows_cancels_and_asks(
    base: str, node_modules: Path, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    options = [base, "--lose", "1", "--trace", str(trace)]

    said = run(["node", "desk.mjs", *options], cwd=node_modules)

    assert_follows_the_protocol(said, trace)


def test_a_raw_socket_that_the_gateway_refuses_is_told_why(base: str) -> None:
    command = [sys.executable, str(PYTHON_DESK), base, "--price", "20000.001"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_S, check=False)

    assert done.returncode == 1
    assert "price_precision" in done.stderr


@pytest.mark.timeout(START_S + RUN_S)
def test_a_first_order_in_one_program(short_folder: Path) -> None:
    environment = {**os.environ, "GATEWAY_HOME": str(short_folder / "first")}

    said = run([sys.executable, str(EXAMPLES / "first_order.py")], env=environment)

    assert " is new at the venue" in said
    assert re.search(r" is canceled, 0\S* of 0\.010* filled", said)  # as exact as the venue says it
    assert "canceled because of" in said


@pytest.mark.timeout(START_S + RUN_S)
def test_a_desk_on_asyncio(short_folder: Path) -> None:
    environment = {**os.environ, "GATEWAY_HOME": str(short_folder / "desk")}

    said = run([sys.executable, str(EXAMPLES / "async_desk.py")], env=environment)

    assert said.count(" is filled at ") == 3
    assert said.splitlines()[-1].startswith("bought 0.006")
    assert said.splitlines()[-1].endswith("as ordered")


def test_the_node_example_needs_two_packages_pinned_by_hash_and_names_no_host() -> None:
    package = json.loads((NODE_FOLDER / "package.json").read_text())
    text = (NODE_FOLDER / "package-lock.json").read_text()
    locked = json.loads(text)["packages"]

    assert set(package["dependencies"]) == {"zeromq", "@msgpack/msgpack"}
    assert locked[""]["dependencies"] == package["dependencies"]
    assert all("integrity" in one for name, one in locked.items() if name)
    assert "resolved" not in text
    assert "://" not in text


def test_the_raw_python_example_imports_nothing_of_the_gateway() -> None:
    text = PYTHON_DESK.read_text()

    assert "import gateway" not in text
    assert "from gateway" not in text
