"""Weights files as people have them, read without ever unpickling anything (decision 0132)."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ...golden.errors import RheobaseError
from .foreign_files import foreign_file

#: Keys of a checkpoint in the order in which they are tried; any other key comes after these and
#: before averaged weights.
_FIRST = (
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "weights",
    "params",
)
#: In the name of averaged weights, which are tried last.
_AVERAGED = ("ema", "swa", "averag", "teacher", "shadow")
#: How deep a state dictionary may lie in others.
_DEPTH = 3
#: Parts of a name that wrappers (DataParallel, torch.compile) put anywhere.
_WRAPPERS = ("module", "_orig_mod")
#: Attributes under which training classes (Lightning and others) keep the model.
_HOLDERS = ("model.", "net.", "network.")
#: Last parts of names that profilers add to a model.
_PROFILED = ("total_ops", "total_params")
#: Last part of the name of a counter that no inference reads.
_COUNTER = "num_batches_tracked"
#: Names that an error shows, and characters of each.
_SHOWN, _LENGTH = 4, 60


@dataclass(frozen=True, eq=False)
class Candidate:
    """A state dictionary of a file.

    Attributes:
        key: under which it lies, parts joined by dots; "" for the file itself.
        tensors: names and tensors.
    """

    key: str
    tensors: dict[str, Tensor]


def read_checkpoint(path: Path) -> Any:
    """What a ``.safetensors`` file, or any file that torch loads with weights only, holds.

    Raises:
        RheobaseError: the file is absent, of another format, damaged, or holds more than weights;
            then with the way out.
    """
    if not path.is_file():
        raise RheobaseError(f"{path}: no such file, must be a .safetensors or .pth file")
    foreign = foreign_file(path)
    if foreign is not None:
        raise RheobaseError(f"{path}: {foreign}, must be weights as .safetensors or .pth")
    try:
        if path.suffix.lower() == ".safetensors":
            return load_file(path)
        with warnings.catch_warnings():
            # A damaged file may claim any pickle protocol.
            warnings.simplefilter("ignore", UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError:
        raise RheobaseError(f"{path}: not a safetensors file, or a damaged one") from None
    except pickle.UnpicklingError as error:
        raise RheobaseError(f"{path}: {_stopped(path, str(error))}") from None
    except MemoryError:
        raise RheobaseError(f"{path}: cannot be read as weights (damaged, or too large)") from None
    except Exception as error:  # a damaged file raises whatever reading it does
        raise RheobaseError(f"{path}: cannot be read as weights ({_first_line(error)})") from None


def _stopped(path: Path, message: str) -> str:
    """Why torch's unpickler of weights stopped, and the way out."""
    found = re.search(r"GLOBAL ([\w.]+)|class ([\w.]+)", message)
    name = (found[1] or found[2]) if found else None
    if name is None:
        return (
            "is no torch file, or a damaged one, or holds more than weights; must be a file "
            "that loads with weights_only=True"
        )
    return (
        f"holds {name[:_LENGTH]} beside weights, which is never unpickled; must be a file that "
        "loads with weights_only=True. Where you trust the file, write one in Python: "
        f"import torch; c = torch.load({path.name!r}, map_location='cpu', weights_only=False); "
        "c = c.get('state_dict', c.get('model', c)) if isinstance(c, dict) else c; "
        "torch.save(c.state_dict() if hasattr(c, 'state_dict') else c, 'weights.pth')"
    )


def candidates(content: Any) -> list[Candidate]:
    """State dictionaries of a checkpoint, the likeliest first.

    A checkpoint is a dictionary of tensors, or has such under one of its keys. Tensors of an
    optimiser lie under numbers and in lists, so they are none.
    """
    found = list(_nested(content, ()))
    return sorted(found, key=lambda candidate: _rank(candidate.key))


def _nested(content: Any, keys: tuple[str, ...]) -> Iterator[Candidate]:
    if not isinstance(content, Mapping) or len(keys) > _DEPTH:
        return
    if not all(isinstance(name, str) for name in content):
        return
    tensors = {name: value for name, value in content.items() if isinstance(value, Tensor)}
    if tensors:
        yield Candidate(".".join(keys), tensors)
    for name, value in content.items():
        yield from _nested(value, (*keys, name))


def _rank(key: str) -> tuple[bool, int, int]:
    parts = key.split(".")
    averaged = any(word in part.lower() for part in parts for word in _AVERAGED)
    place = _FIRST.index(parts[0]) if parts[0] in _FIRST else len(_FIRST)
    return averaged, place, len(parts)


