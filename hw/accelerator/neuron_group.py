"""Pooling and neurons of one layer: from weighted sums to spike words, or to scores."""

from __future__ import annotations

from amaranth import Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ...golden.network.network import Coding
from ..basics.queue import Queue
from ..basics.shapes import count_shape, index_shape, signed_shape
from ..basics.step_words import step_words
from ..design.layer_design import LayerDesign
from ..design.payloads import vector
from ..neurons.current_pool import CurrentPool
from ..neurons.current_turns import CurrentTurns
from ..neurons.position_pool import PositionPool
from ..neurons.radix_neuron import RadixNeuron
from ..neurons.rate_neuron import RateNeuron
from ..neurons.signed_rate_neuron import SignedRateNeuron
from ..neurons.spike_turns import SpikeTurns
from ..readout.current_readout import CurrentReadout


class NeuronGroup(wiring.Component):
    """Weighted sums of P channels at a time in, their spike words out, or their scores.

    Both codings and both pooling rules; an output without neurons has sums in their place::

        sums -> pool -> neurons -> words (two) -> spikes
        sums -> pool -> turns -> waiting -> neurons -> trains -> words (two) -> spikes
        sums -> pool -> readout -> scores

    The second where F < P neurons take turns.

    Args:
        design: the layer.

    Members:
        sums: in; a sum for each of P neurons, and its unit.
        steps, delay: in; T of the layer and t0, of the images under way (``delay`` only with
            ``scores``).
        spikes: out, P bits; or
        scores: out, of P channels.

    Cycles: a unit every other one at most; of ``radix``, T for each turn.
    """

    sums: stream.Interface
    spikes: stream.Interface
    delay: Signal
    scores: stream.Interface
    steps: Signal

    def __init__(self, design: LayerDesign):
        self.design = design
        network, neurons = design.network, design.neurons
        if design.graph:
            self.pool = PositionPool(
                neurons=neurons,
                positions=design.positions,
                steps=1 if design.whole_trains else network.steps,
                sum_shape=signed_shape(design.current),
            )
        else:
            self.pool = CurrentPool(
                neurons=neurons,
                groups=design.groups,
                positions=design.positions,
                sum_shape=signed_shape(design.sum),
                pooled_shape=signed_shape(design.current),
                accumulate=design.cumulative,
                style=design.style,
            )
        self.turns = self.trains = None
        if not design.fires:
            self.neurons = self._readout()
            self.score_shape = self.neurons.score_shape
        else:
            if design.turns > 1:
                # The trains of several turns come one after another, or step by step together.
                self.turns = CurrentTurns(
                    self.pool.pooled_shape,
                    neurons=neurons,
                    firing=design.firing,
                    groups=design.groups,
                    every_other=design.unhurried,
                )
                self.trains = SpikeTurns(
                    neurons=neurons,
                    firing=design.firing,
                    steps=design.turn_words,
                )
            radix = network.coding == Coding.RADIX
            self.neurons = self._radix() if radix else self._rate()
        members = {
            "sums": In(stream.Signature(self.pool.sum_layout)),
            "steps": In(count_shape(design.steps)),
        }
        if self.design.fires:
            members["spikes"] = Out(stream.Signature(neurons))
        else:
            members["delay"] = In(index_shape(network.steps))
            members["scores"] = Out(stream.Signature(vector(self.score_shape, neurons)))
        super().__init__(members)

    def _readout(self) -> CurrentReadout:
        design = self.design
        return CurrentReadout(
            design.bias,
            neurons=design.neurons,
            current_shape=self.pool.pooled_shape,
            bounds=design.bounds.potential,
            steps=design.network.steps,
            constant=design.constant,
            summed=design.serial,
            whole_train=design.network.coding == Coding.RADIX,
        )

    def _rate(self) -> RateNeuron:
        design = self.design
        kind = SignedRateNeuron if design.layer.signed else RateNeuron
        return kind(
            design.parameters,
            firing=design.firing,
            current_shape=self.pool.pooled_shape,
            potential=design.bounds.potential,
            cumulative=design.cumulative,
            constant=design.constant,
            steps=design.steps,
            turns=design.turns,
        )

    def _radix(self) -> RadixNeuron:
        design = self.design
        return RadixNeuron(
            design.parameters,
            firing=design.firing,
            current_shape=self.pool.pooled_shape,
            potential=design.bounds.potential,
            steps=design.steps,
            style=design.style,
        )

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
            if self.design.style.path_registers:
                # What neurons are ready for goes no further, and selection ends here.
                depth = 1 if self.design.unhurried else 2
                m.submodules.waiting = waiting = Queue(
                    self.turns.turns.payload.shape(), depth, reset_less=True
                )
                wiring.connect(m, self.turns.turns, waiting.input)
                wiring.connect(m, waiting.output, self.neurons.currents)
            else:
                wiring.connect(m, self.turns.turns, self.neurons.currents)
        m.d.comb += self.neurons.steps.eq(self.steps)
        if self.design.fires:
            # What the next layers are ready for goes no further than here.
            m.submodules.words = words = Queue(
                self.spikes.payload.shape(), 2, reset_less=not self.design.style.payload_resets
            )
            if self.trains is None:
                wiring.connect(m, self.neurons.spikes, words.input)
            else:
                m.submodules.trains = self.trains
                steps = self.steps if self.design.whole_trains else Const(1, 1)
                m.d.comb += self.trains.steps.eq(step_words(steps, self.design.step_planes))
                wiring.connect(m, self.neurons.spikes, self.trains.spikes)
                wiring.connect(m, self.trains.words, words.input)
            wiring.connect(m, words.output, wiring.flipped(self.spikes))
        else:
            m.d.comb += self.neurons.delay.eq(self.delay)
            wiring.connect(m, self.neurons.scores, wiring.flipped(self.scores))
        return m
