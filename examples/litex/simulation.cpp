// A clock for the SoC; what its serial line sends goes to standard output until it sends a 4.
#include <cstdio>

#include "Vtop.h"
#include "verilated.h"

int main() {
  Vtop soc;
  soc.serial_source_ready = 1;
  soc.serial_sink_valid = 0;
  for (long cycle = 0; cycle < 1'000'000; cycle++) {
    soc.sys_rst = cycle < 10;
    soc.sys_clk = 0;
    soc.eval();
    bool sent = soc.serial_source_valid && cycle > 10;
    int letter = soc.serial_source_data;
    soc.sys_clk = 1;
    soc.eval();
    if (!sent) continue;
    if (letter == 4) {
      std::printf("%ld cycles\n", cycle);
      return 0;
    }
    std::putchar(letter);
  }
  std::fprintf(stderr, "no end after 1,000,000 cycles\n");
  return 1;
}
