#!/usr/bin/env python3
"""Vectors that the crate and `pipeline.py`, the second implementation, have to agree on.

Writes JSON to standard output: python3 pipeline_vectors.py > pipeline.json
The output is deterministic.

A vector of `channels` has a channel with its levels and those that it is correlated with, both as
values and how often they are repeated; then the bytes of the elements in hexadecimal digits, or a
failure. One of `candles` has the arguments of the sampling, then the levels or a failure. One of
`inputs` has channels and feeds, then the tensors, or the index of a channel with its failure.
"""

import json
import sys

from pipeline import INTEGERS, MAX_ELEMENT, MAX_U32, Failure, run, sample_candles, tensors

NORMS = ["raw", "standardise", "min_max", "over_mean", "over_last"]
STATISTICS = ["min", "max", "mean", "median", "variance", "std", "first", "last"]
OUTS = [("series", norm) for norm in NORMS] + [("stat", what) for what in STATISTICS]
CHANGES = ["level", "difference", "return"]
EXACT = [1, 1, -(2**31), 2**31 - 1, "i32", None]


class Random:
    """A linear congruential generator modulo 2^64 (Knuth's constants), upper halves."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 32) % bound

    def between(self, low, high):
        return low + (self.below(2**32) << 32 | self.below(2**32)) % (high - low + 1)

    def one(self, items):
        return items[self.below(len(items))]


def last_rounds(count, feed=0):
    return {"feed": feed, "count": count}


def last_candles(count, fill, field="close", resolution=0, feed=0):
    candles = {"resolution": resolution, "field": field, "fill": fill}
    return {"feed": feed, "count": count, **candles}


def channel(out, of, quant=EXACT, how="level", magnitudes=False, tensor=0):
    return {"tensor": tensor, "of": of, "change": how, "abs": magnitudes, "out": out,
            "quant": quant}  # fmt: skip


def outcome(name, make, *arguments):
    try:
        return {name: make(*arguments)}
    except Failure as failure:
        return {"failure": str(failure)}


def pieces(levels):
    """Lists with how often they are repeated."""
    if len(levels) < 32:
        return [[levels, 1]] if levels else []
    found = []
    while levels:
        times, period = 0, 1 if levels[:1] == levels[1:2] else 2
        while levels[times * period : (times + 1) * period] == levels[:period]:
            times += 1
        found.append([levels[:period], times])
        levels = levels[times * period :]
    return found


def vector(out, levels, quant=EXACT, other=(), count=None, **options):
    made = channel(out, last_rounds(len(levels) if count is None else count), quant, **options)
    found = outcome("data", lambda: run(made, levels, list(other)).hex())
    return {"channel": made, "levels": pieces(levels), "with": pieces(list(other)), **found}


def correlated(levels, other, quant=EXACT, **options):
    return vector(("correlation", last_rounds(len(other))), levels, quant, other, **options)


def every_operation(levels, other, quant, **options):
    for out in OUTS:
        yield vector(out, levels, quant, **options)
    for last in {1, max(1, len(levels) // 3), len(levels) - 1}:
        yield vector(("log_ratio", last), levels, quant, **options)
    yield correlated(levels, other, quant, **options)


def ordinary_cases():
    quants = [
        EXACT, [32, 1, -128, 127, "i8", None], [1000, 7, -32768, 32767, "i16", None],
        [2**20, 3, -(2**24), 2**24, "f32", 20], [0, 5, -1, 1, "i8", None],
        [MAX_U32, 1, -5, -3, "i32", None], [1, MAX_U32, 3, 5, "i16", None],
        [1, 10**6, -(2**24), 2**24, "f32", 126], [7, 2, 0, 2**24 - 1, "f32", 0],
    ]  # fmt: skip
    pairs = [
        ([12010, 12013, 11987, 12009, 12030, 12001], [9, 7, 7, 8, 12, 3]),
        ([5, -3, 0, 2, -4, -4, 7, 1], [-1, 1, -2, 2, -3, 3, -4, 4]),
        ([7, 7, 7], [1, 2, 3]),
        ([1, 2, 3], [7, 7, 7]),
        ([0, 0, 0, 0], [0, 0, 0, 0]),
        ([3, 1, -4], [-3, -1, 4]),
        ([10**12, 10**12 + 1, 10**12 - 2, 10**12 + 5], [4, 1, 9, 2]),
    ]
    for index, (levels, other) in enumerate(pairs):
        for place, how in enumerate(CHANGES):
            for magnitudes in (False, True):
                quant = quants[(index + 3 * place + 5 * magnitudes) % len(quants)]
                yield from every_operation(levels, other, quant, how=how, magnitudes=magnitudes)
                if quant != EXACT and index < 2:
                    yield from every_operation(levels, other, EXACT, how=how, magnitudes=magnitudes)
        for quant in quants if index < 3 else []:
            yield from every_operation(levels, other, quant, magnitudes=True)


def tie_cases():
    for den in (2, 4, 6):
        yield vector(("series", "raw"), list(range(-9, 10)), [1, den, -128, 127, "i8", None])
    for den in (1, 2, 3):
        for levels in ([0, 1, 2], [-3, 2], [1, 3], [-1, 0], [1, -2, 4], [0, 5, -5, 4, 10]):
            for out in OUTS:
                yield vector(out, levels, [1, den, -128, 127, "i8", None])
    # A variance of 1/2, and returns of k + 1/2 units.
    yield vector(("stat", "variance"), [-1, 0, 0, 1])
    half = 4 * 10**9
    for k in (-7, -6, -3, -2, 2, 3, 6, 7):
        yield vector(("series", "raw"), [half, half + k], how="return")


def extreme_cases():
    top, scale = MAX_ELEMENT, [MAX_U32, MAX_U32, -(2**31), 2**31 - 1, "i32", None]
    wide, fine = [MAX_U32, 1, *scale[2:]], [1, MAX_U32, *scale[2:]]
    alternating, outlier = [top, -top] * 128, [-top] * 255 + [top]
    for levels, other in ([alternating, alternating], [outlier, alternating], [outlier, outlier],
                          [[top] * 256, outlier], [[-top] * 256, [-top] * 256]):  # fmt: skip
        for quant in (scale, wide, fine):
            yield correlated(levels, other, quant)
    for levels in (alternating, outlier, [top] * 256):
        for index, out in enumerate(OUTS):
            yield vector(out, levels[:: 1 if index % 2 else 8], wide if index % 3 else scale)
    for last in (1, 100, 256):
        yield vector(("log_ratio", last), [top] * 256, scale, magnitudes=True)
        yield vector(("log_ratio", last), [0] * 255 + [1], EXACT, magnitudes=True)
        yield vector(("log_ratio", last), [top] * 255 + [0], EXACT, magnitudes=True)
        yield vector(("log_ratio", last), [1] * 255 + [top], EXACT, magnitudes=True)
    # Where a variance times num begins to have no room.
    side = 2**53
    for num, den in ((2**20, 1), (2**20 - 1, 1), (2**20 - 1, 2**32 - 1), (2**20, 2)):
        yield vector(("stat", "variance"), [-side, side], [num, den, *scale[2:]])
        yield vector(("stat", "std"), [-side, side], [num, den, *scale[2:]])
    int64 = [2**63 - 1, -(2**63), 2**54, -(2**54), 2**54 - 1, 1 - 2**54, 2**53, -(2**53), 1, 0, -1]
    for index, level in enumerate(int64):
        for how in CHANGES:
            for magnitudes in (False, True):
                levels = [level, int64[(3 * index + 1) % len(int64)]]
                yield vector(("series", "raw"), levels, fine, how=how, magnitudes=magnitudes)


def invalid_cases():
    raw, one = ("series", "raw"), ("stat", "mean")
    i8 = [1, 1, -128, 127, "i8", None]
    for how in CHANGES:
        for count in (0, 1, 2, 256, 257, 258, 65535):
            levels = [1] * (count if count < 3 else 1)
            yield vector(one, levels, i8, how=how, count=count)
    for last in (0, 1, 3, 4, 65535):
        for how in ("level", "difference"):
            yield vector(("log_ratio", last), [1, 2, 3], how=how, magnitudes=last != 1)
            yield vector(("log_ratio", last), [1, 2, 3], how=how, magnitudes=True)
    for quant in (
        [1, 0, -128, 127, "i8", None], [0, 0, 1, 0, "i16", None], [1, 1, 1, 0, "i8", None],
        [1, 1, 0, -1, "f32", 127], [1, 1, -129, 127, "i8", None], [1, 1, -128, 128, "i8", None],
        [1, 1, -32768, 32768, "i16", None], [1, 1, -32769, 0, "i16", None],
        [1, 1, 5, 5, "i8", None],
        [1, 1, -(2**24) - 1, 0, "f32", 0], [1, 1, 0, 2**24 + 1, "f32", 127],
        [1, 1, 0, 2**24, "f32", 127], [1, 1, 0, 2**24, "f32", 255], [1, 1, 0, 2**24, "f32", 126],
    ):  # fmt: skip
        yield vector(raw, [2, 3], quant)
    for levels, other in (([1, 2], [1]), ([1, 2], [1, 2, 3]), ([1, 2], []), ([1, 2], [3, 3])):
        yield correlated(levels, other)
    # Other numbers of levels than stated.
    yield vector(raw, [1, 2], count=3)
    yield vector(raw, [1, 2, 3], count=2)
    yield vector(raw, [1, 2], other=[1, 2])
    yield vector(("correlation", last_rounds(2)), [1, 2], other=[1])
    yield vector(("correlation", last_rounds(2)), [1, 2], other=[])


def random_quant(random):
    to = random.one(["i8", "i16", "i32", "f32"])
    top = 2**24 if to == "f32" else 2 ** (INTEGERS[to] - 1) - 1
    lo, hi = sorted(random.between(-top, top) for _ in range(2))
    num, den = (random.between(1, 2 ** random.one([1, 8, 16, 32]) - 1) for _ in range(2))
    shift = random.below(127) if to == "f32" else None
    return [num, den, *random.one([(lo, hi), (-top, top)]), to, shift]


def random_levels(random, count):
    low, high = random.one([(-9, 9), (0, 3), (1, 10**4), (9 * 10**9, 10**10), (1, 2**53 - 1),
                            (1 - 2**53, 2**53 - 1), (-(2**55), 2**55)])  # fmt: skip
    return [random.between(low, high) for _ in range(count)]


def random_cases():
    random = Random(1)
    for number in range(400):
        count = random.between(1, 40 if number % 10 == 0 else 8)
        levels, other = random_levels(random, count), random_levels(random, count)
        out = random.one([*OUTS, ("log_ratio", random.between(1, count)), ("correlation", None)])
        options = {"how": random.one(CHANGES), "magnitudes": random.below(2) == 1}
        quant = random_quant(random)
        if out[0] == "correlation":
            yield correlated(levels, other, quant, **options)
        else:
            yield vector(out, levels, quant, **options)


def candle(interval, base=0):
    return [interval, base + 5, base + 9, base + 1, base + interval % 7]


def candle_vector(candles, end, field, count, fill):
    stated = {"candles": candles, "end": end, "field": field, "count": count, "fill": fill}
    return {**stated, **outcome("levels", sample_candles, candles, end, field, count, fill)}


def candle_cases():
    fields = ["open", "high", "low", "close"]
    history = [candle(interval) for interval in (10, 11, 14, 15, 16, 20)]
    for end in (10, 11, 12, 14, 17, 18, 20, 21, 23, 24):
        for index, count in enumerate((0, 1, 2, 4, 6, 8, 11, 14)):
            for fill in (0, 1, 2, 3):
                yield candle_vector(history, end, fields[(end + index) % 4], count, fill)
    swapped, twice = [history[1], history[0]], [history[0], candle(10, 3)]
    top = 2**64 - 1
    for candles in (swapped, twice, [], history[:1], [candle(top)], [candle(0), candle(top)]):
        for end in (0, 1, 11, 12, 30, top):
            for count, fill in ((0, 0), (1, 0), (2, 1), (3, 255)):
                yield candle_vector(candles, end, "close", count, fill)
    random = Random(2)
    for _ in range(150):
        intervals = [number for number in range(30, 60) if random.below(3)]
        candles = [candle(interval, random.below(100)) for interval in intervals]
        yield candle_vector(candles, random.between(40, 64), random.one(fields),
                            random.between(1, 25), random.below(5))  # fmt: skip


def input_cases():
    days = [candle(interval, 1000) for interval in (100, 101, 102, 104, 105)]
    hours = [candle(interval, 1000) for interval in range(2500, 2520)]
    feeds = [
        {"values": [10000, 10100, 9898, 9898, 10010], "candles": [[106, days], [2519, hours]]},
        {"values": [-5, 0, 5], "candles": []},
    ]
    i8, real = [32, 1, -128, 127, "i8", None], [2**10, 1, -(2**24), 2**24, "f32", 10]
    other, real8 = last_candles(6, 1, "high"), [1, 1, -(2**24), 2**24, "f32", 8]
    mean = channel(("series", "over_mean"), last_rounds(4), i8, "return", True)
    ratio = channel(("log_ratio", 2), last_candles(6, 1), i8, "difference", True)
    least = channel(("stat", "min"), last_rounds(3, 1), real, tensor=1)
    hourly = channel(("series", "min_max"), last_candles(6, 0, "low", 1), real8, tensor=1)
    both = channel(("correlation", other), last_candles(6, 0, "low", 1), real, tensor=1)
    lists = [
        [],
        [mean],
        [least],
        [mean, ratio],
        [mean, least],
        [mean, least, ratio, hourly, both],
        [mean, hourly, least, mean],
        [mean] * 16,
        [mean] * 17,
        [mean, both] * 9,
        [mean, {**least, "tensor": 2}],
        [mean, {**least, "tensor": 0}],
        [mean, least, {**ratio, "tensor": 1}],
        [mean, {**ratio, "abs": False}, {**least, "tensor": 5}],
        [mean, {**mean, "of": last_rounds(6)}],
        [mean, ratio, {**ratio, "of": last_candles(6, 0)}, {**mean, "of": last_rounds(6)}],
        [mean, {**least, "change": "return"}],
        [mean, {**both, "out": ("correlation", last_rounds(6))}],
        [{**mean, "tensor": number} for number in range(16)],
    ]
    for channels in lists:
        yield {"channels": channels, "feeds": feeds, **tensors(channels, feeds)}


def cases():
    for make in (ordinary_cases, tie_cases, extreme_cases, invalid_cases, random_cases):
        yield from make()


def lines(items):
    """One to a line, each once."""
    return ",\n".join(dict.fromkeys(json.dumps(item, separators=(",", ":")) for item in items))


def main():
    sections = {"channels": cases(), "candles": candle_cases(), "inputs": input_cases()}
    written = (f'"{name}": [\n{lines(items)}\n]' for name, items in sections.items())
    sys.stdout.write(f"{{{', '.join(written)}}}\n")


if __name__ == "__main__":
    main()
