#!/usr/bin/env python3
"""A second implementation of the crate's rules, and the vectors that both have to agree on.

Writes JSON to standard output: python3 extract.py > vectors.json
The output is deterministic. Shares no code with the crate and works differently: it builds whole
documents and tables, with regular expressions for the tokens, and calculates in fractions. What it
makes of a document is compared with Python's own modules `json` and `csv`.

A vector has the extraction (`json` with the steps of a path, `csv`, or `text`), the body (text,
hexadecimal digits, or texts that are each repeated), then `decimals` and `range` or a format of
`time`, and last the `value` or the `failure`. Written paths have vectors of their own.
"""

import csv
import datetime
import io
import json
import math
import re
import sys
from fractions import Fraction

MAX_BODY = 2**20
MAX_DEPTH = 64
MAX_STEPS = 8
MAX_NAME = 128
MAX_NUMBER = 64
MAX_MAGNITUDE = 2**53 - 1
MAX_YEAR = 9999


class Failure(Exception):
    """Why there is no value, by the name that the crate gives it."""


# --- JSON -------------------------------------------------------------------------------------


class Number(str):
    """A number of JSON as written, told apart from a string."""


class Members(list):
    """The members of an object in order, as pairs of name and value."""


SPACE = re.compile(r"[ \t\n\r]*")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
# What begins a part of a number that has no digits yet.
BEGUN_EXPONENT = re.compile(r"[eE][+-]?")
BEGUN_FRACTION = re.compile(r"\.")
WORDS = {"true": True, "false": False, "null": None}
PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
ESCAPE = re.compile(r'\\(?:(["\\/bfnrt])|u([0-9a-fA-F]{4}))')
PART_OF_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class Parser:
    """Recursive descent: the depth is bounded by the rules."""

    def __init__(self, text):
        self.text = text
        self.at = 0

    def take(self, pattern):
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def space(self):
        self.take(SPACE)
        return self.text[self.at : self.at + 1]

    def wrong(self):
        """What is at this place does not belong there, if there is anything."""
        return Failure("Syntax" if self.at < len(self.text) else "Truncated")

    def document(self):
        value = self.value(0)
        if self.space():
            raise Failure("Syntax")
        return value

    def value(self, depth):
        first = self.space()
        if first == "{":
            return self.items(Members(), "}", self.member, depth + 1)
        if first == "[":
            return self.items([], "]", self.value, depth + 1)
        if first == '"':
            return self.string()
        if first and first in "-0123456789":
            return self.number()
        for word, meaning in WORDS.items():
            if first and word[0] == first:
                rest = self.text[self.at : self.at + len(word)]
                if rest != word:
                    is_cut = word.startswith(rest) and self.at + len(rest) == len(self.text)
                    raise Failure("Truncated" if is_cut else "Syntax")
                self.at += len(word)
                return meaning
        raise self.wrong()

    def items(self, found, end, read, depth):
        if depth > MAX_DEPTH:
            raise Failure("Depth")
        self.at += 1
        if self.space() == end:
            self.at += 1
            return found
        while True:
            found.append(read(depth))
            following = self.space()
            if following not in (",", end):
                raise self.wrong()
            self.at += 1
            if following == end:
                return found

    def member(self, depth):
        if self.space() != '"':
            raise self.wrong()
        name = self.string()
        if self.space() != ":":
            raise self.wrong()
        self.at += 1
        return name, self.value(depth)

    def number(self):
        found = self.take(NUMBER)
        if not found:
            self.at += len("-")
            raise self.wrong()
        written = found[0]
        if "e" not in written.lower() and (
            self.take(BEGUN_EXPONENT) or ("." not in written and self.take(BEGUN_FRACTION))
        ):
            raise self.wrong()
        return Number(written)

    def escape(self):
        """The character or the code unit of an escape."""
        found = self.take(ESCAPE)
        if not found:
            raise Failure("Truncated" if PART_OF_ESCAPE.match(self.text, self.at) else "Syntax")
        short, digits = found.groups()
        return int(digits, 16) if digits else ord(SHORT.get(short, short))

    def string(self):
        self.at += 1
        parts = []
        while True:
            parts.append(self.take(PLAIN)[0])
            ahead = self.text[self.at : self.at + 1]
            if ahead == '"':
                self.at += 1
                return "".join(parts)
            if ahead != "\\":
                raise self.wrong()
            code = self.escape()
            if 0xD800 <= code <= 0xDBFF:
                ahead = self.text[self.at : self.at + 2]
                # The second is the last character of the text.
                if ahead not in ("", "\\", "\\u"):
                    raise Failure("Encoding")
                if not ahead:
                    raise Failure("Truncated")
                low = self.escape()
                if not 0xDC00 <= low <= 0xDFFF:
                    raise Failure("Encoding")
                pair = code.to_bytes(2, "big") + low.to_bytes(2, "big")
                parts.append(pair.decode("utf-16-be"))
            elif 0xDC00 <= code <= 0xDFFF:
                raise Failure("Encoding")
            else:
                parts.append(chr(code))


def find_json(text, steps):
    value = Parser(text).document()
    for step in steps:
        if isinstance(step, str):
            if not isinstance(value, Members):
                raise Failure("NotFound")
            names = [name for name, _ in value]
            if len(set(names)) < len(names):
                raise Failure("Duplicate")
            if step not in names:
                raise Failure("NotFound")
            value = dict(value)[step]
        else:
            is_array = isinstance(value, list) and not isinstance(value, Members)
            if not is_array or not -len(value) <= step < len(value):
                raise Failure("NotFound")
            value = value[step]
    if not isinstance(value, str):
        raise Failure("WrongType")
    return str(value)


def refuse_constant(name):
    raise ValueError(name)


def compare_json(text):
    """Python's module accepts what these rules accept, as the same value, and refuses what they
    refuse, except for depth and halves of surrogate pairs."""
    try:
        theirs = json.loads(
            text,
            parse_int=Number,
            parse_float=Number,
            parse_constant=refuse_constant,
            object_pairs_hook=Members,
        )
    except (ValueError, RecursionError) as error:
        theirs = error
    try:
        ours = Parser(text).document()
        assert type(ours) is type(theirs) and ours == theirs, (text, ours, theirs)
    except Failure as failure:
        is_refused = isinstance(theirs, Exception)
        assert is_refused or str(failure) in ("Depth", "Encoding"), (text, failure, theirs)


