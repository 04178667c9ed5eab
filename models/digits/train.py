"""Trains the classifier of handwritten digits, and writes it with its side files.

Run `python models/digits/train.py` from any folder.
"""

import json
import sys
from pathlib import Path

import numpy as np
from onnx import helper
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import common  # noqa: E402

SEED = 20
SAMPLES = 20
IMAGE = common.declaration("image", [1, 1, 8, 8])
PROBABILITIES = common.declaration("probabilities", [1, 10])


def patches(x):
    """[n,c,h,w] → [n,h,w,c*9]: the 3x3 neighbourhood of each pixel, zero outside."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    n, c, h, w = x.shape
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(n, h, w, c * 9)


def conv(x, weight, bias):
    """Also returns the patches, which the backward pass needs."""
    cols = patches(x)
    return cols, (cols @ weight.reshape(len(weight), -1).T + bias).transpose(0, 3, 1, 2)


def conv_grads(cols, grad, weight):
    """Gradients of weight, bias and input, from the gradient of the output."""
    rows = grad.transpose(0, 2, 3, 1)
    flat = rows.reshape(-1, len(weight))
    d_weight = (flat.T @ cols.reshape(len(flat), -1)).reshape(weight.shape)
    # The gradient of the input is a convolution with the kernel rotated by 180 degrees.
    rotated = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    d_input = (patches(grad) @ rotated.reshape(len(rotated), -1).T).transpose(0, 3, 1, 2)
    return d_weight, flat.sum(0), d_input


def forward(p, x):
    cols1, pre1 = conv(x, p["conv1.weight"], p["conv1.bias"])
    cols2, pre2 = conv(np.maximum(pre1, 0), p["conv2.weight"], p["conv2.bias"])
    n, c = pre2.shape[:2]
    cells = np.maximum(pre2, 0).reshape(n, c, 4, 2, 4, 2).transpose(0, 1, 2, 4, 3, 5)
    cells = cells.reshape(n, c, 4, 4, 4)
    flat = cells.max(-1).reshape(n, -1)
    logits = flat @ p["fc.weight"].T + p["fc.bias"]
    exp = np.exp(logits - logits.max(1, keepdims=True))
    return exp / exp.sum(1, keepdims=True), (cols1, pre1, cols2, pre2, cells, flat)


def gradients(p, x, labels):
    """Gradients of the mean cross-entropy."""
    probabilities, (cols1, pre1, cols2, pre2, cells, flat) = forward(p, x)
    n = len(x)
    d_logits = (probabilities - np.eye(10)[labels]) / n
    d_pool = (d_logits @ p["fc.weight"]).reshape(*cells.shape[:4], 1)
    winner = np.arange(4) == cells.argmax(-1)[..., None]
    d_cells = (d_pool * winner).reshape(n, -1, 4, 4, 2, 2).transpose(0, 1, 2, 4, 3, 5)
    d_pre2 = d_cells.reshape(pre2.shape) * (pre2 > 0)
    d_w2, d_b2, d_act1 = conv_grads(cols2, d_pre2, p["conv2.weight"])
    d_w1, d_b1, _ = conv_grads(cols1, d_act1 * (pre1 > 0), p["conv1.weight"])
    return {
        "conv1.weight": d_w1,
        "conv1.bias": d_b1,
        "conv2.weight": d_w2,
        "conv2.bias": d_b2,
        "fc.weight": d_logits.T @ flat,
        "fc.bias": d_logits.sum(0),
    }


def initial_params():
    rng = np.random.default_rng(SEED)
    return {
        "conv1.weight": common.uniform_init(rng, (8, 1, 3, 3), 9),
        "conv1.bias": np.zeros(8),
        "conv2.weight": common.uniform_init(rng, (16, 8, 3, 3), 72),
        "conv2.bias": np.zeros(16),
        "fc.weight": common.uniform_init(rng, (10, 256), 256) / 2,
        "fc.bias": np.zeros(10),
    }


def export(params, path):
    def conv_node(source, name, result):
        return helper.make_node(
            "Conv",
            [source, f"{name}.weight", f"{name}.bias"],
            [result],
            name,
            kernel_shape=[3, 3],
            pads=[1, 1, 1, 1],
        )

    nodes = [
        conv_node("image", "conv1", "conv1.out"),
        helper.make_node("Relu", ["conv1.out"], ["relu1.out"], "relu1"),
        conv_node("relu1.out", "conv2", "conv2.out"),
        helper.make_node("Relu", ["conv2.out"], ["relu2.out"], "relu2"),
        helper.make_node(
            "MaxPool", ["relu2.out"], ["pool.out"], "pool", kernel_shape=[2, 2], strides=[2, 2]
        ),
        helper.make_node("Flatten", ["pool.out"], ["flatten.out"], "flatten", axis=1),
        helper.make_node(
            "Gemm", ["flatten.out", "fc.weight", "fc.bias"], ["logits"], "fc", transB=1
        ),
        helper.make_node("Softmax", ["logits"], ["probabilities"], "softmax", axis=1),
    ]
    weights = [common.initializer(name, value) for name, value in params.items()]
    doc = "Recognises one handwritten digit, 8x8 pixels, ink from 0 to 1."
    common.save_model(path, nodes, weights, IMAGE, PROBABILITIES, doc)


def main():
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, None]
    train_x, test_x, train_y, test_y = train_test_split(
        images, digits.target, test_size=360, stratify=digits.target, random_state=0
    )

    params = initial_params()
    common.train(
        params,
        gradients,
        train_x.astype(np.float64),
        train_y,
        epochs=40,
        batch=32,
        rate=0.004,
        decay=0.02,
        seed=SEED,
    )
    path = HERE / "digits.onnx"
    export(params, path)

    # The figures are those of the exported file under onnxruntime.
    train_accuracy = np.mean(common.run_model(path, "image", train_x).argmax(1) == train_y)
    test_out = common.run_model(path, "image", test_x)
    test_accuracy = np.mean(test_out.argmax(1) == test_y)
    parameters = sum(v.size for v in params.values())
    print(f"train accuracy {train_accuracy:.4f}  test accuracy {test_accuracy:.4f}")
    print(f"parameters {parameters}  bytes {path.stat().st_size}")
    assert test_accuracy >= 0.975

    np.savez(
        HERE / "samples.npz",
        image=test_x[:SAMPLES],
        labels=test_y[:SAMPLES],
        expected=test_out[:SAMPLES],
    )
    common.save_rows(HERE, "image", (train_x, train_y), (test_x, test_y))
    np.save(HERE / "digit.npy", test_x[:1])
    sample = {"image": test_x[:1].tolist(), "label": int(test_y[0])}
    (HERE / "sample.json").write_text(json.dumps(sample) + "\n")
    ink = " .:-=+*#%@"
    art = ["".join(2 * ink[round(float(v) * 9)] for v in row).rstrip() for row in test_x[0, 0]]
    (HERE / "sample.txt").write_text("\n".join(art) + f"\n\nlabel {test_y[0]}\n")
    common.write_json(
        HERE / "model.json",
        {
            "name": "digits",
            "description": "Recognises one handwritten digit in an 8x8 greyscale image",
            "license": "Apache-2.0",
            "artifact": common.artifact(path),
            "inputs": [IMAGE],
            "outputs": [PROBABILITIES],
            "input_meaning": "ink per pixel, row by row from the top left; 0 is paper, 1 is ink",
            "output_meaning": "probability of each digit; index 0 is the digit 0",
            "classes": [str(d) for d in range(10)],
            "parameters": parameters,
            "dataset": {
                "name": "Optical Recognition of Handwritten Digits, the 1797 test images",
                "license": "CC-BY-4.0",
                "citation": "E. Alpaydin, C. Kaynak (1998). Optical Recognition of Handwritten "
                "Digits. UCI Machine Learning Repository.",
                "doi": "10.24432/C50P49",
                "loaded_with": "sklearn.datasets.load_digits",
            },
            "train_samples": len(train_x),
            "test_samples": len(test_x),
            "train_accuracy": round(float(train_accuracy), 4),
            "test_accuracy": round(float(test_accuracy), 4),
        },
    )


if __name__ == "__main__":
    main()
