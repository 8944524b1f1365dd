"""ONNX's operators, each beside ONNX's own reference in NumPy."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from rheobase.converter.interop.programs.onnx_file import load_onnx
from rheobase.golden import RheobaseError

SHAPE = (2, 4, 7, 6)
RNG = np.random.default_rng(0)


def array(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def model(kind: str, inputs=(), version: int = 18, **attributes) -> onnx.ModelProto:
    """One operator on the image ``x`` and constants."""
    names = [f"c{index}" if value is not None else "" for index, value in enumerate(inputs)]
    constants = [
        numpy_helper.from_array(value, name)
        for name, value in zip(names, inputs, strict=True)
        if value is not None
    ]
    outputs = ["y"] if kind != "Split" else ["y", "z"]
    node = helper.make_node(kind, ["x", *names], outputs, **attributes)
    graph = helper.make_graph(
        [node],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, SHAPE)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", version)])


CASES = {
    "conv": model("Conv", [array(6, 4, 3, 2), array(6)], strides=[2, 1], pads=[1, 0, 1, 0]),
    "conv groups": model("Conv", [array(6, 2, 3, 3)], group=2, dilations=[1, 2]),
    "conv uneven": model("Conv", [array(3, 4, 3, 2)], pads=[0, 1, 2, 0]),
    "conv same": model("Conv", [array(3, 4, 3, 3)], auto_pad="SAME_UPPER", strides=[2, 2]),
    "conv same lower": model("Conv", [array(3, 4, 2, 3)], auto_pad="SAME_LOWER"),
    "transposed": model("ConvTranspose", [array(4, 3, 2, 2)], strides=[2, 2], pads=[1, 0, 1, 0]),
    "norm": model(
        "BatchNormalization",
        [array(4), array(4), array(4), np.abs(array(4)) + 0.5],
        epsilon=1e-3,
    ),
    "max pool": model("MaxPool", kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 0]),
    "max pool behind": model("MaxPool", kernel_shape=[2, 3], strides=[2, 2], pads=[0, 0, 1, 1]),
    "max pool ceil": model("MaxPool", kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1),
    "average": model("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
    "average counted": model(
        "AveragePool", kernel_shape=[2, 3], pads=[1, 1, 0, 1], count_include_pad=1
    ),
    "global": model("GlobalAveragePool"),
    "global max": model("GlobalMaxPool"),
    "mean": model("ReduceMean", [ints(2, 3)], keepdims=0),
    "mean 11": model("ReduceMean", version=11, axes=[2, 3]),
    "sum": model("ReduceSum", [ints(1)], version=13),
    "max": model("ReduceMax", [ints(-1)], keepdims=0),
    "clip": model("Clip", [np.float32(0), np.float32(6)]),
    "clip low": model("Clip", [np.float32(0.1)]),
    "clip high": model("Clip", [None, np.float32(0.3)]),
    "clip 6": model("Clip", version=6, min=-0.5, max=0.5),
    "relu": model("Relu"),
    "leaky": model("LeakyRelu", alpha=0.2),
    "prelu": model("PRelu", [array(4, 1, 1)]),
    "flatten": model("Flatten"),
    "reshape": model("Reshape", [ints(0, 4, -1)]),
    "reshape batch": model("Reshape", [ints(2, -1)]),
    "transpose": model("Transpose", perm=[0, 2, 3, 1]),
    "unsqueeze": model("Unsqueeze", [ints(1, -1)]),
    "slice": model("Slice", [ints(1, 0), ints(3, 2**40), ints(1, 2), ints(1, 2)]),
    "slice 1": model("Slice", version=9, starts=[0, -3], ends=[2, 6], axes=[1, 3]),
    "split": model("Split", [ints(1, 3)], axis=1),
    "split even": model("Split", axis=1, num_outputs=2),
    "pad": model("Pad", [ints(0, 0, 1, 0, 0, 0, 0, 2), np.float32(0)]),
    "pad 2": model("Pad", version=2, pads=[0, 0, 0, 1, 0, 0, 1, 0], value=0.5),
    "reflect": model("Pad", [ints(0, 0, 1, 1, 0, 0, 1, 1)], mode="reflect"),
    "gather": model("Gather", [ints(2, 0, 1)], axis=1),
    "one of": model("Gather", [np.array(2)], axis=1),
    "add": model("Add", [array(4, 1, 1)]),
    "divide": model("Div", [np.float32(4)]),
    "greatest": model("Max", [array(4, 1, 1)]),
    "matrix": model("MatMul", [array(6, 5)]),
    "softmax": model("Softmax", axis=-1),
    "cast": model("Cast", to=TensorProto.DOUBLE),
    "expand": model("Expand", [ints(2, 4, 7, 6)]),
    "elu": model("Elu", alpha=0.5),
    "sigmoid": model("Sigmoid"),
    "hard swish": model("HardSwish"),
}


@pytest.mark.parametrize("case", CASES)
def test_an_operator(tmp_path, case):
    onnx.save(CASES[case], tmp_path / "net.onnx")
    x = array(*SHAPE)
    expected = ReferenceEvaluator(CASES[case]).run(None, {"x": x})
    with torch.no_grad():
        found = load_onnx(tmp_path / "net.onnx")(torch.from_numpy(x))
    found = found if isinstance(found, tuple) else (found,)
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        assert np.allclose(ours.numpy(), theirs, atol=1e-5)


@pytest.mark.parametrize("transposed", [0, 1])
def test_gemm(tmp_path, transposed):
    weight, bias = array(5, 6) if transposed else array(6, 5), array(5)
    nodes = [
        helper.make_node("Gemm", ["x", "w", "b"], ["y"], alpha=0.5, beta=2.0, transB=transposed),
    ]
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "graph",
        [info("x", TensorProto.FLOAT, ("n", 6))],
        [info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(bias, "b")],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    onnx.save(made, tmp_path / "net.onnx")
    x = array(3, 6)
    with torch.no_grad():
        found = load_onnx(tmp_path / "net.onnx")(torch.from_numpy(x)).numpy()
    (expected,) = ReferenceEvaluator(made).run(None, {"x": x})
    assert np.allclose(found, expected, atol=1e-5)


REFUSED = {
    "operator": (model("Einsum", equation="nchw->nchw"), "operators 'Einsum', which have no form"),
    "max pool": (
        model("MaxPool", kernel_shape=[3, 3], pads=[0, 1, 1, 0]),
        r"MaxPool with pads \[0, 1\] and \[1, 0\]",
    ),
    "training": (
        model("BatchNormalization", [array(4)] * 4, version=15, training_mode=1),
        "must be in evaluation mode",
    ),
    "backwards": (
        model("Slice", [ints(-1), ints(-8), ints(2), ints(-1)]),
        "Slice by -1, must be forwards",
    ),
    "flatten": (model("Flatten", axis=2), "Flatten from axis 2, must be 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused(tmp_path, case):
    made, message = REFUSED[case]
    onnx.save(made, tmp_path / "net.onnx")
    with pytest.raises(RheobaseError, match=message):
        load_onnx(tmp_path / "net.onnx")(torch.zeros(SHAPE))
