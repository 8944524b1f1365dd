"""Machines beside this one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated

import typer

from ..golden.basics.mapper import Mapper

Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        help="HOST:PORT of a Dask scheduler whose workers do the work. Only one that you trust: "
        "what Dask sends and receives can run any code.",
    ),
]


@contextmanager
def mapper_of(scheduler: str | None, packages: Sequence[str]) -> Iterator[Mapper]:
    """``map``, or that of the cluster at ``scheduler``.

    Raises:
        RheobaseError: see ``connected``.
    """
    if scheduler is None:
        yield map
        return
    from ..cluster.cluster import connected

    with connected(scheduler, packages) as cluster:
        yield cluster.map
