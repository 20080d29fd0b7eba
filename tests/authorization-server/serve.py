"""Runs an independent OAuth 2.0 authorization server, django-oauth-toolkit, on 127.0.0.1 for one test run.

    python serve.py --port-file FILE --data DIR --redirect-uri URI [--redirect-uri URI]… [--access-seconds N]

Once the server accepts requests, FILE contains one JSON object: the endpoints, the client registered for the redirect
URIs, and two users with their passwords. The server exits when its standard input is closed or its parent exits, so
start it with a pipe as standard input and keep the other end open.
"""

import argparse
import json
import os
import secrets
import select
import sys
from pathlib import Path
from threading import Thread

USERS = {"ada": ("Ada", "Lovelace"), "grace": ("Grace", "Hopper")}


def main():
    arguments = parse_arguments()
    watched = watched_descriptors()
    prepare_django(arguments)
    client = register_client(arguments.redirect_uri)
    users = create_users()
    server = listen()
    base_url = f"http://127.0.0.1:{server.server_port}"
    write_atomically(arguments.port_file, describe(base_url, client, users))
    Thread(target=server.serve_forever, daemon=True).start()
    wait_for_end_of_any(watched)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port-file", type=Path, required=True, help="written once the server accepts requests")
    parser.add_argument("--data", type=Path, required=True, help="folder for the database; created if missing")
    parser.add_argument("--redirect-uri", action="append", required=True, help="may be repeated")
    parser.add_argument("--access-seconds", type=int, help="lifetime of an access token in seconds; default: 300")
    return parser.parse_args()


def watched_descriptors():
    """Descriptors that become readable when the server must exit: standard input and, on Linux, the parent process."""
    watched = [sys.stdin.fileno()]
    if hasattr(os, "pidfd_open"):
        watched.append(os.pidfd_open(os.getppid()))
    return watched


def prepare_django(arguments):
    """Starts Django with a new database in the data folder."""
    arguments.data.mkdir(parents=True, exist_ok=True)
    if (arguments.data / "db.sqlite3").exists():
        sys.exit(f"serve.py: {arguments.data} already contains a database; use an empty folder")
    os.environ["AUTHORIZATION_SERVER_DATA"] = str(arguments.data.resolve())
    if arguments.access_seconds is not None:
        os.environ["AUTHORIZATION_SERVER_ACCESS_SECONDS"] = str(arguments.access_seconds)
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


def register_client(redirect_uris):
    """Registers one confidential client and returns its id and secret. The database has only a hash of the secret."""
    from oauth2_provider.generators import generate_client_secret
    from oauth2_provider.models import get_application_model

    application = get_application_model()
    secret = generate_client_secret()
    client = application.objects.create(
        name="Evergrant",
        client_type=application.CLIENT_CONFIDENTIAL,
        authorization_grant_type=application.GRANT_AUTHORIZATION_CODE,
        client_secret=secret,
        redirect_uris=" ".join(redirect_uris),
    )
    return client.client_id, secret


def create_users():
    from django.contrib.auth import get_user_model

    users = []
    for username, (first_name, last_name) in USERS.items():
        password = secrets.token_hex(12)
        get_user_model().objects.create_user(
            username, password=password, first_name=first_name, last_name=last_name
        )
        users.append({"username": username, "password": password})
    return users


def listen():
    """Returns a server with one thread per connection, on a free port."""
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    ThreadedWSGIServer.request_queue_size = 128
    server = ThreadedWSGIServer(("127.0.0.1", 0), WSGIRequestHandler)
    server.set_app(get_wsgi_application())
    return server


def describe(base_url, client, users):
    client_id, client_secret = client
    return {
        "base_url": base_url,
        "issuer": f"{base_url}/o",
        "authorization_url": f"{base_url}/o/authorize/",
        "token_url": f"{base_url}/o/token/",
        "revocation_url": f"{base_url}/o/revoke_token/",
        "userinfo_url": f"{base_url}/userinfo",
        "stats_url": f"{base_url}/stats",
        "client_id": client_id,
        "client_secret": client_secret,
        "users": users,
    }


def write_atomically(path, content):
    """Writes the file and renames it, so that a reader never sees a part of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content) + "\n")
    draft.replace(path)


def wait_for_end_of_any(watched):
    """Returns when standard input is closed or the parent exits."""
    stdin = sys.stdin.fileno()
    while True:
        ready = select.select(watched, [], [])[0]
        if stdin not in ready or not os.read(stdin, 4096):
            return


if __name__ == "__main__":
    main()
