"""Results of commands that make, run or talk to hardware."""

from __future__ import annotations

from dataclasses import dataclass

from ..failures import DIFFERS
from .base import Part, Result
from .models import RightAnswers


@dataclass(frozen=True)
class PlannedLayer(Part):
    """What a layer gets, and what it is predicted to take.

    ``kind`` is "events", "graph" or "serial". E, words and rows are those of each connection; an E
    of 0 is a direct lane, a graph, or none. Without a window buffer ``buffer_of`` is "none".
    """

    name: str
    kind: str
    P: int
    E: list[int]
    F: int
    weights_in: str
    buffer_of: list[str]
    extra_rows: list[int]
    cycles: float
    luts: float
    block_rams: int
    limited_by: str


@dataclass(frozen=True)
class Planned(Part):
    """A plan. ``logic`` is what ``luts`` counts, ``guessed`` says that no events were counted.

    ``large_rams`` are iCE40's; available figures are None where no board is filled, images a second
    where no clock is known.
    """

    layers: list[PlannedLayer]
    around: PlannedAround
    logic: str
    luts: float
    luts_available: int | None
    block_rams: int
    block_rams_available: int | None
    large_rams: int
    large_rams_available: int | None
    cycles: float
    guessed: bool
    clock_hz: float | None
    images_per_second: float | None


@dataclass(frozen=True)
class PlannedAround(Part):
    """What is around the layers."""

    luts: float
    block_rams: int


@dataclass(frozen=True)
class Generated(Result):
    """Of ``generate``."""

    file: str
    top: str
    interface: str
    plan: Planned


@dataclass(frozen=True)
class CompiledPass(Part):
    """A pass of an engine's program: first and last channel, cycles by what takes them.

    ``adders_in_use`` is a part of one; no order of work takes fewer than ``least_cycles``.
    """

    layer: str
    channels: tuple[int, int]
    groups: int
    strip: int
    cycles: float
    adders: float
    maps: float
    window: float
    neurons: float
    waits: float
    bound_by: str
    adders_in_use: float
    least_cycles: float


@dataclass(frozen=True)
class NearLimit(Part):
    """What of an engine a program nearly fills."""

    name: str
    taken: int
    limit: int


@dataclass(frozen=True)
class Compiled(Result):
    """Of ``compile``. An image moves ``moved_bytes`` of ``memory_bytes``.

    No order of work takes fewer than ``least_cycles``, and none in which each pass moves its own
    weights fewer than ``least_cycles_pass_by_pass``.
    """

    file: str
    engine: str
    clock_hz: float
    cycles: float
    least_cycles: float
    least_cycles_pass_by_pass: float
    images_per_second: float
    memory_bytes: int
    moved_bytes: float
    passes: list[CompiledPass]
    close_to_limits: list[NearLimit]


@dataclass(frozen=True)
class ComparedLayer(Part):
    """A layer of hardware and golden model; spikes are None where there are no neurons.

    ``kind`` and E are as in ``PlannedLayer``.
    """

    name: str
    kind: str
    P: int
    E: list[int]
    spikes_per_neuron: float | None
    events_per_image: list[float]
    lane_utilisation: float | None
    spikes: int | None
    spikes_that_differ: int | None


@dataclass(frozen=True)
class Compared(Part):
    """Hardware against golden model; ``recorded_images`` are those compared spike by spike."""

    T: int
    t0: int
    images: int
    recorded_images: int
    equal: bool
    answers_that_differ: int
    scores_that_differ: int
    spikes_that_differ: int
    first_difference: str
    cycles_per_image: float
    latency: int
    layers: list[ComparedLayer]


@dataclass(frozen=True)
class Simulated(Result):
    """Of ``simulate``; ``verilog`` and ``waves`` are files, ``plan`` is None with ``verilog``."""

    comparison: Compared
    right_answers: float | None
    plan: Planned | None
    verilog: str | None
    waves: str | None

    @property
    def status(self) -> int:
        return 0 if self.comparison.equal else DIFFERS


@dataclass(frozen=True)
class ComparedMap(Part):
    """A layer's map in an engine's memory: how many numbers, and how many of them differ."""

    name: str
    numbers: int
    differ: int


