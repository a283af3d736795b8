"""The executor places, amends and cancels orders at the venues, and never one of them twice."""

from gateway.executor.checkpoint import CheckpointTooNew, ExecutorCheckpoint, first_checkpoint
from gateway.executor.counters import Counters
from gateway.executor.executor import Executor
from gateway.executor.settings import ExecutorSettings

__all__ = [
    "CheckpointTooNew",
    "Counters",
    "Executor",
    "ExecutorCheckpoint",
    "ExecutorSettings",
    "first_checkpoint",
]
