"""Opens libzmq sockets: the rules of their kind, then keys, then the endpoint."""

import zmq

from gateway.wire.base import BadEndpoint, InsecureEndpoint, Limits
from gateway.wire.curve import CurveKeys, secure_client, secure_server
from gateway.wire.endpoints import Address, Scheme, parse
from gateway.wire.inproc import InprocNames, SharedContext
from gateway.wire.links import Binding, Link, bind, link
from gateway.wire.sockets import Socket, open_socket


class SocketFactory:
    """The sockets of one process, whether an event loop reads them or a blocking program.

    `ipc` and `tcp` use a context of their own; `inproc` the one that is shared with the rest of
    the process, which must then be given. Where there are keys, `tcp` uses them, loopback or not;
    the folder of an `ipc` socket keeps strangers out by itself.
    """

    def __init__(self, shared: SharedContext | None, curve: CurveKeys | None) -> None:
        self.curve = curve
        self.context: zmq.Context[Socket] = zmq.Context()
        self._shared = shared
        self._names = shared.names if shared is not None else InprocNames()

    def bind(self, kind: int, endpoint: str, limits: Limits) -> tuple[Socket, Binding]:
        address = self._checked(endpoint)
        socket = open_socket(self._context_for(address), kind, limits)
        if address.scheme is Scheme.TCP and self.curve is not None:
            secure_server(socket, self.curve)
        return socket, bind(socket, address, self._names)

    def connect(self, kind: int, endpoint: str, limits: Limits) -> tuple[Socket, Link]:
        address = self._checked(endpoint)
        if address.any_port:
            raise BadEndpoint(f"{endpoint!r}: only who binds may leave the port to the system")
        socket = open_socket(self._context_for(address), kind, limits)
        try:
            if address.scheme is Scheme.TCP and self.curve is not None:
                secure_client(socket, self.curve)
        except InsecureEndpoint:
            socket.close(linger=0)
            raise
        return socket, link(socket, address, self._names)

    def _checked(self, endpoint: str) -> Address:
        address = parse(endpoint)
        if not address.loopback and self.curve is None:
            raise InsecureEndpoint(
                f"{endpoint!r} can be reached from other hosts: CURVE keys are required there"
            )
        return address

    def _context_for(self, address: Address) -> zmq.Context[Socket]:
        if address.scheme is not Scheme.INPROC:
            return self.context
        if self._shared is None:
            raise BadEndpoint(f"{address.text!r}: inproc needs a context shared in the process")
        return self._shared.zmq

    def close(self) -> None:
        """Wait, the linger time at most, for what was taken to leave. Close the sockets first."""
        self.context.term()