@dataclass(frozen=True)
class EngineSimulated(Result):
    """Of ``simulate --engine``."""

    engine: str
    images: int
    equal: bool
    first_difference: str
    passes: int
    cycles_per_image: float
    least_cycles: float
    least_cycles_pass_by_pass: float
    clock_hz: float
    images_per_second: float
    right_answers: float | None
    maps: list[ComparedMap]

    @property
    def status(self) -> int:
        return 0 if self.equal else DIFFERS


@dataclass(frozen=True)
class Viewed(Result):
    """Of ``view``."""

    image: int
    waveform: str
    picture: str


@dataclass(frozen=True)
class Usage(Part):
    """How much of one kind of a device is used."""

    used: int
    available: int


@dataclass(frozen=True)
class Placed(Part):
    """A bitstream as nextpnr reports it."""

    bitstream: str
    device: str
    clock_hz: float
    achieved_hz: float
    meets_timing: bool
    seed: int
    attempts: int
    usage: dict[str, Usage]


@dataclass(frozen=True)
class Built(Result):
    """Of ``build``. ``placed`` is None for plain Verilog, ``bench_images`` 0 for a bitstream."""

    folder: str
    board: str
    files: list[str]
    plan: Planned
    placed: Placed | None
    bench_images: int


@dataclass(frozen=True)
class EngineBuilt(Result):
    """Of ``engine``. ``memory_bits`` are those that the SDRAM moves in a cycle of the engine."""

    folder: str
    board: str
    engine: str
    adders: int
    memory_bits: int
    files: list[str]
    placed: Placed


@dataclass(frozen=True)
class Programmed(Result):
    """Of ``program``."""

    board: str
    bitstream: str
    flash: bool
    serial_line: str


@dataclass(frozen=True)
class Unequal(Part):
    """How many of a board's answers and scores are not the golden model's."""

    answers: int
    scores: int

    @property
    def status(self) -> int:
        """Exit status of a command that has compared."""
        return DIFFERS if self.answers or self.scores else 0


@dataclass(frozen=True)
class Answer(Part):
    """A board's answer to an image; ``file`` is None in a data set, ``label`` where not known."""

    file: str | None
    answer: int
    name: str
    label: int | None


@dataclass(frozen=True)
class Classified(Result):
    """Of ``classify``. ``differ`` is None without a network file."""

    port: str
    network: str
    coding: str
    T: int
    t0: int
    clock_hz: float
    answers: list[Answer]
    images_per_second: float
    cycles_per_image: float
    resent: int
    right_answers: float | None
    differ: Unequal | None

    @property
    def status(self) -> int:
        return self.differ.status if self.differ is not None else 0


@dataclass(frozen=True)
class Loaded(Result):
    """Of ``load``. ``sent_bytes`` is 0 where the network was loaded already."""

    port: str
    network: str
    sent_bytes: int
    seconds: float


@dataclass(frozen=True)
class EngineRan(Result):
    """Of ``run``. ``differ`` is None without a network file."""

    port: str
    network: str
    clock_hz: float
    answers: list[Answer]
    images_per_second: float
    cycles_per_image: float
    resent: int
    right_answers: float | None
    differ: Unequal | None

    @property
    def status(self) -> int:
        return self.differ.status if self.differ is not None else 0


@dataclass(frozen=True)
class Reported(Result):
    """Of ``report``. ``hardware_equal`` is None where hardware was left out."""

    page: str
    json: str
    hardware_equal: bool | None

    @property
    def status(self) -> int:
        return DIFFERS if self.hardware_equal is False else 0


@dataclass(frozen=True)
class DemonstratedCoding(Part):
    """The demo's network in one coding."""

    coding: str
    weight_bits: int
    right_answers: RightAnswers
    comparison: Compared


@dataclass(frozen=True)
class Demonstrated(Result):
    """Of ``demo``."""

    codings: list[DemonstratedCoding]
    files: list[str]
    report: str

    @property
    def status(self) -> int:
        return 0 if all(coding.comparison.equal for coding in self.codings) else DIFFERS
