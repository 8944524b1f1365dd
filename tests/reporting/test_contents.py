"""What a report says, held against golden runs, other libraries and sums by hand."""

import base64
import io
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest

from rheobase.converter.measure.energy import measure
from rheobase.golden import RheobaseError, run_golden
from rheobase.golden.network.network import Coding, PoolRule, Readout
from rheobase.golden.run.answers import class_answers
from rheobase.reporting.answers import percentage
from rheobase.reporting.behaviour import measure_behaviour, shown_neurons
from rheobase.reporting.contents import Subject, report_contents
from rheobase.reporting.writing import write_report
from tests.support.networks.random_networks import random_images, random_network


def silent(_, __):
    return lambda _: None


@pytest.mark.parametrize("right", [0, 3, 20])
def test_percentages_have_wilsons_interval(right):
    found = percentage(np.arange(20) < right)
    wanted = binomtest(right, 20).proportion_ci(method="wilson")
    assert found["percent"] == 5 * right
    assert found["low"] == pytest.approx(100 * wanted.low, abs=0.01)
    assert found["high"] == pytest.approx(100 * wanted.high, abs=0.01)


@pytest.mark.parametrize("readout", list(Readout))
@pytest.mark.parametrize("rule", list(PoolRule))
@pytest.mark.parametrize("seed", range(3))
def test_one_run_has_the_answers_of_every_setting(readout, rule, seed):
    rng = np.random.default_rng(seed)
    network = random_network(rng, coding=Coding.RATE, readout=readout, rule=rule, steps=4, hidden=1)
    images = random_images(rng, network, 5)
    found = measure_behaviour(network, images)
    for row, steps in enumerate(found.steps):
        for column, delay in enumerate(found.delays):
            if delay >= steps:
                assert (found.grid[row, column] == -1).all()
                continue
            run = run_golden(network, images, steps=steps, delay=delay)
            assert np.array_equal(found.grid[row, column], class_answers(run.scores))
    assert found.steps == (1, 2, 3, 4) and set(found.delays) == {0, 1, 2, 3}
    (point,) = measure(network, images, np.zeros(5, int), [4])
    assert found.operations == pytest.approx([count for _, count in point.layers])
    run = run_golden(network, images, record=True)
    for rates, record in zip(found.rates, run.layers, strict=True):
        if record.spikes is None:
            assert not len(rates)
        else:
            assert rates.sum() == pytest.approx(record.spikes_per_neuron)
            assert rates == pytest.approx(np.abs(record.spikes.astype(int)).mean((0, 2, 3, 4)))


def test_shown_neurons_are_those_of_the_golden_run():
    rng = np.random.default_rng(5)
    network = random_network(
        rng,
        coding=Coding.RADIX,
        readout=Readout.CURRENT,
        rule=PoolRule.CUMULATIVE,
        steps=3,
        hidden=2,
    )
    images = random_images(rng, network, 2)
    run = run_golden(network, images, record=True)
    shown = shown_neurons(network, images)
    spiking = [record for record in run.layers if record.spikes is not None]
    assert [layer["name"] for layer in shown] == [record.name for record in spiking]
    for layer, record in zip(shown, spiking, strict=True):
        places = [(n["channel"], n["row"], n["column"]) for n in layer["neurons"]]
        assert len(set(places)) == len(places)
        for place, neuron in zip(places, layer["neurons"], strict=True):
            assert neuron["spikes"] == record.spikes[(slice(None), slice(None), *place)].tolist()


