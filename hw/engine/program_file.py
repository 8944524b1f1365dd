"""The file of a compiled network, ``.rbe``: safetensors with words, what they are as JSON."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from ...golden.basics.field_checks import check_array, check_integer, check_name
from ...golden.basics.output_files import write_whole
from ...golden.errors import RheobaseError, shown
from ...golden.files.tensor_file import file_content, parsed_tensor_file, tensor_file_bytes
from .compiled import ImagePlace, LayerMap, Program
from .design import TRAIN_DIGITS, EngineDesign
from .program import ADDRESS_BITS, EXTENT_BITS, NUMBER_BITS, Kind
from .program_check import check_program

FORMAT, FORMAT_VERSION = "rheobase-program", 5
_KEYS = {
    "design",
    "name",
    "network_hash",
    "input_shape",
    "outputs",
    "program_base",
    "images",
    "maps",
}
_TENSORS = {"weights": np.uint32, "passes": np.uint32, "zero_point": np.uint8}
#: Values of the largest row or column number that a view of the image may begin at.
_FURTHEST = 1 << EXTENT_BITS

_Place = TypeVar("_Place", ImagePlace, LayerMap)


def program_bytes(program: Program) -> bytes:
    """The file's content, the same for the same program."""
    text, tensors = _content(program)
    metadata = {
        "format": FORMAT,
        "version": str(FORMAT_VERSION),
        "description": text,
        "sha256": _digest(text, tensors),
    }
    return tensor_file_bytes(tensors, metadata)


def program_hash(program: Program) -> str:
    """SHA-256 of what a program is, 64 hexadecimal digits: the one in its file."""
    return _digest(*_content(program))


def _content(program: Program) -> tuple[str, dict[str, np.ndarray]]:
    """Description and tensors of a program's file."""
    text = json.dumps(
        {
            "design": dataclasses.asdict(program.design),
            "name": program.name,
            "network_hash": program.network_hash,
            "input_shape": program.input_shape,
            "outputs": program.outputs,
            "program_base": program.program_base,
            "images": [dataclasses.asdict(place) for place in program.images],
            "maps": [dataclasses.asdict(place) for place in program.maps],
        },
        sort_keys=True,
    )
    return text, {name: getattr(program, name) for name in _TENSORS}


def save_program(program: Program, path: str | Path) -> None:
    """Write ``program`` to ``path``, whole or not at all.

    Raises:
        RheobaseError: the file cannot be written.
    """
    write_whole(Path(path), program_bytes(program))


def load_program(path: str | Path) -> Program:
    """Read a program from ``path`` and check it whole.

    Raises:
        RheobaseError: the file is absent, no program or a damaged one, or a pass of it would read
            or write where it must not.
    """
    path = Path(path)
    content = file_content(path, "program for an engine")
    try:
        program = _parsed(content)
        check_program(program)
    except RheobaseError as error:
        raise RheobaseError(f"{path}: {error}") from error
    return program


