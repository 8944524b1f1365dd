"""Imports torchvision where its compiled operators do not load.

A torchvision built for another flavour of torch (CUDA beside CPU) fails at import, because it
registers shape rules for operators that were never defined. Its data sets and networks need none
of them, so their names are defined here before the import is tried again: without an
implementation, except for non-maximum suppression, which detectors end with.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar

import torch
from torch import Tensor

from ...golden.basics.extras import missing_extra
from ...golden.errors import RheobaseError

#: More missing operators than torchvision has: then it is something else.
_MOST_OPERATORS = 32
_Result = TypeVar("_Result")


def import_torchvision(module: str = "torchvision.datasets") -> ModuleType:
    """``module`` of torchvision.

    Raises:
        RheobaseError: torchvision is absent or does not import.
    """
    try:
        return with_torchvision(lambda: importlib.import_module(module))
    except (RuntimeError, ImportError) as error:
        missing = missing_extra(error) if isinstance(error, ImportError) else None
        raise missing or RheobaseError(f"torchvision: cannot be imported ({error})") from error


def with_torchvision(action: Callable[[], _Result]) -> _Result:
    """What ``action`` gives, which may import torchvision; it is called again where that failed.

    Raises what ``action`` raises, unless a missing operator is the reason.
    """
    for _ in range(_MOST_OPERATORS):
        try:
            result = action()
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if missing is None:
                raise
            _define(missing[1])
        else:
            if "nms" in _KEPT and "torchvision" in sys.modules:
                # It asks for the compiled library first, which is not needed any more.
                boxes = importlib.import_module("torchvision.ops.boxes")
                vars(boxes)["_assert_has_ops"] = lambda: None
            return result
    return action()


#: By operator: a library that is collected takes its definitions with it.
_KEPT: dict[str, torch.library.Library] = {}


def _define(name: str) -> None:
    library = torch.library.Library("torchvision", "FRAGMENT")
    if name == "nms":
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.impl("nms", non_maximum_suppression, "CompositeExplicitAutograd")
    else:
        library.define(f"{name}() -> ()")
    _KEPT[name] = library


def non_maximum_suppression(boxes: Tensor, scores: Tensor, iou_threshold: float) -> Tensor:
    """Indices of the boxes that overlap no better one by more than ``iou_threshold``.

    Args:
        boxes: (boxes, 4): x1, y1, x2, y2.
        scores: (boxes,).

    Returns:
        int64, best score first.
    """
    order = scores.argsort(descending=True, stable=True)
    low, high = boxes[order, :2], boxes[order, 2:]
    area = (high - low).prod(dim=1)
    alive = torch.ones(len(order), dtype=torch.bool, device=boxes.device)
    kept: list[int] = []
    for index in range(len(order)):
        if not alive[index]:
            continue
        kept.append(index)
        sides = torch.minimum(high[index], high) - torch.maximum(low[index], low)
        shared = sides.clamp_(min=0).prod(dim=1)
        alive &= ~(shared > iou_threshold * (area[index] + area - shared))
    return order[torch.tensor(kept, dtype=torch.int64, device=boxes.device)]
