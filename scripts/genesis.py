#!/usr/bin/env python3
"""Makes the chain specification of a network from public keys and stakes.

  scripts/genesis NETWORK.toml FOLDER [--mine KEY ...]

NETWORK.toml names the network, its validators with their keys and stakes, other accounts, and the
technical committee: docs/examples/network.toml is one. FOLDER gets two files: ID.json to read, and
ID-raw.json, which every node of the network takes with --chain, and which no later node program
changes. Prints who has which keys and how much, and the genesis hash.

Equal hashes show that the parties have the same network, not that it is right. Before they compare
them, each looks for its own account, balance and keys in the output, and who else has how much.
With --mine, once for each public key of a party, the script fails unless these are the keys of one
validator.

ASSAY_NODE names the node program that makes them; otherwise scripts/genesis builds that of its
checkout. Needs no secret. Amounts are in ASY.
"""

import argparse
import hashlib
import ipaddress
import json
import re
import subprocess
import sys
import tomllib
from decimal import Decimal, InvalidOperation
from pathlib import Path

DECIMALS = 12
# Specifications have amounts as JSON numbers, which programs read with 64 bits.
MOST = 2**64 - 1
SS58_PREFIX = 42
ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
KEYS = ["babe", "grandpa", "authority_discovery"]
# What the identity of a node begins with: an ed25519 key in a multihash.
IDENTITY = bytes.fromhex("002408011220")
# Validators below which no single one may fail.
FEW = 4
# `MaxElected` of the runtime.
MOST_SEATS = 64


class Problem(Exception):
    """What is wrong with the input, and what to do."""


def checksum(payload):
    return hashlib.blake2b(b"SS58PRE" + payload, digest_size=64).digest()[:2]


