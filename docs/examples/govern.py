#!/usr/bin/env python3
"""Proposes, votes, and pauses on a chain of Assay, through a stock Substrate library.

    pip install substrate-interface
    python docs/examples/govern.py --suri //Eve propose root System.authorize_upgrade \
        '{"code_hash": "0x..."}'
    python docs/examples/govern.py --suri //Ferdie vote 0 aye 9000000 --conviction Locked1x
    python docs/examples/govern.py status 0
    python docs/examples/govern.py --suri //Dave apply assay_runtime.compact.compressed.wasm
    python docs/examples/govern.py --suri //Alice motion 2 SafeMode.force_enter '{}'

Amounts are in ASY. Each command prints the events that tell what happened, and exits with 1 if a
transaction failed.
"""

import argparse
import hashlib
import json
import re
import sys
from pathlib import Path

from substrateinterface import Keypair, SubstrateInterface

ASY = 10**12
CONVICTIONS = ["None"] + [f"Locked{times}x" for times in range(1, 7)]
# The origins with a track of their own.
ORIGINS = {
    "root": {"system": "Root"},
    "whitelisted": {"Governance": "WhitelistedCaller"},
    "treasurer": {"Governance": "Treasurer"},
    "spender": {"Governance": "Spender"},
    "canceller": {"Governance": "Canceller"},
    "killer": {"Governance": "Killer"},
}
# Events of each transaction, which tell nothing.
COMMON = {
    "Withdraw",
    "BurnedDebt",
    "Deposit",
    "TransactionFeePaid",
    "ExtrinsicSuccess",
    "NewAccount",
}


class Chain:
    """A node, and the account that signs."""

    def __init__(self, url, suri):
        self.node = SubstrateInterface(url=url)
        self.account = Keypair.create_from_uri(suri) if suri else None

    def call(self, name, arguments):
        """The call `Pallet.call`."""
        pallet, function = name.split(".")
        return self.node.compose_call(pallet, function, arguments)

    def send(self, name, arguments):
        """Sends a transaction and prints its events. Exits if it fails."""
        if self.account is None:
            sys.exit("give the account that signs as --suri")
        signed = self.node.create_signed_extrinsic(self.call(name, arguments), self.account)
        receipt = self.node.submit_extrinsic(signed, wait_for_inclusion=True)
        events = self.events(receipt)
        failed = False
        for event in events:
            if event["event_id"] not in COMMON:
                print(f"{event['module_id']}.{event['event_id']} {self.named(event['attributes'])}")
            failed |= event["event_id"] == "ExtrinsicFailed"
            # A motion that was carried out without success.
            failed |= "'Err'" in str(event["attributes"])
        if failed:
            sys.exit(f"{name} failed")

    def events(self, receipt):
        """The events of a transaction. Read from the state, because the library does not decode
        the blocks: operators' transactions, version 5, are in them."""
        block = self.node.rpc_request("chain_getBlock", [receipt.block_hash])["result"]["block"]
        hashes = [blake2_256(bytes.fromhex(one[2:])) for one in block["extrinsics"]]
        index = hashes.index(receipt.extrinsic_hash)
        all_events = [event.value for event in self.node.get_events(receipt.block_hash)]
        return [event for event in all_events if event["extrinsic_idx"] == index]

    def named(self, attributes):
        """The attributes of an event, with the name of an error of a pallet."""
        text = str(attributes)
        error = re.search(r"'index': (\d+), 'error': '0x(..)", text)
        if not error:
            return text
        pallets = [
            one for one in self.node.get_metadata().pallets if one.value["index"] == int(error[1])
        ]
        names = [one.name for one in pallets[0].errors] if pallets else []
        number = int(error[2], 16)
        return f"{text}: {names[number] if number < len(names) else number}"

    def value(self, pallet, item, *keys):
        """A value in the state."""
        return self.node.query(pallet, item, list(keys)).value


def blake2_256(data):
    """The hash by which the chain names calls and code."""
    return "0x" + hashlib.blake2b(data, digest_size=32).hexdigest()


def propose(chain, args):
    """Stores the call, submits a referendum over it, and pays for its decision."""
    encoded = bytes(chain.call(args.call, json.loads(args.arguments)).data.data)
    call_hash = blake2_256(encoded)
    # Another referendum may have the same call.
    if chain.value("Preimage", "RequestStatusFor", call_hash) is None:
        chain.send("Preimage.note_preimage", {"bytes": "0x" + encoded.hex()})
    index = chain.value("Referenda", "ReferendumCount")
    chain.send(
        "Referenda.submit",
        {
            "proposal_origin": ORIGINS[args.origin],
            "proposal": {"Lookup": {"hash": call_hash, "len": len(encoded)}},
            "enactment_moment": {"After": args.after},
        },
    )
    chain.send("Referenda.place_decision_deposit", {"index": index})
    print(f"referendum {index}, preimage {call_hash}")


