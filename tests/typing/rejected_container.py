"""What both type checkers must reject of containers: every line that is marked, and no other. Never run."""

from container_accepted import Client, Shop, ShopSettings, Structural
from dependency_injector import providers

from oneml.habitats import Choice, PipelineComponents, PipelineSettings, Reference, Settings, replace
from oneml.habitats.testing import NewSession, OpenComponents, RunNode

shop = Shop.open()
shop.clinet()  # rejected: mypy, basedpyright
Shop.clinet  # rejected: mypy, basedpyright
text: str = shop.client()  # rejected: mypy, basedpyright
shop.per_node().reed()  # rejected: mypy, basedpyright
shop.settings.node.nmae  # rejected: mypy, basedpyright
shop.settings.nodes  # rejected: mypy, basedpyright
replace(Shop.client, Structural())  # rejected: mypy, basedpyright
replace(Shop.structural, 3)  # rejected: mypy, basedpyright
replace(Shop.client, provider=providers.Factory(Structural))  # rejected: mypy, basedpyright
replace(Shop.client, provider=Reference(Structural, "elsewhere:Structural"))  # rejected: mypy, basedpyright
replace(Shop.client)  # rejected: mypy, basedpyright
replace(Shop.clinet, Client())  # rejected: mypy, basedpyright
Shop.open(overrides=[Client()])  # rejected: mypy, basedpyright
Shop.open("session")  # rejected: mypy, basedpyright
Settings(ShopSettings())  # rejected: mypy, basedpyright
Settings(Client)  # rejected: mypy, basedpyright


class Misspelt(PipelineComponents):
    settings = Settings(ShopSettings)
    by_session = providers.Singleton(Client, settings.session.nmae)  # rejected: mypy, basedpyright
    by_node = providers.Factory(Client, name=settings.node.nmae)  # rejected: mypy, basedpyright
    by_layer = providers.Factory(Client, settings.nodes.name)  # rejected: mypy, basedpyright


class Unlike(PipelineComponents):
    settings = Settings(ShopSettings)
    one = providers.Factory(Structural)
    chosen: providers.Provider[Client] = Choice(settings.node.name, one=one)  # rejected: mypy, basedpyright


class Undeclared(PipelineComponents):
    client = providers.Factory(Client)


Undeclared.open().settings  # rejected: mypy, basedpyright
plain: ShopSettings = PipelineSettings()  # rejected: mypy, basedpyright


def not_a_client(name: str) -> Client:
    return Client(name)


def fixtures(open_components: OpenComponents, new_session: NewSession, run_node: RunNode) -> None:
    open_components(Shop).clinet()  # rejected: mypy, basedpyright
    open_components(Shop, Client())  # rejected: mypy, basedpyright
    open_components(Shop, replace(Shop.client, Structural()))  # rejected: mypy, basedpyright
    open_components(Client)  # rejected: mypy, basedpyright
    open_components(Shop, setings={})  # rejected: mypy, basedpyright
    new_session(Shop, {"name": "x"})  # rejected: mypy, basedpyright
    new_session(Shop, engine=3)  # rejected: mypy, basedpyright
    new_session(Shop).runn()  # rejected: mypy, basedpyright
    run_node(Shop, inputs={})  # rejected: mypy, basedpyright
    text: str = run_node(Shop, "//a", form=int)  # rejected: mypy, basedpyright
    open_components(text).close()
    replace(Shop.client, factory=Structural)  # rejected: mypy, basedpyright
    replace(Shop.client, factory=not_a_client)  # rejected: mypy, basedpyright
