"""What a conversion can be asked for."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ..golden.errors import RheobaseError
from ..golden.network.choices import MAX_STEPS, Coding, PoolRule, Readout, member
from ..golden.network.time_checks import check_delay, check_steps
from .calibrate.calibration import Calibration, check_calibration
from .lower.quantise import check_weight_bits
from .lower.spike_budget import check_spike_budget
from .thresholds.balancing import Method

#: K of eq. 14-15: so many per level that a neuron can tell apart, within these limits. Few levels
#: want lower thresholds, that is, fewer steps from zero (docs/decisions/0003-iterations.md).
ITERATIONS_PER_LEVEL, LEAST_ITERATIONS, MOST_ITERATIONS = 3, 48, 200


@dataclass(frozen=True)
class Options:
    """Everything that a conversion can be asked for.

    Words may stand for the members of an enum: ``Options(coding="radix", method="ltb")``.

    Attributes:
        coding, steps: T of the network.
        delay: t0; None for eq. 19 in ``rate`` with ``count`` readout or ``delayed``, 0 elsewhere.
        weight_bits: 2..8.
        readout, rule: see the integer network.
        method, iterations (K), percentile, learning_rate: of the balancing; K None for
            ``default_iterations``. With neither ``method`` nor ``calibration`` the recipe ``best``
            sets both, for the coding and T at hand (``recipes.chosen``).
        delayed: t0 by eq. 19 for a ``current`` readout too, counted up to the last neurons.
        calibration: what is fitted layer by layer at this T, with ``weight_bits`` in effect; with
            a ``method`` alone, balanced thresholds stay as they are.
        calibrate_first: calibrate, then balance the result (in place of balance, then calibrate).
        weight_budget: bits of all kernels together: widths per layer by their sensitivity, in
            place of ``weight_bits``.
        spike_budget: T on average, in ``radix``: layers have from one to ``steps`` planes, by how
            much the outputs depend on them, with as many synaptic operations as where all have so
            many; None for ``steps`` in all layers.
        only_if_better: hold a few images back from the calibration, and keep what it fitted only
            where the whole network explains the model's outputs on them better than a network
            does whose thresholds are balanced with the default K and nothing more.
        growth: a linear layer with further weights behind it (a bottleneck) is multiplied out
            where the integer network then has at most so many times the model's weights; else
            it has neurons that fire signed. 1 or more, infinite to multiply out all; None for 1.1
            in ``radix`` and 3 in ``rate``.
        take_back: in ``rate``, neurons take spikes back that they fired too early
            (``signed.taking_back``): the least error at small T, for more events and adders. None
            for what measured best: where the recipe ``best`` is taken, in ``rate`` with cumulative
            max pooling.
        device: on which calibration runs.
        lower: also make the integer network; False for the float SNN alone, which has more
            operations to choose from.
    """

    coding: Coding = Coding.RATE
    steps: int = 8
    delay: int | None = None
    weight_bits: int = 8
    readout: Readout = Readout.CURRENT
    rule: PoolRule = PoolRule.CUMULATIVE
    method: Method | None = None
    iterations: int | None = None
    percentile: float = 99.0
    learning_rate: float = 1.0
    delayed: bool = False
    calibration: Calibration | None = None
    calibrate_first: bool = False
    weight_budget: float | None = None
    spike_budget: float | None = None
    only_if_better: bool = True
    growth: float | None = None
    take_back: bool | None = None
    device: str = "cpu"
    lower: bool = True

    def __post_init__(self) -> None:
        for name, kind in _CHOICES.items():
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, member(f"options: {name}", kind, given))


#: Fields of the options that are one of a few words, which may be given as text.
_CHOICES = {"coding": Coding, "readout": Readout, "rule": PoolRule, "method": Method}
#: What is done where nothing is asked for.
DEFAULT = Options()


def balancing_method(options: Options) -> Method:
    """What balances thresholds; ``cltb`` where nothing is named."""
    return options.method or Method.CLTB


def method_name(options: Options) -> str:
    """What the thresholds come from, in a few words."""
    fitted = "" if options.calibration is None else " and a fit layer by layer"
    return f"{balancing_method(options).value}{fitted}"


def default_iterations(options: Options) -> int:
    """K for the number of levels that T steps give: T in ``rate``, 2**T - 1 in ``radix``."""
    levels = options.steps if options.coding == Coding.RATE else 2**options.steps - 1
    return min(max(ITERATIONS_PER_LEVEL * levels, LEAST_ITERATIONS), MOST_ITERATIONS)


def check_options(options: Options) -> None:
    """Raise ``RheobaseError`` where T, t0 or the number of bits is out of range."""
    check_steps("", options.coding, options.steps, MAX_STEPS[options.coding.value])
    if options.delay is not None:
        check_delay("", options.coding, options.delay, options.steps)
    if options.calibration is not None:
        check_calibration(options.calibration)
    check_weight_bits(options.weight_bits)
    if options.spike_budget is not None:
        check_spike_budget(options.spike_budget, options.coding, options.steps)
    if options.take_back and (options.coding, options.rule) != (Coding.RATE, PoolRule.CUMULATIVE):
        raise RheobaseError(
            f"take back: in {options.coding.value} with max pooling by {options.rule.value}, must "
            "be in rate with cumulative"
        )
    if options.growth is not None and not options.growth >= 1:
        raise RheobaseError(f"growth: {options.growth}, must be 1 or more")


def check_device(name: str) -> None:
    """Raise ``RheobaseError`` where torch cannot work on device ``name``."""
    try:
        torch.zeros(1, device=name)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise RheobaseError(f"device: {name!r} cannot be used ({reason})") from error
