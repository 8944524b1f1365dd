// Runs a board's whole design with its serial line on a pseudo-terminal, as fast as it goes.
//
// Argument: clocks per bit of the line, not necessarily whole. Prints "port PATH", and ends when
// standard input does. The UART here is one of its own: it shares nothing with the design's.

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>

#include "Vtop.h"

namespace {

[[noreturn]] void fail(const char* message) {
    std::printf("error %s\n", message);
    std::exit(3);
}

// Bytes to the line: start bit, eight data bits, stop bit.
class Sender {
 public:
    explicit Sender(double clocks_per_bit) : clocks_per_bit_(clocks_per_bit) {}
    std::deque<uint8_t> bytes;

    bool sending() const { return bits_left_ || !bytes.empty(); }

    bool line() {
        if (!bits_left_) {
            if (bytes.empty()) {
                clock_ = 0;
                return true;
            }
            frame_ = 0x200u | bytes.front() << 1;
            bytes.pop_front();
            bits_left_ = 10;
            // The next byte begins where this one ended, fractions of a clock included.
            clock_ = clock_ > 0 ? clock_ - clocks_per_bit_ : 0;
        }
        const bool level = frame_ & 1;
        clock_ += 1;
        if (clock_ >= clocks_per_bit_) {
            frame_ >>= 1;
            if (--bits_left_) clock_ -= clocks_per_bit_;
        }
        return level;
    }

 private:
    const double clocks_per_bit_;
    double clock_ = 0;
    uint32_t frame_ = 0;
    int bits_left_ = 0;
};

// The line to bytes, each bit looked at in its middle.
class Receiver {
 public:
    explicit Receiver(double clocks_per_bit) : clocks_per_bit_(clocks_per_bit) {}
    std::deque<uint8_t> bytes;

    bool receiving() const { return bit_ >= 0; }

    void line(bool level) {
        if (bit_ < 0) {
            if (level) return;
            bit_ = 0;
            until_ = clocks_per_bit_ / 2;
            value_ = 0;
        }
        until_ -= 1;
        if (until_ > 0) return;
        until_ += clocks_per_bit_;
        if (bit_ == 0 && level) fail("a start bit that is none");
        if (bit_ >= 1 && bit_ <= 8) value_ |= static_cast<uint32_t>(level) << (bit_ - 1);
        if (bit_ == 9) {
            if (!level) fail("a stop bit that is none");
            bytes.push_back(static_cast<uint8_t>(value_));
            bit_ = -1;
            return;
        }
        bit_++;
    }

 private:
    const double clocks_per_bit_;
    double until_ = 0;
    uint32_t value_ = 0;
    int bit_ = -1;
};

// Cycles between two looks at the pseudo-terminal, and quiet cycles until those looks wait.
constexpr int64_t LOOK_CYCLES = 256, QUIET_CYCLES = 20000;

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) fail("needs 1 argument");
    const double clocks_per_bit = std::atof(argv[1]);
    if (clocks_per_bit < 2) fail("fewer than two clocks per bit");

    const int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (master < 0 || grantpt(master) || unlockpt(master)) fail("no pseudo-terminal");
    // Held open, so that the terminal outlives a host that closes it.
    const int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    termios settings;
    if (slave < 0 || tcgetattr(slave, &settings)) fail("no pseudo-terminal");
    cfmakeraw(&settings);
    tcsetattr(slave, TCSANOW, &settings);

    auto context = std::make_unique<VerilatedContext>();
    auto model = std::make_unique<Vtop>(context.get());
    Sender sender(clocks_per_bit);
    Receiver receiver(clocks_per_bit);
    model->rst = 1;
    model->rx = 1;
    for (int edge = 0; edge < 8; edge++) {
        model->clk = edge & 1;
        model->eval();
    }
    model->clk = 0;
    model->rst = 0;
    std::printf("port %s\n", ptsname(master));
    std::fflush(stdout);

    int64_t quiet = 0;
    for (int64_t cycle = 0;; cycle++) {
        model->rx = sender.line();
        model->clk = 1;
        model->eval();
        model->clk = 0;
        model->eval();
        receiver.line(model->tx);
        const bool moves = sender.sending() || receiver.receiving() || model->busy;
        quiet = moves ? 0 : quiet + 1;
        if (cycle % LOOK_CYCLES) continue;

        pollfd looked_at[2] = {{master, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        poll(looked_at, 2, quiet > QUIET_CYCLES ? 20 : 0);
        if (looked_at[1].revents) {
            char byte;
            if (read(STDIN_FILENO, &byte, 1) <= 0) break;
        }
        // The line is slow: what it has not taken stays in the terminal, as with a real adapter.
        if ((looked_at[0].revents & POLLIN) && sender.bytes.size() < 64) {
            uint8_t buffer[512];
            const ssize_t count = read(master, buffer, sizeof buffer);
            for (ssize_t index = 0; index < count; index++) sender.bytes.push_back(buffer[index]);
        }
        while (!receiver.bytes.empty() && write(master, &receiver.bytes.front(), 1) == 1)
            receiver.bytes.pop_front();
    }
    model->final();
    return 0;
}
