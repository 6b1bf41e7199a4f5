"""The report as Markdown: the form that all the other readable ones are made from.

Every piece of text that came from a person, a source or a writer is escaped, so that none of it can become
markup or a link. The only links are the addresses of this session's sources, in the list of references.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from research.artifacts import Section, Sentence, Source
from research.claims.closed_world import without_references
from research.claims.folding import clean
from research.claims.references import References, number
from research.claims.wording import SOURCE, say, table
from research.claims.words import is_unspaced
from research.exporters import Report

FORMAT = "md"
MEDIA_TYPE = "text/markdown; charset=utf-8"
MOST_AUTHORS = 3
MOST_OF_QUESTION = 2000  # characters of the question that the report repeats

_MARKUP = re.compile(r"[\\`*_\[\]<>&|~$#{}^]")
_AUTOLINK = re.compile(r":(?=//)|(?<=[wW])\.|@")
_LINE_START = re.compile(r"^(\d{0,9})([-+=>#:%!.)])")
_ADDRESS = re.compile(r"https?://[!-~]+")
_ENDED = re.compile(r"[.!?…。！？;:；：][\"'”’»)\]」』]*$")


def render(report: Report) -> bytes:
    return text(report).encode("utf-8")


def text(report: Report) -> str:
    blocks = [block for block in _blocks(report, number(report.draft, report.verification)) if block]
    return "\n\n".join(blocks) + "\n"


def escape(raw: str) -> str:
    """Text that shows as it is and can never act as Markdown."""
    plain = clean(raw)
    escaped = _MARKUP.sub(lambda m: "\\" + m.group(), plain)
    escaped = _AUTOLINK.sub(lambda m: "\\" + m.group(), escaped)
    return _LINE_START.sub(r"\1\\\2", escaped)


def _blocks(report: Report, references: References) -> Iterator[str]:
    wording, language = table(report.language), report.language
    yield f"# {escape(report.draft.title) or wording['question']}"
    yield f"*{escape(report.label)}*"
    yield f"**{wording['question']}:** {escape(_asked(report.question))}"
    if report.draft.summary:
        yield f"## {wording['summary']}"
        yield _paragraph(report.draft.summary, references, language)
    for section in report.draft.sections:
        yield from _section(section, references, language)
    yield from _looked_for(report)
    if references.sources:
        yield f"## {wording['references']}"
        yield from (_entry(n, source, language) for n, source in enumerate(references.sources, start=1))


def _asked(question: str) -> str:
    shown = question[:MOST_OF_QUESTION] + (" …" if len(question) > MOST_OF_QUESTION else "")
    return without_references(shown)


def _section(section: Section, references: References, language: str) -> Iterator[str]:
    if section.heading:
        yield f"## {escape(section.heading)}"
    for paragraph in section.paragraphs:
        yield _paragraph(paragraph, references, language)


def _paragraph(sentences: Sequence[Sentence], references: References, language: str) -> str:
    spaced = not language.startswith(("zh", "ja"))
    return _join([_sentence(sentence, references, language) for sentence in sentences], spaced=spaced)


def _join(parts: Sequence[str], *, spaced: bool) -> str:
    """One line; no space where a script has none."""
    line = ""
    for part in parts:
        tight = line.endswith(("。", "：", "；", "？", "！")) or (
            not spaced and line.endswith("]") and _is_unspaced(part[:1])
        )
        line += part if tight or not line else f" {part}"
    return line


def _is_unspaced(letter: str) -> bool:
    """Never for punctuation: `[1](…` would be a link."""
    return is_unspaced(letter) or letter in ("“", "《")


def _sentence(sentence: Sentence, references: References, language: str) -> str:
    marks = "".join(f"[{n}]" for n in references.of(sentence.evidence))
    if sentence.kind == "quotation":
        shown = escape(sentence.text) + ("" if _ENDED.search(sentence.text) else " …")
        return f"“{shown}” {marks}"
    shown = _with_source(escape(sentence.text), sentence, references, language)
    if sentence.kind == "statement":
        marks = marks or f"({table(language)['unsupported']})"
        return f"{shown} {marks}"
    return shown


def _with_source(shown: str, sentence: Sentence, references: References, language: str) -> str:
    """The placeholder `{source}` becomes the title of the first source that the sentence rests on."""
    if not sentence.evidence:
        return shown
    title = clean(references.titles.get(sentence.evidence[0], "")) or table(language)["untitled"]
    named = f"《{escape(title)}》" if table(language) is table("zh") else f"*{escape(title)}*"
    return shown.replace(escape(SOURCE), named)


def _looked_for(report: Report) -> Iterator[str]:
    if not report.looked_for:
        return
    wording = table(report.language)
    empty = set(report.search.not_found) if report.search else set()
    yield f"## {wording['looked_for']}"
    yield "\n".join(
        f"- {escape(without_references(query))}"
        + (f" ({wording['nothing_found_for']})" if query in empty else "")
        for query in report.looked_for
    )


def _entry(n: int, source: Source, language: str) -> str:
    wording = table(language)
    authors = [escape(author) for author in source.authors if clean(author)]
    if len(authors) > MOST_AUTHORS:
        authors = [*authors[:MOST_AUTHORS], wording["and_others"]]
    parts = [
        f"*{escape(clean(source.title).rstrip('.') or wording['untitled'])}*",
        ", ".join(authors),
        escape(source.venue),
        str(source.year or ""),
        _address(source),
        _held(source, language),
    ]
    return f"[{n}] " + ". ".join(part for part in parts if part)


def _address(source: Source) -> str:
    """The source's own address; its DOI when it has no address that may be shown."""
    own = quote(clean(source.url), safe="!#$%&'()*+,/:;=?@~-._[]")
    if _ADDRESS.fullmatch(own):
        return f"<{own}>"
    if source.doi:
        return f"<https://doi.org/{quote(clean(source.doi), safe='/()-._;:')}>"
    return ""


def _held(source: Source, language: str) -> str:
    key = "library_document" if source.engine == "library" else "engine_document"
    if source.engine != "library" and (source.url or source.doi):
        return escape(source.engine)
    return escape(say(language, key, engine=source.engine, document=source.document))