def to_ss58(public):
    payload = bytes([SS58_PREFIX]) + public
    number = int.from_bytes(payload + checksum(payload), "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return text


def from_base58(text, length):
    number = 0
    for character in text:
        number = number * 58 + ALPHABET.index(character)
    return number.to_bytes(length, "big")


def public_key(text, what):
    """A public key of 32 bytes, in SS58 or in hex, as SS58."""
    try:
        if text.startswith("0x"):
            public = bytes.fromhex(text[2:])
            if len(public) != 32:
                raise ValueError
            return to_ss58(public)
        decoded = from_base58(text, 35)
        if checksum(decoded[:33]) != decoded[33:]:
            raise Problem(f"{what}: the checksum of `{text}` is wrong: there is a typo in it")
        if decoded[0] != SS58_PREFIX:
            raise ValueError
        return to_ss58(decoded[1:33])
    except (ValueError, OverflowError, AttributeError):
        raise Problem(
            f"{what}: `{text}` is no public key: expected 32 bytes as 0x and hex, or SS58 with "
            f"prefix {SS58_PREFIX}"
        ) from None


def plancks(value, what):
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("nan")
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise Problem(f"{what}: `{value}` is not an amount in ASY, such as 20_000 or 0.5")
    if amount > Decimal(MOST) / 10**DECIMALS:
        raise Problem(
            f"{what}: {value} ASY is more than {Decimal(MOST) / 10**DECIMALS}, the most that a "
            "specification can give one account; divide it among several"
        )
    amount *= 10**DECIMALS
    if amount != int(amount):
        raise Problem(f"{what}: {value} ASY is not a whole number of plancks (10^-12 ASY)")
    return int(amount)


def asy(amount):
    whole, parts = divmod(amount, 10**DECIMALS)
    return f"{whole:,}.{parts:012}".rstrip("0").rstrip(".")


def known(table, allowed, what):
    unknown = sorted(set(table) - set(allowed))
    if unknown:
        raise Problem(f"{what}: `{unknown[0]}` is unknown; there are {', '.join(allowed)}")


def required(table, name, what):
    if name not in table:
        raise Problem(f"{what}: `{name}` is missing")
    return table[name]


def text_of(table, name, what):
    text = required(table, name, what)
    if not isinstance(text, str) or not text.isprintable():
        raise Problem(f"{name}: `{text}` is no text of one line; write it in quotes")
    return text


def list_of(table, name, kind, what):
    """The items of a list, which need not be there, all of one type."""
    items = table.get(name, [])
    if not isinstance(items, list) or not all(isinstance(one, kind) for one in items):
        raise Problem(f"{name}: {what}")
    return items


def validator(table, number):
    what = f"validator {number}"
    known(table, ["account", "balance", "stake", *KEYS], what)
    account = public_key(required(table, "account", what), f"{what}, account")
    keys = {name: public_key(required(table, name, what), f"{what}, {name}") for name in KEYS}
    balance = plancks(required(table, "balance", what), f"{what}, balance")
    stake = plancks(required(table, "stake", what), f"{what}, stake")
    return {"account": account, "keys": keys, "balance": balance, "stake": stake}


def bootnode(text, what):
    """Refuses what is not the address of a node with its identity."""
    try:
        start, kind, host, tcp, port, *rest = text.split("/")
        if start or tcp != "tcp" or not 0 < int(port) < 2**16 or not host:
            raise ValueError
        if kind == "ip4":
            ipaddress.IPv4Address(host)
        elif kind == "ip6":
            ipaddress.IPv6Address(host)
        elif kind not in ("dns", "dns4", "dns6") or not re.fullmatch(r"[A-Za-z0-9._-]+", host):
            raise ValueError
        if rest[0] in ("ws", "wss"):
            rest = rest[1:]
        p2p, identity = rest
        if p2p != "p2p" or not from_base58(identity, 38).startswith(IDENTITY):
            raise ValueError
    except (ValueError, OverflowError, AttributeError, IndexError):
        raise Problem(
            f"{what}: `{text}` is no address of a node: expected /dns/NAME/tcp/PORT/p2p/12D3KooW… "
            "or /ip4/ADDRESS/…, with the identity that `assay-node key generate-node-key` prints"
        ) from None
    return text


def own_keys(validators):
    """Refuses keys that two validators have, and a key that has two schemes."""
    owners = {}
    for number, one in enumerate(validators, 1):
        mine = {"account": one["account"], **one["keys"]}
        for name, key in mine.items():
            what = f"validator {number}, {name}: {key}"
            if key in owners:
                raise Problem(f"{what} is {owners[key]} as well; everybody needs their own keys")
            if name != "grandpa" and key == mine["grandpa"]:
                raise Problem(
                    f"validator {number}, grandpa: {key} is its {name} as well, an sr25519 key; "
                    "grandpa takes the ed25519 one: `assay-node key inspect --scheme ed25519`"
                )
        for name, key in mine.items():
            owners.setdefault(key, f"{name} of validator {number}")


def line_of(value, text):
    """The line that has a value."""
    for number, line in enumerate(text.splitlines(), 1):
        if str(value) in line.partition("#")[0]:
            return number
    return "?"


def refuse_twice(values, what):
    seen = set()
    for value in values:
        if value in seen:
            raise Problem(f"{what} {value} is used twice; everybody needs their own")
        seen.add(value)


class Network:
    """The contents of NETWORK.toml, checked."""

    def __init__(self, text):
        table = tomllib.loads(text)
        known(
            table,
            ["name", "id", "seats", "bootnodes", "committee", "validator", "account"],
            "the network",
        )
        self.name = text_of(table, "name", "the network")
        self.id = text_of(table, "id", "the network")
        if not self.id.replace("_", "").replace("-", "").isalnum():
            raise Problem(f"id: `{self.id}` may have letters, digits, `_` and `-` only")
        self.bootnodes = [
            bootnode(one, f"bootnodes, line {line_of(one, text)}")
            for one in list_of(table, "bootnodes", str, 'expected a list of addresses, ["/dns/…"]')
        ]
        validators = list_of(table, "validator", dict, "expected a table [[validator]] for each")
        self.validators = [validator(one, number) for number, one in enumerate(validators, 1)]
        if not self.validators:
            raise Problem("the network has no [[validator]]; it would make no blocks")
        self.seats = table.get("seats", len(self.validators))
        if type(self.seats) is not int:
            raise Problem(f"seats: `{self.seats}` is no number of places for validators, such as 4")
        members = list_of(table, "committee", str, 'expected a list of accounts, ["5…"]')
        self.committee = [public_key(one, "committee") for one in members]
        self.accounts = {}
        accounts = list_of(table, "account", dict, "expected a table [[account]] for each")
        for number, one in enumerate(accounts, 1):
            what = f"account {number}"
            known(one, ["account", "balance"], what)
            account = public_key(required(one, "account", what), what)
            refuse_twice([*self.accounts, account], "account")
            self.accounts[account] = plancks(required(one, "balance", what), what)
        own_keys(self.validators)
        refuse_twice([one["account"] for one in self.validators] + [*self.accounts], "account")
        refuse_twice(self.committee, "member of the committee")

    def whose(self, mine):
        """The number of the validator that has these keys and no others."""
        at = {}
        for number, one in enumerate(self.validators, 1):
            for key in [one["account"], *one["keys"].values()]:
                at[key] = number
        numbers = {at[key] for key in mine if key in at}
        if len(numbers) != 1:
            where = [f"{key} at {f'validator {at[key]}' if key in at else 'none'}" for key in mine]
            raise Problem(f"--mine: no validator has these keys: {', '.join(where)}")
        number = numbers.pop()
        one = self.validators[number - 1]
        for name, key in {"account": one["account"], **one["keys"]}.items():
            if key not in mine:
                raise Problem(
                    f"--mine: validator {number} has the {name} {key}, which is none of these: "
                    "it is somebody else's, or you have left it out"
                )
        for key in mine:
            if key not in at:
                raise Problem(f"--mine: validator {number} has not {key}")
        return number

    def into(self, patch):
        """Adds the network to the genesis of the preset. Returns all balances."""
        staking = patch["staking"]
        least = staking["minValidatorBond"]
        for number, one in enumerate(self.validators, 1):
            if one["stake"] < least:
                raise Problem(f"validator {number}, stake: at least {asy(least)} ASY are needed")
            if one["balance"] <= one["stake"]:
                raise Problem(
                    f"validator {number}, balance: it has to be more than the stake, which is on "
                    "hold: fees and deposits come besides"
                )
        if not len(self.validators) <= self.seats <= MOST_SEATS:
            raise Problem(
                f"seats: {self.seats} is out of bounds: {len(self.validators)} validators need one "
                f"and there are at most {MOST_SEATS}"
            )
        balances = patch["balances"]["balances"]
        balances += [[one["account"], one["balance"]] for one in self.validators]
        balances += [[account, balance] for account, balance in self.accounts.items()]
        accounts = [one["account"] for one in self.validators]
        patch["session"]["keys"] = [
            [one["account"], one["account"], one["keys"]] for one in self.validators
        ]
        staking["stakers"] = [
            [one["account"], one["account"], one["stake"], "Validator"] for one in self.validators
        ]
        staking["validatorCount"] = self.seats
        # As many as are left if as many have failed as the network tolerates, and at most four: if
        # fewer are candidates, there are no eras.
        staking["minimumValidatorCount"] = min(4, len(accounts) - (len(accounts) - 1) // 3)
        patch["technicalCommittee"]["members"] = self.committee
        return balances

    def lines(self, balances):
        """All that a party has to check, but the hash."""
        for number, one in enumerate(self.validators, 1):
            yield f"validator {number}", ""
            yield "  account", one["account"]
            yield "  balance", f"{asy(one['balance'])} ASY, {asy(one['stake'])} of it at stake"
            for name, key in one["keys"].items():
                yield f"  {name}", key
        validators = {one["account"] for one in self.validators}
        for account, balance in balances:
            if account not in validators:
                origin = "" if account in self.accounts else ", as in each network (the treasury)"
                yield "account", f"{account} with {asy(balance)} ASY{origin}"
        for member in self.committee:
            yield "member", f"{member} of the committee"
        for address in self.bootnodes:
            yield "bootnode", address
        yield "seats", self.seats
        yield "supply", f"{asy(sum(balance for _, balance in balances))} ASY"

    def warnings(self):
        """What can be meant so, and is dangerous."""
        if len(self.validators) < FEW:
            yield f"with fewer than {FEW} validators none may fail"
        if not self.committee:
            yield "without a committee nobody can hasten or pause; a referendum can name one"
        if len(self.committee) == 1:
            yield (
                "a committee of one closes transfers and new requests alone, as often as it wants, "
                "until a referendum replaces it"
            )
        paid = {one["account"] for one in self.validators} | {*self.accounts}
        for member in self.committee:
            if member not in paid:
                yield (
                    f"the member {member} of the committee has no balance here: it can pay neither "
                    "fees nor the deposit of a motion, 100 ASY"
                )
        if not self.bootnodes:
            yield "without bootnodes every node needs --bootnodes"


def run(node, *arguments):
    try:
        result = subprocess.run([node, *arguments], check=False, capture_output=True, text=True)
    except OSError as error:
        raise Problem(
            f"{node}: {error.strerror}; set ASSAY_NODE to the path of an assay-node"
        ) from None
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or ["it said nothing"]
        raise Problem(f"{node} {' '.join(arguments)}: {lines[-1]}")
    return result.stdout


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", type=Path, metavar="NETWORK.toml")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--node", default="assay-node", metavar="PROGRAM", help="the node program")
    parser.add_argument(
        "--mine",
        action="append",
        default=[],
        metavar="KEY",
        help="a public key of yours; fails unless all of them are those of one validator",
    )
    options = parser.parse_args()
    try:
        network = Network(options.network.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Problem(f"{options.network}: {error}") from None
    mine = network.whose({public_key(key, "--mine") for key in options.mine}) if options.mine else 0

    spec = json.loads(run(options.node, "export-chain-spec", "--chain", "testnet"))
    balances = network.into(spec["genesis"]["runtimeGenesis"]["patch"])
    spec |= {"name": network.name, "id": network.id, "bootNodes": network.bootnodes}
    options.folder.mkdir(parents=True, exist_ok=True)
    plain = options.folder / f"{network.id}.json"
    raw = options.folder / f"{network.id}-raw.json"
    plain.write_text(json.dumps(spec, indent=2) + "\n")
    raw.write_text(run(options.node, "export-chain-spec", "--chain", str(plain), "--raw"))
    genesis = run(options.node, "genesis-hash", "--chain", str(raw)).strip()

    for name, value in network.lines(balances):
        print(f"{name:<23}{value}".rstrip())
    if mine:
        print(f"mine                   the keys of validator {mine}")
    print(f"genesis                {genesis}")
    digest = hashlib.blake2b(raw.read_bytes(), digest_size=32).hexdigest()
    print(f"spec                   {raw}")
    print(f"                       BLAKE2b-256 {digest}")
    for warning in network.warnings():
        print(f"warning: {warning}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        sys.exit(f"error: {problem}")
    except OSError as error:
        sys.exit(f"error: {error.filename}: {error.strerror}")
