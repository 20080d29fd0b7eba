"""An OAuth 2.0 authorization server that none of us wrote: django-oauth-toolkit on 127.0.0.1, for one test run.

    python serve.py --port-file FILE --data DIR --redirect-uri URI [--redirect-uri URI]… [--access-seconds N]

Once it answers, FILE holds one JSON object: where its endpoints are, the client registered for the redirect URIs, and
two users with their passwords. It stays for as long as its standard input is open and its parent lives, so start it
with a pipe as standard input and keep the other end.
"""

import argparse
import json
import os
import secrets
import select
import sys
from pathlib import Path
from threading import Thread

PEOPLE = {"ada": ("Ada", "Lovelace"), "grace": ("Grace", "Hopper")}


def main():
    arguments = parse_arguments()
    lifelines = hold_lifelines()
    prepare_django(arguments)
    client = register_client(arguments.redirect_uri)
    users = create_users()
    server = listen()
    base_url = f"http://127.0.0.1:{server.server_port}"
    write_atomically(arguments.port_file, describe(base_url, client, users))
    Thread(target=server.serve_forever, daemon=True).start()
    wait_for_an_end_of(lifelines)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port-file", type=Path, required=True, help="written once the server answers")
    parser.add_argument("--data", type=Path, required=True, help="folder for the database, made if it is not there")
    parser.add_argument("--redirect-uri", action="append", required=True, help="may be given more than once")
    parser.add_argument("--access-seconds", type=int, help="life of an access token; 300 unless told")
    return parser.parse_args()


def hold_lifelines():
    """What this process must not outlive, each readable at its end: standard input and, on Linux, the parent."""
    lifelines = [sys.stdin.fileno()]
    if hasattr(os, "pidfd_open"):
        lifelines.append(os.pidfd_open(os.getppid()))
    return lifelines


def prepare_django(arguments):
    """Starts Django on a fresh database in the folder."""
    arguments.data.mkdir(parents=True, exist_ok=True)
    if (arguments.data / "db.sqlite3").exists():
        sys.exit(f"serve.py: {arguments.data} already holds a database; every run needs a fresh folder")
    os.environ["AUTHORIZATION_SERVER_DATA"] = str(arguments.data.resolve())
    if arguments.access_seconds is not None:
        os.environ["AUTHORIZATION_SERVER_ACCESS_SECONDS"] = str(arguments.access_seconds)
    os.environ["DJANGO_SETTINGS_MODULE"] = "settings"

    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, interactive=False)


def register_client(redirect_uris):
    """Registers one confidential client, and answers its id and secret: only the secret's hash is stored."""
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
    for username, (first_name, last_name) in PEOPLE.items():
        password = secrets.token_hex(12)
        get_user_model().objects.create_user(
            username, password=password, first_name=first_name, last_name=last_name
        )
        users.append({"username": username, "password": password})
    return users


def listen():
    """A server with a thread for each connection, on a port that the system chooses."""
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
    """Whoever waits for the file finds it whole: under its name it appears by a rename."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(content) + "\n")
    draft.replace(path)


def wait_for_an_end_of(lifelines):
    """Returns when standard input ends or the parent does, whichever comes first."""
    stdin = sys.stdin.fileno()
    while True:
        ready = select.select(lifelines, [], [])[0]
        if stdin not in ready or not os.read(stdin, 4096):
            return


if __name__ == "__main__":
    main()
