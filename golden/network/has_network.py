"""What may stand for a network: anything that has one, such as a conversion."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from ..errors import RheobaseError, shown
from .network import Network


@runtime_checkable
class HasNetwork(Protocol):
    """Something with an integer network in it."""

    @property
    def network(self) -> Network: ...


def network_of(given: Network | HasNetwork) -> Network:
    """The network that is ``given``, or that what is given has.

    Raises:
        RheobaseError: it is none and has none.
    """
    if isinstance(given, Network):
        return given
    found = getattr(given, "network", None)
    if not isinstance(found, Network):
        kind = type(given).__name__
        raise RheobaseError(f"network: {shown(kind)}, must be a Network or a conversion")
    return found
