#!/usr/bin/env python3
"""Checks the Markdown files that git tracks. Needs Python 3.11 and nothing else.

    scripts/check-docs.py

- Each relative link leads to a tracked file or folder. Each anchor is that of a heading, by
  GitHub's rules, or of an `id` or `name` in HTML. `#L10` is a line of any other text file.
- Each decision record in docs/adr begins with its number, title, status and date. The index,
  docs/adr/README.md, lists each of them with the same title, status and date.
- docs/SUMMARY.md, the contents of the book, lists every Markdown file in docs once.
- Paths in ARCHITECTURE.md and docs/guides/faults.md exist, and where these name items
  "`a`, `b` in `path`", the file has them.

Prints each fault as `FILE:LINE: what is wrong; remedy`, and exits with 1 if there is any.
Files in other formats, and links to other sites, are not checked.
"""

import datetime
import difflib
import posixpath
import re
import subprocess
import sys
import unicodedata
from functools import cache
from pathlib import Path
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
ADR = "docs/adr/"
INDEX = ADR + "README.md"
SUMMARY = "docs/SUMMARY.md"

FENCE = re.compile(r"^[> ]*(?:[-*+] +|\d+[.)] +)?(`{3,}|~{3,})(.*)$")
# Within a paragraph.
CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)\1(?!`)", re.S)
COMMENT = re.compile(r"<!--.*?-->", re.S)
# [text](target "title") and ![text](target): the text may hold one level of brackets.
INLINE = re.compile(
    r"\[(?:[^\[\]]|\[[^\[\]]*\](?:\([^()]*\))?)*\]"
    r"\(\s*(?:<([^<>\n]*)>|([^\s()<>]*(?:\([^\s()]*\)[^\s()]*)*))"
    r"(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
)
DEFINITION = re.compile(r"^ {0,3}\[([^\]^][^\]]*)\]:\s*<?([^\s>]+)>?", re.M)
REFERENCE = re.compile(r"\[([^\[\]]+)\]\[([^\[\]]*)\]")
HTML_TARGET = re.compile(r"<(?:a|img)\b[^>]*?\b(?:href|src)=[\"']([^\"']*)[\"']", re.I)
HTML_ANCHOR = re.compile(r"<[a-z][^>]*?\b(?:id|name)=[\"']([^\"']+)[\"']", re.I)
HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$", re.M)
SETEXT = re.compile(r"^ {0,3}(\S.*)\n {0,3}(?:=+|-{2,})[ \t]*$", re.M)
ELSEWHERE = re.compile(r"^(?:[a-z][a-z0-9+.-]*:|//)", re.I)
LINES = re.compile(r"^L(\d+)(?:-L(\d+))?$")

TITLE = re.compile(r"^# (\d+)\. (\S.*)$")
STATUS = re.compile(r"^(?:proposed|accepted|(?:accepted, amended|superseded) by \d+(?: and \d+)*)$")
HEAD = "`# NUMBER. TITLE`, an empty line, `- Status: STATUS`, `- Date: YYYY-MM-DD`"

# The pages that name items of the code.
REFERRING = ["ARCHITECTURE.md", "docs/guides/faults.md"]
# A path in code style: it has a slash, and no placeholder.
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+)/?`")
COMMENT_LINE = re.compile(r"^[ \t]*(?://|#).*", re.M)
# Items and the file that they are said to be in.
ITEM = r"`[\w:*!()]+`"
ITEMS = re.compile(rf"((?:{ITEM}(?: \([^()]*\))?(?:, | and | or ))*{ITEM}) in `([\w./-]+\.\w+)`")

faults = []


def fault(path, line, what, remedy):
    faults.append((path, line, f"{path}:{line}: {what}; {remedy}"))


def tracked_files():
    listed = subprocess.run(
        ["git", "-C", ROOT, "ls-files", "-z"], check=True, capture_output=True, text=True
    ).stdout
    return [path for path in listed.split("\0") if path and (ROOT / path).is_file()]


@cache
def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


def blank(match):
    """As many characters, so that places stay the same, without what could look like Markdown."""
    return re.sub(r"[^\n]", "\0", match.group())


@cache
def prose_of(path):
    """The file with fenced code, code spans and comments blanked out."""
    return CODE_SPAN.sub(blank, without_fences(path))


@cache
def without_fences(path):
    lines, fence = [], None
    for line in text_of(path).split("\n"):
        mark = FENCE.match(line)
        if fence is None and mark and not (mark[1][0] == "`" and "`" in mark[2]):
            fence = mark[1]
        elif fence is None:
            lines.append(line)
            continue
        elif mark and mark[1].startswith(fence) and not mark[2].strip():
            fence = None
        lines.append("\0" * len(line))
    return COMMENT.sub(blank, "\n".join(lines))


def line_at(text, place):
    return text.count("\n", 0, place) + 1


# --- links ----------------------------------------------------------------------------------


def slug(heading):
    """The anchor that GitHub gives a heading."""
    # The text as it is shown: of links only their text, without marks of emphasis.
    heading = re.sub(r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\([^()]*\)", r"\1", heading)
    heading = re.sub(r"!?\[([^\[\]]*)\]\[[^\[\]]*\]", r"\1", heading)
    # In code an underscore is no mark of emphasis, and < begins no HTML.
    heading = re.sub(
        r"`([^`]*)`", lambda code: code[1].replace("_", "\0").replace("<", ""), heading
    )
    heading = re.sub(r"<[^>]*>", "", heading).replace("*", "")
    heading = re.sub(r"(?<!\w)_+(\S(?:.*?\S)?)_+(?!\w)", r"\1", heading).replace("\0", "_")
    shown = re.sub(r"\\(.)", r"\1", heading).strip().lower()
    # What is kept are letters with their marks, digits, underscores and hyphens.
    kept = (
        character
        for character in shown
        if character in " -_" or character.isdecimal() or unicodedata.category(character)[0] in "LM"
    )
    return "".join(kept).replace(" ", "-")


@cache
def anchors_of(path):
    """Anchors of the headings, and those of HTML."""
    text = without_fences(path)
    headings = sorted(
        (match.start(), match[1])
        for pattern in (HEADING, SETEXT)
        for match in pattern.finditer(text)
    )
    found, seen = set(), {}
    for _, heading in headings:
        anchor = slug(heading)
        count = seen.get(anchor, -1) + 1
        seen[anchor] = count
        found.add(f"{anchor}-{count}" if count else anchor)
    return found | set(HTML_ANCHOR.findall(prose_of(path)))


def links_of(path):
    """Line and target of every link of a file; reports references without a definition."""
    text = prose_of(path)
    for match in INLINE.finditer(text):
        yield line_at(text, match.start()), match[1] if match[1] is not None else match[2]
        # An image as the text of a link.
        inner = match.group()[1:].rsplit("](", 1)[0]
        for image in INLINE.finditer(inner):
            yield line_at(text, match.start()), image[1] if image[1] is not None else image[2]
    for match in HTML_TARGET.finditer(text):
        yield line_at(text, match.start()), match[1]
    names = set()
    for match in DEFINITION.finditer(text):
        names.add(" ".join(match[1].lower().split()))
        yield line_at(text, match.start()), match[2]
    for match in REFERENCE.finditer(text):
        name = " ".join((match[2] or match[1]).lower().split())
        # A name of code alone is an index, as in `a`[`b`].
        if name.strip("\0") and name not in names:
            fault(
                path,
                line_at(text, match.start()),
                f"the link [{name}] has no definition",
                f"add `[{name}]: TARGET` or write `[{name}](TARGET)`",
            )


def check_links(path, files, folders):
    for line, target in links_of(path):
        if ELSEWHERE.match(target):
            continue
        if target.startswith("/"):
            fault(path, line, f"the link {target} is absolute", "write it relative to this file")
            continue
        place, _, anchor = target.partition("#")
        place, anchor = unquote(place.partition("?")[0]), unquote(anchor)
        to = posixpath.normpath(posixpath.join(posixpath.dirname(path), place)) if place else path
        if not place and not anchor:
            fault(path, line, "a link without a target", "name one, or remove the link")
        elif to.startswith(".."):
            fault(path, line, f"the link {target} leaves the repository", "give a full address")
        elif to not in files and to not in folders:
            remedy = "correct the path, or remove the link"
            if (ROOT / to).exists():
                remedy = f"`git add {to}`, or remove the link"
            fault(path, line, f"the link {target} leads to {to}, which git does not track", remedy)
        elif anchor:
            check_anchor(path, line, target, to, anchor, folders)


def check_anchor(path, line, target, to, anchor, folders):
    if to in folders:
        readme = posixpath.join(to, "README.md")
        fault(path, line, f"the link {target} has an anchor in a folder", f"link to {readme}")
    elif to.endswith(".md"):
        if anchor not in anchors_of(to):
            near = difflib.get_close_matches(anchor, anchors_of(to), 1)
            remedy = f"is it #{near[0]}?" if near else "compare it with the headings"
            fault(path, line, f"{to} has no heading with the anchor #{anchor}", remedy)
    elif match := LINES.match(anchor):
        length = len(text_of(to).splitlines())
        last = int(match[2] or match[1])
        if last > length:
            fault(path, line, f"{to} has no line {last}", f"it has {length}; correct the anchor")
    else:
        fault(path, line, f"#{anchor} is no place in {to}", "use #L and the number of a line")


# --- decision records -----------------------------------------------------------------------


def shown(text):
    """Without the targets of links."""
    return re.sub(r"\[([^\[\]]*)\]\([^()]*\)", r"\1", text).strip()


def is_date(text):
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def read_records(files):
    """Number to (path, title, status, date), of the records whose head can be read."""
    records = {}
    for path in sorted(files):
        if not re.fullmatch(ADR + r"[^/]+\.md", path) or path == INDEX:
            continue
        name = re.fullmatch(ADR + r"(\d{4})-[a-z0-9-]+\.md", path)
        if not name:
            fault(path, 1, "not the name of a decision record", "call it NNNN-short-title.md")
            continue
        lines = text_of(path).split("\n")[:5] + [""] * 5
        title = TITLE.match(lines[0])
        if not title:
            fault(path, 1, "the head has no number and title", f"begin the record with {HEAD}")
            continue
        number = int(title[1])
        if number != int(name[1]):
            remedy = "make title and file name agree"
            fault(path, 1, f"the title has the number {number}, the file {int(name[1])}", remedy)
        if number in records:
            remedy = "give the later record the next free number"
            fault(path, 1, f"{records[number][0]} has the number {number} as well", remedy)
            continue
        if lines[1] or not lines[2].startswith("- Status: "):
            fault(path, 3, "the head has no status", f"begin the record with {HEAD}")
            continue
        if not lines[3].startswith("- Date: "):
            fault(path, 4, "the head has no date", f"begin the record with {HEAD}")
            continue
        status, date = (shown(line.partition(": ")[2]) for line in lines[2:4])
        if not STATUS.match(status):
            fault(path, 3, f"`{status}` is no status", f"{INDEX} lists those that there are")
        if not is_date(date):
            fault(path, 4, f"`{date}` is no date", "write it as YYYY-MM-DD")
        if lines[4]:
            fault(path, 5, "the head does not end after the date", "leave a line empty there")
        records[number] = path, title[2], status, date
    for number, (path, _, status, _) in records.items():
        for later in map(int, re.findall(r"\d+", status)):
            if later not in records or later <= number:
                fault(path, 3, f"no later record has the number {later}", "correct the status")
            elif posixpath.basename(records[later][0]) not in text_of(path).split("\n")[2]:
                remedy = f"write [{later}]({posixpath.basename(records[later][0])})"
                fault(path, 3, f"the status does not link to record {later}", remedy)
    return records


def check_index(files):
    records = read_records(files)
    if INDEX not in files:
        fault(INDEX, 1, "the index of the decision records is missing", "add it")
        return
    rows = {}
    for line, text in enumerate(text_of(INDEX).split("\n"), 1):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", text.strip())[1:-1]]
        if len(cells) != 4 or not cells[0].isdigit():
            continue
        number = int(cells[0])
        if number in rows:
            fault(INDEX, line, f"record {number} is listed twice", "remove one of the rows")
        rows[number] = line
        if number not in records:
            fault(
                INDEX,
                line,
                f"no record {number} has a complete head",
                "correct it, or remove the row",
            )
            continue
        path, *head = records[number]
        link = re.fullmatch(r"\[(.*)\]\(([^()]*)\)", cells[1])
        if not link or link[2] != posixpath.basename(path):
            remedy = f"write [TITLE]({posixpath.basename(path)})"
            fault(INDEX, line, f"the title does not link to {path}", remedy)
        title = link[1] if link else cells[1]
        found = title, shown(cells[2]), cells[3]
        for what, here, there in zip(("title", "status", "date"), found, head, strict=True):
            if here != there:
                remedy = f"{path} says `{there}`; make them agree"
                fault(INDEX, line, f"the {what} is `{here}`", remedy)
    for number, (path, *_) in records.items():
        if number not in rows:
            fault(INDEX, 1, f"{path} is not listed", f"add a row for record {number}")
    if list(rows) != sorted(rows):
        fault(INDEX, min(rows.values()), "the rows are not in order", "sort them by number")


# --- contents of the book -------------------------------------------------------------------


def check_summary(files):
    pages = {path for path in files if path.startswith("docs/") and path.endswith(".md")}
    pages.discard(SUMMARY)
    if SUMMARY not in files:
        fault(SUMMARY, 1, "the contents of the book are missing", "add the file")
        return
    listed = {}
    for line, target in links_of(SUMMARY):
        path = posixpath.normpath(posixpath.join("docs", unquote(target)))
        if path in listed:
            fault(SUMMARY, line, f"{path} is listed twice", f"see line {listed[path]}")
        listed[path] = line
        if not path.startswith("docs/"):
            remedy = "link to it from docs/README.md instead"
            fault(SUMMARY, line, f"{path} is outside docs, where the book has no pages", remedy)
    for path in sorted(pages - set(listed)):
        remedy = f"add `- [TITLE]({posixpath.relpath(path, 'docs')})`"
        fault(SUMMARY, 1, f"{path} is not listed", remedy)


def check_items(page, files, folders):
    text = text_of(page)
    for match in PATH.finditer(text):
        if (path := match.group(1)) not in files and path not in folders:
            line = line_at(text, match.start())
            fault(page, line, f"there is no {path}", "name the path that it has now")
    for match in ITEMS.finditer(text):
        path = match.group(2)
        if path not in files:
            continue
        source = COMMENT_LINE.sub("", text_of(path))
        for item in re.findall(ITEM, match.group(1)):
            # A star stands for the beginning or the end of a name.
            name = re.escape(item.strip("`").split("::")[-1].rstrip("!()")).replace(r"\*", r"\w*")
            if not re.search(rf"\b{name}\b", source):
                line = line_at(text, match.start())
                fault(page, line, f"{path} has no {item}", "name the file that it is in")


def main():
    files = set(tracked_files())
    folders = {"."}
    for path in files:
        while path := posixpath.dirname(path):
            folders.add(path)
    pages = sorted(path for path in files if path.endswith(".md"))
    for path in pages:
        check_links(path, files, folders)
    check_index(files)
    check_summary(files)
    for page in REFERRING:
        check_items(page, files, folders)
    for _, _, message in sorted(set(faults)):
        print(message)
    if faults:
        print(f"faults in the documents: {len(set(faults))}", file=sys.stderr)
        return 1
    print(f"the documents are in order: {len(pages)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
