// Runs a board's whole design with its serial line on a pseudo-terminal, as fast as it goes.
//
// Argument: clocks per bit of the line, not necessarily whole. Prints "port PATH", and ends when
// standard input does.

#include <memory>

#include "Vtop.h"
#include "terminal.h"

int main(int argc, char** argv) {
    if (argc != 2) fail("needs 1 argument");
    Terminal terminal(std::atof(argv[1]));
    auto context = std::make_unique<VerilatedContext>();
    auto model = std::make_unique<Vtop>(context.get());
    model->rst = 1;
    model->rx = 1;
    for (int edge = 0; edge < 8; edge++) {
        model->clk = edge & 1;
        model->eval();
    }
    model->clk = 0;
    model->rst = 0;
    terminal.announce();
    for (int64_t cycle = 0;; cycle++) {
        model->rx = terminal.rx();
        model->clk = 1;
        model->eval();
        model->clk = 0;
        model->eval();
        terminal.tx(model->tx, model->busy);
        if (cycle % LOOK_CYCLES == 0 && !terminal.look([](char) {})) break;
    }
    model->final();
    return 0;
}
