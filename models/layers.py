"""Sequential networks in plain numpy, with gradients and ONNX nodes.

A network is a list of layers: `("dense", name)`, `("conv", name, stride)` with a 3x3 kernel and
one row of padding, `("relu",)`, `("pool",)` for the maximum of 2x2, `("flatten",)`.
"""

import numpy as np
from onnx import helper

import common


def patches(x, stride):
    """[n,c,h,w] → [n,h',w',c*9]: the 3x3 neighbourhood of each position, zero outside."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    windows = windows[:, :, ::stride, ::stride].transpose(0, 2, 3, 1, 4, 5)
    return windows.reshape(*windows.shape[:3], -1)


def unpatches(cols, shape, stride):
    """The transpose of `patches`: adds each neighbourhood to its position."""
    n, c, h, w = shape
    rows, columns = cols.shape[1:3]
    cols = cols.reshape(n, rows, columns, c, 3, 3).transpose(0, 3, 4, 5, 1, 2)
    padded = np.zeros((n, c, h + 2, w + 2))
    for dy in range(3):
        for dx in range(3):
            ends = dy + stride * rows, dx + stride * columns
            padded[:, :, dy : ends[0] : stride, dx : ends[1] : stride] += cols[:, :, dy, dx]
    return padded[:, :, 1:-1, 1:-1]


def cells(x):
    """[n,c,h,w] → [n,c,h/2,w/2,4]: the windows of a pool."""
    n, c, h, w = x.shape
    windows = x.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5)
    return windows.reshape(n, c, h // 2, w // 2, 4)


def forward(network, p, x):
    """The logits, and for each layer the values that its gradient needs."""
    notes = []
    for kind, *rest in network:
        if kind == "dense":
            notes.append(x)
            x = x @ p[f"{rest[0]}.weight"].T + p[f"{rest[0]}.bias"]
        elif kind == "conv":
            name, stride = rest
            weight = p[f"{name}.weight"]
            cols = patches(x, stride)
            notes.append((cols, x.shape))
            x = cols @ weight.reshape(len(weight), -1).T + p[f"{name}.bias"]
            x = x.transpose(0, 3, 1, 2)
        elif kind == "relu":
            notes.append(x > 0)
            x = np.maximum(x, 0)
        elif kind == "pool":
            windows = cells(x)
            notes.append((np.arange(4) == windows.argmax(-1)[..., None], x.shape))
            x = windows.max(-1)
        else:
            notes.append(x.shape)
            x = x.reshape(len(x), -1)
    return x, notes


def gradients(network):
    """The function that `common.train` needs: gradients of the mean cross-entropy."""

    def of(p, x, labels):
        logits, notes = forward(network, p, x)
        exp = np.exp(logits - logits.max(1, keepdims=True))
        grad = (exp / exp.sum(1, keepdims=True) - np.eye(logits.shape[1])[labels]) / len(x)
        grads = {}
        for index in reversed(range(len(network))):
            (kind, *rest), note = network[index], notes[index]
            if kind == "dense":
                grads[f"{rest[0]}.weight"] = grad.T @ note
                grads[f"{rest[0]}.bias"] = grad.sum(0)
                grad = grad @ p[f"{rest[0]}.weight"]
            elif kind == "conv":
                name, stride = rest
                cols, shape = note
                weight = p[f"{name}.weight"]
                rows = grad.transpose(0, 2, 3, 1)
                flat = rows.reshape(-1, len(weight))
                grads[f"{name}.weight"] = (flat.T @ cols.reshape(len(flat), -1)).reshape(
                    weight.shape
                )
                grads[f"{name}.bias"] = flat.sum(0)
                if index > 0:
                    grad = unpatches(rows @ weight.reshape(len(weight), -1), shape, stride)
            elif kind == "relu":
                grad = grad * note
            elif kind == "pool":
                winner, (n, c, h, w) = note
                windows = (grad[..., None] * winner).reshape(n, c, h // 2, w // 2, 2, 2)
                grad = windows.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h, w)
            else:
                grad = grad.reshape(note)
        return {name: grads[name] for name in p}

    return of


def initial_params(shapes, seed):
    """Uniform He initialisation. `shapes` are those of the weights, by layer."""
    rng = np.random.default_rng(seed)
    params = {}
    for name, shape in shapes.items():
        params[f"{name}.weight"] = common.uniform_init(rng, shape, int(np.prod(shape[1:])))
        params[f"{name}.bias"] = np.zeros(shape[0])
    return params


def nodes(network, source):
    """The ONNX nodes. The output of the last one is `logits`."""
    result = []
    for index, (kind, *rest) in enumerate(network):
        name = rest[0] if rest else f"{kind}{index}"
        to = "logits" if index == len(network) - 1 else f"{name}.out"
        if kind == "dense":
            inputs = [source, f"{name}.weight", f"{name}.bias"]
            node = helper.make_node("Gemm", inputs, [to], name, transB=1)
        elif kind == "conv":
            inputs = [source, f"{name}.weight", f"{name}.bias"]
            node = helper.make_node(
                "Conv",
                inputs,
                [to],
                name,
                kernel_shape=[3, 3],
                pads=[1, 1, 1, 1],
                strides=[rest[1]] * 2,
            )
        elif kind == "relu":
            node = helper.make_node("Relu", [source], [to], name)
        elif kind == "pool":
            node = helper.make_node(
                "MaxPool", [source], [to], name, kernel_shape=[2, 2], strides=[2, 2]
            )
        else:
            node = helper.make_node("Flatten", [source], [to], name, axis=1)
        result.append(node)
        source = to
    return result
