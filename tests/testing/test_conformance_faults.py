"""Every check finds what it is there for: for each a plugin, or a harness, that is wrong in just that way."""

import faulty_plugins as plugins
import faulty_pruners as pruners
import faulty_quantizers as quantizers
import pytest
import torch

from benchsuite.execution.channels import remove_channels
from benchsuite.execution.compress import add_part, quantizing, weights_of, zero
from benchsuite.testing import checks, rules

SLOW = {"same-in-a-fresh-process", "saved-and-loaded", "time-of-a-decision", "memory-of-a-decision"}
"""Asked where they are meant, and of the sound plugins."""

ALONE = [
    ("sparsity-is-delivered", pruners.RoundsAtThreeQuarters()),
    ("sparsity-is-delivered", pruners.AllForNothing()),
    ("levels-layer-by-layer", pruners.NeedsTwoLayers()),
    ("nested-levels", pruners.NotNested()),
    ("no-layer-is-emptied", pruners.EmptiesLayers()),
    ("shared-rankings", pruners.SharesTooMuch()),
    ("refuses-nan-scores", pruners.TrustsTheData()),
    ("refuses-no-batches", pruners.CountsOnABatch()),
    ("narrow-layers", pruners.Squeezes()),
    ("pointwise-convolutions", pruners.SqueezesKernels()),
    ("grouped-convolutions", pruners.CountsOnInChannels()),
    ("one-and-three-dimensional-convolutions", pruners.CountsOnImages()),
    ("shared-layers", pruners.CountsOnOneCall()),
    ("all-zero-layer", pruners.DividesByTheSum()),
    ("huge-weights", pruners.SumsInHalfPrecision()),
    ("tiny-weights", pruners.SquaresTinyWeights()),
    ("double-precision", pruners.ForgetsTheType()),
    ("channels-last", pruners.ViewsFlat()),
    ("same-in-a-fresh-process", pruners.DependsOnTheFolder()),
    ("ignores-global-randomness", pruners.DrawsGlobally()),
    ("leaves-global-randomness", pruners.ShiftsRandomness()),
    ("leaves-global-randomness", pruners.ShiftsNumpy()),
    ("leaves-settings", pruners.ChangesPrecision()),
    ("prints-nothing", pruners.Prints()),
    ("leaves-the-network", pruners.ReachesTheNetwork()),
    ("leaves-the-network", pruners.ChangesTheNetwork()),
    ("frozen", pruners.Undecorated()),
    ("documented", pruners.Undocumented()),
    ("documented", pruners.Undescribed()),
    ("pickles", pruners.DoesNotPickle()),
    ("equal-and-hashable", pruners.HashedByPlace()),
    ("unchanged-by-use", pruners.TakesNotes()),
    ("time-of-a-decision", pruners.Slow()),
    ("memory-of-a-decision", pruners.Lavish()),
    ("share-of-channels", pruners.TooManyChannels()),
    ("equal-scales", pruners.ThresholdOfScales()),
    ("a-channel-stays", pruners.NoChannelLeft()),
    ("levels-of-each-layer", pruners.CountsOnTheFirst()),
    ("idempotent", quantizers.ShrinksEachTime()),
    ("remembers-nothing", quantizers.RemembersTheLargest()),
    ("zeros-stay-zero", quantizers.NoZero()),
    ("gradient-passes", quantizers.StopsGradients()),
    ("grid-holds-under-training", quantizers.KeepsItsScale()),
    ("copies-alike", quantizers.LostInCopies()),
    ("finite-steps", plugins.DividesByWeights()),
    ("buffers-untouched", plugins.ShrinksStatistics()),
    ("frozen-parameters-untouched", plugins.ShrinksWhatIsFrozen()),
    ("masks-stay", plugins.LosesMaskedLayers()),
    ("output-shape", plugins.LosesADimension()),
    ("built-by-the-seed", plugins.SeededElsewhere()),
    ("a-step-of-training", plugins.DivergesAtOnce()),
    ("a-step-of-training", plugins.LearnsNothing()),
    ("state-comes-back", plugins.KeepsAnAttribute()),
    ("examples-are-independent", plugins.LooksAtTheBatch()),
    ("compressible", plugins.HasAnUnusedLayer()),
    ("as-described", plugins.LabelsFromOne()),
    ("as-described", plugins.FloatImages()),
    ("normalisation-is-usable", plugins.NoSpread()),
    ("splits-are-disjoint", plugins.OneSplit()),
    ("loads-alike", plugins.DrawsAnew()),
    ("fingerprint-is-stable", plugins.CountsItsFingerprints()),
]

TOGETHER = [
    ("equal-weights", pruners.Threshold(), {"all-zero-layer"}),
    ("equal-weights", quantizers.DividesByTheRange(), {"narrow-layers"}),
    ("skipped-layers", pruners.DecidesForAll(), {"levels-layer-by-layer"}),
    ("finite-rescaling", pruners.RescalesByNothing(), {"all-zero-layer"}),
    ("plain-fields", pruners.HoldsASet(), {"documented"}),
    ("replaces", pruners.CountsItsMakings(), {"equal-and-hashable"}),
    ("bits-are-kept", quantizers.OneBitMore(), {"grid-holds-under-training"}),
    ("finite-loss", plugins.LogarithmOfZero(), {"a-step-of-training"}),
    ("finite-loss", plugins.LossOfEach(), {"output-shape", "a-step-of-training"}),
    (
        "repeatable",
        pruners.SeedsItself(),
        {"channels-last", "ignores-global-randomness", "refuses-nan-scores", "refuses-no-batches", "shared-rankings"},
    ),
]
"""Faults that show in more than one place."""

