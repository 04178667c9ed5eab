"""Trains a convolutional network on the digits in 32x32 pixels, and writes it with its side files.

The network has 231 k weights. Run `python models/digits-32-conv/train.py` from any folder.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import digits  # noqa: E402

# Channels and sizes are powers of two: 1x32x32, 16x16x16, 32x8x8, 64x4x4, 128x4x4, 128x2x2.
NETWORK = [
    ("conv", "conv1", 2),
    ("relu",),
    ("conv", "conv2", 2),
    ("relu",),
    ("conv", "conv3", 2),
    ("relu",),
    ("conv", "conv4", 1),
    ("relu",),
    ("pool",),
    ("flatten",),
    ("dense", "fc1"),
    ("relu",),
    ("dense", "fc2"),
]
SHAPES = {
    "conv1": (16, 1, 3, 3),
    "conv2": (32, 16, 3, 3),
    "conv3": (64, 32, 3, 3),
    "conv4": (128, 64, 3, 3),
    "fc1": (256, 512),
    "fc2": (10, 256),
}

if __name__ == "__main__":
    digits.make(
        HERE,
        NETWORK,
        SHAPES,
        size=32,
        flat=False,
        seed=43,
        least=0.97,
        epochs=20,
        batch=32,
        rate=0.002,
        decay=0.05,
    )
