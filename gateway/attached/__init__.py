"""The whole gateway inside another program: `gateway.attach` and `gateway.attach_async`.

The components, their journals, locks and recovery are those of the processes; only the wires are
`inproc`. The host's signals, logging and event loops are left alone. A host that forks while the
gateway is attached passes its locks on to the fork: let it start programs instead, or attach a
child.
"""

from gateway.attached.aio import AttachedAsyncClient, attach_async
from gateway.attached.blocking import AttachedClient, attach

__all__ = ["AttachedAsyncClient", "AttachedClient", "attach", "attach_async"]
