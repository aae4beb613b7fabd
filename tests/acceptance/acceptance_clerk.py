"""A process that runs one command of the product after the other, as they are asked for.

Each gets its own words, output and exit code, as if it had a process to itself; what they share is
the second it takes to import them. Reads a line [word, ...], writes a line [code, out, err].
"""

from __future__ import annotations

import json
import sys
import traceback
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from connector.cli import main


def run(words):
    out, err, code = StringIO(), StringIO(), 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main(words)
        except SystemExit as left:
            code = left.code
        except BaseException:  # noqa: BLE001 - a traceback is what a person would see
            traceback.print_exc()
            code = 1
    return code, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(run(json.loads(line))) + "\n")
        sys.stdout.flush()
