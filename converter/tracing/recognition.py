"""Which operation a call of a model's trace is: one table of modules, one of functions.

A module, a function and a tensor's method of the same meaning are bound to the same parameter
names and go through the same builder. A builder returns None for a form that it does not know;
such a call stays in floating point.
"""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from ..graph.float_roles import FloatRole, role_of
from ..graph.graph_builder import Call, Signal
from .qcfs import is_qcfs, qcfs_parameters
from .recognise_activations import ACTIVATION_BUILDERS
from .recognise_maps import MAP_BUILDERS
from .recognise_shapes import SHAPE_BUILDERS
from .recognise_weights import WEIGHT_BUILDERS

_BUILDERS = {**WEIGHT_BUILDERS, **ACTIVATION_BUILDERS, **MAP_BUILDERS, **SHAPE_BUILDERS}
_CONVOLUTION = ("weight", "bias", "stride", "padding", "dilation", "groups", "padding_mode")
_CONV_TRANSPOSE = (
    "weight",
    "bias",
    "stride",
    "padding",
    "output_padding",
    "groups",
    "dilation",
)
_NORM = ("running_mean", "running_var", "weight", "bias", "training", "momentum", "eps")
_MAX_POOL = ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices")
_AVERAGE_POOL = ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad")
_SIZES = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor")

