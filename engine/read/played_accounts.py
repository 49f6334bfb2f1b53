"""Accounts of the sessions of a run, kept as the sessions end."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from tapedeck.engine.broker.account_record import AccountAt, AccountRecord
from tapedeck.engine.clock.slots import SessionSlots, utc_from_epoch
from tapedeck.engine.tape.session_record import SessionRecord


class PlayedAccount(NamedTuple):
    """What strategies did in a session, of which `frontier` slots were played."""

    record: AccountRecord
    slots: SessionSlots
    frontier: int

    @property
    def account(self) -> AccountAt:
        """The account at the frontier."""
        return self.record.at(self.frontier)

    def closed_at(self, slot: int) -> datetime:
        """Return the end of a slot in exchange time; the open for BEFORE_FIRST_SLOT."""
        return utc_from_epoch(self.slots.clock(slot + 1)).astimezone(self.slots.session.zone)


class PlayedAccounts:
    """A sink of a run that keeps the accounts of its sessions; sessions without strategies have none."""

    def __init__(self) -> None:
        self.days: list[PlayedAccount] = []

    def write_session(self, record: SessionRecord, digest: str) -> None:
        """Keep the account of a session."""
        account = record.tape.account
        if account is not None:
            self.days.append(PlayedAccount(account.record, record.tape.slots, record.frontier))
