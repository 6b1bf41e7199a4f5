"""Every parser keeps the point's promises; every refusal of a document has its name (S28)."""

from __future__ import annotations

import io
import json
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import docx
import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from research.errors import DocumentRefused
from research.library import sandbox as sandboxes
from research.library.sandbox import Answer, Request, Sandbox
from research.providers.parsers import REFUSALS, Parsed, clean, parse, parsers
from tests.conftest import ROOT

TEXT = "Coffee after six delays sleep by forty minutes. Tea does less."
CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/xml"/></Types>'
)


def pdf(text: str = TEXT, *, password: str = "", title: str = "") -> bytes:
    writer = PdfWriter()
    page = writer.add_blank_page(600, 800)
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    fonts = DictionaryObject({NameObject("/F1"): writer._add_object(font)})
    page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    stream = DecodedStreamObject()
    stream.set_data(f"BT /F1 12 Tf 50 700 Td ({text}) Tj ET".encode())
    page[NameObject("/Contents")] = writer._add_object(stream)
    if title:
        writer.add_metadata(
            {"/Title": title, "/Author": "Ada Lovelace; Alan Turing", "/CreationDate": "D:20240102"}
        )
    if password:
        writer.encrypt(password)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def word(*, title: str = "Sleep") -> bytes:
    document = docx.Document()
    document.core_properties.title = title
    document.add_paragraph(TEXT)
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip((cell for row in table.rows for cell in row.cells), "abcd", strict=True):
        cell.text = f"cell {text}"
    document.add_paragraph("After the table.")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def package(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", CONTENT_TYPES)
        for name, text in members.items():
            archive.writestr(f"word/{name}.xml", text)
    return out.getvalue()


HTML = (
    f"<!doctype html><html><head><title>Sleep</title></head><body><nav>Menu</nav><p>{TEXT}</p></body></html>"
)
XXE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
SAMPLES: dict[str, tuple[str, bytes]] = {
    "pdf": ("a.pdf", pdf(title="Coffee and sleep")),
    "docx": ("a.docx", word()),
    "html": ("a.html", HTML.encode()),
    "markdown": ("a.md", f"# Sleep\r\n\r\n{TEXT}\0".encode() + b" and so on" * 200),
    "text": ("a.txt", TEXT.encode()),
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seconds=10, children=1) as opened:
        yield opened


def refusal(sandbox: Sandbox, data: bytes, name: str) -> str:
    answer = sandbox.parse(Request(name, data))
    assert isinstance(answer, DocumentRefused), answer
    assert answer.refusal in REFUSALS
    assert answer.message.endswith(".")
    return answer.refusal


def taken(sandbox: Sandbox, data: bytes, name: str) -> Answer:
    answer = sandbox.parse(Request(name, data))
    assert isinstance(answer, Answer), answer
    return answer


def test_every_parser_has_a_sample() -> None:
    assert set(parsers()) == set(SAMPLES)


@pytest.mark.parametrize("kind", SAMPLES)
def test_it_tells_its_kind_by_content_and_keeps_the_text(kind: str, sandbox: Sandbox) -> None:
    name, data = SAMPLES[kind]
    answer = taken(sandbox, data, name)
    assert answer.kind == kind
    assert TEXT in answer.parsed.text
    assert answer.parsed.text == clean(answer.parsed.text)


@pytest.mark.parametrize("kind", SAMPLES)
def test_it_gives_the_same_in_the_child_as_here(kind: str, sandbox: Sandbox) -> None:
    name, data = SAMPLES[kind]
    answer = taken(sandbox, data, name)
    assert (answer.kind, answer.parsed) == parse(data, name)


@pytest.mark.parametrize("kind", SAMPLES)
def test_damage_is_a_refusal_or_a_text_never_an_error(kind: str, sandbox: Sandbox) -> None:
    name, data = SAMPLES[kind]
    dice = random.Random(kind)
    for _ in range(12):
        damaged = bytearray(data[: dice.randrange(1, len(data))])
        for _ in range(20):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        answer = sandbox.parse(Request(name, bytes(damaged)))
        assert isinstance(answer, Answer) or answer.refusal in REFUSALS


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (b"", "a.txt", "empty"),
        (b" \n\0", "a.txt", "empty"),
        (random.Random(1).randbytes(4000), "a.txt", "unknown_kind"),  # the name alone makes no text
        ("コーヒーと睡眠,1\n".encode("shift-jis") * 40, "a.csv", "unknown_kind"),
        ("コーヒーと睡眠\n".encode("shift-jis") * 40, "a.txt", "unknown_kind"),
        (b"a,b\n1,2\n", "a.csv", "unknown_kind"),
        (b'{"a": 1}', "a", "unknown_kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "a.html", "unknown_kind"),
        (XXE, "a.txt", "unknown_kind"),
        (b"PK\x03\x04 not a zip", "a.zip", "unknown_kind"),
        (b"PK\x03\x04 not a zip", "a.docx", "broken"),
        (package(other="x")[:-30], "a.docx", "broken"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "a.xls", "unknown_kind"),
        (b"\x80\x04\x95cposix\nsystem\n.", "a.txt", "unknown_kind"),
        (pdf(password="open sesame"), "a.pdf", "encrypted"),
        (pdf("")[:200], "a.pdf", "broken"),
        (pdf(""), "a.pdf", "no_text"),
        (b"<html><body><script>alert(1)</script></body></html>", "a.html", "no_text"),
    ],
)
def test_each_refusal_has_its_name(data: bytes, name: str, code: str, sandbox: Sandbox) -> None:
    assert refusal(sandbox, data, name) == code


