#!/usr/bin/env python3
"""Report circular imports between the modules of a crate.

    scripts/check-cycles.py CRATE_DIRECTORY ...

A module here is a direct child of the crate root, with all its submodules. Names that the root
re-exports count as imports of the module that defines them. Test modules are ignored: they may
look at everything. Exit code 1 if there is a cycle.
"""

import re
import sys
from itertools import pairwise
from pathlib import Path

USE = re.compile(r"(?:pub(?:\([^)]*\))?\s+)?use\s+((?:[^;{]|\{[^;]*\})+);")
PATH = re.compile(r"\bcrate::(\w+)")
# Comments, strings and characters, whichever begins first.
TEXTS = re.compile(
    r"//[^\n]*|/\*.*?\*/"
    r"|\bb?r(#*)\".*?\"\1|\"(?:\\.|[^\"\\])*\""
    r"|'(?:\\(?:x..|u\{[^}]*\}|.)|[^'\\])'",
    flags=re.DOTALL,
)
TESTS = re.compile(
    r"#\[cfg\(test\)\]\s*(?:pub )?(?:mod \w+ \{.*?\n\}|mod \w+;|use [^;]*;)", flags=re.DOTALL
)


def strip(text: str) -> str:
    """The code without comments, strings and test modules."""
    return TESTS.sub("", TEXTS.sub(" ", text))


def leaves(tree: str, prefix: tuple = ()) -> list:
    """The paths of a `use` tree, as tuples of names."""
    tree = tree.strip()
    head, brace, rest = tree.partition("{")
    parts = tuple(part.strip() for part in head.split("::") if part.strip())
    if not brace:
        name = parts[-1].split(" as ")
        return [(*prefix, *parts[:-1], name[0].strip())] if parts else []
    body, depth, start, found = rest.rsplit("}", 1)[0], 0, 0, []
    for at, char in enumerate(body + ","):
        depth += (char == "{") - (char == "}")
        if char == "," and depth == 0:
            if body[start:at].strip():
                found += leaves(body[start:at], (*prefix, *parts))
            start = at + 1
    return found


def imports(crate: Path) -> dict:
    """For each module of a crate, the modules that it imports, each with one file as evidence."""
    source = crate / "src"
    root = source / "lib.rs" if (source / "lib.rs").exists() else source / "main.rs"
    modules = {}
    for file in sorted(source.rglob("*.rs")):
        name = file.relative_to(source).parts[0].removesuffix(".rs")
        if file != root and name not in ("main", "lib") and "tests" not in file.parts:
            modules.setdefault(name, []).append(file)
    exports = {}
    for use in USE.findall(strip(root.read_text())):
        for leaf in leaves(use):
            path = leaf[1:] if leaf[0] in ("crate", "self") else leaf
            if path[0] in modules:
                exports[path[-1]] = path[0]
    edges = {name: {} for name in modules}
    for name, files in modules.items():
        for file in files:
            text = strip(file.read_text())
            # In a file that is a direct child of the root, `super` is the root.
            roots = ("crate", "super") if file.parent == source else ("crate",)
            paths = [path for use in USE.findall(text) for path in leaves(use)]
            seen = {path[1] for path in paths if path[0] in roots and len(path) > 1}
            seen |= set(PATH.findall(text))
            for item in seen:
                target = item if item in modules else exports.get(item)
                if target and target != name:
                    edges[name].setdefault(target, file.relative_to(crate))
    return edges


def cycle(edges: dict) -> list:
    """One cycle, as a list of modules that ends where it begins; empty if there is none."""
    done = set()

    def visit(node: str, trail: list) -> list:
        if node in trail:
            return [*trail[trail.index(node) :], node]
        if node in done:
            return []
        for target in sorted(edges[node]):
            if found := visit(target, [*trail, node]):
                return found
        done.add(node)
        return []

    for start in sorted(edges):
        if found := visit(start, []):
            return found
    return []


def main() -> int:
    failed = False
    for crate in map(Path, sys.argv[1:]):
        if not (crate / "src").is_dir():
            sys.exit(f"error: {crate} has no folder src; name the directory of a crate")
        edges = imports(crate)
        if found := cycle(edges):
            failed = True
            print(f"{crate}: circular imports: {' -> '.join(found)}", file=sys.stderr)
            for source, target in pairwise(found):
                print(f"  {edges[source][target]} imports {target}", file=sys.stderr)
            print("  move what both need into a module of its own", file=sys.stderr)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
