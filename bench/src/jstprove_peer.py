"""Proves one inference of each ONNX model with JSTprove, and prints the cost as JSON.

Usage: jstprove_peer.py MODELS PROOFS NAME...

File, first sample and machine are the same as for Assay. Quantisation is that of JSTprove: weights
and inputs times 2^18, products rescaled. JSTprove does not accept a Gemm without its optional
attributes, so a temporary copy of the file has their default values. Nothing else is changed.

The commands are those of its documentation: `jst compile`, `witness`, `prove` and `verify`. The
times are those that it prints, for its compiled programs without the start of Python.

What its proof does not check: its verifier (gkr/src/verifier of Expander at af1b747) reads the sum
of the circuit's constraints from the proof and does not compare it with zero, so it accepts a proof
of any output. This script demonstrates it on every run: it reverses the outputs in the witness and
verifies a proof of them. The comparison would cost nothing; the prover already does the work for
it.

The constraints include range checks, by lookups of digits of four bits. The check of a rescaling's
18-bit remainder permits values down to -3 * 2^18 (`rangeproof` in circuit-std-rs/src/logup.rs of
ExpanderCompilerCollection at bdf8cd2), so each rescaled value can be up to three units of 2^-18 too
high.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import distribution
from pathlib import Path

import numpy
import onnx

VERIFICATIONS = 10
GEMM_DEFAULTS = {"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 0}
# Open MPI is in the same environment. With one process it needs no network, and searching for one
# takes a second.
ENVIRONMENT = {
    **os.environ,
    "LD_LIBRARY_PATH": str(Path(sys.prefix) / "lib"),
    "OMPI_MCA_btl": "self",
    "OMPI_MCA_osc": "^ucx",
    "OMPI_MCA_pml": "ob1",
}


class Refused(Exception):
    """A command of JSTprove failed."""


def run(work, command):
    done = subprocess.run(
        command, cwd=work, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Refused(f"{' '.join(map(str, command))}: {done.stdout}{done.stderr}")
    return done


def jst(work, command, **files):
    """Runs a command and returns the seconds that it prints."""
    program = Path(sys.prefix) / "bin" / "jst"
    options = [part for name, file in files.items() for part in (f"--{name}-path", file)]
    printed = run(work, [program, "--no-banner", command, *options]).stdout
    return float(re.search(r"Rust time taken: ([\d.]+) seconds", printed)[1])


def solve(work):
    files = {"input": "input.json", "output": "output.json", "witness": "witness"}
    return jst(work, "witness", circuit="circuit", **files)


def prove(work, witness, proof):
    return jst(work, "prove", circuit="circuit", witness=witness, proof=proof)


def verify(work, output, witness, proof):
    files = {"input": "input.json", "output": output, "witness": witness, "proof": proof}
    return jst(work, "verify", circuit="circuit", **files)


def prover_memory_mb(work):
    """Peak memory of the program that `jst prove` runs, with the same arguments."""
    program = distribution("jstprove").locate_file("python/core/binaries/expander-exec")
    proving = ["-p", "Hyrax", "prove", "-c", "circuit", "-w", "witness", "-o", "proof"]
    timed = run(work, ["/usr/bin/time", "-f", "%M", program, *proving])
    return int(timed.stderr.split()[-1]) * 1024 / 1e6


def accepts_false_output(work):
    """Whether a proof of the reversed outputs is accepted."""
    false = json.loads((work / "output.json").read_text())["output"][::-1]
    (work / "false.json").write_text(json.dumps({"output": false}))
    witness = bytearray((work / "witness").read_bytes())
    modulus = int.from_bytes(witness[24:56], "little")
    # The public values are at the end: the outputs, then two values of the scale.
    at = len(witness) - 32 * (2 + len(false))
    witness[at : len(witness) - 64] = b"".join(
        (value % modulus).to_bytes(32, "little") for value in false
    )
    (work / "false").write_bytes(witness)
    try:
        prove(work, "false", "false-proof")
        verify(work, "false.json", "false", "false-proof")
    except Refused:
        return False
    return True


def measure(folder, work, proofs):
    name = folder.name
    model = onnx.load(folder / f"{name}.onnx")
    for node in model.graph.node:
        if node.op_type == "Gemm":
            named = {attribute.name for attribute in node.attribute}
            for attribute, value in GEMM_DEFAULTS.items():
                if attribute not in named:
                    node.attribute.append(onnx.helper.make_attribute(attribute, value))
    onnx.save(model, work / "model.onnx")
    samples = numpy.load(folder / "samples.npz")
    declared = json.loads((folder / "model.json").read_text())["inputs"][0]["name"]
    sample = samples[declared][0].astype(float).flatten().tolist()
    (work / "input.json").write_text(json.dumps({"input": sample}))
    setup = jst(work, "compile", model="model.onnx", circuit="circuit")
    solve(work)
    proving = [prove(work, "witness", "proof") for _ in range(proofs)]
    verifying = [verify(work, "output.json", "witness", "proof") for _ in range(VERIFICATIONS)]
    return {
        "setup_s": setup,
        "prove_s": sorted(proving)[len(proving) // 2],
        "verify_ms": sorted(verifying)[len(verifying) // 2] * 1e3,
        "proof_bytes": (work / "proof").stat().st_size,
        "circuit_bytes": (work / "circuit").stat().st_size,
        "memory_mb": prover_memory_mb(work),
        "accepts_false_output": float(accepts_false_output(work)),
    }


if __name__ == "__main__":
    models, proofs = Path(sys.argv[1]), int(sys.argv[2])
    figures = {}
    for name in sys.argv[3:]:
        with tempfile.TemporaryDirectory() as work:
            figures[name] = measure(models / name, Path(work), proofs)
    print(json.dumps(figures))
