"""docs/feeds.md: its feed runs, its script is valid, its tables are complete."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from threading import Condition
from types import SimpleNamespace
from typing import Any

import yaml
from market_kit import at

from tapedeck.engine.clock.live_clock import LiveClock
from tapedeck.engine.config.documents import parse_text
from tapedeck.engine.feeds.fault_script import FaultScript, RandomFaults, parse_fault_script
from tapedeck.engine.feeds.feed_bar import BarKind, FeedBar
from tapedeck.engine.feeds.live_feed import FeedSink, LiveFeed
from tapedeck.engine.feeds.registry import GROUP
from tapedeck.engine.intervals import MINUTE

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "feeds.md").read_text(encoding="utf-8")


def block(language: str) -> str:
    (code,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return str(code)


def table_after(title: str) -> str:
    """Return the rows of all tables in a section."""
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    return "\n".join(line for line in section.splitlines() if line.startswith("|"))


class Recorder:
    def __init__(self) -> None:
        self.received: list[FeedBar] = []
        self.changed = Condition()

    def bars(self, bars: Sequence[FeedBar]) -> None:
        with self.changed:
            self.received += bars
            self.changed.notify_all()

    def forming(self, bars: Sequence[FeedBar]) -> None: ...

    def provider_time(self, seconds: float) -> None: ...

    def lost(self, reason: str) -> None: ...


def test_the_feed_of_the_page_has_about_30_lines_and_records_bars() -> None:
    code = block("python")
    assert len(code.split("class ")[1].splitlines()) <= 33
    names: dict[str, Any] = {}
    exec(compile(code, "docs/feeds.md", "exec"), names)
    feed: LiveFeed = names["DiceFeed"](SimpleNamespace(clock=LiveClock(speed=3600, start=at("09:30"))))
    recorder = Recorder()
    sink: FeedSink = recorder
    feed.connect(sink, 1.0)
    try:
        feed.subscribe(["AIG", "SPY"], MINUTE)
        with recorder.changed:
            assert recorder.changed.wait_for(lambda: len(recorder.received) >= 6, 20)
    finally:
        feed.close()
        feed.close()
    received = recorder.received[:6]
    assert [bar.symbol for bar in received] == ["AIG", "SPY"] * 3
    assert [(bar.opened_at - received[0].opened_at) // 60 for bar in received] == [0, 0, 1, 1, 2, 2]
    assert all(101 <= bar.close <= 106 for bar in received)
    assert feed.name == "dice"


def test_the_entry_point_of_the_page_is_in_the_group_that_is_searched() -> None:
    assert list(tomllib.loads(block("toml"))["project"]["entry-points"]) == [GROUP]


def test_the_script_of_the_page_is_valid() -> None:
    text = block("yaml")
    script = parse_fault_script(parse_text(text, "docs/feeds.md", is_json=False))
    assert [fault.kind for fault in script.faults] == re.findall(r"kind: (\w+)", text)
    assert script.random is not None
    assert yaml.safe_load(text)["random"] == {
        "seed": 7, "duplicate": 0.05, "late": 0.02, "missing": 0.01, "disconnect": 0.005,
    }  # fmt: skip


def test_the_tables_of_fault_scripts_are_complete() -> None:
    rows = table_after("Fault scripts")
    schema = FaultScript.model_json_schema()["$defs"]
    models = {
        one["properties"]["kind"]["const"]: one for one in schema.values() if "kind" in one["properties"]
    }
    assert len(models) == 11
    for kind, model in models.items():
        (row,) = re.findall(rf"^\| `{kind}` \|.*$", rows, re.MULTILINE)
        for field in model["properties"].keys() - {"at", "for", "symbol", "kind"}:
            assert f"`{field}`" in row
    for field in RandomFaults.model_fields.keys() - {"seed"}:
        assert f"`{field}`" in rows
    for field in FaultScript.model_fields:
        assert f"{field}" in PAGE


def test_the_ranks_of_the_page_are_those_of_the_kinds() -> None:
    rows = re.findall(r"^\| (\d) \| `(\w+)` \|", table_after("Which version of a bar counts"), re.MULTILINE)
    assert {kind: int(rank) for rank, kind in rows} == {kind.value: kind.precedence for kind in BarKind}


def test_the_protocol_tables_name_every_member() -> None:
    rows = table_after("The protocol")
    members = [name for one in (LiveFeed, FeedSink) for name in vars(one) if not name.startswith("_")]
    assert len(members) == 11
    for name in members:
        assert re.search(rf"\| `{name}[`(]", rows)
