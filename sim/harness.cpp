// Drives an accelerator over a whole set of images, with no Python per cycle.
//
// design.h is generated for each design: the model's class, the sizes below, and for each layer
// how to read the signals that show it at work.
//
// Arguments: images settings results spikes images-to-record gap-percent stall-percent seed
//   images    one byte per channel, pixel after pixel (rows, columns, channels)
//   settings  two int32 per image: T, t0
//   results   out, prefix: one file per output, int64: per image scores, the answer of each pixel
//             of the map, cycle of the image's first pixel, of its last beat
//   spikes    out, prefix: one file per layer, a byte per neuron of each spike word

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "design.h"

namespace {

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

[[noreturn]] void fail(const std::string& message) {
    std::printf("error %s\n", message.c_str());
    std::exit(3);
}

std::vector<uint8_t> read_file(const char* name) {
    std::vector<uint8_t> data;
    FILE* file = std::fopen(name, "rb");
    if (!file) fail(std::string("cannot read ") + name);
    std::fseek(file, 0, SEEK_END);
    data.resize(std::ftell(file));
    std::rewind(file);
    if (std::fread(data.data(), 1, data.size(), file) != data.size()) fail("short read");
    std::fclose(file);
    return data;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 9) fail("needs 8 arguments");
    const auto pixels = read_file(argv[1]);
    const auto settings_bytes = read_file(argv[2]);
    const auto* settings = reinterpret_cast<const int32_t*>(settings_bytes.data());
    const long images = static_cast<long>(settings_bytes.size() / 8);
    const long recorded = std::atol(argv[5]);
    const int gap = std::atoi(argv[6]);
    const int stall = std::atoi(argv[7]);
    Random random(std::strtoull(argv[8], nullptr, 10));

    auto context = std::make_unique<VerilatedContext>();
    auto model = std::make_unique<Model>(context.get());
    std::vector<FILE*> result_files(OUTPUTS, nullptr);
    for (int output = 0; output < OUTPUTS; output++)
        result_files[output] =
            std::fopen((std::string(argv[3]) + std::to_string(output)).c_str(), "wb");
    std::vector<FILE*> spike_files(LAYERS, nullptr);
    for (int layer = 0; layer < LAYERS; layer++)
        if (LAYER_NEURONS[layer] && recorded)
            spike_files[layer] =
                std::fopen((std::string(argv[4]) + std::to_string(layer)).c_str(), "wb");

    // Spike words of the recorded images: counted, because a train's length is the image's T.
    std::vector<int64_t> words_left(LAYERS, 0);
    for (int layer = 0; layer < LAYERS; layer++)
        for (long image = 0; LAYER_NEURONS[layer] && image < recorded && image < images; image++)
            words_left[layer] += LAYER_TRAINS[layer] * settings[2 * image];

    std::vector<int64_t> accumulations(COUNTERS, 0);
    std::vector<int64_t> entered(images, 0);
    std::vector<uint8_t> word_bytes;
    int64_t cycle = 0, last_progress = 0, reported = 0;
    long pixel = 0, image_in = 0, image_out = 0;
    bool offering = false;
    struct Output {
        long images = 0;
        int beat = 0;
        bool taking = false, held = false;
        Result held_result{};
        std::vector<int64_t> answers;
    };
    std::vector<Output> outputs(OUTPUTS);

    model->rst = 1;
    for (int edge = 0; edge < 4; edge++) {
        model->clk = edge & 1;
        model->eval();
    }
    model->clk = 0;
    model->rst = 0;

    // Rows that no window needs may still leave a layer after the last result.
    const auto words_are_due = [&] {
        return std::any_of(words_left.begin(), words_left.end(), [](int64_t n) { return n > 0; });
    };
    while (image_out < images || words_are_due()) {
        if (!offering) offering = image_in < images && !random.percent(gap);
        for (auto& output : outputs)
            if (!output.taking) output.taking = !random.percent(stall);
        model->PIXELS_VALID = offering;
        if (offering) {
            set_pixel(*model, &pixels[(image_in * PIXELS + pixel) * CHANNELS]);
            model->steps = settings[2 * image_in];
            model->delay = settings[2 * image_in + 1];
        }
        for (int o = 0; o < OUTPUTS; o++) set_results_ready(*model, o, outputs[o].taking);
        model->eval();

        if (offering && model->PIXELS_READY) {
            if (pixel == 0) entered[image_in] = cycle;
            if (++pixel == PIXELS) {
                pixel = 0;
                image_in++;
            }
            offering = false;
            last_progress = cycle;
        }
        for (int counter = 0; counter < COUNTERS; counter++) {
            const int64_t adds = accumulating(*model, counter);
            accumulations[counter] += adds;
            if (adds) last_progress = cycle;
        }
        for (int layer = 0; layer < LAYERS; layer++) {
            if (words_left[layer] && spike_word(*model, layer, word_bytes)) {
                std::fwrite(word_bytes.data(), 1, word_bytes.size(), spike_files[layer]);
                words_left[layer]--;
                last_progress = cycle;
            }
        }
        for (int o = 0; o < OUTPUTS; o++) {
            Output& output = outputs[o];
            const Result result = get_result(*model, o);
            const bool valid = results_valid(*model, o);
            if (output.held && (!valid || !(result == output.held_result)))
                fail("results: valid or payload changed before ready, in cycle " +
                     std::to_string(cycle));
            output.held = valid && !output.taking;
            output.held_result = result;
            if (valid && output.taking) {
                if (output.images == images) fail("results: a beat too many");
                std::fwrite(&result.score, 8, 1, result_files[o]);
                last_progress = cycle;
                output.beat++;
                if (output.beat % OUTPUT_CLASSES[o] == 0)
                    output.answers.push_back(result.prediction);
                if (result.last != (output.beat == OUTPUT_CLASSES[o] * OUTPUT_PIXELS[o]))
                    fail("results: 'last' on a wrong beat");
                if (result.last) {
                    std::fwrite(output.answers.data(), 8, output.answers.size(), result_files[o]);
                    std::fwrite(&entered[output.images], 8, 1, result_files[o]);
                    std::fwrite(&cycle, 8, 1, result_files[o]);
                    output.beat = 0;
                    output.answers.clear();
                    output.images++;
                }
            }
            if (output.taking) output.taking = false;
            if (o == 0 || output.images < image_out) image_out = output.images;
        }
        if (cycle - last_progress > HANG_CYCLES)
            fail("the accelerator hangs: nothing moved for " + std::to_string(HANG_CYCLES) +
                 " cycles, " + std::to_string(image_in) + " images in, " +
                 std::to_string(image_out) + " out, pixel " + std::to_string(pixel));
        model->clk = 1;
        model->eval();
        model->clk = 0;
        cycle++;
        if (image_out > reported && (image_out == images || image_out >= reported + 8)) {
            reported = image_out;
            std::printf("done %ld\n", image_out);
            std::fflush(stdout);
        }
    }
    std::printf("cycles %lld\n", static_cast<long long>(cycle));
    for (int counter = 0; counter < COUNTERS; counter++)
        std::printf("accumulations %lld\n", static_cast<long long>(accumulations[counter]));
    for (FILE* file : result_files) std::fclose(file);
    for (FILE* file : spike_files)
        if (file) std::fclose(file);
    model->final();
    return 0;
}
