"""The tests that docs/reliability.md names exist, and their results are attributed to the right scene."""

import importlib.machinery
import importlib.util
import re
import sys
import unittest
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent
sys.dont_write_bytecode = True


def load(name):
    """Returns a script as a module."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(SCRIPTS / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


FAULTS = load("test-faults")


def names_in(package):
    """Returns the text of all integration tests of a package."""
    folder = SCRIPTS.parent / "crates" / package / "tests" / "it"
    return "\n".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.rs"))


class ReliabilityPageTest(unittest.TestCase):
    def test_each_row_names_tests_that_exist(self):
        page = FAULTS.PAGE.read_text(encoding="utf-8")
        tables = [line for line in page.splitlines() if line.startswith("| ") and line.count(" | ") == 3]
        rows = [line for line in tables if not line.startswith("| scene")]
        scenes = FAULTS.scenes(page)
        self.assertEqual(len(scenes), len(rows), "each row names its tests in the last column")
        for package, name in {test for _, tests in scenes for test in tests}:
            sources = names_in(package)
            for part in filter(None, name.split("::")):
                self.assertRegex(sources, rf"\b(fn|mod) {re.escape(part)}", f"{package} {name}")


class VerdictTest(unittest.TestCase):
    RESULTS = {"store": {"pooler::works::on_postgres": "ok", "pooler::fails": "FAILED", "other::test": "ok"}}

    def test_counts_results_of_the_named_tests(self):
        self.assertEqual(FAULTS.verdict([("store", "pooler::")], self.RESULTS), "1 ok, 1 FAILED")

    def test_reports_a_test_that_did_not_run(self):
        self.assertEqual(FAULTS.verdict([("store", "removed::")], self.RESULTS), "1 missing")


if __name__ == "__main__":
    unittest.main()
