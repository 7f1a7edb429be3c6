"""Signals that stop a command: raised where it can be taken, put off where it cannot, left alone where ignored."""

import signal
import sys
import time

import pytest

from benchsuite.cli.signals import Stopped, stopping, to_be_written

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture(autouse=True)
def terminal():
    """As a terminal leaves them."""
    before = {number: signal.getsignal(number) for number in CODES}
    for number in CODES:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), CODES.items())
def test_a_signal_stops_the_command_with_its_code(number, code):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped, stopping():
        signal.raise_signal(number)
    assert stopped.value.exit_code == code
    assert signal.getsignal(number) == before


def test_what_is_ignored_stays_so():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stopping():
        signal.raise_signal(signal.SIGHUP)


def test_an_import_is_not_torn_and_the_signal_comes_after_it(tmp_path, monkeypatch):
    source = "import signal\ntry:\n    signal.raise_signal(15)\nexcept BaseException: pass\nwhole = True\n"
    (tmp_path / "import_that_is_hit.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    def import_and_wait():
        with stopping(), to_be_written():
            import import_that_is_hit

            assert import_that_is_hit.whole
            time.sleep(60)

    with pytest.raises(Stopped):
        import_and_wait()
    del sys.modules["import_that_is_hit"]


HIT = """
import signal, sys
{before}
class Hit:
    def find_spec(self, name, *_):
        if name == {name!r}:
            signal.raise_signal({number})
sys.meta_path.insert(0, Hit())
"""


@pytest.mark.parametrize(("number", "code"), CODES.items())
def test_during_the_imports_of_a_command_it_ends_at_once(benchsuite, number, code):
    before = "signal.signal(2, signal.default_int_handler)"
    prelude = HIT.format(before=before, name="benchsuite.cli.run", number=int(number))
    result = benchsuite.shell("run", "none.toml", prelude=prelude)
    assert result.code == code
    assert result.err == "benchsuite: interrupted; the same command goes on where it stopped\n"
