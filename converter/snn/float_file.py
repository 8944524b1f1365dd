"""A float SNN as a file: what conversion found, without the model that it was found for.

The file is safetensors. It holds per layer of neurons ``threshold/NAME`` and ``initial/NAME`` (v(0)
as a part of the threshold), both (channels,); after a calibration also ``shift/NAME`` of the bias,
and ``weight/PATH`` and ``bias/PATH`` of what was changed; ``centre/NAME`` of each linear layer that
fires signed. Coding, rule of max pooling, T, t0, readout and the image's shape are JSON in its
metadata. The model's own weights are not in it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from ...golden.basics.output_files import write_whole
from ...golden.errors import SHOWN, RheobaseError, file_error, shortened, shown
from ...golden.files.tensor_file import tensor_file_bytes
from ...golden.network.limits import MAX_MAP
from ...golden.network.network import MAX_STEPS, Coding, PoolRule, Readout
from ..graph.bias_shifts import with_shifts
from ..graph.graph import WEIGHTED_KINDS, Graph
from ..graph.levels import steps_of, with_own_steps
from ..rewrite.rewrite import prepared, with_readout
from ..signed.placement import signed_points, with_signed, with_split_like
from ..signed.taking_back import with_taking_back
from ..tracing.trace import trace
from .snn import FloatSnn

FORMAT = "rheobase-float-snn"
FORMAT_VERSION = 1
_PER_NEURON = ("threshold", "initial")
_SECTIONS = (*_PER_NEURON, "shift", "centre", "weight", "bias")
_KEYS = {"coding", "rule", "steps", "delay", "readout", "input_shape"}
#: T by neurons, where they are not all the SNN's.
_LAYER_STEPS = "layer_steps"
#: True where neurons take spikes back, else not there.
_TAKE_BACK = "take_back"


def save_float_snn(snn: FloatSnn, graph: Graph, path: Path) -> None:
    """Write ``snn`` to ``path``, whole or not at all.

    Args:
        graph: the model as it was before calibration (``Conversion.graph``).

    Raises:
        RheobaseError: the file cannot be written.
    """
    tensors: dict[str, Tensor] = {}
    for operation in snn.graph.neurons:
        name = operation.name
        threshold = snn.thresholds[name]
        initial = snn.initial[name] if isinstance(snn.initial, Mapping) else snn.initial
        tensors[f"threshold/{name}"] = threshold
        tensors[f"initial/{name}"] = torch.as_tensor(initial).to(threshold).expand_as(threshold)
        shift = snn.graph.by_name.get(f"{name}.shift")
        if shift is not None and shift.name not in graph.by_name:
            tensors[f"shift/{name}"] = shift.arguments["shift"].flatten()
    for operation in snn.graph.operations:
        if operation.kind not in WEIGHTED_KINDS:
            continue
        before = graph.by_name[operation.name].arguments
        for key in ("weight", "bias"):
            value = operation.arguments[key]
            if value is not None and not _same(value, before[key]):
                tensors[f"{key}/{operation.name}"] = value
    for name, centre in signed_points(graph).items():
        shape = graph.by_name[name].shape[:1]
        tensors[f"centre/{name}"] = torch.zeros(shape) if centre is None else centre
    metadata = {
        "coding": snn.coding.value,
        "rule": snn.rule.value,
        "steps": snn.steps,
        "delay": snn.delay,
        "readout": snn.readout.value,
        "input_shape": list(graph.input_shape),
    }
    own = {o.name: steps_of(o, snn.steps) for o in snn.graph.neurons}
    if set(own.values()) - {snn.steps}:
        metadata[_LAYER_STEPS] = own
    if any(operation.arguments["takes_back"] for operation in snn.graph.neurons):
        metadata[_TAKE_BACK] = True
    content = tensor_file_bytes(
        {name: value.detach().cpu().float().numpy() for name, value in tensors.items()},
        {
            "format": FORMAT,
            "version": str(FORMAT_VERSION),
            "network": json.dumps(metadata, sort_keys=True),
        },
    )
    write_whole(path, content)


def float_file_contents(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What ``path`` says of itself, and the thresholds by the neurons' names; no model is needed.

    Raises:
        RheobaseError: the file is absent, of another format or damaged.
    """
    described, tensors = _read(path)
    named = {name.partition("/")[::2]: value for name, value in tensors.items()}
    return described, {name: value for (kind, name), value in named.items() if kind == "threshold"}


