"""Application layouts of dependency-injector's documentation, run as habitats."""

from collections.abc import Mapping

import pytest
from dependency_injector import providers

from layouts.accounts import PhotoService, Storage
from layouts.decoupled import DecoupledPackages
from layouts.decoupled.user.repositories import User, UserRepository
from layouts.games import Games
from layouts.movies import Movie, MovieLister
from layouts.opened import LOG, ResourcesApplication
from layouts.overriding import ApiApplication, ApiClientStub
from layouts.several import SeveralContainers
from layouts.single import SingleContainer
from oneml.habitats import PipelineBuilder, PipelineComponents, replace
from oneml.habitats.errors import InvalidComponentsError, UnbuildableError
from oneml.habitats.testing import NewSession, OpenComponents

ANSWERS: Mapping[type[PipelineComponents], tuple[Mapping[str, object], object]] = {
    SingleContainer: ({"password": "x"}, {"done": {"lasts": 3600, "photo": "memory://photos/ada@example.org.png"}}),
    SeveralContainers: ({"password": "x"}, {"done": {"lasts": 3600, "photo": "memory://photos/ada@example.org.png"}}),
    DecoupledPackages: ({}, {"photos": {"1": 7, "2": 8}}),
    Games: ({}, {"played": ["Chess: Ada and Bob play chess", "Ludo: Ada and Bob play ludo"]}),
    ResourcesApplication: ({}, {"squares": [1, 4, 9]}),
}


@pytest.mark.parametrize("habitat", ANSWERS)
def test_application_answers(new_session: NewSession, habitat: type[PipelineComponents]) -> None:
    inputs, answer = ANSWERS[habitat]
    session = new_session(habitat, inputs=inputs)
    assert session.run().succeeded
    assert session.outputs() == answer


@pytest.mark.parametrize("habitat", [SeveralContainers, DecoupledPackages])
def test_nested_containers_are_rebuilt_in_workers(new_session: NewSession, habitat: type[PipelineComponents]) -> None:
    inputs, answer = ANSWERS[habitat]
    session = new_session(habitat, inputs=inputs, engine="process")
    assert session.run().succeeded
    assert session.outputs() == answer


def test_configuration_is_settings_that_the_environment_and_the_session_set(
    open_components: OpenComponents, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAYOUTS_AUTH__TOKEN_TTL", "60")
    one = open_components(SingleContainer, settings={"storage": {"bucket": "mine"}})
    assert (one.auth().token_ttl, one.storage().bucket) == (60, "mine")
    several = open_components(SeveralContainers)
    assert (several.services.auth().token_ttl, several.gateways.storage().bucket) == (60, "photos")


def test_services_share_what_the_session_keeps(open_components: OpenComponents) -> None:
    components = open_components(SeveralContainers)
    photos = components.services.photos()
    assert isinstance(photos, PhotoService)
    assert photos.storage is components.gateways.storage()
    assert photos.users.database is components.gateways.database()


@pytest.mark.parametrize("finder", ["csv", "sqlite"])
def test_the_configuration_selects_the_finder(
    new_session: NewSession, monkeypatch: pytest.MonkeyPatch, finder: str
) -> None:
    monkeypatch.setenv("MOVIE_FINDER__TYPE", finder)
    session = new_session(MovieLister, inputs={"year": 2016})
    assert session.run().succeeded
    titles = [movie.title for movie in session.output("//list", form=list[Movie])]
    assert titles == ["Rogue One: A Star Wars Story", "The Jungle Book"]


def test_a_selector_gives_way_to_a_fake(new_session: NewSession) -> None:
    class OneMovie:
        def find_all(self) -> list[Movie]:
            return [Movie("Solaris", 1972, "Andrei Tarkovsky")]

    session = new_session(MovieLister, replace(MovieLister.finder, OneMovie()), inputs={"year": 1972})
    assert session.run().succeeded
    assert [movie.title for movie in session.output("//list", form=list[Movie])] == ["Solaris"]


@pytest.mark.parametrize("engine", ["in-process", "process"])
def test_a_stub_stands_for_the_client_wherever_nodes_run(new_session: NewSession, engine: str) -> None:
    session = new_session(ApiApplication, replace(ApiApplication.api_client, factory=ApiClientStub), engine=engine)
    assert session.run().succeeded
    assert session.outputs() == {"answer": "sync on localhost"}


def test_without_the_stub_the_result_says_what_was_tried(new_session: NewSession) -> None:
    result = new_session(ApiApplication).run()
    assert not result.succeeded
    assert "//call: ConnectionError: sync on production.example.org" in repr(result)


def test_a_provider_inside_a_nested_container_is_replaced(new_session: NewSession) -> None:
    other = replace(SeveralContainers.gateways.storage, Storage("other"))
    session = new_session(SeveralContainers, other, inputs={"password": "x"})
    assert session.run().succeeded
    assert session.outputs()["done"] == {"lasts": 3600, "photo": "memory://other/ada@example.org.png"}


def test_a_package_is_tested_with_a_fake_of_another_one(open_components: OpenComponents) -> None:
    class Tens(UserRepository):
        def get(self, user_id: int) -> User:
            return User(10 * user_id)

    fake = replace(DecoupledPackages.user_package.user_repository, Tens("none"))
    assert open_components(DecoupledPackages, fake).analytics_package.aggregation_service()([1]) == {"10": 16}


def test_resources_open_at_their_first_use_and_close_in_reverse_order(open_components: OpenComponents) -> None:
    LOG.lines.clear()
    components = open_components(ResourcesApplication, settings={"pool_workers": 1})
    assert not LOG.lines
    assert components.squares()([3]) == [9]
    components.close()
    assert LOG.lines == ["log opened", "pool opened", "pool closed"]


def test_an_aggregate_makes_what_it_is_asked_for(open_components: OpenComponents) -> None:
    new_game = open_components(Games).new_game
    assert new_game("checkers", "Ada", "Bob").name == "checkers"
    with pytest.raises(UnbuildableError, match=r"it has no 'go'\. Known: checkers, chess, ludo"):
        new_game("go", "Ada", "Bob")


def test_a_configuration_that_reads_files_is_refused_with_the_way_out(open_components: OpenComponents) -> None:
    class FromFile(PipelineComponents):
        config = providers.Configuration(ini_files=["config.ini"])
        storage = providers.Singleton(Storage, config.bucket)

        def define(self, pipeline: PipelineBuilder) -> None:
            """Define nothing: it does not come so far."""

    with pytest.raises(InvalidComponentsError, match=r"Declare them as fields of the settings"):
        open_components(FromFile)
