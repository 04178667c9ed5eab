#!/usr/bin/env python3
"""Proposes, votes, and pauses on a chain of Assay, through a stock Substrate library.

    pip install substrate-interface
    python docs/examples/govern.py --key-file eve.phrase propose root System.authorize_upgrade \
        '{"code_hash": "0x..."}'
    python docs/examples/govern.py --key-file ferdie.phrase vote 0 aye 9000000
    python docs/examples/govern.py status 0
    python docs/examples/govern.py --key-file dave.phrase apply runtime.compact.compressed.wasm
    python docs/examples/govern.py --key-file alice.phrase motion 2 SafeMode.force_enter '{}'

The account that signs is that of the phrase or seed in the file of --key-file, or in the variable
ASSAY_SURI. Other users of the machine can see command lines, so --suri is for development keys such
as //Alice.

Arguments of a call are a JSON object. A number in it is what the chain takes, for amounts plancks
(10^-12 ASY); "500 ASY" is an amount in ASY. Amounts outside of JSON are in ASY, those in events in
plancks.

Each command prints the events that tell what happened. If a transaction failed or was not sent, it
exits with 1 and one line that begins with `error:`.
"""

import argparse
import difflib
import hashlib
import json
import os
import re
import sys
from decimal import Decimal
from pathlib import Path

from scalecodec.base import ScaleBytes
from scalecodec.utils.ss58 import is_valid_ss58_address
from substrateinterface import Keypair, SubstrateInterface
from substrateinterface.exceptions import SubstrateRequestException
from websocket import WebSocketException

DECIMALS = 12
AMOUNT = re.compile(r"\d[\d,]*(\.\d+)?( ASY)?")
WHOLE = 10**9
"""A share of one: the chain counts in billionths."""
LATE = 16
"""Blocks after its time in which the result of an enactment is searched."""
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
# Events of each transaction, which tell nothing. What has failed is told by the error.
COMMON = {
    "Withdraw",
    "BurnedDebt",
    "Deposit",
    "TransactionFeePaid",
    "ExtrinsicSuccess",
    "ExtrinsicFailed",
    "NewAccount",
}


class Problem(Exception):
    """What is wrong, and what to do."""


# --- amounts, shares, times -----------------------------------------------------------------


def plancks(text):
    """An amount in ASY, in plancks."""
    if not AMOUNT.fullmatch(text):
        raise Problem(f"`{text}` is no amount in ASY, such as 500 or 0.5")
    amount = Decimal(text.removesuffix(" ASY").replace(",", "")) * 10**DECIMALS
    if amount != int(amount):
        raise Problem(f"`{text}` is no whole number of plancks (10^-12 ASY)")
    return int(amount)


def asy(amount):
    """An amount in plancks, in ASY."""
    whole, parts = divmod(amount, 10**DECIMALS)
    return f"{whole:,}.{parts:012}".rstrip("0").rstrip(".") + " ASY"


def percent(share):
    return f"{share * 100 / WHOLE:.2f} %"


def duration(seconds):
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def arguments(text):
    """The arguments of a call, with amounts in plancks."""
    try:
        parsed = json.loads(text)
    except json.JSONDecodeError as error:
        raise Problem(f"the arguments `{text}` are no JSON: {error}") from None
    if not isinstance(parsed, dict):
        raise Problem(f'the arguments `{text}` are no JSON object, such as {{"index": 3}}')
    return with_plancks(parsed)


def with_plancks(value):
    if isinstance(value, dict):
        return {name: with_plancks(one) for name, one in value.items()}
    if isinstance(value, list):
        return [with_plancks(one) for one in value]
    if isinstance(value, str) and value.endswith(" ASY") and AMOUNT.fullmatch(value):
        return plancks(value)
    return value


def blake2_256(data):
    """The hash by which the chain names calls and code."""
    return "0x" + hashlib.blake2b(data, digest_size=32).hexdigest()


# --- the chain ------------------------------------------------------------------------------


