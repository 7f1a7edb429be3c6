"""The random control of a pruned chain: the same training, and as much removed from each layer, but at random."""

from benchsuite.chain import Chain, Finetune, Prune
from benchsuite.plan.build import Builder

CONTROLS = {False: "random", True: "random-channels"}
"""The pruner that every other one has to beat, by whether channels are removed physically."""


def control_of(chain: Chain, builder: Builder) -> Chain | None:
    """The control, matched layer by layer, trained for as many epochs; None where nothing is pruned but at random.

    Errors: ConfigError if the control's pruner is not there.
    """
    prunes = [step for step in chain.steps if isinstance(step, Prune)]
    if all(step.pruner.name in CONTROLS.values() for step in prunes):
        return None
    built = chain.root
    for link in list(chain.links())[1:]:
        step = link.step
        if isinstance(step, Prune):
            use, _ = builder.decision("pruner", CONTROLS[step.physical], {})
            built = built.then(Prune(use, step.skip, matched_to=link, physical=step.physical))
            if step.recipe:
                built = built.then(Finetune(step.recipe))
        else:
            built = built.then(step)
    return built
