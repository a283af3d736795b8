"""A gateway attached to a program: what the program notices of it, and what it must not."""

import asyncio
import itertools
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import gateway
from gateway.attached.kept import KeptProgram
from gateway.cli.stage import wait_for
from gateway.config import embedded_text
from gateway.domain.enums import OrderStatus, Role
from gateway.domain.errors import BadConfig, GatewayError, Unavailable
from gateway.home import Home
from gateway.service.embedded import free_port
from gateway.store.cluster_lock import process_started
from gateway.wire.base import EndpointInUse
from gateway.wire.locks import take_lock

START_S = 100.0
PATIENCES = (8.0, 60.0)
"""For a start that fails: too short for some machines, whose components have said nothing yet."""
ORDER = ("main", "BTC/USDT", "buy", "limit", "0.01")

_numbers = itertools.count(1)

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def home(short_folder: Path) -> Path:
    return short_folder / f"attached-{next(_numbers)}"


@pytest.fixture
def config(tmp_path: Path, database_url: str) -> Path:
    """The paper venue, and a server that is there already: no cluster has to be made."""
    path = tmp_path / "desk.toml"
    text = embedded_text(f"http://127.0.0.1:{free_port()}")
    path.write_text(f'{text}\n[store]\nurl = "{database_url}"\n')
    path.chmod(0o600)
    return path


@pytest.fixture
def gw(config: Path, home: Path) -> Iterator[Any]:
    with gateway.attach(config, home=home, start_timeout=START_S) as attached:
        yield attached


def host_state() -> dict[str, Any]:
    """What belongs to the host."""
    numbers = set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}
    return {
        "signals": {number: signal.getsignal(number) for number in numbers},
        "root handlers": list(logging.root.handlers),
        "root level": logging.root.level,
        "loggers": {
            name: (one.level, list(one.handlers), one.disabled)
            for name, one in logging.root.manager.loggerDict.items()
            if isinstance(one, logging.Logger) and (one.level or one.handlers or one.disabled)
        },
        "policy": asyncio.get_event_loop_policy(),
        "hook": sys.excepthook,
        "thread hook": threading.excepthook,
        "folder": Path.cwd(),
        "environment": dict(os.environ),
        "umask": umask(),
    }


def umask() -> int:
    now = os.umask(0)
    os.umask(now)
    return now


# ---- the host is left alone --------------------------------------------------------------------


def test_signals_logging_loops_and_hooks_of_the_host_are_left_alone(
    config: Path, home: Path
) -> None:
    before = host_state()

    with gateway.attach(config, home=home, start_timeout=START_S) as gw:
        gw.wait(gw.place(*ORDER, price="20000"), until="accepted", timeout=30)
        meanwhile = host_state()

    assert meanwhile == before
    assert host_state() == before
    assert not [one.name for one in threading.enumerate() if one.name.startswith("gateway")]


def test_the_hosts_loop_is_its_own(config: Path, home: Path) -> None:
    async def host() -> None:
        loop = asyncio.get_running_loop()
        before = (host_state(), loop.get_exception_handler(), loop.get_debug())

        async with gateway.attach_async(config, home=home, start_timeout=START_S) as gw:
            order_id = gw.place(*ORDER, price="20000")
            order = await gw.wait(order_id, until="accepted", timeout=30)
            tasks = asyncio.all_tasks() - {asyncio.current_task()}

        assert order.status is OrderStatus.NEW
        assert tasks == set()
        assert (host_state(), loop.get_exception_handler(), loop.get_debug()) == before

    asyncio.run(host())


def test_a_host_that_blocks_its_loop_does_not_hold_up_the_gateway(config: Path, home: Path) -> None:
    """Its thread goes on: an order placed before is acknowledged while nobody waits for it."""

    async def host() -> OrderStatus:
        async with gateway.attach_async(config, home=home, start_timeout=START_S) as gw:
            order_id = gw.place(*ORDER, price="20000")
            paper = f"{gw.paper_url}/paper/orders"
            wait_for(lambda: order_id in text_of(paper), "the venue has the order", 30)
            return (await gw.wait(order_id, until="accepted", timeout=30)).status

    assert asyncio.run(host()) is OrderStatus.NEW


def text_of(url: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", f"import urllib.request as r; print(r.urlopen({url!r}).read())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def test_importing_the_package_loads_neither_the_venues_library_nor_a_client() -> None:
    check = "import gateway, sys; print('ccxt' in sys.modules, 'zmq' in sys.modules)"

    said = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    ).stdout

    assert said.split() == ["False", "False"]
    ways = ["attach", "attach_async", "connect", "connect_async"]
    errors = ["Code", "GatewayError", "NotSent", "Refused", "TimedOut"]
    assert sorted(gateway.__all__) == ["AsyncClient", "Client", *errors, *ways]
    assert all(callable(getattr(gateway, name)) for name in gateway.__all__)
    for error in (gateway.NotSent, gateway.Refused, gateway.TimedOut):
        assert issubclass(error, gateway.GatewayError)
    with pytest.raises(AttributeError):
        gateway.atach  # noqa: B018


