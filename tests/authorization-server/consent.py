"""Acts as the browser of a user: signs in, answers the consent form, and stops at the redirect to the client.

    python consent.py AUTHORIZATION_URL USERNAME PASSWORD [--deny]

Prints the address of that redirect, which contains code and state, and does not request it. Uses only Python's
standard library.
"""

import argparse
import sys
import urllib.error
import urllib.parse
import urllib.request
from html.parser import HTMLParser
from http.cookiejar import CookieJar

MAX_PAGES = 10


class ConsentFailed(Exception):
    """The pages did not end in a redirect to the client."""


def consent(authorization_url, username, password, deny=False):
    """Returns the address of the redirect to the client, with the code, or with an error if consent is denied."""
    browser = Browser(authorization_url)
    page = browser.open(authorization_url)
    signed_in = False
    for _ in range(MAX_PAGES):
        if page.redirect:
            return page.redirect
        if "password" in page.form.fields:
            if signed_in:
                raise ConsentFailed(f"sign-in as {username} was refused")
            signed_in = True
            page = browser.submit(page, {"username": username, "password": password})
        elif "allow" in page.form.buttons:
            page = browser.submit(page, {} if deny else {"allow": page.form.buttons["allow"]})
        else:
            address = page.url.partition("?")[0]
            raise ConsentFailed(f"no form to answer at {address}, status {page.status}")
    raise ConsentFailed(f"no redirect to the client after {MAX_PAGES} pages")


class Browser:
    """Keeps cookies, and follows redirects within the authorization server."""

    def __init__(self, start_url):
        self.home = origin(start_url)
        self.opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar()), NoRedirect()
        )

    def open(self, url, body=None):
        for _ in range(MAX_PAGES):
            status, headers, text = self.fetch(url, body)
            if "Location" not in headers:
                return Page(url, status, text)
            url, body = urllib.parse.urljoin(url, headers["Location"]), None
            if origin(url) != self.home:
                return Page(url, status, "", redirect=url)
        raise ConsentFailed(f"more than {MAX_PAGES} redirects")

    def submit(self, page, answers):
        """Posts the form of a page with its hidden fields and these answers."""
        fields = {**page.form.hidden, **answers}
        url = urllib.parse.urljoin(page.url, page.form.action)
        return self.open(url, urllib.parse.urlencode(fields).encode())

    def fetch(self, url, body):
        # Django checks the Referer of a form that arrives over TLS; every browser sends it.
        request = urllib.request.Request(url, data=body, headers={"Referer": url})
        try:
            response = self.opener.open(request)
        except urllib.error.HTTPError as refusal:
            response = refusal
        with response:
            return response.status, response.headers, response.read().decode(errors="replace")


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Returns redirects to the caller, which decides whether to follow them."""

    def redirect_request(self, *_):
        return None


class Page:
    def __init__(self, url, status, text, redirect=None):
        self.url, self.status, self.redirect = url, status, redirect
        self.form = Form()
        self.form.feed(text)


class Form(HTMLParser):
    """The first form of a page."""

    def __init__(self):
        super().__init__()
        self.action, self.hidden, self.buttons, self.fields = "", {}, {}, set()
        self.forms = 0

    def handle_starttag(self, tag, attributes):
        attributes = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms += 1
            self.action = self.action or attributes.get("action", "")
        elif tag in ("input", "button") and self.forms == 1:
            self.add_control(attributes)

    def add_control(self, attributes):
        name, value, kind = attributes.get("name"), attributes.get("value", ""), attributes.get("type", "text")
        if not name:
            return
        if kind == "submit":
            self.buttons[name] = value
        elif kind == "hidden":
            self.hidden[name] = value
        else:
            self.fields.add(name)


def origin(url):
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("authorization_url")
    parser.add_argument("username")
    parser.add_argument("password")
    parser.add_argument("--deny", action="store_true", help="press Cancel instead of Authorize")
    arguments = parser.parse_args()
    try:
        print(consent(arguments.authorization_url, arguments.username, arguments.password, arguments.deny))
    except (ConsentFailed, urllib.error.URLError) as error:
        sys.exit(f"consent.py: {error}")


if __name__ == "__main__":
    main()
