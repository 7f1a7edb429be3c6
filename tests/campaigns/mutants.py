"""Seeded mutants of what users write and keep: boards, results, manifests, data and command lines.

    python tests/campaigns/mutants.py --boards 4000 --records 4000 --commands 1000 --data 1000 --seed 0

A mutant is handled if the command ends in a documented exit code that fits, with a few lines on standard error and
no traceback; it survives otherwise, and is printed with what came of it.
"""

import argparse
import contextlib
import io
import json
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from benchsuite.errors import EXIT_CODES

ROOT = Path(__file__).parents[2]
SECONDS = 300
MOST_LINES = 40
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

Outcome = tuple[int, str, str]

VALUES = [
    *(None, True, False, 0, 1, -1, 2**31, 2**63, 10**30, 0.0, -0.5, 1.5, 1e308, float("nan"), float("inf")),
    *("", "x", "percentile", "mlp", "\x1b[31mred", "\u202e\x01x", "::error::x", "a|b\n| c |", "<b>", "$x", "é" * 300),
    *([], {}, [[]], [1, "a"], {"name": "mlp"}, {"name": None}, [0.5, 0.9], [["first"], ["last"]]),
]
KEYS = [
    "name",
    "steps",
    "prune",
    "quantize",
    "finetune",
    "evaluate",
    "schedule",
    "epochs",
    "recipe",
    "sparsity",
    "seed",
]
BYTES = [
    b"\x00",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"[",
    b"{",
    b'"',
    b"\n",
    b"\r",
    b"\\",
    b"=",
    b"'''",
    b"[" * 300,
]


@dataclass(frozen=True)
class Survivor:
    """A mutant that was not handled."""

    what: str
    number: int
    told: str


@contextlib.contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise in what takes longer."""

    def end(*_: object) -> None:
        raise RuntimeError(f"took more than {seconds} s")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def command(*arguments: str) -> Outcome:
    """Exit code and output of the command, run in this process."""
    from benchsuite.cli.main import main

    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code: object = 0
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch("sys.argv", ["benchsuite", *arguments]),
        mock.patch("benchsuite.cli.run.facts_alone", contextlib.nullcontext),
        mock.patch("benchsuite.cli.check.facts_alone", contextlib.nullcontext),
        within(SECONDS),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
    text = [stream.buffer.getvalue().decode("utf-8", "replace") for stream in (out, err)]
    return code if isinstance(code, int) else 0, text[0], text[1]


def fault(outcome: Outcome, regression: bool = False) -> str:
    """What is wrong with an outcome; empty if it is right. regression: whether exit code 1 may be."""
    code, out, err = outcome
    if code not in EXIT_CODES or code == 70:
        return f"exit code {code}: {err[-300:]}"
    if code == 1 and not regression:
        return f"exit code 1, of no regression: {err[-300:]}"
    if "Traceback (most recent" in out + err:
        return f"a traceback: {err[-300:]}"
    if len(err.splitlines()) > MOST_LINES or len(err) > 10_000:
        return f"{len(err.splitlines())} lines on standard error: {err[:300]}"
    if found := _CONTROL.search(out + err):
        return f"prints {found[0]!r}"
    if re.search(r"(?m)^\s*::[\w-]+[^:\n]*::|##\w*\[", out + err):
        return "prints a workflow command"
    return "" if code in (0, 1, 3, 4, 5) or err.strip() else f"exit code {code} without a word"


# --- mutations


def places(value: object) -> list[tuple[object, object]]:
    """Each (container, key) within a tree of tables and lists."""
    found: list[tuple[object, object]] = []
    waiting = [value]
    while waiting:
        one = waiting.pop()
        items = list(one.items()) if isinstance(one, dict) else list(enumerate(one)) if isinstance(one, list) else []
        found += [(one, key) for key, _ in items]
        waiting += [inner for _, inner in items]
    return found


def mutate_tree(tree: object, chance: random.Random) -> None:
    """Change one to three places of the tree: another value, another key, one left out, one twice, one deeper."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        known = places(tree)
        if not known:
            return
        container, key = chance.choice(known)
        how = chance.randrange(7)
        value = container[key]  # type: ignore[index]
        if how < 3:
            container[key] = json.loads(json.dumps(chance.choice(VALUES)))  # type: ignore[index]
        elif how == 3:
            del container[key]  # type: ignore[attr-defined]
        elif how == 4:
            container[key] = [value, value]  # type: ignore[index]
        elif how == 5 and isinstance(container, dict):
            container[chance.choice([*KEYS, "\x1b[2J", "::error::k", ""])] = container.pop(key)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            container[key] = chance.choice([-value, value + 1, value * 1000, str(value), float(value)])  # type: ignore[index]
        elif isinstance(value, str):
            container[key] = value[: chance.randrange(len(value) + 1)] + chance.choice(["", "\x9b1m", "|", "`", "\n"])  # type: ignore[index]


