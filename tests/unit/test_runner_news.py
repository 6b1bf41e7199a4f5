from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from research.runner.news import News


def test_a_foreign_commit_is_news_once(tmp_path: Path) -> None:
    path = tmp_path / "news.sqlite3"
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("CREATE TABLE row (id)")
        other.commit()
        has_news = News(path)
        assert [has_news(), has_news(), has_news()] == [True, False, False]
        other.execute("INSERT INTO row VALUES (1)")
        other.commit()
        assert [has_news(), has_news()] == [True, False]
        has_news.close()


def test_without_a_database_file_there_is_always_news(tmp_path: Path) -> None:
    has_news = News(tmp_path / "missing.sqlite3")
    assert [has_news(), has_news(), has_news()] == [True, True, True]


def test_on_another_database_there_is_always_news() -> None:
    has_news = News(None)
    assert [has_news(), has_news()] == [True, True]
