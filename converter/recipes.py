"""Named presets of balancing and calibration: ``--recipe``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..golden.errors import RheobaseError
from ..golden.network.network import Coding, PoolRule, Readout
from .calibrate.calibration import Calibration
from .options import Options, balancing_method
from .thresholds.balancing import Method

#: K of recipes that leave the thresholds as they were balanced (docs/decisions/0035-plain.md).
_FULL_RANGE = 500
#: T in ``rate`` up to which they have K of ``_BEFORE_CALIBRATION``: clipping costs less than slow
#: first spikes (docs/decisions/0177-k-of-t.md).
_FEW_STEPS = 8
#: K of the paper for ImageNet (appendix D.2).
_PUBLISHED = 1000
#: T from which net counts that follow all that came are fitted to where they end, not step by step
#: (docs/decisions/0203-settled-counts.md).
_SETTLED_STEPS = 32
#: K of recipes that calibrate for T what balancing gave.
_BEFORE_CALIBRATION = 200


def _balanced(method: Method) -> Callable[[Options], Options]:
    def balanced(options: Options) -> Options:
        few = options.coding == Coding.RATE and options.steps <= _FEW_STEPS
        iterations = _BEFORE_CALIBRATION if few else _FULL_RANGE
        return replace(
            options, method=method, iterations=iterations, delayed=True, calibration=None
        )

    return balanced


def _paper(options: Options) -> Options:
    """Algorithms 1 and 2 with the settings of appendix D, and nothing else."""
    return replace(_balanced(Method.PAPER)(options), iterations=_PUBLISHED, rule=PoolRule.STEP)


def _levels(options: Options) -> Options:
    """Thresholds of the levels that T gives, and nothing else."""
    return replace(options, method=Method.LEVELS, calibration=None)


def _calibrated(calibration: Calibration) -> Callable[[Options], Options]:
    return lambda options: replace(
        options, method=Method.CLTB, iterations=_BEFORE_CALIBRATION, calibration=calibration
    )


def _robust_calibrated(calibration: Calibration) -> Callable[[Options], Options]:
    return lambda options: replace(options, method=Method.ROBUST, calibration=calibration)


def _best(options: Options) -> Options:
    """What measured best on ResNet-20 and SqueezeNet 1.1 (docs/decisions/0162-ridges.md).

    In ``rate`` neurons take spikes back (docs/decisions/0202-taking-back-by-default.md).
    """
    if options.take_back is None:
        timed = options.coding == Coding.RATE and options.rule == PoolRule.CUMULATIVE
        options = replace(options, take_back=timed)
    settled = (
        options.take_back
        and options.steps >= _SETTLED_STEPS
        # Neurons whose spikes are counted as the answer take none back.
        and options.readout == Readout.CURRENT
    )
    if options.coding == Coding.RADIX or settled:
        calibration = Calibration(
            initial=False, weights=1, ridge=None, images=2000, samples=16000, settled=True
        )
    else:
        # Every step of a spiking network costs as much as the model does on an image.
        calibration = Calibration(
            bias=3, weights=1, ridge=None, images=800, samples=12800, passes=6.0
        )
    return _calibrated(calibration)(options)


_ONLY_BIAS = Calibration(thresholds=False, initial=False)
#: By name: the options with the recipe's settings in them.
RECIPES: dict[str, Callable[[Options], Options]] = {
    "paper": _paper,
    "robust": _balanced(Method.ROBUST),
    "ltb": _balanced(Method.LTB),
    "levels": _levels,
    "cltb": _balanced(Method.CLTB),
    "search": _calibrated(Calibration(initial=False, bias=0)),
    "lcp": _calibrated(_ONLY_BIAS),
    "acp": _calibrated(replace(_ONLY_BIAS, weights=2)),
    "robust-lcp": _robust_calibrated(_ONLY_BIAS),
    "robust-acp": _robust_calibrated(replace(_ONLY_BIAS, weights=2)),
    "search-lcp": _calibrated(Calibration(initial=False)),
    "best": _best,
}


#: What is done where neither a method nor a calibration is asked for.
DEFAULT_RECIPE = "best"


def chosen(options: Options) -> Options:
    """``options`` with all that they leave to the converter filled in."""
    if options.calibration is not None or options.calibrate_first:
        return replace(options, method=balancing_method(options))
    return options if options.method is not None else with_recipe(options, DEFAULT_RECIPE)


def with_recipe(options: Options, name: str) -> Options:
    """``options`` with the settings of recipe ``name``; T, coding, widths and a given K stay.

    Raises:
        RheobaseError: no such recipe.
    """
    if name not in RECIPES:
        raise RheobaseError(f"recipe: {name!r}, must be one of {', '.join(RECIPES)}")
    made = RECIPES[name](options)
    return made if options.iterations is None else replace(made, iterations=options.iterations)
