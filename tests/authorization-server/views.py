"""What the server adds to django-oauth-toolkit: a protected resource, and counters of received requests."""

from collections import Counter
from threading import Lock

from django.http import JsonResponse
from django.urls import reverse
from oauth2_provider.decorators import protected_resource_metadata


@protected_resource_metadata(scopes=["profile"])
def userinfo(request):
    """Returns the user who authorized the access token."""
    user = request.resource_owner
    return JsonResponse(
        {"sub": str(user.pk), "preferred_username": user.get_username(), "name": user.get_full_name()}
    )


class CallCounter:
    """Middleware that counts POST requests per path, rejected ones included."""

    _lock = Lock()
    _calls = Counter()

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if request.method == "POST":
            with self._lock:
                self._calls[request.path] += 1
        return self.get_response(request)

    @classmethod
    def of(cls, endpoint):
        """Returns the number of requests to the endpoint with this name."""
        with cls._lock:
            return cls._calls[reverse(f"oauth2_provider:{endpoint}")]


def stats(_request):
    """Returns the counters of the token and revocation endpoints."""
    return JsonResponse({"token_calls": CallCounter.of("token"), "revoke_calls": CallCounter.of("revoke-token")})
