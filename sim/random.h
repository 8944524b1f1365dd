// Chances that are the same on every machine.

#pragma once

#include <cstdint>

// A small generator of its own (xorshift64*), so that a seed means the same on every machine.
class Random {
 public:
    explicit Random(uint64_t seed) : state_(seed * 2654435769u + 88172645463325252ull) {}
    bool percent(int chance) {
        if (chance <= 0) return false;
        state_ ^= state_ >> 12;
        state_ ^= state_ << 25;
        state_ ^= state_ >> 27;
        return (state_ * 2685821657736338717ull >> 33) % 100 < static_cast<uint64_t>(chance);
    }

 private:
    uint64_t state_;
};