def mutate_bytes(content: bytes, chance: random.Random) -> bytes:
    """Cut, double, overwrite or insert bytes at random places."""
    data = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 5])):
        place, length = chance.randrange(len(data) + 1), chance.choice([1, 1, 4, 64, 4096])
        how = chance.randrange(5)
        if how == 0:
            del data[place : place + length]
        elif how == 1:
            data[place:place] = data[place : place + length]
        elif how == 2:
            data[place:place] = chance.choice(BYTES)
        elif how == 3 and data:
            data[place % len(data)] = chance.randrange(256)
        else:
            del data[place:]
    return bytes(data)


def toml(value: object) -> str:
    """A value in TOML; None, which it lacks, as a word that it does not know."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float):
        return repr(value)
    return {True: "true", False: "false"}.get(value) if isinstance(value, bool) else json.dumps(value)  # type: ignore[return-value]


def document(tree: dict[str, object]) -> str:
    """A table in TOML, a line for each key."""
    return "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in tree.items())


# --- what is mutated


def boards(folder: Path, chance: random.Random) -> Callable[[int], str]:
    """Board files, planned."""
    import tomllib

    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "benchsuite/leaderboards").glob("*.toml"))]
    texts = [
        re.sub(r'dataset = (".*?"|\[.*?\]|\{.*?\})', 'dataset = "digits"', one) for one in texts if len(one) < 4000
    ]

    def one(number: int) -> str:
        text = chance.choice(texts)
        path = folder / "board.toml"
        if number % 3:
            tree = tomllib.loads(text)
            mutate_tree(tree, chance)
            path.write_bytes(document(tree).encode("utf-8", "surrogatepass"))
        else:
            path.write_bytes(mutate_bytes(text.encode(), chance))
        return fault(command("plan", str(path), "--seeds", "0"))

    return one


def rekeyed(values: dict[str, object]) -> dict[str, object]:
    """The record with the key of its chain, so that what is mutated meets the readers behind that check."""
    from benchsuite.store import Record
    from benchsuite.store.integrity import _key

    with contextlib.suppress(Exception):
        values["key"] = _key(Record(**values)) or values["key"]  # type: ignore[arg-type]
    return values


def records(folder: Path, chance: random.Random) -> Callable[[int], str]:
    """Results and manifests, read by report, compare, run and checkpoints."""
    sources = [ROOT / f"baselines/{name}.jsonl" for name in ("sparse-linear", "lenet5-connectivity")]
    lines = {path.name: path.read_text(encoding="utf-8").splitlines()[:12] for path in sources if path.is_file()}
    manifest = (ROOT / "baselines/checkpoints/manifest.json").read_bytes()
    base, new = folder / "base", folder / "new"
    for place in (base, new / "checkpoints"):
        place.mkdir(parents=True, exist_ok=True)
    for name, content in lines.items():
        (base / name).write_text("\n".join(content) + "\n", encoding="utf-8")

    def one(number: int) -> str:
        name = chance.choice(list(lines))
        content = list(lines[name])
        place = chance.randrange(len(content))
        if number % 4 == 0:
            tree = json.loads(manifest)
            mutate_tree(tree, chance)
            changed = json.dumps(tree).encode() if number % 8 else mutate_bytes(manifest, chance)
            (new / "checkpoints" / "manifest.json").write_bytes(changed)
        elif number % 4 == 1:
            (new / name).write_bytes(mutate_bytes("\n".join(content).encode(), chance))
        else:
            tree = json.loads(content[place])
            mutate_tree(tree, chance)
            tree = rekeyed(tree) if isinstance(tree, dict) else tree
            content[place] = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            (new / name).write_text("\n".join(content) + "\n", encoding="utf-8", errors="surrogatepass")
        if number % 4 == 0:
            told = fault(command("checkpoints", "--check", "--baselines", str(new)))
        elif number % 32 == 2:
            page = folder / "page" / "BENCHMARKS.md"
            told = fault(command("report", "--check", "--baselines", str(new), "--page", str(page)))
        elif number % 16 == 3:
            board = f"{name.removesuffix('.jsonl')}"
            told = fault(command("run", board, "--only", "method=none", "--in-process", "--output", str(new)))
        else:
            exact = ["--exact"] * (number % 5 == 0)
            told = fault(command("compare", str(base), str(new), "--check", *exact), regression=True)
        for path in new.glob("*.jsonl"):
            path.unlink()
        (new / "checkpoints" / "manifest.json").unlink(missing_ok=True)
        return told

    return one


WORDS = [
    *("run", "plan", "list", "info", "plugins", "new", "report", "checkpoints", "compare", "doctor", "-h", "--help"),
    *("--seeds", "--only", "--set", "--add", "--baselines", "--timeout", "--memory", "--data", "--json", "--output"),
    *("--smallest-effect", "--alpha", "--check", "--exact", "--device", "--largest", "--page", "--markdown", "--rerun"),
    *(
        "sparse-linear",
        "percentile",
        "pruner",
        "mlp",
        "snip",
        "0",
        "-1",
        "nan",
        "inf",
        "1e400",
        "0,1",
        "0-3",
        "0-",
        "99" * 99,
    ),
    *(
        "dense.model=mlp",
        "board.seeds=[]",
        "dense.dataset=[",
        "method=*",
        "x=y",
        "cpu",
        "cuda",
        "all",
        "",
        "=",
        "-",
        "--",
    ),
    *(
        "\x1b[31m",
        "::error::x",
        "a\x00b",
        "x" * 5000,
        "/dev/null",
        "/dev/zero",
        "/nowhere",
        ".",
        "\udcff",
        "percentile[sparsity=2",
    ),
]
TEMPLATES = [
    ["plan", "sparse-linear"], ["info", "percentile"], ["list"], ["new", "pruner", "x"], ["compare", "a", "b"],
    ["report", "--check"], ["checkpoints", "--check"],
    ["run", "sparse-linear", "--only", "method=none", "--in-process"],
    ["plugins"], ["plan", "sparse-linear", "--add", "percentile", "--seeds", "0"],
]  # fmt: skip


def commands(folder: Path, chance: random.Random) -> Callable[[int], str]:
    """Command lines."""

    def one(_: int) -> str:
        words = list(chance.choice(TEMPLATES))
        for _ in range(chance.choice([1, 1, 2, 3])):
            place = chance.randrange(len(words) + 1)
            if chance.random() < 0.3 and place:
                words[place - 1] = chance.choice(WORDS)
            else:
                words.insert(place, chance.choice(WORDS))
        if words[0] == "run" and "method=none" not in words:
            words[0] = "plan"  # nothing is trained here
        told = fault(command(*words), regression="compare" in words)
        return told and f"{told} ← {words}"

    return one


def data(folder: Path, chance: random.Random) -> Callable[[int], str]:
    """Image folders: names, files and links; and zip archives of them, read as the data set does."""
    import zipfile

    from PIL import Image

    place = folder / "images"
    for split in ("train", "test"):
        for kind in ("a", "b"):
            (place / split / kind).mkdir(parents=True)
            for number in range(2):
                Image.new("RGB", (8, 8), (40 * number, 9, 9)).save(place / split / kind / f"{number}.png")
    archive = folder / "images.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as stream:
        for file in sorted(place.rglob("*.png")):
            stream.write(file, f"images/{file.relative_to(place).as_posix()}")
    packed = archive.read_bytes()
    board = folder / "data.toml"

    def one(number: int) -> str:
        changed = folder / "changed"
        shutil.rmtree(changed, ignore_errors=True)
        if number % 2:
            return in_archive(changed)
        shutil.copytree(place, changed)
        victim = chance.choice(sorted(changed.rglob("*")))
        how = chance.randrange(7)
        if how < 3 and victim.is_file():
            victim.write_bytes(mutate_bytes(victim.read_bytes(), chance))
        elif how == 3:
            shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
            victim.symlink_to(chance.choice([victim, Path("/nowhere"), changed, Path("/dev/null")]))
        elif how == 4:
            os.rename(victim, os.fsencode(victim.parent) + b"/na\xefve\x1b[31m.png")
        elif how == 5:
            shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
        else:
            (victim if victim.is_dir() else victim.parent).joinpath("more.png").mkdir()
        tree = {
            "board": {"name": "data", "title": "Data", "seeds": [0]},
            "dense": {"dataset": {"name": "image-folder", "path": str(changed), "size": 8}, "model": "mlp"},
        }
        board.write_text(document(tree), encoding="utf-8")
        return fault(command("plan", str(board)))

    def in_archive(changed: Path) -> str:
        from benchsuite.api.data import blamed
        from benchsuite.errors import DataError
        from benchsuite_plugins.image_tree import ArchiveTree

        changed.mkdir()
        path = changed / "images.zip"
        path.write_bytes(mutate_bytes(packed, chance))
        tree = ArchiveTree(path, "images")
        try:
            with within(SECONDS), blamed("images", "load"):
                tree.digest()
                tree.decode("train", 8, resize=True)
        except DataError:
            return ""
        except BaseException as error:
            return repr(error)
        return ""

    return one


KINDS = {"boards": boards, "records": records, "commands": commands, "data": data}


def campaign(kind: str, count: int, seed: int, folder: Path) -> list[Survivor]:
    """The mutants of one kind that are not handled; the same for the same seed."""
    import torch._prims  # noqa: F401  # no limit of time is to end an import

    chance = random.Random(zlib.crc32(f"{kind} {seed}".encode()))
    folder.mkdir(parents=True, exist_ok=True)
    one = KINDS[kind](folder, chance)
    found = []
    for number in range(count):
        try:
            told = one(number)
        except Exception as error:
            told = repr(error)
        if told:
            found.append(Survivor(kind, number, told))
            print(f"{kind} {number}: {told}", flush=True)
    return found


def main() -> int:
    """Run the campaign; 1 if a mutant survives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for kind in KINDS:
        parser.add_argument(f"--{kind}", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    asked = vars(parser.parse_args())
    survivors: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as top:
        os.environ["BENCHSUITE_HOME"] = f"{top}/home"
        os.chdir(top)
        for kind in KINDS:
            start = time.monotonic()
            survivors[kind] = len(campaign(kind, asked[kind], asked["seed"], Path(top) / kind))
            print(
                f"{kind}: {asked[kind]} mutants, {survivors[kind]} survived, {time.monotonic() - start:.0f} s",
                flush=True,
            )
    return int(survivors.total() > 0)


if __name__ == "__main__":
    sys.exit(main())
