"""ResultWriter: every score once, in the order of the classes, and the first of the largest."""

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import data

from rheobase.hw.basics.shapes import index_shape
from rheobase.hw.readout.result_writer import ResultWriter
from rheobase.sim.prove import Checker


class ResultWriterChecker(Checker):
    component: ResultWriter

    def state(self, m: Module) -> None:
        writer = self.component
        neurons, classes = writer.neurons, writer.classes
        self.assume_stream(m, writer.scores, "scores")
        self.check_stream(m, writer.results, "results")

        # The group under way: scores still to come, and the class that is next.
        group = Signal(data.ArrayLayout(writer.score_shape, neurons))
        begun = Signal()
        member = Signal(range(neurons + 1))
        next_class = Signal(range(classes + 1))
        image = Signal(data.ArrayLayout(writer.score_shape, classes))
        result = writer.results.payload
        taken = Signal()
        given = Signal()
        group_ends = Signal()
        last = Signal()
        m.d.comb += [
            taken.eq(writer.scores.valid & writer.scores.ready),
            given.eq(writer.results.valid & writer.results.ready),
            last.eq(next_class == classes - 1),
            group_ends.eq(last | (member == neurons - 1)),
        ]
        with m.If(given):
            m.d.sync += [
                image[next_class].eq(result.score),
                member.eq(member + 1),
                next_class.eq(Mux(last, 0, next_class + 1)),
            ]
            with m.If(group_ends):
                m.d.sync += begun.eq(0)
        with m.If(taken):
            m.d.sync += [group.eq(writer.scores.payload), begun.eq(1), member.eq(0)]
        self.check(m, "gives_what_it_has", writer.results.valid == begun)
        self.check(m, "takes_what_fits", writer.scores.ready == (~begun | (given & group_ends)))
        self.check(m, "unchanged_in_order", ~begun | (result.score == group[member]))
        # The pixel under way: the image's last beat is the last class of the last pixel.
        pixel = Signal(range(writer.pixel_count + 1))
        with m.If(given & last):
            m.d.sync += pixel.eq(Mux(pixel == writer.pixel_count - 1, 0, pixel + 1))
        self.check(m, "last_beat", result.last == (last & (pixel == writer.pixel_count - 1)))
        held_pixel = self.peek("pixel", index_shape(writer.pixel_count))
        self.check(m, "pixel", (pixel < writer.pixel_count) & (held_pixel == pixel))

        # Against every class so far, the one given out now among them.
        winner = Signal(writer.score_shape)
        m.d.comb += winner.eq(
            Mux(result.prediction == next_class, result.score, image[result.prediction])
        )
        self.check(m, "prediction_seen", ~begun | (result.prediction <= next_class))
        for index in range(classes):
            score = Mux(next_class == index, result.score, image[index])
            beaten = Mux(result.prediction > index, score < winner, score <= winner)
            self.check(m, f"largest_{index}", ~begun | (next_class < index) | beaten)

        left = self.peek("left", index_shape(neurons + 1))
        current = self.peek("current_class", index_shape(classes))
        best_score = self.peek("best_score", writer.score_shape)
        best_class = self.peek("best_class", index_shape(classes))
        waiting = Signal(data.ArrayLayout(writer.score_shape, neurons))
        m.d.comb += Value.cast(waiting).eq(self.peek("waiting", len(Value.cast(waiting))))
        self.check(m, "class_in_range", (next_class < classes) & (current == next_class))
        self.check(m, "left", left == Mux(begun, neurons - member, 0))
        self.check(m, "member", ~begun | (member < neurons))
        for index in range(neurons):
            for done in range(index + 1):
                self.check(
                    m,
                    f"waiting_{index}_{done}",
                    ~(begun & (member == done)) | (waiting[index - done] == group[index]),
                )
        self.check(
            m,
            "best",
            (next_class == 0) | ((best_class < next_class) & (best_score == image[best_class])),
        )
        for index in range(classes):
            beaten = Mux(best_class > index, image[index] < best_score, image[index] <= best_score)
            self.check(m, f"best_{index}", (next_class <= index) | beaten)
