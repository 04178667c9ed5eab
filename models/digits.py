"""The handwritten digits in other sizes, and the training of models on them."""

import json

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import common
import layers

SAMPLES = 20
DATASET = {
    "name": "Optical Recognition of Handwritten Digits, the 1797 test images",
    "license": "CC-BY-4.0",
    "citation": "E. Alpaydin, C. Kaynak (1998). Optical Recognition of Handwritten "
    "Digits. UCI Machine Learning Repository.",
    "doi": "10.24432/C50P49",
    "loaded_with": "sklearn.datasets.load_digits",
}


def enlarge(images, size):
    """Enlarges 8x8 images by linear interpolation, rounded to 64 grey levels."""
    if size == 8:
        return images
    places = (np.arange(size) + 0.5) * 8 / size - 0.5
    places = np.clip(places, 0, 7)
    left = np.minimum(places.astype(int), 6)
    weights = np.zeros((size, 8))
    weights[np.arange(size), left] = 1 - (places - left)
    weights[np.arange(size), left + 1] = places - left
    return np.rint(weights @ images @ weights.T * 63) / 63


def split(size):
    """Training and test rows, [n,1,size,size]. The split is the same for every size."""
    digits = load_digits()
    images = enlarge(digits.images / 16, size).astype(np.float32)[:, None]
    return train_test_split(
        images, digits.target, test_size=360, stratify=digits.target, random_state=0
    )


def make(here, network, shapes, *, size, flat, seed, least, **training):
    """Trains a network on the digits and writes it with its side files."""
    train_x, test_x, train_y, test_y = split(size)
    if flat:
        train_x, test_x = (x.reshape(len(x), -1) for x in (train_x, test_x))
    source = common.declaration("image", [1, *train_x.shape[1:]])
    result = common.declaration("logits", [1, 10])
    params = layers.initial_params(shapes, seed)
    common.train(
        params,
        layers.gradients(network),
        train_x.astype(np.float64),
        train_y,
        seed=seed,
        **training,
    )
    path = here / f"{here.name}.onnx"
    weights = [common.initializer(name, value) for name, value in params.items()]
    doc = f"Recognises one handwritten digit, {size}x{size} pixels, ink from 0 to 1."
    common.save_model(path, layers.nodes(network, "image"), weights, source, result, doc)

    # The figures are those of the exported file under onnxruntime.
    train_accuracy = np.mean(common.run_model(path, "image", train_x).argmax(1) == train_y)
    test_out = common.run_model(path, "image", test_x)
    test_accuracy = np.mean(test_out.argmax(1) == test_y)
    parameters = sum(v.size for v in params.values())
    print(f"train accuracy {train_accuracy:.4f}  test accuracy {test_accuracy:.4f}")
    print(f"parameters {parameters}  bytes {path.stat().st_size}")
    assert test_accuracy >= least

    np.savez_compressed(
        here / "samples.npz",
        image=test_x[:SAMPLES],
        labels=test_y[:SAMPLES],
        expected=test_out[:SAMPLES],
    )
    common.save_rows(here, "image", (train_x, train_y), (test_x, test_y))
    sample = {"image": test_x[:1].tolist(), "label": int(test_y[0])}
    (here / "sample.json").write_text(json.dumps(sample) + "\n")
    common.write_json(
        here / "model.json",
        {
            "name": here.name,
            "description": f"Recognises one handwritten digit in a {size}x{size} greyscale image",
            "license": "Apache-2.0",
            "artifact": common.artifact(path),
            "inputs": [source],
            "outputs": [result],
            "input_meaning": "ink per pixel, row by row from the top left; 0 is paper, 1 is ink"
            + ("" if size == 8 else f"; an 8x8 image, enlarged to {size}x{size}"),
            "output_meaning": "logit of each digit; index 0 is the digit 0",
            "classes": [str(d) for d in range(10)],
            "parameters": parameters,
            "dataset": DATASET,
            "train_samples": len(train_x),
            "test_samples": len(test_x),
            "train_accuracy": round(float(train_accuracy), 4),
            "test_accuracy": round(float(test_accuracy), 4),
        },
    )
