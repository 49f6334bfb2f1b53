"""Times in text by a strptime pattern of the user."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from tapedeck.engine.importers.file_rows import UnclearFileError
from tapedeck.engine.importers.stamps import MISSING, OUTSIDE, UNEVEN, Stamps, from_units
from tapedeck.engine.importers.time_format import EPOCH_UNITS, TimeFormat
from tapedeck.engine.importers.zone_names import AmbiguousZoneError, zone_of_word
from tapedeck.engine.importers.zones import FIRST_YEAR, LAST_YEAR, localise

_ZONE_WORD: Final = re.compile(r"[A-Za-z][A-Za-z_]*(?:/[A-Za-z0-9_+-]+)*$|[A-Za-z]{1,5}(?= |$)")


def read_by_pattern(texts: pa.Array, form: TimeFormat, file: Path) -> Stamps:
    """Return the times of texts by the pattern of `form`; `%Z` stands for any zone known by its name.

    Raises UnclearFileError where a zone's name has several meanings.
    """
    import pandas as pd  # noqa: PLC0415 - slow to load, and few imports need a pattern

    pattern = form.strptime_pattern or ""
    if "%z" not in pattern.lower():
        moments = pd.to_datetime(texts.to_pandas(), format=pattern, errors="coerce")
        if not moments.isna().any():
            micros = moments.to_numpy().astype("datetime64[us]").astype(np.int64)
            return from_units(micros, EPOCH_UNITS["us"], {}, is_instant=False)
    return _each(texts, pattern, form, file)


def _each(texts: pa.Array, pattern: str, form: TimeFormat, file: Path) -> Stamps:
    # Reads each distinct text once.
    encoded = texts.dictionary_encode()
    distinct = [text.strip() for text in encoded.dictionary.to_pylist()]
    places = encoded.indices.to_numpy(zero_copy_only=False)
    words = frozenset(word.upper() for text in distinct if (word := _zone_word(text, pattern)))
    results = [_read(text, pattern, form, file, words) for text in distinct]
    written = np.array([0 if isinstance(found, str) else found[0] for found in results], np.int64)
    instants = np.array([0 if isinstance(found, str) else found[1] or 0 for found in results], np.int64)
    known = np.array([not isinstance(found, str) and found[1] is not None for found in results], bool)
    bad = {place: found for place, found in enumerate(results) if isinstance(found, str)}
    faults = {int(i): bad[int(places[i])] for i in np.flatnonzero(np.isin(places, list(bad)))} if bad else {}
    return Stamps(written[places], instants[places], known[places], faults)


def _read(
    text: str, pattern: str, form: TimeFormat, file: Path, words: frozenset[str]
) -> tuple[int, int | None] | str:
    # Seconds of the local time, and of the instant where an offset or a zone is written; or what is wrong.
    if not text:
        return MISSING
    word = _zone_word(text, pattern)
    bare = text.replace(word, "", 1).strip() if word else text
    try:
        moment = datetime.strptime(bare, pattern.replace("%Z", "").strip())  # noqa: DTZ007 - applied below
    except ValueError:
        return f"invalid time {text!r}: expected the format {pattern!r}"
    if moment.microsecond or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return UNEVEN if moment.microsecond else f"time {text!r} {OUTSIDE}"
    written = int(moment.replace(tzinfo=UTC).timestamp())
    if word:
        instant = _in_zone(written, word, form, file, words)
        return instant if isinstance(instant, str) else (written, instant)
    return written, None if moment.tzinfo is None else int(moment.timestamp())


def _in_zone(written: int, word: str, form: TimeFormat, file: Path, words: frozenset[str]) -> int | str:
    try:
        zone = zone_of_word(word, default=form.zone, others=words)
    except AmbiguousZoneError as error:
        reason = f"{error}: name the time zone of the times"
        raise UnclearFileError(file, reason, [{"--zone": each} for each in error.zones]) from error
    if zone is None:
        return f"unknown time zone {word!r}"
    instants, ambiguous = localise(np.array([written]), zone)
    return ambiguous.get(0, int(instants[0]))


def _zone_word(text: str, pattern: str) -> str:
    if "%Z" not in pattern:
        return ""
    if pattern.endswith("%Z") and (match := _ZONE_WORD.search(text)):
        return match[0]
    words = re.findall(r"(?<![A-Za-z])(?:[A-Z]{3,4}|Z)(?![A-Za-z])", text)
    return words[0] if words else ""