REFUSED = [
    ("masks-fit-the-weights", pruners.FloatMasks(), "the mask of layer conv1 is torch.float32, not torch.bool"),
    ("masks-fit-the-weights", pruners.MasksElsewhere(), "meta"),
    ("inputs-untouched", pruners.ScoresInPlace(), "it changed the weights of layer conv1 that it was shown"),
    ("finite-audit", pruners.AuditsNaN(), "'margin' is nan, not a finite number under a name"),
    ("channels-fit-the-layers", pruners.Indices(), "bools of shape (8,) say which channels stay, not torch.int64"),
    ("something-changes", quantizers.ChangesNothing(), "quantization changed no weight"),
    ("shape-and-dtype-are-kept", quantizers.Doubles(), "the quantized weight is (8, 3, 3, 3) of torch.float64"),
    ("weights-untouched", quantizers.RoundsInPlace(), "it changed the weight that it was shown"),
]
"""Faults for which the harness refuses every result, so that no check that asks for one can pass."""


def failed(plugin: object, *slow: str) -> dict[str, str]:
    """The checks that fail, with what they say; of the slow ones, those that are named."""
    asked = [check for check in checks(plugin) if check.name in slow or check.name not in SLOW]
    verdicts = {check.name: check.verdict() for check in asked}
    return {name: detail for name, (verdict, detail) in verdicts.items() if verdict == "failed"}


def shown(value: object) -> str:
    return type(value).__name__ if hasattr(value, "expected_failures") else ""


@pytest.mark.parametrize(("name", "plugin"), ALONE, ids=lambda one: shown(one) or None)
def test_a_fault_is_found_by_its_check_alone(name, plugin):
    assert set(failed(plugin, name)) == {name}


@pytest.mark.parametrize(("name", "plugin", "others"), TOGETHER, ids=lambda one: shown(one) or None)
def test_a_fault_that_shows_elsewhere_too(name, plugin, others):
    assert set(failed(plugin, name)) == {name, *others}


@pytest.mark.parametrize(("name", "plugin", "says"), REFUSED, ids=lambda one: shown(one) or None)
def test_a_fault_that_the_harness_refuses(name, plugin, says):
    assert says in failed(plugin)[name]


@pytest.mark.parametrize(
    "plugin",
    [
        pruners.Sound(),
        pruners.Sound(sparsity=0.9),
        pruners.SoundChannels(),
        quantizers.SoundGrid(),
        quantizers.SoundPart(),
        plugins.SoundDecay(),
        plugins.SoundNetwork(),
        plugins.SoundImages(),
    ],
    ids=repr,
)
def test_what_the_faults_are_made_of_is_sound(plugin):
    assert failed(plugin, *SLOW) == {}


def decides_blindly(model, pruner, skip, context):
    return dict(pruner.masks(weights_of(model, skip), context)), {}


def quantizes_blindly(model, quantizer, skip):
    for name, weight in weights_of(model, skip).items():
        add_part(model, model.get_submodule(name), quantizing(quantizer, weight))


def removes_others_than_it_says(model, pruner, skip, example, context):
    return {name: mask.flip(0) for name, mask in remove_channels(model, pruner, skip, example, context).items()}


def removes_and_freezes(model, pruner, skip, example, context):
    kept = remove_channels(model, pruner, skip, example, context)
    model.get_parameter("conv1.weight").requires_grad_(False)
    return kept


HARNESSES = [
    ("refuses-nan", pruners.Sound(), "compression.decide", decides_blindly),
    ("refuses-infinity", pruners.Sound(), "compression.decide", decides_blindly),
    ("refuses-nan", quantizers.SoundGrid(), "compression.quantize", quantizes_blindly),
    ("refuses-infinity", quantizers.SoundGrid(), "compression.quantize", quantizes_blindly),
    ("masks-hold-under-momentum", pruners.Sound(), "compression.add_masks", zero),
    ("masks-hold-under-adam", pruners.Sound(), "compression.add_masks", zero),
    ("saved-and-loaded", pruners.Sound(), "training.fold", lambda network: network),
    ("masked-equals-shrunk", pruners.SoundChannels(), "channel_pruners.remove_channels", removes_others_than_it_says),
    ("smaller-network-trains", pruners.SoundChannels(), "channel_pruners.remove_channels", removes_and_freezes),
]


@pytest.mark.parametrize(("name", "plugin", "door", "wrong"), HARNESSES, ids=lambda one: shown(one) or None)
def test_what_the_harness_guarantees_is_checked_too(name, plugin, door, wrong, monkeypatch):
    monkeypatch.setattr(f"benchsuite.testing.{door}", wrong)
    assert name in failed(plugin, name)


def test_every_check_has_a_fault_that_it_finds():
    found = {row[0] for table in (ALONE, TOGETHER, REFUSED, HARNESSES) for row in table}
    assert found == {rule.name for rule in rules()}


def test_the_process_is_left_as_it_was_whatever_a_plugin_does():
    before = torch.get_float32_matmul_precision(), torch.get_rng_state()
    failed(pruners.ChangesPrecision())
    failed(pruners.ShiftsNumpy())
    assert torch.get_float32_matmul_precision() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
