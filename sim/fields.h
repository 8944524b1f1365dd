// Fields of Verilator's signals: integers up to 64 bits, arrays of 32-bit words beyond.

#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

// Bits low .. low + width - 1 of a signal.
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

// Set bits among low .. low + width - 1.
template <typename T>
inline int ones(const T& value, int low, int width) {
    int count = 0;
    for (int end = low + width; low < end; low += 32)
        count += __builtin_popcountll(field(value, low, end - low < 32 ? end - low : 32));
    return count;
}

// A byte for each bit, the lowest first.
template <typename T>
inline void bytes_of(const T& value, int width, std::vector<uint8_t>& bytes) {
    bytes.resize(width);
    for (int bit = 0; bit < width; bit++) bytes[bit] = field(value, bit, 1);
}

// A beat of a result stream.
struct Result {
    int64_t score, prediction;
    bool last;
    bool operator==(const Result& other) const {
        return score == other.score && prediction == other.prediction && last == other.last;
    }
};