def key_pair(args):
    """The key that signs, or None."""
    secret, source = args.suri, "--suri"
    if args.key_file:
        source = args.key_file
        try:
            secret = Path(source).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Problem(f"{source} cannot be read: {getattr(error, 'strerror', error)}") from None
    elif secret is None:
        secret, source = os.environ.get("ASSAY_SURI"), "ASSAY_SURI"
    if secret is None:
        return None
    try:
        if secret.startswith("0x"):
            return Keypair.create_from_seed(secret)
        return Keypair.create_from_uri(secret)
    except Exception:
        # Without the reason, which could have a part of the secret.
        raise Problem(
            f"{source} has no secret: expected a phrase of 12 or more words, a seed of 32 bytes as "
            "0x and hex, or a development key such as //Alice"
        ) from None


def reason(error):
    """What a node says when it refuses something."""
    said = error.args[0] if error.args else error
    if isinstance(said, dict):
        return ": ".join(str(said[name]) for name in ("message", "data") if said.get(name))
    return str(said)


class Chain:
    """A node, and the account that signs."""

    def __init__(self, url, key):
        self.key = key
        try:
            self.node = SubstrateInterface(url=url)
            self.node.init_runtime()
        except Exception as error:
            raise Problem(
                f"no node answers at {url} ({error}): start one, or give its address as --url"
            ) from None

    def account(self):
        """The key that signs. Refuses to go on without one."""
        if self.key is None:
            raise Problem("no account signs: give its secret as --key-file FILE or ASSAY_SURI")
        return self.key

    def call(self, name, given):
        """The call `Pallet.call`."""
        pallet, _, function = name.partition(".")
        calls = {
            f"{one.name}.{call.name}": call
            for one in self.node.get_metadata().pallets
            for call in one.calls or []
        }
        if name not in calls:
            near = difflib.get_close_matches(name, calls, 1)
            hint = f"is it {near[0]}?" if near else "write Pallet.call, such as System.remark"
            raise Problem(f"the chain has no call `{name}`: {hint}")
        try:
            return self.node.compose_call(pallet, function, given)
        except Exception as error:
            fields = [f"{one['name']}: {one['typeName']}" for one in calls[name].value["fields"]]
            takes = ", ".join(fields) or "none, {}"
            raise Problem(f"wrong arguments of {name} ({error}): it takes {takes}") from None

    def send(self, name, given):
        """Sends a transaction, prints its events, and returns the attributes of each by name."""
        key, call = self.account(), self.call(name, given)
        try:
            signed = self.node.create_signed_extrinsic(call, key)
            receipt = self.node.submit_extrinsic(signed, wait_for_inclusion=True)
        except SubstrateRequestException as error:
            raise Problem(f"{name} of {key.ss58_address} was refused: {reason(error)}") from None
        failure, events = None, self.events(receipt)
        for event in events:
            # Also that of a motion that was carried out without success.
            failure = self.failure(event["attributes"]) or failure
            if event["event_id"] not in COMMON:
                print(f"{event['module_id']}.{event['event_id']} {event['attributes']}")
        if failure:
            raise Problem(f"{name} failed: {failure}")
        return {event["event_id"]: event["attributes"] for event in events}

    def events(self, receipt):
        """The events of a transaction. Read from the state, because the library does not decode
        the blocks: operators' transactions, version 5, are in them."""
        block = self.node.rpc_request("chain_getBlock", [receipt.block_hash])["result"]["block"]
        hashes = [blake2_256(bytes.fromhex(one[2:])) for one in block["extrinsics"]]
        index = hashes.index(receipt.extrinsic_hash)
        all_events = [event.value for event in self.node.get_events(receipt.block_hash)]
        return [event for event in all_events if event["extrinsic_idx"] == index]

    def failure(self, attributes):
        """The error that an event tells, if it tells one."""
        if isinstance(attributes, dict):
            for name, value in attributes.items():
                if name in ("Err", "error", "dispatch_error"):
                    return self.error(value)
                if found := self.failure(value):
                    return found
        return None

    def error(self, value):
        """The name of an error, with what its pallet says of it."""
        if not isinstance(value, dict):
            return str(value)
        ((kind, detail),) = value.items()
        if kind != "Module":
            return f"{kind}: {detail}"
        number = bytes.fromhex(detail["error"][2:])[0]
        for pallet in self.node.get_metadata().pallets:
            if pallet.value["index"] == detail["index"]:
                error = pallet.errors[number]
                return f"{pallet.name}.{error.name}: {' '.join(error.docs).strip()}"
        return str(value)

    def value(self, pallet, item, *keys, block_hash=None):
        """A value in the state."""
        return self.node.query(pallet, item, list(keys), block_hash=block_hash).value

    def constant(self, pallet, name):
        return self.node.get_constant(pallet, name).value

    def head(self):
        """The height of the best block."""
        return self.node.get_block_number(self.node.get_chain_head())

    def when(self, block):
        """A height, and how far away it is."""
        seconds = (block - self.head()) * self.constant("Babe", "ExpectedBlockTime") / 1000
        return f"block {block}" + (f" (in {duration(seconds)})" if seconds > 0 else "")

    def lasts(self, blocks):
        """A number of blocks, and how long they take."""
        seconds = blocks * self.constant("Babe", "ExpectedBlockTime") / 1000
        return f"{blocks} block{'' if blocks == 1 else 's'} ({duration(seconds)})"

    def tracks(self):
        """The tracks by their numbers."""
        tracks = dict(self.constant("Referenda", "Tracks"))
        for info in tracks.values():
            # It has a fixed length.
            info["name"] = info["name"].rstrip("\0")
        return tracks

    def track(self, text):
        """The number of a track, which is given by its number or name."""
        names = {info["name"]: number for number, info in self.tracks().items()}
        if text in names:
            return names[text]
        if text.isdigit() and int(text) in names.values():
            return int(text)
        listed = ", ".join(f"{number} {name}" for name, number in names.items())
        raise Problem(f"there is no track `{text}`; there are {listed}")

    def describe(self, encoded):
        """A call as text, with its amounts in ASY."""
        call = self.node.create_scale_object("Call", ScaleBytes(encoded))
        call.decode()
        value = call.value
        texts = []
        for one in value["call_args"]:
            is_amount = "Balance" in one["type"] and isinstance(one["value"], int)
            texts.append(f"{one['name']}: {asy(one['value']) if is_amount else one['value']}")
        return f"{value['call_module']}.{value['call_function']} {', '.join(texts)}".strip()


