"""Bursts of input in a real terminal: each key acts after the ones before it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tapedeck.engine.store.bar_store import BarStore
from tests.support.pseudo_terminal import Terminal, terminal


@pytest.fixture
def paused(console_store: BarStore, tmp_path: Path) -> Iterator[Terminal]:
    """A console paused at the first open."""
    path, script = tmp_path / "session.yaml", tmp_path / "open.keys"
    path.write_text(
        "session_name: Terminal\nexchange_group: US_EQUITY\n"
        "backtest_config: {start_date: 2013-11-26, end_date: 2013-11-27, speed_multiplier: 10}\n"
        "session_data_config: {symbols: [AAA, BBB], streams: [1m, 5m]}\n"
    )
    script.write_text("pause\n")
    run = ["run", str(path), "--store", str(console_store.location), "--script", str(script)]
    with terminal(tmp_path / "home", *run, columns=120, rows=36) as screen:
        screen.read_until_shown("paused", "09:30")
        yield screen


def test_keys_and_texts_of_a_burst_go_to_the_screen_that_is_open_by_then(paused: Terminal) -> None:
    paused.press("qn.")  # a refused confirmation, and a step
    paused.read_until_shown("09:31 EST")
    paused.press("..'note of the two keys\r")
    paused.read_until_shown("bookmarked: note of the two keys", "09:33 EST")
    paused.press("bAAA.close > 1\r")
    paused.read_until_shown("breakpoint 1: AAA.close > 1")
    paused.press("\x1b[Bw")  # down to another symbol, and why
    paused.read_until_shown("Why: BBB")


def test_a_filter_typed_right_after_its_key_applies(paused: Terminal) -> None:
    paused.press("/BB\r")
    paused.read_until(lambda: "▸ BBB" in paused.text and "AAA" not in paused.text, "BBB alone")


def test_a_time_typed_right_after_g_and_the_key_after_it_act_in_order(paused: Terminal) -> None:
    paused.press("g14:05\r,")
    paused.read_until_shown("◂ PAST", "14:04 EST")


def test_prompts_and_keys_work_in_one_burst_of_input(paused: Terminal) -> None:
    paused.press("g14:05\rg10:00\r...'well\r,")
    paused.read_until_shown("bookmarked: well", "10:02 EST")


def test_keys_after_a_cancelled_prompt_act(paused: Terminal) -> None:
    paused.press("g14:05")
    paused.read_until_shown("plays to it")
    paused.press("\x1b")
    paused.read_until(lambda: "plays to it" not in paused.text, "the prompt is gone")
    paused.press("..")
    paused.read_until_shown("09:32")
