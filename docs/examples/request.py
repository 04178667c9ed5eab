#!/usr/bin/env python3
"""Asks a model of Assay through a stock Substrate library, without any SDK of Assay.

    pip install substrate-interface
    python docs/examples/request.py --url ws://127.0.0.1:9944 --model //Eve/digits \
        --input models/digits/sample.json --suri //Ferdie

Encodes the input by hand, sends `Inference.request` in class `Signed`, waits for its end, and
checks the answer against the receipt and the operator's signature. With `--count N` it sends N
requests with this input in one `Inference.request_batch`. Exit codes: 0 all verified, 1 refused or
not verified.
"""

import argparse
import hashlib
import json
import os
import struct
import sys
import time

from scalecodec.base import ScaleBytes
from substrateinterface import Keypair, SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException

# The types that the runtime API `AssayApi` answers with, for the library's decoder. They are
# those of primitives/src/{assurance,receipt,runtime_api}.rs.
# fmt: off
TYPES = {
    "Assurance": {"type": "enum", "type_mapping": [
        ["Signed", "Null"], ["Quorum", "(u8, u8)"], ["Optimistic", "Null"], ["Proof", "Null"],
        ["Tee", "Null"]]},
    "FailureReason": {"type": "enum", "value_list": [
        "ArtifactUnavailable", "InvalidModel", "InvalidInput", "TimeLimit", "MemoryLimit",
        "InvalidOutput", "OutputTooLarge", "EngineError", "ProofUnavailable"]},
    "RejectReason": {"type": "enum", "type_mapping": [
        ["NoOperator", "Null"], ["Failed", "FailureReason"], ["NoAgreement", "Null"],
        ["InvalidProof", "Null"], ["Disputed", "Null"]]},
    "Outcome": {"type": "enum", "type_mapping": [
        ["Verified", "Null"], ["Rejected", "RejectReason"], ["TimedOut", "Null"],
        ["Cancelled", "Null"]]},
    "Status": {"type": "enum", "type_mapping": [
        ["Pending", "Null"], ["Assigned", "Null"], ["Revealing", "Null"],
        ["Disputable", "Null"], ["Final", "Outcome"]]},
    "Quote": {"type": "struct", "type_mapping": [
        ["price", "u128"], ["blocks", "u32"], ["operators", "u32"], ["fee", "u128"],
        ["stake", "u128"]]},
    "QuoteError": {"type": "enum", "type_mapping": [
        ["NotFound", "Null"], ["Deprecated", "Null"], ["ClassUnavailable", "Null"],
        ["NotEnoughOperators", "u32"], ["NotAudited", "Null"]]},
    "QuoteAnswer": {"type": "enum", "type_mapping": [["Ok", "Quote"], ["Err", "QuoteError"]]},
    "RequestView": {"type": "struct", "type_mapping": [
        ["id", "u64"], ["payer", "[u8; 32]"], ["version", "(u32, u32)"],
        ["assurance", "Assurance"], ["max_price", "u128"], ["fee", "u128"], ["stake", "u128"],
        ["requested_at", "u32"],
        ["deadline", "u32"], ["status", "Status"], ["waits", "bool"],
        ["members", "Vec<[u8; 32]>"], ["output", "Option<HexBytes>"],
        ["receipt_digest", "Option<[u8; 32]>"], ["appealable_until", "Option<u32>"],
        ["correction", "Option<[u8; 32]>"]]},
    "Draw": {"type": "struct", "type_mapping": [
        ["from", "u32"], ["block", "u32"], ["seed", "[u8; 32]"], ["authors", "u8"]]},
    "Receipt": {"type": "struct", "type_mapping": [
        ["genesis", "[u8; 32]"], ["request", "u64"], ["payer", "[u8; 32]"],
        ["version_digest", "[u8; 32]"], ["input_digest", "[u8; 32]"],
        ["assurance", "Assurance"], ["outcome", "Outcome"],
        ["output_digest", "Option<[u8; 32]>"], ["draw", "Option<Draw>"],
        ["price_paid", "u128"], ["bond_at_stake", "u128"], ["evidence_digest", "[u8; 32]"],
        ["decided_at", "u32"]]},
    "ProofEvidence": {"type": "struct", "type_mapping": [
        ["digest", "[u8; 32]"], ["bytes", "u32"], ["security_bits", "u8"]]},
    "SignedEvidence": {"type": "struct", "type_mapping": [
        ["operator", "[u8; 32]"], ["worker", "[u8; 32]"], ["output_digest", "[u8; 32]"],
        ["signature", "[u8; 64]"], ["list", "Option<ListPlace>"],
        ["proof", "Option<ProofEvidence>"]]},
    "ListPlace": {"type": "struct", "type_mapping": [
        ["index", "u32"], ["count", "u32"], ["path", "Vec<[u8; 32]>"]]},
    "ReceiptView": {"type": "struct", "type_mapping": [
        ["receipt", "Receipt"], ["evidence", "Vec<SignedEvidence>"], ["digest", "[u8; 32]"],
        ["index", "u32"], ["count", "u32"], ["path", "Vec<[u8; 32]>"]]},
}
# fmt: on
F32 = 0  # index of `F32` in `ElementType`
SIGNED = bytes([0])  # the encoding of `Assurance::Signed`
ASY = 10**12
MAX_BATCH = 64  # requests in one call; the node cannot decode a longer list


