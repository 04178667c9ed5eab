"""Trains a perceptron on the digits in 28x28 pixels, and writes it with its side files.

Run `python models/digits-28-mlp/train.py` from any folder.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import digits  # noqa: E402

NETWORK = [
    ("dense", "fc1"),
    ("relu",),
    ("dense", "fc2"),
    ("relu",),
    ("dense", "fc3"),
]
SHAPES = {"fc1": (256, 784), "fc2": (128, 256), "fc3": (10, 128)}

if __name__ == "__main__":
    digits.make(
        HERE,
        NETWORK,
        SHAPES,
        size=28,
        flat=True,
        seed=42,
        least=0.97,
        epochs=30,
        batch=32,
        rate=0.002,
        decay=0.05,
    )
