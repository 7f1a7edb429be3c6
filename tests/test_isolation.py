"""A process of its own: results, limits, and every way to end one."""

import ctypes
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
import pytest

from benchsuite.errors import ConfigError, DataError
from benchsuite.isolation import (
    DiedError,
    Isolated,
    LostCallError,
    OutOfMemoryError,
    RaisedError,
    TimedOutError,
    printed,
    start,
    tell,
)

MIB = 1 << 20

GUARD_SECONDS = 300
"""Far more than anything takes that ends, and less than the children sleep that must not outlive their parent."""
calls = 0


def count() -> int:
    global calls
    calls += 1
    return calls


def count_from(first: int) -> None:
    global calls
    calls = first


def waiting() -> tuple[str | None, str | None]:
    """What the program was started with, when OpenMP was loaded; and what it would hand to others."""
    texts = Path("/proc/self/environ").read_bytes().decode().split("\0")
    started = dict(text.partition("=")[::2] for text in texts)
    return started.get("GOMP_SPINCOUNT"), os.environ.get("GOMP_SPINCOUNT")


def sleep_for_ever() -> None:
    print("good night")
    while True:
        time.sleep(60)


def hold(mib: int) -> int:
    return len(bytearray(os.urandom(MIB)) * mib)


def allocate_without_end() -> None:
    held = []
    while True:
        held.append(b"x" * (8 * MIB))


def segfault() -> None:
    ctypes.string_at(0)


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def end_itself(number: int) -> None:
    os.kill(os.getpid(), number)
    sleep_for_ever()


def tell_and_wait() -> None:
    tell("begun")
    sleep_for_ever()


def raise_(error: BaseException) -> None:
    print("so far")
    raise error


class MuteError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class OwnError(ConfigError):
    """Of somebody else's module."""


def raise_mute() -> None:
    raise MuteError


def raise_own() -> None:
    raise OwnError("mend it")


def tell_all(*events: object) -> str:
    for event in events:
        tell(event)
    return "told"


def surroundings() -> tuple[str | None, str]:
    return os.environ.get("ISOLATION"), os.getcwd()


def print_and_read(text: str) -> str:
    print(text)
    return printed()


def print_much(bytes_: int) -> None:
    print("x" * bytes_)
    print("the end")
    raise ValueError


def start_a_child() -> int:
    return subprocess.Popen(["sleep", "600"]).pid


def gone(process: int) -> bool:
    """Whether it ends before any child that sleeps would: a killed process takes an instant to go."""
    try:
        psutil.Process(process).wait(GUARD_SECONDS)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def test_a_process_stays_from_call_to_call_and_is_another_than_this_one():
    with Isolated() as isolated:
        assert [isolated.call(count), isolated.call(count)] == [1, 2]
        assert isolated.call(os.getpid) == isolated.call(os.getpid) != os.getpid()
    assert calls == 0


def test_every_context_is_a_fresh_process():
    for _ in range(2):
        with Isolated() as isolated:
            assert isolated.call(count) == 1


def test_the_setup_comes_first_in_each_process():
    with Isolated(count_from, 10) as isolated:
        assert isolated.call(count) == 11
        with pytest.raises(DiedError):
            isolated.call(os._exit, 0)
        assert isolated.call(count) == 11


def test_a_setup_that_raises_fails_each_call():
    with Isolated(raise_, OSError("not today")) as isolated:
        for _ in range(2):
            with pytest.raises(RaisedError, match="OSError: not today"):
                isolated.call(count)


@pytest.mark.parametrize(
    ("function", "args", "kind", "reason", "output"),
    [
        (os._exit, (0,), DiedError, "ended its process with exit code 0", ""),
        (os._exit, (3,), DiedError, "ended its process with exit code 3", ""),
        (segfault, (), DiedError, "its process was killed by SIGSEGV", "in segfault"),
        (kill_itself, (), DiedError, "its process was killed by SIGKILL", ""),
        (raise_, (ValueError("no"),), RaisedError, "ValueError: no", "so far"),
        (raise_, (SystemExit(4),), RaisedError, "SystemExit: 4", "so far"),
        (raise_, (KeyboardInterrupt(),), RaisedError, "KeyboardInterrupt: ", "so far"),
        (raise_mute, (), RaisedError, "MuteError", ""),
        (threading.Lock, (), RaisedError, "TypeError: cannot pickle '_thread.lock' object", ""),
    ],
)
def test_a_call_that_is_lost_says_why_and_the_next_succeeds(function, args, kind, reason, output):
    with Isolated() as isolated:
        with pytest.raises(LostCallError) as lost:
            isolated.call(function, *args)
        assert type(lost.value) is kind
        assert reason in str(lost.value)
        assert output in lost.value.output
        assert "Extension modules" not in lost.value.output
        assert isolated.call(abs, -1) == 1