def digest(data: bytes) -> bytes:
    """BLAKE2b-256, which names everything on the chain."""
    return hashlib.blake2b(data, digest_size=32).digest()


def hex_bytes(text: str) -> bytes:
    """The bytes of a hex string."""
    return bytes.fromhex(text.removeprefix("0x"))


def compact(number: int) -> bytes:
    """A SCALE compact integer: the length of a list."""
    if number < 1 << 6:
        return struct.pack("<B", number << 2)
    if number < 1 << 14:
        return struct.pack("<H", number << 2 | 1)
    return struct.pack("<I", number << 2 | 2)


def scale_list(items: list) -> bytes:
    """A SCALE list of encoded items."""
    return compact(len(items)) + b"".join(items)


def byte_list(data: bytes) -> bytes:
    """A SCALE list of bytes."""
    return compact(len(data)) + data


def option(data: bytes | None) -> bytes:
    """A SCALE option: a zero for `None`, otherwise a one and the encoded value."""
    return b"\0" if data is None else b"\1" + data


def place_in_list(place: dict) -> bytes:
    """The SCALE encoding of a `ListPlace`."""
    path = [hex_bytes(sibling) for sibling in place["path"]]
    return struct.pack("<II", place["index"], place["count"]) + scale_list(path)


def signed_evidence(item: dict) -> bytes:
    """The SCALE encoding of a `SignedEvidence`. In class `Signed` there is no proof."""
    fields = ("operator", "worker", "output_digest", "signature")
    place = option(place_in_list(item["list"]) if item["list"] else None)
    return b"".join(hex_bytes(item[field]) for field in fields) + place + option(None)


def merkle_root(item: bytes, index: int, count: int, path: list) -> bytes | None:
    """The root of the Merkle tree over `count` digests, the one at `index` of which is `item`.

    `path` has the siblings from below. A node without one moves up unchanged. `None` if the path
    has another length than the place needs. primitives/src/merkle.rs defines the tree.
    """
    if index >= count:
        return None
    path = list(path)
    node = digest(b"\0" + item)
    while count > 1:
        if index ^ 1 < count:
            if not path:
                return None
            sibling = path.pop(0)
            node = digest(b"\1" + (node + sibling if index % 2 == 0 else sibling + node))
        index, count = index // 2, (count + 1) // 2
    return node if not path else None


def signed_bytes(statement: bytes, operator: bytes, place: dict | None) -> bytes | None:
    """What the operator has signed: its statement, or the list in which the statement has a place.

    `None` if no list has such a place.
    """
    if place is None:
        return statement
    path = [hex_bytes(sibling) for sibling in place["path"]]
    root = merkle_root(digest(statement), place["index"], place["count"], path)
    if root is None:
        return None
    return b"assay/results/1" + root + struct.pack("<I", place["count"]) + operator


def shape_of(nested) -> list:
    """The shape of nested lists that are not ragged."""
    return [len(nested)] + shape_of(nested[0]) if isinstance(nested, list) else []


def flatten(nested):
    """The numbers of nested lists, row by row."""
    if not isinstance(nested, list):
        return [nested]
    return [number for inner in nested for number in flatten(inner)]


def tensor(nested) -> bytes:
    """A tensor: its element type, its shape as `Vec<u32>`, its elements as `Vec<u8>`."""
    data = struct.pack(f"<{len(flatten(nested))}f", *flatten(nested))
    shape = scale_list([struct.pack("<I", size) for size in shape_of(nested)])
    return bytes([F32]) + shape + byte_list(data)


