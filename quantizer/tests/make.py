"""Writes the test data.

`python quantizer/tests/make.py` writes `data/operators.npz` (small models, rows, and onnxruntime's
outputs), `data/refusals.npz` (models without an integer form) and `data/onnxruntime.npz` (integer
layers under onnxruntime's own integer operators). With the packages of `models/requirements.txt`,
the files are the same each time.

`python quantizer/tests/make.py FOLDER` reads the integer models that
`cargo run --release -p assay-quantizer --example operators FOLDER` wrote, runs them with the
interpreter in `models/integer.py`, and writes `data/integers.npz`.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "models"))

import integer  # noqa: E402

ROWS = 12
RNG = np.random.default_rng(5)
FLOAT = TensorProto.FLOAT


def floats(*shape, scale=0.5):
    return (RNG.normal(size=shape) * scale).astype(np.float32)


def node(op, inputs, output, name="", domain="", **attributes):
    outputs = output.split()
    return helper.make_node(op, inputs.split(), outputs, name, domain=domain, **attributes)


def model(nodes, constants, shape, *, opset=17, outputs=("y",), inputs=None):
    """A model whose `nodes` read `x` and write `y`. `shape` is that of `x`, including the batch."""
    inputs = inputs or [("x", FLOAT, shape)]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    sets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.ml", 3)]
    made = helper.make_model(graph, ir_version=8, opset_imports=sets)
    return made.SerializeToString(deterministic=True)


def run(data, feeds):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def dense(rows, columns, scale=0.4):
    return {"w": floats(rows, columns, scale=scale), "b": floats(rows)}


def conv(outputs, inputs, *kernel, name="w"):
    return {name: floats(outputs, inputs, *kernel, scale=0.3), "b" + name[1:]: floats(outputs)}


def operators():
    """Name → nodes, constants, shape of a row, options."""
    image = [2, 6, 6]
    flat = [node("Flatten", "h", "f"), node("Gemm", "f w b", "y", transB=1)]
    cases = {}

    def add(name, nodes, constants, shape, **options):
        cases[name] = (nodes, constants, shape, options)

    gemm = node("Gemm", "x w b", "y", transB=1)
    add("gemm", [gemm], dense(5, 7), [7])
    scaled = {"w": floats(7, 5), "b": floats(1, 5)}
    add("gemm-scaled", [node("Gemm", "x w b", "y", alpha=0.5, beta=2.0)], scaled, [7])
    nodes = [node("MatMul", "x w", "h"), node("Add", "b h", "y")]
    add("matmul-add", nodes, {"w": floats(7, 5), "b": floats(5)}, [7])
    nodes = [
        node("Gemm", "x w b", "h1", transB=1),
        node("Relu", "h1", "h2"),
        node("Gemm", "h2 w2 b2", "y", transB=1),
    ]
    constants = dense(8, 7) | {"w2": floats(3, 8), "b2": floats(3)}
    add("perceptron", nodes, constants, [7])

    kernel = {"kernel_shape": [3, 3]}
    add("conv", [node("Conv", "x w b", "y", **kernel)], conv(3, 2, 3, 3), image)
    strided = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 2, 1]}
    add("conv-strided", [node("Conv", "x w b", "y", **strided)], conv(3, 2, 3, 2), image)
    for mode in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        nodes = [node("Conv", "x w b", "y", auto_pad=mode, strides=[2, 2], **kernel)]
        add(f"conv-{mode.lower()}", nodes, conv(3, 2, 3, 3), [2, 7, 6])
    groups = {"w": floats(4, 2, 3, 3, scale=0.3)}
    add("conv-groups", [node("Conv", "x w", "y", group=2, **kernel)], groups, [4, 5, 5])
    nodes = [
        node("Conv", "x w b", "h1", group=3, pads=[1] * 4, **kernel),
        node("Clip", "h1 lo hi", "h2"),
        node("Conv", "h2 w2 b2", "y"),
    ]
    limits = {"lo": np.float32(0), "hi": np.float32(1.5)}
    add("separable", nodes, conv(3, 1, 3, 3) | conv(4, 3, 1, 1, name="w2") | limits, [3, 6, 6])

    block = [
        node("Conv", "x w b", "c1", pads=[1] * 4, **kernel),
        node("Relu", "c1", "r1"),
        node("Conv", "r1 w2 b2", "c2", pads=[1] * 4, **kernel),
    ]
    weights = conv(4, 2, 3, 3) | conv(4, 4, 3, 3, name="w2")
    skip = [node("Add", "c2 r1", "s"), node("Relu", "s", "h")]
    head = [node("GlobalAveragePool", "h", "g"), node("Flatten", "g", "f")]
    head += [node("Gemm", "f w3 b3", "y", transB=1)]
    last = {"w3": floats(3, 4), "b3": floats(3)}
    add("residual", block + skip + head, weights | last, image)
    add("add-at-the-end", block + [node("Add", "c2 r1", "y")], weights, image)
    nodes = block + [node("Add", "c2 c2", "s"), node("MaxPool", "s", "y", kernel_shape=[2, 2])]
    add("add-to-itself", nodes, weights, image)

    first = [node("Conv", "x w b", "c", **kernel)]
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    weights = conv(3, 2, 3, 3)
    add("max-pool", first + [node("MaxPool", "c", "y", **pool)], weights, image)
    wide = {"kernel_shape": [3, 3], "pads": [1, 1, 0, 0]}
    nodes = first + [node("MaxPool", "c", "p", **wide), node("Relu", "p", "y")]
    add("max-pool-relu", nodes, weights, image)
    nodes = [node("Relu", "x", "r"), node("MaxPool", "r", "p", **pool), node("Conv", "p w b", "y")]
    add("relu-of-the-input", nodes, conv(3, 2, 1, 1), image)
    nodes = [node("Conv", "x k kb", "c", **kernel), node("AveragePool", "c", "h", **pool)] + flat
    kernels = {"k": weights["w"], "kb": weights["b"]}
    add("average-pool", nodes, kernels | {"w": floats(4, 12), "b": floats(4)}, image)
    padded = {"kernel_shape": [3, 3], "pads": [1] * 4, "count_include_pad": 1}
    add("average-pool-padded", first + [node("AveragePool", "c", "y", **padded)], weights, image)
    nodes = first + [node("GlobalAveragePool", "c", "g"), node("Flatten", "g", "y")]
    add("global-average-at-the-end", nodes, weights, image)
    nodes = [
        node("Conv", "x k kb", "c", **kernel),
        node("Tanh", "c", "t"),
        node("ReduceMean", "t", "f", axes=[2, 3], keepdims=0),
        node("Gemm", "f w b", "y", transB=1),
    ]
    means = kernels | {"w": floats(4, 3), "b": floats(4)}
    add("reduce-mean", nodes, means, image)
    mean = [node("ReduceMean", "t axes", "m", keepdims=1), node("Flatten", "m", "f")]
    nodes = nodes[:2] + mean + nodes[3:]
    axes = {"axes": np.array([-1, -2])}
    add("reduce-mean-18", nodes, means | axes, image, opset=18)

    def norm(channels):
        return {
            "gamma": 1 + floats(channels, scale=0.3),
            "beta": floats(channels),
            "mean": floats(channels),
            "var": np.abs(floats(channels)) + np.float32(0.3),
        }

    bn = "gamma beta mean var"
    nodes = first + [node("BatchNormalization", f"c {bn}", "y", epsilon=1e-3)]
    add("norm-after-conv", nodes, weights | norm(3), image)
    nodes = [node("BatchNormalization", f"x {bn}", "n"), node("Conv", "n w b", "y", **kernel)]
    add("norm-of-the-input", nodes, weights | norm(2), image)
    for name, pads in (("norm-before-conv", 0), ("norm-before-padded-conv", 1)):
        nodes = [
            node("Relu", "x", "r"),
            node("BatchNormalization", f"r {bn}", "n"),
            node("Conv", "n w b", "y", pads=[pads] * 4, **kernel),
        ]
        add(name, nodes, weights | norm(2), image)
    nodes = [
        node("Gemm", "x w b", "h", transB=1),
        node("BatchNormalization", f"h {bn}", "n"),
        node("Relu", "n", "r"),
        node("BatchNormalization", f"r {bn}", "n2"),
        node("Gemm", "n2 w2 b2", "y", transB=1),
    ]
    constants = dense(6, 7) | norm(6) | {"w2": floats(3, 6), "b2": floats(3)}
    add("norm-of-vectors", nodes, constants, [7])

    for op, attributes in (
        ("Sigmoid", {}),
        ("Tanh", {}),
        ("LeakyRelu", {"alpha": 0.2}),
        ("Elu", {"alpha": 0.7}),
    ):
        nodes = [node("Gemm", "x w b", "h", transB=1), node(op, "h", "y", **attributes)]
        add(f"{op.lower()}-at-the-end", nodes, dense(5, 7), [7])
        nodes = [
            node("Gemm", "x w b", "h", transB=1),
            node(op, "h", "a", **attributes),
            node("Gemm", "a w2 b2", "y", transB=1),
        ]
        constants = dense(9, 7) | {"w2": floats(3, 9), "b2": floats(3)}
        add(op.lower(), nodes, constants, [7])
    nodes = [node("Gemm", "x w b", "h", transB=1), node("Clip", "h lo hi", "y")]
    limits = {"lo": np.float32(-0.6), "hi": np.float32(0.9)}
    add("clip", nodes, dense(5, 7) | limits, [7])
    nodes = [node("Gemm", "x w b", "h", transB=1), node("Clip", "h", "y", min=-0.6, max=0.9)]
    add("clip-attributes", nodes, dense(5, 7), [7], opset=10)
    nodes = [node("Gemm", "x w b", "h", transB=1), node("Clip", "h lo", "y")]
    add("clip-below", nodes, dense(5, 7) | {"lo": np.float32(0)}, [7])

    shaped = {"w": floats(4, 72), "b": floats(4)}
    nodes = [node("Reshape", "x s", "f"), node("Gemm", "f w b", "y", transB=1)]
    add("reshape", nodes, shaped | {"s": np.array([0, -1])}, image)
    add("reshape-batch-free", nodes, shaped | {"s": np.array([-1, 72])}, image)
    nodes = [
        node("Unsqueeze", "x a", "u"),
        node("Conv", "u w b", "c", **kernel),
        node("Flatten", "c", "f", axis=-3),
        node("Relu", "f", "r"),
        node("Unsqueeze", "r one", "v"),
        node("Squeeze", "v one", "y"),
    ]
    squeeze = {"a": np.array([1]), "one": np.array([-1])}
    add("squeeze", nodes, conv(2, 1, 3, 3) | squeeze, [6, 6])
    permute = node("Transpose", "x", "t", perm=[0, 2, 3, 1])
    nodes = [permute, node("Flatten", "t", "f"), node("Gemm", "f w b", "y", transB=1)]
    add("transpose-of-one-channel", nodes, dense(4, 36), [1, 6, 6])
    add("transpose-into-weights", nodes, shaped, image)
    nodes = [permute, node("Relu", "t", "r"), node("Flatten", "r", "f"), nodes[2]]
    add("transpose-through-relu", nodes, shaped, image)
    nodes = [
        node("Constant", "", "w", value=numpy_helper.from_array(floats(4, 7))),
        node("Transpose", "w", "wt", perm=[1, 0]),
        node("MatMul", "x wt", "m"),
        node("Constant", "", "two", value_float=2.0),
        node("Div", "m two", "d"),
        node("Sub", "one d", "y"),
    ]
    add("constants", nodes, {"one": np.float32(1)}, [7])
    for op in ("Softmax", "LogSoftmax"):
        nodes = [node("Gemm", "x w b", "l", transB=1), node(op, "l", "y", axis=1)]
        add(op.lower(), nodes, dense(5, 7), [7])
    nodes = [
        node("Cast", "x", "c", to=FLOAT),
        node("Dropout", "c", "d mask"),
        node("Identity", "d", "i"),
        node("Gemm", "i w b", "y", transB=1),
    ]
    add("nothing", nodes, dense(5, 7), [7])
    ml = {"domain": "ai.onnx.ml"}
    offset, scale = [float(v) for v in floats(7)], [0.1, 2.0, 0.3, 4.0, 5.0, 0.6, 7.0]
    nodes = [node("Scaler", "x", "s", offset=offset, scale=scale, **ml)]
    nodes += [node("Gemm", "s w b", "y", transB=1)]
    add("scaler", nodes, dense(5, 7), [7])
    nodes = [node("Sub", "x m", "c"), node("Div", "c d", "s"), node("Gemm", "s w b", "y", transB=1)]
    raw = {"m": floats(7), "d": np.float32([1, 20, 300, 0.04, 5, 6, 7])}
    add("standardise", nodes, dense(5, 7) | raw, [7])
    nodes = [node("Div", "x d", "s"), node("Conv", "s w b", "y", **kernel)]
    add("divide-by-255", nodes, conv(3, 2, 3, 3) | {"d": np.float32(255)}, image)
    nodes = [
        node("MaxPool", "x", "p", **pool),
        node("Mul", "p s", "q"),
        node("Add", "q o", "r"),
        node("Relu", "r", "y"),
    ]
    factors = {"s": floats(2, 1, 1), "o": floats(1, 2, 1, 1)}
    add("channels-by-themselves", nodes, factors, image)
    odd = conv(4, 2, 3, 3)
    odd["w"][1] = 0
    odd["w"][2] = 0
    odd["b"][2] = 0
    odd["w"][3] *= np.float32(1e-9)
    nodes = [node("Conv", "x w b", "c", **kernel), node("Relu", "c", "r")]
    nodes += [node("Conv", "r w2 b2", "y")]
    add("channels-of-zeros", nodes, odd | conv(3, 4, 1, 1, name="w2"), image)
    uneven = {"w": floats(4, 7) * np.float32([[1e-6], [1e-2], [1], [300]]), "b": floats(4)}
    nodes = [node("Gemm", "x w b", "h", transB=1), node("Relu", "h", "r")]
    nodes += [node("Gemm", "r w2", "y")]
    add("channels-of-other-sizes", nodes, uneven | {"w2": floats(4, 3)}, [7])
    nodes = [node("Relu", "x", "r"), node("MaxPool", "r", "y", **pool)]
    add("without-weights", nodes, {}, image)
    return cases


def write_operators():
    arrays = {}
    for name, (nodes, constants, shape, options) in operators().items():
        data = model(nodes, constants, [1, *shape], **options)
        rows = floats(ROWS, *shape, scale=1.0)
        if name == "divide-by-255":
            rows = np.floor(np.abs(rows) * 90).clip(0, 255).astype(np.float32)
        outputs = [run(data, {"x": row[None]})[0].reshape(-1) for row in rows]
        if name in ("softmax", "logsoftmax"):
            # The integer model returns logits.
            outputs = rows @ constants["w"].T + constants["b"]
        arrays[f"{name}.onnx"] = np.frombuffer(data, np.uint8)
        arrays[f"{name}.x"] = rows
        arrays[f"{name}.y"] = np.array(outputs, np.float32)
    np.savez_compressed(HERE / "data" / "operators.npz", **arrays)
    print(len(arrays) // 3, "operators")


def refusals():
    """Name → bytes of a model without an integer form."""
    image, vector = [1, 2, 6, 6], [1, 7]
    kernel = {"kernel_shape": [3, 3]}
    weights, w = conv(3, 2, 3, 3), dense(5, 7)
    gemm = node("Gemm", "x w b", "y", "the-layer", transB=1)

    def one(op, inputs="x", constants=None, shape=vector, **attributes):
        opset = attributes.pop("opset", 17)
        domain = attributes.pop("domain", "")
        nodes = [node(op, inputs, "y", "the-layer", domain, **attributes)]
        return model(nodes, constants or {}, shape, opset=opset)

    def after(op, **attributes):
        nodes = [
            node("Conv", "x w b", "c", **kernel),
            node(op, "c", "y", "the-layer", **attributes),
        ]
        return model(nodes, weights, image)

    nan, inf = floats(5, 7), floats(5, 7)
    nan[2, 3] = np.nan
    inf[0, 1] = np.inf
    two = [("x", FLOAT, vector), ("z", FLOAT, vector)]
    products = [node("Gemm", "x w b", "h", transB=1), node("Mul", "h h", "y", "the-layer")]
    differences = [node("Gemm", "x w b", "h", transB=1), node("Sub", "h h", "y", "the-layer")]
    softmax = [node("Softmax", "x", "s"), node("Gemm", "s w b", "y", "the-layer", transB=1)]
    channels_last = [
        node("Transpose", "x", "t", "the-layer", perm=[0, 3, 1, 2]),
        node("Conv", "t w b", "y", **kernel),
    ]
    norm = {k: np.ones(7, np.float32) for k in ("g", "o", "m")} | {"v": -np.ones(7, np.float32)}
    return {
        "erf": one("Erf"),
        "lstm": one("LSTM", "x w b", w),
        "conv-transpose": one("ConvTranspose", "x w b", weights, image),
        "shape": one("Shape"),
        "concat": one("Concat", "x x", axis=1),
        "quantize-linear": one("QuantizeLinear", "x s", {"s": np.float32(1)}),
        "foreign-domain": one("Relu", domain="com.example"),
        "product": model(products, w, vector),
        "difference": model(differences, w, vector),
        "division": one("Div", "one x", {"one": np.float32(1)}),
        "division-by-zero": one("Div", "x d", {"d": np.float32([1, 0, 1, 1, 1, 1, 1])}),
        "matrix-of-two-tensors": model(
            [node("Gemm", "x w b", "h", transB=1), node("MatMul", "h h", "y", "the-layer")],
            w,
            vector,
        ),
        "dense-of-an-image": one("MatMul", "x w", {"w": floats(6, 3)}, image),
        "transposed-input": one("Gemm", "x w b", w, vector, transA=1),
        "dilation": one("Conv", "x w b", weights, image, dilations=[2, 2], **kernel),
        "one-dimension": one("Conv", "x w", {"w": floats(3, 2, 3)}, [1, 2, 9]),
        "wide-padding": one("Conv", "x w b", weights, image, pads=[3] * 4, **kernel),
        "large-kernel": one("Conv", "x w b", conv(3, 2, 9, 9), image),
        "wrong-channels": one("Conv", "x w b", conv(3, 5, 3, 3), image, **kernel),
        "ceil-mode": after("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
        "exclude-padding": after("AveragePool", pads=[1] * 4, **kernel),
        "large-window": one("MaxPool", "x", {}, image, kernel_shape=[5, 5]),
        "mean-of-channels": after("ReduceMean", axes=[1]),
        "clip-without-zero": one("Clip", "x lo hi", {"lo": np.float32(1), "hi": np.float32(2)}),
        "softmax-in-the-middle": model(softmax, {"w": floats(5, 7), "b": floats(5)}, vector),
        "softmax-of-rows": after("Softmax", axis=3),
        "training": one("BatchNormalization", "x g o m v", norm, vector, training_mode=1),
        "negative-variance": one("BatchNormalization", "x g o m v", norm, vector),
        "channels-last": model(channels_last, weights, [1, 6, 6, 2]),
        "batch-moves": after("Transpose", perm=[1, 0, 2, 3]),
        "batch-goes": one("Reshape", "x s", {"s": np.array([7, 1])}),
        "cast-to-integers": one("Cast", to=TensorProto.INT32),
        "nothing": one("Identity"),
        "old-operators": one("Relu", opset=6),
        "nan-weight": model([gemm], {"w": nan, "b": floats(5)}, vector),
        "infinite-weight": model([gemm], {"w": inf, "b": floats(5)}, vector),
        "two-inputs": model([node("Add", "x z", "y")], {}, vector, inputs=two),
        "two-outputs": model([gemm, node("Relu", "y", "z")], w, vector, outputs=("y", "z")),
        "free-shape": model([gemm], w, ["batch", "features"]),
        "batch-of-four": model([gemm], w, [4, 7]),
        "integer-input": model(
            [node("Cast", "x", "h", to=FLOAT), node("Gemm", "h w b", "y")],
            w,
            vector,
            inputs=[("x", TensorProto.INT64, vector)],
        ),
        "not-defined": one("Relu", "nowhere"),
        "four-dimensions": model(
            [node("Reshape", "x s", "h", "the-layer"), node("Tanh", "h", "y")],
            {"s": np.array([1, 2, 2, 3, 6])},
            image,
        ),
    }


def write_refusals():
    arrays = {name: np.frombuffer(data, np.uint8) for name, data in refusals().items()}
    np.savez_compressed(HERE / "data" / "refusals.npz", **arrays)
    print(len(arrays), "refusals")


def int8(*shape, low=-128):
    return RNG.integers(low, 128, shape, np.int8)


def write_onnxruntime():
    """Layers under ConvInteger, MatMulInteger, QLinearConv and QLinearMatMul.

    Inputs are int8 values stored as uint8, which these operators' kernels need: `x + 128` with a
    zero point of 128. Scales are chosen so that their product with an accumulator is exact in
    binary32. No accumulator is half-way between two results, because there onnxruntime rounds to
    even and integer models round up.
    """
    arrays = {}
    zero, wzero = np.uint8(128), np.int8(0)
    convs = {
        "plain": ([2, 6, 6], [3, 2, 3, 3], {}),
        "strided": ([3, 9, 8], [4, 3, 3, 2], {"strides": [2, 3], "pads": [1, 1, 2, 0]}),
        "grouped": ([4, 5, 5], [6, 2, 3, 3], {"group": 2, "pads": [1] * 4}),
        "pointwise": ([8, 4, 4], [5, 8, 1, 1], {}),
    }
    inputs = "x wq xz wz"
    for name, (shape, kernel, options) in convs.items():
        attributes = options | {"kernel_shape": kernel[2:]}
        x, w = int8(ROWS, *shape), int8(*kernel, low=-127)
        nodes = [node("ConvInteger", inputs, "y", **attributes)]
        x8 = (x.astype(np.int16) + 128).astype(np.uint8)
        accumulators = integers(nodes, {"wq": w, "xz": zero, "wz": wzero}, x8)
        arrays |= {f"{name}.x": x, f"{name}.w": w, f"{name}.acc": accumulators}
        bias = RNG.integers(-5000, 5000, kernel[0]).astype(np.int32)
        scales = (np.arange(3, 3 + 2 * kernel[0], 2) * 2.0**-18).astype(np.float32)
        nodes = [node("QLinearConv", "x xs xz wq ws wz ys xz b", "y", **attributes)]
        one = {"xs": np.float32(1), "ys": np.float32(4), "ws": scales, "b": bias}
        wzeros = {"wz": np.zeros(kernel[0], np.int8)}
        y = integers(nodes, {"wq": w, "xz": zero} | wzeros | one, x8)
        assert_no_ties(
            (accumulators + bias.reshape(1, -1, 1, 1)) * (scales / 4).reshape(1, -1, 1, 1)
        )
        arrays |= {
            f"{name}.bias": bias,
            f"{name}.ratio": (scales / 4).astype(np.float64),
            f"{name}.y": (y.astype(np.int16) - 128).astype(np.int8),
        }
    for name, (rows, columns) in {"small": (5, 7), "large": (16, 200)}.items():
        x, w = int8(ROWS, columns), int8(columns, rows, low=-127)
        x8 = (x.astype(np.int16) + 128).astype(np.uint8)
        nodes = [node("MatMulInteger", inputs, "y")]
        accumulators = integers(nodes, {"wq": w, "xz": zero, "wz": wzero}, x8)
        arrays |= {
            f"{name}.x": x,
            f"{name}.w": np.ascontiguousarray(w.T),
            f"{name}.acc": accumulators,
        }
        ratio = np.float32(5 * 2.0**-14)
        nodes = [node("QLinearMatMul", "x xs xz wq ws wz ys xz", "y")]
        one = {"xs": np.float32(1), "ys": np.float32(1), "ws": ratio}
        y = integers(nodes, {"wq": w, "xz": zero, "wz": wzero} | one, x8)
        assert_no_ties(accumulators * ratio)
        arrays |= {
            f"{name}.ratio": np.array([ratio], np.float64),
            f"{name}.y": (y.astype(np.int16) - 128).astype(np.int8),
        }
    np.savez_compressed(HERE / "data" / "onnxruntime.npz", **arrays)
    print(len(convs) + 2, "layers under onnxruntime")


def assert_no_ties(values):
    assert (values.astype(np.float64) % 1 != 0.5).all()


def integers(nodes, constants, rows):
    shape = [1, *rows.shape[1:]]
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("y", TensorProto.UNDEFINED, None)],
        [numpy_helper.from_array(np.asarray(v), name) for name, v in constants.items()],
    )
    del graph.output[0].type.tensor_type.shape.dim[:]
    kind = TensorProto.INT32 if nodes[0].op_type.endswith("Integer") else TensorProto.UINT8
    graph.output[0].CopyFrom(helper.make_tensor_value_info("y", kind, None))
    sets = [helper.make_opsetid("", 17)]
    data = helper.make_model(graph, ir_version=8, opset_imports=sets).SerializeToString()
    return np.concatenate([run(data, {"x": row[None]})[0] for row in rows])


def write_integers(folder):
    arrays = {}
    for path in sorted(Path(folder).glob("*.graph")):
        graph = integer.read_graph(path.read_bytes())
        x = np.frombuffer(path.with_suffix(".input").read_bytes(), np.int8)
        rows = x.reshape(-1, int(np.prod(graph["input_shape"])))
        arrays[path.stem] = integer.run(graph, rows).astype(np.int32)
    np.savez_compressed(HERE / "data" / "integers.npz", **arrays)
    print(len(arrays), "integer models")


def main():
    (HERE / "data").mkdir(exist_ok=True)
    if len(sys.argv) > 1:
        write_integers(sys.argv[1])
        return
    print("onnx", onnx.__version__, "onnxruntime", onnxruntime.__version__)
    write_operators()
    write_refusals()
    write_onnxruntime()


if __name__ == "__main__":
    main()
