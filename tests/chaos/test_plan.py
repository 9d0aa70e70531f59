"""A round's plan is its seed's."""

from tests.chaos.plan import What, plan


def test_the_same_seed_plans_the_same_and_another_seed_something_else() -> None:
    one, again, other = (plan(seed, seconds=60, workers=2, visitors=3, owners=5) for seed in (7, 7, 8))
    assert one == again
    assert one.troubles != other.troubles
    assert set(one.visitors).isdisjoint(other.visitors)


def test_even_a_short_round_meets_everything_and_within_its_time() -> None:
    short = plan(1, seconds=8, workers=2, visitors=3, owners=5)
    assert {trouble.what for trouble in short.troubles} == set(What)
    assert all(0 < trouble.at < 8 for trouble in short.troubles)