def _same(value: Tensor, before: Tensor | None) -> bool:
    return before is not None and torch.equal(value.cpu(), before.cpu())


def load_float_snn(path: Path, model: nn.Module) -> FloatSnn:
    """The float SNN of ``model`` that ``path`` describes.

    Args:
        model: what was converted, with its weights.

    Raises:
        RheobaseError: the file is absent, of another format or damaged, or does not fit the model;
            or what ``trace`` raises.
    """
    described, tensors = _read(path)
    for name, value in tensors.items():
        _check_numbers(f"{path}: tensor {shown(name)}", value)
    graph = prepared(trace(model, tuple(described["input_shape"])))
    sections: dict[str, dict[str, Tensor]] = {section: {} for section in _SECTIONS}
    for key, value in tensors.items():
        section, _, name = key.partition("/")
        if section not in sections:
            raise RheobaseError(f"{path}: tensor {shown(key)}, must be one of {_SECTIONS}/NAME")
        sections[section][name] = value
    graph = with_split_like(graph, sections["threshold"])
    graph = _with_signed(path, graph, sections["centre"])
    counted = described["readout"] == Readout.COUNT
    if described.get(_TAKE_BACK, False):
        graph = with_taking_back(graph, counted=counted)
    if counted:
        graph = with_readout(graph)
    neurons = {operation.name: operation.shape[0] for operation in graph.neurons}
    own = described.get(_LAYER_STEPS, {})
    if own and own.keys() != neurons.keys():
        named = shown(min(own.keys() ^ neurons.keys()))
        raise RheobaseError(f"{path}: does not fit the model: {_LAYER_STEPS} and neurons {named}")
    own = {name: steps for name, steps in own.items() if steps != described["steps"]}
    graph = with_own_steps(graph, own)
    for section in _PER_NEURON:
        if missing := neurons.keys() - sections[section].keys():
            raise RheobaseError(
                f"{path}: does not fit the model: no {section} of {shown(min(missing))}"
            )
    for section in (*_PER_NEURON, "shift"):
        for name, value in sections[section].items():
            if name not in neurons:
                raise RheobaseError(
                    f"{path}: does not fit the model, which has no neurons {shown(name)}"
                )
            if tuple(value.shape) != (neurons[name],):
                raise RheobaseError(
                    f"{path}: {section} of {name} is {shown(tuple(value.shape))}, must be "
                    f"({neurons[name]},)"
                )
    for name, value in sections["threshold"].items():
        if not bool((value > 0).all()):
            raise RheobaseError(f"{path}: threshold of {name}, must be positive numbers")
    graph = _with_weights(path, graph, sections)
    device = next(model.parameters(), torch.zeros(1)).device
    shifts = {name: value.to(device) for name, value in sections["shift"].items()}
    snn = FloatSnn(
        graph=with_shifts(graph, shifts),
        thresholds=sections["threshold"],
        coding=Coding(described["coding"]),
        rule=PoolRule(described["rule"]),
        steps=described["steps"],
        delay=described["delay"],
        initial=sections["initial"],
    )
    return snn.to(device)


def _check_numbers(where: str, value: Tensor) -> None:
    if value.dtype != torch.float32:
        kind = str(value.dtype).removeprefix("torch.")
        raise RheobaseError(f"{where} is {kind}, must be float32")
    if not bool(value.isfinite().all()):
        raise RheobaseError(f"{where} has {_not_finite(value)}, must be finite numbers")


