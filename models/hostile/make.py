"""Writes the hostile models and `cases.json`, reproducibly byte for byte. Run from any folder.

Each case is a function that returns the bytes of its file. Unless the attack concerns
shapes, a model takes `x` float32 [1,4] and returns `y` float32 [1,4].
"""

import random
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import common  # noqa: E402

INT64_MAX = 2**63 - 1

LOAD_ERROR, ANY_ERROR = "load-error", "any-error"
# The verdict of the `onnx` package on a file.
UNPARSABLE, REFUSED, MISTYPED, VALID = "unparsable", "refused", "mistyped", "valid"

CASES = []


def case(file, attempt, expect, verdict, x=(1, 4), y=(1, 4)):
    """Registers a builder. `x` and `y` are the shapes that a version would declare."""

    def register(build):
        CASES.append((file, attempt, expect, verdict, list(x), list(y), build))
        return build

    return register


def value(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def ints(name, values):
    data = np.array(values, dtype="<i8")
    return helper.make_tensor(name, TensorProto.INT64, data.shape, data.tobytes(), raw=True)


def model(nodes, initializers=(), x=(1, 4), y=(1, 4), inputs=None, domains=()):
    inputs = [value("x", x)] if inputs is None else inputs
    graph = helper.make_graph(list(nodes), "hostile", inputs, [value("y", y)], list(initializers))
    opsets = [helper.make_opsetid("", common.OPSET)]
    opsets += [helper.make_opsetid(domain, 1) for domain in domains]
    made = helper.make_model(
        graph, producer_name="assay", ir_version=common.IR_VERSION, opset_imports=opsets
    )
    return made.SerializeToString(deterministic=True)


def node(op, inputs, output, **attributes):
    return helper.make_node(op, inputs.split(), [output], **attributes)


def base36(number):
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    text = ""
    while True:
        number, rest = divmod(number, 36)
        text = digits[rest] + text
        if not number:
            return text


# Files that are not what they claim


@case("truncated.onnx", "a valid model cut in the middle of its weights", LOAD_ERROR, UNPARSABLE)
def truncated():
    weight = common.initializer("w", np.ones((4, 256)))
    back = common.initializer("v", np.ones((256, 4)))
    whole = model([node("MatMul", "x w", "h"), node("MatMul", "h v", "y")], [weight, back])
    return whole[: len(whole) // 2]


@case("not-onnx.onnx", "random text under the name of a model", LOAD_ERROR, UNPARSABLE)
def not_onnx():
    rng = random.Random(1)
    words = (
        "".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(200)
    )
    # `T` is the protobuf tag "end of a group", but no group has started.
    return ("T" + " ".join(words) + "\n").encode()


@case(
    "empty.onnx",
    "an empty file, which decodes as a model without a graph",
    LOAD_ERROR,
    REFUSED,
)
def empty():
    return b""


@case(
    "deep-nesting.onnx",
    "exhaust the stack of the decoder: 300 nested graphs",
    LOAD_ERROR,
    UNPARSABLE,
)
def deep_nesting():
    # Built by hand, because the protobuf library refuses to build it.
    def field(number, data):
        length, prefix = len(data), b""
        while length > 127:
            prefix += bytes([length & 127 | 128])
            length >>= 7
        return bytes([number << 3 | 2]) + prefix + bytes([length]) + data

    graph = onnx.GraphProto(node=[node("Relu", "x", "y")], output=[value("y", (1, 4))])
    data = graph.SerializeToString(deterministic=True)
    for _ in range(300):
        body = onnx.AttributeProto(name="body", type=onnx.AttributeProto.GRAPH)
        loop = node("Loop", "n c x", "y").SerializeToString() + field(
            5, body.SerializeToString() + field(6, data)
        )
        data = field(1, loop)
    shell = onnx.ModelProto(ir_version=common.IR_VERSION)
    shell.opset_import.append(helper.make_opsetid("", common.OPSET))
    return shell.SerializeToString() + field(7, data)


# Tensors with false claims


@case(
    "huge-initializer-claim.onnx",
    "an initializer of 2^40 elements without data",
    LOAD_ERROR,
    REFUSED,
)
def huge_initializer_claim():
    claim = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2**20, 2**20])
    return model([node("ReduceMax", "w", "m"), node("Add", "x m", "y")], [claim])


