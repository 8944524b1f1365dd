"""What a call that stays in floating point does: by name, for calls that no builder takes."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from torch import nn

from .graph_builder import Call, Signal


class FloatRole(StrEnum):
    """What a FLOAT operation does to its inputs.

    ORDER keeps the order of the scores of each image, strictly and without weights. CHOICE picks
    the largest scores. GATE makes factors, PRODUCT multiplies two signals. NORMALISATION and POOL
    are what their function of the mean so far stands for (docs/decisions/0021-telescoping.md).
    LINEAR is linear in its one input, with a constant part. OTHER is everything else.
    """

    ORDER = "order"
    CHOICE = "choice"
    GATE = "gate"
    PRODUCT = "product"
    NORMALISATION = "normalisation"
    POOL = "pool"
    LINEAR = "linear"
    OTHER = "other"


#: What may follow the scores, for messages.
KEEPS_ORDER = "softmax, log_softmax, sigmoid, tanh, exp, log, argmax, topk, a positive factor"
#: Functions (and modules, in lower case) that are strictly increasing in every element.
_INCREASING = {
    "sigmoid",
    "expit",
    "logsigmoid",
    "tanh",
    "exp",
    "expm1",
    "log",
    "log2",
    "log10",
    "log1p",
    "sqrt",
    "softplus",
    "softsign",
    "atan",
    "arctan",
    "sinh",
    "asinh",
    "arcsinh",
    "erf",
    "elu",
    "celu",
    "selu",
}
#: Functions along one dimension that keep the order along it.
_ALONG_CLASSES = {"softmax", "log_softmax", "logsoftmax", "softmax2d", "normalize"}
_CHOICES = {"argmax", "topk", "max", "sort", "argsort"}
_GATES = {"hardsigmoid"}
_PRODUCTS = {"mul", "imul", "multiply"}
_NORMALISATIONS = {
    "groupnorm",
    "group_norm",
    "layernorm",
    "layer_norm",
    "localresponsenorm",
    "local_response_norm",
    "rmsnorm",
    "rms_norm",
    "instancenorm1d",
    "instancenorm2d",
    "instancenorm3d",
    "instance_norm",
}
_POOLS = {
    f"{kind}{infix}{dimension}d"
    for dimension in (1, 2, 3)
    for kind, infix in (
        ("adaptivemaxpool", ""),
        ("adaptive_max_pool", ""),
        ("maxpool", ""),
        ("max_pool", ""),
    )
}
#: Linear in one tensor where everything else that they are called with is constant.
_LINEAR = {
    "addmm",
    "addmv",
    "addbmm",
    "baddbmm",
    "einsum",
    "matmul",
    "mm",
    "bmm",
    "mv",
    "dot",
    "inner",
    "tensordot",
    "mul",
    "imul",
    "multiply",
    "div",
    "truediv",
    "divide",
    "add",
    "iadd",
    "sub",
    "isub",
    "subtract",
    "rsub",
    "sum",
    "mean",
    "cumsum",
    "linear",
    "flip",
    "roll",
    "index_select",
    "expand",
    "expand_as",
    "repeat",
    "tile",
    "pixel_shuffle",
    "pixel_unshuffle",
    "channel_shuffle",
    "unfold",
    "fold",
    "kron",
    "diff",
    "diagonal",
    "trace",
    *(f"conv_transpose{dimension}d" for dimension in (1, 2, 3)),
    *(f"convtranspose{dimension}d" for dimension in (1, 2, 3)),
    "pixelshuffle",
    "pixelunshuffle",
    "channelshuffle",
}
#: Linear in several tensors together.
_JOINED = {"stack", "hstack", "vstack", "dstack", "cat", "concat", "concatenate"}


def role_of(call: Call) -> FloatRole:
    """The role of a call that becomes a FLOAT operation."""
    name = _name(call)
    signals = _count_signals((call.arguments, call.keywords))
    if name in _JOINED:
        return FloatRole.LINEAR
    if name in _PRODUCTS and signals > 1:
        return FloatRole.PRODUCT
    if signals != 1:
        return FloatRole.OTHER
    if name in _INCREASING or (name == "leakyrelu" and call.target.negative_slope > 0):
        return FloatRole.ORDER
    if name in _ALONG_CLASSES:
        return FloatRole.ORDER if _along_classes(call, name) else FloatRole.GATE
    if name in _CHOICES:
        return FloatRole.CHOICE if _picks_largest(call, name) else FloatRole.OTHER
    groups = (
        (_GATES, FloatRole.GATE),
        (_NORMALISATIONS, FloatRole.NORMALISATION),
        (_POOLS, FloatRole.POOL),
        (_LINEAR, FloatRole.LINEAR),
    )
    return next((role for names, role in groups if name in names), FloatRole.OTHER)


def _name(call: Call) -> str:
    label = call.label.strip("_")
    if isinstance(call.target, nn.Module):
        own = type(call.target).__module__.split(".")[0] == "torch"
        return label.lower() if own else ""
    return label


def _count_signals(value: Any) -> int:
    if isinstance(value, dict):
        return sum(map(_count_signals, value.values()))
    if isinstance(value, tuple | list):
        return sum(map(_count_signals, value))
    return int(isinstance(value, Signal))


def _given(call: Call, place: int, name: str, default: Any) -> Any:
    """An argument of a module, or of a function by place or name."""
    if isinstance(call.target, nn.Module):
        return getattr(call.target, name, default)
    if name in call.keywords:
        return call.keywords[name]
    return call.arguments[place] if len(call.arguments) > place else default


def _along_classes(call: Call, name: str) -> bool:
    """Whether a softmax or its like runs over the classes of each image."""
    rank = len(call.result_shape) + 1
    if name == "softmax2d":
        return rank == 4
    place, default = (2, 1) if name == "normalize" else (1, None)
    dimension = _given(call, place, "dim", default)
    if dimension is None:  # as torch guesses it
        dimension = 0 if rank in (1, 3) else 1
    return isinstance(dimension, int) and _is_class_dimension(dimension % rank, rank)


def _is_class_dimension(dimension: int, rank: int) -> bool:
    # Anchors have their classes last.
    return dimension == 1 or (rank == 3 and dimension == 2)


def _picks_largest(call: Call, name: str) -> bool:
    """Whether a choice is of the largest scores of each image."""
    source = next(a for a in (*call.arguments, *call.keywords.values()) if isinstance(a, Signal))
    rank = len(source.shape) + 1
    place = 2 if name == "topk" else 1
    default = None if name in ("argmax", "max") else -1
    dimension = call.keywords.get("axis", _given(call, place, "dim", default))
    if not isinstance(dimension, int) or not _is_class_dimension(dimension % rank, rank):
        return False
    if name == "topk":
        return bool(_given(call, 3, "largest", True))
    if name in ("sort", "argsort"):
        return bool(_given(call, 2, "descending", False))
    return True
