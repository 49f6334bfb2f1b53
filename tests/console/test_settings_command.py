"""Settings: values and origins."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tapedeck.console.settings.folders import user_folders
from tapedeck.console.settings.settings import resolve_settings


def values(done: Any) -> dict[str, tuple[str, str]]:
    assert done.exit_code == 0, done.stderr
    return {name: (entry["value"], entry["origin"]) for name, entry in done.document["settings"].items()}


def write(home: Path, name: str, text: str) -> Path:
    path = home / "config" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_without_anything_there_are_defaults(tapedeck: Any, home: Path) -> None:
    found = values(tapedeck("settings", "--json"))
    assert found["store"] == (str(home / "data" / "bars.db"), "default")
    assert found["export"] == (None, "default")
    assert found["log_level"] == ("info", "default")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("settings.yaml", "log_level: debug\nstore: my.db\n"),
        ("settings.toml", 'log_level = "debug"\nstore = "my.db"'),
    ],
)
def test_a_settings_file_wins_over_the_default(tapedeck: Any, home: Path, name: str, text: str) -> None:
    path = write(home, name, text)
    found = values(tapedeck("settings", "--json"))
    assert found["log_level"] == ("debug", f"file {path}")
    # A path in the file counts from the file's folder.
    assert found["store"] == (str(home / "config" / "my.db"), f"file {path}")


def test_flag_wins_over_environment_over_file(tapedeck: Any, home: Path) -> None:
    path = write(home, "settings.yaml", "log_level: debug\nlog_format: json\nexport: out\n")
    found = values(
        tapedeck(
            "--log-level",
            "error",
            "settings",
            "--json",
            "--store",
            "x.db",
            TAPEDECK_LOG_LEVEL="warning",
            TAPEDECK_LOG_FORMAT="text",
        )
    )
    assert found["log_level"] == ("error", "flag --log-level")
    assert found["store"] == ("x.db", "flag --store")
    assert found["log_format"] == ("text", "environment TAPEDECK_LOG_FORMAT")
    assert found["export"] == (str(home / "config" / "out"), f"file {path}")


def test_the_table_shows_name_value_and_origin(tapedeck: Any) -> None:
    text = tapedeck("settings", TAPEDECK_COLOR="never").stdout
    assert ["color", "never", "environment", "TAPEDECK_COLOR"] in [line.split() for line in text.splitlines()]
    assert "log: " in text


FRAMES_ALLOWED = "must be frames per second, a whole number from 1 to 30, not "


@pytest.fixture
def at_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the test without the variables of SSH."""
    for name in ("SSH_CONNECTION", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("at_the_machine")
def test_the_console_draws_ten_times_a_second_and_four_times_over_ssh(tapedeck: Any) -> None:
    assert values(tapedeck("settings", "--json"))["frames"] == ("10", "default")
    for name in ("SSH_CONNECTION", "SSH_TTY"):
        done = tapedeck("settings", "--json", **{name: "/dev/pts/3"})
        assert values(done)["frames"] == ("4", "default over SSH"), name
    shown = tapedeck("settings", SSH_TTY="/dev/pts/3").stdout
    assert ["frames", "4", "default", "over", "SSH"] in [line.split() for line in shown.splitlines()]


@pytest.mark.usefixtures("at_the_machine")
def test_configured_frames_apply_over_ssh_too(tapedeck: Any, home: Path) -> None:
    path = write(home, "settings.yaml", "frames: 30\n")
    over_ssh = {"SSH_TTY": "/dev/pts/3"}
    assert values(tapedeck("settings", "--json", **over_ssh))["frames"] == ("30", f"file {path}")
    done = tapedeck("settings", "--json", TAPEDECK_FRAMES=" 1 ", **over_ssh)
    assert values(done)["frames"] == ("1", "environment TAPEDECK_FRAMES")


@pytest.mark.parametrize("text", ["0", "31", "-4", "fast", "2.5", "9" * 5000])
def test_invalid_frame_rates_are_errors(tapedeck: Any, text: str) -> None:
    done = tapedeck("settings", TAPEDECK_FRAMES=text)
    assert done.exit_code == 2
    assert "TAPEDECK_FRAMES" in done.stderr
    assert f"frames: {FRAMES_ALLOWED}{text!r}"[:120] in done.stderr


def test_resolved_settings_have_frames_as_a_number(home: Path) -> None:
    folders = user_folders({"TAPEDECK_HOME": str(home)})
    assert resolve_settings(folders, {}, {}).frames == 10
    assert resolve_settings(folders, {}, {"SSH_CONNECTION": "10.0.0.1 22"}).frames == 4
    assert resolve_settings(folders, {}, {"TAPEDECK_FRAMES": "24"}).frames == 24


def test_the_speed_of_the_console_is_60_until_it_is_set(tapedeck: Any, home: Path) -> None:
    folders = user_folders({"TAPEDECK_HOME": str(home)})
    assert values(tapedeck("settings", "--json"))["speed"] == ("60", "default")
    assert resolve_settings(folders, {}, {}).speed == 60
    path = write(home, "settings.yaml", "speed: max\n")
    assert values(tapedeck("settings", "--json"))["speed"] == ("0", f"file {path}")
    assert resolve_settings(folders, {}, {"TAPEDECK_SPEED": "x2.5"}).speed == 2.5
    done = tapedeck("settings", TAPEDECK_SPEED="fast")
    assert done.exit_code == 2
    assert "speed: must be a multiple of real time such as 60, or max, not 'fast'" in done.stderr


def test_direct_drawing_is_on_until_it_is_switched_off(tapedeck: Any, home: Path) -> None:
    assert values(tapedeck("settings", "--json"))["direct_drawing"] == ("on", "default")
    done = tapedeck("settings", "--json", TAPEDECK_DIRECT_DRAWING="Off")
    assert values(done)["direct_drawing"] == ("off", "environment TAPEDECK_DIRECT_DRAWING")
    path = write(home, "settings.yaml", "direct_drawing: off\n")
    assert values(tapedeck("settings", "--json"))["direct_drawing"] == ("off", f"file {path}")


def test_resolved_settings_have_direct_drawing_as_a_switch(home: Path) -> None:
    folders = user_folders({"TAPEDECK_HOME": str(home)})
    assert resolve_settings(folders, {}, {}).direct_drawing is True
    assert resolve_settings(folders, {}, {"TAPEDECK_DIRECT_DRAWING": "on"}).direct_drawing is True
    assert resolve_settings(folders, {}, {"TAPEDECK_DIRECT_DRAWING": "off"}).direct_drawing is False
    write(home, "settings.toml", "direct_drawing = false")
    assert resolve_settings(folders, {}, {}).direct_drawing is False


def test_lines_of_the_chart_are_braille_until_blocks_are_set(tapedeck: Any, home: Path) -> None:
    folders = user_folders({"TAPEDECK_HOME": str(home)})
    assert values(tapedeck("settings", "--json"))["chart_lines"] == ("braille", "default")
    path = write(home, "settings.yaml", "chart_lines: Blocks\n")
    assert values(tapedeck("settings", "--json"))["chart_lines"] == ("blocks", f"file {path}")
    assert resolve_settings(folders, {}, {}).chart_lines == "blocks"
    assert resolve_settings(folders, {}, {"TAPEDECK_CHART_LINES": "braille"}).chart_lines == "braille"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("settings.yaml", "stoer: x.db", ["stoer: unknown setting", "Did you mean 'store'?"]),
        ("settings.yaml", "log_level: loud", ["must be debug, info, warning or error, not 'loud'"]),
        ("settings.yaml", "color: 7", ["must be auto, always or never, not 7"]),
        ("settings.yaml", "frames: fast", [f"frames: {FRAMES_ALLOWED}'fast'"]),
        ("settings.yaml", "frames: true", [f"frames: {FRAMES_ALLOWED}True"]),
        ("settings.toml", "frames = 0", [f"frames: {FRAMES_ALLOWED}0"]),
        ("settings.yaml", "direct_drawing: 1", ["direct_drawing: must be on or off, not 1"]),
        ("settings.yaml", "store: [a, b]", ["store: must be a path"]),
        ("settings.yaml", "- store", ["must be a mapping of settings, such as store: bars.db, not a list"]),
        ("settings.yaml", "chart_lines: dots", ["chart_lines: must be braille or blocks, not 'dots'"]),
        ("settings.yaml", "kesy: {}", ["chart_lines, keys.", "Did you mean 'keys'?"]),
        ("settings.yaml", "frames: 0\ncolour: never\nkeys: 3", ["3 problems", "frames:", "colour:", "keys:"]),
        (
            "settings.yaml",
            "keys: {step: zork, stepp: n, pause: ''}",
            [
                "3 problems",
                "keys: step: unknown key 'zork'.",
                "step keeps '.'",
                "keys: unknown action 'stepp'. Did you mean 'step'?",
                "keys: pause: no key given",
            ],
        ),
        ("settings.yaml", "store: [", ["invalid YAML"]),
        ("settings.toml", "store = ", ["is not valid TOML"]),
        ("settings.toml", 'colour = "never"', ["colour: unknown setting", "Did you mean 'color'?"]),
    ],
)
def test_a_fault_of_the_settings_file_is_an_error_with_its_place(
    tapedeck: Any, home: Path, name: str, text: str, words: list[str]
) -> None:
    path = write(home, name, text)
    done = tapedeck("settings")
    assert done.exit_code == 2
    assert str(path) in done.stderr
    assert all(word in done.stderr for word in words), done.stderr


