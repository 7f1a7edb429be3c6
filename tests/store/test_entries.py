"""The store: an entry is whole or absent, whatever happens to it, its disk or its writer."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_record import make_record

from benchsuite.errors import StoreError
from benchsuite.store import Cost, Store

RECORD = make_record(numbers={"accuracy": 97.5}, cost=Cost(seconds=0.5))
KEY = RECORD.key
FILES = {"model.safetensors": b"weights" * 100, "curve.svg": b"\x05\xff"}


def opened(home: Path) -> Store:
    store = Store(home)
    store.open()
    return store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An open store with one entry."""
    store = opened(tmp_path / "home")
    store.put(RECORD, FILES)
    return store


def entry(store: Store) -> Path:
    return store.home / "store" / KEY


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def aside(store: Store) -> list[str]:
    """What was set aside, by the first word of its name."""
    return [path.name.partition("-")[0] for path in (store.home / "aside").iterdir()]


# Whole


def test_what_is_put_is_got(store: Store):
    assert store.record(KEY) == RECORD
    for name, expected in FILES.items():
        path = store.file(KEY, name)
        assert path == entry(store) / name
        assert path.read_bytes() == expected
    assert content(entry(store)).keys() == {"record.json", "SHA256SUMS", *FILES}
    assert aside(store) == []


def test_what_was_never_put_is_none(store: Store):
    other = "f" * 40
    assert store.record(other) is None
    assert store.file(other, "model.safetensors") is None
    assert store.file(KEY, "other") is None
    assert store.record(KEY) == RECORD


def test_another_process_finds_it(store: Store):
    assert opened(store.home).record(KEY) == RECORD


def test_a_new_entry_takes_the_place_of_the_old_one(store: Store):
    newer = make_record(numbers={"accuracy": 98.0})
    store.put(newer, {})
    assert store.record(KEY) == newer
    assert store.file(KEY, "model.safetensors") is None
    assert aside(store) == []


@pytest.mark.parametrize("status", ["failed", "timeout", "skipped"])
def test_a_good_entry_is_never_replaced_by_less(store: Store, status):
    before = content(entry(store))
    store.put(make_record(status=status), {})
    assert content(entry(store)) == before
    assert aside(store) == []


def test_any_record_takes_the_place_of_a_failure(tmp_path: Path):
    store = opened(tmp_path / "home")
    for record in (make_record(status="timeout"), make_record(status="failed"), RECORD):
        store.put(record, {})
        assert store.record(KEY) == record


def test_a_lock_that_another_holds_is_not_waited_for_unless_asked(store: Store):
    file = os.open(store.home / "locks" / f"{KEY}.lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX)
    with store.lock(KEY, wait=False) as held:
        assert not held
    os.close(file)
    with store.lock(KEY, wait=False) as held:
        assert held


def test_sha256sum_reads_the_checksums(store: Store):
    checked = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=entry(store), capture_output=True, text=True, check=True
    )
    assert checked.stdout == "curve.svg: OK\nmodel.safetensors: OK\nrecord.json: OK\n"


# Broken


@pytest.mark.parametrize("name", ["record.json", "model.safetensors", "SHA256SUMS"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"",
        lambda whole: whole[:-1],
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole + b"\n",
        lambda whole: bytes([whole[0] ^ 1]) + whole[1:],
        lambda whole: b"\xff" * len(whole),
        None,
    ],
    ids=["empty", "shorter", "half", "longer", "flipped", "overwritten", "missing"],
)
def test_a_broken_entry_is_set_aside_and_may_be_put_again(store: Store, name, damage):
    path = entry(store) / name
    whole = path.read_bytes()
    path.unlink() if damage is None else path.write_bytes(damage(whole))
    found = store.record(KEY), store.file(KEY, "model.safetensors")
    if name == "SHA256SUMS" and found[0] == RECORD:  # the damage is not in the lines of these files
        assert found[1] == entry(store) / "model.safetensors"
        return
    assert found[1] is None
    assert not entry(store).exists()
    assert aside(store) == ["broken"]
    store.put(RECORD, FILES)
    assert store.record(KEY) == RECORD
    assert store.file(KEY, "model.safetensors") is not None


@settings(max_examples=50)
@given(name=st.sampled_from(["record.json", "model.safetensors", "SHA256SUMS"]), data=st.data())
def test_what_is_returned_is_what_was_put_or_nothing(tmp_path_factory, name, data):
    store = opened(tmp_path_factory.mktemp("home"))
    store.put(RECORD, FILES)
    damaged = bytearray((entry(store) / name).read_bytes())
    damaged[data.draw(st.integers(0, len(damaged) - 1))] ^= data.draw(st.integers(1, 255))
    (entry(store) / name).write_bytes(damaged)
    assert store.record(KEY) in (RECORD, None)
    path = store.file(KEY, "model.safetensors")
    assert path is None or path.read_bytes() == FILES["model.safetensors"]
    if name != "SHA256SUMS":
        assert not entry(store).exists()


def test_an_entry_of_another_key_is_broken(store: Store):
    other = "f" * 40
    shutil.copytree(entry(store), store.home / "store" / other)
    assert store.record(other) is None
    assert store.record(KEY) == RECORD