def fill(
    model: nn.Module, content: Any, path: Path, say: Callable[[str], None] = lambda _: None
) -> None:
    """Load the first candidate of ``content`` that fits ``model``.

    Names fit as they are, without the parts of wrappers, or without the name of what holds the
    model. Counters of batches and what profilers count may be absent or be there.

    Args:
        say: called with what a reader of the summary has to know.

    Raises:
        RheobaseError: no candidate, or none fits: by name what is missing, unexpected, of another
            shape or type, or not finite.
    """
    found = candidates(content)
    if not found:
        raise RheobaseError(
            f"{path}: no state dictionary, must be names and their tensors; the file has "
            f"{_listed(content)}"
        )
    own = {n: t for n, t in model.state_dict().items() if isinstance(t, Tensor)}
    matches = [_match(candidate, own) for candidate in found]
    fitting = [match for match in matches if not match.problems]
    if not fitting:
        closest = max(matches, key=lambda match: match.known)
        first, *others = closest.problems
        more = f" (and {len(others)} more)" if others else ""
        where = f" under {closest.candidate.key[:_LENGTH]!r}" if closest.candidate.key else ""
        raise RheobaseError(
            f"{path}: does not fit the model: {first}{more}; the file has{where} "
            f"{_listed(closest.candidate.tensors)}"
        )
    chosen = fitting[0]
    if len(fitting) > 1:
        others = ", ".join(repr(m.candidate.key[:_LENGTH]) for m in fitting[1 : _SHOWN + 1])
        say(f"{path}: takes the weights of {chosen.candidate.key!r}; {others} would fit as well")
    if chosen.beside:
        listed = ", ".join(repr(name[:_LENGTH]) for name in chosen.beside[:_SHOWN])
        say(f"{path}: {len(chosen.beside)} tensors beside the model are not taken ({listed})")
    try:
        model.load_state_dict(chosen.tensors, strict=False)
    except RuntimeError as error:  # a model may have its own way to load
        raise RheobaseError(f"{path}: does not fit the model ({_first_line(error)})") from None


@dataclass(frozen=True, eq=False)
class _Match:
    """A candidate by the model's names.

    Attributes:
        tensors: by the model's names.
        beside: names of what lies beside the attribute that holds the model.
        known: how many of the model's names are found.
        problems: why it does not fit.
    """

    candidate: Candidate
    tensors: dict[str, Tensor]
    beside: list[str]
    known: int
    problems: list[str]


def _match(candidate: Candidate, own: Mapping[str, Tensor]) -> _Match:
    """The reading of a candidate's names that finds most of the model's: the plainest of such."""
    plain = {_unwrapped(name): name for name in own}
    if len(plain) < len(own):
        plain = {}
    readings = [{name: name for name in candidate.tensors}]
    for holder in ("", *_HOLDERS):
        shorter = {
            name: _unwrapped(name).removeprefix(holder)
            for name in candidate.tensors
            if _unwrapped(name).startswith(holder)
        }
        readings.append({name: plain.get(short, short) for name, short in shorter.items()})
    best: _Match | None = None
    for reading in readings:
        tensors = {new: candidate.tensors[old] for old, new in reading.items() if _counts(new, own)}
        beside = [name for name in candidate.tensors if name not in reading]
        twice = len(set(reading.values())) < len(reading)
        known = len(tensors.keys() & own.keys())
        if best is None or (known > best.known and not twice):
            best = _Match(candidate, tensors, beside, known, _problems(tensors, own))
    assert best is not None  # the names as they are, at least, are a reading
    return best


def _counts(name: str, own: Mapping[str, Tensor]) -> bool:
    """Whether a name has to be one of the model's: neither a counter nor what profilers add."""
    return name in own or name.split(".")[-1] not in (*_PROFILED, _COUNTER)


def _unwrapped(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in _WRAPPERS)


def _problems(tensors: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> list[str]:
    missing = [n for n in sorted(own.keys() - tensors.keys()) if n.split(".")[-1] != _COUNTER]
    problems = [f"{name!r} is missing" for name in missing]
    problems += [
        f"{name[:_LENGTH]!r} is not in the model" for name in sorted(tensors.keys() - own.keys())
    ]
    for name in sorted(own.keys() & tensors.keys()):
        given, wanted = tensors[name], own[name]
        if given.shape != wanted.shape:
            problems.append(
                f"{name!r} is {tuple(given.shape)}, the model has {tuple(wanted.shape)}"
            )
        elif wanted.is_floating_point() and not (
            given.is_floating_point() and given.layout == torch.strided
        ):
            kind = str(given.dtype).removeprefix("torch.")
            problems.append(f"{name!r} is {kind}, the model has floating-point numbers")
    return problems


def check_finite(model: nn.Module, where: str) -> None:
    """Raise ``RheobaseError`` that names the tensors with NaN or infinite values."""
    found = []
    for name, tensor in model.state_dict().items():
        if isinstance(tensor, Tensor) and tensor.is_floating_point():
            bad = int((~torch.isfinite(tensor)).sum())
            if bad:
                what = "NaN" if bool(torch.isnan(tensor).any()) else "infinite values"
                found.append(f"{name!r} holds {what} ({bad} of {tensor.numel()} values)")
    if found:
        more = f" (and {len(found) - 1} more tensors)" if len(found) > 1 else ""
        raise RheobaseError(f"{where}: {found[0]}{more}, must be finite weights")


def _listed(content: Any) -> str:
    if not isinstance(content, Mapping):
        return f"a {type(content).__name__}"
    names = [repr(str(name)[:_LENGTH]) for name in list(content)[:_SHOWN]]
    return (", ".join(names) or "nothing") + (", ..." if len(content) > _SHOWN else "")


def _first_line(error: Exception) -> str:
    lines = [line.strip()[:80] for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
