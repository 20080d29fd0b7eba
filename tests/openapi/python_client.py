"""Generates a client with openapi-python-client, imports all of it, and reads a status and a token with it."""

import importlib
import json
import pkgutil
import subprocess
import sys
import tempfile
from pathlib import Path

import requests

from program import USER, Program

FOLDER = Path(__file__).parent
GENERATOR = Path(sys.executable).parent / "openapi-python-client"
PACKAGE = "evergrant_client"


def check(program: Program) -> None:
    """Fails if the generator leaves anything out, or the client does not work."""
    with tempfile.TemporaryDirectory() as folder:
        generate(program, Path(folder))
        sys.path.insert(0, folder)
        client = importlib.import_module(PACKAGE)
        modules = [module.name for module in pkgutil.walk_packages(client.__path__, f"{PACKAGE}.")]
        for module in modules:
            importlib.import_module(module)
        call(program, client)
    print(f"client   {len(modules)} generated Python modules work", flush=True)


def generate(program: Program, folder: Path) -> None:
    """Generates the client from the document of the program. A warning is a failure: it announces a missing part."""
    document = folder / "openapi.json"
    document.write_text(json.dumps(requests.get(f"{program.url}/openapi.json", timeout=30).json()))
    command = [GENERATOR, "generate", "--path", document, "--output-path", folder / PACKAGE]
    command += ["--meta", "none", "--config", FOLDER / "python-client.yaml", "--fail-on-warning"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def call(program: Program, client) -> None:
    """Reads the status of the user and the token of the connected account."""
    operations = importlib.import_module(f"{PACKAGE}.api.integrations.get_status")
    tokens = importlib.import_module(f"{PACKAGE}.api.tokens.get_token")
    batches = importlib.import_module(f"{PACKAGE}.api.tokens.get_tokens")
    models = importlib.import_module(f"{PACKAGE}.models")
    caller = client.AuthenticatedClient(base_url=program.url, token=program.api_key)
    status = operations.sync(client=caller, evergrant_user=str(USER))
    account = status.integrations[0]
    assert (account.provider, account.is_connected) == ("reddit", True), account
    token = tokens.sync(account.provider, account.provider_account_id, client=caller, evergrant_user=str(USER))
    assert token.access_token, token
    named = models.AccountRef(provider=account.provider, account_id=account.provider_account_id)
    unknown = models.AccountRef(provider=account.provider, account_id="unknown")
    request = models.TokenBatchRequest(accounts=[named, unknown])
    batch = batches.sync(client=caller, body=request, evergrant_user=str(USER))
    assert batch.tokens[0].access_token == token.access_token, batch
    assert batch.tokens[1].error.code == "ACCOUNT_NOT_FOUND", batch
