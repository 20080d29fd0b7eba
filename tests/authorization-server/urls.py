"""The routes of the authorization server."""

from django.contrib.auth.views import LoginView
from django.urls import include, path

import views

urlpatterns = [
    path("login/", LoginView.as_view(), name="login"),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
    path("userinfo", views.userinfo),
    path("stats", views.stats),
]
