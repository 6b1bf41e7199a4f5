"""A second pair of eyes: reads a finished Markdown report and counts what this session did not retrieve.

Shares no code with the closed world or the renderer, so that one fault cannot hide in both. It reads any
Markdown: links of every form, bare addresses, DOIs, reference numbers, footnotes, author-year references.
A mark inside a marked quotation that stands in the evidence belongs to the source, not to the report.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from research.artifacts import Claim, Source, Verdict

_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_DESTINATION = re.compile(
    r"(?<!\\)\]\(\s*<?([^)\s>]+)|^ {0,3}\[[^\]\n]{1,200}(?<!\\)\]:\s*<?(\S+?)>?(?:\s|$)", re.MULTILINE
)
_ATTRIBUTE = re.compile(r"(?<!\\)<[a-zA-Z][^<>\n]{0,300}?(?:href|src|action)\s*=\s*[\"']?([^\"'\s>]+)")
_SPACES = r"\s*<>\"“”„‘’「」『』《》【】（），。；：、！？|"
_ADDRESS = re.compile(rf"(?:https?|ftp)://[^{_SPACES}]+|\bwww\.[\w-]+\.[^{_SPACES}]+", re.IGNORECASE)
_DOI = re.compile(rf"10\.\d{{4,9}}(?:\.\d{{1,9}}){{0,4}}/[^{_SPACES}]+")
_NUMBERS = re.compile(r"[\[【]\s*(\d{1,4}(?:\s*[,;，、–—-]\s*\d{1,4}){0,30})\s*[\]】]")
_FOOTNOTE = re.compile(r"\[\^([^\]\s]{1,60})\]")
_YEARS = r"((?:1[5-9]|20)\d\d)[a-z]?"
_SURNAME = r"([A-Z][\w'’-]{1,60})"
_AUTHORS = (
    re.compile(
        rf"\(\s*{_SURNAME}(?:[ \t]+(?:et al\.?|and|&|[A-Z][\w.'’-]{{0,60}})){{0,6}}[ \t]*,[ \t]*{_YEARS}"
    ),
    re.compile(rf"(?<![\w’-]){_SURNAME}[ \t]+et al\.?,?[ \t]*\(?{_YEARS}"),
    re.compile(rf"(?<![\w’-]){_SURNAME}[ \t]+(?:and|&)[ \t]+[A-Z][\w'’-]{{1,60}}[ \t]+\({_YEARS}\)"),
)
_DATES = """January February March April May June July August September October November December Jan Feb Mar
Apr Jun Jul Aug Sep Sept Oct Nov Dec Spring Summer Autumn Fall Winter"""
_MONTHS = frozenset(_DATES.split())
_HEADING = re.compile(
    r"^ {0,3}(?:#{1,6}\s+(?P<hash>.+?)|\*\*(?P<bold>[^*\n]+?)\*\*|(?P<plain>[^\n]{3,40}?))"
    r"[ \t]{0,9}#{0,6}[ \t]{0,9}$",
    re.MULTILINE,
)
_LIST_TITLE = re.compile(
    r"(?:references?|sources?|bibliography|works cited|citations?|references and sources"
    r"|sources and references"
    r"|参考文献|参考来源|参考资料|引用来源|资料来源|来源|引用|文献|信息来源|参考)",
    re.IGNORECASE,
)
_ENTRY = re.compile(r"^\s{0,6}(?:[-*+]\s+)?(?:[\[【](\d{1,4})[\]】]|(\d{1,4})[.)、．])\s*:?\s*(.*)$")


@dataclass(frozen=True)
class Mark:
    """One thing that points at a source."""

    kind: str  # address, doi, number, footnote, author
    value: str
    start: int  # offset into the visible text; -1 when it stands in markup only
    end: int = -1


@dataclass(frozen=True)
class Reading:
    """A report as the reader sees it."""

    visible: str
    marks: list[Mark]
    entries: dict[int, str]  # the list of references: number -> text
    entries_start: int  # offset of that list, or the length of the text

    @property
    def addresses(self) -> list[str]:
        """Distinct addresses in order."""
        return list(dict.fromkeys(mark.value for mark in self.marks if mark.kind == "address"))


def count(markdown: str, sources: Sequence[Source], claims: Sequence[Claim]) -> dict[str, int]:
    """The claims by verdict, and how many references of the finished report are not this session's."""
    verdicts = {verdict.value: sum(claim.verdict is verdict for claim in claims) for verdict in Verdict}
    return {"total": len(claims), **verdicts, "fabricated": len(fabricated(markdown, sources, claims))}