def test_names_lie_and_content_decides(sandbox: Sandbox) -> None:
    assert taken(sandbox, pdf(), "a.txt").kind == "pdf"
    assert taken(sandbox, word(), "a.pdf").kind == "docx"


def test_a_pdf_tells_title_authors_year_and_pages(sandbox: Sandbox) -> None:
    parsed = taken(sandbox, pdf(title="Coffee and sleep"), "a.pdf").parsed
    assert parsed.title == "Coffee and sleep"
    assert parsed.metadata == {"authors": ["Ada Lovelace", "Alan Turing"], "year": 2024}
    assert parsed.pages == [0]
    assert taken(sandbox, pdf(title="Microsoft Word - draft.doc"), "a.pdf").parsed.title == ""


def test_a_word_document_keeps_its_tables_where_they_stand(sandbox: Sandbox) -> None:
    text = taken(sandbox, word(), "a.docx").parsed.text
    assert text == f"{TEXT}\n\ncell a\tcell b\ncell c\tcell d\n\nAfter the table."


def test_a_page_loses_its_menu(sandbox: Sandbox) -> None:
    page = HTML.replace(TEXT, TEXT * 5)
    parsed = taken(sandbox, page.encode(), "a.html").parsed
    assert "Menu" not in parsed.text
    assert parsed.title == "Sleep"


def test_markdown_tells_what_its_front_matter_says() -> None:
    _, parsed = parse(b"---\ntitle: 'T'\nauthors: [A B, C]\ndate: 2024-05-01\n---\nText", "a.md")
    assert parsed == Parsed("T", "Text", {"authors": ["A B", "C"], "year": 2024})


@pytest.mark.parametrize(
    "members",
    [
        {"document": "<w/>" + " " * 250_000_000},  # unpacks to too much
        {"document": "<w/>", "media": "0" * 30_000_000},  # too steep
        {f"part{n}": "" for n in range(5_001)},  # too many
    ],
    ids=["size", "ratio", "members"],
)
def test_s28_a_bomb_in_a_word_document_is_not_unpacked(members: dict[str, str], sandbox: Sandbox) -> None:
    assert refusal(sandbox, package(**members), "a.docx") == "too_large"


