"""Runs `evergrant dev` on free loopback ports, and connects an account of the sandbox."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TextIO

import requests

# A user whose id no generated request is likely to delete.
USER = 1_234_567
# The value of `redirectUrl` in the examples of the OpenAPI document.
REDIRECT = "https://app.example/settings/accounts"


@dataclass(frozen=True)
class Program:
    """A running program: the URLs of the API and of the sandbox, and an API key with all scopes but `admin`."""

    url: str
    sandbox: str
    api_key: str

    def call(self, method: str, path: str, body: object = None) -> dict:
        """Calls the API as the app's server, for the user."""
        headers = {"Authorization": f"Bearer {self.api_key}", "Evergrant-User": str(USER)}
        response = requests.request(method, self.url + path, headers=headers, json=body, timeout=30)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
        return response.json()

    def connect(self, provider: str, person: str) -> None:
        """Connects the account of one of the sandbox's people."""
        started = self.call("POST", f"/api/integrations/connect/{provider}", {})
        consent = {"authUrl": started["authUrl"], "person": person}
        answer = requests.post(f"{self.sandbox}/control/approve", json=consent, timeout=30)
        callback = requests.get(answer.json()["location"], allow_redirects=False, timeout=30)
        assert "status=connected" in callback.headers["Location"], callback.headers["Location"]

    def ensure_connected(self) -> None:
        """Connects a Reddit account unless one is connected."""
        if not self.call("GET", "/api/integrations/status")["integrations"]:
            self.connect("reddit", "juniper")

    def session_token(self) -> str:
        """Returns a new session token of the user."""
        return self.call("POST", "/api/sessions", {"userId": USER})["token"]

    def console_session(self) -> tuple[str, str]:
        """Opens a portal link. Returns the value of its cookie and the CSRF token of the console's session."""
        link = self.call("POST", "/api/sessions", {"userId": USER, "portal": True})["url"]
        opened = requests.get(link, allow_redirects=False, timeout=30)
        cookie = opened.headers["Set-Cookie"].split(";")[0]
        session = requests.get(f"{self.url}/console/session", headers={"Cookie": cookie}, timeout=30)
        return cookie.split("=", 1)[1], session.json()["csrfToken"]


@contextlib.contextmanager
def running() -> Iterator[Program]:
    """Starts the binary that `EVERGRANT_BIN` names, with one user and one connected account; stops it at the end."""
    binary = os.environ.get("EVERGRANT_BIN") or sys.exit("set EVERGRANT_BIN to the binary to check")
    with tempfile.TemporaryDirectory(prefix="evergrant-openapi.") as folder, tempfile.TemporaryFile("w+") as log:
        environment = os.environ | {
            "EVERGRANT_RATE_LIMIT": "off",
            "EVERGRANT_ALLOWED_REDIRECTS": REDIRECT,
            "EVERGRANT_SANDBOX_LISTEN": f"127.0.0.1:{free_port()}",
            "EVERGRANT_ADMIN_LISTEN": "127.0.0.1:0",
        }
        command = [binary, "dev", "--data", folder, "--listen", f"127.0.0.1:{free_port()}"]
        # The default action of SIGTERM would leave the program running.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            program = started(process, log)
            program.call("POST", "/api/users", {"id": USER})
            program.ensure_connected()
            yield program
        finally:
            stop(process)


def stop(process: subprocess.Popen) -> None:
    """Stops the program. An open event stream can delay its end, so it is killed after ten seconds."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def started(process: subprocess.Popen, log: TextIO) -> Program:
    """Reads what the program prints until it is ready. Kills it if that takes longer than a minute. Fails with its log."""
    timer = threading.Timer(60, process.kill)
    timer.start()
    text = ""
    for line in process.stdout:
        text += line
        if line.strip().startswith("try "):
            break
    timer.cancel()
    patterns = [r"console\s+(http:\S+)", r"sandbox\s+(http:\S+)", r"key (evg_\S+)"]
    found = [re.search(pattern, text) for pattern in patterns]
    if not all(found):
        log.seek(0)
        sys.exit(f"the program did not start:\n{text}{log.read()}")
    return Program(*(match[1] for match in found))


def free_port() -> int:
    """Returns a port that is free."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