def vote(chain, args):
    """Votes with an amount, locked as long as the conviction says."""
    # The highest bit is that of an aye.
    byte = CONVICTIONS.index(args.conviction) | (0x80 if args.side == "aye" else 0)
    standard = {"vote": byte, "balance": int(args.amount * ASY)}
    chain.send("ConvictionVoting.vote", {"poll_index": args.index, "vote": {"Standard": standard}})


def delegate(chain, args):
    """Lets another account vote on a track with an amount."""
    chain.send(
        "ConvictionVoting.delegate",
        {
            "class": args.track,
            "to": args.to,
            "conviction": args.conviction,
            "balance": int(args.amount * ASY),
        },
    )


def unlock(chain, args):
    """Removes a vote, which counts no more, and unlocks what no other vote locks."""
    track = args.track
    account = (
        chain.account.ss58_address if chain.account else sys.exit("give the account as --suri")
    )
    voting = chain.value("ConvictionVoting", "VotingFor", account, track)
    votes = voting.get("Casting", {}).get("votes", []) if isinstance(voting, dict) else []
    if any(vote[0] == args.index for vote in votes):
        chain.send("ConvictionVoting.remove_vote", {"class": track, "index": args.index})
    target = chain.account.ss58_address
    chain.send("ConvictionVoting.unlock", {"class": track, "target": target})


def status(chain, args):
    """Prints what became of a referendum."""
    print(json.dumps(chain.value("Referenda", "ReferendumInfoFor", args.index), indent=2))


def apply(chain, args):
    """Sends code that a referendum has authorised."""
    code = Path(args.file).read_bytes()
    print(f"{len(code)} bytes, hash {blake2_256(code)}")
    chain.send("System.apply_authorized_upgrade", {"code": "0x" + code.hex()})
    print("version", chain.node.rpc_request("state_getRuntimeVersion", [])["result"]["specVersion"])


def motion(chain, args):
    """Moves a call in the technical committee. With a threshold of 1 it acts at once."""
    call = chain.call(args.call, json.loads(args.arguments))
    encoded = bytes(call.data.data)
    count = chain.value("TechnicalCommittee", "ProposalCount")
    chain.send(
        "TechnicalCommittee.propose",
        {"threshold": args.threshold, "proposal": call, "length_bound": len(encoded)},
    )
    print(f"motion {count}, hash {blake2_256(encoded)}")


def second(chain, args):
    """Votes for a motion and closes it if that is enough."""
    motion_hash, index = args.hash, args.index
    vote_for = {"proposal": motion_hash, "index": index, "approve": True}
    chain.send("TechnicalCommittee.vote", vote_for)
    voting = chain.value("TechnicalCommittee", "Voting", motion_hash)
    if len(voting["ayes"]) < voting["threshold"]:
        print(f"{len(voting['ayes'])} of {voting['threshold']}")
        return
    chain.send(
        "TechnicalCommittee.close",
        {
            "proposal_hash": motion_hash,
            "index": index,
            # More than any call that the committee may make, and less than a transaction may take.
            "proposal_weight_bound": {"ref_time": 10**10, "proof_size": 10**6},
            "length_bound": 100_000,
        },
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--url", default="ws://127.0.0.1:9944")
    parser.add_argument("--suri", help="the account that signs, such as //Alice")
    commands = parser.add_subparsers(required=True)

    def command(function, *arguments):
        name = function.__name__
        parsed = commands.add_parser(name, help=function.__doc__.split("\n")[0])
        for argument, options in arguments:
            parsed.add_argument(argument, **options)
        parsed.set_defaults(run=function)

    index = ("index", {"type": int})
    amount = ("amount", {"type": float, "help": "in ASY"})
    conviction = ("--conviction", {"choices": CONVICTIONS, "default": "Locked1x"})
    of_call = [("call", {"help": "Pallet.call"}), ("arguments", {"help": "as JSON"})]
    after = ("--after", {"type": int, "default": 0, "help": "blocks to wait before it is enacted"})
    command(propose, ("origin", {"choices": ORIGINS}), *of_call, after)
    command(vote, index, ("side", {"choices": ["aye", "nay"]}), amount, conviction)
    command(delegate, ("track", {"type": int}), ("to", {}), amount, conviction)
    command(unlock, ("track", {"type": int}), index)
    command(status, index)
    command(apply, ("file", {"help": "the compressed wasm"}))
    command(motion, ("threshold", {"type": int}), *of_call)
    command(second, ("hash", {}), index)
    args = parser.parse_args()
    args.run(Chain(args.url, args.suri), args)


if __name__ == "__main__":
    main()
