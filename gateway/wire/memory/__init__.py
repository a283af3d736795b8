"""The same patterns in memory, for tests and for components on one loop: no threads, no sockets.

Delivery is by `call_soon`, in the order of sending, so that a run is the same each time. The
bounds and refusals are those of libzmq's `inproc`: a pair of sockets queues the sum of both HWMs.
"""

from gateway.wire.memory.network import MemoryNetwork
from gateway.wire.memory.transport import MemoryTransport

__all__ = ["MemoryNetwork", "MemoryTransport"]