def fabricated(markdown: str, sources: Sequence[Source], claims: Sequence[Claim]) -> list[Mark]:
    """Every distinct mark that points at nothing this session retrieved."""
    reading = read(markdown)
    known = _Known(sources)
    own = [*_quoted(reading.visible, claims), *_bibliographic(reading, sources)]
    foreign = [
        mark
        for mark in reading.marks
        if not known.has(mark, reading) and not any(a <= mark.start and mark.end <= b for a, b in own)
    ]
    return list({(mark.kind, mark.value): mark for mark in foreign}.values())


def read(markdown: str) -> Reading:
    visible = _visible(markdown)
    entries, start = _entries(visible)
    addresses = [_address(m) for m in _ADDRESS.finditer(visible)]
    regions = [(mark.start, mark.end) for mark in addresses]
    dois = [m for m in map(_doi, _DOI.finditer(visible)) if not any(a <= m.start < b for a, b in regions)]
    marks = [*addresses, *_hidden(markdown, addresses), *dois, *_numbers(visible, start), *_authors(visible)]
    return Reading(visible, marks, entries, start)


class _Known:
    """What this session retrieved, in the forms that a report may show it."""

    def __init__(self, sources: Sequence[Source]) -> None:
        self._addresses = {_canonical(source.url) for source in sources if source.url}
        self._dois = {_bare_doi(source.doi) for source in sources if source.doi}
        self._names = [_letters(s.title) for s in sources if len(_letters(s.title)) > 3]
        self._documents = [s.document for s in sources if len(s.document) > 3]
        self._authors = {
            (name.casefold(), str(s.year)) for s in sources for author in s.authors for name in author.split()
        }

    def has(self, mark: Mark, reading: Reading) -> bool:
        if mark.kind == "address":
            return self._has_address(mark.value)
        if mark.kind == "doi":
            return _bare_doi(mark.value) in self._dois
        if mark.kind == "number":
            return self._names_source(reading.entries.get(int(mark.value), ""))
        return mark.kind == "author" and tuple(mark.value.split(" ")) in self._authors

    def _has_address(self, address: str) -> bool:
        if address.startswith("#") or _canonical(address) in self._addresses:
            return True
        doi = re.match(r"(?:https?://)?(?:dx\.)?doi\.org/(.+)", address, re.IGNORECASE)
        return doi is not None and _bare_doi(doi.group(1)) in self._dois

    def _names_source(self, entry: str) -> bool:
        letters = _letters(entry)
        return (
            any(name in letters for name in self._names)
            or any(document in entry for document in self._documents)
            or any(self._has_address(m.value) for m in map(_address, _ADDRESS.finditer(entry)))
            or any(_bare_doi(m.group()) in self._dois for m in _DOI.finditer(entry))
        )


def _visible(markdown: str) -> str:
    """The text with escapes and entities resolved and without characters that cannot be seen."""
    shown = _ESCAPE.sub(lambda m: m.group(1) or html.unescape(m.group()), markdown)
    seen = (c for c in shown if c == "\n" or unicodedata.category(c) not in ("Cf", "Cc", "Cs"))
    return unicodedata.normalize("NFKC", "".join(seen))


def _entries(visible: str) -> tuple[dict[int, str], int]:
    start = -1
    for heading in _HEADING.finditer(visible):
        title = heading["hash"] or heading["bold"] or heading["plain"]
        if _LIST_TITLE.fullmatch(title.strip(" #*:：_0123456789.、一二三四五六七八九十")):
            start = heading.end()
    if start < 0:
        return {}, len(visible)
    entries: dict[int, str] = {}
    current = 0
    for line in visible[start:].splitlines():
        match = _ENTRY.match(line)
        if match:
            current = int(match.group(1) or match.group(2))
            entries.setdefault(current, match.group(3))
        elif current and line.strip():
            entries[current] += " " + line.strip()
    return entries, start


