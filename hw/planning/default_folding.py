"""The folding of a network where no device is named, and what completes one that is given."""

from __future__ import annotations

from dataclasses import replace

from ...golden.network.has_network import HasNetwork, network_of
from ...golden.network.network import Network
from ..design.folding import Folding
from .event_counts import NetworkEvents
from .large_memories import with_large_rows
from .plan import Budget, Plan
from .search.adder_search import adder_folding
from .search.folding_search import Planner
from .search.layer_choices import in_turns
from .search.row_search import with_extra_rows

#: Adders (P x E, summed over the layers) that the folding may use where no device is named.
DEFAULT_ADDERS = 160


def default_folding(
    network: Network | HasNetwork,
    events: NetworkEvents | None = None,
    adders: int = DEFAULT_ADDERS,
) -> Folding:
    """The folding that is built where nothing is asked for: the fastest that ``adders`` allow.

    Args:
        network: or a conversion.
        events: what the windows hold; what the network brings along where None, or a guess.

    Raises:
        RheobaseError: ``adders`` below 1.
    """
    return adder_plan(Planner(network_of(network), events), adders).folding


def adder_plan(planner: Planner, adders: int = DEFAULT_ADDERS) -> Plan:
    """The fastest P and E with P x E of at most ``adders`` in all, completed."""
    return completed_plan(planner, adder_folding(planner.network, planner.events, adders))


def completed_plan(planner: Planner, folding: Folding) -> Plan:
    """The plan of P and E that are given, with all else as the planner's device wants it.

    That is as many neurons firing at once as the other stages need, and the rows of buffers that
    take no block RAM.
    """
    suited = tuple(
        replace(
            with_large_rows(planner.network, index, fold, planner.large),
            style=planner.family.style,
        )
        for index, fold in enumerate(folding)
    )
    in_time = in_turns(planner.network, suited, planner.events)
    return planner.predict(with_extra_rows(planner, in_time, Budget(), pay=False))
