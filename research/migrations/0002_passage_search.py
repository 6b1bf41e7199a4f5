"""The tables behind the library's search; a passage leaves them with its row."""

from django.db import migrations

_SQLITE = (
    "CREATE VIRTUAL TABLE research_passage_words USING fts5(title, body, tokenize='ascii')",
    "CREATE VIRTUAL TABLE research_passage_vocabulary USING fts5vocab(research_passage_words, row)",
    "CREATE TRIGGER research_passage_words_leave AFTER DELETE ON research_passage BEGIN"
    " DELETE FROM research_passage_words WHERE rowid = old.id; END",
    "CREATE INDEX research_document_sums ON research_document (owner_id, passage_count, chars)",
)
_POSTGRESQL = (
    "CREATE TABLE research_passage_words ("
    " passage_id bigint PRIMARY KEY REFERENCES research_passage (id) ON DELETE CASCADE,"
    " title text NOT NULL, body text NOT NULL, stream tsvector NOT NULL)",
    "CREATE INDEX research_passage_words_stream ON research_passage_words USING gin (stream)",
    "CREATE INDEX research_document_sums ON research_document (owner_id, passage_count, chars)",
)
_BACK = ("DROP INDEX research_document_sums", "DROP TABLE research_passage_words")


def _run(schema_editor, statements):
    for statement in statements:
        schema_editor.execute(statement, params=None)


def create(apps, schema_editor):
    _run(schema_editor, {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}.get(schema_editor.connection.vendor, ()))


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        _run(schema_editor, ("DROP TRIGGER research_passage_words_leave", "DROP TABLE research_passage_vocabulary"))
    if schema_editor.connection.vendor in ("sqlite", "postgresql"):
        _run(schema_editor, _BACK)


class Migration(migrations.Migration):
    dependencies = [("research", "0001_sessions")]
    operations = [migrations.RunPython(create, drop)]
