"""Models as torchvision gives them: random weights, small inputs, the float SNN at T = 512.

The network's own output is that with its activations clipped at the thresholds, which are balanced
on the same images.
"""

import pytest
import torch
from torch import nn

from rheobase.converter.data.torchvision_shim import import_torchvision, non_maximum_suppression
from rheobase.converter.graph.analog import clipped_outputs
from rheobase.converter.lower.outside import outside
from rheobase.converter.options import Options
from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.snn.snn import FloatSnn
from rheobase.converter.studies.detection import convert_detector
from rheobase.converter.thresholds.balancing import balance
from rheobase.converter.tracing.trace import trace
from rheobase.golden.errors import RheobaseError

STEPS, DELAY, ITERATIONS = 512, 64, 1000
IMAGE = (3, 32, 32)


def model_of(name, module="torchvision.models", **options):
    models = import_torchvision(module)
    torch.manual_seed(0)
    return getattr(models, name)(weights=None, **options)


def images_of(shape, count=2):
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(7))


def converted(
    model,
    images,
):
    graph = prepared(trace(model, tuple(images.shape[1:])))
    thresholds = balance(graph, [images], iterations=ITERATIONS).thresholds
    return FloatSnn(graph, thresholds, steps=STEPS, delay=DELAY)


def relative_errors(snn, images):
    expected = clipped_outputs(snn.graph, images, snn.thresholds)
    found = snn.run(images).outputs()
    assert set(found) == set(expected)
    return {
        label: float((value - expected[label]).norm() / expected[label].norm())
        for label, value in found.items()
    }


CLASSIFIERS = {
    "squeezenet1_1": {},
    "resnet18": {},
    "alexnet": {},
    "vgg11": {},
    "vgg11_bn": {},
    "vgg16": {},
    "vgg16_bn": {},
    "resnet34": {},
    "resnet50": {},
    "mobilenet_v2": {},
    "googlenet": {"init_weights": True, "aux_logits": False},
    "densenet121": {},
    "regnet_x_400mf": {},
}
SIZES = {"alexnet": (3, 64, 64)}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name == "squeezenet1_1" else pytest.mark.slow)
        for name in CLASSIFIERS
    ],
)
def test_classifiers(name):
    images = images_of(SIZES.get(name, IMAGE))
    model = model_of(name, **CLASSIFIERS[name]).eval()
    snn = converted(model, images)
    assert max(relative_errors(snn, images).values()) < 0.02
    assert not outside(snn.graph) or all("dropout" in why for _, why in outside(snn.graph))


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("efficientnet_b0", "SiLU"),
        pytest.param("convnext_tiny", "GELU", marks=pytest.mark.slow),
        pytest.param("vit_b_16", "MultiheadAttention", marks=pytest.mark.slow),
        pytest.param("mobilenet_v3_small", "Hardswish", marks=pytest.mark.slow),
    ],
)
def test_other_nonlinearities_are_refused_by_name(name, module):
    options = {"image_size": 32} if name == "vit_b_16" else {}
    model = model_of(name, **options)
    with pytest.raises(RheobaseError) as error:
        prepared(trace(model, IMAGE))
    names = [path for path, part in model.named_modules() if type(part).__name__ == module]
    assert names
    for path in names:
        assert f"{path} ({module}; accepted: " in str(error.value)


@pytest.mark.slow
def test_googlenet_with_and_without_its_side_outputs_is_the_same():
    model = model_of("googlenet", init_weights=False).eval()
    graph = prepared(trace(model, IMAGE))
    assert list(graph.outputs) == ["out"]
    assert not any("aux" in operation.name for operation in graph.operations)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [("fcn_resnet50", {"aux_loss": True}), ("deeplabv3_resnet50", {"aux_loss": False})],
)
def test_segmentation(name, options):
    model = model_of(
        name, "torchvision.models.segmentation", weights_backbone=None, num_classes=5, **options
    ).eval()
    images = images_of((3, 32, 32), 1)
    snn = converted(model, images)
    errors = relative_errors(snn, images)
    assert set(errors) == ({"out", "aux"} if options["aux_loss"] else {"out"})
    assert max(errors.values()) < 0.02
    assert any("interpolation, behind the last neurons" in why for _, why in outside(snn.graph))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["r3d_18", "mc3_18"])
def test_video(name):
    images = images_of((3, 4, 16, 16), 1)
    model = model_of(name, "torchvision.models.video").eval()
    assert max(relative_errors(converted(model, images), images).values()) < 0.02


@pytest.mark.slow
@pytest.mark.parametrize("name", ["retinanet_resnet50_fpn", "fcos_resnet50_fpn"])
def test_detectors(name):
    detector = model_of(
        name,
        "torchvision.models.detection",
        weights_backbone=None,
        num_classes=4,
        min_size=64,
        max_size=64,
    ).eval()
    # Initial weights of the heads are so small that no box would be found.
    with torch.no_grad():
        for path, parameter in detector.head.named_parameters():
            if path.endswith("weight") and parameter.ndim == 4:
                nn.init.kaiming_normal_(parameter)
            if "cls_logits.bias" in path:
                parameter.zero_()
    detector.detections_per_img = 20
    image = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(1))
    options = Options(steps=STEPS, delay=DELAY, iterations=ITERATIONS, method="cltb")
    found = convert_detector(detector, [image], options=options)
    batch = detector.transform([image])[0].tensors
    errors = relative_errors(found.conversion.snn, batch)
    assert max(errors.values()) < 0.02
    # One head on five maps: one set of thresholds for each call.
    calls = [o.name for o in found.conversion.snn.graph.neurons if "classification" in o.name]
    assert len(calls) == 20 and len({name.split("#")[0] for name in calls}) == 4
    floats = [why for _, why in found.conversion.outside if "GroupNorm" in why]
    assert bool(floats) == name.startswith("fcos")
    assert all("stays in floating point" in why for why in floats)
    (detections,) = found([image])
    (expected,) = detector([image])
    assert set(detections) == {"boxes", "scores", "labels"} and len(expected["boxes"]) > 0
    assert abs(len(detections["boxes"]) - len(expected["boxes"])) <= 2
    torch.testing.assert_close(
        detections["scores"][:3], expected["scores"][:3], rtol=0.05, atol=0.05
    )


def test_no_detector():
    with pytest.raises(RheobaseError, match="Linear has no transform, backbone"):
        convert_detector(nn.Linear(2, 2), [torch.rand(3, 8, 8)])


def test_suppression_by_hand():
    boxes = torch.tensor(
        [[0, 0, 10, 10], [1, 0, 11, 10], [20, 20, 30, 30], [0, 0, 10, 5], [0, 0, 10, 10]]
    ).float()
    scores = torch.tensor([0.5, 0.9, 0.3, 0.8, 0.5])
    # 1 overlaps 0 and 4 by 9/11; 3 overlaps 1 by 45/105.
    assert non_maximum_suppression(boxes, scores, 0.5).tolist() == [1, 3, 2]
    assert non_maximum_suppression(boxes, scores, 0.4).tolist() == [1, 2]
    assert non_maximum_suppression(boxes[:0], scores[:0], 0.4).tolist() == []