# --- CSV --------------------------------------------------------------------------------------


def read_csv(text, separator):
    mark = re.escape(separator)
    field = re.compile(rf'[^"{mark}\x00-\x1f\x7f]*')
    quoted = re.compile(rf'"((?:[^"\x00-\x1f\x7f]|[\r\n{mark}]|"")*)')
    ends = re.compile(r"\r?\n")
    records, at = [], 0
    while at < len(text):
        record = []
        while True:
            if text[at : at + 1] == '"':
                found = quoted.match(text, at)
                at = found.end()
                if text[at : at + 1] != '"':
                    raise Failure("Syntax" if at < len(text) else "Truncated")
                at += 1
                record.append(found[1].replace('""', '"'))
            else:
                found = field.match(text, at)
                at = found.end()
                record.append(found[0])
            if text[at : at + 1] != separator:
                break
            at += 1
        if at < len(text):
            end = ends.match(text, at)
            if not end:
                raise Failure("Truncated" if text[at:] == "\r" else "Syntax")
            at = end.end()
        records.append(record)
        if len(record) != len(records[0]):
            raise Failure("FieldCount")
    return records


def find_csv(text, separator, row, column):
    records = read_csv(text, separator)
    width = len(records[0]) if records else 0
    sought = [column] + ([row["column"]] if isinstance(row, dict) else [])
    has_header = any(isinstance(each, str) for each in sought)
    header = records[0] if records and has_header else []
    positions = []
    for each in sought:
        if isinstance(each, str) and header.count(each) > 1:
            raise Failure("Duplicate")
        if each not in (header if isinstance(each, str) else range(width)):
            raise Failure("NotFound")
        positions.append(header.index(each) if isinstance(each, str) else each)
    rows = records[1:] if has_header else records
    if row == "first":
        rows = rows[:1]
    elif row == "last":
        rows = rows[-1:]
    else:
        rows = [record for record in rows if record[positions[1]] == row["equals"]]
    if len(rows) != 1:
        raise Failure("Duplicate" if rows else "NotFound")
    return rows[0][positions[0]]


def compare_csv(text, separator):
    """Python's module reads the same fields; it accepts more."""
    try:
        ours = read_csv(text, separator)
    except Failure:
        return
    lines = io.StringIO(text, newline="")
    # An empty line has no field there, and one empty field here.
    theirs = [record or [""] for record in csv.reader(lines, delimiter=separator, strict=True)]
    assert ours == theirs, (text, ours, theirs)


# --- Values -----------------------------------------------------------------------------------


WRITTEN = re.compile(r"(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]{1,2}))?")
DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
SECOND = re.compile(DAY.pattern + r"T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")


def to_integer(text, decimals, least, greatest):
    if len(text.encode()) > MAX_NUMBER:
        raise Failure("TooLong")
    written = WRITTEN.fullmatch(text)
    if not written:
        raise Failure("NotANumber")
    sign, whole, fraction, exponent = written.groups(default="")
    value = Fraction(int(sign + whole + fraction), 10 ** len(fraction))
    value *= Fraction(10) ** (int(exponent or 0) + decimals)
    rounded = math.floor(value + Fraction(1, 2))
    if not max(least, -MAX_MAGNITUDE) <= rounded <= min(greatest, MAX_MAGNITUDE):
        raise Failure("OutOfRange")
    return rounded


def to_time(text, form):
    first = datetime.datetime(1970, 1, 1)
    end = (datetime.datetime(MAX_YEAR, 12, 31) - first).days * 86_400_000 + 86_399_999
    if form in ("unix-seconds", "unix-milliseconds"):
        return to_integer(text, 3 if form == "unix-seconds" else 0, 0, end)
    found = (DAY if form == "date" else SECOND).fullmatch(text)
    if not found:
        raise Failure("NotATime")
    year, *rest = (int(digits) for digits in found.groups())
    try:
        # A year like this one that Python has: it begins with year 1, and the calendar repeats.
        datetime.datetime(year + 400 if year < 400 else year, *rest)
    except ValueError:
        raise Failure("NotATime") from None
    if year < 1970:
        raise Failure("OutOfRange")
    return (datetime.datetime(year, *rest) - first) // datetime.timedelta(milliseconds=1)


def find(body, extract):
    if len(body) > MAX_BODY:
        raise Failure("TooLarge")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Failure("Encoding") from None
    if text.startswith("\ufeff"):
        raise Failure("Encoding")
    if "json" in extract:
        compare_json(text)
        return find_json(text, extract["json"])
    if "csv" in extract:
        compare_csv(text, extract["csv"]["separator"])
        return find_csv(text, **extract["csv"])
    return re.sub(r"\r?\n\Z", "", text)


# --- Written paths ----------------------------------------------------------------------------


SHORT_NAME = re.compile(r"[A-Za-z_\u0080-\U0010ffff][0-9A-Za-z_\u0080-\U0010ffff]*")
SEGMENT = re.compile(
    rf"\.(?P<short>{SHORT_NAME.pattern})"
    r"|\[(?P<index>0|-?[1-9][0-9]*)\]"
    r"|\['(?P<single>(?:[^'\\\x00-\x1f]|\\.)*)'\]"
    r'|\["(?P<double>(?:[^"\\\x00-\x1f]|\\.)*)"\]'
)


def read_path(written):
    """The steps of a written path, or None."""
    if not written.startswith("$"):
        return None
    steps, at = [], 1
    while at < len(written):
        found = SEGMENT.match(written, at)
        if not found:
            return None
        at = found.end()
        index = found["index"]
        if index:
            step = int(index)
            if not -(2**31) <= step < 2**31:
                return None
        elif found["short"]:
            step = found["short"]
        else:
            # As a string of JSON, in which only the double quote has to be escaped.
            raw = found["single"]
            if raw is None:
                raw = found["double"]
            else:
                pieces = re.findall(r"\\.|[^\\]", raw)
                if '\\"' in pieces:
                    return None
                special = {"\\'": "'", '"': '\\"'}
                raw = "".join(special.get(piece, piece) for piece in pieces)
            try:
                step = Parser(f'"{raw}"').document()
            except Failure:
                return None
        if isinstance(step, str) and len(step.encode()) > MAX_NAME:
            return None
        steps.append(step)
    return steps if len(steps) <= MAX_STEPS else None


