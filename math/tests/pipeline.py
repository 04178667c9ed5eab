"""A second implementation of the rules in src/pipeline/mod.rs.

Shares no code with the crate and works differently: quotients are fractions, variances are sums
over pairs of elements, `struct` makes the floating-point numbers. On the way it asserts that
whatever the crate multiplies has room in a signed integer of 128 bits. `pipeline_vectors.py` makes
vectors with it.
"""

import math
import struct
from fractions import Fraction

ROOM = 2**127
MAX_ELEMENT = 2**54 - 1
MAX_U32 = 2**32 - 1
INTEGERS = {"i8": 8, "i16": 16, "i32": 32}


class Failure(Exception):
    """Why there is no value, by the name that the crate gives it."""


def nearest(numerator, denominator):
    """The nearest integer, ties up."""
    assert abs(2 * numerator) + denominator < ROOM and 2 * denominator < ROOM
    return math.floor(Fraction(numerator, denominator) + Fraction(1, 2))


# --- Validity ---------------------------------------------------------------------------------


def elements_of(channel, count):
    return count if channel["change"] == "level" else count - 1


def check_channel(channel):
    (kind, argument), count = channel["out"], channel["of"]["count"]
    number, last_or_with = elements_of(channel, count), argument
    if not 1 <= number <= 256:
        raise Failure("Count")
    if kind == "log_ratio":
        if not channel["abs"]:
            raise Failure("Signed")
        if last_or_with not in range(1, number + 1):
            raise Failure("Last")
    if kind == "correlation" and last_or_with["count"] != count:
        raise Failure("Lengths")
    num, den, lo, hi, to, shift = channel["quant"]
    assert 0 <= num <= MAX_U32 and 0 <= den <= MAX_U32
    if den == 0:
        raise Failure("Denominator")
    if lo > hi:
        raise Failure("Bounds")
    if to == "f32":
        smallest, largest = -(2**24), 2**24
    else:
        largest = 2 ** (INTEGERS[to] - 1) - 1
        smallest = -largest - 1
    if lo < smallest or largest < hi:
        raise Failure("BoundsOfType")
    if to == "f32" and shift > 126:
        raise Failure("Shift")


def check(channels):
    """The index of the first channel that is wrong, with why; or nothing."""
    if not 1 <= len(channels) <= 16:
        return min(len(channels), 16), "Channels"
    types = []
    for index, channel in enumerate(channels):
        try:
            check_channel(channel)
        except Failure as failure:
            return index, str(failure)
        if channel["tensor"] > len(types):
            return index, "Tensor"
        to = channel["quant"][4]
        if channel["tensor"] == len(types):
            types.append(to)
        if types[channel["tensor"]] != to:
            return index, "Types"
    return None


# --- Sampling ---------------------------------------------------------------------------------


def rounds(values, count):
    if count > len(values):
        raise Failure("TooFew")
    return values[len(values) - count :]


def sample_candles(candles, end, field, count, fill):
    """Candles are lists of interval, open, high, low, close."""
    intervals = [candle[0] for candle in candles]
    if intervals != sorted(set(intervals)):
        raise Failure("Order")
    closed = {candle[0]: candle for candle in candles if candle[0] < end}
    window = range(end - count, end)
    if window and (not closed or window[0] < min(closed)):
        raise Failure("TooFew")
    levels = []
    for interval in window:
        if interval in closed:
            levels.append(closed[interval][["open", "high", "low", "close"].index(field) + 1])
            continue
        before = max(other for other in closed if other < interval)
        after = min([other for other in closed if other > interval], default=end)
        if after - before - 1 > fill:
            raise Failure("Gap")
        levels.append(closed[before][4])
    return levels


# --- Elements ---------------------------------------------------------------------------------


def change(levels, how, magnitudes):
    xs = []
    for before, level in zip([None, *levels], levels, strict=False):
        if how == "level":
            x = level
        elif before is None:
            continue
        elif how == "difference":
            x = level - before
        else:
            if min(before, level) <= 0:
                raise Failure("NotPositive")
            x = nearest((level - before) * 10**9, before)
        if abs(x) > MAX_ELEMENT:
            raise Failure("TooLarge")
        xs.append(abs(x) if magnitudes else x)
    return xs


def covariance(xs, ys):
    """The sum over all pairs is n·Σxy - Σx·Σy."""
    assert len(xs) * sum(abs(x * y) for x, y in zip(xs, ys, strict=True)) < ROOM
    assert sum(map(abs, xs)) * sum(map(abs, ys)) < ROOM
    pairs = list(zip(xs, ys, strict=True))
    return sum((a - c) * (b - d) for i, (a, b) in enumerate(pairs) for c, d in pairs[:i])


