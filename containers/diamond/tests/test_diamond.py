"""The diamond, run."""

from diamond import Numbers
from oneml.habitats import PipelineServiceClient


def test_numbers_tells_even_from_odd() -> None:
    assert Numbers(5)() == ([0, 2, 4], [1, 3])


def test_both_branches_meet(client: PipelineServiceClient) -> None:
    with client.create_session("diamond", settings={"count": 5, "workers": 2}) as session:
        assert session.run().succeeded
        assert session.output("//left", form=int) == 6
        assert session.output("//right", form=int) == 4
        assert session.outputs() == {"sentence": "even numbers add up to 6, odd ones to 4"}


def test_join_comes_last(client: PipelineServiceClient) -> None:
    paths = list(client.preview("diamond").plan.nodes)
    assert paths[0] == "//numbers"
    assert paths[-1] == "//join"
    assert set(paths[1:3]) == {"//left", "//right"}
