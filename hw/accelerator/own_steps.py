"""T of a layer that has one of its own, out of that of the images under way."""

from __future__ import annotations

from amaranth import Module, Mux, Signal

from ..basics.shapes import count_shape


class OwnSteps:
    """The T with which layers fire while images of ``steps`` time steps are under way.

    Each is a register: it is there a cycle after ``steps``, which is long before the first word.

    Args:
        m: gets the registers, in ``domain``.
        steps: T of the images under way.
        largest: its largest value.
    """

    def __init__(self, m: Module, steps: Signal, largest: int, domain: str = "sync"):
        self._m, self._steps, self._domain = m, steps, domain
        self._known = {largest: steps}

    def of(self, most: int) -> Signal:
        """T of neurons that fire ``most`` planes at most."""
        if most not in self._known:
            own = Signal(count_shape(most), name=f"{self._steps.name}_to_{most}")
            self._m.d[self._domain] += own.eq(Mux(self._steps > most, most, self._steps))
            self._known[most] = own
        return self._known[most]
