"""The diamond, run."""

from diamond import Diamond, Numbers
from oneml.habitats import PipelineServiceClient
from oneml.habitats.testing import NewSession, RunNode


def test_numbers_tells_even_from_odd() -> None:
    assert Numbers(5)() == ([0, 2, 4], [1, 3])


def test_left_branch_adds_up_what_it_is_given(run_node: RunNode) -> None:
    assert run_node(Diamond, "//left", inputs={"numbers": [1, 2]}, form=int) == 3


def test_both_branches_meet(new_session: NewSession) -> None:
    session = new_session(Diamond, settings={"count": 5, "workers": 2})
    assert session.run().succeeded
    assert session.output("//left", form=int) == 6
    assert session.output("//right", form=int) == 4
    assert session.outputs() == {"sentence": "even numbers add up to 6, odd ones to 4"}


def test_join_comes_last(service_client: PipelineServiceClient) -> None:
    paths = list(service_client.preview("diamond").plan.nodes)
    assert paths[0] == "//numbers"
    assert paths[-1] == "//join"
    assert set(paths[1:3]) == {"//left", "//right"}