def floats(payload: bytes) -> list:
    """The elements of a payload of one f32 tensor with fewer than 64 dimensions."""
    rank = payload[2] >> 2
    start = 3 + 4 * rank
    mode = payload[start] & 3
    start += 1 << mode
    return [value for (value,) in struct.iter_unpack("<f", payload[start:])]


class Chain:
    """A node, asked with the methods that every Substrate node has."""

    def __init__(self, url: str):
        self.node = SubstrateInterface(url=url)
        self.node.init_runtime()
        self.node.runtime_config.update_type_registry({"types": TYPES})

    def state_call(self, method: str, arguments: bytes) -> bytes:
        """Calls a method of the runtime API."""
        call = ["AssayApi_" + method, "0x" + arguments.hex()]
        return hex_bytes(self.node.rpc_request("state_call", call)["result"])

    def ask(self, method: str, arguments: bytes, answer: str):
        """Calls a method of the runtime API and reads its answer."""
        return self.decode(answer, self.state_call(method, arguments))

    def decode(self, kind: str, data: bytes):
        """Reads SCALE bytes."""
        return self.node.runtime_config.create_scale_object(kind, ScaleBytes(data)).decode()

    def refusals(self, block: str) -> list:
        """Why transactions of a block failed, or items of a batch in it.

        The library's own `is_success` reads all transactions of the block, and stops at the
        feeless ones of the operators, whose form it does not know. Events it can read.
        """
        fields = {"ExtrinsicFailed": "dispatch_error", "ItemRefused": "error"}
        failed = [
            event.value["attributes"][fields[event.value["event_id"]]]
            for event in self.node.get_events(block)
            if event.value["event_id"] in fields
        ]
        errors = [error["Module"] for error in failed if "Module" in error]
        named = [
            self.node.metadata.get_module_error(error["index"], hex_bytes(error["error"])[0])
            for error in errors
        ]
        return [f"{error.value['name']}: {' '.join(error.value['docs'])}" for error in named]

    def height(self) -> int:
        """Height of the best block."""
        return int(self.node.rpc_request("chain_getHeader", [])["result"]["number"], 16)

    def wait_for(self, request: int) -> dict:
        """The request, as soon as it has ended."""
        while True:
            view = self.ask("request", struct.pack("<Q", request), "Option<RequestView>")
            if view is not None and "Final" in view["status"]:
                return view
            time.sleep(1)


def check_answer(answer: bytes, view: dict, payload: bytes, payer: bytes, read) -> dict:
    """Checks input, output, evidence, receipt, and the operator's signature.

    `answer` has the bytes of an `Option<ReceiptView>`, which `read` decodes, and `view` is the
    request.
    """
    decoded = read("Option<ReceiptView>", answer)
    receipt, item = decoded["receipt"], decoded["evidence"][0]
    output = hex_bytes(view["output"])
    evidence = scale_list([signed_evidence(item)])
    # The answer is: 1 for `Some`, the receipt, the evidence, the digest of the receipt, its place
    # among those of its block, and the path to their root.
    path = scale_list([hex_bytes(sibling) for sibling in decoded["path"]])
    encoded = answer[1 : -len(path) - 8 - 32 - len(evidence)]
    # What the operator has answered: this request, in this draw.
    answered = digest(
        b"assay/request/1"
        + hex_bytes(receipt["genesis"])
        + struct.pack("<Q", view["id"])
        + payer
        + hex_bytes(receipt["version_digest"])
        + digest(payload)
        + SIGNED
        + hex_bytes(receipt["draw"]["seed"])
    )
    operator = hex_bytes(item["operator"])
    statement = b"assay/result/2" + answered + digest(output) + operator + option(None)
    signed = signed_bytes(statement, operator, item["list"])
    worker = Keypair(public_key=item["worker"], ss58_format=42)
    return {
        "input": digest(payload) == hex_bytes(receipt["input_digest"]),
        "output": digest(output) == hex_bytes(receipt["output_digest"]),
        "evidence": digest(evidence) == hex_bytes(receipt["evidence_digest"]),
        "receipt": digest(b"assay/receipt/2" + encoded) == hex_bytes(view["receipt_digest"]),
        "signature": signed is not None and worker.verify(signed, hex_bytes(item["signature"])),
    }