# --- referenda ------------------------------------------------------------------------------


def propose(chain, args):
    """Stores the call, submits a referendum over it, and pays for its decision."""
    encoded = bytes(chain.call(args.call, args.arguments).data.data)
    call_hash = blake2_256(encoded)
    print(f"proposes {chain.describe(encoded)}")
    members = chain.value("TechnicalCommittee", "Members")
    if args.origin == "whitelisted" and chain.account().ss58_address not in members:
        raise Problem(
            "only members of the technical committee submit on the track of whitelisted calls"
        )
    # Another referendum may have the same call.
    if chain.value("Preimage", "RequestStatusFor", call_hash) is None:
        chain.send("Preimage.note_preimage", {"bytes": "0x" + encoded.hex()})
    events = chain.send(
        "Referenda.submit",
        {
            "proposal_origin": ORIGINS[args.origin],
            "proposal": {"Lookup": {"hash": call_hash, "len": len(encoded)}},
            "enactment_moment": {"After": args.after},
        },
    )
    index = events["Submitted"]["index"]
    chain.send("Referenda.place_decision_deposit", {"index": index})
    print(f"referendum {index}, preimage {call_hash}, {len(encoded)} bytes")


def vote(chain, args):
    """Votes with an amount, locked as long as the conviction says."""
    # The highest bit is that of an aye.
    byte = CONVICTIONS.index(args.conviction) | (0x80 if args.side == "aye" else 0)
    standard = {"vote": byte, "balance": args.amount}
    chain.send("ConvictionVoting.vote", {"poll_index": args.index, "vote": {"Standard": standard}})


