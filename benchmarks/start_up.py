"""Start-up time of the command, as a whole process.

python -m benchmarks.start_up [--rounds 9]
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.measure import HEADER, in_turns, row


def run(*arguments: str) -> None:
    """Run a Python process to its end."""
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(HEADER)
    pair = in_turns(lambda: run("-m", "tapedeck", "--help"), lambda: run("-c", "pass"), options.rounds)
    print(
        row(
            "`tapedeck --help`",
            f"{pair.first_s:.2f} s",
            "≤ 0.3 s",
            f"empty interpreter {pair.second_s:.2f} s",
        )
    )


if __name__ == "__main__":
    main()