def test_contents(subject, report):
    contents = report[1]
    network, images, labels = subject.network, subject.images, subject.labels
    golden = run_golden(network, images)
    answers = class_answers(golden.scores)
    accuracy = contents["accuracy"]
    assert accuracy["golden"]["percent"] == pytest.approx(100 * np.mean(answers == labels))
    assert accuracy["cnn"]["measured"] and accuracy["cnn"]["percent"] == pytest.approx(
        100 * 21 / 24
    )
    wrong = np.flatnonzero(answers != labels)
    assert [mistake["image"] for mistake in contents["mistakes"]] == wrong.tolist()
    for mistake in contents["mistakes"]:
        image = mistake["image"]
        assert mistake["answers"]["golden"] == str(answers[image])
        hardware = str(answers[image]) if image < subject.simulated else None
        assert mistake["answers"]["hardware"] == hardware
        assert mistake["label"] == str(labels[image])
        from PIL import Image

        kind, data = mistake["picture"].split(",")
        assert kind == "data:image/png;base64"
        picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        assert np.array_equal(picture, images[image, 0])
    hardware = contents["hardware"]
    assert hardware["equal"] and hardware["spikes_that_differ"] == 0
    pipeline = hardware["pipeline"]
    widths = np.diff(pipeline["edges"])
    assert widths.sum() == pipeline["cycles"]
    for layer in pipeline["layers"]:
        assert np.array_equal(np.sum(layer["cycles"], axis=0), widths)
        assert sum(layer["cycles"][0]) > 0
    assert [usage["available"] for usage in contents["board"]["usage"]] == [5280, 30]
    assert contents["diagnosis"]["images"] == len(images)


def test_without_model_hardware_and_labels(without_hardware):
    contents = report_contents(replace(without_hardware, labels=None), silent)
    assert contents["hardware"] is contents["board"] is contents["diagnosis"] is None
    assert contents["accuracy"] is None and contents["mistakes"] == []
    assert contents["rates"] and contents["energy"]["snn"]["operations"] > 0


def test_without_images(subject):
    """The board is predicted as with images; all that is measured is absent."""
    bare = Subject(subject.network, None, board=subject.board)
    contents = report_contents(bare, silent)
    with_images = report_contents(subject, silent)
    same = ("schema", "rheobase", "network", "board")
    assert {key for key, value in contents.items() if value == with_images[key]} == set(same)
    assert contents.keys() == with_images.keys()
    absent = {key for key, value in contents.items() if value is None}
    assert absent == {"images", "accuracy", "diagnosis", "hardware", "energy"}
    assert report_contents(replace(bare, simulated=0), silent)["board"] is None
    with pytest.raises(RheobaseError, match="images: none, must be given with labels"):
        report_contents(replace(bare, labels=subject.labels), silent)
    with pytest.raises(RheobaseError, match="images: none, must be given with model"):
        report_contents(replace(bare, model=subject.model), silent)


def test_nothing_is_written_where_it_cannot_be(without_hardware, tmp_path):
    with pytest.raises(RheobaseError, match="no folder"):
        write_report(without_hardware, tmp_path / "absent" / "report.html")
    (tmp_path / "report.json").mkdir()
    with pytest.raises(RheobaseError):
        write_report(without_hardware, tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]


def test_the_command(subject, tmp_path, run_command, monkeypatch):
    from rheobase.golden import save_network

    monkeypatch.chdir(tmp_path)
    save_network(subject.network, "net.safetensors")
    np.savez("images.npz", x=subject.images, y=subject.labels)
    options = ("--images", "images.npz", "--simulate", 0)
    status, shown, error = run_command("report", "net.safetensors", *options)
    assert status == 0 and not error.strip()
    assert "without the CNN: MODEL: needed" in shown and "wrote report.html" in shown
    assert (tmp_path / "report.html").stat().st_size < 3_000_000
    status, _, error = run_command("report", "net.safetensors", *options, "--build", "absent")
    assert status == 2 and "--simulate 0" in error
    status, _, error = run_command(
        "report", "net.safetensors", "--images", "images.npz", "--board", "x"
    )
    assert status == 2 and "icebreaker" in error
    status, _, error = run_command("report", "net.safetensors", "tests.models:cnn")
    assert status == 2 and "--images: needed to compare" in error
    status, _, error = run_command("report", "net.safetensors", "-o", "bare.html")
    assert status == 0 and not error.strip()
    assert "nothing was measured" in (tmp_path / "bare.html").read_text()
