"""Runs the real command line in forked processes, which import torch once for all, and stops them at will.

Run as a script it answers one line of JSON with another, until its input ends:
`runs`, the arguments of `benchsuite` for each process; `home`, the store; `site`, a folder of installed plugins;
`environment`, variables; `signal`, sent `after` seconds, or as soon as the store has `entries` entries.
The answer: for each process its exit code, negative for a signal, and what it printed.
"""

import json
import os
import select
import signal
import sys
import traceback
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

LOOK_SECONDS = 0.002


def fork(arguments: list[str], ask: dict, printed: IO[bytes]) -> tuple[int, int]:
    """Start a process; its id, and a file that ends when it does."""
    ended, held = os.pipe()
    process = os.fork()
    if process:
        os.close(held)
        return process, ended
    os.dup2(printed.fileno(), 1)
    os.dup2(printed.fileno(), 2)
    os.environ.update(ask.get("environment", {}), BENCHSUITE_HOME=ask["home"])
    sys.path.insert(0, ask["site"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os._exit(run(arguments))


def run(arguments: list[str]) -> int:
    """The command line's exit code."""
    from benchsuite.cli.main import main

    sys.argv = ["benchsuite", *arguments]
    code: object = 0
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code if isinstance(code, int) else 0


def answer(ask: dict) -> list[dict[str, object]]:
    """Start the processes, signal them, and wait for their ends."""
    with ExitStack() as files:
        outputs = [files.enter_context(TemporaryFile()) for _ in ask["runs"]]
        started = [fork(arguments, ask, output) for arguments, output in zip(ask["runs"], outputs, strict=True)]
        if "signal" in ask:
            running = waited([ended for _, ended in started], ask)
            for process, ended in started:
                if ended in running:
                    os.kill(process, signal.Signals[ask["signal"]])
        found = []
        for (process, ended), output in zip(started, outputs, strict=True):
            code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            os.close(ended)
            output.seek(0)
            found.append({"code": code, "printed": output.read().decode()})
        return found


def waited(running: list[int], ask: dict) -> list[int]:
    """Those that have not ended at the instant for the signal."""
    if "after" in ask:
        return left(running, ask["after"])
    store = Path(ask["home"], "store")
    while running and len(list(store.glob("*"))) < ask["entries"]:
        running = left(running, LOOK_SECONDS)
    return running


def left(running: list[int], seconds: float) -> list[int]:
    """Those that have not ended after so many seconds, or when one does."""
    ended, _, _ = select.select(running, [], [], seconds)
    return [one for one in running if one not in ended]


if __name__ == "__main__":
    import sklearn.datasets  # noqa: F401  # what each process would import in two or three seconds
    import torch

    import benchsuite.cli.run
    import benchsuite.execution.scheduler
    import benchsuite.execution.session
    import benchsuite.report  # noqa: F401

    torch.set_num_threads(1)  # a fork has no threads but its own
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