def delegate(chain, args):
    """Lets another account vote on a track with an amount."""
    if not is_valid_ss58_address(args.to):
        raise Problem(f"`{args.to}` is no address of an account")
    chain.send(
        "ConvictionVoting.delegate",
        {
            "class": chain.track(args.track),
            "to": args.to,
            "conviction": args.conviction,
            "balance": args.amount,
        },
    )


def undelegate(chain, args):
    """Ends a delegation. What it locks stays locked as long as its conviction says."""
    track = chain.track(args.track)
    chain.send("ConvictionVoting.undelegate", {"class": track})
    print_locks(chain, track)


def unlock(chain, args):
    """Removes a vote, which counts no more, and unlocks what is free by then."""
    track = chain.track(args.track)
    votes = voting_of(chain, track).get("votes", [])
    if args.index is not None and any(index == args.index for index, _ in votes):
        if "Ongoing" in referendum(chain, args.index):
            print(f"referendum {args.index} goes on: the vote is withdrawn")
        chain.send("ConvictionVoting.remove_vote", {"class": track, "index": args.index})
    target = chain.account().ss58_address
    chain.send("ConvictionVoting.unlock", {"class": track, "target": target})
    print_locks(chain, track)


def voting_of(chain, track):
    """Votes or delegation of the account on a track."""
    voting = chain.value("ConvictionVoting", "VotingFor", chain.account().ss58_address, track)
    return next(iter(voting.values()))


def print_locks(chain, track):
    """Prints what still locks money of the account on a track."""
    voting = voting_of(chain, track)
    found = False
    for index, kind in voting.get("votes", []):
        (parts,) = kind.values()
        amount = sum(part for name, part in parts.items() if name != "vote")
        print(f"locked: {asy(amount)} by the vote in referendum {index}")
        found = True
    if "target" in voting:
        print(f"locked: {asy(voting['balance'])} by the delegation to {voting['target']}")
        found = True
    until, amount = voting["prior"]
    if amount:
        print(f"locked: {asy(amount)} until {chain.when(until)}; then unlock again")
        found = True
    if not found:
        print(f"nothing is locked on track {track}")


def referendum(chain, index, block_hash=None):
    """The state of a referendum."""
    info = chain.value("Referenda", "ReferendumInfoFor", index, block_hash=block_hash)
    if info is None:
        count = chain.value("Referenda", "ReferendumCount")
        there = f"the last one is {count - 1}" if count else "there is none yet"
        raise Problem(f"there is no referendum {index}: {there}")
    return info


def threshold(curve, elapsed):
    """The share that is needed after a share of the decision's time."""
    line = straight(curve)
    gone = min(elapsed, line["length"]) * WHOLE // line["length"]
    return line["ceil"] - gone * (line["ceil"] - line["floor"]) // WHOLE