def test_a_call_that_takes_too_long_says_where_and_the_next_succeeds():
    """However long this machine takes to begin the call: the limit is raised until the call had time to print."""
    with Isolated() as isolated:
        for seconds in (0.25 * 2**doubled for doubled in range(12)):
            with pytest.raises(TimedOutError, match=f"took longer than the {seconds:g} seconds that it may") as lost:
                isolated.call(sleep_for_ever, timeout=seconds)
            if "good night" in lost.value.output:
                break
        assert "good night" in lost.value.output
        assert "in sleep_for_ever" in lost.value.output
        assert "Extension modules" not in lost.value.output
        assert isolated.call(abs, -1) == 1


@pytest.mark.parametrize(
    ("function", "args", "by_machine"),
    [
        (kill_itself, (), True),
        (end_itself, (signal.SIGTERM,), True),
        (end_itself, (signal.SIGINT,), True),
        (sleep_for_ever, (), True),
        (segfault, (), False),
        (os._exit, (255,), False),
        (raise_, (KeyboardInterrupt(),), False),
    ],
)
def test_an_end_from_outside_is_told_from_one_of_its_making(function, args, by_machine):
    with Isolated() as isolated:
        with pytest.raises(LostCallError) as lost:
            isolated.call(function, *args, timeout=0.5 if function is sleep_for_ever else math.inf)
        assert lost.value.by_machine is by_machine


def test_a_killed_server_costs_the_call_and_another_is_started():
    with Isolated() as isolated:
        server = psutil.Process(isolated.call(os.getppid))

        def kill(_: object) -> None:
            server.kill()

        with pytest.raises(DiedError, match="the server that started it was killed") as lost:
            isolated.call(tell_and_wait, on_event=kill)
        assert lost.value.by_machine
        assert isolated.call(os.getppid) != server.pid


def test_raising_does_not_cost_the_process():
    with Isolated() as isolated:
        before = isolated.call(os.getpid)
        with pytest.raises(RaisedError) as raised:
            isolated.call(raise_, ValueError("no"))
        assert "in raise_" in raised.value.traceback
        assert isolated.call(os.getpid) == before


@pytest.mark.parametrize(
    ("function", "args", "kind"), [(raise_, (DataError("mend it"),), DataError), (raise_own, (), ConfigError)]
)
def test_the_harness_own_errors_keep_their_kind(function, args, kind):
    with Isolated() as isolated, pytest.raises(ConfigError if kind is ConfigError else DataError) as error:
        isolated.call(function, *args)
    assert type(error.value) is kind
    assert str(error.value) == "mend it"


def test_memory_above_the_limit_ends_the_process_and_below_it_does_not():
    with Isolated() as isolated:
        isolated.call(abs, 1)
        limit = isolated.peak_memory + 200 * MIB
        with pytest.raises(OutOfMemoryError, match=r"took more than the .* GiB of memory that it may") as lost:
            isolated.call(allocate_without_end, memory=limit, timeout=GUARD_SECONDS)
        assert "in allocate_without_end" in lost.value.output
        assert isolated.call(hold, 50, memory=limit) == 50 * MIB


def test_peak_memory_is_that_of_the_process():
    with Isolated() as isolated:
        isolated.call(abs, 1)
        before = isolated.peak_memory
        isolated.call(hold, 100)
        assert 90 * MIB < isolated.peak_memory - before < 150 * MIB
        grown = isolated.peak_memory
        isolated.call(hold, 10)
        assert isolated.peak_memory == grown


def test_events_come_in_order_and_before_the_result():
    heard: list[object] = []
    with Isolated() as isolated:
        assert isolated.call(tell_all, 1, "two", (3,), on_event=heard.append) == "told"
        assert heard == [1, "two", (3,)]
        assert isolated.call(tell_all, "nobody listens") == "told"
    tell("nobody is there")


def test_environment_and_folder_are_those_of_the_start_of_the_process(tmp_path, monkeypatch):
    start()
    monkeypatch.setenv("ISOLATION", "splendid")
    monkeypatch.chdir(tmp_path)
    with Isolated() as isolated:
        assert isolated.call(surroundings) == ("splendid", str(tmp_path))


