// Drives an accelerator over a whole set of images, with no Python per cycle.
//
// design.h is generated for each design: the model's class, the sizes below, and for each layer
// how to read the signals that show it at work.
//
// Arguments: images settings results spikes images-to-record gap-percent stall-percent seed
//            [waves first-image image-count]
//   images    one byte per channel, pixel after pixel (rows, columns, channels)
//   settings  two int32 per image: T, t0
//   results   out, prefix: one file per output, int64: per image scores, the answer of each pixel
//             of the map, cycle of the image's first pixel, of its last beat
//   spikes    out, prefix: one file per layer, a byte per neuron of each spike word
//   waves     out, where the simulation was built for it: all signals from the first pixel of the
//             first image to the last result of the last one; the run ends with it

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "design.h"
#include "random.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using WaveFile = VerilatedFstC;
#elif VM_TRACE_VCD
#include "verilated_vcd_c.h"
using WaveFile = VerilatedVcdC;
#endif

namespace {

// Waveforms of some images; nothing in a simulation that was not built for it.
class Waves {
 public:
    // Half a clock cycle, in the file's nanoseconds.
    static constexpr uint64_t HALF_CYCLE = 5;

    // The file is open before the model is evaluated for the first time.
    Waves(Model& model, int argc, char** argv) {
        if (argc < 12) return;
        first_ = std::atol(argv[10]);
        end_ = first_ + std::atol(argv[11]);
#if VM_TRACE
        model.trace(&file_, 99);
        file_.set_time_unit("1ns");
        file_.set_time_resolution("1ns");
        file_.open(argv[9]);
        if (!file_.isOpen()) throw std::runtime_error(std::string("cannot write ") + argv[9]);
        wanted_ = true;
#endif
    }
    ~Waves() {
#if VM_TRACE
        if (wanted_) file_.close();
#endif
    }
    // Images after which the run can end.
    long images(long all) const { return wanted_ && end_ < all ? end_ : all; }
    // All signals as they are in half a cycle, if the image that comes in is wanted.
    void dump(uint64_t half_cycle, long image_in) {
#if VM_TRACE
        if (wanted_ && image_in >= first_) file_.dump(HALF_CYCLE * half_cycle);
#endif
    }

 private:
    bool wanted_ = false;
    long first_ = 0, end_ = 0;
#if VM_TRACE
    WaveFile file_;
#endif
};

// What the hardware did wrong, with the image that it was about to answer.
struct Failure : std::runtime_error {
    Failure(long image, const std::string& message) : std::runtime_error(message), image(image) {}
    long image;
};

std::vector<uint8_t> read_file(const char* name) {
    std::vector<uint8_t> data;
    FILE* file = std::fopen(name, "rb");
    if (!file) throw std::runtime_error(std::string("cannot read ") + name);
    std::fseek(file, 0, SEEK_END);
    data.resize(std::ftell(file));
    std::rewind(file);
    if (std::fread(data.data(), 1, data.size(), file) != data.size())
        throw std::runtime_error("short read");
    std::fclose(file);
    return data;
}

void run(int argc, char** argv) {
    if (argc != 9 && argc != 12) throw std::runtime_error("needs 8 arguments, 11 with waveforms");
    const auto pixels = read_file(argv[1]);
    const auto settings_bytes = read_file(argv[2]);
    const auto* settings = reinterpret_cast<const int32_t*>(settings_bytes.data());
    const long images = static_cast<long>(settings_bytes.size() / 8);
    const long recorded = std::atol(argv[5]);
    const int gap = std::atoi(argv[6]);
    const int stall = std::atoi(argv[7]);
    Random random(std::strtoull(argv[8], nullptr, 10));

    auto context = std::make_unique<VerilatedContext>();
    context->traceEverOn(argc == 12);
    auto model = std::make_unique<Model>(context.get());
    Waves waves(*model, argc, argv);
    const long awaited = waves.images(images);
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
            words_left[layer] +=
                LAYER_TRAINS[layer] * std::min<long>(LAYER_STEPS[layer], settings[2 * image]);

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
    while (image_out < awaited || words_are_due()) {
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
        waves.dump(2 * cycle, image_in);

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
                throw Failure(output.images,
                              "results: valid or payload changed before ready, in cycle " +
                                  std::to_string(cycle));
            output.held = valid && !output.taking;
            output.held_result = result;
            if (valid && output.taking) {
                if (output.images == images) throw Failure(images - 1, "results: a beat too many");
                std::fwrite(&result.score, 8, 1, result_files[o]);
                last_progress = cycle;
                output.beat++;
                if (output.beat % OUTPUT_CLASSES[o] == 0)
                    output.answers.push_back(result.prediction);
                if (result.last != (output.beat == OUTPUT_CLASSES[o] * OUTPUT_PIXELS[o]))
                    throw Failure(output.images, "results: 'last' on a wrong beat");
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
            throw Failure(image_out, "the accelerator hangs: nothing moved for " +
                                         std::to_string(HANG_CYCLES) + " cycles, " +
                                         std::to_string(image_in) + " images in, " +
                                         std::to_string(image_out) + " out, pixel " +
                                         std::to_string(pixel));
        model->clk = 1;
        model->eval();
        waves.dump(2 * cycle + 1, image_in);
        model->clk = 0;
        cycle++;
        if (image_out > reported && (image_out >= awaited || image_out >= reported + 8)) {
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
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(argc, argv);
    } catch (const Failure& failure) {
        std::printf("failed %ld\nerror %s\n", failure.image, failure.what());
        return 3;
    } catch (const std::runtime_error& error) {
        std::printf("error %s\n", error.what());
        return 3;
    }
    return 0;
}