@case(
    "overflow-dims.onnx",
    "dimensions with a product that wraps around 2^64 to 4, the number of elements present",
    LOAD_ERROR,
    REFUSED,
)
def overflow_dims():
    dims = [20, 922_337_203_685_477_581]
    assert dims[0] * dims[1] == 2**64 + 4
    claim = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=dims, raw_data=bytes(16))
    return model([node("ReduceMax", "w", "m"), node("Add", "x m", "y")], [claim])


@case(
    "negative-dims.onnx",
    "negative dimensions with a product of 4, the number of elements present",
    LOAD_ERROR,
    REFUSED,
)
def negative_dims():
    claim = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[-4, -1], raw_data=bytes(16))
    return model([node("Add", "x w", "y")], [claim])


@case(
    "wrapping-dim.onnx",
    "a silent wrong answer: a length of 2^32+3, which 32-bit code reads as 3",
    ANY_ERROR,
    VALID,
)
def wrapping_dim():
    nodes = [node("Tile", "x n", "t"), node("ReduceSum", "t a", "y", keepdims=1)]
    return model(nodes, [ints("n", [2**32 + 3, 1]), ints("a", [0])])


@case("external-data.onnx", "read /etc/passwd as the data of an initializer", LOAD_ERROR, REFUSED)
def external_data():
    leak = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1, 4])
    leak.data_location = TensorProto.EXTERNAL
    leak.external_data.add(key="location", value="../../../../etc/passwd")
    leak.external_data.add(key="length", value="16")
    return model([node("Add", "x w", "y")], [leak])


@case(
    "raw-strings.onnx",
    "a string initializer in raw_data, which the format forbids",
    ANY_ERROR,
    REFUSED,
)
def raw_strings():
    strings = TensorProto(name="s", data_type=TensorProto.STRING, dims=[1], raw_data=b"text")
    return model([node("Identity", "s", "t"), node("Relu", "x", "y")], [strings])


# Memory


@case("memory-bomb.onnx", "64 GiB at run time: Expand of the input", ANY_ERROR, VALID)
def memory_bomb():
    nodes = [
        node("Expand", "x s", "e"),
        node("ReduceMax", "e", "m", axes=[0, 1, 2], keepdims=0),
        node("Add", "x m", "y"),
    ]
    return model(nodes, [ints("s", [65_536, 65_536, 4])])


@case(
    "memory-bomb-doubling.onnx",
    "64 GiB at run time without a large number: the input is concatenated with itself 32 times",
    ANY_ERROR,
    VALID,
)
def memory_bomb_doubling():
    names = ["x"] + [f"t{i}" for i in range(32)]
    nodes = [node("Concat", f"{a} {a}", b, axis=0) for a, b in pairwise(names)]
    return model(nodes + [node("ReduceMax", names[-1], "y", axes=[0], keepdims=1)])


@case(
    "memory-bomb-folding.onnx",
    "64 GiB while constants are folded: ConstantOfShape",
    ANY_ERROR,
    VALID,
)
def memory_bomb_folding():
    one = helper.make_tensor("value", TensorProto.FLOAT, [1], [1.0])
    nodes = [
        node("ConstantOfShape", "s", "c", value=one),
        node("ReduceMax", "c", "m", axes=[0, 1], keepdims=1),
        node("Add", "x m", "y"),
    ]
    return model(nodes, [ints("s", [65_536, 262_144])])


def declared_bomb():
    bias = common.initializer("b", np.ones((1, 1, 1, 4)))
    nodes = [node("Transpose", "x", "t", perm=[0, 2, 1, 3]), node("Add", "t b", "y")]
    return model(nodes, [bias], x=(1, 100_000, 100_000, 4), y=(1, 100_000, 100_000, 4))


case(
    "memory-bomb-declared.onnx",
    "an input of 160 GB, declared identically by the version",
    ANY_ERROR,
    VALID,
    x=(1, 100_000, 100_000, 4),
    y=(1, 100_000, 100_000, 4),
)(declared_bomb)
case(
    "memory-bomb-declared.onnx",
    "the same file under a version that declares [1,4]",
    ANY_ERROR,
    VALID,
)(declared_bomb)


# Time


