"""Controls: every pruning has to beat random masks of the same sparsity and the same training."""

from benchsuite.plan import Cell, Finetune, Plan, Prune
from benchsuite.registry import Registry, default_registry

PRUNED = '[[rows]]\nsteps = [{prune = "percentile", sparsity = 0.8}]\n'


def of_role(plan: Plan, role: str) -> list[Cell]:
    return [cell for cell in plan.cells if cell.role == role]


def only(plan: Plan, role: str) -> Cell:
    (cell,) = of_role(plan, role)
    return cell


def test_one_for_each_point_of_each_pruning_row_and_each_seed(planned):
    plan = planned('[[rows]]\nsteps = [{prune = "percentile", sparsity = [0.5, 0.8]}]', seeds=[0, 1])
    rows, controls = of_role(plan, "row"), of_role(plan, "control")
    assert len(rows) == len(controls) == 4
    assert [row.control for row in rows] == [control.chain for control in controls]
    assert [row.chain.seed for row in rows] == [control.chain.seed for control in controls]
    assert {control.method for control in controls} == {"random"}
    assert controls[0].setting == "as percentile sparsity 0.5"


def test_it_stands_below_its_row_and_has_no_control_itself(planned):
    plan = planned(PRUNED + '[[rows]]\nsteps = [{prune = "unit", sparsity = 0.5}]')
    assert [(cell.role, cell.line) for cell in plan.cells] == [
        ("dense", 0),
        ("row", 1),
        ("control", 2),
        ("row", 3),
        ("control", 4),
    ]
    assert all(cell.control is None for cell in plan.cells if cell.role != "row")


def test_its_masks_are_matched_to_the_prefix_that_ends_in_the_pruning(planned):
    plan = planned('[[rows]]\nsteps = [{prune = "percentile", sparsity = 0.8, skip = ["first"]}, {finetune = 2}]')
    row, control = only(plan, "row").chain, only(plan, "control").chain
    (pruning,) = [step for step in control.steps if isinstance(step, Prune)]
    assert pruning.pruner.name == "random"
    assert pruning.matched_to == row.parent
    assert pruning.skip == ("first",)
    assert control.steps[-1] == row.steps[-1]
    assert control.root == row.root


def test_each_pruning_of_a_chain_is_matched_to_its_own_prefix(planned):
    steps = '{prune = "percentile", sparsity = 0.5}, {finetune = 1}, {prune = "percentile", sparsity = 0.8}'
    plan = planned(f"[[rows]]\nsteps = [{steps}]")
    links = list(only(plan, "row").chain.links())
    assert list(only(plan, "control").chain.references()) == [links[1], links[3]]


def test_the_epochs_of_a_schedule_become_epochs_of_fine_tuning(planned):
    iterative = '{prune = "percentile", sparsity = 0.8, schedule = "cubic", epochs = 4, recipe = {lr = 0.5}}'
    plan = planned(f"[[rows]]\nsteps = [{iterative}, {{finetune = 2}}]")
    row, control = only(plan, "row").chain, only(plan, "control").chain
    _, scheduled, tuning = row.steps
    _, pruning, first, second = control.steps
    assert pruning.recipe is None
    assert (first, second) == (Finetune(scheduled.recipe), tuning)
    assert first.recipe.lr == 0.5
    assert sum(step.epochs_trained for step in row.steps) == sum(step.epochs_trained for step in control.steps)


def test_a_quantization_stays_in_the_control(planned):
    steps = '{prune = "percentile", sparsity = 0.8}, {quantize = "ste-symmetric", bits = 4}'
    plan = planned(f"[[rows]]\nsteps = [{steps}]")
    assert only(plan, "control").chain.step == only(plan, "row").chain.step


def test_each_mark_has_its_control(planned):
    steps = '{prune = "percentile", sparsity = 0.8}, {evaluate = "at once"}, {finetune = 1}'
    plan = planned(f"[[rows]]\nsteps = [{steps}]")
    at_once, tuned = of_role(plan, "row")
    first, second = of_role(plan, "control")
    assert (at_once.control, tuned.control) == (first.chain, second.chain)
    assert second.chain.parent == first.chain


def test_none_for_what_prunes_nothing_or_at_random_or_is_not_to_have_one(planned):
    for row in (
        'steps = [{quantize = "ste-symmetric", bits = 4}, {finetune = 1}]',
        "steps = [{finetune = 1}]",
        'steps = [{prune = "random", sparsity = 0.5}, {finetune = 1}]',
        'steps = [{prune = "percentile", sparsity = 0.5}]\ncontrol = false',
    ):
        plan = planned(f"[[rows]]\n{row}")
        assert [cell.role for cell in plan.cells] == ["dense", "row"]
        assert only(plan, "row").control is None


def test_one_that_points_share_is_planned_once(planned):
    steps = '{prune = "percentile", sparsity = 0.8}, {evaluate = "at once"}, {finetune = [1, 2]}'
    plan = planned(f"[[rows]]\nsteps = [{steps}]")
    assert [cell.setting for cell in of_role(plan, "control")] == [
        "as percentile sparsity 0.8 at once",
        "as percentile sparsity 0.8, 1 epochs",
        "as percentile sparsity 0.8, 2 epochs",
    ]


def test_without_the_plugin_random_a_board_is_planned_only_without_controls(planned, refusal):
    registry = default_registry()
    without = Registry(registry.plugins, tuple(one for one in registry.claims if one.name != "random"))
    message = refusal(PRUNED, registry=without)
    assert message.startswith('rows[0], the control of random masks: unknown pruner "random"')
    assert planned(f"{PRUNED}control = false", registry=without)
