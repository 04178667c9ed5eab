"""Trains the classifier of breast tumours, and writes it with its side files.

Run `python models/breast-cancer/train.py` from any folder.
"""

import json
import sys
from pathlib import Path

import numpy as np
from onnx import helper
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import common  # noqa: E402

SEED = 30
SAMPLES = 20
FEATURES = common.declaration("features", [1, 30])
PROBABILITY = common.declaration("malignant_probability", [1, 1])


def forward(p, x):
    h1 = np.maximum(x @ p["fc1.weight"].T + p["fc1.bias"], 0)
    h2 = np.maximum(h1 @ p["fc2.weight"].T + p["fc2.bias"], 0)
    logit = h2 @ p["fc3.weight"].T + p["fc3.bias"]
    return 1 / (1 + np.exp(-logit)), (h1, h2)


def gradients(p, x, labels):
    """Gradients of the mean binary cross-entropy."""
    probability, (h1, h2) = forward(p, x)
    d3 = (probability - labels[:, None]) / len(x)
    d2 = (d3 @ p["fc3.weight"]) * (h2 > 0)
    d1 = (d2 @ p["fc2.weight"]) * (h1 > 0)
    return {
        "fc1.weight": d1.T @ x,
        "fc1.bias": d1.sum(0),
        "fc2.weight": d2.T @ h1,
        "fc2.bias": d2.sum(0),
        "fc3.weight": d3.T @ h2,
        "fc3.bias": d3.sum(0),
    }


def initial_params():
    rng = np.random.default_rng(SEED)
    return {
        "fc1.weight": common.uniform_init(rng, (32, 30), 30),
        "fc1.bias": np.zeros(32),
        "fc2.weight": common.uniform_init(rng, (16, 32), 32),
        "fc2.bias": np.zeros(16),
        "fc3.weight": common.uniform_init(rng, (1, 16), 16) / 2,
        "fc3.bias": np.zeros(1),
    }


def export(params, mean, scale, path):
    def gemm(source, name, result):
        return helper.make_node(
            "Gemm", [source, f"{name}.weight", f"{name}.bias"], [result], name, transB=1
        )

    nodes = [
        helper.make_node("Sub", ["features", "mean"], ["centred"], "centre"),
        helper.make_node("Mul", ["centred", "scale"], ["standardised"], "standardise"),
        gemm("standardised", "fc1", "fc1.out"),
        helper.make_node("Relu", ["fc1.out"], ["relu1.out"], "relu1"),
        gemm("relu1.out", "fc2", "fc2.out"),
        helper.make_node("Relu", ["fc2.out"], ["relu2.out"], "relu2"),
        gemm("relu2.out", "fc3", "logit"),
        helper.make_node("Sigmoid", ["logit"], ["malignant_probability"], "sigmoid"),
    ]
    weights = [common.initializer("mean", mean[None]), common.initializer("scale", scale[None])]
    weights += [common.initializer(name, value) for name, value in params.items()]
    doc = "Probability that a breast tumour is malignant, from 30 cell nucleus measurements."
    common.save_model(path, nodes, weights, FEATURES, PROBABILITY, doc)


def main():
    data = load_breast_cancer()
    rows = data.data.astype(np.float32)
    malignant = (data.target_names[data.target] == "malignant").astype(np.int64)
    train_x, test_x, train_y, test_y = train_test_split(
        rows, malignant, test_size=114, stratify=malignant, random_state=0
    )

    # The graph standardises with float32 values, so training uses the same values.
    mean = train_x.mean(0, dtype=np.float64).astype(np.float32)
    scale = (1 / train_x.std(0, dtype=np.float64)).astype(np.float32)
    params = initial_params()
    common.train(
        params,
        gradients,
        (train_x.astype(np.float64) - mean) * scale,
        train_y,
        epochs=120,
        batch=32,
        rate=0.002,
        decay=2.0,
        seed=SEED,
    )
    path = HERE / "breast-cancer.onnx"
    export(params, mean, scale, path)

    # The figures are those of the exported file under onnxruntime.
    train_accuracy = np.mean((common.run_model(path, "features", train_x)[:, 0] > 0.5) == train_y)
    test_out = common.run_model(path, "features", test_x)
    predicted = test_out[:, 0] > 0.5
    test_accuracy = np.mean(predicted == test_y)
    sensitivity = np.mean(predicted[test_y == 1])
    specificity = np.mean(~predicted[test_y == 0])
    parameters = mean.size + scale.size + sum(v.size for v in params.values())
    print(f"train accuracy {train_accuracy:.4f}  test accuracy {test_accuracy:.4f}")
    print(f"sensitivity {sensitivity:.4f}  specificity {specificity:.4f}")
    print(f"parameters {parameters}  bytes {path.stat().st_size}")
    assert test_accuracy >= 0.95

    np.savez(
        HERE / "samples.npz",
        features=test_x[:SAMPLES],
        labels=test_y[:SAMPLES],
        expected=test_out[:SAMPLES],
    )
    common.save_rows(HERE, "features", (train_x, train_y), (test_x, test_y))
    np.save(HERE / "features.npy", test_x[:1])
    # The shortest decimals that convert back to the same float32.
    numbers = [str(v) for v in test_x[0]]
    sample = {"features": [[float(v) for v in numbers]], "label": int(test_y[0])}
    (HERE / "sample.json").write_text(json.dumps(sample) + "\n")
    (HERE / "sample.csv").write_text(",".join(numbers) + "\n")
    common.write_json(
        HERE / "model.json",
        {
            "name": "breast-cancer",
            "description": "Probability that a breast tumour is malignant, from 30 measurements "
            "of cell nuclei. A demonstration, not a medical device",
            "license": "Apache-2.0",
            "artifact": common.artifact(path),
            "inputs": [FEATURES],
            "outputs": [PROBABILITY],
            "input_meaning": "raw values, in the order of feature_names; the graph scales them",
            "output_meaning": "probability of malignant; the rest is the probability of benign",
            "classes": ["benign", "malignant"],
            "feature_names": [str(name).replace(" ", "_") for name in data.feature_names],
            "parameters": parameters,
            "dataset": {
                "name": "Breast Cancer Wisconsin (Diagnostic)",
                "license": "CC-BY-4.0",
                "citation": "W. Wolberg, O. Mangasarian, N. Street, W. Street (1993). Breast "
                "Cancer Wisconsin (Diagnostic). UCI Machine Learning Repository.",
                "doi": "10.24432/C5DW2B",
                "loaded_with": "sklearn.datasets.load_breast_cancer",
            },
            "train_samples": len(train_x),
            "test_samples": len(test_x),
            "train_accuracy": round(float(train_accuracy), 4),
            "test_accuracy": round(float(test_accuracy), 4),
            "test_sensitivity": round(float(sensitivity), 4),
            "test_specificity": round(float(specificity), 4),
        },
    )


if __name__ == "__main__":
    main()
