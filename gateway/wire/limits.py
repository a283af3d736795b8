"""Every bound of the wires, with its reason. Times are in the unit that the name says."""

from gateway.wire.base import Limits

KIB = 1024
MIB = 1024 * KIB

ORDERS = Limits(hwm=1_000, max_bytes=64 * KIB)
"""A place expires in about 2 s: a longer queue would only hold orders that are refused late."""

URGENT = Limits(hwm=4_000, max_bytes=64 * KIB)
"""A program must be able to cancel all that it has open in one burst."""

REPORTS = Limits(hwm=10_000, max_bytes=4 * MIB)
"""A listener that restarts must not stall the executor; its outbox re-sends the rest. A sweep's
report lists every open order of an account."""

STATUS = Limits(hwm=50_000, max_bytes=4 * MIB)
"""About a minute of a busy stream for a subscriber in a garbage collection or a debugger. One that
falls further behind sees a hole in the sequence and asks for a replay."""

REQUESTS = Limits(hwm=1_000, max_bytes=4 * MIB)
"""Each asker has one request open per socket, so only broken askers reach this. The size is that
of a page of a replay."""

REQUEST_POOL_SIZE = 16
"""Questions that one Requester has open at once; one more is answered None at once."""

SEND_WAIT_S = 1.0
"""How long a request waits for somebody to ask: long enough for a connection to be made or made
again, short enough to say early that nobody is there."""

HEARTBEAT_INTERVAL_MS = 1_000
HEARTBEAT_TIMEOUT_MS = 3_000
"""A stopped or unplugged peer is noticed within about four seconds. libzmq's own thread answers
heartbeats, so a long callback does not cut a connection, and a hung event loop does not show here:
that is what heads and heartbeats on `status` are for."""

HANDSHAKE_TIMEOUT_MS = 5_000
"""A stranger that connects and says nothing is dropped after this."""

RECONNECT_MS = 50
RECONNECT_MAX_MS = 1_000
"""A restarted peer is found within about a second, and an absent one costs next to nothing."""

LINGER_MS = 500
"""What a send took gets this long to leave when the socket closes: a program may place, then end.
With a dead peer there is nothing to wait for."""

KERNEL_BUFFER_BYTES = 256 * KIB
"""Left to itself, the kernel grows a TCP connection's buffers to several MiB: thousands of orders
queued out of sight of the HWM."""

KEEPALIVE_IDLE_S = 30
KEEPALIVE_INTERVAL_S = 5
KEEPALIVE_PROBES = 3
"""The kernel's own check, for a peer that vanished before the first heartbeat."""

LISTEN_BACKLOG = 128

DRAIN_BATCH = 64
"""Messages read before the loop runs its other callbacks. At 10-50 us each, one socket keeps the
others waiting for a few milliseconds at most."""

CURVE_OVERHEAD_BYTES = 64
"""libzmq measures a frame as it comes in, and an encrypted one is 33 bytes longer."""

MAX_IPC_PATH_BYTES = 99
"""The kernel holds 107 bytes of a socket's path; libzmq's error for a longer one says little."""
