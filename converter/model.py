"""A user's model: its factory, and its weights without ever unpickling anything."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import sys
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ..golden.errors import RheobaseError
from .torchvision_shim import with_torchvision

#: Keys under which training scripts keep a checkpoint's state dictionary.
_WRAPPERS = ("state_dict", "model", "model_state_dict")
#: Prefix that DataParallel puts before every name.
_PARALLEL_PREFIX = "module."


def load_model(factory: str, weights: Path | None = None) -> nn.Module:
    """The model that ``factory`` makes, with ``weights`` in it, in evaluation mode.

    Args:
        factory: ``package.module:callable`` or ``path/to/file.py:callable``, called without
            arguments.
        weights: ``.safetensors``, or a ``.pth``/``.pt`` file that torch loads with weights only.

    Raises:
        RheobaseError: the factory is not found, fails or makes no module, or the weights are
            unreadable or do not fit.
    """
    model = _call(_find(factory), factory)
    if weights is not None:
        _fill(model, load_weights(weights), weights)
    return model.eval()


def load_weights(path: Path) -> dict[str, Tensor]:
    """State dictionary of a weights file, checkpoint wrappers and prefixes taken off.

    Raises:
        RheobaseError: the file is absent, of another format, holds more than tensors, or none.
    """
    if not path.is_file():
        raise RheobaseError(f"{path}: no such file, accepted is a .safetensors or .pth file")
    try:
        if path.suffix == ".safetensors":
            content: Any = load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError:
        raise RheobaseError(f"{path}: not a safetensors file, or a damaged one") from None
    except pickle.UnpicklingError:
        raise RheobaseError(
            f"{path}: holds more than weights, or is no torch file; accepted is a file that loads "
            "with weights_only=True"
        ) from None
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError) as error:
        raise RheobaseError(f"{path}: cannot be read as weights ({_first_line(error)})") from None
    for key in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    tensors = isinstance(content, dict) and all(
        isinstance(name, str) and isinstance(value, Tensor) for name, value in content.items()
    )
    if not tensors or not content:
        raise RheobaseError(f"{path}: no state dictionary, accepted is names and their tensors")
    if all(name.startswith(_PARALLEL_PREFIX) for name in content):
        content = {name[len(_PARALLEL_PREFIX) :]: value for name, value in content.items()}
    return content


def _find(factory: str) -> Any:
    """The callable that ``factory`` names."""
    place, colon, name = factory.rpartition(":")
    if not colon or not place or not name:
        raise RheobaseError(
            f"model: {factory!r}, accepted is package.module:factory or path.py:factory"
        )
    module = _import_file(Path(place)) if place.endswith(".py") else _import_module(place)
    found = module
    for part in name.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise RheobaseError(f"model: {place} has no callable {name!r}")
    return found


def _import_module(name: str) -> Any:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return with_torchvision(lambda: importlib.import_module(name))
    except Exception as error:  # importing runs the user's code
        raise RheobaseError(
            f"model: module {name!r} cannot be imported ({_first_line(error)})"
        ) from (error)
    finally:
        sys.path.pop(0)


def _import_file(path: Path) -> Any:
    if not path.is_file():
        raise RheobaseError(f"model: {path}: no such file")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    # Like `python file.py`: what lies beside the file can be imported.
    sys.path.insert(0, str(path.resolve().parent))
    try:
        with_torchvision(lambda: spec.loader.exec_module(module))
    except Exception as error:  # the user's code
        raise RheobaseError(f"model: {path} cannot be imported ({_first_line(error)})") from error
    finally:
        sys.path.pop(0)
    return module


def _call(found: Any, factory: str) -> nn.Module:
    try:
        model = with_torchvision(found)
    except Exception as error:  # the user's code
        raise RheobaseError(f"model: {factory} failed ({_first_line(error)})") from error
    if not isinstance(model, nn.Module):
        raise RheobaseError(
            f"model: {factory} gave {type(model).__name__}, accepted is a torch.nn.Module"
        )
    return model


def _fill(model: nn.Module, weights: dict[str, Tensor], path: Path) -> None:
    """Load ``weights`` strictly; name the first that is missing, unexpected or of another shape."""
    own = model.state_dict()
    problems = [
        *(f"{name!r} is missing" for name in own.keys() - weights.keys()),
        *(f"{name!r} is not in the model" for name in weights.keys() - own.keys()),
        *(
            f"{name!r} is {tuple(weights[name].shape)}, the model has {tuple(own[name].shape)}"
            for name in own.keys() & weights.keys()
            if own[name].shape != weights[name].shape
        ),
    ]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise RheobaseError(f"{path}: does not fit the model: {min(problems)}{more}")
    model.load_state_dict(weights)


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
