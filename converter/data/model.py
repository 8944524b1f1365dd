"""A user's model: its factory, and its weights without ever unpickling anything."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...golden.errors import RheobaseError
from ..tracing.wrappers import unwrapped
from .checkpoints import check_finite, fill, read_checkpoint
from .foreign_files import foreign_file, instead_of
from .torchvision_shim import with_torchvision

#: Suffixes of files that are a model, weights and all.
_PROGRAMS = (".onnx", ".pt2")
#: Suffixes of weights, which are no model.
_WEIGHTS = (".pth", ".pt", ".ckpt", ".safetensors", ".bin")


def load_model(
    factory: str, weights: Path | None = None, say: Callable[[str], None] = lambda _: None
) -> nn.Module:
    """The model that ``factory`` makes, with ``weights`` in it, in evaluation mode.

    Args:
        factory: ``package.module:callable`` or ``path/to/file.py:callable``, called without
            arguments; or an ONNX file, or a program of ``torch.export`` (``.pt2``).
        weights: ``.safetensors``, or a ``.pth``/``.pt`` file that torch loads with weights only.
        say: called with what a reader of the summary has to know: which of several weights were
            taken, or that there are none but the model's own.

    Raises:
        RheobaseError: the factory is not found, fails or makes no module, or the weights are
            unreadable, do not fit or are not finite.
    """
    if Path(factory).suffix.lower() in _PROGRAMS:
        if weights is not None:
            raise RheobaseError(f"--weights: must be absent, as {factory} has its own")
        program = _program(Path(factory))
        check_finite(program, factory)
        return program.eval()
    # What is wrong with the file is said before the user's code runs.
    content = None if weights is None else read_checkpoint(weights)
    model = unwrapped(_call(_find(factory), factory))
    if weights is not None:
        fill(model, content, weights, say)
    else:
        say(
            f"no --weights: the values are those that {factory} sets itself, which are random "
            "unless it loads some"
        )
    check_finite(model, factory if weights is None else str(weights))
    return model.eval()


def _program(path: Path) -> nn.Module:
    if path.suffix.lower() == ".onnx":
        from ..interop.programs.onnx_file import load_onnx

        return load_onnx(path)
    from ..interop.programs.exported_file import load_exported

    return load_exported(path)


def takes_images(model: nn.Module) -> Callable[[tuple[int, ...]], bool]:
    """Asks ``model``, by running it, whether it takes images of (channels, rows, columns)."""
    return lambda shape: model_shape(model, shape) is not None


@torch.no_grad()
def model_shape(model: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape in which ``model`` takes images of ``shape``; None where it does not.

    Images of one row (channels, 1, values) are (channels, values) to a model of one dimension.
    """
    shapes = [shape, (shape[0], shape[2])] if len(shape) == 3 and shape[1] == 1 else [shape]
    for tried in shapes:
        try:
            model(torch.zeros(1, *tried))
        except Exception:
            continue
        return tried
    return None


def _find(factory: str) -> Any:
    """The callable that ``factory`` names."""
    given = Path(factory)
    kind = foreign_file(given)
    if kind is None and given.suffix in _WEIGHTS:
        kind = "a weights file (--weights)"
    if kind is not None:
        raise RheobaseError(
            f"model: {factory} is {kind}, must be package.module:factory or path.py:factory that "
            f"makes the PyTorch model, or a file of {' or '.join(_PROGRAMS)}{instead_of(given)}"
        )
    place, colon, name = factory.rpartition(":")
    if not colon or not place or not name:
        raise RheobaseError(
            f"model: {factory!r}, must be package.module:factory or path.py:factory"
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
    # A name of our own: the file must not stand in the place of another module.
    spec = importlib.util.spec_from_file_location(f"model_file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise RheobaseError(f"model: {path}: no Python file, must be one that ends in .py")
    loader, module = spec.loader, importlib.util.module_from_spec(spec)
    # Like `python file.py`: what lies beside the file can be imported.
    sys.path.insert(0, str(path.resolve().parent))
    # As an import does: classes look for their module there (dataclasses, while they are made).
    sys.modules[module.__name__] = module
    try:
        with_torchvision(lambda: loader.exec_module(module))
    except Exception as error:  # the user's code
        del sys.modules[module.__name__]
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
            f"model: {factory} gave {type(model).__name__}, must be a torch.nn.Module"
        )
    return model


def _first_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
