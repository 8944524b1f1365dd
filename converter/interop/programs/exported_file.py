"""A program of ``torch.export`` (``.pt2``) as a model.

``torch.export.load`` unpickles parts of such a file and evaluates expressions out of it. Here the
archive's JSON is read, and weights as the bytes that they are.
"""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ....golden.errors import RheobaseError, file_error, shown
from ...tracing.program import Program, Step, call_place
from .exported_calls import find_call

#: torch.export's numbers of types.
_TYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
#: Bytes of a file and of its parts together, at most.
_MAX_BYTES = 2**31


def load_exported(path: Path) -> Program:
    """The program in ``path``.

    Raises:
        RheobaseError: the file cannot be read, is no such program, has pickled weights, or calls
            what has no form here (all of it is named).
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return _Archive(path, archive).program()
    except OSError as error:
        raise file_error(path, "cannot be read", error) from None
    except (zipfile.BadZipFile, NotImplementedError, EOFError):
        raise _damaged(path) from None
    except (KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path) from error
    except ValueError as error:
        if isinstance(error, RheobaseError):
            raise
        raise _damaged(path) from error


class _Archive:
    """The parts of a file, which name one another."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path, self.archive = path, archive
        if sum(entry.file_size for entry in archive.infolist()) > _MAX_BYTES:
            raise RheobaseError(f"{path}: larger than {_MAX_BYTES} bytes")
        found = [name for name in archive.namelist() if name.endswith("/models/model.json")]
        if len(found) != 1:
            raise RheobaseError(
                f"{path}: {len(found)} programs, must be a file that torch.export.save of torch "
                "2.9 or later wrote"
            )
        self.root = found[0].removesuffix("models/model.json")

    def program(self) -> Program:
        module = self._json("models/model.json")["graph_module"]
        graph, signature = module["graph"], module["signature"]
        stored = self._tensors("weights") | self._tensors("constants")
        weights: dict[str, Tensor] = {}
        constants: dict[str, Any] = {}
        images = []
        for spec in signature["input_specs"]:
            ((kind, given),) = spec.items()
            if kind == "parameter":
                weights[given["arg"]["name"]] = stored[given["parameter_name"]]
            elif kind == "buffer":
                constants[given["arg"]["name"]] = stored[given["buffer_name"]]
            elif kind == "tensor_constant":
                constants[given["arg"]["name"]] = stored[given["tensor_constant_name"]]
            elif kind == "user_input":
                images.append(given["arg"]["as_tensor"]["name"])
            else:
                raise RheobaseError(f"{self.path}: an input of kind {shown(kind)}, must be tensors")
        if len(images) != 1:
            raise RheobaseError(f"{self.path}: {len(images)} inputs, must be one, of images")
        batch = graph["tensor_values"][images[0]]["sizes"][0].get("as_int")
        outputs = []
        for spec in signature["output_specs"]:
            if "user_output" not in spec:
                continue  # statistics of batch normalisation, which no evaluation changes
            outputs.append(spec["user_output"]["arg"]["as_tensor"]["name"])
        return Program(
            steps=self._steps(graph["nodes"], batch),
            weights=weights,
            constants=constants,
            image=images[0],
            outputs=outputs,
        )

    def _steps(self, nodes: list[dict[str, Any]], batch: int | None) -> list[Step]:
        steps, unknown = [], {}
        for node in nodes:
            call = find_call(node["target"])
            if call is None:
                unknown[node["target"]] = None
                continue
            stack = node["metadata"].get("nn_module_stack", "")
            scope = kind = ""
            if stack:
                _, scope, kind = stack.split(";")[-1].split(",")[:3]
            place = call_place(scope, kind, call.name)
            steps.append(Step(place, _outputs(node), call.bound(node["inputs"], batch, _TYPES)))
        if unknown:
            raise RheobaseError(
                f"{self.path}: calls of {', '.join(map(shown, unknown))}, which have no form here"
            )
        return steps

    def _tensors(self, kind: str) -> dict[str, Tensor]:
        """Weights or constants by their name in the model."""
        found = {}
        for name, entry in self._json(f"data/{kind}/model_{kind}_config.json")["config"].items():
            if entry["use_pickle"]:
                raise RheobaseError(
                    f"{self.path}: {shown(name)} is pickled, must be a plain tensor on the CPU "
                    "(nothing is unpickled)"
                )
            meta = entry["tensor_meta"]
            content = self.archive.read(f"{self.root}data/{kind}/{entry['path_name']}")
            dtype = _TYPES[meta["dtype"]]
            sizes, strides = (_numbers(meta[key]) for key in ("sizes", "strides"))
            offset = int(meta["storage_offset"]["as_int"])
            last = offset + sum((n - 1) * s for n, s in zip(sizes, strides, strict=True))
            if min((*sizes, *strides, offset), default=0) < 0 or not content:
                raise _damaged(self.path)
            values = torch.frombuffer(bytearray(content), dtype=dtype)
            if math.prod(sizes) and last >= len(values):
                raise _damaged(self.path)
            found[name] = values.as_strided(sizes, strides, offset).clone()
        return found

    def _json(self, name: str) -> dict[str, Any]:
        return json.loads(self.archive.read(f"{self.root}{name}"))


def _numbers(sizes: list[dict[str, int]]) -> list[int]:
    return [int(size["as_int"]) for size in sizes]


def _outputs(node: dict[str, Any]) -> tuple[str, ...]:
    found = []
    for output in node["outputs"]:
        ((kind, given),) = output.items()
        if kind == "as_tensors":
            found += [one["name"] for one in given]
        elif kind == "as_tensor":
            found.append(given["name"])
        elif kind in ("as_sym_int", "as_sym_bool"):
            found.append(given["as_name"])
        else:
            found.append("")
    return tuple(found)


def _damaged(path: Path) -> RheobaseError:
    return RheobaseError(f"{path}: no program of torch.export, or a damaged one")