def print_path(steps):
    printed = "$"
    for step in steps:
        if not isinstance(step, str):
            printed += f"[{step}]"
        elif SHORT_NAME.fullmatch(step):
            printed += f".{step}"
        else:
            inside = json.dumps(step, ensure_ascii=False)[1:-1].replace('\\"', '"')
            printed += "['" + inside.replace("'", "\\'") + "']"
    return printed


# --- Cases ------------------------------------------------------------------------------------


class Random:
    """A linear congruential generator modulo 2^64 (Knuth's constants), upper halves."""

    def __init__(self, seed):
        self.state = seed

    def below(self, bound):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 32) % bound

    def one(self, items):
        return items[self.below(len(items))]

    def text(self, items, longest):
        return "".join(self.one(items) for _ in range(self.below(longest + 1)))


WIDE = [-MAX_MAGNITUDE, MAX_MAGNITUDE]


def vector(name, extract, body, decimals=4, limits=None, time=None):
    """A case with what this implementation makes of it."""
    case = {"name": name, "extract": extract}
    if isinstance(body, str):
        case["body"] = body
        data = body.encode()
    elif isinstance(body, bytes):
        case["hex"] = body.hex()
        data = body
    else:
        case["repeated"] = body
        data = "".join(piece * count for piece, count in body).encode()
    least, greatest = limits or WIDE
    if time:
        case["time"] = time
    else:
        case |= {"decimals": decimals, "range": [least, greatest]}
    try:
        text = find(data, extract)
        case["value"] = to_time(text, time) if time else to_integer(text, decimals, least, greatest)
    except Failure as failure:
        case["failure"] = str(failure)
    return case


def at(*steps):
    return {"json": list(steps)}


def table(column, row="first", separator=","):
    return {"csv": {"separator": separator, "row": row, "column": column}}


def where(column, equals):
    return {"column": column, "equals": equals}


TEXT = {"text": True}


