"""Compares the OpenAPI document with a running program: as a client of it that tries what the schema allows and what it
forbids (Schemathesis), and as an app with a client generated from it (openapi-python-client).

Usage: check.py [--examples NUMBER] [--operation ID]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import requests

import python_client
from program import USER, Program, running

FOLDER = Path(__file__).parent
TOOLS = Path(sys.executable).parent

# Operations that end the credential they are called with, so each run has a credential of its own.
ENDINGS = ["endSessions", "changeConsoleSession", "endConsoleSession"]
API_KEY_ONLY = ["Tokens", "Users"]
# Links need other operations.
WITHOUT_LINKS = "--phases=examples,coverage,fuzzing"


def runs(program: Program):
    """Yields the runs: the credential, its values by the names of the document, and the options of the run."""
    key = api_key(program)
    as_user = f"--header=Evergrant-User: {USER}"
    others = [f"--exclude-operation-id={one}" for one in [*ENDINGS, "createSession"]]
    others += [f"--exclude-tag={tag}" for tag in API_KEY_ONLY]
    yield "apiKey", key, [as_user, "--exclude-tag=Console"]
    # The header is generated too. Most of its users do not exist, so this run stays at the surface.
    yield "apiKey", key, ["--include-operation-id=getStatus", "--include-operation-id=getToken"]
    yield "session", session(program), [*others, "--exclude-tag=Console"]
    yield "console", console(program), others
    yield "session", session(program), ["--include-operation-id=endSessions", WITHOUT_LINKS]
    for ending in ENDINGS:
        yield "console", console(program), [f"--include-operation-id={ending}", WITHOUT_LINKS]


def runs_of(program: Program, operation: str):
    """Yields the runs of one operation: one for each credential that it accepts."""
    document = requests.get(f"{program.url}/openapi.json", timeout=30).json()
    operations = {one["operationId"]: one for item in document["paths"].values() for one in item.values()}
    accepted = {name for alternative in operations[operation]["security"] for name in alternative}
    options = [f"--include-operation-id={operation}", WITHOUT_LINKS]
    if "session" in accepted:
        yield "session", session(program), options
    if "console" in accepted:
        yield "console", console(program), options
    # An operation without credentials accepts any.
    if "apiKey" in accepted or not accepted:
        yield "apiKey", api_key(program), [f"--header=Evergrant-User: {USER}", *options]


def api_key(program: Program) -> dict[str, str]:
    return {"apiKey": f'bearer = "{program.api_key}"'}


def session(program: Program) -> dict[str, str]:
    return {"session": f'bearer = "{program.session_token()}"'}


def console(program: Program) -> dict[str, str]:
    cookie, csrf = program.console_session()
    return {"console": f'api_key = "{cookie}"', "csrf": f'api_key = "{csrf}"'}


def schemathesis(program: Program, credential: str, values: dict[str, str], options: list[str]) -> bool:
    """Runs Schemathesis once. Prints its report if it finds a failure."""
    environment = os.environ | {
        "EVERGRANT_OPENAPI_CREDENTIAL": credential,
        "EVERGRANT_OPENAPI_HOOKS": str(FOLDER / "hooks.py"),
        "EVERGRANT_OPENAPI_PROGRAM": json.dumps(asdict(program)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "schemathesis.toml"
        auth = "".join(f"\n[auth.openapi.{name}]\n{value}\n" for name, value in values.items())
        config.write_text((FOLDER / "schemathesis.toml").read_text() + auth)
        command = [TOOLS / "schemathesis", "--config-file", config, "run", f"{program.url}/openapi.json"]
        command += ["--checks=all", "--warnings=off", "--no-color", *options]
        result = subprocess.run(command, check=False, env=environment, cwd=folder, capture_output=True, text=True)
    summary = result.stdout.strip().splitlines()[-1:] or ["no output"]
    print(f"{credential:8} {summary[0].strip('= ')}", flush=True)
    if result.returncode != 0:
        print(result.stdout + result.stderr)
    return result.returncode == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=40, help="requests per operation and phase")
    parser.add_argument("--operation", help="id of the only operation to check")
    arguments = parser.parse_args()
    with running() as program:
        python_client.check(program)
        chosen = runs_of(program, arguments.operation) if arguments.operation else runs(program)
        examples = f"--max-examples={arguments.examples}"
        passed = [schemathesis(program, *run, options=[*options, examples]) for *run, options in chosen]
    sys.exit(not all(passed))


if __name__ == "__main__":
    main()
