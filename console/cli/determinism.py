"""`--check-determinism`: a session file is played twice, and what the strategies did is compared.

The second play has a process of its own, with another order of sets, so that a strategy which depends on
that, or on what an earlier play left in memory, is found.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

from tapedeck.console.cli.batch import BatchOptions, Determinism, Outcome, play
from tapedeck.console.cli.interrupts import Interrupts
from tapedeck.console.cli.invocation import Invocation
from tapedeck.console.cli.terminal import Terminal
from tapedeck.console.panel_data.account_lines import count
from tapedeck.engine.broker.account_record import AccountAt
from tapedeck.engine.broker.orders import OrderRecord
from tapedeck.engine.config import SessionConfig
from tapedeck.engine.errors import EngineError
from tapedeck.engine.read.account_difference import AccountDifference, first_difference
from tapedeck.engine.read.played_accounts import PlayedAccount, PlayedAccounts
from tapedeck.engine.store.bar_store import BarStore
from tapedeck.engine.store.locations import open_store

_CHILD: Final = "from tapedeck.console.cli.determinism import play_again; play_again()"
_POLL_S: Final = 0.1


def play_twice(
    config: SessionConfig, store: BarStore, location: Path, invocation: Invocation, options: BatchOptions
) -> Outcome:
    """Play a session file as `play`, then again, and return the outcome with the comparison.

    Without one if the first play fails or is interrupted. Raises as `play`.
    """
    first = PlayedAccounts()
    outcome = play(
        config,
        store,
        terminal=invocation.terminal,
        export=invocation.settings.export,
        interrupts=invocation.interrupts,
        batch_options=options,
        sinks=(first,),
    )
    if outcome.error is not None or outcome.interrupted:
        return outcome
    invocation.terminal.remark("playing again, to compare")
    try:
        second = _second_play(invocation, config, location, options.breaks)
    except EngineError as error:
        return replace(outcome, determinism=Determinism(False, str(error)))
    if second is None:
        return replace(outcome, interrupted=True)
    return replace(outcome, determinism=compared(first.days, second))


def compared(first: Sequence[PlayedAccount], second: Sequence[PlayedAccount]) -> Determinism:
    """Return the comparison of two plays, session by session."""
    for one, other in zip_longest(first, second):
        if one is None or other is None or one.record.day != other.record.day:
            days = [str(day.record.day) if day is not None else "nothing" for day in (one, other)]
            return Determinism(False, f"the first run played {days[0]}, the second {days[1]}")
        difference = first_difference(one.account, other.account)
        if difference is not None:
            return Determinism(False, _in_words(difference, one))
    accounts = [day.account for day in first]
    totals = [
        count(sum(len(items) for items in found), word)
        for found, word in (
            ([_decided(one) for one in accounts], "order"),
            ([one.fills for one in accounts], "fill"),
            ([one.notes for one in accounts], "note"),
        )
    ]
    return Determinism(True, f"both runs are the same: {', '.join(totals)}, and equity at every slot")


def _decided(account: AccountAt) -> list[OrderRecord]:
    """Return the orders of a session, without those that worked at its beginning."""
    return [order for order in account.orders if order.day == account.record.day]


def _in_words(difference: AccountDifference, played: PlayedAccount) -> str:
    texts = [text or "nothing" for text in (difference.first, difference.second)]
    moment = f"{difference.day} {played.closed_at(difference.slot):%H:%M:%S %Z}"
    return (
        f"first difference at {moment}, in {difference.kind}: first run: {texts[0]}; second run: {texts[1]}"
    )


class _Request(NamedTuple):
    config: SessionConfig
    folder: Path
    location: Path
    breaks: tuple[str, ...]
    result: Path


def _second_play(
    invocation: Invocation, config: SessionConfig, location: Path, breaks: Sequence[str]
) -> list[PlayedAccount] | None:
    """Play in another process, and return its accounts; None if it was interrupted."""
    seed = "1" if os.environ.get("PYTHONHASHSEED") == "0" else "0"
    environment = os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
    with TemporaryDirectory() as folder:
        request = _Request(config, config.folder.absolute(), location, tuple(breaks), Path(folder, "result"))
        with subprocess.Popen(
            [sys.executable, "-P", "-c", _CHILD],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        ) as child:
            assert child.stdin is not None
            with suppress(BrokenPipeError), child.stdin:  # it ended: its exit code is reported below
                pickle.dump(request, child.stdin)
            while not invocation.interrupts.seen:
                try:
                    child.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    continue
            if invocation.interrupts.seen:  # ctrl+c ends the other process, too
                child.kill()
                return None
        if child.returncode:
            raise EngineError(f"the second run ended with exit code {child.returncode}")
        result: list[PlayedAccount] | Exception = pickle.loads(request.result.read_bytes())
    if isinstance(result, Exception):
        raise EngineError(f"the second run failed, and the first did not: {result}") from result
    return result


def play_again() -> None:
    """Play what is asked for on stdin, and write its accounts; for the process of the second play."""
    request: _Request = pickle.load(sys.stdin.buffer)
    accounts = PlayedAccounts()
    with open_store(request.location, read_only=True) as store, Interrupts() as interrupts:
        outcome = play(
            request.config.in_folder(request.folder),
            store,
            terminal=Terminal(),
            export=None,
            interrupts=interrupts,
            batch_options=BatchOptions(request.breaks),
            sinks=(accounts,),
        )
    result = accounts.days if outcome.error is None else EngineError(str(outcome.error))
    request.result.write_bytes(pickle.dumps(result))