def rewritten(change: Callable[[str], bytes]) -> bytes:
    """A good Word document whose main part was changed."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word())) as good, zipfile.ZipFile(out, "w") as archive:
        for name in good.namelist():
            part = good.read(name)
            archive.writestr(name, change(part.decode()) if name == "word/document.xml" else part)
    return out.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_s28_a_word_document_with_a_dtd_is_refused(encoding: str, sandbox: Sandbox) -> None:
    def change(xml: str) -> bytes:
        body = xml.partition("?>")[2]
        return f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE w [<!ENTITY x "y">]>{body}'.encode(
            encoding
        )

    assert taken(sandbox, rewritten(str.encode), "a.docx").kind == "docx"
    assert refusal(sandbox, rewritten(change), "a.docx") == "broken"


def test_s28_a_large_word_document_is_not_unpacked_however_flat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parsers()["docx"], "MOST_UNPACKED", 1000)
    with pytest.raises(DocumentRefused, match="would unpack"):
        parse(word(), "a.docx")


PROBE = """
import json, os, resource, socket, subprocess, sys
from research.providers.parsers import child, parsers
parsers()
child._warm()
held = child.lock_down()
def tried(action):
    try:
        action()
    except (OSError, PermissionError, MemoryError) as error:
        return type(error).__name__
    return "done"
print(json.dumps(held | {
    "socket": tried(lambda: socket.socket()),
    "program": tried(lambda: subprocess.Popen(["true"])),
    "shell": tried(lambda: os.system("true")),
    "write": tried(lambda: open(sys.argv[1], "w")),
    "read": tried(lambda: open("/etc/passwd")),
    "own": tried(lambda: open(json.__file__).close()),
    "memory": tried(lambda: bytearray(child.MEMORY)),
    "limits": [resource.getrlimit(getattr(resource, f"RLIMIT_{n}"))[1] for n in ("AS", "FSIZE", "CORE")],
}))
"""


def test_s28_the_child_has_no_network_no_programs_no_files_and_little_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path / "written")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = json.loads(done.stdout)
    assert (
        told["socket"]
        == told["program"]
        == told["shell"]
        == told["write"]
        == told["read"]
        == "PermissionError"
    )
    assert told["own"] == "done"
    assert told["memory"] == "MemoryError"
    assert told["limits"] == [2**30, 0, 0]
    assert told["parent_death"]
    assert told["no_new_privileges"]
    assert not (tmp_path / "written").exists()


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A child that does what the name of its document says."""
    monkeypatch.setattr(sandboxes, "_COMMAND", (sys.executable, "-m", "tests.conformance.parser_stub"))
    with Sandbox(seconds=2, children=1) as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("hang", "too_slow"),
        ("spin", "too_slow"),
        ("exit", "broken"),
        ("abort", "broken"),
        ("oom", "too_much_memory"),
        ("grow", "too_much_memory"),
        ("flood", "too_much_text"),
        ("half", "broken"),
        ("deep", "broken"),
    ],
)
def test_a_child_that_dies_costs_its_own_document_only(name: str, code: str, stub: Sandbox) -> None:
    first, second, third = stub.parse_each(
        [Request("good", b"x"), Request(name, b"x"), Request("good", b"x")]
    )
    assert isinstance(second, DocumentRefused)
    assert second.refusal == code
    assert isinstance(first, Answer)
    assert isinstance(third, Answer)


def test_no_child_outlives_its_sandbox() -> None:
    with Sandbox(children=1) as opened:
        taken(opened, TEXT.encode(), "a.txt")
        child = opened._idle.get()
        assert child is not None
        opened._idle.put(child)
    assert child._process.returncode is not None


def test_a_child_ends_with_its_parent_also_while_it_works() -> None:
    lines = """
import json, os, sys
from research.library import sandbox
sandbox._COMMAND = (sys.executable, "-m", "tests.conformance.parser_stub")
child = sandbox._Child()
about = json.dumps({"name": "hang", "seconds": 9}).encode()
child._to.write(sandbox.HEAD.pack(len(about), 1) + about + b"x")
child._to.flush()
print(child._process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    done = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL
    pid = int(done.stdout)
    for _ in range(200):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return
        if state == "Z":
            return
        time.sleep(0.02)
    pytest.fail("the child goes on without its parent")


def test_children_get_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, object] = {}
    popen = subprocess.Popen

    def start(*args: object, **options: object) -> object:
        seen.update(options)
        return popen(*args, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(subprocess, "Popen", start)
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with Sandbox(children=1) as opened:
        taken(opened, TEXT.encode(), "a.txt")
    assert set(seen["env"]) == {"LANG", "PYTHONDONTWRITEBYTECODE"}  # type: ignore[call-overload]
