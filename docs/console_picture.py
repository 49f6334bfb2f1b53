"""Draw the picture at the top of README: the console on a real run, paused at half past eleven.

    python docs/console_picture.py STORE [docs/console.svg]

STORE holds the bars of examples/october-2013.yaml.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tapedeck.console.app.console_app import ConsoleApp, Setup
from tapedeck.console.app.log_lines import LogLines
from tapedeck.console.app.playback import Playback
from tapedeck.engine.read.status import RunState
from tapedeck.engine.session_file import load_session_config
from tapedeck.engine.store.locations import open_store
from tapedeck.engine.system import SystemManager

ROOT = Path(__file__).resolve().parents[1]
SIZE = (120, 36)
MOMENT = datetime(2013, 10, 8, 15, 30, tzinfo=UTC)


async def draw(store_at: Path, picture: Path) -> None:
    """Play to the moment, and save what the console shows then."""
    config = load_session_config(ROOT / "examples" / "october-2013.yaml").config
    with tempfile.TemporaryDirectory() as folder, open_store(store_at) as store, LogLines() as lines:
        system = SystemManager(config, store, tape_cache_bytes=SystemManager.TAPE_CACHE_BYTES)
        playback = Playback(system)
        setup = Setup(exports=Path(folder), start_paused=True)
        app = ConsoleApp(playback, store, lines, setup)
        async with app.run_test(size=SIZE) as pilot:
            system.run_to(MOMENT)
            for _ in range(500):
                await pilot.pause(0.05)
                now = system.snapshot()
                if now.state is RunState.PAUSED and now.clock == MOMENT:
                    break
            await pilot.pause(0.5)
            picture.write_text(app.export_screenshot(title="tapedeck"), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(
        draw(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "docs/console.svg"))
    )
