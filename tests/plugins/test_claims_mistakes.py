"""Mistakes in claims.toml are named with their claim; what is right but was not run is not taken for one."""

from dataclasses import replace

import pytest
from handmade_claims import HEAD, MINIMUM, SEEDS, TURNING, WHERE, dense_networks, pruned
from make_record import quantize

from benchsuite import ConfigError
from benchsuite.store import Metrics
from benchsuite_plugins.claims.page import claims_files

MATCHED = f"""
[[claims]]
kind = "matched"
{HEAD}{WHERE}
along = "level"
parts = [{{name = "Everywhere", where = {{level = 1.0}}, by = [["pruner", "seeds"], ["board", "network", "variant"]]}}]
"""


@pytest.fixture
def records():
    """A dense network, a row and a rival of its sparsity, over three seeds; the row's margins are audited."""
    rows = [pruned(1, seed, audit={"margin": 0.5, "groups": 4}) for seed in SEEDS]
    rivals = [pruned(2, row.seed, pruner="plain", matched_to=row) for row in rows]
    return [*dense_networks(), *rows, *rivals]


@pytest.fixture
def document(tmp_path):
    """`document(claims, records)`: the text of the document."""

    def text(claims, records):
        (tmp_path / "claims.toml").write_text(claims, encoding="utf-8")
        path = tmp_path / "docs" / "claims.md"
        return claims_files(tmp_path, records, path)[path].decode()

    return text


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[claims]\n", "claims.toml: not valid TOML"),
        ('claim = "x"\n', "claims.toml: should hold [[claims]] and nothing else"),
        ('[[claims]]\nkind = "minimun"\n', 'claims[0].kind: unknown kind "minimun"; did you mean "minimum"?'),
        ('[[claims]]\nkind = ["minimum"]\n', """claims[0].kind: unknown kind "['minimum']"; did you mean "minimum"?"""),
        (MINIMUM + 'metrik = "x"\n', 'claims[0].metrik: unknown key; did you mean "metric"?'),
        (MINIMUM + "least = nan\n", "claims[0].least: should be a finite number"),
        (MATCHED.replace("name =", "nam ="), 'claims[0].parts[0].nam: unknown key; did you mean "name"?'),
        (TURNING.replace("at = 1.0", ""), "claims[0].at: is missing"),
        (TURNING.replace("at = 1.0", "at = 0.0"), "claims[0].at: should be greater than 0, not 0.0"),
        (TURNING.replace("at = 1.0", "at = inf"), "claims[0].at: should be a finite number"),
    ],
)
def test_a_mistake_in_the_claims_is_named(document, records, text, complaint):
    with pytest.raises(ConfigError) as error:
        document(text, records)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (MINIMUM.replace(WHERE, "where = {levl = 1.0}"), 'claims[0].where: no row has a "levl"; did you mean "level"?'),
        (
            MINIMUM + TURNING.replace('"level"', '"lvel"'),
            'claims[1].along: no row has a "lvel"; did you mean "level"?',
        ),
        (TURNING.replace('"level"', '"board"'), 'claims[0].along: no row has a "board"; known: '),
        (MATCHED.replace("level =", "levle ="), 'parts[0].where: no row has a "levle"; did you mean "level"?'),
        (MATCHED.replace("network", "nettwork"), 'parts[0].by[1]: no row has a "nettwork"; did you mean "network"?'),
        (MATCHED.replace("level =", "network ="), 'parts[0].where: no row has a "network"; known: '),
    ],
)
def test_a_name_that_no_row_has_is_refused(document, records, text, complaint):
    with pytest.raises(ConfigError) as error:
        document(text, records)
    assert complaint in str(error.value)


@pytest.mark.parametrize(
    ("where", "refused"),
    [
        ('{pruner = "neff-column", beta = 1.0}', False),  # installed, not run
        ('{pruner = "neff-column", bta = 1.0}', True),
        ('{pruner = ["some-pruner", "another"], strength = 1.0}', False),  # neither installed nor run
        ('{pruner = "some-pruner", board = "another", strength = 1.0}', True),
        ('{board = ["hand-made", "another"], strength = 1.0}', False),  # by whatever pruner
        ('{board = "hand-made", strength = 1.0}', True),
        ('{board = [["hand-made"]], level = 1.0}', False),
    ],
)
def test_a_field_of_what_was_not_run_is_not_refused(document, records, where, refused):
    text = MINIMUM.replace(WHERE, f"where = {where}")
    if refused:
        with pytest.raises(ConfigError, match=r"claims\[0\]\.where: no row has a"):
            document(text, records)
    else:
        assert "Not tested: no committed board has such rows." in document(text, records)


def test_a_count_that_no_record_has_is_refused(document, records):
    with pytest.raises(ConfigError) as error:
        document(MINIMUM.replace("audit.groups", "audit.gruops"), records)
    assert 'claims[0].count: the records have no "audit.gruops"; did you mean "audit.groups"?' in str(error.value)


def test_a_margin_without_its_count_is_not_measured(document, records):
    first, *others = records[3:]
    text = document(MINIMUM, [*records[:3], replace(first, metrics=Metrics(audit={"margin": 0.5})), *others])
    assert "**Holds** in all 8 groups of 2 pruned networks" in text
    assert "seed 0: not measured\n" in text


def test_a_part_without_rows_says_so(document, records):
    text = document(MATCHED.replace("level = 1.0", "level = 2.0"), records)
    assert "Everywhere: no rows to compare.\n" in text
    assert "**Everywhere, by" not in text


@pytest.mark.parametrize(("seeds", "told"), [(3, "Everywhere (1 row):"), (1, "Everywhere: no rows to compare.")])
def test_rows_are_selected_by_their_number_of_seeds(document, records, seeds, told):
    text = document(MATCHED.replace("level = 1.0", f"seeds = {seeds}"), records)
    assert told in text
    assert ("| some-pruner | 3 |" in " ".join(text.split())) is (seeds == 3)


def test_what_was_quantized_after_pruning_is_no_row_of_the_pruner(document, records):
    records += [pruned(5, seed, later=[quantize(8)], audit={"margin": -1.0, "groups": 4}) for seed in SEEDS]
    assert "**Holds** in all 12 groups of 3 pruned networks" in document(MINIMUM, records)


def test_claims_along_one_field_have_pictures_of_their_own(tmp_path, records):
    swept = [
        pruned(10 + place, seed, 90.0 + place, level=2.0**place, fields={"wide": True})
        for place in range(5)
        for seed in SEEDS
    ]
    (tmp_path / "claims.toml").write_text(TURNING + TURNING.replace("at = 1.0", "at = 4.0"), encoding="utf-8")
    files = claims_files(tmp_path, records[:3] + swept, tmp_path / "docs" / "claims.md")
    (_, text), (first, one), (second, other) = files.items()
    assert [first.name, second.name] == ["level-hand-made.svg", "level-hand-made-2.svg"]
    assert one != other
    assert text.decode().index(f"/{first.name})") < text.decode().index(f"/{second.name})")