#: Modules: the builder's name and the attributes that it is called with.
_MODULES: tuple[tuple[tuple[type, ...], str, tuple[str, ...]], ...] = (
    (
        (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
        "conv_transpose",
        _CONV_TRANSPOSE,
    ),
    ((nn.Conv1d, nn.Conv2d, nn.Conv3d), "convolution", _CONVOLUTION),
    ((nn.Linear,), "linear", ("weight", "bias")),
    (
        (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
        "batch_norm",
        _NORM,
    ),
    ((nn.ReLU6,), "relu6", ("inplace",)),
    ((nn.Hardtanh,), "hardtanh", ("min_val", "max_val", "inplace")),
    ((nn.ReLU,), "relu", ("inplace",)),
    ((nn.LeakyReLU,), "leaky_relu", ("negative_slope", "inplace")),
    ((nn.PReLU,), "prelu", ("weight",)),
    ((nn.Threshold,), "threshold", ("threshold", "value", "inplace")),
    ((nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d), "max_pool", _MAX_POOL),
    ((nn.AvgPool1d,), "avg_pool", _AVERAGE_POOL),
    ((nn.AvgPool2d, nn.AvgPool3d), "avg_pool", (*_AVERAGE_POOL, "divisor_override")),
    (
        (nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d),
        "adaptive_avg_pool",
        ("output_size",),
    ),
    (
        (nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
        "adaptive_max_pool",
        ("output_size", "return_indices"),
    ),
    ((nn.Flatten, nn.Unflatten), "rearranged", ()),
    ((nn.ChannelShuffle, nn.PixelUnshuffle), "moved", ()),
    ((nn.Upsample,), "interpolate", _SIZES),
    ((nn.Identity,), "same", ()),
    (
        (
            nn.Dropout,
            nn.Dropout1d,
            nn.Dropout2d,
            nn.Dropout3d,
            nn.AlphaDropout,
            nn.FeatureAlphaDropout,
        ),
        "dropout",
        ("p", "training"),
    ),
    ((nn.ConstantPad1d, nn.ConstantPad2d, nn.ConstantPad3d), "constant_pad", ("padding", "value")),
    ((nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReflectionPad3d), "reflect_pad", ("padding",)),
    (
        (nn.ReplicationPad1d, nn.ReplicationPad2d, nn.ReplicationPad3d),
        "replicate_pad",
        ("padding",),
    ),
)

#: Functions and methods, without trailing underscores: the builder's name and the parameters.
_FUNCTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), ("convolution", _CONVOLUTION[:-1])),
    **dict.fromkeys(
        ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        ("conv_transpose", _CONV_TRANSPOSE),
    ),
    "linear": ("linear", ("weight", "bias")),
    "matmul": ("matmul", ("other",)),
    "mm": ("matmul", ("other",)),
    "batch_norm": ("batch_norm", _NORM),
    "relu": ("relu", ("inplace",)),
    "relu6": ("relu6", ("inplace",)),
    "hardtanh": ("hardtanh", ("min_val", "max_val", "inplace")),
    "threshold": ("threshold", ("threshold", "value", "inplace")),
    "clamp": ("clamp", ("min", "max")),
    "clip": ("clamp", ("min", "max")),
    "clamp_min": ("clamp", ("min",)),
    "clamp_max": ("clamp", ("max",)),
    **dict.fromkeys(("maximum", "minimum", "fmax", "fmin"), ("bounded", ("other",))),
    "leaky_relu": ("leaky_relu", ("negative_slope", "inplace")),
    "prelu": ("prelu", ("weight",)),
    "where": ("where", ("yes", "no")),
    **dict.fromkeys(
        ("max_pool1d", "max_pool2d", "max_pool3d", "_max_pool1d", "_max_pool2d", "_max_pool3d"),
        ("max_pool", _MAX_POOL),
    ),
    **dict.fromkeys(
        ("avg_pool1d", "avg_pool2d", "avg_pool3d"),
        ("avg_pool", (*_AVERAGE_POOL, "divisor_override")),
    ),
    **dict.fromkeys(
        ("adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"),
        ("adaptive_avg_pool", ("output_size",)),
    ),
    **dict.fromkeys(
        ("adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d"),
        ("adaptive_max_pool", ("output_size", "return_indices")),
    ),
    **dict.fromkeys(("mean", "sum"), ("mean", ("dim", "keepdim", "dtype"))),
    "amax": ("amax", ("dim", "keepdim")),
    "max": ("max", ("dim", "keepdim")),
    **dict.fromkeys(("add", "iadd"), ("add", ("other", "alpha"))),
    **dict.fromkeys(("sub", "isub", "subtract"), ("sub", ("other", "alpha"))),
    "rsub": ("rsub", ("other",)),
    **dict.fromkeys(("mul", "imul", "multiply"), ("mul", ("other",))),
    **dict.fromkeys(
        ("div", "truediv", "itruediv", "true_divide", "divide"), ("div", ("other", "rounding_mode"))
    ),
    **dict.fromkeys(("neg", "negative"), ("neg", ())),
    **dict.fromkeys(("cat", "concat", "concatenate"), ("cat", ("dim",))),
    **dict.fromkeys(
        (
            "flatten",
            "view",
            "reshape",
            "squeeze",
            "unsqueeze",
            "unflatten",
            "view_as",
            "reshape_as",
            "ravel",
        ),
        ("rearranged", ()),
    ),
    **dict.fromkeys(("permute", "transpose", "swapaxes", "swapdims", "movedim"), ("permuted", ())),
    **dict.fromkeys(
        (
            "flip",
            "roll",
            "repeat",
            "tile",
            "expand",
            "expand_as",
            "index_select",
            "repeat_interleave",
            "channel_shuffle",
            "pixel_unshuffle",
            "fliplr",
            "flipud",
        ),
        ("moved", ()),
    ),
    "getitem": ("getitem", ("index",)),
    **dict.fromkeys(
        ("chunk", "split", "tensor_split", "split_with_sizes", "unbind"), ("parts", ())
    ),
    "narrow": ("narrow", ("dim", "start", "length")),
    "select": ("select", ("dim", "index")),
    "pad": ("pad", ("pad", "mode", "value")),
    **dict.fromkeys(("interpolate", "upsample"), ("interpolate", _SIZES)),
    **dict.fromkeys(
        (
            "dropout",
            "dropout1d",
            "dropout2d",
            "dropout3d",
            "alpha_dropout",
            "feature_alpha_dropout",
        ),
        ("dropout", ("p", "training")),
    ),
    "stochastic_depth": ("dropout", ("p", "mode", "training")),
    **dict.fromkeys(("contiguous", "clone", "detach", "identity"), ("same", ())),
}

#: Nonlinearities in ReLU's place that no integrate-and-fire neuron computes.
_ACTIVATIONS = {
    "silu",
    "gelu",
    "mish",
    "hardswish",
    "elu",
    "celu",
    "selu",
    "leaky_relu",
    "prelu",
    "rrelu",
    "tanh",
    "softplus",
    "softsign",
    "multi_head_attention_forward",
    "glu",
    "hardtanh",
    "tanhshrink",
    "scaled_dot_product_attention",
}
_ACTIVATION_MODULES = (
    nn.SiLU,
    nn.GELU,
    nn.Mish,
    nn.Hardswish,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.LeakyReLU,
    nn.PReLU,
    nn.RReLU,
    nn.Tanh,
    nn.Softplus,
    nn.Softsign,
    nn.MultiheadAttention,
    nn.GLU,
    nn.Hardtanh,
    nn.Tanhshrink,
    nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer,
    nn.Transformer,
    nn.RNNBase,
)


