"""The page in a browser: no error, no request, every figure drawn from the JSON beside it."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

from rheobase.golden.network.provenance import Provenance
from rheobase.reporting.contents import Subject
from rheobase.reporting.writing import json_beside, write_report


@contextmanager
def drawn_page(browser, path):
    """The page ``path``, drawn, and what it logged and asked for."""
    page = browser.new_page(viewport={"width": 1000, "height": 800})
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-drawn=yes]", state="attached", timeout=60_000)
    yield page, said, asked
    page.close()


@pytest.fixture(scope="module")
def shown(browser, report):
    """The report's page, opened once."""
    with drawn_page(browser, report[0]) as shown:
        yield shown


@pytest.fixture
def opened(shown, report):
    """The page; nothing that a test does with it may log or ask for anything."""
    page, said, asked = shown
    yield page
    assert not said and asked == [report[0].as_uri()]


def data(page, figure):
    """Traces of a figure as Plotly has them."""
    return page.evaluate(
        "id => JSON.parse(JSON.stringify(document.getElementById(id).data))", figure
    )


def test_kinds_of_trace_that_no_figure_has_are_not_started(opened):
    """Half of the time until figures are drawn is Plotly's other kinds of trace."""
    kinds = opened.evaluate("Object.keys(Plotly.PlotSchema.get().traces)")
    assert sorted(kinds) == ["bar", "heatmap", "scatter"]


def test_another_bundle_runs_as_it_is(browser, report, tmp_path):
    """Plotly's list of kinds in another order: what figures need is missing, so all of it runs."""
    path = tmp_path / "page.html"
    text = report[0].read_text("utf-8")
    assert text.count('".register([$1,$2])"') == 1
    path.write_text(text.replace('".register([$1,$2])"', '".register([$1])"'), "utf-8")
    with drawn_page(browser, path) as (page, _, _):
        assert len(page.evaluate("Object.keys(Plotly.PlotSchema.get().traces)")) > 30


def test_figures_are_the_json_beside_the_page(opened, report):
    contents = json.loads(json_beside(report[0]).read_text())
    assert contents == json.loads(opened.text_content("#report")) == report[1]
    drawn = opened.evaluate("[...document.querySelectorAll('.figure')].map(f => [f.id, !!f.data])")
    assert len(drawn) == 12 and all(done for _, done in drawn)
    golden, cnn = data(opened, "accuracy-steps")
    assert golden["x"] == [point["T"] for point in contents["accuracy"]["by_steps"]]
    assert golden["y"] == [point["percent"] for point in contents["accuracy"]["by_steps"]]
    assert cnn["y"] == [contents["accuracy"]["cnn"]["percent"]] * 2
    (grid,) = data(opened, "accuracy-grid")
    assert [list(row) for row in zip(*grid["z"], strict=True)] == contents["accuracy"]["grid"][
        "percent"
    ]
    (rates,) = data(opened, "rates-layers")
    assert rates["y"] == [layer["spikes_per_neuron"] for layer in contents["rates"]]
    (steps,) = data(opened, "rates-steps")
    assert steps["z"] == [layer["by_step"] for layer in contents["rates"]]
    *kinds, total = data(opened, "lost-errors")
    for kind in kinds:
        layers = contents["diagnosis"]["layers"]
        assert kind["y"] == pytest.approx([100 * layer[kind["name"]] for layer in layers])
    assert total["y"] == pytest.approx([100 * layer["total"] for layer in layers])
    exact, _ = data(opened, "lost-answers")
    assert exact["y"] == [layer["cnn_answers"] for layer in layers]
    (usage,) = data(opened, "board-usage")
    wanted = [100 * entry["used"] / entry["available"] for entry in contents["board"]["usage"]]
    assert usage["x"] == pytest.approx(wanted)
    (energy,) = data(opened, "energy-layers")
    assert energy["y"] == [layer["synaptic_operations"] for layer in contents["energy"]["layers"]]
    pipeline = contents["hardware"]["pipeline"]
    for number, trace in enumerate(data(opened, "pipeline-total")):
        sums = [
            100 * sum(layer["cycles"][number]) / pipeline["cycles"] for layer in pipeline["layers"]
        ]
        assert trace["x"] == pytest.approx(sums) and trace["name"] == pipeline["doing"][number]
    assert opened.locator(".mistakes li").count() == len(contents["mistakes"])
    # The name is text, whatever is in it.
    assert opened.text_content("h1") == "<b>&net"


def test_without_images(browser, subject, tmp_path):
    """What the file and the board say is drawn; nothing else has a place, nothing fails."""
    path = tmp_path / "bare.html"
    known = Provenance(test_images=40, cnn_accuracy=75.5, network_accuracy=70.25)
    network = replace(subject.network, provenance=known)
    write_report(Subject(network, None, board=subject.board), path)
    with drawn_page(browser, path) as (page, said, _):
        assert not said
        sections = page.evaluate("[...document.querySelectorAll('section')].map(s => s.id)")
        assert sections == ["network", "board"]
        assert data(page, "board-usage")
        cards = page.text_content(".cards")
        assert "70.25 %" in cards and "75.50 %" in cards and "as converted, 40 images" in cards


def test_a_neuron_is_stepped_through(opened, report):
    layer = report[1]["spikes"]["layers"][0]
    opened.select_option("#spikes-image", "1")
    opened.select_option("#spikes-neuron", "2")
    neuron = layer["neurons"][2]
    potential, threshold, fired = data(opened, "spikes-potential")
    assert potential["y"] == neuron["potentials"][1]
    assert threshold["y"] == [neuron["threshold"]] * 4
    assert fired["x"] == [t + 1 for t, spike in enumerate(neuron["spikes"][1]) if spike]
    for shown in (3, 2):
        opened.click("#spikes-back")
        assert opened.text_content("#spikes-now") == f"t = {shown}"
        assert data(opened, "spikes-potential")[0]["y"] == neuron["potentials"][1][:shown]
    (raster, *_) = data(opened, "spikes-raster")
    wanted = [
        (t + 1, row)
        for row, shown in enumerate(layer["neurons"])
        for t, spike in enumerate(shown["spikes"][1][:2])
        if spike
    ]
    assert list(zip(raster["x"], raster["y"], strict=True)) == wanted
    opened.fill("#spikes-step", "4")
    assert data(opened, "spikes-potential")[0]["y"] == neuron["potentials"][1]


def test_what_a_layer_does_is_chosen(opened, report):
    pipeline = report[1]["hardware"]["pipeline"]
    for number in range(len(pipeline["doing"])):
        opened.select_option("#pipeline-doing", str(number))
        (trace,) = data(opened, "pipeline-time")
        widths = [b - a for a, b in zip(pipeline["edges"], pipeline["edges"][1:], strict=False)]
        for row, layer in zip(trace["z"], pipeline["layers"], strict=True):
            cycles = layer["cycles"][number]
            assert row == pytest.approx([100 * c / w for c, w in zip(cycles, widths, strict=True)])


def test_phone_dark_and_print(opened):
    opened.set_viewport_size({"width": 380, "height": 700})
    opened.wait_for_timeout(400)
    assert opened.evaluate("document.documentElement.scrollWidth") <= 380
    ink = "document.getElementById('rates-layers').layout.font.color"
    light = opened.evaluate(ink)
    opened.emulate_media(color_scheme="dark")
    for _ in range(100):  # the page's own policy forbids what waits for an expression
        opened.wait_for_timeout(50)
        if opened.evaluate(ink) != light:
            break
    else:
        pytest.fail("the figures stayed light")
    assert opened.pdf()[:4] == b"%PDF"
