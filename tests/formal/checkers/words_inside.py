"""The words that a component holds, as they came, with how long each has been inside."""

from __future__ import annotations

from collections.abc import Sequence

from amaranth import Module, Mux, Signal, Value


def follow_words(
    m: Module,
    words: Sequence[Value],
    ages: Sequence[Signal],
    count: Signal,
    *,
    comes: Signal,
    incoming: Value,
    gone: Signal,
    old: int,
) -> None:
    """Moves ``words`` up where the first is ``gone``, and puts what ``comes`` behind the last.

    Ages are in cycles, up to ``old``.
    """
    m.d.sync += count.eq(count + comes - gone)
    for index in range(len(words)):
        later = min(index + 1, len(words) - 1)
        age = Mux(gone, ages[later], ages[index])
        m.d.sync += ages[index].eq(Mux(age == old, old, age + 1))
        with m.If(gone):
            m.d.sync += words[index].eq(words[later])
        with m.If(comes & (count - gone == index)):
            m.d.sync += [words[index].eq(incoming), ages[index].eq(1)]
