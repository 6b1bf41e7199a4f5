"""The report as one HTML page without scripts, images or anything fetched.

The Markdown is rendered with raw HTML off, then cleaned by an allow-list; after that nothing touches it.
"""

from __future__ import annotations

from html import escape

import nh3
from markdown_it import MarkdownIt

from research.claims.folding import clean
from research.exporters import Report, markdown

FORMAT = "html"
MEDIA_TYPE = "text/html; charset=utf-8"

_TAGS = {"h1", "h2", "h3", "p", "em", "strong", "ul", "ol", "li", "a", "blockquote", "code", "br", "hr"}
_STYLE = (
    "body{max-width:44rem;margin:2rem auto;padding:0 1rem;font:1.05rem/1.6 Georgia,serif;color:#1a1a1a}"
    "h1,h2{line-height:1.25}a{color:#0b4f8a;overflow-wrap:anywhere}"
)


def render(report: Report) -> bytes:
    title, language = escape(clean(report.draft.title)), escape(report.language)
    page = (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n{fragment(report)}</main>\n</body>\n</html>\n"
    )
    return page.encode("utf-8")


def fragment(report: Report) -> str:
    """The body alone, safe to place in a page as it is."""
    return safe_html(markdown.text(report))


def safe_html(source: str) -> str:
    """Markdown to HTML in which nothing can run, load or pretend to be ours."""
    rendered = MarkdownIt("commonmark", {"html": False, "linkify": False}).disable("image").render(source)
    return nh3.clean(
        rendered,
        tags=_TAGS,
        attributes={"a": {"href"}},
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer nofollow",
    )
