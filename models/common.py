"""Shared by the training scripts: an optimiser, the export to ONNX, the side files."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs/examples"))

from artifact_id import identity

OPSET = 17
# The oldest IR version with opset 17.
IR_VERSION = 8
# Weights are stored as multiples of 2^-12. Training runs in double precision. Differences between
# BLAS builds are in the last bits, far below this step, so they do not reach the file.
WEIGHT_STEPS_PER_UNIT = 4096


class Adam:
    """Adam with decoupled weight decay. Updates a dict of named arrays in place."""

    def __init__(self, params, decay):
        self.decay = decay
        self.mean = {k: np.zeros_like(v) for k, v in params.items()}
        self.var = {k: np.zeros_like(v) for k, v in params.items()}
        self.step = 0

    def update(self, params, grads, rate):
        self.step += 1
        for name, grad in grads.items():
            self.mean[name] = 0.9 * self.mean[name] + 0.1 * grad
            self.var[name] = 0.999 * self.var[name] + 0.001 * grad * grad
            mean = self.mean[name] / (1 - 0.9**self.step)
            var = self.var[name] / (1 - 0.999**self.step)
            if params[name].ndim > 1:
                params[name] *= 1 - rate * self.decay
            params[name] -= rate * mean / (np.sqrt(var) + 1e-8)


def train(params, gradients, inputs, labels, *, epochs, batch, rate, decay, seed):
    """Minimises the loss whose gradients `gradients(params, inputs, labels)` returns.

    The learning rate falls from `rate` to zero along half a cosine. Rounds the weights at the end.
    """
    rng = np.random.default_rng(seed)
    adam = Adam(params, decay)
    batches = -(-len(inputs) // batch)
    for epoch in range(epochs):
        order = rng.permutation(len(inputs))
        for i in range(batches):
            pick = order[i * batch : (i + 1) * batch]
            progress = (epoch * batches + i) / (epochs * batches)
            now = rate * 0.5 * (1 + np.cos(np.pi * progress))
            adam.update(params, gradients(params, inputs[pick], labels[pick]), now)
    for name in params:
        params[name] = np.rint(params[name] * WEIGHT_STEPS_PER_UNIT) / WEIGHT_STEPS_PER_UNIT


def uniform_init(rng, shape, fan_in):
    """He initialisation, uniform."""
    bound = np.sqrt(6 / fan_in)
    return rng.uniform(-bound, bound, shape)


def initializer(name, array):
    """A float32 initializer with its bytes in `raw_data`."""
    array = np.ascontiguousarray(array, dtype="<f4")
    return helper.make_tensor(name, TensorProto.FLOAT, array.shape, array.tobytes(), raw=True)


def declaration(name, shape):
    """A tensor declaration, as in a published version."""
    return {"name": name, "element_type": "f32", "shape": shape}


def save_model(path, nodes, initializers, source, result, doc):
    """Checks and writes the model. `source` and `result` are tensor declarations."""

    def info(d):
        return helper.make_tensor_value_info(d["name"], TensorProto.FLOAT, d["shape"])

    graph = helper.make_graph(
        nodes, path.stem, [info(source)], [info(result)], initializers, doc_string=doc
    )
    model = helper.make_model(
        graph,
        producer_name="assay",
        ir_version=IR_VERSION,
        opset_imports=[helper.make_opsetid("", OPSET)],
    )
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def run_model(path, name, rows):
    """The outputs of onnxruntime, one row at a time, because the models take a batch of one."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {name: row[None]})[0] for row in rows])


CALIBRATION_ROWS = 160


def save_rows(here, name, training, test):
    """Writes the files for `assay model quantize`: rows for calibration and rows for evaluation.

    `training` and `test` are pairs of inputs and labels. Calibration uses the first training rows,
    evaluation all test rows.
    """
    for file, (rows, labels) in {"calibration": training, "test": test}.items():
        count = CALIBRATION_ROWS if file == "calibration" else len(rows)
        arrays = {name: rows[:count], "labels": labels[:count]}
        np.savez_compressed(here / f"{file}.npz", **arrays)


def artifact(path):
    """The description of an artifact: file, format, size, identity."""
    data = path.read_bytes()
    return {
        "file": path.name,
        "format": "Onnx",
        "bytes": len(data),
        "identity": "0x" + identity(data).hex(),
    }


def write_json(path: Path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