def test_keys_of_the_settings_file_are_shown_with_their_syntax(tapedeck: Any, home: Path) -> None:
    assert values(tapedeck("settings", "--json"))["keys"] == (None, "default")
    path = write(home, "settings.yaml", "keys: {step: l, step_back: h}\n")
    assert values(tapedeck("settings", "--json"))["keys"] == ("step: l, step_back: h", f"file {path}")
    assert "{step: l, step_back: h}" in tapedeck("settings").stdout
    assert "or empty key keeps its default" in tapedeck("settings").stdout


def test_two_settings_files_are_an_error(tapedeck: Any, home: Path) -> None:
    write(home, "settings.yaml", "color: never")
    write(home, "settings.toml", 'color = "always"')
    done = tapedeck("settings")
    assert done.exit_code == 2
    assert "more than one settings file (settings.yaml and settings.toml)" in done.stderr


def test_a_settings_file_that_is_not_text_is_an_error(tapedeck: Any, home: Path) -> None:
    write(home, "settings.yaml", "").write_bytes(b"\xff\xfe\x00")
    done = tapedeck("settings")
    assert done.exit_code == 2
    assert "settings.yaml is not UTF-8 text" in done.stderr


def test_an_empty_settings_file_changes_nothing(tapedeck: Any, home: Path) -> None:
    write(home, "settings.yaml", "# nothing yet\n")
    assert values(tapedeck("settings", "--json"))["color"] == ("auto", "default")


