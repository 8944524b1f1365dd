"""A NIR graph of IF neurons to an integer network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ....golden.errors import RheobaseError
from ....golden.network.network import MAX_STEPS, Coding, Network, Readout
from ....golden.network.time_checks import check_delay, check_steps
from ...data.pixels import normalisation
from ...lower.lowered import Lowered
from ...lower.lowering import lower_graph
from .nir_file import read_nir
from .nir_graph import nir_model

if TYPE_CHECKING:
    import nir

#: T of a graph that does not say it.
_STEPS = 8


@dataclass(frozen=True, eq=False)
class NirImport:
    """What became of a NIR graph.

    Attributes:
        lowered: the integer network, and what its integers are worth in the graph's units.
        kept: names of the layers whose integers are those of the graph; others were quantised.
        subtracts: every neuron was known to be reset by subtraction.
    """

    lowered: Lowered
    kept: tuple[str, ...]
    subtracts: bool

    def __repr__(self) -> str:
        return f"NIR graph as {self.network!r}; {len(self.kept)} layers kept as they were"

    @property
    def network(self) -> Network:
        """The integer network."""
        return self.lowered.network


def import_nir(
    source: str | Path | nir.NIRGraph,
    *,
    steps: int | None = None,
    delay: int | None = None,
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    weight_bits: int = 8,
    at_threshold: bool = False,
    step: float | None = None,
    name: str | None = None,
) -> NirImport:
    """The integer network of a NIR graph: IF neurons, reset by subtraction, and linear nodes.

    Args:
        source: a file, or a graph of the ``nir`` package.
        steps, delay: T and t0; what the graph says where None, else 8 and 0.
        mean, std: of the normalisation of pixels in 0..1 that the graph's input is, one for each
            channel or one for all. Where both are None the input is what the graph says, else
            pixels in 0..1.
        weight_bits: 2..8, of layers whose weights are no integers.
        at_threshold: neurons fire at their threshold, too; NIR's fire above it.
        step: of time; where None, neurons have one ``r``, and a step is one over it.
        name: of the network.

    Raises:
        RheobaseError: the file is no graph, or no network can be what it holds (every such node
            is named); bad options.
    """
    read = read_nir(source) if isinstance(source, str | Path) else source
    if (mean is None) != (std is None):
        raise RheobaseError("mean, std: must be both or none of them")
    if step is not None and not step > 0:
        raise RheobaseError(f"step: {step}, must be a positive number of seconds")
    model = nir_model(read, at_threshold=at_threshold, step=step)
    facts = model.facts
    if mean is None or std is None:
        mean, std = (0.0, 1 / 255) if facts.pixels else (0.0, 1.0)
    mean, std = normalisation(mean, std, model.graph.input_shape[0])
    steps = (facts.steps or _STEPS) if steps is None else steps
    check_steps("", Coding.RATE, steps, MAX_STEPS[Coding.RATE])
    if delay is None:
        delay = min(facts.delay or 0, steps - 1)
    stem = Path(source).stem if isinstance(source, str | Path) else "network"
    units = [1.0, *({1 / (255 * std[0])} if len(set(std)) == 1 else ())]
    lowered = lower_graph(
        model.graph,
        model.thresholds,
        mean=mean,
        std=std,
        coding=Coding.RATE,
        steps=steps,
        delay=check_delay("", Coding.RATE, delay, steps),
        readout=Readout.COUNT if model.counted else Readout.CURRENT,
        rule=model.rule,
        weight_bits=weight_bits,
        initial=model.initial,
        units=units,
        name=name or facts.name or stem,
    )
    kept = tuple(layer.name for layer in lowered.layers if np.all(np.isin(layer.scale, units)))
    return NirImport(lowered, kept, model.subtracts)