def _not_finite(value: Tensor) -> str:
    return "NaN" if bool(value.isnan().any()) else "an infinite number"


def _with_signed(path: Path, graph: Graph, centres: dict[str, Tensor]) -> Graph:
    for name, centre in centres.items():
        shape = graph.by_name[name].shape[:1] if name in graph.by_name else None
        if shape is None:
            raise RheobaseError(
                f"{path}: does not fit the model, which has no operation {shown(name)}"
            )
        if tuple(centre.shape) != shape:
            raise RheobaseError(
                f"{path}: centre of {shown(name)} is {shown(tuple(centre.shape))}, must be {shape}"
            )
    return with_signed(graph, {n: c if bool(c.any()) else None for n, c in centres.items()})


def _with_weights(path: Path, graph: Graph, sections: dict[str, dict[str, Tensor]]) -> Graph:
    operations = {operation.name: operation for operation in graph.operations}
    for key in ("weight", "bias"):
        for name, value in sections[key].items():
            operation = operations.get(name)
            if operation is None or operation.kind not in WEIGHTED_KINDS:
                raise RheobaseError(
                    f"{path}: does not fit the model, which has no weights {shown(name)}"
                )
            weight = operation.arguments["weight"]
            shape = weight.shape if key == "weight" else weight.shape[:1]
            if value.shape != shape:
                raise RheobaseError(
                    f"{path}: {key} of {name} is {shown(tuple(value.shape))}, must be "
                    f"{tuple(shape)}"
                )
            changed = {**operation.arguments, key: value.to(weight)}
            operations[name] = replace(operation, arguments=changed)
    return replace(graph, operations=tuple(operations.values()))


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except OSError as error:
        raise file_error(path, "cannot be read", error) from None
    except SafetensorError:
        raise RheobaseError(f"{path}: not a safetensors file, or a damaged one") from None
    if metadata.get("format") != FORMAT or metadata.get("version") != str(FORMAT_VERSION):
        found = f"{shown(metadata.get('format'))}, version {shown(metadata.get('version'))}"
        raise RheobaseError(
            f"{path}: format {found}, must be {FORMAT!r}, version '{FORMAT_VERSION}' (a file "
            "that `rheobase convert --float` wrote)"
        )
    try:
        described = _checked(json.loads(metadata["network"]))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise RheobaseError(
            f"{path}: metadata 'network' is damaged ({shortened(str(error), SHOWN)})"
        ) from None
    return described, tensors


def _checked(described: Any) -> dict[str, Any]:
    if not isinstance(described, dict) or set(described) - {_LAYER_STEPS, _TAKE_BACK} != _KEYS:
        raise ValueError(f"must be {', '.join(sorted(_KEYS))}")
    coding, _, _ = (
        kind(described[key])
        for key, kind in (("coding", Coding), ("rule", PoolRule), ("readout", Readout))
    )
    shape, steps, delay = (described[key] for key in ("input_shape", "steps", "delay"))
    numbers = [*shape, steps, delay]
    if not all(type(number) is int for number in numbers) or not all(n > 0 for n in shape):
        raise ValueError("must be integers")
    if math.prod(shape) > MAX_MAP:
        raise ValueError(f"input_shape, must be at most {MAX_MAP} values")
    if not 0 <= delay < steps <= MAX_STEPS[coding.value]:
        raise ValueError(f"T = {steps}, t0 = {delay}")
    if described.get(_TAKE_BACK, True) is not True or (
        _TAKE_BACK in described and coding != Coding.RATE
    ):
        raise ValueError(f"{_TAKE_BACK}, must be true, in rate")
    own = described.get(_LAYER_STEPS, {})
    if not isinstance(own, dict) or (own and coding != Coding.RADIX):
        raise ValueError(f"{_LAYER_STEPS}, must be T by neurons, in radix")
    if not all(type(number) is int and 1 <= number <= steps for number in own.values()):
        raise ValueError(f"{_LAYER_STEPS}, must be integers in 1..{steps}")
    return described
