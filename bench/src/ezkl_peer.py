"""Proves one inference of each ONNX model with ezkl, and prints the cost as JSON.

Usage: ezkl_peer.py MODELS PROOFS NAME...

File, first sample and machine are the same as for Assay. Quantisation is that of ezkl:
`calibrate_settings` for resources, on the sample. The structured reference string is generated for
the test, which is faster than a download of the real one and does not affect the cost of proofs.
"""

import asyncio
import inspect
import json
import re
import sys
import tempfile
import time
from pathlib import Path

import ezkl
import numpy


def wait(value):
    """The value, or the result of an awaitable: some versions of ezkl return awaitables."""
    return asyncio.run(_wait(value)) if inspect.isawaitable(value) else value


async def _wait(value):
    return await value


def peak_memory_mb():
    """Peak memory of this process. `ru_maxrss` would include the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024


def measure(folder, work, proofs):
    name = folder.name
    samples = numpy.load(folder / "samples.npz")
    declared = json.loads((folder / "model.json").read_text())["inputs"][0]["name"]
    sample = samples[declared][0].astype(float).flatten().tolist()
    path = {key: str(work / key) for key in ("settings", "circuit", "srs", "vk", "pk", "witness")}
    data = work / "input.json"
    data.write_text(json.dumps({"input_data": [sample]}))
    model = str(folder / f"{name}.onnx")
    arguments = ezkl.PyRunArgs()
    arguments.input_visibility = "public"
    arguments.output_visibility = "public"
    arguments.param_visibility = "fixed"
    wait(ezkl.gen_settings(model, path["settings"], py_run_args=arguments))
    wait(ezkl.calibrate_settings(str(data), model, path["settings"], "resources"))
    wait(ezkl.compile_circuit(model, path["circuit"], path["settings"]))
    rows = json.loads(Path(path["settings"]).read_text())["run_args"]["logrows"]
    wait(ezkl.gen_srs(path["srs"], rows))
    started = time.perf_counter()
    wait(ezkl.setup(path["circuit"], path["vk"], path["pk"], path["srs"]))
    setup = time.perf_counter() - started
    wait(ezkl.gen_witness(str(data), path["circuit"], path["witness"]))
    prove, verify = [], []
    proof = str(work / "proof")
    for _ in range(proofs):
        started = time.perf_counter()
        wait(ezkl.prove(path["witness"], path["circuit"], path["pk"], proof, path["srs"]))
        prove.append(time.perf_counter() - started)
    for _ in range(10):
        started = time.perf_counter()
        if not wait(ezkl.verify(proof, path["settings"], path["vk"], path["srs"])):
            sys.exit(f"ezkl rejects its own proof of {name}")
        verify.append(time.perf_counter() - started)
    encoded = json.loads(Path(proof).read_text())["proof"]
    size = len(encoded) if isinstance(encoded, list) else (len(encoded) - 2) // 2
    return {
        "setup_s": setup,
        "prove_s": sorted(prove)[len(prove) // 2],
        "verify_ms": sorted(verify)[len(verify) // 2] * 1e3,
        "proof_bytes": size,
        "key_bytes": Path(path["pk"]).stat().st_size,
        "memory_mb": peak_memory_mb(),
    }


if __name__ == "__main__":
    models, proofs = Path(sys.argv[1]), int(sys.argv[2])
    figures = {}
    for name in sys.argv[3:]:
        with tempfile.TemporaryDirectory() as work:
            figures[name] = measure(models / name, Path(work), proofs)
    print(json.dumps(figures))
