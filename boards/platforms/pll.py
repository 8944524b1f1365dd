"""Divider settings of the phase-locked loops, found by looking at all of them."""

from __future__ import annotations

from dataclasses import dataclass

from ...golden.errors import RheobaseError

#: ECP5 (EHXPLLL): phase detector and oscillator, Hz (Lattice FPGA-DS-02012, sysCLOCK PLL timing).
_ECP5_DETECTOR = (3_125_000, 400_000_000)
_ECP5_OSCILLATOR = (400_000_000, 800_000_000)
#: iCE40 (SB_PLL40): the same (Lattice FPGA-DS-02008, sysCLOCK PLL timing), and its output.
_ICE40_DETECTOR = (10_000_000, 133_000_000)
_ICE40_OSCILLATOR = (533_000_000, 1_066_000_000)
_ICE40_OUTPUT = (16_000_000, 275_000_000)
#: Gowin (rPLL): the same, as both GW1NR (DS117) and GW2AR (DS226) allow.
_GOWIN_DETECTOR = (3_000_000, 400_000_000)
_GOWIN_OSCILLATOR = (500_000_000, 1_200_000_000)
_GOWIN_OUTPUT = (3_906_250, 600_000_000)
#: What a Gowin loop divides its oscillator by.
_GOWIN_OUTPUT_DIVIDERS = (2, 4, 8, *range(16, 129, 16))
#: Upper ends of the iCE40's loop filter ranges 1 to 5, Hz of the phase detector.
_ICE40_FILTER = (17_000_000, 26_000_000, 44_000_000, 66_000_000, 101_000_000)
#: A frequency further off than this is not the one that was asked for.
_TOLERANCE = 0.02


@dataclass(frozen=True)
class PllSetting:
    """Dividers of a loop that makes ``frequency`` (Hz) from ``reference`` (Hz).

    Attributes:
        reference_divider: in front of the phase detector.
        feedback_divider: between the output (ECP5, Gowin) or the oscillator (iCE40) and the
            detector.
        output_divider: between oscillator and output.
        oscillator: frequency of the loop's own oscillator, Hz.
    """

    reference: int
    frequency: int
    reference_divider: int
    feedback_divider: int
    output_divider: int
    oscillator: int

    @property
    def detector(self) -> float:
        """Frequency of the phase detector, Hz."""
        return self.reference / self.reference_divider


def ecp5_pll(reference: int, wanted: int) -> PllSetting:
    """Setting of an EHXPLLL with feedback from its output.

    The nearest frequency that is not above ``wanted`` wins (a timing check at ``wanted`` holds for
    it), then the fastest phase detector, then the fastest oscillator.

    Raises:
        RheobaseError: no setting comes within 2 % below ``wanted`` Hz.
    """
    found = [
        _fed_back(reference, divider, feedback, output)
        for divider in range(1, 129)
        if _within(reference / divider, _ECP5_DETECTOR)
        for feedback in range(1, 81)
        if reference * feedback <= wanted * divider
        for output in range(1, 129)
        if _within(reference * feedback * output / divider, _ECP5_OSCILLATOR)
    ]
    return _best(found, reference, wanted)


def _fed_back(reference: int, divider: int, feedback: int, output: int) -> PllSetting:
    """Where the output is fed back: the oscillator is faster by the output's divider."""
    frequency = reference * feedback // divider
    oscillator = reference * feedback * output // divider
    return PllSetting(reference, frequency, divider, feedback, output, oscillator)


def ice40_pll(reference: int, wanted: int) -> PllSetting:
    """Setting of an SB_PLL40 with simple feedback; see ``ecp5_pll``.

    ``output_divider`` is the power of two that the cell's DIVQ is the exponent of.
    """
    found = [
        PllSetting(
            reference,
            reference * feedback // (divider * output),
            divider,
            feedback,
            output,
            reference * feedback // divider,
        )
        for divider in range(1, 17)
        if _within(reference / divider, _ICE40_DETECTOR)
        for feedback in range(1, 129)
        if _within(reference * feedback / divider, _ICE40_OSCILLATOR)
        for output in (2**exponent for exponent in range(1, 7))
        if reference * feedback <= wanted * divider * output
        and _within(reference * feedback / (divider * output), _ICE40_OUTPUT)
    ]
    return _best(found, reference, wanted)


def gowin_pll(reference: int, wanted: int) -> PllSetting:
    """Setting of an rPLL with feedback inside; see ``ecp5_pll``."""
    found = [
        _fed_back(reference, divider, feedback, output)
        for divider in range(1, 65)
        if _within(reference / divider, _GOWIN_DETECTOR)
        for feedback in range(1, 65)
        if reference * feedback <= wanted * divider
        and _within(reference * feedback / divider, _GOWIN_OUTPUT)
        for output in _GOWIN_OUTPUT_DIVIDERS
        if _within(reference * feedback * output / divider, _GOWIN_OSCILLATOR)
    ]
    return _best(found, reference, wanted)


def ice40_filter_range(setting: PllSetting) -> int:
    """FILTER_RANGE of an SB_PLL40 for the setting's phase detector."""
    return 1 + sum(setting.detector >= limit for limit in _ICE40_FILTER)


def _within(value: float, limits: tuple[int, int]) -> bool:
    return limits[0] <= value <= limits[1]


def _best(found: list[PllSetting], reference: int, wanted: int) -> PllSetting:
    def order(setting: PllSetting) -> tuple[float, float, int]:
        return setting.frequency, setting.detector, setting.oscillator

    best = max(found, key=order, default=None)
    if best is None or best.frequency < wanted * (1 - _TOLERANCE):
        near = "none" if best is None else f"the nearest below is {best.frequency / 1e6:.3f} MHz"
        raise RheobaseError(
            f"clock: {wanted / 1e6:g} MHz cannot be made from {reference / 1e6:g} MHz ({near})"
        )
    return best