def deviation(xs):
    return math.isqrt(covariance(xs, xs))


def logarithm(a, precision=62):
    """log2 in units of 2^-16; with another precision than the rule's to compare with."""
    e = a.bit_length() - 1
    m = math.floor(Fraction(a * 2**precision, 2**e))
    bits = e
    for _ in range(16):
        assert m * m < 2 * ROOM or precision > 62
        m = m * m // 2**precision
        bits = 2 * bits + m // 2 ** (precision + 1)
        m //= 1 + m // 2 ** (precision + 1)
    return bits


def log_ratio(xs, last):
    part = sum(xs[len(xs) - last :])
    if part == 0:
        return None
    found = []
    for a in (part * len(xs), sum(xs) * last):
        found.append(logarithm(a))
        assert logarithm(a, 400) - found[-1] in (0, 1)
    return found[0] - found[1]


def statistic(xs, what):
    number, ordered = len(xs), sorted(xs)
    if what in ("variance", "std"):
        variance = nearest(covariance(xs, xs), number**2)
        return variance if what == "variance" else math.isqrt(variance)
    return {
        "min": ordered[0],
        "max": ordered[-1],
        "mean": nearest(sum(xs), number),
        "median": ordered[(number - 1) // 2],
        "first": xs[0],
        "last": xs[-1],
    }[what]


def quotients(channel, levels, other):
    """Numerators and divisors; nothing for the lower bound."""
    xs = change(levels, channel["change"], channel["abs"])
    kind, argument = channel["out"]
    if kind == "log_ratio":
        found = log_ratio(xs, argument)
        return [None if found is None else (found, 1)]
    if kind == "stat":
        return [(statistic(xs, argument), 1)]
    if kind == "correlation":
        ys = change(other, channel["change"], channel["abs"])
        by_x = deviation(xs)
        return [(nearest(covariance(xs, ys), by_x), deviation(ys)) if by_x else (0, 0)]
    least = min(xs)
    if argument == "raw":
        return [(x, 1) for x in xs]
    if argument == "standardise":
        return [(sum(x - y for y in xs), deviation(xs)) for x in xs]
    if argument == "min_max":
        return [(x - least, max(xs) - least) for x in xs]
    if argument == "over_mean":
        return [(len(xs) * x, sum(xs)) for x in xs]
    assert argument == "over_last"
    return [(x, xs[-1]) for x in xs]


def element(quant, quotient, may_overflow):
    num, den, lo, hi, to, shift = quant
    if quotient is None:
        integer = lo
    else:
        numerator, divisor = quotient
        if divisor < 0:
            raise Failure("Negative")
        if may_overflow and 2 * numerator * num + den >= ROOM:
            raise Failure("Overflow")
        integer = nearest(numerator * num, divisor * den) if divisor else 0
    integer = sorted((lo, integer, hi))[1]
    if to != "f32":
        return integer.to_bytes(INTEGERS[to] // 8, "little", signed=True)
    data = struct.pack("<f", math.ldexp(integer, -shift))
    assert Fraction(*struct.unpack("<f", data)[0].as_integer_ratio()) == Fraction(integer, 2**shift)
    return data


def run(channel, levels, other):
    check_channel(channel)
    kind, argument = channel["out"]
    if len(levels) != channel["of"]["count"]:
        raise Failure("Length")
    if len(other) != (argument["count"] if kind == "correlation" else 0):
        raise Failure("Length")
    may_overflow = (kind, argument) == ("stat", "variance")
    found = quotients(channel, levels, other)
    return b"".join(element(channel["quant"], quotient, may_overflow) for quotient in found)


def sample(feeds, sampling):
    feed = feeds[sampling["feed"]]
    if "field" not in sampling:
        return rounds(feed["values"], sampling["count"])
    end, candles = feed["candles"][sampling["resolution"]]
    return sample_candles(candles, end, sampling["field"], sampling["count"], sampling["fill"])


def tensors(channels, feeds):
    wrong = check(channels)
    if wrong:
        return {"failure": wrong}
    made = {}
    for index, channel in enumerate(channels):
        kind, argument = channel["out"]
        try:
            levels = sample(feeds, channel["of"])
            other = sample(feeds, argument) if kind == "correlation" else []
            data = run(channel, levels, other)
        except Failure as failure:
            return {"failure": (index, str(failure))}
        made.setdefault(channel["tensor"], []).append((channel["quant"][4], data))
    joined = [(parts[0][0], b"".join(data for _, data in parts)) for parts in made.values()]
    return {"tensors": [[to, data.hex()] for to, data in joined]}
