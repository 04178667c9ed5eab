"""Trains a small perceptron on the handwritten digits, and writes it with its side files.

Run `python models/digits-mlp/train.py` from any folder.
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
SHAPES = {"fc1": (128, 64), "fc2": (64, 128), "fc3": (10, 64)}

if __name__ == "__main__":
    digits.make(
        HERE,
        NETWORK,
        SHAPES,
        size=8,
        flat=True,
        seed=41,
        least=0.97,
        epochs=40,
        batch=32,
        rate=0.003,
        decay=0.05,
    )
