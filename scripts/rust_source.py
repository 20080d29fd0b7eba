"""Reads Rust sources for scripts/check-sizes and scripts/check-words."""

import re
from pathlib import Path

# Folders without sources of this project: dependencies, build results, local environments.
IGNORED_FOLDERS = {".git", ".next", ".venv", "__pycache__", "dist", "node_modules", "shots", "target"}

# In this order: a quote inside a comment does not open a string, and `'a'` is no lifetime.
TOKEN = re.compile(
    r"""
      (?P<line>//[^\n]*)
    | (?P<block>/\*)
    | (?P<raw>\b(?:b|c)?r(?P<hashes>\#*)".*?"(?P=hashes))
    | (?P<text>"(?:\\.|[^"\\])*")
    | (?P<char>'(?:\\(?:u\{[^}]*\}|x..|.)|[^\\'\n])')
    """,
    re.VERBOSE | re.DOTALL,
)


def files_below(folder, suffix=""):
    """The files below a folder whose names end in `suffix`, in order, without ignored folders."""
    for path in sorted(Path(folder).iterdir()):
        if path.is_dir() and not path.is_symlink():
            if path.name not in IGNORED_FOLDERS:
                yield from files_below(path, suffix)
        elif path.name.endswith(suffix):
            yield path


def code_of(text):
    """The text with comments and literals replaced by spaces. Lines and columns stay the same."""
    parts, at = [], 0
    while found := TOKEN.search(text, at):
        end = end_of_block(text, found.start()) if found.lastgroup == "block" else found.end()
        parts += [text[at : found.start()], re.sub(r"[^\n]", " ", text[found.start() : end])]
        at = end
    return "".join([*parts, text[at:]])


def lines_with_comments(text):
    """The numbers of the lines with a `//` comment. One inside a string is not a comment."""
    at = 0
    while found := TOKEN.search(text, at):
        if found.lastgroup == "line":
            yield line_of(text, found.start())
        at = end_of_block(text, found.start()) if found.lastgroup == "block" else found.end()


def end_of_block(text, start):
    """The end of the block comment that starts here. Block comments nest."""
    depth = 0
    for found in re.finditer(r"/\*|\*/", text[start:]):
        depth += 1 if found.group() == "/*" else -1
        if depth == 0:
            return start + found.end()
    return len(text)


def line_of(text, at):
    """The number of the line that contains the character at this index; the first line is 1."""
    return text.count("\n", 0, at) + 1


def functions(code):
    """Each function with a body: its name, its first line and its number of lines."""
    for found in re.finditer(r"\bfn\s+(\w+)", code):
        body = start_of_body(code, found.end())
        if body is not None:
            first, last = line_of(code, found.start()), line_of(code, end_of_body(code, body))
            yield found.group(1), first, last - first + 1


def start_of_body(code, at):
    """The index of the `{` behind a signature, or `None` if a `;` ends it."""
    depth = 0
    for found in re.finditer(r"[()\[\]{;]", code[at:]):
        sign = found.group()
        if sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif depth == 0:
            return at + found.start() if sign == "{" else None
    return None


def end_of_body(code, at):
    """The index of the `}` that closes the `{` at this index."""
    depth = 0
    for found in re.finditer(r"[{}]", code[at:]):
        depth += 1 if found.group() == "{" else -1
        if depth == 0:
            return at + found.start()
    return len(code) - 1