def batch_size(text: str) -> int:
    """The number of requests in one call, within the bounds of the chain."""
    count = int(text)
    if not 1 <= count <= MAX_BATCH:
        raise argparse.ArgumentTypeError(f"one call makes 1 to {MAX_BATCH} requests, not {count}")
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="ws://127.0.0.1:9944")
    parser.add_argument("--model", default="//Eve/digits", help="owner/name")
    parser.add_argument("--input", default="models/digits/sample.json")
    parser.add_argument("--name", default="image", help="field of the input file")
    parser.add_argument("--suri", default="//Ferdie", help="key that signs and pays")
    parser.add_argument(
        "--count", type=batch_size, default=1, help=f"requests in one call, 1 to {MAX_BATCH}"
    )
    parser.add_argument(
        "--blocks",
        type=int,
        default=30,
        help="deadline, in blocks from now; longer where operators want more",
    )
    options = parser.parse_args()

    chain = Chain(options.url)
    payer = Keypair.create_from_uri(options.suri)

    # 1. The model.
    owner, name = options.model.rsplit("/", 1)
    owner = Keypair.create_from_uri(owner) if owner.startswith("//") else Keypair(owner)
    reference = owner.public_key + byte_list(name.encode())
    found = chain.ask("find_model", reference, "Option<(u32, u32)>")
    if found is None:
        print(f"there is no model {options.model}")
        return 1
    version = struct.pack("<II", *found)
    print(f"model {found[0]}, version {found[1]}")

    # 2. The input: a list of tensors, one here.
    with open(options.input, encoding="utf-8") as file:
        payload = scale_list([tensor(json.load(file)[options.name])])
    print(f"payload of {len(payload)} bytes: 0x{payload[:24].hex()}…")
    problem = chain.ask("check_input", version + byte_list(payload), "Option<Text>")
    if problem is not None:
        print(f"the input does not fit: {problem}")
        return 1

    # 3. The price.
    quote = chain.ask("quote", version + SIGNED, "QuoteAnswer")
    if "Ok" not in quote:
        print(f"no quote: {quote['Err']}")
        return 1
    price = quote["Ok"]["price"]
    print(
        f"quote: {price / ASY} ASY and at most {quote['Ok']['fee'] / ASY} for room in blocks,"
        f" {quote['Ok']['operators']} operators"
    )

    # 4. The requests. A client key makes a request idempotent: sent twice, it counts once.
    client_keys = [os.urandom(32) for _ in range(options.count)]
    items = [
        {"input": {"Inline": "0x" + payload.hex()}, "client_key": "0x" + client_key.hex()}
        for client_key in client_keys
    ]
    terms = {
        "version": {"model": found[0], "number": found[1]},
        "assurance": "Signed",
        # Of each request.
        "max_price": price,
        # A few blocks more than the fewest, until the requests are included.
        "deadline": chain.height() + max(options.blocks, quote["Ok"]["blocks"] + 5),
        "draw_delay": 1,
    }
    if options.count == 1:
        call = chain.node.compose_call("Inference", "request", {**terms, **items[0]})
    else:
        # The library takes the bounded list of the chain for a tuple that has a list.
        batch = {**terms, "items": [items]}
        call = chain.node.compose_call("Inference", "request_batch", batch)
    extrinsic = chain.node.create_signed_extrinsic(call, payer, era={"period": 64})
    try:
        block = chain.node.submit_extrinsic(extrinsic, wait_for_inclusion=True).block_hash
    except SubstrateRequestException as error:
        print(f"the pool refuses it: {error}")
        return 1
    requests = [
        chain.ask("request_by_key", payer.public_key + client_key, "Option<u64>")
        for client_key in client_keys
    ]
    if None in requests:
        print("the chain refuses it:", chain.refusals(block))
        return 1

    # 5. Their ends, and the checks.
    for request, client_key in zip(requests, client_keys, strict=True):
        print(f"request {request}, client key 0x{client_key.hex()}")
        view = chain.wait_for(request)
        print(f"ended as {view['status']['Final']}")
        if view["status"] != {"Final": "Verified"}:
            return 1
        answer = chain.state_call("receipt", struct.pack("<Q", request))
        checks = check_answer(answer, view, payload, payer.public_key, chain.decode)
        print("checks:", checks)
        if not all(checks.values()):
            return 1
        receipt = chain.decode("Option<ReceiptView>", answer)["receipt"]
        print(f"receipt {view['receipt_digest']}, paid {receipt['price_paid'] / ASY} ASY")
        values = floats(hex_bytes(view["output"]))
        print("output:", [round(value, 6) for value in values])
        print("the answer is", values.index(max(values)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
