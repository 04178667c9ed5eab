#!/usr/bin/env python3
"""Checks docs/glossary.md against the Rust code. Needs Python 3.11 and nothing else.

    scripts/check-glossary.py

- Each path such as `assay_graph::merkle::Opening` leads to an item of that crate: its modules are
  files or `mod`s, its last name is a `pub` item, a variant, a method or a field of a public type.
- Each path such as `pallets/inference/src/offchain.rs` is a file.
- Each name that two library crates of the workspace define as a `pub struct`, `enum`, `trait`,
  `union` or `type` is in the table of the last section, and each type name there is still
  defined twice.

Tests, mocks and benchmarks are not searched. The search is by text, without a compiler: it does not
know whether a module is private, nor what macros expand to. Prints each fault as `FILE:LINE: what
is wrong; remedy`, and exits with 1 if there is any.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GLOSSARY = "docs/glossary.md"

CODE = re.compile(r"`([^`\n]+)`")
RUST_PATH = re.compile(r"\w+(?:::\w+)+")
FILE_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+\.rs")
TYPE = re.compile(r"^[ \t]*pub (?:unsafe )?(?:struct|enum|trait|union|type) (\w+)", re.M)
# Of a trait that macros such as `decl_runtime_apis!` take, too.
ITEM = r"\bpub (?:const |unsafe |async )*(?:struct|enum|trait|union|type|fn|const|static|mod) {}\b"
EXPORT = re.compile(r"^[ \t]*pub use ([^;]+);", re.M)
# `id!(ModelId(u32));`, with its documentation.
MACRO = re.compile(r"^\w+! ?[({]\n(?:.*\n)*?^[)}];?$", re.M)
# What is compiled for tests and benchmarks only: crates, files, modules within a file, types.
TEST_CRATES = {"assay_pallet_testing"}
EXCLUDED = {"benchmarking", "mock", "tests"}
TEST_MODULE = re.compile(r"^#\[cfg\(test\)\]\n(?:pub )?mod \w+ \{\n(?:.*\n)*?^\}$", re.M)
TEST_TYPE = re.compile(
    r"(#\[cfg\([^\n]*(?:\btest\b|runtime-benchmarks)[^\n]*\]\n(?:[ \t]*#\[[^\n]*\n)*[ \t]*)pub "
)
COMMENT = re.compile(r"^[ \t]*//.*\n", re.M)
IMPL = r"\bimpl\b[^;{{]*\b{}\b[^;{{]*\{{"
HEAD = r"\b(?:struct|enum|trait|union) {}\b[^;{{]*\{{"


class Crate:
    """The text of a crate's source."""

    def __init__(self, folder):
        self.folder = folder
        self.files = {}
        for file in sorted((folder / "src").rglob("*.rs")):
            parts = file.relative_to(folder / "src").with_suffix("").parts
            if not EXCLUDED.intersection(parts):
                text = COMMENT.sub("", file.read_text(encoding="utf-8"))
                self.files[file] = TEST_TYPE.sub(r"\1", TEST_MODULE.sub("", text))
        self.text = "\n".join(self.files.values())
        self.exported = {
            name for use in EXPORT.findall(self.text) for name in re.findall(r"\w+", use)
        }
        self.modules = {
            part
            for file in self.files
            for part in file.relative_to(folder / "src").with_suffix("").parts
        } | set(re.findall(r"\bmod (\w+)", self.text))

    def types(self):
        """The names of its public types, each with the file that defines it."""
        found = {}
        for file, text in self.files.items():
            for name in TYPE.findall(text):
                found.setdefault(name, file.relative_to(ROOT))
        return found

    def has(self, path):
        """Whether the crate has an item of this path, which begins below the crate's name."""
        *modules, name = path
        if modules and modules[-1][0].isupper():
            owner = modules.pop()
            if not self.has_item(owner) or not self.has_member(owner, name):
                return False
        elif not self.has_item(name) and name not in self.modules:
            return False
        return all(module in self.modules for module in modules)

    def has_item(self, name):
        made = (re.search(rf"^[ \t]+{name}\b", macro, re.M) for macro in MACRO.findall(self.text))
        return (
            re.search(ITEM.format(name), self.text) is not None
            or name in self.exported
            or any(made)
        )

    def has_member(self, owner, name):
        """Whether a type has a variant, a field or a method of this name."""
        for head in re.finditer(IMPL.format(owner), self.text):
            if re.search(rf"\bfn {name}\b", block(self.text, head.end())):
                return True
        head = re.search(HEAD.format(owner), self.text)
        return head is not None and re.search(
            rf"^[ \t]*(?:pub )?(?:fn )?{name}\b", block(self.text, head.end()), re.M
        )


def block(text, start):
    """The text from `start` to the brace that closes it."""
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            return text[start:at]
    return text[start:]


def library_crates():
    """The crates of the workspace that others can link, by the name that Rust code uses."""
    workspace = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]
    crates = {}
    for member in workspace["members"]:
        folder = ROOT / member
        if (folder / "src/lib.rs").exists():
            manifest = tomllib.loads((folder / "Cargo.toml").read_text(encoding="utf-8"))
            name = manifest.get("lib", {}).get("name", manifest["package"]["name"])
            crates[name.replace("-", "_")] = Crate(folder)
    return {name: crate for name, crate in crates.items() if name not in TEST_CRATES}


def main():
    crates = library_crates()
    lines = (ROOT / GLOSSARY).read_text(encoding="utf-8").splitlines()
    sections = [number for number, line in enumerate(lines) if line.startswith("## ")]
    last = sections[-1] if sections else 0
    faults = []
    listed = {}
    for number, line in enumerate(lines):
        for span in CODE.findall(line):
            place = f"{GLOSSARY}:{number + 1}"
            if FILE_PATH.fullmatch(span) and not (ROOT / span).is_file():
                faults.append(f"{place}: there is no file {span}; name the file that replaced it")
            if not RUST_PATH.fullmatch(span):
                continue
            crate, *path = span.split("::")
            if crate not in crates:
                faults.append(
                    f"{place}: {span}: the workspace has no library crate {crate}; "
                    "write the path from the crate's name, with underscores"
                )
            elif not crates[crate].has(path):
                faults.append(
                    f"{place}: {span}: there is no public item of this path; "
                    "write its present name, or remove the row"
                )
        cells = line.split("|")
        if number > last and len(cells) > 2:
            for name in CODE.findall(cells[1]):
                listed[name] = number + 1

    defined = {}
    for crate, source in crates.items():
        for name, file in source.types().items():
            defined.setdefault(name, {})[crate] = file
    for name, places in sorted(defined.items()):
        if len(places) > 1 and name not in listed:
            faults.append(
                f"{GLOSSARY}:{last + 1}: the type name {name} is defined in "
                f"{' and in '.join(str(file) for file in places.values())}; rename one of them, "
                "make one `pub(crate)`, or list the name in this section with the reason"
            )
    for name, number in listed.items():
        # Constants may be listed as well; the search does not look at them.
        if not name.isupper() and len(defined.get(name, {})) < 2:
            faults.append(
                f"{GLOSSARY}:{number}: {name} is not the name of two types any more; "
                "remove it from this section"
            )
    for message in faults:
        print(message, file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
