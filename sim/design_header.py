"""C++ header that tells the harness how to drive and watch one accelerator."""

from __future__ import annotations

from amaranth.hdl import Shape

from ..golden.network import Network
from ..hw.accelerator.accelerator import result_layout, result_names
from ..hw.design.folding import Folding
from ..hw.verilog.generation import TOP
from ..hw.verilog.probes import LayerProbe, probes

#: Cycles without any movement after which the harness calls it a hang, at the least.
LEAST_HANG_CYCLES = 100_000

_FIELDS = """
template <typename T>
inline uint64_t field(const T& value, int low, int width) {
    uint64_t bits = 0;
    if constexpr (std::is_integral_v<T>) {
        bits = static_cast<uint64_t>(value) >> low;
    } else {
        for (int bit = 0; bit < width; bit++)
            bits |= static_cast<uint64_t>(value[(low + bit) / 32] >> ((low + bit) % 32) & 1) << bit;
    }
    return width == 64 ? bits : bits & ((uint64_t{1} << width) - 1);
}
inline int64_t sign_extended(uint64_t bits, int width) {
    return static_cast<int64_t>(bits << (64 - width)) >> (64 - width);
}
template <typename T>
inline int ones(const T& value, int low, int width) {
    int count = 0;
    for (int end = low + width; low < end; low += 32)
        count += __builtin_popcountll(field(value, low, end - low < 32 ? end - low : 32));
    return count;
}
template <typename T>
inline void bytes_of(const T& value, int width, std::vector<uint8_t>& bytes) {
    bytes.resize(width);
    for (int bit = 0; bit < width; bit++) bytes[bit] = field(value, bit, 1);
}
struct Result {
    int64_t score, prediction;
    bool last;
    bool operator==(const Result& other) const {
        return score == other.score && prediction == other.prediction && last == other.last;
    }
};
"""


def control_file(signals: list[str]) -> str:
    """Verilator configuration that makes ``signals`` of the top module readable, and no others."""
    lines = [f'public_flat_rd -module "{TOP}" -var "{signal}"' for signal in signals]
    return "\n".join(["`verilator_config", *lines, ""])


def design_header(network: Network, folding: Folding, *, watched: bool = True) -> str:
    """``design.h`` for ``harness.cpp``.

    Without ``watched`` the harness sees the ports alone: no spikes are recorded and no
    accumulations counted.
    """
    channels, rows, columns = network.input_shape
    layers = probes(network, folding)
    trains = [
        shape.output[1] * shape.output[2] * probe.groups
        for shape, probe in zip(network.shapes, layers, strict=True)
    ]
    neurons = [str(probe.neurons if probe.word else 0) for probe in layers]
    busiest = max(train * network.steps for train in trains)
    counters = [
        (probe.accumulating, sum(probe.bits[:number]), bits)
        for probe in layers
        for number, bits in enumerate(probe.bits)
    ]
    names = result_names(network)
    pixels = [shape[1] * shape[2] for shape in network.output_shapes]
    if not watched:
        layers, trains, neurons, counters = (), [], [], []
    return f"""
#include <type_traits>
#include <vector>
#include "Vtop.h"
#include "Vtop___024root.h"
using Model = Vtop;
#define PIXELS_VALID pixels___05Fvalid
#define PIXELS_READY pixels___05Fready
constexpr int CHANNELS = {channels}, PIXELS = {rows * columns};
constexpr int OUTPUTS = {len(names)};
constexpr int OUTPUT_CLASSES[OUTPUTS] = {{{_listed(s[0] for s in network.output_shapes)}}};
constexpr int OUTPUT_PIXELS[OUTPUTS] = {{{_listed(pixels)}}};
constexpr int LAYERS = {len(layers)}, COUNTERS = {len(counters)};
constexpr int LAYER_NEURONS[LAYERS] = {{{_listed(neurons)}}};
constexpr long LAYER_TRAINS[LAYERS] = {{{_listed(trains)}}};
constexpr long HANG_CYCLES = {max(LEAST_HANG_CYCLES, 4 * busiest)};
{_FIELDS}
inline void set_pixel(Model& model, const uint8_t* pixel) {{
{_set_pixel(channels)}
}}
inline Result get_result(Model& model, int output) {{
    switch (output) {{
{_cases(_result_case(network, output, name) for output, name in enumerate(names))}
    }}
    return Result{{}};
}}
inline bool results_valid(Model& model, int output) {{
    switch (output) {{
{_cases(f"return model.{name}___05Fvalid;" for name in names)}
    }}
    return false;
}}
inline void set_results_ready(Model& model, int output, bool ready) {{
    switch (output) {{
{_cases(f"model.{name}___05Fready = ready; break;" for name in names)}
    }}
}}
inline int accumulating(Model& model, int counter) {{
    switch (counter) {{
{_cases(f"return ones({_signal(name)}, {low}, {bits});" for name, low, bits in counters)}
    }}
    return 0;
}}
inline bool spike_word(Model& model, int layer, std::vector<uint8_t>& bytes) {{
    switch (layer) {{
{_cases(_spike_case(probe) for probe in layers)}
    }}
    return false;
}}
"""


def _listed(numbers) -> str:
    return ", ".join(map(str, numbers))


def _result_case(network: Network, output: int, name: str) -> str:
    layout = result_layout(network, output)
    fields = {
        member: (layout[member].offset, Shape.cast(layout[member].shape))
        for member in layout.members
    }
    score_low, score_shape = fields["score"]
    prediction_low, prediction_shape = fields["prediction"]
    bits = f"model.{name}___05Fpayload"
    score = f"field({bits}, {score_low}, {score_shape.width})"
    if score_shape.signed:
        score = f"sign_extended({score}, {score_shape.width})"
    prediction = f"field({bits}, {prediction_low}, {prediction_shape.width})"
    return (
        f"return Result{{static_cast<int64_t>({score}), static_cast<int64_t>({prediction}), "
        f"field({bits}, {fields['last'][0]}, 1) != 0}};"
    )


def _signal(name: str) -> str:
    return f"model.rootp->{TOP}__DOT__{name}"


def _cases(statements) -> str:
    return "\n".join(f"    case {i}: {statement}" for i, statement in enumerate(statements))


def _spike_case(probe: LayerProbe) -> str:
    if not probe.word:
        return "return false;"
    return (
        f"if (!({_signal(probe.valid)} && {_signal(probe.ready)})) return false; "
        f"bytes_of({_signal(probe.word)}, {probe.neurons}, bytes); return true;"
    )


def _set_pixel(channels: int) -> str:
    if channels <= 8:
        terms = [f"static_cast<uint64_t>(pixel[{c}]) << {8 * c}" for c in range(channels)]
        return f"    model.pixels___05Fpayload = {' | '.join(terms)};"
    lines = []
    for word in range(-(-channels // 4)):
        terms = [
            f"static_cast<uint32_t>(pixel[{c}]) << {8 * (c % 4)}"
            for c in range(4 * word, min(channels, 4 * word + 4))
        ]
        lines.append(f"    model.pixels___05Fpayload[{word}] = {' | '.join(terms)};")
    return "\n".join(lines)
