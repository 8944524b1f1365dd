// A memory behind an engine's memory port, in the time of an SDRAM.

#pragma once

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "port.h"
#include "random.h"

// Verilator's names of what has two underscores.
#define PORT(name) memory___05F##name
#define COMMANDS(name) PORT(commands___05F##name)
#define WRITTEN(name) PORT(written___05F##name)
#define READ(name) PORT(read___05F##name)

constexpr size_t COMMANDS_WAITING = 8, WORDS_WAITING = 64;

struct Timing {
    int word_cycles, latency, row_words, row_cycles, turn_cycles, refresh_every, refresh_cycles;
    int stall;
    // What lies beyond the memory is its beginning again, as on a board; an error where it is not.
    bool wraps = false;
};

constexpr int TIMING_ARGUMENTS = 8;

inline Timing timing_of(char** arguments) {
    const auto number = [&](int index) { return std::atoi(arguments[index]); };
    return {number(0), number(1), number(2), number(3), number(4), number(5), number(6), number(7)};
}

struct Command {
    uint64_t address;
    int words;
    bool write;
};

// Commands in order, one after another, each word in its time.
class Memory {
 public:
    Memory(std::vector<uint32_t> words, Timing timing, uint64_t seed)
        : words(std::move(words)), timing_(timing), random_(seed) {}

    std::vector<uint32_t> words;

    // The signals of `model` for a cycle, whose clock is low.
    template <class Model>
    void offer(Model& model, int64_t cycle) {
        model.COMMANDS(ready) = takes_command();
        model.WRITTEN(ready) = takes_word();
        gives_ = gives_word(cycle);
        model.READ(valid) = gives_;
        model.READ(payload) = gives_ ? word() : 0;
        model.eval();
    }

    // What `model` has done in the cycle, once its signals have settled; whether it was anything.
    template <class Model>
    bool look(const Model& model) {
        commanded_ = model.COMMANDS(valid) && model.COMMANDS(ready);
        if (commanded_) {
            const uint64_t payload = model.COMMANDS(payload);
            command_.address = payload & ((uint64_t{1} << ADDRESS_BITS) - 1);
            command_.words = 1 + (payload >> ADDRESS_BITS & ((1 << COUNT_BITS) - 1));
            command_.write = payload >> (ADDRESS_BITS + COUNT_BITS) & 1;
        }
        wrote_ = model.WRITTEN(valid) && model.WRITTEN(ready);
        written_ = model.WRITTEN(payload);
        taken_ = gives_ && model.READ(ready);
        return commanded_ || wrote_ || taken_;
    }

    // The clock edge behind what was looked at.
    void step(int64_t cycle) {
        step(cycle, commanded_ ? &command_ : nullptr, wrote_ ? &written_ : nullptr, taken_);
    }

    // Forgets all that is under way; the words stay.
    void reset() {
        commands_.clear();
        read_.clear();
        left_ = wait_ = refresh_ = 0;
        write_ = offered_ = false;
    }

 private:
    bool takes_command() { return commands_.size() < COMMANDS_WAITING && !command_stalls_; }
    bool takes_word() { return wait_ == 0 && left_ && write_ && !word_stalls_; }
    bool gives_word(int64_t cycle) {
        return !read_.empty() && read_.front().second <= cycle && (offered_ || !read_stalls_);
    }
    uint32_t word() { return read_.front().first; }

    // What happened at the clock edge that ends a cycle.
    void step(int64_t cycle, const Command* command, const uint32_t* written, bool word_taken) {
        offered_ = gives_word(cycle) && !word_taken;
        if (word_taken) read_.pop_front();
        if (command) commands_.push_back(*command);
        if (timing_.refresh_every && cycle % timing_.refresh_every == 0)
            refresh_ += timing_.refresh_cycles;
        if (wait_ > 0) {
            wait_--;
        } else if (left_ && write_) {
            if (written) {
                at(address_++) = *written;
                left_--;
                wait_ = timing_.word_cycles - 1;
            }
        } else if (left_) {
            if (read_.size() < WORDS_WAITING) {
                read_.emplace_back(at(address_++), cycle + timing_.latency);
                left_--;
                wait_ = timing_.word_cycles - 1;
            }
        } else if (!commands_.empty()) {
            const Command next = commands_.front();
            commands_.pop_front();
            const uint64_t row = next.address / timing_.row_words;
            wait_ = refresh_;
            if (refresh_ || row != row_) wait_ += timing_.row_cycles;
            if (next.write != write_) wait_ += timing_.turn_cycles;
            refresh_ = 0;
            row_ = (next.address + next.words - 1) / timing_.row_words;
            if (row_ != row) wait_ += timing_.row_cycles;
            address_ = next.address;
            left_ = next.words;
            write_ = next.write;
        }
        command_stalls_ = random_.percent(timing_.stall);
        word_stalls_ = random_.percent(timing_.stall);
        read_stalls_ = random_.percent(timing_.stall);
    }

    uint32_t& at(uint64_t address) {
        if (timing_.wraps) address %= words.size();
        if (address >= words.size())
            throw std::runtime_error("address " + std::to_string(address) +
                                     " is beyond the memory of " + std::to_string(words.size()) +
                                     " words");
        return words[address];
    }

    Timing timing_;
    Random random_;
    std::deque<Command> commands_;
    std::deque<std::pair<uint32_t, int64_t>> read_;
    uint64_t address_ = 0, row_ = ~uint64_t{0};
    int left_ = 0, wait_ = 0, refresh_ = 0;
    bool write_ = false, offered_ = false;
    Command command_{};
    uint32_t written_ = 0;
    bool commanded_ = false, wrote_ = false, taken_ = false, gives_ = false;
    bool command_stalls_ = false, word_stalls_ = false, read_stalls_ = false;
};
