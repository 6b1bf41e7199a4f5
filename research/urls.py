from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path, re_path

from research import views

urlpatterns = [
    path("", views.home, name="home"),
    path("accounts/login/", views.SignIn.as_view(), name="login"),
    path("accounts/logout/", LogoutView.as_view(next_page="login"), name="logout"),
    re_path(r"^accounts/link/(?P<secret>[A-Za-z0-9_-]{43})/$", views.login_link, name="login-link"),
    path("docs/problems/<slug:code>/", views.problem_page, name="problem"),
]
