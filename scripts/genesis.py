#!/usr/bin/env python3
"""Makes the chain specification of a network from public keys and stakes.

  scripts/genesis NETWORK.toml FOLDER

NETWORK.toml names the network, its validators with their keys and stakes, other accounts, and the
technical committee: docs/examples/network.toml is one. FOLDER gets two files: ID.json to read, and
ID-raw.json, which every node of the network takes with --chain, and which no later node program
changes. Prints the genesis hash, which all parties compare before they start.

Needs no secret. Amounts are in ASY.
"""

import argparse
import hashlib
import json
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


def from_ss58(text):
    number = 0
    for character in text:
        number = number * 58 + ALPHABET.index(character)
    return number.to_bytes(35, "big")


def public_key(text, what):
    """A public key of 32 bytes, in SS58 or in hex, as SS58."""
    try:
        if text.startswith("0x"):
            public = bytes.fromhex(text[2:])
            if len(public) != 32:
                raise ValueError
            return to_ss58(public)
        decoded = from_ss58(text)
        if decoded[0] != SS58_PREFIX or checksum(decoded[:33]) != decoded[33:]:
            raise ValueError
        return to_ss58(decoded[1:33])
    except (ValueError, OverflowError, AttributeError):
        raise Problem(
            f"{what}: `{text}` is no public key: expected 32 bytes as 0x and hex, or SS58 with "
            f"prefix {SS58_PREFIX}"
        ) from None


def plancks(value, what):
    try:
        amount = Decimal(str(value)) * 10**DECIMALS
    except InvalidOperation:
        raise Problem(f"{what}: `{value}` is not an amount in ASY") from None
    if amount != int(amount) or amount < 0:
        raise Problem(f"{what}: {value} ASY is not a whole number of plancks (10^-12 ASY)")
    if amount > MOST:
        raise Problem(
            f"{what}: {value} ASY is more than {Decimal(MOST) / 10**DECIMALS}, the most that a "
            "specification can give one account; divide it among several"
        )
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


def validator(table, number):
    what = f"validator {number}"
    known(table, ["account", "balance", "stake", *KEYS], what)
    account = public_key(required(table, "account", what), f"{what}, account")
    keys = {name: public_key(required(table, name, what), f"{what}, {name}") for name in KEYS}
    balance = plancks(required(table, "balance", what), f"{what}, balance")
    stake = plancks(required(table, "stake", what), f"{what}, stake")
    return {"account": account, "keys": keys, "balance": balance, "stake": stake}


def refuse_twice(values, what):
    seen = set()
    for value in values:
        if value in seen:
            raise Problem(f"{what} {value} is used twice; everybody needs their own")
        seen.add(value)


class Network:
    """The contents of NETWORK.toml, checked."""

    def __init__(self, table):
        known(
            table,
            ["name", "id", "seats", "bootnodes", "committee", "validator", "account"],
            "the network",
        )
        self.name = required(table, "name", "the network")
        self.id = required(table, "id", "the network")
        if not self.id.replace("_", "").replace("-", "").isalnum():
            raise Problem(f"id: `{self.id}` may have letters, digits, `_` and `-` only")
        self.bootnodes = table.get("bootnodes", [])
        self.validators = [
            validator(one, number) for number, one in enumerate(table.get("validator", []), 1)
        ]
        if not self.validators:
            raise Problem("the network has no [[validator]]; it would make no blocks")
        self.seats = table.get("seats", len(self.validators))
        self.committee = [public_key(one, "committee") for one in table.get("committee", [])]
        self.accounts = {}
        for number, one in enumerate(table.get("account", []), 1):
            what = f"account {number}"
            known(one, ["account", "balance"], what)
            account = public_key(required(one, "account", what), what)
            refuse_twice([*self.accounts, account], "account")
            self.accounts[account] = plancks(required(one, "balance", what), what)
        refuse_twice([one["account"] for one in self.validators] + [*self.accounts], "account")
        refuse_twice(self.committee, "member of the committee")
        for name in KEYS:
            refuse_twice([one["keys"][name] for one in self.validators], f"{name} key")

    def into(self, patch):
        """Adds the network to the genesis of the preset."""
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
        return sum(balance for _, balance in balances)


def run(node, *arguments):
    result = subprocess.run([node, *arguments], check=False, capture_output=True, text=True)
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
    options = parser.parse_args()
    try:
        network = Network(tomllib.loads(options.network.read_text()))
    except OSError as error:
        raise Problem(f"{options.network}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise Problem(f"{options.network}: {error}") from None

    spec = json.loads(run(options.node, "export-chain-spec", "--chain", "testnet"))
    supply = network.into(spec["genesis"]["runtimeGenesis"]["patch"])
    spec |= {"name": network.name, "id": network.id, "bootNodes": network.bootnodes}
    options.folder.mkdir(parents=True, exist_ok=True)
    plain = options.folder / f"{network.id}.json"
    raw = options.folder / f"{network.id}-raw.json"
    plain.write_text(json.dumps(spec, indent=2) + "\n")
    raw.write_text(run(options.node, "export-chain-spec", "--chain", str(plain), "--raw"))
    genesis = run(options.node, "genesis-hash", "--chain", str(raw)).strip()

    for one in network.validators:
        print(f"validator  {one['account']} with {asy(one['stake'])} ASY at stake")
    print(f"seats      {network.seats}")
    print(f"committee  {len(network.committee)} members")
    print(f"supply     {asy(supply)} ASY")
    print(f"genesis    {genesis}")
    digest = hashlib.blake2b(raw.read_bytes(), digest_size=32).hexdigest()
    print(f"spec       {raw}")
    print(f"           BLAKE2b-256 {digest}")
    if len(network.validators) < FEW:
        print(f"warning: with fewer than {FEW} validators none may fail", file=sys.stderr)
    if not network.committee:
        print(
            "warning: without a committee nobody can hasten or pause; a referendum can name one",
            file=sys.stderr,
        )
    if not network.bootnodes:
        print("warning: without bootnodes every node needs --bootnodes", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except Problem as problem:
        sys.exit(f"error: {problem}")