@case(
    "endless-loop.onnx",
    "a Loop of 2^63-1 iterations with a condition that stays true",
    LOAD_ERROR,
    VALID,
)
def endless_loop():
    body = helper.make_graph(
        [node("Identity", "go", "on"), node("Add", "v one", "w")],
        "body",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("v", (1, 4))],
        [value("on", [], TensorProto.BOOL), value("w", (1, 4))],
        [common.initializer("one", np.ones(1))],
    )
    turns = helper.make_tensor("n", TensorProto.INT64, [], [INT64_MAX])
    true = helper.make_tensor("c", TensorProto.BOOL, [], b"\x01", raw=True)
    return model([node("Loop", "n c x", "y", body=body)], [turns, true])


def matmul_chain(count, side, first, last):
    """`count` products of `first` with a constant `side` x `side` matrix, then the mean."""
    small = helper.make_tensor("value", TensorProto.FLOAT, [1], [1 / side])
    names = [first] + [f"h{base36(i)}" for i in range(count)]
    nodes = [node("ConstantOfShape", "s", "w", value=small)]
    nodes += [node("MatMul", f"{a} w", b) for a, b in pairwise(names)]
    nodes += [node("ReduceMean", names[-1], last, axes=[0, 1], keepdims=1)]
    return nodes, [ints("s", [side, side])]


@case(
    "slow-loop.onnx",
    "minutes at run time: 700 products of 2048x2048 matrices, 1.2e13 operations",
    ANY_ERROR,
    VALID,
)
def slow_loop():
    nodes, initializers = matmul_chain(700, 2048, "f", "m")
    nodes = [node("Tile", "x n", "f"), *nodes, node("Add", "x m", "y")]
    return model(nodes, [*initializers, ints("n", [2048, 512])])


@case(
    "slow-folding.onnx",
    "minutes while constants are folded: 700 products of 8192x1024 and 1024x1024 matrices",
    ANY_ERROR,
    VALID,
)
def slow_folding():
    # tract folds a constant that several nodes share if it has at most 4 MiB. `w` has 4 MiB.
    nodes, initializers = matmul_chain(700, 1024, "f", "m")
    first = node("Concat", " ".join(8 * ["w"]), "f", axis=0)
    return model([nodes[0], first, *nodes[1:], node("Add", "x m", "y")], initializers)


@case(
    "slow-scan.onnx",
    "minutes at run time: a Scan of a million steps, each a 256x256 product",
    ANY_ERROR,
    VALID,
)
def slow_scan():
    small = helper.make_tensor("value", TensorProto.FLOAT, [1], [1 / 256])
    body = helper.make_graph(
        [node("MatMul", "h w", "p"), node("Add", "p e", "q")],
        "body",
        [value("h", (256, 256)), value("e", (1,))],
        [value("q", (256, 256))],
    )
    nodes = [
        node("ConstantOfShape", "s", "w", value=small),
        node("ReduceMax", "x", "r", axes=[0, 1], keepdims=1),
        node("Expand", "r n", "steps"),
        node("Expand", "r s", "h0"),
        node("Scan", "h0 steps", "z", body=body, num_scan_inputs=1),
        node("ReduceMax", "z", "m", axes=[0, 1], keepdims=1),
        node("Add", "x m", "y"),
    ]
    return model(nodes, [ints("s", [256, 256]), ints("n", [1_000_000, 1])])


# Graphs


@case(
    "unsupported-op.onnx", "an operator of a private domain that no engine knows", LOAD_ERROR, VALID
)
def unsupported_op():
    return model([node("Teleport", "x", "y", domain="org.example")], domains=["org.example"])


@case(
    "foreign-domain.onnx",
    "an operator of a private domain under the name of a standard one",
    ANY_ERROR,
    VALID,
)
def foreign_domain():
    return model([node("Relu", "x", "y", domain="org.example")], domains=["org.example"])


@case("cyclic.onnx", "two nodes that depend on each other", ANY_ERROR, REFUSED)
def cyclic():
    return model([node("Add", "x b", "a"), node("Relu", "a", "b"), node("Relu", "b", "y")])


@case("missing-output.onnx", "an output that no node produces", ANY_ERROR, REFUSED)
def missing_output():
    return model([node("Relu", "x", "z")])


