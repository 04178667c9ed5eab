"""Plots the cost of proofs against the number of weights.

Usage: plot.py TABLE.csv PICTURE.png
"""

import csv
import sys

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot

PANELS = [
    ("prove_ms", "prove, ms"),
    ("commit_ms", "commit to the model once, ms"),
    ("verify_wasm_ms", "verify in the runtime's wasm, ms"),
    ("proof_bytes", "proof, bytes"),
]

if __name__ == "__main__":
    with open(sys.argv[1], newline="") as table:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(table)]
    figure, axes = pyplot.subplots(2, 2, figsize=(10, 7), constrained_layout=True)
    for (column, label), axis in zip(PANELS, axes.flat, strict=True):
        for layers in sorted({row["layers"] for row in rows}):
            chosen = [row for row in rows if row["layers"] == layers]
            axis.plot(
                [row["weights"] for row in chosen],
                [row[column] for row in chosen],
                marker="o",
                label=f"{layers:.0f} layers",
            )
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlabel("weights")
        axis.set_title(label)
        axis.grid(True, which="both", alpha=0.3)
    axes.flat[0].legend()
    figure.savefig(sys.argv[2], dpi=110)
