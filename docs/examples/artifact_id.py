#!/usr/bin/env python3
"""Computes the identity of an artifact, under which a chain of Assay stores a file.

    python3 docs/examples/artifact_id.py FILE...
    python3 docs/examples/artifact_id.py --vectors > primitives/tests/artifact_ids.txt

`assay model show` prints the identity of a version's artifact, which is that of the model file.
Needs Python 3.11 and nothing else. Shares no code with Assay: the tests of the crate
`assay-primitives` compare its identities with the vectors.
"""

import argparse
import sys
from hashlib import blake2b
from pathlib import Path

CHUNK_BYTES = 512 * 1024
MAX_CHUNKS = 128


def digest(data: bytes) -> bytes:
    """BLAKE2b-256."""
    return blake2b(data, digest_size=32).digest()


def root(digests: list) -> bytes:
    """The Merkle tree hash of RFC 6962 over the digests of the chunks, with BLAKE2b-256.

    The left half has the largest power of two that is smaller than the number of digests.
    """
    if len(digests) == 1:
        return digest(b"\x00" + digests[0])
    split = 1
    while 2 * split < len(digests):
        split *= 2
    return digest(b"\x01" + root(digests[:split]) + root(digests[split:]))


def identity(data: bytes) -> bytes:
    """The identity of an artifact, which depends on all its bytes and on its size."""
    if not 1 <= len(data) <= MAX_CHUNKS * CHUNK_BYTES:
        raise ValueError(f"an artifact has 1 byte to 64 MiB, not {len(data)} bytes")
    starts = range(0, len(data), CHUNK_BYTES)
    chunks = [digest(data[start : start + CHUNK_BYTES]) for start in starts]
    return digest(b"assay/artifact/1" + len(data).to_bytes(8, "little") + root(chunks))


def write_vectors():
    """Writes sizes and identities of the bytes 0, 1, …, 250, 0, 1, …"""
    counts = [*range(1, 10), 15, 16, 17, 31, 64, 65, 127, 128]
    sizes = {1, 2, CHUNK_BYTES - 1, MAX_CHUNKS * CHUNK_BYTES - 1}
    sizes |= {count * CHUNK_BYTES for count in counts}
    sizes |= {count * CHUNK_BYTES + 1 for count in (1, 2, 3, 4)}
    for size in sorted(sizes):
        data = bytes(range(251)) * (size // 251 + 1)
        print(size, "0x" + identity(data[:size]).hex())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--vectors", action="store_true", help="write the test vectors instead")
    options = parser.parse_args()
    if options.vectors:
        write_vectors()
    for file in options.files:
        try:
            print("0x" + identity(file.read_bytes()).hex(), file)
        except (OSError, ValueError) as error:
            print(f"{file}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