def recognised(call: Call) -> Any:
    """Add the operations of ``call`` to its graph.

    Returns:
        The signal of its result, or a list, tuple or dictionary of signals.
    """
    found = _python_item(call)
    if found is not None:
        return found
    if not call.keeps_batch:
        accepted = "results with one entry per image in front"
        call.refuse(f"{call.label} that does not keep the images of a batch apart", accepted)
        return call.float_operations(activation=False, role=FloatRole.OTHER)
    name, bound, activation = _bound(call)
    result = None
    if name and _is_signal_first(bound, name):
        result = _BUILDERS[name](call, bound)
    if result is None:
        return call.float_operations(activation=activation, role=role_of(call))
    return result


def _python_item(call: Call) -> Any:
    """Items of lists and dictionaries of signals."""
    if call.label == "getitem" and isinstance(call.arguments[0], dict | list | tuple):
        found = call.arguments[0][call.arguments[1]]
        return list(found) if isinstance(found, tuple) else found
    return None


def _is_signal_first(bound: dict[str, Any], name: str) -> bool:
    """A builder wants the signal first; operators and concatenation take it anywhere."""
    if name in ("add", "sub", "mul", "cat", "bounded"):
        return True
    return isinstance(bound.get("input"), Signal)


def _bound(call: Call) -> tuple[str, dict[str, Any], bool]:
    """Builder, arguments by name, and whether it is a nonlinearity in ReLU's place."""
    if isinstance(call.target, torch.jit.ScriptModule):
        return _bound_script(call, call.target)
    if isinstance(call.target, nn.Module):
        return _bound_module(call, call.target, type(call.target))
    function = call.label.strip("_") if call.label != "__init__" else ""
    known = _FUNCTIONS.get(function) if _is_torch(call.target) else None
    activation = function in _ACTIVATIONS
    if known is None:
        return "", {}, activation
    name, parameters = known
    keywords = dict(call.keywords)
    positional = list(call.arguments)
    for key in ("input", "self", "tensors", "x"):
        if key in keywords and not positional:
            positional = [keywords.pop(key)]
    bound = {"input": positional[0] if positional else None}
    bound.update(zip(parameters, positional[1:], strict=False))
    bound["rest"] = tuple(positional[1:])
    bound.update({("dim" if key == "axis" else key): value for key, value in keywords.items()})
    call.in_place = _is_in_place(call, bound)
    return name, bound, activation


def _bound_script(call: Call, module: torch.jit.ScriptModule) -> tuple[str, dict[str, Any], bool]:
    """One of torch's own modules that was scripted has its attributes; others are refused."""
    path = module._c._type().qualified_name()  # such as __torch__.torch.nn.modules.linear.Linear
    package, _, name = path.removeprefix("__torch__.").rpartition(".")
    kind = getattr(nn, name, None)
    if not isinstance(kind, type) or kind.__module__ != package:
        kind = None
    if kind is not None:
        bound = _bound_module(call, module, kind)
        if bound[0] and all(hasattr(module, key) for key in bound[1] if key not in _GIVEN):
            return bound
    call.refuse(
        f"{getattr(module, 'original_name', name)}, a module of TorchScript",
        "the torch.nn.Module that it was made from",
    )
    return "", {}, False


#: What a bound call has besides the attributes of its module.
_GIVEN = {"input", "rest"}


def _bound_module(
    call: Call, module: nn.Module, kind: type[nn.Module]
) -> tuple[str, dict[str, Any], bool]:
    """``kind`` is the class of ``module``, or what it was before it was scripted."""
    activation = issubclass(kind, _ACTIVATION_MODULES)
    given = call.arguments[0] if call.arguments else next(iter(call.keywords.values()), None)
    bound: dict[str, Any] = {"input": given, "rest": ()}
    if is_qcfs(module):
        threshold, levels = qcfs_parameters(module)
        return "qcfs", {**bound, "threshold": threshold, "levels": levels}, False
    for classes, name, attributes in _MODULES:
        if issubclass(kind, classes):
            for attribute in attributes:
                bound[attribute] = getattr(module, attribute, None)
            call.in_place = bool(getattr(module, "inplace", False))
            return name, bound, activation
    return "", bound, activation


def _is_in_place(call: Call, bound: dict[str, Any]) -> bool:
    name = call.target if isinstance(call.target, str) else call.label
    # Python's += is traced as +, so only names with an underscore and the flag are left.
    return bool(bound.get("inplace")) or (name.endswith("_") and not name.startswith("_"))


def _is_torch(target: Any) -> bool:
    """Whether a function is torch's or an operator, not a user's of the same name."""
    if isinstance(target, str) or inspect.isbuiltin(target):
        return True
    module = getattr(target, "__module__", None) or "torch"
    return module.split(".")[0] in ("torch", "torchvision", "_operator", "operator", "builtins")
