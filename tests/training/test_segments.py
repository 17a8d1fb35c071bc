import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfinspect.training.segments import plan_segments


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 30))
def test_segments_cover_every_step_once_and_respect_epoch_borders(start, total, per_epoch):
    steps = []
    for segment in plan_segments(start, total, per_epoch):
        assert segment.start_step // per_epoch == segment.first_epoch
        assert segment.num_epochs == 1 or segment.steps_per_epoch == per_epoch
        steps += range(
            segment.start_step, segment.start_step + segment.num_epochs * segment.steps_per_epoch
        )
    assert steps == list(range(start, total))


@pytest.mark.parametrize(
    ("start", "total", "calls"), [(0, 30, 1), (5, 30, 2), (0, 35, 2), (5, 8, 1)]
)
def test_whole_epochs_share_one_segment(start, total, calls):
    assert len(plan_segments(start, total, 10)) == calls
