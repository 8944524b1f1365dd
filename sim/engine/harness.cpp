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
#include "memory.h"

namespace {

constexpr int64_t HANG_CYCLES = 200000;

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

void run(int argc, char** argv) {
    if (argc != 19) throw std::runtime_error("needs 18 arguments");
    const auto number = [&](int index) { return std::strtoll(argv[index], nullptr, 10); };
    const auto images = read_words(argv[2]);
    const uint64_t image_address = number(3);
    FILE* results = std::fopen(argv[4], "wb");
    if (!results) throw std::runtime_error(std::string("cannot write ") + argv[4]);
    Memory memory(read_words(argv[1]), timing_of(argv + 10), number(10 + TIMING_ARGUMENTS));
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
            memory.offer(*model, cycle);
            if (model->go) std::printf("pass %lld\n", static_cast<long long>(cycle - begun));
            running = running || !model->done;
            if (running && model->done) break;

            if (memory.look(*model) || model->go) last_progress = cycle;
            if (cycle - last_progress > HANG_CYCLES)
                throw std::runtime_error("the engine hangs in image " + std::to_string(image));
            model->clk = 1;
            model->eval();
            memory.step(cycle);
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
