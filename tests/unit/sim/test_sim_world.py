"""The simulation is what it says: real classes, one seed one world, a judge that knows nothing."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

import gateway.service.actioner
import gateway.service.executor
import gateway.service.listener
import gateway.service.manager
from gateway.client.aio import AsyncClient
from gateway.client.blocking import Client
from gateway.client.protocol import ClientProtocol
from gateway.paper.faults import FaultKind
from gateway.sim import checker, parts, records, rules_commands, rules_orders, rules_streams
from gateway.sim.checker import judge
from gateway.sim.hunt import hunt
from gateway.sim.plan import IN_THE_ADAPTER, PLANS, Blow
from gateway.sim.planted import BUGS, Patches, planted
from gateway.sim.randomness import chance
from gateway.sim.run import run_seed
from gateway.sim.world import Options, World

SMALL = Options(orders=20, clients=2)
QUICKLY_FOUND = (
    "no_dedupe_by_trade_key",
    "time_out_is_a_rejection",
    "unanswered_places_sent_again_at_a_restart",
    "cancel_all_takes_orders_of_others",
)


def test_the_simulated_components_are_those_that_the_processes_run() -> None:
    components = parts.Components()
    assert components.executor is gateway.service.executor.Executor
    assert components.listener is gateway.service.listener.Listener
    assert components.writer is gateway.service.listener.Writer
    assert components.actioner is gateway.service.actioner.Actioner
    assert components.manager is gateway.service.manager.Manager
    assert parts.Journal is gateway.service.executor.Journal


def test_the_simulated_clients_speak_the_protocol_of_the_real_ones() -> None:
    for client in (Client, AsyncClient):
        module = sys.modules[client.__module__]
        assert module.ClientProtocol is ClientProtocol  # type: ignore[attr-defined]
    assert Options().protocol is ClientProtocol


def test_the_checker_imports_nothing_of_the_gateway_but_its_own_records() -> None:
    allowed = {"gateway.sim", "gateway.sim.records", "gateway.sim.rules_orders"}
    for module in (checker, records, rules_commands, rules_orders, rules_streams):
        tree = ast.parse(Path(str(module.__file__)).read_text())
        names = {
            name
            for node in ast.walk(tree)
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        assert {name for name in names if name.startswith("gateway")} <= allowed


def traced(hash_seed: str, *arguments: str) -> str:
    command = [sys.executable, "-m", "gateway.sim", "--orders", "15", "--trace", *arguments]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return run.stdout


def test_one_seed_makes_one_world_whatever_python_hashes() -> None:
    same = {traced(seed, "--seeds", "3", "--from", "7") for seed in ("1", "2", "3")}
    other = traced("1", "--seeds", "3", "--from", "8")
    assert len(same) == 1
    assert other not in same
    assert "executor" in other


def test_a_world_does_not_depend_on_those_before_it() -> None:
    alone = World(5, SMALL).run()
    World(6, SMALL).run()
    assert World(5, SMALL).run() == alone


@pytest.mark.parametrize("faults", list(PLANS))
def test_a_world_of_each_kind_of_faults_ends_well(faults: str) -> None:
    options = Options(orders=20, clients=2, faults=faults)
    assert run_seed(1, options).violations == []


def test_the_whole_fault_plan_of_the_venue_and_every_blow_is_drawn_from() -> None:
    seen = [PLANS["all"](chance(seed, "plan"), 60_000_000_000) for seed in range(1_000)]

    assert {fault.kind for one in seen for fault in one.venue} == set(FaultKind) - IN_THE_ADAPTER
    assert {planned.blow for one in seen for planned in one.blows} == set(Blow)


def test_a_world_has_orders_fills_strangers_and_faults() -> None:
    world = World(3, Options(orders=60))
    evidence = world.run()
    statuses = {order.status for order in evidence.orders}
    assert {"filled", "canceled", "expired"} <= statuses
    assert {"own", "external"} <= {order.origin for order in evidence.orders}
    assert evidence.venue_fills
    assert evidence.refusals
    assert world.counters["orders by hand"]
    assert any(
        delivery.what == "acknowledged" for c in evidence.consumed for delivery in c.deliveries
    )


def test_some_worlds_have_somebody_at_the_kill_switch() -> None:
    worlds = [World(seed, Options(orders=60, faults="basic")) for seed in range(12)]
    world = next(one for one in worlds if "operator" in one.processes)
    evidence = world.run()

    assert {"halt", "resume"} <= {command.what for command in evidence.commands}
    assert "halted" in {refusal.code for refusal in evidence.refusals}
    assert judge(evidence) == []


def test_a_failing_seed_says_how_to_run_it_again() -> None:
    command = [sys.executable, "-c", PLANTED_RUN]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "again: python -m gateway.sim --seeds 1 --from 0 --orders 20 --faults most" in run.stdout
    assert "simulation: 1 seeds, " in run.stdout


PLANTED_RUN = """
import sys
from gateway.sim import __main__ as program
from gateway.sim.planted import facts, planted
sys.argv = ["sim", "--seeds", "1", "--orders", "20", "--faults", "most"]
with planted(facts.money_through_a_float):
    sys.exit(program.main())
"""


def test_at_least_fifteen_bugs_can_be_planted_and_leave_nothing_behind() -> None:
    assert len({bug.__name__ for bug in BUGS}) == len(BUGS) >= 15
    for bug in BUGS:
        patches = Patches()
        bug(patches)
        assert patches.count, bug.__name__
        patches.undo()
    assert run_seed(2, SMALL).violations == []


def test_planted_bugs_are_found_by_the_general_checker() -> None:
    bugs = [bug for bug in BUGS if bug.__name__ in QUICKLY_FOUND]
    assert len(bugs) == len(QUICKLY_FOUND)
    for name, found in hunt(range(30), Options(orders=60, faults="most"), bugs):
        assert found is not None, name


def test_a_bug_is_planted_for_the_length_of_a_run_only() -> None:
    before = World(1, SMALL).run()
    with planted(BUGS[0]):
        judge(World(1, SMALL).run())
    assert World(1, SMALL).run() == before


def test_more_draws_by_one_part_move_nothing_in_another() -> None:
    alone = chance(5, "venue").random()
    chance(5, "traders").random()
    assert chance(5, "venue").random() == alone
    assert chance(5, "traders").random() != alone