def test_an_entry_of_another_schema_is_broken(store: Store):
    content = RECORD.text.replace('"schema":1', '"schema":0').encode()
    (entry(store) / "record.json").write_bytes(content)
    (entry(store) / "SHA256SUMS").write_text(f"{sha256(content).hexdigest()}  record.json\n")
    assert store.record(KEY) is None
    assert not entry(store).exists()


def test_a_broken_entry_is_kept_a_day_for_a_look(store: Store):
    (entry(store) / "record.json").write_bytes(b"")
    os.utime(entry(store), (0, 0))
    store.record(KEY)
    store.open()
    assert aside(store) == ["broken"]
    yesterday = time.time() - 25 * 3600
    for left in (store.home / "aside").iterdir():
        os.utime(left, (yesterday, yesterday))
    store.open()
    assert aside(store) == []


def test_what_a_killed_process_left_goes_after_a_day(store: Store):
    (store.home / "aside" / "probe-1").write_bytes(b"")
    os.utime(store.home / "aside" / "probe-1", (0, 0))
    store.open()
    assert aside(store) == []
    assert store.record(KEY) == RECORD


# Unwritable


def test_a_folder_that_cannot_be_written_is_refused_with_the_remedy(tmp_path: Path):
    (tmp_path / "file").touch()
    home = tmp_path / "file" / "home"
    with pytest.raises(StoreError) as caught:
        Store(home).open()
    expected = f"the store {home} is not writable (Not a directory): set BENCHSUITE_HOME to a folder that is"
    assert str(caught.value) == expected


def test_too_little_room_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=3 << 20))
    with pytest.raises(StoreError) as caught:
        Store(tmp_path).open()
    assert str(caught.value) == (
        f"3 MiB are free at {tmp_path}, 64 needed: make room, or set BENCHSUITE_HOME to a folder on another disk"
    )


@pytest.mark.parametrize("folder", ["aside", "store"])
def test_a_folder_lost_on_the_way_is_an_error_of_the_store(store: Store, folder):
    shutil.rmtree(store.home / folder)
    (store.home / folder).touch()
    with pytest.raises(StoreError, match=r"cannot be written \(.*\): make room, or set BENCHSUITE_HOME$"):
        store.put(RECORD, FILES)


def test_a_lock_that_cannot_be_taken_is_an_error_of_the_store(store: Store):
    shutil.rmtree(store.home / "locks")
    (store.home / "locks").touch()
    with pytest.raises(StoreError, match="make room, or set BENCHSUITE_HOME"), store.lock(KEY):
        pass


FULL = """
import resource, signal, sys
from pathlib import Path
from benchsuite.errors import StoreError
from benchsuite.store import Store
from benchsuite.store.record_reader import read_record

store = Store(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    store.put(read_record(sys.argv[2]), {"model.safetensors": bytes(1 << 20)})
except StoreError as error:
    print(error)
"""


def test_a_file_that_does_not_fit_leaves_the_old_entry_and_nothing_else(store: Store):
    before = content(entry(store))
    command = [sys.executable, "-c", FULL, str(store.home), RECORD.text]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    reason = "File too large"
    expected = f"the store {store.home} cannot be written ({reason}): make room, or set BENCHSUITE_HOME\n"
    assert run.stdout == expected
    assert content(entry(store)) == before
    assert aside(store) == []


def test_a_failing_write_leaves_the_old_entry(store: Store):
    with pytest.raises(TypeError):
        store.put(make_record(audit={"fact": object()}), {})
    assert store.record(KEY) == RECORD
    assert aside(store) == []


# Several processes

COMPUTE = """
import sys
from pathlib import Path
from benchsuite.store import Store
from benchsuite.store.record_reader import read_record

home, log, records = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
store = Store(home)
store.open()
print("ready", flush=True)
sys.stdin.readline()
for line in records.read_text().splitlines():
    record = read_record(line)
    key = record.key
    with store.lock(key):
        if store.record(key) is None:
            with log.open("a") as stream:
                stream.write(f"{key}\\n")
            store.put(record, {"model.safetensors": bytes(10_000)})
    assert store.record(key) and store.file(key, "model.safetensors")
"""

HOLD = """
import sys
from pathlib import Path
from benchsuite.store import Store

with Store(Path(sys.argv[1])).lock(sys.argv[2]):
    print("held", flush=True)
    sys.stdin.readline()
"""


def started(code: str, *arguments: object) -> subprocess.Popen[str]:
    """A process that has printed its first line and waits for one."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def test_processes_that_race_compute_each_key_once(tmp_path: Path):
    log, lines = tmp_path / "log", tmp_path / "records.jsonl"
    records = [make_record(seed=seed) for seed in range(50)]
    lines.write_text("".join(f"{record.text}\n" for record in records))
    processes = [started(COMPUTE, tmp_path / "home", log, lines) for _ in range(3)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    assert log.read_text().splitlines() == [record.key for record in records]
    assert list((tmp_path / "home" / "aside").iterdir()) == []


def test_the_lock_of_a_killed_process_is_free(store: Store):
    holder = started(HOLD, store.home, KEY)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with store.lock(KEY):
        assert store.record(KEY) == RECORD


def test_a_lock_holds_one_key_and_no_other(store: Store):
    holder = started(HOLD, store.home, "f" * 40)
    with store.lock(KEY):
        assert holder.poll() is None
    holder.communicate("go\n")
    assert holder.returncode == 0
