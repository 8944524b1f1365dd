"""Versions on the workers of a cluster: results are equal where they are those of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from distributed import Client

from ..golden.errors import MachineError

#: What every command sends and computes with.
_ALWAYS = ("rheobase", "numpy", "distributed", "cloudpickle")


def check_versions(client: Client, address: str, packages: Iterable[str]) -> None:
    """Raise ``MachineError`` where a worker has another Python, or another of ``packages``.

    Python's patch releases may differ, and so may what follows ``+`` in a version: how a package
    was built.
    """
    names = (*_ALWAYS, *packages)
    found = client.get_versions(packages=list(names))
    here = _versions(found["client"], names)
    for worker, described in found["workers"].items():
        there = _versions(described, names)
        differing = [name for name in here if here[name] != there[name]]
        if differing:
            listed = ", ".join(
                f"{name} {there[name] or 'absent'}, here {here[name]}" for name in differing
            )
            raise MachineError(
                f"cluster {address}: worker {worker} has {listed}; must be the same everywhere"
            )


def _versions(described: Mapping[str, Any], names: Iterable[str]) -> dict[str, str]:
    """By name; "" for what is absent."""
    packages = described["packages"]
    python = ".".join(described["host"]["python"].split(".")[:2])
    return {"Python": python} | {
        name: (packages.get(name) or "").partition("+")[0] for name in names
    }