def reached(curve, share):
    """After which share of the decision's time a share is enough, or None if it never is."""
    line = straight(curve)
    if share < line["floor"]:
        return None
    if share >= line["ceil"]:
        return 0
    fall = line["ceil"] - line["floor"]
    return -(-(line["ceil"] - share) * WHOLE // fall) * line["length"] // WHOLE


def straight(curve):
    if "LinearDecreasing" not in curve:
        raise Problem(f"this script knows straight curves alone, and the track has {curve}")
    return curve["LinearDecreasing"]


def status(chain, args):
    """Prints how a referendum stands, or what became of it."""
    info = referendum(chain, args.index)
    ((state, details),) = info.items()
    if state != "Ongoing":
        block = details if isinstance(details, int) else details[0]
        print(f"referendum  {args.index}, {state.lower()} in block {block}")
        if state == "Approved":
            print(f"enactment   {enactment(chain, args.index, block)}")
        return
    track = chain.tracks()[details["track"]]
    now = chain.head()
    print(f"referendum  {args.index}, on track {details['track']} {track['name']}")
    print(f"proposal    {proposal(chain, details['proposal'])}")
    print(f"stage       {stage(chain, details, track)}")

    tally = details["tally"]
    votes = tally["ayes"] + tally["nays"]
    support = tally["support"] * WHOLE // electorate(chain)
    approval = tally["ayes"] * WHOLE // votes if votes else 0
    deciding = details["deciding"]
    # The earliest start of the decision, as long as it has none.
    start = deciding["since"] if deciding else details["submitted"] + track["prepare_period"]
    period = track["decision_period"]
    elapsed = min(now - start, period) * WHOLE // period if deciding else 0
    for what, share, of, curve in (
        ("support", support, f"of all money, {asy(tally['support'])}", track["min_support"]),
        ("approval", approval, "of the votes, with conviction", track["min_approval"]),
    ):
        needed = f"{percent(threshold(curve, elapsed))} {'now' if deciding else 'at the start'}"
        end = percent(threshold(curve, WHOLE))
        print(f"{what:10}  {percent(share)} {of}; needs {needed}, {end} at the end")

    if deciding and deciding["confirming"] is not None:
        passes = f"in {chain.when(deciding['confirming'])}, if it stays enough until then"
    else:
        offsets = [reached(track["min_support"], support), reached(track["min_approval"], approval)]
        if None in offsets:
            passes = "not with these votes"
        else:
            enough = max(now, start - (-max(offsets) * period // WHOLE))
            passes = (
                f"these votes are enough from {chain.when(enough)} on; "
                f"then it is confirmed for {chain.lasts(track['confirm_period'])}"
            )
    print(f"passes      {passes}")
    print(f"enactment   {chain.lasts(enactment_delay(details, track))} after it has passed")


def electorate(chain):
    """All money that can vote."""
    treasury = chain.constant("Settlement", "TreasuryAccount")
    money = chain.value("Balances", "TotalIssuance") - chain.value("Balances", "InactiveIssuance")
    return money - chain.value("System", "Account", treasury)["data"]["free"]


def proposal(chain, bounded):
    """What is proposed, as text."""
    ((kind, detail),) = bounded.items()
    if kind == "Inline":
        return chain.describe(as_bytes(detail))
    preimage = chain.value("Preimage", "PreimageFor", (detail["hash"], detail["len"]))
    if preimage is None:
        return f"{detail['hash']}, whose preimage is not on the chain"
    return chain.describe(as_bytes(preimage))


def as_bytes(text):
    """Bytes, which the library shows as text where it can. No call begins with `0x` as text."""
    return bytes.fromhex(text[2:]) if text.startswith("0x") else text.encode()


def stage(chain, details, track):
    """Where a referendum is on its way."""
    deciding = details["deciding"]
    if details["decision_deposit"] is None:
        deposit = asy(track["decision_deposit"])
        end = details["submitted"] + chain.constant("Referenda", "UndecidingTimeout")
        return f"waits for the decision deposit, {deposit}; times out in {chain.when(end)}"
    if details["in_queue"]:
        return f"waits for one of {track['max_deciding']} places on the track"
    if deciding is None:
        end = details["submitted"] + track["prepare_period"]
        return f"is prepared until {chain.when(end)}"
    if deciding["confirming"] is None:
        end = deciding["since"] + track["decision_period"]
        return f"is decided since block {deciding['since']}, until {chain.when(end)}"
    return f"is confirmed until {chain.when(deciding['confirming'])}"


def enactment_delay(details, track):
    """Blocks from the approval to the enactment, at least."""
    after = details["enactment"].get("After", 0)
    return max(track["min_enactment_period"], after, 1)


def enactment(chain, index, approved):
    """What became of the call of a referendum that was approved in a block."""
    # Its name in the scheduler.
    name = blake2_256(b"assembly" + b"\x24enactment" + index.to_bytes(4, "little"))
    if place := chain.value("Scheduler", "Lookup", name):
        return f"in {chain.when(place[0])}"
    block = approved - 1
    try:
        before = referendum(chain, index, chain.node.get_block_hash(block))["Ongoing"]
        due = approved + enactment_delay(before, chain.tracks()[before["track"]])
        first = max(due, before["enactment"].get("At", 0))
        for block in range(first, min(first + LATE, chain.head()) + 1):
            for record in chain.node.get_events(chain.node.get_block_hash(block)):
                event = record.value
                if event["module_id"] == "Scheduler" and name in str(event["attributes"]):
                    failure = chain.failure(event["attributes"])
                    if event["event_id"] != "Dispatched":
                        failure = event["event_id"]
                    return f"in block {block}: " + (f"failed, {failure}" if failure else "done")
    except SubstrateRequestException as error:
        return (
            f"over, and this node does not have the state of block {block} any more "
            f"({reason(error)}): ask one with --state-pruning archive"
        )
    return f"no result in the blocks {first} to {block}"


def apply(chain, args):
    """Sends code that a referendum has authorised."""
    try:
        code = Path(args.file).read_bytes()
    except OSError as error:
        raise Problem(f"{args.file} cannot be read: {error.strerror}") from None
    print(f"{len(code)} bytes, hash {blake2_256(code)}")
    chain.send("System.apply_authorized_upgrade", {"code": "0x" + code.hex()})
    print("version", chain.node.rpc_request("state_getRuntimeVersion", [])["result"]["specVersion"])


# --- the technical committee ----------------------------------------------------------------


def motion(chain, args):
    """Moves a call in the technical committee. With a threshold of 1 it acts at once."""
    members = len(chain.value("TechnicalCommittee", "Members"))
    if args.threshold > members:
        raise Problem(
            f"the committee has {members} member{'' if members == 1 else 's'}: a motion that needs "
            f"{args.threshold} votes cannot pass"
        )
    call = chain.call(args.call, args.arguments)
    encoded = bytes(call.data.data)
    events = chain.send(
        "TechnicalCommittee.propose",
        {"threshold": args.threshold, "proposal": call, "length_bound": len(encoded)},
    )
    if moved := events.get("Proposed"):
        number, of_call = moved["proposal_index"], moved["proposal_hash"]
        print(f"motion {number}, hash {of_call}: members vote by `second`")


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
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("ASSAY_URL", "ws://127.0.0.1:9944"),
        help="address of a node, also in ASSAY_URL [default: %(default)s]",
    )
    parser.add_argument("--key-file", metavar="FILE", help="file with the secret of who signs")
    parser.add_argument("--suri", help="development key of who signs, such as //Alice")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function, *of_command):
        name = function.__name__
        described = function.__doc__.split("\n")[0]
        parsed = commands.add_parser(name, help=described, description=described)
        for argument, options in of_command:
            parsed.add_argument(argument, **options)
        parsed.set_defaults(run=function)

    index = ("index", {"type": int, "help": "number of a referendum"})
    number = ("index", {"type": int, "help": "number of the motion"})
    voted = ("index", {"type": int, "nargs": "?", "help": "referendum of the vote, if it is there"})
    amount = ("amount", {"type": plancks, "help": "in ASY"})
    conviction = ("--conviction", {"choices": CONVICTIONS, "default": "Locked1x"})
    track = ("track", {"help": "number or name of a track"})
    of_call = [
        ("call", {"help": "Pallet.call"}),
        ("arguments", {"type": arguments, "help": "as a JSON object, {} if there are none"}),
    ]
    after = ("--after", {"type": int, "default": 0, "help": "blocks to wait before it is enacted"})
    command(propose, ("origin", {"choices": ORIGINS}), *of_call, after)
    command(vote, index, ("side", {"choices": ["aye", "nay"]}), amount, conviction)
    command(delegate, track, ("to", {"help": "address"}), amount, conviction)
    command(undelegate, track)
    command(unlock, track, voted)
    command(status, index)
    command(apply, ("file", {"help": "the compressed wasm"}))
    command(motion, ("threshold", {"type": int, "help": "votes that it needs"}), *of_call)
    command(second, ("hash", {"help": "hash of a motion"}), number)
    try:
        args = parser.parse_args()
        args.run(Chain(args.url, key_pair(args)), args)
    except Problem as problem:
        sys.exit(f"error: {problem}")
    except SubstrateRequestException as error:
        sys.exit(f"error: the node at {args.url} refuses: {reason(error)}")
    except (OSError, WebSocketException) as error:
        sys.exit(
            f"error: the connection to {args.url} broke ({error}): look whether the transaction is "
            "in the chain before you send it again"
        )


if __name__ == "__main__":
    main()
