"""A second implementation of integer models in numpy: reads a .graph file and runs it.

`python models/integer.py` runs every bundled integer model on all its test rows and prints its
accuracy. It writes `integer-samples.npz`, the int8 inputs and the outputs of the first rows, and
`integer-sample.npy`, the first input alone. With `--check`, it compares with `integer-samples.npz`
instead.

It follows the documentation of the crate `assay-graph` and shares no code with it.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
MODELS = ["digits", "breast-cancer", "digits-mlp", "digits-28-mlp", "digits-32-conv"]
SAMPLES = 20


class Reader:
    """Reads SCALE: little-endian integers, and lists with a compact length first."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def read(self, form):
        values = struct.unpack_from("<" + form, self.data, self.at)
        self.at += struct.calcsize("<" + form)
        return values[0] if len(values) == 1 else values

    def length(self):
        first = self.data[self.at]
        if first & 3 == 0:
            return self.read("B") >> 2
        if first & 3 == 1:
            return self.read("H") >> 2
        assert first & 3 == 2
        return self.read("I") >> 2

    def array(self, dtype):
        count = self.length()
        values = np.frombuffer(self.data, dtype, count, self.at)
        self.at += values.nbytes
        return values.astype(np.int64)

    def window(self):
        return {"kernel": self.read("HH"), "stride": self.read("HH"), "pad": self.read("HHHH")}


def read_operation(r):
    kind = r.read("B")
    if kind == 0:
        return {"name": "Dense", "inputs": [r.read("H")], "rows": r.read("I")}
    if kind == 1:
        op = {"name": "Conv2d", "inputs": [r.read("H")], "channels": r.read("I")}
        return op | {"groups": r.read("I"), "window": r.window()}
    if kind == 2:
        return {"name": "Add", "inputs": list(r.read("HH")), "factors": r.read("II")}
    if kind in (3, 4):
        name = "SumPool2d" if kind == 3 else "MaxPool2d"
        return {"name": name, "inputs": [r.read("H")], "window": r.window()}
    if kind == 5:
        op = {"name": "Requantize", "inputs": [r.read("H")], "multipliers": r.array("<u4")}
        return op | {"shift": r.read("B"), "bits": r.read("B"), "clamp": r.read("bb")}
    if kind == 6:
        table = np.array(r.read("H256b"))
        return {"name": "Lookup", "inputs": [int(table[0])], "table": table[1:]}
    assert kind == 7
    return {"name": "Reshape", "inputs": [r.read("H")], "shape": r.read("III")}


def read_graph(data):
    r = Reader(data)
    assert r.read("B") == 1
    graph = {"input_shape": r.read("III")}
    for name in ("input_scale", "output_scale"):
        mantissa, exponent = r.read("ib")
        graph[name] = mantissa * 2.0**exponent
    graph["operations"] = [read_operation(r) for _ in range(r.length())]
    graph["source"] = r.read("32s")
    r.read("64s")
    r.array("u1")
    graph["parameters"] = [(r.array("i1"), r.array("<i4")) for _ in range(r.length())]
    assert r.at == len(data)
    return graph


def windows(x, window, fill):
    """[n,c,h,w] → [n,c,h',w',kh,kw]."""
    top, left, bottom, right = window["pad"]
    padded = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)), constant_values=fill)
    views = np.lib.stride_tricks.sliding_window_view(padded, window["kernel"], axis=(2, 3))
    down, across = window["stride"]
    return views[:, :, ::down, ::across]


def requantize(acc, op):
    scale = op["multipliers"].reshape(1, -1, 1, 1)
    # Python's integers cannot overflow.
    scaled = acc.astype(object) * scale.astype(object) + (1 << (op["shift"] - 1))
    quotient = scaled // (1 << op["shift"])
    assert ((-(1 << op["bits"] - 1) <= quotient) & (quotient < 1 << op["bits"] - 1)).all()
    return np.clip(quotient, *op["clamp"]).astype(np.int64)


def run(graph, x):
    """Runs the model on int8 rows [n,...]; returns [n, elements]."""
    n = len(x)
    tensors = [x.astype(np.int64).reshape(n, *graph["input_shape"])]
    parameters = iter(graph["parameters"])
    for op in graph["operations"]:
        name, inputs = op["name"], [tensors[i] for i in op["inputs"]]
        x = inputs[0]
        if name == "Dense":
            weights, bias = next(parameters)
            y = x.reshape(n, -1) @ weights.reshape(op["rows"], -1).T + bias
            y = y.reshape(n, -1, 1, 1)
        elif name == "Conv2d":
            weights, bias = next(parameters)
            kernel = op["window"]["kernel"]
            views = windows(x, op["window"], 0)
            groups, channels = op["groups"], op["channels"]
            per_group = x.shape[1] // groups
            weights = weights.reshape(groups, channels // groups, per_group, *kernel)
            views = views.reshape(n, groups, per_group, *views.shape[2:])
            y = np.einsum("ngchwuv,gocuv->ngohw", views, weights)
            y = y.reshape(n, channels, *y.shape[3:]) + bias.reshape(1, -1, 1, 1)
        elif name == "Add":
            y = op["factors"][0] * inputs[0] + op["factors"][1] * inputs[1]
        elif name == "SumPool2d":
            y = windows(x, op["window"], 0).sum((4, 5))
        elif name == "MaxPool2d":
            y = windows(x, op["window"], -128).max((4, 5))
        elif name == "Requantize":
            y = requantize(x, op)
        elif name == "Lookup":
            y = op["table"][x + 128]
        else:
            y = x.reshape(n, *op["shape"])
        assert (np.abs(y) < 2**31).all()
        tensors.append(y)
    return tensors[-1].reshape(n, -1)


def quantize(rows, declaration):
    """Converts real rows to int8 by the declaration of the model."""
    rows = rows.astype(np.float64)
    if "preprocessing" in declaration:
        scale, offset = (np.array(declaration["preprocessing"][k]) for k in ("scale", "offset"))
        rows = (rows.reshape(len(rows), -1) * scale + offset).reshape(rows.shape)
    levels = np.floor(rows / declaration["input_scale"] + 0.5)
    return np.clip(levels, -128, 127).astype(np.int8)


def classes(outputs, declaration):
    if outputs.shape[1] > 1:
        return outputs.argmax(1)
    # An int8 output is a probability, an int32 output a logit.
    half = 0.5 if declaration["outputs"][0]["element_type"] == "i8" else 0
    return outputs[:, 0] * declaration["output_scale"] > half


def main():
    for name in MODELS:
        folder = HERE / name
        graph = read_graph((folder / f"{name}.graph").read_bytes())
        declaration = json.loads((folder / f"{name}.graph.json").read_text())
        test = np.load(folder / "test.npz")
        rows = quantize(test[declaration["inputs"][0]["name"]], declaration)
        outputs = run(graph, rows)
        accuracy = np.mean(classes(outputs, declaration) == test["labels"])
        print(f"{name}: {len(rows)} rows, accuracy {accuracy:.4f}")
        samples = {
            "input": rows[:SAMPLES],
            "expected": outputs[:SAMPLES].astype(np.int32),
            "labels": test["labels"][:SAMPLES],
        }
        path = folder / "integer-samples.npz"
        if "--check" in sys.argv:
            committed = np.load(path)
            assert all((committed[key] == value).all() for key, value in samples.items()), name
        else:
            np.savez_compressed(path, **samples)
            shape = declaration["inputs"][0]["shape"]
            np.save(folder / "integer-sample.npy", rows[:1].reshape(shape))


if __name__ == "__main__":
    main()
