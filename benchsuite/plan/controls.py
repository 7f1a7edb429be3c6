"""The random control of a pruned chain: the same training, and as much removed from each layer, but at random."""

from benchsuite.chain import Chain, Finetune, Prune
from benchsuite.plan.build import Builder

CONTROLS = {False: "random", True: "random-channels"}
"""The pruner that every other one has to beat, by whether channels are removed physically."""


def control_of(chain: Chain, builder: Builder) -> Chain | None:
    """The control, matched layer by layer, trained for as many epochs; None where nothing is pruned but at random.

    Random masks of one stream are nested if they are drawn for the same layers. So where the maskings of the chain
    skip different layers its control skips none: a layer left alone is matched at level 0.

    Errors: ConfigError if the control's pruner is not there.
    """
    prunes = [step for step in chain.steps if isinstance(step, Prune)]
    if all(step.pruner.name in CONTROLS.values() for step in prunes):
        return None
    maskings = [step for step in prunes if not step.physical]
    together = len({step.skip for step in maskings}) > 1  # or the draws of one masking are not those of the other
    built = chain.root
    for link in list(chain.links())[1:]:
        step = link.step
        if isinstance(step, Prune):
            use, _ = builder.decision("pruner", CONTROLS[step.physical], {})
            skip = () if together and not step.physical else step.skip
            built = built.then(Prune(use, skip, matched_to=link, physical=step.physical))
            if step.recipe:
                built = built.then(Finetune(step.recipe))
        else:
            built = built.then(step)
    return built