def test_a_misspelt_variable_is_an_error_and_others_are_ignored(tapedeck: Any) -> None:
    done = tapedeck("settings", TAPEDECK_STOER="x.db")
    assert done.exit_code == 2
    assert "TAPEDECK_STOER" in done.stderr
    assert "'TAPEDECK_STORE'" in done.stderr
    assert tapedeck("settings", TAPEDECK_XYZZY_KEY="1").exit_code == 0


def test_a_bad_value_in_the_environment_names_the_variable(tapedeck: Any) -> None:
    done = tapedeck("settings", TAPEDECK_LOG_FORMAT="xml")
    assert done.exit_code == 2
    assert "TAPEDECK_LOG_FORMAT" in done.stderr


def test_without_a_home_the_folders_are_those_of_the_system() -> None:
    folders = user_folders({})
    assert folders.data.name == folders.config.name == folders.state.name == "tapedeck"
    assert user_folders({"TAPEDECK_HOME": "/x"}).database == Path("/x/data/bars.db")


def test_a_log_that_cannot_be_written_is_a_warning_only(tapedeck: Any, home: Path) -> None:
    home.mkdir()
    (home / "state").write_text("a file where the folder belongs")
    done = tapedeck("settings", "--json")
    assert done.exit_code == 0
    assert "warning: no log" in done.stderr
    assert done.document["log"] is None
    failing = tapedeck("run", "nowhere.yaml")
    assert failing.exit_code == 2
    assert failing.stderr.count("error: ") == 1


def test_the_log_can_be_json_lines(tapedeck: Any, home: Path) -> None:
    tapedeck("--log-format", "json", "settings")
    assert '"message": "started' in (home / "state" / "tapedeck.log").read_text()
    assert os.listdir(home / "state") == ["tapedeck.log"]