WAITING = """
import os
from pathlib import Path
from benchsuite.isolation import Isolated
from test_isolation import waiting

with Isolated() as isolated:
    print(*isolated.call(waiting), os.environ.get("GOMP_SPINCOUNT"))
"""


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="the system does not tell")
@pytest.mark.parametrize(
    ("chosen", "told"),
    [({}, "5000 None None"), ({"GOMP_SPINCOUNT": "7"}, "7 7 7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "None None None")],
)
def test_waiting_threads_soon_sleep_unless_the_user_chose_otherwise(chosen, told):
    ways = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    environment = {name: value for name, value in os.environ.items() if name not in ways}
    environment |= {"PYTHONPATH": str(Path(__file__).parent), **chosen}
    done = subprocess.run([sys.executable, "-c", WAITING], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.strip() == told


def test_what_is_printed_goes_nowhere_but_into_the_reason_of_a_loss(capfd):
    with Isolated() as isolated:
        isolated.call(print, "unheard")
        isolated.call(os.system, "echo unheard >&2")
        assert isolated.call(print_and_read, "one line") == "one line"
        with pytest.raises(RaisedError) as raised:
            isolated.call(print_much, 1000)
    assert raised.value.output.endswith("the end")
    assert "unheard" not in raised.value.output
    assert printed() == ""
    assert capfd.readouterr() == ("", "")


def test_a_process_ends_with_all_that_it_started():
    with Isolated() as isolated:
        processes = [isolated.call(os.getpid), isolated.call(start_a_child)]
    assert all(map(gone, processes))
    with Isolated() as isolated:
        child = isolated.call(start_a_child)
        with pytest.raises(DiedError):
            isolated.call(os._exit, 0)
        assert gone(child)


def test_what_dies_between_two_calls_costs_neither():
    with Isolated() as isolated:
        process = isolated.call(os.getpid)
        os.kill(process, signal.SIGKILL)
        assert gone(process)
        assert isolated.call(count) == 1


def test_an_interruption_ends_the_process():
    def interrupt(_: object) -> None:
        raise KeyboardInterrupt

    with Isolated() as isolated:
        process = isolated.call(os.getpid)
        with pytest.raises(KeyboardInterrupt):
            isolated.call(tell_all, "now", on_event=interrupt)
        assert gone(process)


PARENT = """
import os, time
from benchsuite.isolation import Isolated
print("the main file runs once", flush=True)
with Isolated() as isolated:
    print(isolated.call(os.getpid), flush=True)
    isolated.call(time.sleep, 600)
"""


def test_it_does_not_outlive_its_parent_which_may_be_any_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(PARENT, encoding="utf-8")
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert "once" in parent.stdout.readline()
        process = int(parent.stdout.readline())
        assert psutil.pid_exists(process)
        parent.kill()
    assert gone(process)


ENDING = """
import os, psutil, signal, sys
from benchsuite.isolation import start, stop
start()
(server,) = [one for one in psutil.Process().children() if "forkserver" in " ".join(one.cmdline())]
print(server.pid, flush=True)
if sys.argv[1] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def short():
    """A folder whose path is short, as that of temporary files is."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        yield Path(name)


@pytest.mark.parametrize("way", ["ends", "killed"])
def test_a_server_that_still_imports_does_not_outlive_its_program(short, way):
    environment = {**os.environ, "TMPDIR": str(short)}
    done = subprocess.run([sys.executable, "-c", ENDING, way], capture_output=True, text=True, env=environment)
    assert done.stderr == ""
    assert gone(int(done.stdout))
    left = list(short.iterdir())
    assert [path.name[:11] for path in left] == (["benchsuite-"] if way == "killed" else [])
    subprocess.run([sys.executable, "-c", ENDING, "ends"], capture_output=True, env=environment, check=True)
    assert list(short.iterdir()) == []


def test_where_the_path_of_temporary_files_is_too_long_for_a_socket(tmp_path):
    folder = tmp_path / ("long" * 20)
    folder.mkdir()
    environment = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run([sys.executable, "-c", ENDING, "ends"], capture_output=True, text=True, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert list(folder.iterdir()) == []


def test_no_file_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with Isolated() as isolated:
        isolated.call(print, "a line")
        assert list(tmp_path.iterdir()) == []
    assert list(Path(tmp_path).iterdir()) == []
