// Runs an engine behind its host link, with a memory, and the serial line on a pseudo-terminal.
//
// Arguments: clocks-per-bit words word-cycles latency row-words row-cycles turn-cycles refresh-every
//            refresh-cycles stall-percent seed
//   words: of the memory; what lies beyond is its beginning again
//
// Prints "port PATH", and ends when standard input does. A byte there resets the board; its memory
// keeps its words.

#include <cstdint>
#include <exception>
#include <memory>

#include "Vtop.h"
#include "memory.h"
#include "terminal.h"

namespace {

constexpr int RESET_CYCLES = 4;

void run(char** argv) {
    Terminal terminal(std::atof(argv[1]));
    Timing timing = timing_of(argv + 3);
    timing.wraps = true;
    // Not zero, as little as that of a board is.
    std::vector<uint32_t> words(std::strtoull(argv[2], nullptr, 10));
    for (size_t index = 0; index < words.size(); index++)
        words[index] = static_cast<uint32_t>(index * 2654435769u);
    Memory memory(std::move(words), timing, std::strtoull(argv[3 + TIMING_ARGUMENTS], nullptr, 10));
    auto context = std::make_unique<VerilatedContext>();
    auto model = std::make_unique<Vtop>(context.get());
    model->clk = 0;
    model->rx = 1;
    int resets = RESET_CYCLES;
    for (int64_t cycle = 0;; cycle++) {
        model->rst = resets > 0;
        model->rx = terminal.rx();
        memory.offer(*model, cycle);
        // The host has the memory summed up while no program runs.
        const bool moved = memory.look(*model);
        model->clk = 1;
        model->eval();
        memory.step(cycle);
        model->clk = 0;
        model->eval();
        if (resets) {
            memory.reset();
            if (--resets == 0 && cycle < RESET_CYCLES) terminal.announce();
        }
        terminal.tx(model->tx, model->busy || moved);
        if (cycle % LOOK_CYCLES == 0 && !terminal.look([&](char) { resets = RESET_CYCLES; })) break;
    }
    model->final();
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4 + TIMING_ARGUMENTS) fail("needs 11 arguments");
    try {
        run(argv);
    } catch (const std::exception& error) {
        fail(error.what());
    }
    return 0;
}
