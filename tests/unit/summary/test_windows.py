"""The scoring itself: what it must give where the answer is known."""

import pytest

from tests.unit.summary.windows import Score, Window, score

LABELS = [Window(1, "spike", 100, 200), Window(2, "stuck", 0, 1000)]
FALSE_ALARM = Window(1, "spike", 500, 600)


def test_all_found_at_once_is_best_and_nothing_is_nought() -> None:
    assert score(LABELS, LABELS) == Score(1, 1, 1)
    assert score(LABELS, []) == Score(1, 0, 0)


def test_a_false_alarm_costs_precision_and_reward_only() -> None:
    judged = score(LABELS, [*LABELS, FALSE_ALARM])
    assert (judged.precision, judged.recall) == (pytest.approx(2 / 3), 1)
    assert 0.9 < judged.reward < 1


def test_a_window_counts_once_and_late_is_worth_less() -> None:
    early = score(LABELS[:1], [Window(1, "spike", 100, 110), Window(1, "spike", 190, 200)])
    late = score(LABELS[:1], [Window(1, "spike", 190, 200)])
    assert early.precision == late.precision == late.recall == 1
    assert late.reward < early.reward == 1


@pytest.mark.parametrize("other", [Window(1, "stuck", 100, 200), Window(3, "spike", 100, 200)])
def test_another_device_or_kind_is_no_hit(other: Window) -> None:
    assert score(LABELS[:1], [other]) == Score(0, 0, pytest.approx(-0.11 / 1.9866, abs=1e-3))