@case("no-input.onnx", "a graph without inputs", ANY_ERROR, VALID)
def no_input():
    return model([node("ConstantOfShape", "s", "y")], [ints("s", [1, 4])], inputs=[])


@case(
    "deep-graph.onnx",
    "exhaust the stack or the optimiser: a chain of 20,000 nodes",
    ANY_ERROR,
    VALID,
)
def deep_graph():
    names = ["x"] + [base36(i) for i in range(19_999)]
    # `x` and `y` are taken.
    names = ["x"] + [f"_{n}" if n in "xy" else n for n in names[1:]] + ["y"]
    return model(node("Relu", a, b) for a, b in pairwise(names))


@case(
    "deep-dimension.onnx",
    "exhaust the stack of the dimension parser: 9,000 nested brackets",
    ANY_ERROR,
    VALID,
)
def deep_dimension():
    return model([node("Relu", "x", "y")], x=("(" * 9000 + "n" + ")" * 9000, 4), y=(None, 4))


# Outputs


@case("nan-output.onnx", "an answer that is not a number: the logarithm of -1-x²", ANY_ERROR, VALID)
def nan_output():
    nodes = [node("Mul", "x x", "q"), node("Sub", "m q", "n"), node("Log", "n", "y")]
    return model(nodes, [common.initializer("m", -np.ones(1))])


@case("inf-output.onnx", "an infinite answer: the exponential of 1000+x²", ANY_ERROR, VALID)
def inf_output():
    nodes = [node("Mul", "x x", "q"), node("Add", "k q", "n"), node("Exp", "n", "y")]
    return model(nodes, [common.initializer("k", 1000 * np.ones(1))])


@case("wrong-shape.onnx", "an output declared [1,10] that is [1,5]", ANY_ERROR, MISTYPED, y=(1, 10))
def wrong_shape():
    return model(
        [node("MatMul", "x w", "y")], [common.initializer("w", np.ones((4, 5)))], y=(1, 10)
    )


@case("wrong-type.onnx", "an output declared float32 that is int64", ANY_ERROR, MISTYPED)
def wrong_type():
    return model([node("Cast", "x", "y", to=TensorProto.INT64)])


@case("division-by-zero.onnx", "an integer division by zero", ANY_ERROR, VALID)
def division_by_zero():
    zero = helper.make_tensor("z", TensorProto.INT32, [1], [0])
    nodes = [
        node("Cast", "x", "i", to=TensorProto.INT32),
        node("Div", "i z", "d"),
        node("Cast", "d", "y", to=TensorProto.FLOAT),
    ]
    return model(nodes, [zero])


@case(
    "gather-out-of-range.onnx",
    "read outside a tensor: Gather at an index that the input shifts by 10^9",
    ANY_ERROR,
    VALID,
)
def gather_out_of_range():
    nodes = [
        node("Cast", "x", "i", to=TensorProto.INT64),
        node("Add", "i far", "j"),
        node("Gather", "t j", "y", axis=0),
    ]
    return model(nodes, [ints("far", [10**9]), common.initializer("t", np.ones(4))])


def verdict_of(data):
    """The verdict of the `onnx` package on the bytes."""
    try:
        parsed = onnx.load_model_from_string(data)
    except DecodeError:
        return UNPARSABLE
    try:
        onnx.checker.check_model(parsed)
    except (onnx.checker.ValidationError, ValueError):
        return REFUSED
    try:
        onnx.checker.check_model(parsed, full_check=True)
    except onnx.shape_inference.InferenceError:
        return MISTYPED
    return VALID


def main():
    cases = []
    for file, attempt, expect, verdict, x, y, build in CASES:
        data = build()
        found = verdict_of(data)
        print(f"{file:30} {len(data):7} {expect:10} {found}")
        assert found == verdict, f"{file}: the onnx package finds it {found}, not {verdict}"
        assert len(data) < 20_000 or file == "deep-graph.onnx", f"{file} is too large"
        (HERE / file).write_bytes(data)
        cases.append(
            {
                "file": file,
                "attempt": attempt,
                "input": common.declaration("x", x),
                "output": common.declaration("y", y),
                "expect": expect,
            }
        )
    common.write_json(HERE / "cases.json", cases)


if __name__ == "__main__":
    main()
