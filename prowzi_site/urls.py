from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from prowzi_site.api import api

urlpatterns = [
    path("", include("research.urls")),
    path("api/v1/", api.urls),
    path("admin/", admin.site.urls),
]