def json_cases():
    document = (
        '{"data": [{"pair": "EUR/CHF", "price": "1.20095", "at": 1421311800},\n'
        '\t{"pair": "EUR/USD", "price": 1.1779, "at": 1421311860}], "ok": true, "none": null,\r\n'
        ' "list": [[1, 2], [3, 4], []], "": -5, "a b": 6, "t\\u00fcr": 7, "\\ud83d\\ude00": 8}'
    )
    yield "a string", at("data", 0, "price"), document
    yield "a number", at("data", 1, "price"), document
    yield "a name with an escape", at("tür"), document
    yield "a name with a surrogate pair", at("😀"), document
    yield "the empty name", at(""), document
    yield "a name with a space", at("a b"), document
    yield "the last element", at("data", -1, "at"), document
    yield "the first element from the end", at("data", -2, "at"), document
    yield "elements within elements", at("list", 1, 0), document
    yield "an element behind the end", at("data", 2), document
    yield "an element before the beginning", at("data", -3), document
    yield "an element of an empty array", at("list", 2, 0), document
    yield "the last element of an empty array", at("list", 2, -1), document
    yield "the largest index", at("data", 2**31 - 1), document
    yield "the smallest index", at("data", -(2**31)), document
    yield "a member that is not there", at("data", 0, "volume"), document
    yield "a member of an array", at("data", "price"), document
    yield "an element of an object", at(0), document
    yield "a member of a string", at("data", 0, "pair", "x"), document
    yield "an element of null", at("none", 0), document
    yield "a string that is no number", at("data", 0, "pair"), document
    yield "true", at("ok"), document
    yield "null", at("none"), document
    yield "an array", at("data"), document
    yield "an object", at("data", 0), document
    yield "names are not normalised", at("u\u0308"), '{"\u00fc": 1}'
    yield "names are compared with case", at("Price"), '{"price": 1}'
    yield "a name that is the beginning of another", at("price"), '{"price_usd": 1, "price": 2}'
    yield "eight steps", at(*"abcdefgh"), '{"a":{"b":{"c":{"d":{"e":{"f":{"g":{"h":9}}}}}}}}'

    for name, body in {
        "a number alone": "12.5",
        "a string alone": '"12.5"',
        "space around": " \t\r\n12.5\n",
        "no body": "",
        "space only": " \n",
        "minus zero": "-0",
        "minus zero with decimals": "-0.00",
        "a leading zero": "01",
        "a leading zero behind a minus": "-01",
        "a leading zero in a string": '"01"',
        "a plus": "+1",
        "a plus in a string": '"+1"',
        "a minus alone": "-",
        "two minus": "--1",
        "a point at the end": "1.",
        "a point at the end before a space": "1. ",
        "a point at the beginning": ".5",
        "a point at the beginning in a string": '".5"',
        "a point at the end in a string": '"5."',
        "an exponent without digits": "1e",
        "an exponent with only a sign": "1e+",
        "an exponent with only a sign in a string": '"1e-"',
        "a point in an exponent": "1e1.5",
        "two points": "1.2.3",
        "hexadecimal": "0x10",
        "an underscore": '"1_000"',
        "a separator of thousands": '"1,000"',
        "an apostrophe": '"1\'000"',
        "a unit": '"12 %"',
        "a space in the string before": '" 12"',
        "a space in the string behind": '"12 "',
        "a line end in the string": '"12\\n"',
        "an empty string": '""',
        "other digits": '"\u0661\u0662"',
        "full-width digits": '"\uff11\uff12"',
        "other digits as a number": "\u0661",
        "the minus sign of typography": '"\u22121"',
        "NaN": "NaN",
        "NaN in a string": '"NaN"',
        "minus infinity": "-Infinity",
        "infinity in a string": '"Infinity"',
        "a digit as an escape": '"\\u0031\\u002e5"',
        "NUL in a string": '"1\\u0000"',
        "a single quote": "'1'",
        "true in capitals": "TRUE",
        "a word cut": "nul",
        "a word misspelled": "trua",
        "a word too long": "nulls",
        "two values": "1 2",
        "two arrays": "[1][2]",
        "a form feed": "\f1",
        "a no-break space": "\u00a01",
        "a byte-order mark": "\ufeff1",
        "a byte-order mark behind": "1\ufeff",
    }.items():
        yield name, at(), body

    for name, inside in {
        "a comma behind the last element": "[1,]",
        "a comma before the first element": "[,1]",
        "two commas": "[1,,2]",
        "no comma": "[1 2]",
        "a colon in an array": "[1:2]",
        "a comma behind the last member": '{"b":1,}',
        "a comma before the first member": '{,"b":1}',
        "a comma for a colon": '{"b",1}',
        "no colon": '{"b" 1}',
        "two colons": '{"b"::1}',
        "no value": '{"b":}',
        "a name without quotes": "{b:1}",
        "a name in single quotes": "{'b':1}",
        "a number as a name": "{1:1}",
        "the wrong bracket behind an array": "[1}",
        "the wrong bracket behind an object": '{"b":1]',
        "a comment of a line": "1 // one\n",
        "a comment in a line": "/* one */ 1",
        "a comment with a hash": "1 # one\n",
        "NaN elsewhere": "NaN",
        "infinity elsewhere": "Infinity",
        "a leading zero elsewhere": "-00",
        "a plus in front of an exponent": "1E+400",
        "a number without end": "9" * 200,
        "a number with a large exponent": "-1.5e-99999",
        "a line end in a string": '"\n"',
        "a tab in a string": '"\t"',
        "the last control character in a string": '"\x1f"',
        "NUL in a string as it is": '"\0"',
        "an escaped line end": '"\\\n"',
        "DEL in a string": '"\x7f"',
        "an escape that does not exist": '"\\a"',
        "an escape of a single quote": '"\\\'"',
        "an escape with a capital": '"\\N"',
        "an escape of two digits": '"\\x41"',
        "an escape with a letter beyond F": '"\\u00g0"',
        "an escape with three digits": '"\\u123"',
        "an escape with a sign": '"\\u+123"',
        "all escapes": '"\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uAbCd"',
        "a surrogate pair": '"\\ud834\\udd1e\\uDBFF\\uDFFF"',
        "a high surrogate alone": '"\\ud800"',
        "a high surrogate before a letter": '"\\ud800x"',
        "a high surrogate before another escape": '"\\ud800\\n"',
        "a high surrogate before a wrong escape": '"\\ud800\\a"',
        "a high surrogate before wrong digits": '"\\ud800\\udc0x"',
        "a high surrogate before a high one": '"\\ud800\\ud800"',
        "a high surrogate before no surrogate": '"\\udbff\\u0041"',
        "a low surrogate alone": '"\\udc00"',
        "a surrogate pair the other way round": '"\\udc00\\ud800"',
        "the last code point before the surrogates": '"\\ud7ff"',
        "noncharacters": '"\\uffff\\ufdd0"',
        "a byte-order mark in a string": '"\ufeff"',
        "a separator of lines in a string": '"\u2028"',
        "empty array and object": "[{}, [], {}]",
        "space everywhere": ' [ 1 , { "b" : 2 } ] ',
    }.items():
        yield f"elsewhere: {name}", at("a"), f'{{"b": {inside}, "a": 3}}'

    deep = "[" * (MAX_DEPTH - 1), "]" * (MAX_DEPTH - 1)
    yield "depth of 64", at("a"), '{"a":1,"b":' + "".join(deep) + "}"
    yield "depth of 65", at("a"), '{"a":1,"b":[' + "".join(deep) + "]}"
    yield "depth of 65 in objects", at("a"), '{"a":' * 65 + "1" + "}" * 65
    yield "depth before an end", at(), "[" * 65
    yield "an end within the depth", at(), "[" * 64
    yield "a wrong byte before the depth", at(), "[" * 64 + "?["
    yield "depth in turns", at(), '[{"":' * 32 + "1" + "}]" * 32
    yield "a hundred thousand brackets", at(), [["[", 100_000]]
    yield "a hundred thousand brackets in a string", at(0), [['["', 1], ["[", 99_999], ['"]', 1]]

    twice = '{"a": 1, "a": 1}'
    yield "a name twice", at("a"), twice
    yield "a name twice in another object", at("b"), f'{{"a": {twice}, "b": 2}}'
    yield "a name twice in an element that is passed", at("a", 1), f'{{"a": [{twice}, 2]}}'
    yield "another name twice", at("b"), '{"a": 1, "a": 1, "b": 2}'
    yield "a name twice, another sought", at("c"), twice
    yield "a name twice, first as an escape", at("a"), '{"\\u0061": 1, "b": 2, "a": 3}'
    yield "a name twice, both as escapes", at("x"), '{"\\u0061": 1, "b": 2, "\\u0061": 3, "x": 1}'
    yield "a name twice at the second step", at("b", "a"), f'{{"b": {twice}}}'
    yield "a name twice behind the path's end", at("b"), f'{{"b": {twice}}}'
    yield "a name twice, the first a string", at("a", "b"), '{"a": "x", "a": {"b": 1}}'
    yield "the empty name twice", at("a"), '{"": 1, "a": 2, "": 3}'
    yield "names of two forms of one letter", at("a"), '{"\u00fc": 1, "u\u0308": 2, "a": 3}'
    yield "names of two cases", at("a"), '{"A": 1, "a": 2}'
    yield "a name twice and a wrong byte", at("a"), twice[:-1] + ",}"

    whole = '{"a": [1.5e+2, "b\\u00e9\\ud834\\udd1e"], "c": {"d": false}}'
    for length in range(1, len(whole)):
        yield f"cut after {length} bytes", at("c", "d"), whole[:length]

    for name, body in {
        "a byte that is no UTF-8": b'{"a": 1, "b": "\xff"}',
        "a character cut": b'{"a": 1, "b": "\xc3"}',
        "a character written too long": b'{"a": 1, "b": "\xc0\xaf"}',
        "a surrogate as UTF-8": b'{"a": 1, "b": "\xed\xa0\x80"}',
        "a code point beyond the last": b'{"a": 1, "b": "\xf4\x90\x80\x80"}',
        "UTF-16": '{"a": 1}'.encode("utf-16-le"),
        "UTF-16 with a mark": '{"a": 1}'.encode("utf-16"),
        "Latin-1": '{"a": 1, "b": "\u00fc"}'.encode("latin-1"),
        "no UTF-8 behind a wrong byte": b'{"a": 1,, "b": "\xff"}',
        "a byte-order mark in front of a document": b'\xef\xbb\xbf{"a": 1}',
        "half a byte-order mark": b'\xef\xbb{"a": 1}',
        "NUL behind a document": b'{"a": 1}\0',
    }.items():
        yield name, at("a"), body

    yield "a body of the largest size", at("a"), [['{"a":7}', 1], [" ", MAX_BODY - 7]]
    yield "a body one byte too large", at("a"), [['{"a":7}', 1], [" ", MAX_BODY - 6]]
    yield "a body too large and wrong", at("a"), [["\xff", MAX_BODY // 2 + 1]]
    yield "a page of HTML", at("a"), "<!DOCTYPE html><title>502 Bad Gateway</title>\n"
    yield "lines of JSON", at("a"), '{"a": 1}\n{"a": 2}\n'


def number_cases():
    half = "0." + "0" * 40
    for text, decimals in [
        ("0", 0), ("-0", 12), ("0.5", 0), ("-0.5", 0), ("1.5", 0), ("-1.5", 0), ("2.5", 0),
        ("-2.5", 0), ("0.4999999999999999999", 0), ("-0.4999999999999999999", 0),
        ("-0.5000000000000000001", 0), ("-0.50100", 0), ("-1.5000", 0),
        ("0.05", 1), ("0.15", 1), ("-0.15", 1), ("-0.25", 1),
        ("1.005", 2), ("-1.005", 2), ("1.00500", 2), ("-1.005000001", 2), ("99.995", 2),
        ("0.999999", 0), ("-0.999999", 3), ("0.000000000001", 12), ("0.0000000000005", 12),
        ("-0.0000000000005", 12), ("0.00000000000049", 12), ("-0.00000000000051", 12),
        (half + "5", 12), ("-" + half + "5", 12), (half + "5e41", 0), ("5e-1", 0), ("-5e-1", 0),
        ("4e-1", 0), ("49e-2", 0), ("50e-2", 0), ("-50e-2", 0), ("-51e-2", 0), ("5e-2", 0),
        ("1e-99", 12), ("9e-99", 12), ("-1e-99", 12), ("9.9E+00", 0), ("1e0", 3), ("1e01", 3),
        ("1e-00", 0), ("12e3", 2), ("12E+3", 2), ("0e99", 12), ("0.0e99", 12), ("-0e99", 12),
        ("1e99", 0), ("1e15", 0), ("1e16", 0), ("9007199254740991", 0), ("9007199254740992", 0),
        ("-9007199254740991", 0), ("-9007199254740992", 0), ("9007199254740991.4", 0),
        ("9007199254740991.5", 0), ("-9007199254740991.5", 0), ("-9007199254740991.6", 0),
        ("9007.199254740991", 12), ("9007.1992547409915", 12), ("9223372036854775807", 0),
        ("9223372036854775808", 0), ("18446744073709551616", 0), ("1" + "0" * 63, 0),
        ("1" + "0" * 64, 0), ("0." + "1" * 62, 4), ("0." + "1" * 63, 4), ("1" * 60 + "e-58", 0),
        ("1" * 60 + "e-60", 12), ("1e100", 0), ("1e-100", 0), ("1e999", 0), ("1e001", 0),
        ("1e+", 0), ("1e 1", 0), ("1 e1", 0), ("--1", 0), ("-", 0), ("", 0), (".", 0), ("00", 0),
        ("1.", 0), ("1.e1", 0), ("1e1e1", 0), ("1d1", 0), ("0b1", 0), ("1/2", 0), ("(1)", 0),
        ("$1", 0), ("1-", 0), ("1\0", 0), ("\u0967", 0), ("1\u0660", 0), ("1\u00b2", 0),
        ("\u00bd", 0), ("1" + "\u0660" * 32, 0), ("x" * 65, 0), ("inf", 0), ("nan", 0),
    ]:  # fmt: skip
        yield f"number {text} with {decimals} decimals", TEXT, text, decimals, WIDE
    for text, decimals, limits in [
        ("10", 0, [0, 10]), ("10.4", 0, [0, 10]), ("10.5", 0, [0, 10]), ("-0.5", 0, [0, 10]),
        ("-0.6", 0, [0, 10]), ("0", 0, [1, 10]), ("0.5", 0, [1, 10]), ("5", 0, [5, 5]),
        ("-5", 0, [-5, -5]), ("-5.5", 0, [-5, -5]), ("-5.51", 0, [-5, -5]),
        ("1.2", 4, [11_999, 12_000]), ("1.20005", 4, [11_999, 12_000]), ("1e30", 4, [0, 1]),
        ("-1e30", 4, [0, 1]),
    ]:  # fmt: skip
        yield f"number {text} with {decimals} decimals of {limits}", TEXT, text, decimals, limits


def time_cases():
    for text in [
        "0", "1", "1421311800", "1421311800.123", "1421311800.0005", "1421311800.00049", "-0.0004",
        "-0.0005", "-0.0006", "-1", "253402300799", "253402300799.9994", "253402300799.9995",
        "253402300800", "1421311800000", "1.4213118e9", "2015-01-15", "0x10", "", "1" * 65,
    ]:  # fmt: skip
        yield f"seconds {text}", TEXT, text, "unix-seconds"
    for text in [
        "0", "1421311800000", "1421311800000.5", "1421311800000.4", "-0.5", "-0.51",
        "253402300799999", "253402300799999.5", "253402300800000", "1421311800", "1e13",
    ]:  # fmt: skip
        yield f"milliseconds {text}", TEXT, text, "unix-milliseconds"
    for text in [
        "1970-01-01", "1969-12-31", "1970-01-02", "2014-11-01", "2000-02-29", "2000-02-30",
        "1900-02-29", "2100-02-29", "2100-03-01", "2024-02-29", "2023-02-29", "2024-12-31",
        "2400-02-29", "9999-12-31", "0000-02-29", "0000-01-01", "0001-01-01", "0100-02-29",
        "2014-00-10", "2014-13-10", "2014-01-00", "2014-01-32", "2014-04-31", "2014-1-1",
        "2014-01-1", "14-01-01", "20140101", "2014/01/01", "01-01-2014", "+2014-01-01",
        "-2014-01-01", "2014-01-01 ", " 2014-01-01", "2014-01-01Z", "2014-01-01T00:00:00Z", "",
        "2014-W01-1", "2014-001", "\u0662014-01-01", "2014-01-0\u0661", "2014\u201301\u201301",
        "10000-01-01", "2014-01-01\0",
    ]:  # fmt: skip
        yield f"day {text}", TEXT, text, "date"
    for text in [
        "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2014-11-01T12:34:56Z",
        "2016-12-31T23:59:59Z", "2016-12-31T23:59:60Z", "2016-12-31T23:60:00Z",
        "2016-12-31T24:00:00Z", "9999-12-31T23:59:59Z", "2000-02-29T23:59:59Z",
        "2014-11-01t12:34:56Z", "2014-11-01T12:34:56z", "2014-11-01 12:34:56Z",
        "2014-11-01T12:34:56", "2014-11-01T12:34Z", "2014-11-01T12:34:56.0Z",
        "2014-11-01T12:34:56+00:00", "2014-11-01T12:34:56+01:00", "2014-11-01T12:34:56-00:00",
        "2014-11-01T12:34:56+0", "2014-11-01T12-34-56Z", "20141101T123456Z", "2014-11-01",
        "2014-11-01T1:34:56ZZ", "2014-11-01T-1:34:56Z", "2014-11-31T00:00:00Z",
        "0000-01-01T00:00:00Z", "Sat, 01 Nov 2014 00:00:00 GMT", "1414800000",
    ]:  # fmt: skip
        yield f"second {text}", TEXT, text, "date-time"


def csv_cases():
    rates = 'day,rate,note\r\n2015-01-14,1.2010,\r\n2015-01-15,1.0280,"the ""floor"" ends"\r\n'
    yield "the first row", table("rate"), rates
    yield "the last row", table("rate", "last"), rates
    yield "a row by day", table("rate", where("day", "2015-01-14")), rates
    yield "a row by day, columns by index", table(1, where(0, "2015-01-15")), rates
    yield "the row by index, the column by name", table("rate", where(0, "2015-01-15")), rates
    yield "the column by index, the row by name", table(1, where("day", "2015-01-15")), rates
    yield "a row by a text with quotes", table("rate", where("note", 'the "floor" ends')), rates
    yield "a row by the text as written", table("rate", where("note", 'the ""floor"" ends')), rates
    yield "a row by an empty text", table("rate", where("note", "")), rates
    yield "a row by a day that is not there", table("rate", where("day", "2015-01-16")), rates
    yield "a row by the header's text", table("rate", where("day", "day")), rates
    yield "the header as a row by index", table(1, where(0, "day")), rates
    yield "the header as the first row", table(1), rates
    yield "the last row by index", table(1, "last"), rates
    yield "a column that is not there", table("price"), rates
    yield "a column in other case", table("Rate"), rates
    yield "an index behind the last column", table(3), rates
    yield "the largest index of a column", table(65_535), rates
    yield "the row's column is not there", table("rate", where("date", "2015-01-14")), rates
    yield "the row's index is not there", table("rate", where(3, "2015-01-14")), rates
    yield "neither column is there", table("x", where("y", "2015-01-14")), rates
    yield "line feeds alone", table("rate", "last"), rates.replace("\r\n", "\n")
    yield "line ends of both kinds", table("rate", "last"), rates.replace("\r\n", "\n", 1)
    yield "carriage returns alone", table("rate", "last"), rates.replace("\r\n", "\r")
    yield "no line end behind the last row", table("rate", "last"), rates[:-2]
    yield "a carriage return at the end", table("rate", "last"), rates[:-1]
    yield "cut within quotes", table("rate", "last"), rates[:-3]
    yield "cut before the quotes", table("rate", "last"), rates[: rates.index('"') - 1]
    yield "cut within a number", table("rate", "last"), rates[: rates.index("280")]
    yield "a header alone", table("rate"), rates[: rates.index("2015")]
    yield "a header alone, last row", table("rate", "last"), rates[: rates.index("2015")]
    yield "no body of CSV", table("rate"), ""
    yield "no body of CSV, by index", table(0), ""
    yield "an empty line at the end", table("rate", "last"), rates + "\r\n"
    yield "a line in front", table("rate"), "Rates of the day\r\n" + rates
    yield "a byte-order mark before the header", table("day"), "\ufeff" + rates
    yield "the wrong separator", table("rate"), rates.replace(",", ";")
    for separator in ";\t|":
        body = rates.replace(",", separator)
        yield f"separator {separator!r}", table("rate", "last", separator), body
        fields = f'"a{separator}b"{separator}c\n1{separator}2\n'
        yield f"separator {separator!r} in quotes", table("c", "first", separator), fields

    for name, body in {
        "one column": "x\n5\n",
        "one column with empty lines": "x\n\n5\n\n",
        "an empty field": "y,x\n1,\n",
        "only separators": "y,x\n,\n",
        "a quoted header": '"y","x"\n1,2\n',
        "a quoted number": 'y,x\n"1","2.5"\n',
        "an empty quoted field": 'y,x\n1,""\n',
        "a line end in quotes": 'y,x\n"1\r\n2\n3\r4",5\n',
        "a separator in quotes": 'y,x\n"1,2",5\n',
        "quotes in quotes": 'y,x\n"""1""",5\n',
        "only quotes in quotes": 'y,x\n"""",5\n',
        "three quotes": 'y,x\n""",5\n',
        "a quote within a field": 'y,x\n1"2,5\n',
        "a quote at the end of a field": 'y,x\n12",5\n',
        "text behind quotes": 'y,x\n"1"2,5\n',
        "a space behind quotes": 'y,x\n"1" ,5\n',
        "a space before quotes": 'y,x\n "1",5\n',
        "a carriage return behind quotes": 'y,x\n"1"\r,5\n',
        "a carriage return in a field": "y,x\n1\r2,5\n",
        "a tab in a field": "y,x\n1\t2,5\n",
        "a tab in quotes": 'y,x\n"1\t2",5\n',
        "NUL in a field": "y,x\n1\x002,5\n",
        "NUL in quotes that do not end": 'y,x\n"1\x00',
        "DEL in a field": "y,x\n1\x7f2,5\n",
        "other scripts": "y,x\n\u00fc\u4e2d\U0001f600\u2028,5\n",
        "spaces around a name": "y, x\n1,5\n",
        "spaces around a number": "y,x\n1, 5\n",
        "a comma in a number": 'y,x\n1,"5,5"\n',
        "too few fields": "y,x\n1\n",
        "too many fields": "y,x\n1,5,6\n",
        "too few fields in a later row": "y,x\n1,5\n1\n",
        "a separator at the end": "y,x,\n1,5,\n",
        "a separator at the end of the header": "y,x,\n1,5\n",
        "the column twice": "x,x\n1,5\n",
        "the column twice, once in quotes": 'x,"x"\n1,5\n',
        "another column twice": "y,y,x\n1,2,5\n",
        "columns without names": ",,x\n1,2,5\n",
        "a wrong byte in a later row": 'y,x\n1,5\n1,"5"6\n',
        "a number of fields before a wrong byte": 'y,x\n1\n"1"2\n',
        "a wrong byte before a number of fields": 'y,x\n"1"2\n1\n',
        "quotes that do not end in a later row": 'y,x\n1,5\n1,"5\n',
        "a quote as the last byte": 'y,x\n1,"',
        "JSON": '{"x": 5}',
    }.items():
        yield f"CSV: {name}", table("x"), body

    twice = "y,x\n1,5\n2,6\n1,7\n"
    yield "two rows with the text", table("x", where("y", "1")), twice
    yield "another row with the text", table("x", where("y", "2")), twice
    yield "the same column for row and value", table("y", where("y", "2")), twice
    yield "a row by a column that is twice", table("x", where("y", "1")), "y,y,x\n1,2,5\n"
    yield "not there before twice", table("z", where("y", "1")), "y,y,x\n1,2,5\n"
    yield "twice before not there", table("y", where("z", "1")), "y,y,x\n1,2,5\n"
    yield "a number of fields behind the row", table("x"), "y,x\n1,5\n1\n"
    yield "a byte that is no UTF-8 in CSV", table("x"), b"y,x\n\xff,5\n"
    yield "a long table", table("x", where("y", "2")), [["y,x\n", 1], ["1,5\n", 50_000], ["2,6", 1]]
    yield "a long table with two", table("x", where("y", "2")), [["y,x\n", 1], ["2,5\n", 50_000]]


def text_cases():
    for name, body in {
        "a number": "840000",
        "a line feed behind": "840000\n",
        "a carriage return and a line feed behind": "840000\r\n",
        "a carriage return behind": "840000\r",
        "two line feeds behind": "840000\n\n",
        "a line feed in front": "\n840000",
        "a space behind": "840000 ",
        "a line end alone": "\n",
        "nothing": "",
        "two lines": "1\n2",
        "a byte-order mark": "\ufeff1",
        "quotes": '"1"',
    }.items():
        yield f"text: {name}", TEXT, body
    yield "text: a byte that is no UTF-8", TEXT, b"1\xff"
    yield "text: a body of the largest size", TEXT, [["1", MAX_BODY]]
    yield "text: a body one byte too large", TEXT, [["1", MAX_BODY + 1]]


def random_value(random, depth):
    """A value of JSON, written in one of many ways, and a path to something in it."""
    space = random.text([" ", "\n", "\t", "\r\n"], 1)
    kind = random.below(7 if depth < 4 else 4)
    if kind < 2:
        number = random.one(["", "-"]) + random.one(["0", "7", "10", "120095", "9" * 18])
        number += random.one(["", "", ".5", ".0049", ".49999999999999999999"])
        number += random.one(["", "", "", "e0", "E-3", "e+2", "e-12"])
        return space + (f'"{number}"' if kind else number), []
    if kind == 2:
        pieces = ["a", "1", "\\u0031", "\\n", "\\\\", '\\"', "\u00e9", "\\ud83d\\ude00", ".5", "/"]
        return f'{space}"{random.text(pieces, 4)}"', []
    if kind == 3:
        return space + random.one(["true", "false", "null", "[]", "{}", "[ ]", "{ }"]), []
    written, paths = [], []
    names = ["a", "b", "\\u0061", "ab", "", "\\u00e9", "\u00e9", "1", "\\ud83d\\ude00"]
    for index in range(1 + random.below(4)):
        text, path = random_value(random, depth + 1)
        step = index
        if kind >= 6:
            name = random.one(names) if random.below(3) else f"m{index}"
            step = json.loads(f'"{name}"')
            text = f'{space}"{name}"{random.text(" ", 1)}:{text}'
        written.append(text + random.text([" ", "\n"], 1))
        paths.append([step, *path])
    path = random.one(paths)
    if kind < 6 and random.below(2):
        path = [path[0] - len(paths), *path[1:]]
    ends = "{}" if kind >= 6 else "[]"
    return space + ends[0] + ",".join(written) + random.text(" ", 1) + ends[1], path


def damaged(random, text, letters):
    """The text with a letter more, less, other or twice, or cut."""
    where_ = random.below(len(text) + 1)
    kind = random.below(5)
    inserted = random.one(letters)
    if kind == 0:
        return text[:where_] + inserted + text[where_:]
    if kind == 1:
        return text[:where_] + text[where_ + 1 :]
    if kind == 2:
        return text[:where_] + inserted + text[where_ + 1 :]
    if kind == 3:
        return text[:where_] + text[where_ : where_ + 1] + text[where_:]
    return text[:where_]


def random_cases():
    random = Random(1)
    for number in range(300):
        text, path = random_value(random, 0)
        if number % 2:
            text = damaged(random, text, '{}[],:"\\01.-eEtu \n\t\0\x7fN\u00e9')
        yield f"random JSON {number}", at(*path[:MAX_STEPS]), text
    for number in range(100):
        width, separator = 1 + random.below(3), random.one(",;\t|")
        fields = ["1", "2", "3.5", "-1", "", '"4"', '"a""b"', f'"1{separator}2"', '"\r\n"', "x"]
        header = random.text("abc", width) if number % 5 == 4 else "abc"
        lines = [separator.join(header.ljust(width, "b")[:width])]
        for _ in range(1 + random.below(4)):
            lines.append(separator.join(random.one(fields) for _ in range(width)))
        text = random.one(["\n", "\r\n"]).join(lines) + random.one(["", "\n", "\r\n"])
        if number % 2:
            text = damaged(random, text, f'"{separator}\r\n\t1a ')
        columns = ["a", "a", "b", 0, 0, 1]
        row = random.one(["first", "last", where(random.one(columns), random.one("12x"))])
        yield f"random CSV {number}", table(random.one(columns), row, separator), text
    for number in range(200):
        text = random.text("00112344559999.-", 9) + random.text(["e", "E", "e-", "e+", "."], 1)
        yield f"random number {number}", TEXT, text + random.text("0123", 3), random.below(13), WIDE
    for number in range(100):
        text = str(random.below(2**31) * 10 ** random.below(30))
        point = random.below(len(text) + 1)
        text = random.one(["", "-"]) + (text[:point] or "0") + "." + (text[point:] or "0")
        text += random.text([f"e{random.below(40) - 20}"], 1)
        yield f"random decimal {number}", TEXT, text, random.below(13), WIDE


def path_cases():
    long = "n" * MAX_NAME
    yield from [
        "$", "$.a", "$.data[0]['price']", "$['data'][0][\"price\"]", "$[0]", "$[-1]", "$[10]",
        "$[2147483647]", "$[2147483648]", "$[-2147483648]", "$[-2147483649]", "$[" + "9" * 40 + "]",
        "$[00]", "$[01]", "$[-0]", "$[-01]", "$[+1]", "$[ 1]", "$[1 ]", "$[1.0]", "$[1e1]", "$[]",
        "$[-]", "$[a]", "$[\u0661]", "", " $", "$ ", "a", ".a", "@.a", "$a", "$$", "$.", "$..a",
        "$.a.", "$.a..b", "$.*", "$[*]", "$[?@.a]", "$[0:1]", "$[0,1]", "$['a','b']", "$.a b",
        "$. a", "$ .a", "$.a [0]", "$.1", "$.a1", "$._", "$.a-b", "$['a-b']", "$['1']", "$['']",
        "$[\"\"]", "$['a", "$['a'", "$['a\"]", "$[\"a']", "$['a']]", "$[[0]]", "$['a']b",
        "$.\u00fc", "$.t\u00fcr.\U0001f600", "$['\u00fc']", "$['t\\u00fcr']", "$['\\ud83d\\ude00']",
        "$['\\ud83d']", "$['\\ude00']", "$['\\ud83dx']", "$['\\ud83d\\u0041']", "$['it\\'s']",
        "$[\"it's\"]", "$[\"it\\'s\"]", "$['say \"x\"']", "$['say \\\"x\\\"']",
        "$[\"say \\\"x\\\"\"]", "$['\\\\']", "$['\\/']", "$['/']", "$['\\b\\f\\n\\r\\t']",
        "$['\\u0000\\u001f\\u007f']", "$['\x7f']", "$['\t']", "$['\n']", "$['\\x41']", "$['\\a']",
        "$['\\u12']", "$['\\u123", "$['\\", "$['\\'", "$['a']['b'].c[1][2]['d e']", "$.true.null",
        f"$.{long}", f"$.{long}n", f"$['{long}']", f"$['{long}n']", "$." + "\u00fc" * 64,
        "$." + "\u00fc" * 65, "$['" + "\\u00fc" * 64 + "']", "$" + ".a" * 8, "$" + ".a" * 9,
        "$" + "[0]" * 8, "$" + "[0]" * 9, "$['\\u0061']", "$['\\u000A']", "$.a\\u0062", "$.a\0",
        "$['a\0']", "$.a\u2028b", "$['$']", "$['a.b']", "$['[0]']", "$['\\u200d']",
    ]  # fmt: skip
    random = Random(2)
    pieces = [".a", ".b1", "['b']", '["\'"]', "[0]", "[-1]", "['\\u0041']", ".\u00e9", "['\\\\']"]
    for number in range(150):
        written = "$" + random.text(pieces, 6)
        yield damaged(random, written, "$.[]'\"\\a01-\u00e9 ") if number % 2 else written


def cases():
    for make in (json_cases, csv_cases, text_cases):
        yield from (vector(*case) for case in make())
    yield from (vector(*case) for case in number_cases())
    yield from (vector(*case[:3], time=case[3]) for case in time_cases())
    times = (
        '{"s": 1421311800, "ms": "1421311800000", "day": "2015-01-15", "n": null, "i": 20150115}'
    )
    for name, form in [("s", "unix-seconds"), ("ms", "unix-milliseconds"), ("day", "date"),
                       ("n", "date"), ("i", "date"), ("day", "unix-seconds"), ("x", "date"),
                       ("ms", "unix-seconds"), ("s", "date-time")]:  # fmt: skip
        yield vector(f"{name} as {form}", at(name), times, time=form)
    yield from (vector(*case) for case in random_cases())


def path_vector(written):
    steps = read_path(written)
    if steps is None:
        return {"path": written, "steps": None}
    printed = print_path(steps)
    assert read_path(printed) == steps, written
    return {"path": written, "steps": steps, "printed": printed}


def lines(items):
    return ",\n".join(json.dumps(item) for item in items)


def main():
    found = list(cases())
    names = [case["name"] for case in found]
    assert len(set(names)) == len(names), "two cases have the same name"
    paths = [path_vector(written) for written in dict.fromkeys(path_cases())]
    sys.stdout.write(f'{{"cases": [\n{lines(found)}\n], "paths": [\n{lines(paths)}\n]}}\n')


if __name__ == "__main__":
    main()
