// A board's serial line on a pseudo-terminal, for the programs that simulate one.
//
// The UART here is one of its own: it shares nothing with the design's.

#pragma once

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>

[[noreturn]] inline void fail(const char* message) {
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

// A pseudo-terminal whose other end is a board's line.
class Terminal {
 public:
    explicit Terminal(double clocks_per_bit) : sender_(clocks_per_bit), receiver_(clocks_per_bit) {
        if (clocks_per_bit < 2) fail("fewer than two clocks per bit");
        master_ = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
        if (master_ < 0 || grantpt(master_) || unlockpt(master_)) fail("no pseudo-terminal");
        // Held open, so that the terminal outlives a host that closes it.
        const int slave = open(ptsname(master_), O_RDWR | O_NOCTTY);
        termios settings;
        if (slave < 0 || tcgetattr(slave, &settings)) fail("no pseudo-terminal");
        cfmakeraw(&settings);
        tcsetattr(slave, TCSANOW, &settings);
    }

    void announce() const {
        std::printf("port %s\n", ptsname(master_));
        std::fflush(stdout);
    }

    // The line to the board in this cycle.
    bool rx() { return sender_.line(); }

    // The line from the board behind the clock edge; `busy` where the board is at work besides.
    void tx(bool level, bool busy) {
        receiver_.line(level);
        const bool moves = sender_.sending() || receiver_.receiving() || busy;
        quiet_ = moves ? 0 : quiet_ + 1;
    }

    // Passes on what has come; false once standard input has ended. What comes there goes to
    // `told`, byte by byte.
    template <class Told>
    bool look(Told told) {
        pollfd looked_at[2] = {{master_, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
        poll(looked_at, 2, quiet_ > QUIET_CYCLES ? 20 : 0);
        if (looked_at[1].revents) {
            char byte;
            if (read(STDIN_FILENO, &byte, 1) <= 0) return false;
            told(byte);
        }
        // The line is slow: what it has not taken stays in the terminal, as with a real adapter.
        if ((looked_at[0].revents & POLLIN) && sender_.bytes.size() < 64) {
            uint8_t buffer[512];
            const ssize_t count = read(master_, buffer, sizeof buffer);
            for (ssize_t index = 0; index < count; index++) sender_.bytes.push_back(buffer[index]);
        }
        while (!receiver_.bytes.empty() && write(master_, &receiver_.bytes.front(), 1) == 1)
            receiver_.bytes.pop_front();
        return true;
    }

 private:
    Sender sender_;
    Receiver receiver_;
    int master_ = -1;
    int64_t quiet_ = 0;
};
