"""scripts/release in a repository of its own, with the files of this one that it changes."""

import hashlib
import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPT = runpy.run_path(str(ROOT / "scripts/release"))
PLACES, DOCUMENTS = SCRIPT["PLACES"], SCRIPT["DOCUMENTS"]
# Settings of this machine, such as signed commits, do not apply here.
os.environ.update(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_SYSTEM=os.devnull)
CHANGELOG = "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n\n## 0.0.1 - 2026-01-01\n\n- The first.\n"


class Release(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="evergrant-release-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for name in {"scripts/release", *DOCUMENTS, *(name for name, _ in PLACES)}:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)
        self.write("CHANGELOG.md", CHANGELOG)
        self.write(".gitignore", "dist\n")
        self.git("init", "--quiet")
        self.git("config", "user.name", "Test")
        self.git("config", "user.email", "test@example.com")
        self.commit()

    def write(self, name, text):
        (self.root / name).write_text(text, encoding="utf-8")

    def read(self, name):
        return (self.root / name).read_text(encoding="utf-8")

    def git(self, *args):
        command = ["git", *args]
        return subprocess.run(command, cwd=self.root, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self):
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "test: prepare")

    def release(self, *args, **environment):
        command = [sys.executable, self.root / "scripts/release", *args]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})

    def build_tools(self, version):
        """Programs in place of the real ones, which take minutes; the environment in which they are found."""
        tools = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="evergrant-release-tools-")))
        program = tools / "dist/evergrant"
        program.parent.mkdir()
        self.tool(program, f"echo evergrant {version}")
        self.tool(tools / "cargo", "")
        self.tool(tools / "npm", 'case " $* " in *" pack "*) echo tarball >dist/evergrant-react-9.8.7.tgz ;; esac')
        self.tool(self.root / "scripts/setup", "")
        self.commit()
        return {"PATH": f"{tools}:{os.environ['PATH']}", "CARGO_TARGET_DIR": str(tools)}

    def tool(self, path, command):
        path.write_text(f"#!/bin/sh\n{command}\n", encoding="utf-8")
        path.chmod(0o755)

    def state(self):
        return self.git("rev-parse", "HEAD"), self.git("status", "--porcelain"), self.git("tag")

    def assert_refused(self, reason, *args, **environment):
        before = self.state()
        done = self.release(*args, **environment)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(reason, done.stderr)
        self.assertEqual(self.state(), before)

    def test_release_sets_version_changelog_commit_tag_and_archives(self):
        done = self.release("9.8.7", "--no-build")
        self.assertEqual(done.returncode, 0, done.stderr)
        for name, pattern in PLACES:
            self.assertRegex(self.read(name), pattern.replace("VERSION", r"9\.8\.7"), name)
        self.assertRegex(
            self.read("CHANGELOG.md"),
            r"^# Changelog\n\n## Unreleased\n\n## 9\.8\.7 - \d{4}-\d\d-\d\d\n\n### Added\n\n- A thing\.\n\n## 0\.0\.1 - ",
        )
        self.assertEqual(self.git("status", "--porcelain"), "")
        self.assertEqual(self.git("log", "-1", "--format=%s"), "release: set version 9.8.7")
        self.assertEqual(self.git("rev-parse", "v9.8.7^{commit}"), self.git("rev-parse", "HEAD"))
        self.assertEqual(self.git("cat-file", "-t", "v9.8.7"), "tag")
        self.assertIn("### Added\n\n- A thing.", self.git("tag", "--list", "--format=%(contents)", "v9.8.7"))
        [line] = self.read("dist/SHA256SUMS").splitlines()
        digest, name = line.split("  ")
        self.assertEqual(name, "evergrant-9.8.7-source.tar.gz")
        self.assertEqual(digest, hashlib.sha256((self.root / "dist" / name).read_bytes()).hexdigest())

    def test_program_and_package_are_archived(self):
        done = self.release("9.8.7", **self.build_tools("9.8.7"))
        self.assertEqual(done.returncode, 0, done.stderr)
        archives = re.findall(r"  (\S+)\n", self.read("dist/SHA256SUMS"))
        self.assertEqual(len(archives), 3, archives)
        self.assertIn("evergrant-react-9.8.7.tgz", archives)
        [program] = [name for name in archives if name.endswith(".tar.gz") and "source" not in name]
        with tarfile.open(self.root / "dist" / program) as archive:
            folder = program.removesuffix(".tar.gz")
            self.assertEqual(archive.getnames(), [f"{folder}/{name}" for name in ["evergrant", *DOCUMENTS]])

    def test_program_of_another_version_is_refused(self):
        self.assert_refused("does not print 9.8.7", "9.8.7", **self.build_tools("9.8.6"))

    def test_dry_run_changes_nothing(self):
        before = self.state()
        done = self.release("9.8.7", "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("- A thing.", done.stdout)
        self.assertEqual(self.state(), before)
        self.assertFalse((self.root / "dist").exists())

    def test_changed_working_tree_is_refused(self):
        self.write("README.md", self.read("README.md") + "\nMore.\n")
        self.assert_refused("the working tree has changes", "9.8.7", "--no-build")

    def test_new_file_is_refused(self):
        self.write("new.txt", "")
        self.assert_refused("the working tree has changes", "9.8.7", "--no-build")

    def test_existing_tag_is_refused(self):
        self.git("tag", "v9.8.7")
        self.assert_refused("the tag v9.8.7 exists", "9.8.7", "--no-build")

    def test_lower_or_malformed_version_is_refused(self):
        self.assert_refused("is below the current version", "0.0.1", "--no-build")
        for version in ["1.2", "v1.2.3", "1.2.3.4", "one"]:
            self.assert_refused("is not a version", version, "--no-build")

    def test_empty_changelog_is_refused(self):
        self.write("CHANGELOG.md", "# Changelog\n\n## Unreleased\n\n## 0.0.1 - 2026-01-01\n\n- The first.\n")
        self.commit()
        self.assert_refused("nothing under '## Unreleased'", "9.8.7", "--no-build")

    def test_missing_version_is_refused(self):
        self.write("README.md", re.sub(r"Evergrant \S+ is running", "Evergrant is running", self.read("README.md")))
        self.commit()
        self.assert_refused("the version was not found in README.md", "9.8.7", "--no-build")

    def test_failed_commit_restores_the_files(self):
        hook = self.root / ".git/hooks/pre-commit"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        hook.chmod(0o755)
        self.assert_refused("failed", "9.8.7", "--no-build")


if __name__ == "__main__":
    unittest.main()
