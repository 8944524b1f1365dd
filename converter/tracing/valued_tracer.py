"""A torch.fx tracer whose stand-ins carry values, so that shapes are the numbers they are.

A model's forward may ask for ``x.shape[1]``, ``len(x)`` or ``x.ndim`` and decide by it. All of that
is known for images of one size, so every operation is run on example images as it is traced. What
the images show is not known: a decision on that is refused.
"""

from __future__ import annotations

import operator
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn
from torch.fx.proxy import Attribute

from .program import Program
from .qcfs import is_qcfs
from .wrappers import unwrapped

#: What a tensor is asked for besides its values, where the answer is no tensor.
_FACTS = {
    "size",
    "dim",
    "numel",
    "shape",
    "dtype",
    "device",
    "ndim",
    "ndimension",
    "nelement",
    "len",
    "is_floating_point",
    "is_complex",
    "is_contiguous",
    "is_signed",
    "is_same_size",
    "get_device",
    "stride",
    "type",
    "element_size",
}
#: Tensors that take another's shape and nothing of its values.
_SHAPE_ONLY = {
    "zeros_like",
    "ones_like",
    "full_like",
    "empty_like",
    "rand_like",
    "randn_like",
    "new_zeros",
    "new_ones",
    "new_full",
    "new_tensor",
    "new_empty",
}
#: Frames in there are not the user's code.
_OTHER_CODE = (str(Path(torch.__file__).parent), str(Path(__file__).parents[1]))


class DependsOnImage(Exception):  # noqa: N818 - becomes one RheobaseError with its place
    """The model's code wants a number out of what the image shows."""


class ValuedTracer(fx.Tracer):
    """Traces a module for the images that it is given.

    Clip-floor-shift activations and modules of TorchScript are taken whole.

    Attributes:
        signals: nodes that depend on what the image shows.
        found: shapes (as ``torch.Size``, nested as the result is) of signals, else values.
        failed: path of the innermost module in which tracing ended, None where it did not.
    """

    def __init__(self, model: nn.Module, images: Tensor) -> None:
        super().__init__()
        self._images = images
        self._program = model if isinstance(model, Program) else None
        self._running = False
        # Found before tracing, which replaces parameters by stand-ins.
        self._qcfs = {id(module) for module in model.modules() if is_qcfs(module)}
        self.signals: set[fx.Node] = set()
        self.found: dict[fx.Node, Any] = {}
        self.failed: str | None = None

    def is_leaf_module(self, module: nn.Module, path: str) -> bool:
        whole = id(module) in self._qcfs or isinstance(module, torch.jit.ScriptModule)
        return whole or super().is_leaf_module(module, path)

    def call_module(
        self,
        module: nn.Module,
        forward: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if self._running:
            return forward(*args, **kwargs)
        carried = unwrapped(module)
        if carried is not module:
            return carried(*args, **kwargs)
        try:
            return super().call_module(module, forward, args, kwargs)
        except Exception:
            if self.failed is None:
                self.failed = self.path_of_module(module)
            raise

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        if self._running:
            return attr_val
        return super().getattr(attr, attr_val, parameter_proxy_cache)

    def create_arg(self, value: Any) -> Any:
        # Products of extents by NumPy are integers of its own.
        return super().create_arg(value.item() if isinstance(value, np.generic) else value)

    def create_proxy(
        self,
        kind: str,
        target: Any,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        *more: Any,
        **others: Any,
    ) -> Any:
        """The stand-in of a tensor (or of several); what is no tensor is returned as it is."""
        node = super().create_proxy(kind, target, args, kwargs, *more, **others).node
        if self._program is not None:
            node.meta["place"] = self._program.place
        value = self._run(kind, target, args, kwargs)
        of_image = kind == "placeholder" or any(n in self.signals for n in node.all_input_nodes)
        name = getattr(target, "__name__", target)
        if not holds_tensor(value):
            if of_image and value is not None and name not in _FACTS:
                raise DependsOnImage(f"{name}() of a tensor that depends on the image")
            self.graph.erase_node(node)
            return value
        if of_image and name not in _SHAPE_ONLY:
            self.signals.add(node)
            self.found[node] = shapes(value)
        else:
            self.found[node] = value
        return ValuedProxy(node, self, value)

    def _run(self, kind: str, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a node gives for the example images."""
        before, self._running = self._running, True
        try:
            if kind == "placeholder":
                return self._images
            if kind == "get_attr":
                return operator.attrgetter(target)(self.root)
            args, kwargs = _values(args), _values(kwargs)
            if kind == "call_method":
                return getattr(args[0], target)(*args[1:], **kwargs)
            function = self.root.get_submodule(target) if kind == "call_module" else target
            return function(*args, **kwargs)
        finally:
            self._running = before

    def to_bool(self, proxy: Any) -> bool:
        return bool(self.number(proxy, "a decision"))

    def number(self, proxy: Any, use: str) -> Any:
        """The value of a stand-in that does not depend on the image."""
        if proxy.node in self.signals:
            raise DependsOnImage(f"{use} on a tensor that depends on the image")
        return proxy.value


class ValuedProxy(fx.Proxy):
    """Stands for a tensor, or for several in a tuple, list or dictionary."""

    tracer: ValuedTracer

    def __init__(self, node: fx.Node, tracer: ValuedTracer, value: Any) -> None:
        super().__init__(node, tracer)
        self.value = value

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # Python's and NumPy's questions after protocols
            raise AttributeError(name)
        found = getattr(self.value, name)
        fields = getattr(self.value, "__match_args__", ())
        if isinstance(self.value, tuple) and name in fields:
            return self[fields.index(name)]
        if isinstance(found, Tensor):
            return self.tracer.create_proxy("call_function", getattr, (self, name), {})
        return Attribute(self, name) if callable(found) else found

    def __getitem__(self, key: Any) -> Any:
        return self.tracer.create_proxy("call_function", operator.getitem, (self, key), {})

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        keys = self.value if isinstance(self.value, dict) else range(len(self.value))
        return iter(keys) if isinstance(self.value, dict) else (self[key] for key in keys)

    def __int__(self) -> int:
        return int(self.tracer.number(self, "int()"))

    def __index__(self) -> int:
        return int(self.tracer.number(self, "a number that stands"))

    def __float__(self) -> float:
        return float(self.tracer.number(self, "float()"))


def _values(argument: Any) -> Any:
    """``argument`` with values in place of stand-ins."""
    if isinstance(argument, ValuedProxy):
        return argument.value
    if isinstance(argument, dict):
        return {key: _values(entry) for key, entry in argument.items()}
    if isinstance(argument, slice):
        return slice(*map(_values, (argument.start, argument.stop, argument.step)))
    if type(argument) in (list, tuple):
        return type(argument)(_values(entry) for entry in argument)
    return argument


def holds_tensor(value: Any) -> bool:
    """Whether ``value`` is a tensor, or a dictionary, tuple or list that has one."""
    if isinstance(value, dict):
        return any(map(holds_tensor, value.values()))
    if isinstance(value, tuple | list):
        return any(map(holds_tensor, value))
    return isinstance(value, Tensor)


def shapes(value: Any) -> Any:
    """Shapes in place of tensors, None in place of anything else."""
    if isinstance(value, Tensor):
        return value.shape
    if isinstance(value, dict):
        return {key: shapes(entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [shapes(entry) for entry in value]
    return None


def user_line(error: BaseException) -> str:
    """`` (net.py, line 12)`` of the innermost line of the user's code that raised ``error``."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith((*_OTHER_CODE, "<"))]
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
