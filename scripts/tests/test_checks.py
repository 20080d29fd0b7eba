"""Each check finds what it is for in a small folder of its own, and nothing else."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(SCRIPTS))
from rust_source import code_of, functions  # noqa: E402


def function_of(lines, name="long"):
    """A function of this many lines."""
    return f"fn {name}() {{\n" + "    step();\n" * (lines - 2) + "}\n"


class CheckTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="evergrant-checks-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, files):
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def run_check(self, name, *args):
        command = [sys.executable, SCRIPTS / name, "--root", self.root, *args]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def assert_found(self, name, expected):
        done = self.run_check(name)
        found = [] if done.returncode == 0 else done.stderr.splitlines()[:-1]
        self.assertEqual(found, expected)


class Sizes(CheckTest):
    def test_limits_are_inclusive(self):
        comment = "// " + "ab " * 32 + "c\n"
        self.write({"crates/a/src/lib.rs": function_of(40) + "\n" * 360, "crates/a/src/b.rs": comment})
        self.assert_found("check-sizes", [])

    def test_long_file_function_and_comment_are_found(self):
        self.write(
            {
                "crates/a/src/lib.rs": "\n" * 401,
                "crates/a/src/b.rs": "struct B;\n\n" + function_of(41),
                "crates/a/tests/it/c.rs": "mod d {\n    /// " + "word " * 20 + "\n    fn d() {}\n}\n",
            }
        )
        self.assert_found(
            "check-sizes",
            [
                "crates/a/src/b.rs:3: function `long` of 41 lines",
                "crates/a/src/lib.rs:1: file of 401 lines",
                "crates/a/tests/it/c.rs:2: comment of 108 columns",
            ],
        )

    def test_unbreakable_comments_are_accepted(self):
        long = "x" * 100
        address = f"https://example.com/{long}"
        self.write({"a.rs": f"// {address}\n/// | a | {long} |\n/// [`A`]: {address}\n"})
        self.assert_found("check-sizes", [])

    def test_folders_of_others_are_ignored(self):
        self.write({"target/a.rs": "\n" * 500, "web/node_modules/b/c.rs": "\n" * 500})
        self.assert_found("check-sizes", [])

    def test_table_lists_median_p90_and_maximum(self):
        files = {f"crates/a/src/f{lines}.rs": function_of(lines) for lines in range(2, 12)}
        self.write({**files, "crates/a/tests/it/ignored.rs": function_of(30)})
        self.assertEqual(
            self.run_check("check-sizes", "--table").stdout.splitlines()[2:],
            ["| file | 10 | 7 | 11 | 11 |", "| function | 10 | 7 | 11 | 11 |"],
        )


class RustSource(unittest.TestCase):
    def sizes(self, text):
        return [(name, lines) for name, _, lines in functions(code_of(text))]

    def test_braces_in_literals_and_comments_do_not_count(self):
        body = r"""let a = '{';
// {
/* { /* { */ { */
let b = "{\"{";
let c = r#"{"{"#;
let d: &'a str = b"{";
"""
        self.assertEqual(self.sizes(f"fn f<'a>() {{\n{body}}}\nfn g() {{}}\n"), [("f", 8), ("g", 1)])

    def test_signature_counts_from_its_first_line(self):
        self.assertEqual(self.sizes("pub fn f(\n    a: [u8; 2],\n) -> u8\nwhere\n    A: B,\n{\n    1\n}\n"), [("f", 8)])

    def test_declaration_without_body_is_not_counted(self):
        text = "trait T {\n    fn f(&self) -> [u8; 2];\n    fn g() {}\n}\ntype F = fn(u8);\n"
        self.assertEqual(self.sizes(text), [("g", 1)])

    def test_inner_function_is_counted_twice(self):
        self.assertEqual(self.sizes("fn f() {\n    fn g() {\n    }\n}\n"), [("f", 4), ("g", 2)])


class Words(CheckTest):
    LISTS = {
        "docs/wordlist.txt": "# A comment: some.\nnobody\ncomes to nothing\nold_name\nlengthen\n",
        "docs/wordlist-rust.txt": "note\n",
    }

    def check(self, files, expected):
        self.write({**self.LISTS, **files})
        self.assert_found("check-words", expected)

    def test_phrases_are_found_as_whole_words(self):
        self.check(
            {
                "README.md": "Nobody does.\nAnd NOBODYS and nobody2 do.\n",
                "crates/a/src/lib.rs": "/// It comes\n/// to nothing.\nfn harms_nobody_else() {}\nlet old_name = 1;\n",
                "web/react/src/a.ts": "const NOBODY = 0;\nit_comes_to_nothing();\n",
                "docs/openapi.json": '{ "summary": "Is for nobody." }\n',
            },
            [
                "crates/a/src/lib.rs:1: comes /// to nothing",
                "crates/a/src/lib.rs:3: nobody",
                "crates/a/src/lib.rs:4: old_name",
                "web/react/src/a.ts:1: NOBODY",
                "web/react/src/a.ts:2: comes_to_nothing",
                "docs/openapi.json:1: nobody",
                "README.md:1: Nobody",
            ],
        )

    def test_names_are_found_where_rust_declares_them(self):
        declared = "fn note() {}\nstruct Note;\nenum Note {}\npub(crate) mod note;\ntrait Note {}\n"
        used = "// fn note\nlet note = \"fn note\";\nfn notes() { note() }\n"
        expected = enumerate(["fn note", "struct Note", "enum Note", "mod note", "trait Note"], start=1)
        self.check(
            {"crates/a/src/lib.rs": declared + used, "web/react/src/a.ts": "fn note", "README.md": "fn note"},
            [f"crates/a/src/lib.rs:{line}: {found}" for line, found in expected],
        )

    def test_exceptions_are_accepted(self):
        self.check(
            {
                "CHANGELOG.md": "nobody",
                "docs/decisions/0001-a.md": "nobody",
                "web/package-lock.json": "nobody",
                "web/node_modules/a/b.js": "nobody",
                "web/console/dist/b.js": "nobody",
                "crates/adapters/tests/keys/flat.toml": "lengthen = true",
            },
            [],
        )

    def test_exception_holds_for_old_keys_alone(self):
        path = "crates/adapters/tests/keys/flat.toml"
        self.check({path: "lengthen = true # nobody"}, [f"{path}:1: nobody"])


if __name__ == "__main__":
    unittest.main()