def _address(match: re.Match[str]) -> Mark:
    value = _trimmed(match.group())
    return Mark("address", value, match.start(), match.start() + len(value))


def _doi(match: re.Match[str]) -> Mark:
    value = _trimmed(match.group())
    return Mark("doi", value, match.start(), match.start() + len(value))


def _hidden(markdown: str, shown: Iterable[Mark]) -> list[Mark]:
    """Destinations of links that do not show as addresses in the text."""
    seen = {mark.value for mark in shown}
    found = [group for m in _DESTINATION.finditer(markdown) for group in m.groups() if group]
    found += [m.group(1) for m in _ATTRIBUTE.finditer(markdown)]
    values = [_trimmed(_visible(value)) for value in found]
    return [Mark("address", v, -1) for v in values if v and v not in seen and not v.startswith("#")]


def _numbers(visible: str, entries_start: int) -> list[Mark]:
    found = [
        Mark("number", number, match.start(), match.end())
        for match in _NUMBERS.finditer(visible)
        if not _labels_entry(visible, match, entries_start)
        for number in re.findall(r"\d+", match.group(1))
    ]
    notes = [
        Mark("footnote", match.group(1), match.start(), match.end()) for match in _FOOTNOTE.finditer(visible)
    ]
    return found + notes


def _labels_entry(visible: str, match: re.Match[str], entries_start: int) -> bool:
    line = visible.rfind("\n", 0, match.start()) + 1
    return match.start() >= entries_start and not visible[line : match.start()].strip(" -*+")


def _authors(visible: str) -> list[Mark]:
    return [
        Mark("author", f"{match.group(1).casefold()} {match.group(2)}", match.start(), match.end())
        for pattern in _AUTHORS
        for match in pattern.finditer(visible)
        if match.group(1) not in _MONTHS
    ]


def _quoted(visible: str, claims: Sequence[Claim]) -> list[tuple[int, int]]:
    """Where the report shows, in quotation marks, words that stand in the evidence."""
    found: list[tuple[int, int]] = []
    for claim in claims:
        text = _visible(claim.text)
        if text and any(_letters(text) in _letters(span.text) for span in claim.spans):
            found += _places("“" + text, visible)
    return found


def _bibliographic(reading: Reading, sources: Sequence[Source]) -> list[tuple[int, int]]:
    """Where titles, authors and venues of this session's sources are shown as such."""
    found: list[tuple[int, int]] = []
    for source in sources:
        for text in (source.title, source.venue, *source.authors):
            shown = " ".join(_visible(text).split())
            places = _places(shown, reading.visible) if len(shown) > 2 else []
            found += [p for p in places if p[0] >= reading.entries_start or _opens(reading.visible, p[0])]
    return found


def _opens(visible: str, start: int) -> bool:
    return start > 0 and visible[start - 1] in "*《"


def _places(text: str, visible: str) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    at = visible.find(text)
    while at >= 0:
        found.append((at, at + len(text)))
        at = visible.find(text, at + len(text))
    return found


def _trimmed(address: str) -> str:
    """Without the punctuation of the sentence around it."""
    surplus = {close: address.count(close) - address.count(opens) for close, opens in _PAIRS.items()}
    end = len(address)
    while end:
        last = address[end - 1]
        if last in _PAIRS and surplus[last] > 0:
            surplus[last] -= 1
        elif last not in ".,;:!?'*_~`^\\":
            break
        end -= 1
    return address[:end]


_PAIRS = {")": "(", "]": "[", "}": "{"}


def _canonical(address: str) -> str:
    plain = unquote(html.unescape(unicodedata.normalize("NFKC", address))).strip()
    plain = re.sub(r"^https?://(?:www\.)?|^www\.", "", plain, flags=re.IGNORECASE)
    host, slash, rest = plain.partition("/")
    return _trimmed(f"{host.lower()}{slash}{rest}").rstrip("/")


def _bare_doi(doi: str) -> str:
    found = re.search(r"10\.\d{4,9}.*", unquote(doi))
    return _trimmed(found.group()).casefold().rstrip("/") if found else doi.casefold()


def _letters(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
