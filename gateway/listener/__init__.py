"""The listener: owns the state of every order, numbers and publishes it, and has it written."""

from gateway.listener.listener import Listener
from gateway.listener.settings import ListenerSettings

__all__ = ["Listener", "ListenerSettings"]
