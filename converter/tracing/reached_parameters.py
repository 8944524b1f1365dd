"""Which of a model's parameters each call of its trace is computed from."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from torch import fx, nn

from .valued_tracer import ValuedTracer


class ReachedParameters:
    """Follows parameters through a trace, up to the first call that the image reaches.

    Attributes:
        sizes: name to number of weights, of all parameters of the model; a shared one once.
    """

    def __init__(self, model: nn.Module, trace: ValuedTracer) -> None:
        named = list(model.named_parameters())
        self.sizes = {name: value.numel() for name, value in named}
        # The parameters are kept, so that nothing else gets their identity.
        self._names = {id(value): (name, value) for name, value in named}
        self._trace = trace
        self._held: dict[fx.Node, tuple[str, ...]] = {}

    def of(self, node: fx.Node) -> tuple[str, ...]:
        """Names of the parameters of ``node``; the nodes in front of it were asked for before."""
        found: dict[str, None] = {}
        if node.op == "call_module":
            module = self._trace.root.get_submodule(str(node.target))
            found.update(dict.fromkeys(map(self._name, module.parameters())))
        elif node.op == "get_attr":
            found[self._name(attrgetter(str(node.target))(self._trace.root))] = None
        for source in node.all_input_nodes:
            if source not in self._trace.signals:
                found.update(dict.fromkeys(self._held[source]))
        self._held[node] = tuple(name for name in found if name)
        return self._held[node]

    def _name(self, value: Any) -> str:
        return self._names.get(id(value), ("", None))[0]
