"""What files hold, in JSON's types: networks, float SNNs, builds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .golden.network.network import Network


def described(file: Path) -> dict[str, Any]:
    """What ``file`` holds, in JSON's types."""
    from .boards.builds.built_verilog import manifest_beside
    from .boards.builds.output import MANIFEST
    from .golden.files.file import FORMAT, load_network

    if file.is_dir():
        return build_description(file, file / MANIFEST)
    if file.suffix in (".v", ".sv"):
        return build_description(file.parent, manifest_beside(file))
    if _format(file) == FORMAT:
        return network_description(load_network(file))
    return _float_snn(file)


def _format(file: Path) -> str:
    """What a safetensors file says that it is.

    Raises:
        RheobaseError: it cannot be read, or is none of rheobase's.
    """
    from safetensors import SafetensorError, safe_open

    from .golden.errors import RheobaseError, file_error, shown

    try:
        with safe_open(file, framework="np") as opened:
            found = (opened.metadata() or {}).get("format")
    except OSError as error:
        raise file_error(file, "cannot be read", error) from None
    except SafetensorError:
        raise RheobaseError(f"{file}: not a safetensors file, or a damaged one") from None
    if not str(found).startswith("rheobase-"):
        raise RheobaseError(
            f"{file}: format {shown(found)}, must be a file that rheobase wrote (a model's "
            "weights are for `rheobase convert`)"
        )
    return str(found)


def network_description(network: Network) -> dict[str, Any]:
    """Of an integer network: what it computes with, layer by layer."""
    from dataclasses import asdict

    from .golden.files.file import network_hash
    from .golden.network.description import layer_description

    return {
        "kind": "network",
        "name": network.name,
        "sha256": network_hash(network),
        "coding": network.coding.value,
        "T": network.steps,
        "t0": network.delay,
        "readout": network.readout.value,
        "input": list(network.input_shape),
        "outputs": {
            network.layers[index].name: list(shape)
            for index, shape in zip(network.outputs, network.output_shapes, strict=True)
        },
        "weights": sum(c.weight.size for layer in network.layers for c in layer.connections),
        "bits_of_weights": sum(
            c.weight.size * c.weight_bits for layer in network.layers for c in layer.connections
        ),
        "event_counts": 0 if network.events is None else network.events.images,
        "provenance": None if network.provenance is None else asdict(network.provenance),
        "layers": [layer_description(network, index) for index in range(len(network.layers))],
    }


def _float_snn(file: Path) -> dict[str, Any]:
    from .converter.snn.float_file import float_file_contents

    described, thresholds = float_file_contents(file)
    return {
        "kind": "float SNN",
        "coding": described["coding"],
        "T": described["steps"],
        "t0": described["delay"],
        "readout": described["readout"],
        "input": described["input_shape"],
        "layers": [
            {
                "name": name,
                "channels": len(values),
                "threshold": [float(f"{v:.6g}") for v in (values.min(), values.max())],
            }
            for name, values in thresholds.items()
        ],
    }


def build_description(folder: Path, manifest: Path) -> dict[str, Any]:
    """Of a build: its manifest, and whether its files are those that were built."""
    from .boards.builds.output import read_manifest, sha256

    found = read_manifest(manifest)
    states = {}
    for name, expected in found.get("files", {}).items():
        path = folder / name
        if not path.is_file():
            states[name] = "absent"
        else:
            states[name] = "as built" if sha256(path.read_bytes()) == expected else "changed"
    shown = ("board", "device", "network", "clock", "host_link", "usage", "folding", "tools")
    kept = {key: found[key] for key in shown if found.get(key) is not None}
    return {"kind": "build", **kept, "files": states}
