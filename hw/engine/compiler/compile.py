"""The compiler: passes, tables, weights and addresses of a network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ....golden.basics.arithmetic import ceil_div
from ....golden.errors import RheobaseError
from ....golden.files.file import network_hash
from ....golden.network.has_network import HasNetwork, network_of
from ....golden.network.network import Network
from ..compiled import ImagePlace, LayerMap, Program
from ..design import WORD_DIGITS, EngineDesign
from ..program import ADDRESS_BITS, TABLES, Kind, pass_record
from ..words import record_words, weight_stream
from .blocks import Task, network_passes
from .coding import check_coding
from .costs import PassCost
from .maps.addresses import Place, placed_maps
from .maps.channel_orders import Orders, channel_orders, reordered
from .maps.densities import densities
from .maps.readings import Readings, network_readings
from .maps.stored_maps import ImageView, Source, turn_words
from .passes.drafts import Draft
from .passes.tables import pass_tables

#: Weights begin at a multiple of so many words, a burst.
ALIGNMENT = 64
#: Cycles in which a memory of 32 bits moves a word.
WORD_CYCLES = 1.0


@dataclass(frozen=True, eq=False)
class Compilation:
    """A program, and what its passes are expected to take.

    Attributes:
        program: the words.
        drafts: its passes.
        costs: of each.
    """

    program: Program
    drafts: tuple[Draft, ...]
    costs: tuple[PassCost, ...]


def compile_network(
    network: Network | HasNetwork,
    design: EngineDesign,
    *,
    word_cycles: float = WORD_CYCLES,
    fold: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Compilation:
    """Compile ``network`` for an engine.

    Args:
        network: or a conversion; in ``radix`` coding, or in ``rate`` where the engine has
            ``rate_turns``.
        design: of the engine.
        word_cycles: cycles in which its memory moves a word: passes are chosen by it.
        fold: the host may write the image window by window where an image takes fewer cycles so;
            it writes more words then.
        progress: called with 1 for each layer that is done.

    Raises:
        RheobaseError: the network is beyond a limit of the engine; the message names the layer,
            the limit and the value.
    """
    given = network_of(network)
    check_coding(given, design)
    orders = channel_orders(given, given.events.channels if given.events else {})
    network = reordered(given, orders)
    readings = network_readings(network)
    task = Task(network, readings, design, densities(network), word_cycles)
    drafts = network_passes(task, fold, progress)
    weights = np.concatenate([_pass_weights(draft) for draft in drafts])
    places, end = placed_maps(readings.maps, drafts, _aligned(len(weights)))
    passes = _pass_words(network, readings, drafts, places)
    program_base = _aligned(end)
    if program_base + len(passes) > 1 << ADDRESS_BITS:
        raise RheobaseError(
            f"network {network.name!r}: takes {program_base + len(passes)} words of memory, must "
            f"be at most {1 << ADDRESS_BITS}"
        )
    program = Program(
        design=design,
        name=network.name,
        network_hash=network_hash(given),
        input_shape=network.input_shape,
        zero_point=network.zero_point,
        outputs=network.outputs,
        weights=weights,
        passes=passes,
        program_base=program_base,
        images=tuple(_image_place(s, p) for s, p in places.items() if isinstance(s, ImageView)),
        maps=tuple(
            _layer_map(network, readings, index, places, orders)
            for index in range(len(network.layers))
        ),
    )
    return Compilation(program, tuple(drafts), tuple(task.cost(draft) for draft in drafts))


def _aligned(word: int) -> int:
    return ceil_div(word, ALIGNMENT) * ALIGNMENT


def _pass_weights(draft: Draft) -> np.ndarray:
    weights = draft.weights
    if weights is None:
        raise ValueError("a sketch has no weights")
    return weight_stream(draft.design, weights, draft.group_turns)


def _pass_words(
    network: Network, readings: Readings, drafts: list[Draft], places: Mapping[Source, Place]
) -> np.ndarray:
    """Heads and tables of all passes, and the program's end."""
    words: list[int] = []
    for draft in drafts:
        design, where = draft.design, draft.block.where
        target = readings.map_of[draft.block.layer]
        head, tables = pass_tables(network, draft, target, places)
        words += record_words(where, pass_record(design), head)
        for name, record in TABLES.items():
            for values in tables[name]:
                words += record_words(where, record(design), values)
    record = pass_record(drafts[0].design)
    end = dict.fromkeys((field.name for field in record.fields), 0)
    words += record_words("network", record, end | {"kind": int(Kind.END)})
    return np.array(words, np.uint32)


def _layer_map(
    network: Network,
    readings: Readings,
    index: int,
    places: Mapping[Source, Place],
    orders: Orders,
) -> LayerMap:
    stored = readings.map_of[index]
    place, member = places[stored], stored.member(index)
    first = member.first // WORD_DIGITS * turn_words(stored.kind)
    return LayerMap(
        network.layers[index].name,
        stored.kind,
        stored.steps,
        stored.signed,
        member.channels,
        stored.rows // stored.digit_rows,
        stored.columns,
        place.base + first,
        place.row_words * stored.digit_rows,
        place.pixel_words,
        place.row_words,
        stored.train.steps if stored.train else 0,
        network.delay,
        tuple(orders[index].tolist()) if index in orders else (),
    )


def _image_place(view: ImageView, place: Place) -> ImagePlace:
    return ImagePlace(
        view.first_channel,
        view.channels,
        view.bottom,
        view.right,
        view.rows,
        view.supers,
        view.row_step,
        view.super_step,
        view.pixel_rows,
        view.pixel_columns,
        view.marked_rows,
        view.marked_columns,
        place.base,
    )
