"""Measures runs per second of onnxruntime with one thread, on the samples of the bundled models."""

import json
import sys
import time

import numpy
import onnxruntime

models, seconds, names = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
rates = {}
for name in names:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    model = onnxruntime.InferenceSession(
        f"{models}/{name}/{name}.onnx", options, providers=["CPUExecutionProvider"]
    )
    tensor = model.get_inputs()[0].name
    samples = numpy.load(f"{models}/{name}/samples.npz")[tensor].astype(numpy.float32)
    inputs = [samples[index : index + 1] for index in range(len(samples))]
    for sample in inputs:
        model.run(None, {tensor: sample})
    started, runs = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        for sample in inputs:
            model.run(None, {tensor: sample})
        runs += len(inputs)
    rates[name] = runs / (time.perf_counter() - started)
print(json.dumps(rates))