def test_type_checkers_are_told_the_same_names() -> None:
    stub = Path(gateway.__file__ or "").with_suffix(".pyi").read_text()

    told = {line.split(" as ")[1] for line in stub.splitlines() if " as " in line}

    assert told == set(gateway.__all__)


# ---- the same locks, journals and recovery -----------------------------------------------------


def test_a_home_has_one_gateway_attached_or_not(gw: Any, home: Path, config: Path) -> None:
    attaching = gateway.attach(config, home=home)

    with pytest.raises(EndpointInUse, match=r"held by process .* gateway\.connect"), attaching:
        pass
    with pytest.raises(EndpointInUse):
        take_lock(Home(home).run / f"{Role.EXECUTOR}.lock", "a process's role")


def test_it_goes_on_where_it_was_left(config: Path, home: Path) -> None:
    with gateway.attach(config, home=home, start_timeout=START_S) as gw:
        order_id = gw.place(*ORDER, price="20000")
        gw.wait(order_id, until="accepted", timeout=30)

    with gateway.attach(config, home=home, start_timeout=START_S) as gw:
        gw.cancel(order_id, "main", "BTC/USDT")
        wait_for(lambda: pumped(gw, order_id).status is OrderStatus.CANCELED, "it is canceled", 30)


def pumped(gw: Any, order_id: str) -> Any:
    gw.pump(0.05)
    return gw.get_order(order_id).order


def test_a_wrong_configuration_names_each_key_and_starts_nothing(
    tmp_path: Path, home: Path
) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('[gateway]\ntagg = 1\n[venues.v]\nexchange = "binance"\n')

    with pytest.raises(BadConfig, match="tagg"), gateway.attach(path, home=home):
        pass

    assert not home.exists()


def test_a_wrong_configuration_in_asyncio(tmp_path: Path, home: Path) -> None:
    async def host() -> None:
        async with gateway.attach_async(tmp_path / "no such.toml", home=home):
            pass

    with pytest.raises(BadConfig, match="No such file"):
        asyncio.run(host())


def nowhere(tmp_path: Path) -> Path:
    """A configuration whose database is not there."""
    path = tmp_path / "desk.toml"
    text = embedded_text(f"http://127.0.0.1:{free_port()}")
    unreachable = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    path.write_text(f'{text}\n[store]\nurl = "{unreachable}"\n')
    return path


def test_a_start_that_takes_too_long_says_what_is_missing(tmp_path: Path, home: Path) -> None:
    said = ""
    for patience in PATIENCES:
        attaching = gateway.attach(nowhere(tmp_path), home=home, start_timeout=patience)
        with pytest.raises(Unavailable, match="not ready in time") as late, attaching:
            pass
        said = str(late.value)
        if "store_down" in said:
            break

    assert "store_down" in said


def test_a_start_that_takes_too_long_in_asyncio(tmp_path: Path, home: Path) -> None:
    async def host(patience: float) -> None:
        async with gateway.attach_async(nowhere(tmp_path), home=home, start_timeout=patience):
            pass

    said = ""
    for patience in PATIENCES:
        with pytest.raises(Unavailable, match="not ready in time") as late:
            asyncio.run(host(patience))
        said = str(late.value)
        if "store_down" in said:
            break

    assert "store_down" in said


def test_a_gateway_whose_accounts_are_taken_says_so_and_ends(
    gw: Any, config: Path, short_folder: Path
) -> None:
    """Two homes, one database: the accounts belong to the first."""
    attaching = gateway.attach(config, home=short_folder / "other", start_timeout=START_S)

    with pytest.raises(GatewayError, match="main"), attaching:
        pass


# ---- several clients ---------------------------------------------------------------------------


def test_more_clients_for_other_threads(gw: Any) -> None:
    seen: list[OrderStatus] = []

    def trade() -> None:
        with gw.client("hedger") as hedger:
            order_id = hedger.place(*ORDER, price="19000")
            seen.append(hedger.wait(order_id, until="accepted", timeout=30).status)

    thread = threading.Thread(target=trade)
    thread.start()
    mine = gw.place(*ORDER, price="20000")
    gw.wait(mine, until="accepted", timeout=30)
    thread.join()

    assert seen == [OrderStatus.NEW]


def test_a_client_that_nobody_closed_does_not_keep_the_host_from_leaving(
    config: Path, home: Path
) -> None:
    """Neither an idle one, nor one that another thread waits with."""
    ended: list[BaseException] = []
    waits = threading.Event()

    def wait_for_ever(client: Any) -> None:
        try:
            with client:
                waits.set()
                client.wait(client.place(*ORDER, price="20000"))
        except BaseException as error:  # noqa: BLE001 it is looked at below
            ended.append(error)

    with gateway.attach(config, home=home, start_timeout=START_S) as gw:
        idle = gw.client("idle")
        idle.__enter__()
        thread = threading.Thread(target=wait_for_ever, args=(gw.client("busy"),))
        thread.start()
        waits.wait(30)

    thread.join(30)
    assert not thread.is_alive()
    assert len(ended) == 1


