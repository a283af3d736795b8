"""The listener: owns the state of every order, numbers and publishes it, and has it written."""

from gateway.listener.checkpoints import CheckpointReader, alarm_of_checkpoint
from gateway.listener.listener import Listener
from gateway.listener.settings import ListenerSettings

__all__ = ["CheckpointReader", "Listener", "ListenerSettings", "alarm_of_checkpoint"]
