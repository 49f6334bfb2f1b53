"""`tapedeck import` where files are unclear: whole commands that answer, exit codes, dry runs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tapedeck.console.cli.import_questions import answering_commands
from tapedeck.engine.intervals import MINUTE
from tapedeck.engine.store.locations import open_store

HEAD = "time,open,high,low,close,volume"
EVER = (-(1 << 40), 1 << 40)


def table(path: Path, times: list[str], *more: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{time},10,11,9,10.5,100" for time in times]
    path.write_text("\n".join([HEAD, *rows, *more, ""]), encoding="utf-8")
    return path


def clock(*minutes: int, day: str = "2013-10-07") -> list[str]:
    """Return times of a New York day from minutes since 09:30, with the offset."""
    return [f"{day} {(570 + minute) // 60:02}:{(570 + minute) % 60:02}:00-04:00" for minute in minutes]


def answers(done: Any) -> list[list[str]]:
    """Return the words after `tapedeck` of the commands that an error offers."""
    lines = [line.strip() for line in done.stderr.splitlines() if line.startswith("  tapedeck ")]
    return [shlex.split(line)[1:] for line in lines]


def count(store: Path, symbol: str) -> int:
    with open_store(store) as opened:
        return len(opened.read(symbol, MINUTE, *EVER))


def test_each_command_that_is_offered_works_as_it_is(tapedeck: Any, tmp_path: Path) -> None:
    late = table(tmp_path / "a folder" / "EWZ.csv", clock(1, 2, 3, 389, 390))
    words = ("import", "csv", late, "--interval", "1m", "--store", tmp_path / "bars.db")
    asked = tapedeck(*words)
    assert asked.exit_code == 2
    assert "Nothing was stored" in asked.stderr
    assert count(tmp_path / "bars.db", "EWZ") == 0
    close, opening = answers(asked)
    assert tapedeck(*close).exit_code == 0
    with open_store(tmp_path / "bars.db") as opened:
        # 09:30 in New York in October is 13:30 UTC.
        assert int(opened.read("EWZ", MINUTE, *EVER).opened_at[0]) == 1381152600
    assert tapedeck(*opening).exit_code == 0
    assert tapedeck(*words, "--json").document["error"]["commands"] == [
        shlex.join(["tapedeck", *close, "--json"]).replace(" --label close --json", " --json --label close"),
        shlex.join(["tapedeck", *opening, "--json"]).replace(" --label open --json", " --json --label open"),
    ]


@pytest.mark.parametrize(
    ("name", "times", "interval", "words", "answer"),
    [
        ("ABC.csv", clock(0, 5, 10, 15), "1m", "5m apart", "--as-is"),
        (
            "ABC.csv",
            [f"2013-10-{day:02} 00:00:00+00:00" for day in (7, 8, 9)],
            "1m",
            "daily",
            "--interval 1d",
        ),
        ("ABC.csv", clock(0, 1, 2, 3, 4), "1s", "1m apart", "--interval 1m"),
        ("ES_H4.csv", clock(0, 1), "1m", "no clear symbol", "--symbol ES"),
        ("TV_SPY, 1.csv", clock(0, 1), "1m", "no clear symbol", "--symbol SPY"),
    ],
)
def test_unclear_files_are_refused_with_a_command_that_works(
    tapedeck: Any, tmp_path: Path, name: str, times: list[str], interval: str, words: str, answer: str
) -> None:
    file = table(tmp_path / name, times)
    done = tapedeck("import", "csv", file, "--interval", interval, "--store", tmp_path / "bars.db")
    assert done.exit_code == 2
    assert words in done.stderr
    first = answers(done)[0]
    assert shlex.join(first).endswith(answer)
    assert tapedeck(*first).exit_code == 0


def test_rows_of_several_symbols_are_asked_about(tapedeck: Any, tmp_path: Path) -> None:
    file = tmp_path / "all.csv"
    rows = [f"{time},{price},{price},{price},{price},5,{name}" for name, price in (("AB", 1), ("CD", 70))
            for time in clock(0, 1)]  # fmt: skip
    file.write_text("\n".join([f"{HEAD},Kind", *rows, ""]), encoding="utf-8")
    done = tapedeck("import", "csv", file, "--interval", "1m", "--store", tmp_path / "bars.db")
    assert done.exit_code == 2
    assert "several symbols?" in done.stderr
    assert answers(done)[0][-2:] == ["--column", "symbol=Kind"]
    assert tapedeck(*answers(done)[0]).exit_code == 0
    assert count(tmp_path / "bars.db", "AB") == count(tmp_path / "bars.db", "CD") == 2


def test_a_file_without_a_symbol_in_a_folder_is_skipped_and_told(tapedeck: Any, tmp_path: Path) -> None:
    table(tmp_path / "in" / "ABC.csv", clock(0, 1))
    table(tmp_path / "in" / "XY, 1.csv", clock(0, 1))
    done = tapedeck("import", "csv", tmp_path / "in", "--interval", "1m", "--store", tmp_path / "bars.db")
    assert done.exit_code == 0
    assert "skipped 1 file" in done.stdout
    assert "no clear symbol" in done.stdout


def test_exit_code_3_says_what_to_try(tapedeck: Any, tmp_path: Path) -> None:
    off = table(tmp_path / "ABC.csv", ["2013-10-07 09:30:17-04:00", "2013-10-07 09:31:17-04:00"])
    words = ("import", "csv", off, "--interval", "1m", "--store", tmp_path / "bars.db")
    done = tapedeck(*words)
    assert done.exit_code == 3
    assert done.stdout.splitlines()[-1].startswith(
        "nothing was stored: no row is good; the times are not whole"
    )
    assert "--interval 1s" in tapedeck(*words, "--json").document["advice"]
    table(off, clock(0, 1))
    assert tapedeck(*words).exit_code == 0
    assert tapedeck(*words).exit_code == 0  # nothing is new
    table(off, [])
    off.write_text(off.read_text().replace("10.5", "10.25") + f"{clock(0)[0]},10,11,9,10.25,100\n")
    done = tapedeck(*words)
    assert done.exit_code == 3
    assert done.stdout.splitlines()[-1].endswith("other values, which --replace overwrites")


def test_a_dry_run_shows_the_reading_and_writes_nothing(tapedeck: Any, tmp_path: Path) -> None:
    file = table(tmp_path / "ABC-1m-2013-10.csv", clock(0, 1, 2, 3))
    words = ("import", "csv", file, "--interval", "1m", "--store", tmp_path / "bars.db", "--dry-run")
    done = tapedeck(*words)
    assert done.exit_code == 0
    assert "4 good, 0 rejected; nothing is written (dry run)" in done.stdout
    assert "first bars of ABC, times are America/New_York:" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [words for words in lines if words[:1] == ["2013-10-07"]] == [
        ["2013-10-07", f"09:{minute}", "10.00", "11.00", "9.00", "10.50", "100"] for minute in (30, 31, 32)
    ]
    assert ["ABC", "4", "2013-10-07", "09:30", "2013-10-07", "09:33", "1m", "09:30-09:34"] in lines
    assert "symbol  the name of the file" in done.stdout
    document = tapedeck(*words, "--json").document
    assert document["store"] is None
    assert document["series"][0]["first"] == "2013-10-07T09:30:00-04:00"
    table(file, clock(0, 5, 10, 15))
    asked = tapedeck(*words)
    assert asked.exit_code == 2
    assert asked.stdout.startswith("4 rows: 4 good")
    assert "columns as understood" in asked.stdout
    assert "5m apart" in asked.stderr
    assert not (tmp_path / "bars.db").exists()


def test_a_dry_run_that_asks_before_the_first_row_shows_the_question_only(
    tapedeck: Any, tmp_path: Path
) -> None:
    file = table(tmp_path / "ABC.csv", ["2013-10-07 09:30:00", "2013-10-07 09:31:00"])
    done = tapedeck("import", "csv", file, "--interval", "1m", "--dry-run")
    assert (done.exit_code, done.stdout) == (2, "")
    assert answers(done)[0][-2:] == ["--zone", "America/New_York"]


def test_a_date_and_a_time_of_day_with_unknown_names_are_both_offered(tapedeck: Any, tmp_path: Path) -> None:
    file = tmp_path / "SAP.csv"
    rows = [
        "25.03.2024;09:00;178,54;178,57;178,47;178,50;2380",
        "25.03.2024;09:01;178,5;178,6;178,4;178,6;249",
    ]
    file.write_text("\n".join(["Jour;Heure;Ouv;Haut;Bas;Dernier;Actions", *rows, ""]), encoding="utf-8")
    store = tmp_path / "bars.db"
    words = ("--interval", "1m", "--zone", "Europe/Berlin", "--exchange", "XETR", "--store", store)
    done = tapedeck("import", "csv", file, *words)
    assert done.exit_code == 2
    assert answers(done)[0][-2:] == ["--columns", "date,time,open,high,low,close,volume"]
    assert tapedeck(*answers(done)[0]).exit_code == 0
    assert count(store, "SAP") == 2


def test_columns_by_position_are_offered_for_the_folder_and_for_the_file(
    tapedeck: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    table(folder / "ABC.csv", clock(0, 1))
    other = folder / "XYZ.csv"
    rows = [f"{time},11,9,10,10.5" for time in clock(0, 1)]
    other.write_text("\n".join(["Quand,Haut,Bas,Dernier,Ouv", *rows, ""]), encoding="utf-8")
    done = tapedeck("import", "csv", folder, "--interval", "1m", "--store", tmp_path / "bars.db")
    assert done.exit_code == 2
    places = [words[2] for words in answers(done)]
    assert set(places) == {str(folder), str(other)}
    for words in answers(done):
        if words[2] == str(other):
            assert tapedeck(*words, "--dry-run").exit_code == 0


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
def test_german_names_are_read_at_first_try(tapedeck: Any, tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "SAP.csv"
    rows = [
        "25.03.2024;09:00;178,54;178,57;178,47;178,50;2.380",
        "25.03.2024;09:01;178,5;178,6;178,4;178,6;249",
    ]
    names = "Datum;Uhrzeit;Eröffnung;Hoch;Tief;Schluss;Volumen"
    file.write_text("\n".join([names, *rows, ""]), encoding=encoding)
    words = ("--interval", "1m", "--zone", "Europe/Berlin", "--exchange", "XETR", "--dry-run", "--json")
    first = tapedeck("import", "csv", file, *words).document["first_bars"][0]
    assert first == {
        "symbol": "SAP", "timestamp": "2024-03-25T09:00:00+01:00",
        "open": 178.54, "high": 178.57, "low": 178.47, "close": 178.5, "volume": 2380,
    }  # fmt: skip


def test_many_symbols_are_cut_in_the_report_and_complete_as_json(tapedeck: Any, tmp_path: Path) -> None:
    for number in range(23):
        table(tmp_path / "in" / f"SYM{number:02}.csv", clock(0, 1))
    words = ("import", "csv", tmp_path / "in", "--interval", "1m", "--store", tmp_path / "bars.db")
    done = tapedeck(*words)
    assert sum(line.startswith("SYM") for line in done.stdout.splitlines()) == 20
    assert "… and 3 more" in done.stdout
    assert len(tapedeck(*words, "--json").document["series"]) == 23


def test_unknown_symbols_name_the_nearest_stored_one(tapedeck: Any, tmp_path: Path) -> None:
    table(tmp_path / "BTCUSDT.csv", clock(0, 1, 2))
    store = tmp_path / "bars.db"
    tapedeck("import", "csv", tmp_path / "BTCUSDT.csv", "--interval", "1m", "--store", store)
    session = tmp_path / "s.yaml"
    session.write_text(
        "session_name: s\nexchange_group: US_EQUITY\nmode: backtest\n"
        "backtest_config: {start_date: 2013-10-07, end_date: 2013-10-07}\n"
        "session_data_config: {symbols: [BTC], streams: [1m]}\n"
    )
    for words in (
        ("coverage", session),
        ("run", session, "--no-ui"),
        ("bars", "BTC", "--date", "2013-10-07", "--interval", "1m"),
    ):
        done = tapedeck(*words, "--store", store)
        assert done.exit_code == 3
        assert "BTCUSDT" in done.stdout + done.stderr, words


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(max_size=8).filter(lambda word: not word.startswith("-")), max_size=4),
    st.dictionaries(st.sampled_from(["--label", "--symbol", "--interval"]), st.text(min_size=1, max_size=8)),
)
def test_commands_are_quoted_and_have_each_answer_once(words: list[str], way: dict[str, str]) -> None:
    given_before = ["import", "csv", *words, "--label", "x", "--symbol=y", "--column", "time=t"]
    (line,) = answering_commands(given_before, Path("f"), Path("f"), [way])
    parsed = shlex.split(line)
    assert parsed[: 3 + len(words)] == ["tapedeck", "import", "csv", *words]
    for flag, value in way.items():
        assert parsed.count(flag) == 1
        assert parsed[parsed.index(flag) + 1] == value
        assert not any(word.startswith(f"{flag}=") for word in parsed[3 + len(words) :] if word not in words)
    assert parsed[parsed.index("--column", 3 + len(words)) + 1] == "time=t"


def test_an_answer_replaces_one_column_and_leaves_out_options() -> None:
    before = ["import", "csv", "f", "--column", "symbol=A", "--column=time=T", "--symbol", "X", "--as-is"]
    ways = [{"--column": "symbol=B", "--symbol": None}, {"--as-is": ""}]
    assert answering_commands(before, Path("f"), Path("f"), ways) == [
        "tapedeck import csv f --column=time=T --as-is --column symbol=B",
        "tapedeck import csv f --column symbol=A --column=time=T --symbol X --as-is",
    ]
