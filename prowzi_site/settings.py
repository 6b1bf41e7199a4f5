"""Settings from the environment (see docs/settings.md). Production never falls back to development."""

from __future__ import annotations

from pathlib import Path

from prowzi_site import secret
from prowzi_site.env import BadSetting, Environment, database

BASE_DIR = Path(__file__).resolve().parent.parent
ENV = Environment(dotenv=BASE_DIR / ".env")

DATA_DIR = (BASE_DIR / ENV.text("PROWZI_DATA_DIR", "data")).absolute()  # the same from any folder
TESTING = ENV.flag("PROWZI_TESTING", False)
DEBUG = ENV.flag("DEBUG", False)
HOST = ENV.text("HOST", "127.0.0.1")
PORT = ENV.whole("PORT", 8000, least=1)

_DATABASE_URL = ENV.text("DATABASE_URL")
EMBEDDED = not _DATABASE_URL  # SQLite in the data folder, this machine alone
DATABASES = {"default": database(_DATABASE_URL, DATA_DIR)}

SECRET_KEY = ENV.text("SECRET_KEY")
if not SECRET_KEY:
    if not EMBEDDED:
        raise BadSetting("SECRET_KEY is required with DATABASE_URL. Set 50 random characters or more.")
    SECRET_KEY = secret.load_or_create(DATA_DIR / "secret_key")
SECRET_KEY_FALLBACKS = ENV.words("SECRET_KEY_FALLBACKS")

_LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]
ALLOWED_HOSTS = ENV.words("ALLOWED_HOSTS") or _LOOPBACK
CSRF_TRUSTED_ORIGINS = ENV.words("CSRF_TRUSTED_ORIGINS")
HTTPS = ENV.flag("PROWZI_HTTPS", not EMBEDDED)  # behind a proxy that speaks TLS

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "django_htmx",
    "django_q",
    "ninja",  # serves its documentation page's files from here instead of a CDN
    "telemetry",
    "research",
]
MIDDLEWARE = [
    "research.health.HealthMiddleware",  # first: answers any Host, needs nothing else
    "django.middleware.security.SecurityMiddleware",
    "research.api.middleware.ApiMiddleware",  # outside of all that may refuse a request
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "prowzi_site.urls"
ASGI_APPLICATION = "prowzi_site.asgi.application"
WSGI_APPLICATION = "prowzi_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
LOGIN_URL = "/accounts/login/"
LOGIN_REDIRECT_URL = "/"

STATIC_URL = "/static/"
# Files come from their packages; a folder made by collectstatic is served when it is there.
STATIC_ROOT = DATA_DIR / "static" if (DATA_DIR / "static").is_dir() else None
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
MEDIA_ROOT = DATA_DIR
CHECKPOINT_STORAGE = ENV.text("PROWZI_CHECKPOINT_STORAGE", f"file://{DATA_DIR}/checkpoints")

SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 2**20
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20

CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

WORKERS = ENV.whole("PROWZI_WORKERS", 2, least=1)
# One django-q2 worker more than loops, so that one is always free for wake-ups and the canary.
# The queue only says "look at session X" (docs/adr/0003): nothing is redelivered, nothing is owed there.
Q_CLUSTER = {
    "name": "prowzi",
    "orm": "default",
    "broker_class": "research.queue.WakeBroker",
    "workers": WORKERS + 1,
    "poll": 0.02,
    "timeout": 10**8,
    "retry": 10**9,
    "max_attempts": 1,
    "queue_limit": 1,
    "bulk": 1,
    "recycle": 10**9,
    "save_limit": -1,
    "ack_failures": True,
    "catch_up": False,
    "scheduler": False,
    "guard_cycle": 0.2,
    "log_level": "WARNING",
}

PROWZI = {
    "checkpoints": ENV.flag("PROWZI_ENABLE_CHECKPOINTING", True),
    "telemetry": ENV.flag("PROWZI_ENABLE_TELEMETRY", True),
    "llm": ENV.text("PROWZI_LLM", "offline"),
    "engines": ENV.words("PROWZI_ENGINES", "library"),
    "engine_options": ENV.options("PROWZI_ENGINE_"),
    "contact": ENV.text("PROWZI_CONTACT"),
    "concurrency": ENV.whole("PROWZI_CONCURRENCY", 16, least=1),
    "workers": WORKERS,
    "lease_seconds": ENV.number("PROWZI_LEASE_SECONDS", 15.0, least=0.5),
    "drain_seconds": ENV.number("PROWZI_DRAIN_SECONDS", 30.0),
    "budget_usd": ENV.number("PROWZI_BUDGET_USD", None),
    "retention_days": ENV.number("PROWZI_RETENTION_DAYS", None),
    "failpoints": ENV.text("PROWZI_FAILPOINTS"),
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "prowzi_site.logs.formatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": ENV.text("LOG_LEVEL", "WARNING")},
    "loggers": {"prowzi": {"level": ENV.text("LOG_LEVEL", "INFO")}},
}