# ---- a child -----------------------------------------------------------------------------------

HOST = """
import gateway, os, sys
with gateway.attach({config!r}, home={home!r}, child=True, start_timeout=100) as gw:
    print(gw._gateway.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def host(config: Path, home: Path) -> Iterator[subprocess.Popen[str]]:
    """A program with a child; its first line is the child's pid."""
    program = HOST.format(config=str(config), home=str(home))
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as running:
        yield running
        running.kill()


def pid_said_by(host: subprocess.Popen[str]) -> int:
    assert host.stdout is not None
    return int(host.stdout.readline())


def test_a_child_dies_with_its_parent_however_that_dies(
    host: subprocess.Popen[str], home: Path
) -> None:
    child = pid_said_by(host)

    host.kill()
    host.wait()

    wait_for(lambda: process_started(child) is None, "the child has ended", 60)
    lock = take_lock(Home(home).run / "executor.lock", "the executor")  # nobody holds it now
    lock.release()


def test_a_child_ends_when_its_parent_leaves(host: subprocess.Popen[str]) -> None:
    child = pid_said_by(host)
    assert host.stdin is not None

    host.stdin.close()

    assert host.wait(60) == 0
    assert process_started(child) is None


def test_a_child_that_is_killed_is_started_again(config: Path, home: Path) -> None:
    with gateway.attach(config, home=home, child=True, start_timeout=START_S) as gw:
        before = gw._gateway.pid
        order_id = gw.place(*ORDER, price="20000")
        gw.wait(order_id, until="accepted", timeout=30)

        os.kill(before, signal.SIGKILL)
        wait_for(lambda: gw._gateway.pid not in (0, before), "it is started again", 60)

        gw.cancel(order_id)
        assert gw.wait(order_id, timeout=90).status is OrderStatus.CANCELED


def test_a_child_that_cannot_start_gives_its_reason(tmp_path: Path, home: Path) -> None:
    """Here: a key that is only looked for when the components start."""
    path = tmp_path / "desk.toml"
    path.write_text(
        '[venues.v]\nexchange = "binance"\n[accounts.main]\nvenue = "v"\n'
        'key = {env = "GATEWAY_TEST_NO_SUCH"}\nsecret = {env = "GATEWAY_TEST_NO_SUCH"}\n'
    )

    attaching = gateway.attach(path, home=home, child=True, start_timeout=60)

    with pytest.raises(BadConfig, match="GATEWAY_TEST_NO_SUCH"), attaching:
        pass


# ---- a host that just ends ---------------------------------------------------------------------


def test_a_host_that_ends_without_leaving_is_not_kept(config: Path, home: Path) -> None:
    program = (
        "import gateway, sys\n"
        f"gw = gateway.attach({str(config)!r}, home={str(home)!r}).__enter__()\n"
        "print('up', flush=True)\n"
        "sys.exit(3)\n"
    )

    command = [sys.executable, "-c", program]

    done = subprocess.run(command, capture_output=True, timeout=100, check=False)

    assert done.stdout == b"up\n"
    assert done.returncode == 3


# ---- programs beside it ------------------------------------------------------------------------


def test_what_a_kept_program_says_is_logged_and_it_is_started_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, "gateway.attached")
    said = """print('{"level": "warning", "event": "trouble"}'); print("plain")"""
    program = KeptProgram("speaker", [sys.executable, "-c", said], signal.SIGTERM)

    program.start()
    wait_for(lambda: caplog.text.count("speaker: plain") >= 2, "it has run twice", 30)
    program.stop(10)

    levels = {record.getMessage(): record.levelno for record in caplog.records}
    assert levels["speaker: trouble"] == logging.WARNING
    assert levels["speaker: plain"] == logging.INFO
    assert program.problem == "speaker ended with code 0: plain"


def test_a_kept_program_that_would_fail_again_is_given_up() -> None:
    command = [sys.executable, "-c", "print('no such key'); raise SystemExit(78)"]
    program = KeptProgram("hopeless", command, signal.SIGTERM)

    program.start()
    wait_for(lambda: program.failure is not None, "it is given up", 30)

    assert isinstance(program.failure, BadConfig)
    assert str(program.failure) == "no such key"
    program.stop(10)


def test_a_kept_program_that_does_not_stop_is_killed() -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf')"
    command = [sys.executable, "-c", f"{deaf}; time.sleep(1000)"]
    program = KeptProgram("deaf", command, signal.SIGTERM)
    program.start()
    wait_for(lambda: program._last_line == "deaf", "it is deaf", 30)
    pid = program.pid

    program.stop(0.2)

    assert process_started(pid) is None
