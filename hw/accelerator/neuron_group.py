"""Pooling and neurons of one layer: from weighted sums to spike words, or to scores."""

from __future__ import annotations

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.bounds import effective_bias, layer_bounds
from ...golden.network import Coding, Network, PoolRule
from ..basics.queue import Queue
from ..basics.shapes import count_shape, index_shape, signed_shape
from ..design.payloads import vector
from ..neurons.current_pool import CurrentPool
from ..neurons.current_turns import CurrentTurns
from ..neurons.neuron_parameters import NeuronParameters
from ..neurons.radix_neuron import RadixNeuron
from ..neurons.rate_neuron import RateNeuron
from ..neurons.spike_turns import SpikeTurns
from ..readout.current_readout import CurrentReadout


class NeuronGroup(wiring.Component):
    """What follows the lanes of layer ``index``, for ``neurons`` (P) channels at a time.

    Both codings and both pooling rules; the last layer of a ``current`` readout has sums in the
    place of neurons, and then ``spikes`` is replaced by ``scores``.

    Args:
        neurons: P.
        firing: F, how many neurons fire at once; fewer than P take turns.
        compact: see ``LayerFolding``.
    """

    def __init__(
        self,
        network: Network,
        index: int,
        neurons: int,
        firing: int | None = None,
        *,
        compact: bool = False,
    ):
        layer = network.layers[index]
        bounds = layer_bounds(network, index)
        bias = effective_bias(network, index)
        groups = -(-layer.out_channels // neurons)
        pixels = layer.sees_only_image
        rate = network.coding == Coding.RATE
        positions = layer.pool.kernel[0] * layer.pool.kernel[1] if layer.pool else 1
        cumulative = (
            rate and not pixels and positions > 1 and layer.pool.rule == PoolRule.CUMULATIVE
        )
        self.fires = layer.threshold is not None
        self.compact = compact
        firing = neurons if firing is None else firing
        self.turns = self.trains = None
        self.unhurried = False
        self.pool = CurrentPool(
            neurons=neurons,
            groups=groups,
            positions=positions,
            sum_shape=signed_shape(bounds.window),
            pooled_shape=signed_shape(bounds.pooled if cumulative else bounds.window),
            accumulate=cumulative,
            compact=compact,
        )
        current_shape = self.pool.pooled_shape
        if not self.fires:
            self.neurons = CurrentReadout(
                bias,
                neurons=neurons,
                current_shape=current_shape,
                bounds=bounds.potential,
                steps=network.steps,
                constant=pixels,
                whole_train=not rate,
            )
            self.score_shape = self.neurons.score_shape
        else:
            parameters = NeuronParameters(bias, layer.threshold, layer.initial_potential)
            if firing < neurons:
                # The trains of several turns come one after another, or step by step together.
                self.whole_trains = not rate or pixels
                # Neurons then take three cycles at least for a turn, and two are enough to give it.
                self.unhurried = self.whole_trains and network.steps > 2 and not compact
                self.turns = CurrentTurns(
                    current_shape,
                    neurons=neurons,
                    firing=firing,
                    groups=groups,
                    every_other=self.unhurried,
                )
                self.trains = SpikeTurns(
                    neurons=neurons, firing=firing, steps=network.steps if self.whole_trains else 1
                )
                parameters = parameters.in_turns(neurons, firing)
            if rate:
                self.neurons = RateNeuron(
                    parameters,
                    neurons=firing,
                    current_shape=current_shape,
                    potential=bounds.potential,
                    cumulative=cumulative,
                    constant=pixels,
                    steps=network.steps,
                    turns=neurons // firing,
                )
            else:
                self.neurons = RadixNeuron(
                    parameters,
                    neurons=firing,
                    current_shape=current_shape,
                    potential=bounds.potential,
                    steps=network.steps,
                    compact=compact,
                )
        members = {
            "sums": In(stream.Signature(self.pool.sum_layout)),
            "steps": In(count_shape(network.steps)),
        }
        if self.fires:
            members["spikes"] = Out(stream.Signature(neurons))
        else:
            members["delay"] = In(index_shape(network.steps))
            members["scores"] = Out(stream.Signature(vector(self.score_shape, neurons)))
        super().__init__(members)

    def elaborate(self, platform) -> Module:
        m = Module()
        m.submodules.pool = self.pool
        m.submodules.neurons = self.neurons
        wiring.connect(m, wiring.flipped(self.sums), self.pool.sums)
        if self.turns is None:
            wiring.connect(m, self.pool.pooled, self.neurons.currents)
        else:
            m.submodules.turns = self.turns
            wiring.connect(m, self.pool.pooled, self.turns.currents)
            if self.compact:
                wiring.connect(m, self.turns.turns, self.neurons.currents)
            else:
                # What neurons are ready for goes no further, and selection ends here.
                depth = 1 if self.unhurried else 2
                m.submodules.waiting = waiting = Queue(
                    self.turns.turns.payload.shape(), depth, reset_less=True
                )
                wiring.connect(m, self.turns.turns, waiting.input)
                wiring.connect(m, waiting.output, self.neurons.currents)
        m.d.comb += self.neurons.steps.eq(self.steps)
        if self.fires:
            # What the next layers are ready for goes no further than here.
            m.submodules.words = words = Queue(
                self.spikes.payload.shape(), 2, reset_less=not self.compact
            )
            if self.trains is None:
                wiring.connect(m, self.neurons.spikes, words.input)
            else:
                m.submodules.trains = self.trains
                m.d.comb += self.trains.steps.eq(self.steps if self.whole_trains else 1)
                wiring.connect(m, self.neurons.spikes, self.trains.spikes)
                wiring.connect(m, self.trains.words, words.input)
            wiring.connect(m, words.output, wiring.flipped(self.spikes))
        else:
            m.d.comb += self.neurons.delay.eq(self.delay)
            wiring.connect(m, self.neurons.scores, wiring.flipped(self.scores))
        return m