def _digest(text: str, tensors: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        digest.update(np.ascontiguousarray(tensors[name]).tobytes())
    return digest.hexdigest()


def _parsed(content: bytes) -> Program:
    metadata, tensors = parsed_tensor_file(content)
    for field, expected in (("format", FORMAT), ("version", str(FORMAT_VERSION))):
        if metadata.get(field) != expected:
            raise RheobaseError(
                f"metadata {field!r} is {shown(metadata.get(field))}, must be {expected!r} "
                "(a file that `rheobase compile` wrote)"
            )
    if tensors.keys() != _TENSORS.keys():
        raise RheobaseError(f"tensors are {shown(sorted(tensors))}, must be {sorted(_TENSORS)}")
    for name, dtype in _TENSORS.items():
        check_array("program", name, tensors[name], dtype, (tensors[name].size,))
    text = metadata.get("description")
    if not isinstance(text, str) or metadata.get("sha256") != _digest(text, tensors):
        raise RheobaseError("its content is not what its sha256 says: the file is damaged")
    try:
        description = json.loads(text)
    except (ValueError, RecursionError):
        raise RheobaseError("metadata 'description' is no JSON") from None
    _check_keys("description", description, _KEYS)
    return _program(description, tensors)


def _program(description: dict[str, Any], tensors: dict[str, np.ndarray]) -> Program:
    design = description["design"]
    _check_keys("design", design, {field.name for field in dataclasses.fields(EngineDesign)})
    check_name("description", description["name"])
    check_name("description: network_hash", description["network_hash"])
    shape = _integers("input_shape", description["input_shape"], 1, _FURTHEST)
    if len(shape) != 3 or len(tensors["zero_point"]) != shape[0]:
        raise RheobaseError(
            f"description: input_shape is {shown(shape)}, must be (channels, rows, columns) with "
            f"{len(tensors['zero_point'])} channels"
        )
    maps = _list("maps", description["maps"], _layer_map)
    base = check_integer(
        "description", "program_base", description["program_base"], 1, 1 << ADDRESS_BITS
    )
    return Program(
        design=EngineDesign(**design),
        name=description["name"],
        network_hash=description["network_hash"],
        input_shape=(shape[0], shape[1], shape[2]),
        zero_point=tensors["zero_point"],
        outputs=_integers("outputs", description["outputs"], 0, len(maps) - 1),
        weights=tensors["weights"],
        passes=tensors["passes"],
        program_base=base,
        images=_list("images", description["images"], _image_place),
        maps=maps,
    )


def _image_place(where: str, entry: Any) -> ImagePlace:
    _check_keys(where, entry, {field.name for field in dataclasses.fields(ImagePlace)})
    offsets = {field: entry[field] for field in _OFFSETS}
    for field in entry.keys() - offsets.keys():
        check_integer(where, field, entry[field], int(field in _AT_LEAST_ONE), _most(field))
    offsets = {
        field: _integers(f"{where}: {field}", value, -_FURTHEST, _FURTHEST)
        for field, value in offsets.items()
    }
    if len(set(map(len, offsets.values()))) > 1:
        raise RheobaseError(f"{where}: {', '.join(_OFFSETS)} have not as many pixels")
    return ImagePlace(**{**entry, **offsets})


def _layer_map(where: str, entry: Any) -> LayerMap:
    _check_keys(where, entry, {field.name for field in dataclasses.fields(LayerMap)})
    check_name(where, entry["name"])
    if not isinstance(entry["signed"], bool):
        raise RheobaseError(f"{where}: signed is {shown(entry['signed'])}, must be true or false")
    for field in entry.keys() - {"name", "signed", "kind", "order"}:
        check_integer(where, field, entry[field], int(field in _AT_LEAST_ONE), _most(field))
    order = entry["order"]
    if order != [] and sorted(_integers("order", order, 0, _FURTHEST)) != [
        *range(entry["channels"])
    ]:
        raise RheobaseError(f"{where}: order is {shown(order)}, must have each channel once")
    kind = check_integer(where, "kind", entry["kind"], Kind.DIGITS, Kind.CURRENTS)
    if kind != Kind.CURRENTS:
        check_integer(where, "steps", entry["steps"], 1, NUMBER_BITS[Kind(kind)])
    place = LayerMap(**{**entry, "kind": Kind(kind), "order": tuple(order)})
    if place.train is not None:
        check_integer(where, "kind", kind, Kind.DIGITS, Kind.DIGITS)
        check_integer(where, "digits of a train", place.train.digits, 1, TRAIN_DIGITS)
        check_integer(where, "delay", place.delay, 0, place.train_steps - 1)
    return place


_OFFSETS = ("pixel_rows", "pixel_columns", "marked_rows", "marked_columns")
_AT_LEAST_ONE = {"channels", "rows", "columns", "supers"}


def _most(field: str) -> int:
    in_words = ("base", "row_words", "pixel_words", "digit_words")
    return 1 << ADDRESS_BITS if field in in_words else _FURTHEST


def _list(name: str, value: Any, parse: Callable[[str, Any], _Place]) -> tuple[_Place, ...]:
    if not isinstance(value, list) or not value:
        raise RheobaseError(f"description: {name} is no list of at least one")
    return tuple(parse(f"{name}: {number}", entry) for number, entry in enumerate(value))


def _integers(name: str, value: Any, low: int, high: int) -> tuple[int, ...]:
    if not isinstance(value, list) or not value:
        raise RheobaseError(f"description: {name} is {shown(value)}, must be a list of integers")
    return tuple(check_integer("description", name, number, low, high) for number in value)


def _check_keys(where: str, value: Any, accepted: set[str]) -> None:
    if not isinstance(value, dict) or value.keys() != accepted:
        found = sorted(value) if isinstance(value, dict) else type(value).__name__
        raise RheobaseError(f"{where}: fields are {shown(found)}, must be {sorted(accepted)}")
