"""Settings are read in one place, which refuses nonsense aloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from prowzi_site.env import BadSetting, Environment, database


def test_the_process_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=1\nHOST=from-file\n")
    env = Environment({"PORT": "2"}, dotenv=file)
    assert (env.text("PORT"), env.text("HOST")) == ("2", "from-file")


def test_tests_do_not_read_a_developers_env_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PROWZI_LLM=expensive\n")
    assert Environment({"PROWZI_TESTING": "1"}, dotenv=file).text("PROWZI_LLM", "offline") == "offline"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=plain", "plain"),
        ("export NAME=exported", "exported"),
        ('NAME="in quotation marks"', "in quotation marks"),
        ("NAME='a=b'", "a=b"),
        ("#NAME=commented", ""),
        ("NAME", ""),
    ],
)
def test_env_file_lines(tmp_path: Path, line: str, value: str) -> None:
    file = tmp_path / ".env"
    file.write_text(f"\n# a comment\n{line}\n")
    assert Environment({}, dotenv=file).text("NAME") == value


def test_a_missing_env_file_is_no_error(tmp_path: Path) -> None:
    assert Environment({}, dotenv=tmp_path / "none").text("NAME", "default") == "default"


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    assert Environment({"KEY_FILE": str(secret)}).text("KEY") == "hush"
    assert Environment({"KEY_FILE": str(secret), "KEY": "aloud"}).text("KEY") == "aloud"


def test_an_unreadable_secret_is_named_and_never_skipped(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"KEY_FILE=.*cannot be read: No such file"):
        Environment({"KEY_FILE": str(tmp_path / "none")}).text("KEY", "default")


@pytest.mark.parametrize(("value", "flag"), [("1", True), ("Yes", True), ("off", False), ("FALSE", False)])
def test_flags(value: str, flag: bool) -> None:
    assert Environment({"DEBUG": value}).flag("DEBUG", not flag) is flag


def test_an_empty_value_is_the_default() -> None:
    env = Environment({"DEBUG": "", "PORT": " "})
    assert env.flag("DEBUG", True) is True
    assert env.whole("PORT", 8000) == 8000
    assert env.number("PROWZI_BUDGET_USD", None) is None


def test_a_flag_that_is_neither_is_refused() -> None:
    with pytest.raises(BadSetting, match="DEBUG=maybe is neither true nor false"):
        Environment({"DEBUG": "maybe"}).flag("DEBUG", False)


@pytest.mark.parametrize("value", ["nan", "-1", "x", "1,5", "-inf", "inf"])
def test_a_number_that_cannot_be_used_is_refused(value: str) -> None:
    with pytest.raises(BadSetting, match="PROWZI_LEASE_SECONDS="):
        Environment({"PROWZI_LEASE_SECONDS": value}).number("PROWZI_LEASE_SECONDS", 15)


@pytest.mark.parametrize("value", ["0", "-3", "1.5", "many", "²"])
def test_a_whole_number_that_cannot_be_used_is_refused(value: str) -> None:
    with pytest.raises(BadSetting, match="PROWZI_WORKERS="):
        Environment({"PROWZI_WORKERS": value}).whole("PROWZI_WORKERS", 2, least=1)


def test_words_are_split_at_commas_and_spaces() -> None:
    assert Environment({"PROWZI_ENGINES": "library, arxiv  crossref,"}).words("PROWZI_ENGINES") == [
        "library",
        "arxiv",
        "crossref",
    ]


def test_options_are_grouped_by_name() -> None:
    env = Environment(
        {"PROWZI_ENGINE_EXA__API_KEY": "k", "PROWZI_ENGINE_EXA__RATE": "2", "PROWZI_ENGINES": "exa"}
    )
    assert env.options("PROWZI_ENGINE_") == {"exa": {"api_key": "k", "rate": "2"}}


def test_no_address_means_sqlite_in_the_data_folder(tmp_path: Path) -> None:
    settings = database("", tmp_path)
    assert settings["NAME"] == str(tmp_path / "prowzi.sqlite3")


def test_a_postgres_address_is_taken_apart() -> None:
    settings = database("postgres://pro:p%40ss@db.example.org:5433/wzi?sslmode=require", Path("/nowhere"))
    assert (settings["USER"], settings["PASSWORD"], settings["HOST"]) == ("pro", "p@ss", "db.example.org")
    assert (settings["PORT"], settings["NAME"]) == ("5433", "wzi")
    assert settings["OPTIONS"] == {"connect_timeout": 5, "sslmode": "require"}


@pytest.mark.parametrize("url", ["mysql://a/b", "postgres://host", "nonsense", "postgres://host:port/x"])
def test_an_address_of_another_kind_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadSetting, match="DATABASE_URL cannot be used"):
        database(url, Path("/nowhere"))
