"""The network file: safetensors with integers only, the topology as JSON in its header."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..basics.output_files import write_whole
from ..errors import RheobaseError, shown
from ..network.choices import member
from ..network.event_counts import EventCounts
from ..network.has_network import HasNetwork, network_of
from ..network.network import Coding, Connection, Layer, Network, Pool, PoolRule, Readout, SumPool
from ..network.provenance import Provenance, parsed_provenance, provenance_text
from .event_tensors import event_tensors, is_event_tensor, parsed_events
from .tensor_file import file_content, parsed_tensor_file, tensor_file_bytes

FORMAT = "rheobase-network"
FORMAT_VERSION = 2
#: Of a file that also says what it was calibrated on and where it comes from.
RECORDED_VERSION = 3
#: Of a file with layers that fire signed; it may say that as well.
SIGNED_VERSION = 4
#: Of a file with layers that have a T of their own; it may say both as well.
OWN_STEPS_VERSION = 5
#: Of a file that says how often each channel spikes; it may say all of that as well.
CHANNELS_VERSION = 6
_NETWORK_KEYS = {
    "name",
    "input_shape",
    "coding",
    "steps",
    "delay",
    "readout",
    "layers",
    "outputs",
}
_LAYER_KEYS = {"name", "connections", "pool", "neurons"}
#: What a layer says in files of a version, and of those above it.
_LATER_LAYER_KEYS = {"signed": SIGNED_VERSION, "steps": OWN_STEPS_VERSION}
_CONNECTION_KEYS = {
    "source",
    "weight_bits",
    "stride",
    "padding",
    "dilation",
    "groups",
    "in_start",
    "out_start",
    "sum_pool",
}
_POOL_KEYS = {"kernel", "stride", "padding", "rule"}
_SUM_POOL_KEYS = {"kernel", "stride", "padding"}


def network_bytes(network: Network) -> bytes:
    """The file's content, the same for the same network.

    Its version is the least that has what the network has: 2 where it carries neither event counts
    nor provenance, 4 where a layer fires signed, 5 where one has a T of its own, 6 where its event
    counts have those of channels.
    """
    return _content(network, network.events, network.provenance)


def _content(network: Network, events: EventCounts | None, provenance: Provenance | None) -> bytes:
    tensors = {"zero_point": network.zero_point}
    for index, layer in enumerate(network.layers):
        for field in _tensor_fields(layer.threshold is not None, layer.signed):
            tensors[f"layers.{index}.{field}"] = getattr(layer, field)
        for number, connection in enumerate(layer.connections):
            tensors[_weight_name(index, number)] = connection.weight
    version = FORMAT_VERSION
    if events is not None and events.channels:
        version = CHANNELS_VERSION
    elif any(layer.steps is not None for layer in network.layers):
        version = OWN_STEPS_VERSION
    elif any(layer.signed for layer in network.layers):
        version = SIGNED_VERSION
    elif events is not None or provenance is not None:
        version = RECORDED_VERSION
    metadata = {
        "format": FORMAT,
        "version": str(version),
        "topology": json.dumps(_topology(network, version), sort_keys=True),
    }
    if events is not None:
        tensors |= event_tensors(events)
    if provenance is not None:
        metadata["provenance"] = provenance_text(provenance)
    return tensor_file_bytes(tensors, metadata)


def network_hash(network: Network | HasNetwork) -> str:
    """SHA-256 of what the network computes, in hexadecimal; its name counts too.

    Event counts and provenance do not.
    """
    return hashlib.sha256(_content(network_of(network), None, None)).hexdigest()


def save_network(network: Network | HasNetwork, path: str | Path) -> None:
    """Write ``network``, or that of a conversion, to ``path``, whole or not at all.

    Raises:
        RheobaseError: the file cannot be written.
    """
    write_whole(Path(path), network_bytes(network_of(network)))


def load_network(path: str | Path) -> Network:
    """Read a network from ``path`` and check it whole.

    Raises:
        RheobaseError: the file is absent or no network file, is of another version, has missing or
            extra tensors, wrong shapes or types, values out of range or an inconsistent topology.
    """
    path = Path(path)
    content = file_content(path, "network file")
    try:
        return _parse(content)
    except RheobaseError as error:
        raise RheobaseError(f"{path}: {error}") from error


def _parse(content: bytes) -> Network:
    metadata, tensors = parsed_tensor_file(content)
    if metadata.get("format") != FORMAT:
        raise RheobaseError(
            f"metadata 'format' is {shown(metadata.get('format'))}, must be {FORMAT!r} "
            "(a file that `rheobase convert` wrote)"
        )
    versions = {str(number): number for number in range(FORMAT_VERSION, CHANNELS_VERSION + 1)}
    version = versions.get(str(metadata.get("version")))
    if version is None:
        raise RheobaseError(
            f"metadata 'version' is {shown(metadata.get('version'))}, must be "
            + " or ".join(map(repr, versions))
        )
    try:
        topology = json.loads(metadata["topology"])
    except (KeyError, ValueError, TypeError, RecursionError):
        raise RheobaseError("metadata 'topology' is missing or no JSON") from None
    if version == FORMAT_VERSION:
        return _network(topology, tensors, version)
    counted = {name: tensors.pop(name) for name in [*tensors] if is_event_tensor(name)}
    network = _network(topology, tensors, version)
    provenance = metadata.get("provenance")
    return replace(
        network,
        events=parsed_events(network, counted, of_channels=version >= CHANNELS_VERSION),
        provenance=None if provenance is None else parsed_provenance(provenance),
    )


def _network(topology: Any, tensors: dict[str, np.ndarray], version: int) -> Network:
    _keys("topology", topology, _NETWORK_KEYS)
    entries = topology["layers"]
    if not isinstance(entries, list):
        raise RheobaseError("topology: layers is no list, must be a list of layers")
    expected = {"zero_point"}
    for index, entry in enumerate(entries):
        expected |= _tensor_names(index, entry, version)
    for problem, names in (
        ("missing", expected - tensors.keys()),
        ("not part of the network", tensors.keys() - expected),
    ):
        if names:
            raise RheobaseError(f"tensor {shown(min(names))} is {problem}")
    return Network(
        input_shape=_numbers(topology["input_shape"]),
        zero_point=tensors["zero_point"],
        layers=tuple(_layer(index, entry, tensors) for index, entry in enumerate(entries)),
        coding=member("topology: coding", Coding, topology["coding"]),
        steps=topology["steps"],
        delay=topology["delay"],
        readout=member("topology: readout", Readout, topology["readout"]),
        outputs=_numbers(topology["outputs"]),
        name=topology["name"],
    )


def _tensor_names(index: int, entry: Any, version: int) -> set[str]:
    """Tensors that layer ``index`` has, by its ``entry`` in the topology."""
    where = f"topology: layer {index}"
    _keys(where, entry, _LAYER_KEYS | _later_layer_keys(version))
    for flag in ("neurons", "signed"):
        if not isinstance(entry.get(flag, False), bool):
            raise RheobaseError(f"{where}: {flag} is {shown(entry[flag])}, must be true, false")
    connections = entry["connections"]
    if not isinstance(connections, list):
        raise RheobaseError(f"{where}: connections is no list, must be a list of connections")
    for number, connection in enumerate(connections):
        _keys(f"{where}: connection {number}", connection, _CONNECTION_KEYS)
    fields = _tensor_fields(entry["neurons"], entry.get("signed", False))
    names = {f"layers.{index}.{field}" for field in fields}
    return names | {_weight_name(index, number) for number in range(len(connections))}


def _layer(index: int, entry: dict[str, Any], tensors: dict[str, np.ndarray]) -> Layer:
    pool = entry["pool"]
    if pool is not None:
        where = f"topology: layer {index}: pool"
        _keys(where, pool, _POOL_KEYS)
        pool = Pool(
            kernel=_numbers(pool["kernel"]),
            stride=_numbers(pool["stride"]),
            padding=_numbers(pool["padding"]),
            rule=member(f"{where} rule", PoolRule, pool["rule"]),
        )
    arrays: dict[str, Any] = {
        field: tensors.get(f"layers.{index}.{field}")
        for field in _tensor_fields(neurons=True, signed=True)
    }
    connections = tuple(
        _connection(
            f"topology: layer {index}: connection {number}",
            connection,
            tensors[_weight_name(index, number)],
        )
        for number, connection in enumerate(entry["connections"])
    )
    return Layer(
        name=entry["name"],
        connections=connections,
        **arrays,
        pool=pool,
        steps=entry.get("steps"),
    )


def _connection(where: str, entry: dict[str, Any], weight: np.ndarray) -> Connection:
    sums = entry["sum_pool"]
    if sums is not None:
        _keys(f"{where}: sum_pool", sums, _SUM_POOL_KEYS)
        sums = SumPool(**{field: _numbers(sums[field]) for field in _SUM_POOL_KEYS})
    fields = {field: _numbers(entry[field]) for field in _CONNECTION_KEYS - {"sum_pool"}}
    return Connection(weight=weight, **fields, sum_pool=sums)


def _topology(network: Network, version: int) -> dict[str, Any]:
    """As JSON takes it, in a file of ``version``."""
    return {
        "name": network.name,
        "input_shape": network.input_shape,
        "coding": network.coding.value,
        "steps": network.steps,
        "delay": network.delay,
        "readout": network.readout.value,
        "outputs": network.outputs,
        "layers": [
            {
                "name": layer.name,
                "neurons": layer.threshold is not None,
                **_fields(layer, _later_layer_keys(version)),
                "connections": [
                    {
                        **_fields(connection, _CONNECTION_KEYS - {"sum_pool"}),
                        "sum_pool": connection.sum_pool
                        and _fields(connection.sum_pool, _SUM_POOL_KEYS),
                    }
                    for connection in layer.connections
                ],
                "pool": layer.pool and _fields(layer.pool, _POOL_KEYS),
            }
            for layer in network.layers
        ],
    }


def _later_layer_keys(version: int) -> set[str]:
    return {key for key, first in _LATER_LAYER_KEYS.items() if version >= first}


def _fields(description: object, names: set[str]) -> dict[str, Any]:
    """The named fields of a description as JSON takes them."""
    return {name: getattr(description, name) for name in names}


def _tensor_fields(neurons: bool, signed: bool) -> tuple[str, ...]:
    own = ("threshold", "initial_potential") if neurons else ()
    return ("bias", *own, *(("negative_threshold",) if signed else ()))


def _weight_name(index: int, number: int) -> str:
    return f"layers.{index}.connections.{number}.weight"


def _keys(where: str, value: Any, accepted: set[str]) -> None:
    if not isinstance(value, dict):
        raise RheobaseError(f"{where}: {type(value).__name__}, must be an object")
    for problem, names in (
        ("missing", accepted - value.keys()),
        ("unknown", value.keys() - accepted),
    ):
        if names:
            raise RheobaseError(f"{where}: field {shown(min(names))} is {problem}")


def _numbers(value: Any) -> Any:
    """JSON lists as the tuples that a network has; anything else is left for its check."""
    return tuple(value) if isinstance(value, list) else value
