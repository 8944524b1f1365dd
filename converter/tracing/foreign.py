"""Modules that this converter has no form for, known by where their classes come from."""

from __future__ import annotations

from torch import fx, nn

from ..graph.refusal import Refusal, refuse

#: Modules' packages, as the beginning of a class's ``__module__``: what they hold.
_PACKAGES = {
    "brevitas": "a quantised layer of Brevitas",
    "snntorch": "a spiking neuron of snnTorch",
    "spikingjelly": "a spiking layer of SpikingJelly",
    "torch.ao": "a quantised layer of torch.ao",
    "torch.nn.quantized": "a quantised layer of torch.ao",
    "torch.nn.qat": "a quantised layer of torch.ao",
    "torchao": "a quantised layer of torchao",
    "torch.export": "an exported program",
}
_FLOATING = "the floating-point PyTorch model that it was made of"
_FEED_FORWARD = "layers without a state that goes from input to input"


def refuse_foreign(model: nn.Module) -> None:
    """Raise one ``RheobaseError`` that names every module of ``model`` of another kind of network.

    The libraries are not imported: a class tells by its name where it comes from.
    """
    found: list[Refusal] = []
    inside: tuple[str, ...] = ()
    for path, module in model.named_modules():
        if inside and path.startswith(inside):
            continue  # parts of what is named already
        kind, accepted = _foreign_kind(module)
        if kind:
            found.append(Refusal(path or "model", f"{type(module).__name__}: {kind}", accepted))
            inside = (*inside, f"{path}." if path else "")
    refuse(found)


def _foreign_kind(module: nn.Module) -> tuple[str, str]:
    """What ``module`` is and what would be accepted; empty for what may be converted."""
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return "a recurrent layer", _FEED_FORWARD
    if isinstance(module, fx.GraphModule):
        # torch.export writes a model in operations of its own, torch.fx keeps the model's.
        targets = {str(getattr(node.target, "namespace", "")) for node in module.graph.nodes}
        return ("an exported program", _FLOATING) if "aten" in targets else ("", "")
    package = f"{type(module).__module__}."
    kinds = (kind for name, kind in _PACKAGES.items() if package.startswith(f"{name}."))
    return next(kinds, ""), _FLOATING
