"""Report of a run with strategies: what each of them did, and what became of the account."""

from __future__ import annotations

from dataclasses import asdict, replace

import pytest

from tapedeck.console.cli.run_report import outcome_document, write_report
from tapedeck.console.cli.terminal import Terminal
from tapedeck.console.panel_data.account_lines import account_line, strategy_lines
from tapedeck.engine.broker.account_summary import AccountMoment, AccountSummary, HeldShares, StrategyResult
from tests.console.test_symbols_in_reports import PLAIN, outcome

HELD = HeldShares("cross", "SPY", 1.0, 168.5)
START = AccountMoment(100_000.0, 100_000.0, 0.0, 0.0, ())
EVENING = AccountMoment(98_000.0, 100_100.5, 150.0, 2.0, (HELD,))
END = AccountMoment(99_900.0, 99_900.0, -97.0, 3.0, ())
FIRST = replace(
    PLAIN,
    account=AccountSummary(
        START,
        EVENING,
        (StrategyResult("cross", 1200, 3, 9, 4, 150.0, "limit"), StrategyResult("slow", 0, 0, 0, 0, 0.0)),
    ),
)
SECOND = replace(PLAIN, account=AccountSummary(EVENING, END, (StrategyResult("cross", 1, 0, 1, 1, -247.0),)))
DID = [
    "cross: 1,201 orders (3 refused, the last: limit), 10 fills, 5 trades, profit -97.00",
    "slow: 0 orders, 0 fills, 0 trades",
]
LOST = "equity 99,900.00 at the end, 100.00 less than at the start; cash 99,900.00, no position held, "


def test_the_lines_add_up_the_sessions() -> None:
    assert strategy_lines([PLAIN]) == []
    assert account_line([PLAIN]) == ""
    assert strategy_lines([FIRST, SECOND]) == DID
    assert account_line([FIRST, SECOND]) == f"{LOST}commission 3.00"
    assert account_line([FIRST]).startswith("equity 100,100.50 at the end, 100.50 more than at the start; ")
    assert account_line([FIRST]).endswith("1 position held, commission 2.00")
    idle = replace(PLAIN, account=AccountSummary(START, START, ()))
    assert account_line([idle]).startswith("equity 100,000.00 at the end, as at the start; cash")


def test_the_report_has_the_lines_only_with_strategies(capsys: pytest.CaptureFixture[str]) -> None:
    write_report(outcome(PLAIN), Terminal())
    assert "strateg" not in capsys.readouterr().out
    write_report(outcome(FIRST, SECOND), Terminal())
    written = capsys.readouterr().out
    assert f"\nstrategy {DID[0]}\nstrategy {DID[1]}\naccount: " in written
    assert f"account: {LOST}" in written


def test_the_document_of_a_run_has_an_account_only_with_strategies() -> None:
    [plain], [played] = (outcome_document(outcome(one), None)["sessions"] for one in (PLAIN, FIRST))
    assert [*plain, "account"] == list(played)
    assert played["account"]["closing"]["positions"] == (asdict(HELD),)
    run = outcome(FIRST)
    assert "strategy_code" not in outcome_document(run, None)
    run = replace(run, summary=replace(run.summary, strategy_code={"cross": "c0de"}))
    assert outcome_document(run, None)["strategy_code"] == {"cross": "c0de"}
