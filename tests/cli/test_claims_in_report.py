"""`benchsuite report` with claims: the document and its check."""

import shutil
from pathlib import Path

BASELINES = Path(__file__).parents[2] / "baselines"


def test_report_tests_the_claims_and_says_when_their_document_is_stale(benchsuite):
    baselines = benchsuite.folder / "baselines"
    baselines.mkdir()
    shutil.copy(BASELINES / "quick.jsonl", baselines)
    shutil.copy(BASELINES / "claims.toml", baselines)
    assert "docs/claims.md: written\n" in benchsuite("report").out
    document = benchsuite.folder / "docs" / "claims.md"
    text = document.read_text(encoding="utf-8")
    assert "from the claims in `baselines/claims.toml`" in text
    assert "**Holds** in all" in text
    document.write_text(text.replace("**Holds**", "**Fails**"), encoding="utf-8")
    stale = benchsuite("report", "--check")
    assert stale.code == 5
    assert "docs/claims.md: stale: run benchsuite report\n" in stale.out
    assert "docs/claims.md: written\n" in benchsuite("report").out
    assert document.read_text(encoding="utf-8") == text
