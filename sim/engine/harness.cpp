// Drives an engine over images, with a memory behind it that takes the time of an SDRAM.
//
// Arguments: memory images address results program program-words weights weight-words
//            words word-cycles latency row-words row-cycles turn-cycles refresh-every refresh-cycles
//            stall-percent seed
//   memory    uint32 words, what was loaded
//   images    uint32 words of each image, to be put at `address`
//   results   out: the first `words` words of the memory after each image
//   program, weights and their words: where the engine finds them
//
// Prints for each image "pass CYCLE" where a pass begins, and "image CYCLES".

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "Vtop.h"
#include "port.h"
#include "random.h"

// Verilator's names of what has two underscores.
#define PORT(name) memory___05F##name
#define COMMANDS(name) PORT(commands___05F##name)
#define WRITTEN(name) PORT(written___05F##name)
#define READ(name) PORT(read___05F##name)

namespace {

constexpr int64_t HANG_CYCLES = 200000;
constexpr size_t COMMANDS_WAITING = 8, WORDS_WAITING = 64;

struct Timing {
    int word_cycles, latency, row_words, row_cycles, turn_cycles, refresh_every, refresh_cycles;
    int stall;
};

struct Command {
    uint64_t address;
    int words;
    bool write;
};

std::vector<uint32_t> read_words(const char* name) {
    FILE* file = std::fopen(name, "rb");
    if (!file) throw std::runtime_error(std::string("cannot read ") + name);
    std::fseek(file, 0, SEEK_END);
    std::vector<uint32_t> words(std::ftell(file) / 4);
    std::rewind(file);
    if (std::fread(words.data(), 4, words.size(), file) != words.size())
        throw std::runtime_error("short read");
    std::fclose(file);
    return words;
}

// Commands in order, one after another, each word in its time.
class Memory {
 public:
    Memory(std::vector<uint32_t> words, Timing timing, uint64_t seed)
        : words(std::move(words)), timing_(timing), random_(seed) {}

    std::vector<uint32_t> words;

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

 private:
    uint32_t& at(uint64_t address) {
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
    bool command_stalls_ = false, word_stalls_ = false, read_stalls_ = false;
};

void run(int argc, char** argv) {
    if (argc != 19) throw std::runtime_error("needs 18 arguments");
    const auto number = [&](int index) { return std::strtoll(argv[index], nullptr, 10); };
    const auto images = read_words(argv[2]);
    const uint64_t image_address = number(3);
    FILE* results = std::fopen(argv[4], "wb");
    if (!results) throw std::runtime_error(std::string("cannot write ") + argv[4]);
    const Timing timing{static_cast<int>(number(10)),  static_cast<int>(number(11)),
                        static_cast<int>(number(12)), static_cast<int>(number(13)),
                        static_cast<int>(number(14)), static_cast<int>(number(15)),
                        static_cast<int>(number(16)), static_cast<int>(number(17))};
    Memory memory(read_words(argv[1]), timing, number(18));
    const size_t kept = number(9);
    // The first number of the images' file says how many words an image has.
    if (images.empty() || images[0] == 0) throw std::runtime_error("no images");
    const size_t image_words = images[0];
    const size_t count = (images.size() - 1) / image_words;

    auto context = std::make_unique<VerilatedContext>();
    auto model = std::make_unique<Vtop>(context.get());
    model->rst = 1;
    model->start = 0;
    for (int edge = 0; edge < 4; edge++) {
        model->clk = edge & 1;
        model->eval();
    }
    model->clk = 0;
    model->rst = 0;
    model->program_base = number(5);
    model->program_words = number(6);
    model->weights_base = number(7);
    model->weights_words = number(8);

    int64_t cycle = 0, last_progress = 0;
    for (size_t image = 0; image < count; image++) {
        for (size_t word = 0; word < image_words; word++)
            memory.words.at(image_address + word) = images[1 + image * image_words + word];
        const int64_t begun = cycle;
        bool running = false;
        model->start = 1;
        while (true) {
            model->COMMANDS(ready) = memory.takes_command();
            model->WRITTEN(ready) = memory.takes_word();
            const bool gives = memory.gives_word(cycle);
            model->READ(valid) = gives;
            model->READ(payload) = gives ? memory.word() : 0;
            model->eval();
            if (model->go) std::printf("pass %lld\n", static_cast<long long>(cycle - begun));
            running = running || !model->done;
            if (running && model->done) break;

            Command command{};
            const bool commanded = model->COMMANDS(valid) && model->COMMANDS(ready);
            if (commanded) {
                const uint64_t payload = model->COMMANDS(payload);
                command.address = payload & ((uint64_t{1} << ADDRESS_BITS) - 1);
                command.words = 1 + (payload >> ADDRESS_BITS & ((1 << COUNT_BITS) - 1));
                command.write = payload >> (ADDRESS_BITS + COUNT_BITS) & 1;
            }
            const bool wrote = model->WRITTEN(valid) && model->WRITTEN(ready);
            const uint32_t written = model->WRITTEN(payload);
            const bool taken = gives && model->READ(ready);
            if (commanded || wrote || taken || model->go) last_progress = cycle;
            if (cycle - last_progress > HANG_CYCLES)
                throw std::runtime_error("the engine hangs in image " + std::to_string(image));
            model->clk = 1;
            model->eval();
            memory.step(cycle, commanded ? &command : nullptr, wrote ? &written : nullptr, taken);
            model->clk = 0;
            model->start = 0;
            cycle++;
        }
        std::printf("image %lld\n", static_cast<long long>(cycle - begun));
        std::fflush(stdout);
        std::fwrite(memory.words.data(), 4, kept, results);
    }
    std::fclose(results);
    model->final();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(argc, argv);
    } catch (const std::exception& error) {
        std::printf("error %s\n", error.what());
        return 3;
    }
    return 0;
}
