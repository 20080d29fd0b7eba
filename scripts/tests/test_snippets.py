"""Every snippet of the documentation is valid: commands parse, and what they name exists."""

import json
import re
import subprocess
import tomllib
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SURFACE = (ROOT / "crates/server/tests/it/public_surface.txt").read_text(encoding="utf-8")
BLOCK = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
#: Variables of the tests and of apps, which are no settings of the program.
VARIABLES = ("EVERGRANT_BIN", "EVERGRANT_CHROMIUM", "EVERGRANT_NGINX", "EVERGRANT_URL", "EVERGRANT_KEY")
#: The first words of a block of commands without prompts.
PROGRAMS = ("UPDATE_DOCS=", "cargo ", "make ", "npm ", "pg_dump ", "pg_restore ", "scripts/", "evergrant ", "psql ")


def documents():
    """The documents for people who use or change Evergrant, without those of installed packages."""
    patterns = ("*.md", "docs/*.md", "docs/platforms/*.md", "crates/*/README.md", "web/*.md", "web/*/README.md")
    return sorted(path for pattern in patterns for path in ROOT.glob(pattern))


def blocks():
    """Yields (place, language, text) of each fenced block."""
    for path in documents():
        text = path.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            indent, language, body = match.groups()
            body = "\n".join(one.removeprefix(indent) for one in body.splitlines())
            yield f"{path.relative_to(ROOT)}:{line}", language, body


def commands(body):
    """The commands of a block: lines after a prompt, with the lines that continue them, or all lines."""
    lines = body.splitlines()
    if not any(line.startswith("$ ") for line in lines):
        return lines if body.startswith(PROGRAMS) else []
    found, continues = [], False
    for line in lines:
        if line.startswith("$ "):
            found.append(line[2:])
        elif continues:
            found[-1] += "\n" + line
        continues = bool(found) and (line.startswith("$ ") or continues) and line.endswith("\\")
    return found


def all_commands():
    return [(place, one) for place, language, body in blocks() if language in ("", "sh", "console") for one in commands(body)]


class SnippetTest(unittest.TestCase):
    def test_commands_parse(self):
        found = all_commands()
        self.assertGreater(len(found), 30)
        for place, command in found:
            done = subprocess.run(["bash", "-n"], input=command, capture_output=True, text=True, check=False)
            self.assertEqual(done.stderr, "", f"{place}: {command}")

    def test_subcommands_exist(self):
        listed = re.findall(r"^evergrant ((?:[a-z-]+ ?)+)(<COMMAND>)?", SURFACE, re.MULTILINE)
        known = {name.strip() for name, is_group in listed if not is_group}
        for place, command in all_commands():
            for words in re.findall(r"(?:^|[|(&;] *)evergrant ((?:[a-z-]+ ?)+)", command):
                name = words.strip()
                is_known = any(name == one or name.startswith(one + " ") for one in known)
                self.assertTrue(is_known, f"{place}: evergrant {name}")

    def test_settings_exist(self):
        for place, command in all_commands():
            for name in re.findall(r"\bEVERGRANT_[A-Z_]+(?==)", command):
                is_setting = re.search(rf"^{name}\b", SURFACE, re.MULTILINE)
                self.assertTrue(is_setting or name in VARIABLES, f"{place}: {name}")

    def test_targets_and_scripts_exist(self):
        targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
        for place, command in all_commands():
            for target in re.findall(r"^make ([a-z]+)", command):
                self.assertIn(target, targets, place)
            for script in re.findall(r"(?:^| )(scripts/[\w-]+)", command):
                self.assertTrue((ROOT / script).exists(), f"{place}: {script}")

    def test_crates_exist(self):
        for place, command in all_commands():
            for crate in re.findall(r"cargo .*-p evergrant-([a-z-]+)", command):
                self.assertTrue((ROOT / "crates" / crate).is_dir(), f"{place}: {crate}")

    def test_toml_and_json_parse(self):
        for place, language, body in blocks():
            with self.subTest(place):
                if language == "toml":
                    tomllib.loads(body)
                elif language == "json" and "…" not in body:
                    json.loads(body)


if __name__ == "__main__":
    unittest.main()
