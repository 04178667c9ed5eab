#!/usr/bin/env python3
"""Test vectors of the requantisation rule, computed from its definition in exact arithmetic.

    acc*M + 2^(s-1) = q*2^s + r,   0 <= r < 2^s,   y = clamp(q, lo, hi)

Writes CSV to standard output: python3 requantize.py > requantize.csv
The output is deterministic. Shares no code with the crate.
"""

from fractions import Fraction

INT32 = (-(2**31), 2**31 - 1)
CLAMPS = [(-128, 127), (0, 127), (-128, 0), (0, 0), (-1, 1), (-127, 126), (-37, 90)]
MULTIPLIERS = [1, 2, 3, 5, 127, 128, 255, 2**15, 2**16 - 1, 2**16, 2**16 + 1, 1518500250,
               2**30 - 1, 2**30, 2**30 + 1, 2**31 - 2, 2**31 - 1]  # fmt: skip


def requantize(acc, m, s, lo, hi):
    """Quotient, remainder and output, by rational arithmetic."""
    value = Fraction(acc * m, 2**s)
    q = value.numerator // value.denominator
    if value - q >= Fraction(1, 2):
        q += 1
    r = acc * m + 2 ** (s - 1) - q * 2**s
    assert 0 <= r < 2**s
    return q, r, min(max(q, lo), hi)


def accumulators(m, s, lo, hi):
    """Critical accumulators: extremes, zero, ties and clamp edges, each with its neighbours."""
    centres = {*INT32, 0, 2**30, -(2**30), 12345678, -87654321}
    # The quotient changes from q to q + 1 at the accumulator (q + 1/2)*2^s/m, which is a tie if
    # that is an integer.
    for q in {-2, -1, 0, 1, lo - 1, lo, hi - 1, hi, 255, -256, 256, -257}:
        centres.add((2 * q + 1) * 2 ** (s - 1) // m)
    for centre in sorted(centres):
        for acc in (centre - 1, centre, centre + 1):
            if INT32[0] <= acc <= INT32[1]:
                yield acc


def pseudo_random(count):
    """A linear congruential generator modulo 2^64 (Knuth's constants), upper halves."""
    state = 1
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield state >> 32


def main():
    rows = []
    for index, m in enumerate(MULTIPLIERS):
        for s in (16, 32, 48):
            # Every clamp with some multiplier and shift; the full range with all of them.
            for lo, hi in {CLAMPS[0], CLAMPS[(index + s // 16) % len(CLAMPS)]}:
                rows += [(acc, m, s, lo, hi) for acc in accumulators(m, s, lo, hi)]
    numbers = pseudo_random(3 * 600)
    for a, b, c in zip(numbers, numbers, numbers, strict=True):
        m = b % (2**31 - 1) + 1
        lo, hi = -(c >> 8) % 129 - 128, (c >> 16) % 128
        rows.append((a - 2**31 >> c % 20, m, (16, 32, 48)[c % 3], lo, hi))
    print("acc,multiplier,shift,lo,hi,quotient,remainder,output")
    for row in sorted(set(rows)):
        print(*row, *requantize(*row), sep=",")


if __name__ == "__main__":
    main()
