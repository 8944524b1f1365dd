"""What a layer is, in JSON's types: for people, and for tools that read lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .layers import IMAGE

if TYPE_CHECKING:
    from .unchecked_network import UncheckedNetwork

#: What tables show of a layer, in this order.
LAYER_COLUMNS = (
    "name",
    "sources",
    "kernels",
    "shape",
    "weights",
    "weight_bits",
    "threshold",
    "max_pool",
    "signed",
    "T",
)


def layer_description(network: UncheckedNetwork, index: int) -> dict[str, Any]:
    """Of layer ``index``: by ``LAYER_COLUMNS``; None where it has none of that."""
    layer = network.layers[index]
    return {
        "name": layer.name,
        "sources": [
            "image" if c.source == IMAGE else network.layers[c.source].name
            for c in layer.connections
        ],
        "kernels": ["x".join(map(str, c.weight.shape)) for c in layer.connections],
        "shape": list(network.shapes[index].output),
        "weights": sum(c.weight.size for c in layer.connections),
        "weight_bits": [c.weight_bits for c in layer.connections],
        "threshold": None
        if layer.threshold is None
        else [int(layer.threshold.min()), int(layer.threshold.max())],
        "max_pool": None if layer.pool is None else "x".join(map(str, layer.pool.kernel)),
        "signed": layer.signed,
        "T": None if layer.threshold is None else network.steps_of(index),
    }


def shown_cell(key: str, value: Any) -> str:
    """A value of ``layer_description`` as a table shows it."""
    if key == "threshold" and value is not None:
        return f"{value[0]} to {value[1]}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)
