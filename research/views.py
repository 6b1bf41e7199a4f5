"""Pages: they translate between a browser and services, queries, tokens."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_http_methods, require_safe

from research import manual, queries, tokens
from research.api.limits import DOOR, LIMITER
from research.errors import RateLimited

BACKEND = "django.contrib.auth.backends.ModelBackend"


@require_safe
@never_cache
@login_required
def home(request: HttpRequest) -> HttpResponse:
    sessions, _ = queries.page(queries.sessions_of(cast(User, request.user)), limit=20)
    return render(request, "research/home.html", {"sessions": sessions})


class SignIn(LoginView):
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """At most so many tries a minute for one name and from one address (S30)."""
        who = (f"name {request.POST.get('username', '')[:150].lower()}", request.META.get("REMOTE_ADDR", ""))
        try:
            for each in who:
                LIMITER.count(DOOR, each).enforce()
        except RateLimited as error:
            return self._refuse(error)
        return super().post(request, *args, **kwargs)

    def _refuse(self, error: RateLimited) -> HttpResponse:
        context = self.get_context_data(form=AuthenticationForm(self.request), refusal=error.message)
        answer = render(self.request, self.get_template_names(), context, status=429)
        answer["Retry-After"] = str(error.retry_after)
        return answer


@require_http_methods(["GET", "POST"])
@never_cache
@sensitive_variables("secret")
def login_link(request: HttpRequest, secret: str) -> HttpResponse:
    """GET shows a button and uses nothing up: mail scanners and previews open links too."""
    if request.method == "GET":
        works = tokens.is_link_good(secret)
        answer = render(
            request, "registration/login_link.html", {"works": works}, status=200 if works else 404
        )
        answer["Referrer-Policy"] = "no-referrer"
        return answer
    user = tokens.use_login_link(secret)
    if user is None:
        return render(request, "registration/login_link.html", {"works": False}, status=404)
    login(request, user, backend=BACKEND)
    return redirect(settings.LOGIN_REDIRECT_URL)


@require_safe
def problem_page(request: HttpRequest, code: str) -> HttpResponse:
    """What a problem's `type` points to."""
    section = manual.problem(code)
    if section is None:
        raise Http404
    return render(request, "research/problem.html", {"code": code, "paragraphs": section})
