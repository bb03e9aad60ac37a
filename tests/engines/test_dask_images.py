"""Two virtual environments as two images on Dask: each node runs in the right one, the driver has neither package."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from two_images import TwoImages


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> TwoImages:
    return TwoImages(tmp_path_factory.mktemp("images"))


@pytest.fixture(scope="module")
def address(images: TwoImages) -> Iterator[str]:
    """A scheduler with one worker started from each image, as people start them."""
    from distributed import LocalCluster

    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    quiet = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
    with LocalCluster(
        n_workers=0, host="127.0.0.1", dashboard_address=None, processes=True, scheduler_kwargs=quiet
    ) as cluster:
        workers = [
            subprocess.Popen(
                [image.python, "-m", "distributed.cli.dask_worker", cluster.scheduler_address, *options, offer],
                env=environment,
                stderr=subprocess.DEVNULL,
            )
            for image, offer in ((images.alpha, "image-alpha:1=1"), (images.beta, "image-beta:1=1"))
            for options in [("--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--no-nanny", "--resources")]
        ]
        try:
            cluster.wait_for_workers(len(workers), timeout=60)
            yield cluster.scheduler_address
        finally:
            for worker in workers:
                worker.terminate()
                worker.wait()


@pytest.fixture(autouse=True)
def driver(images: TwoImages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(images.pipelines))
    monkeypatch.delitem(sys.modules, "two_images_pipeline", raising=False)


def test_each_node_runs_in_its_image(images: TwoImages, address: str) -> None:
    assert images.outcome("dask", address=address) == (images.told(), "")


def test_an_image_that_no_worker_offers_fails_its_node_in_words(images: TwoImages, address: str) -> None:
    on_gamma = {"//second": {"image": "gamma:1"}}
    _, said = images.outcome("dask", on_gamma, address=address, unschedulable_seconds=0.5)
    assert said.startswith("failed: ")
    assert "image-gamma:1 within 0.5 s (option unschedulable_seconds)" in said
    assert "2 workers offer: image-alpha:1=1 | image-beta:1=1" in said


def test_a_worker_without_the_package_of_a_node_refuses_it(images: TwoImages, address: str) -> None:
    wrong = {"//second": {"image": "alpha:1"}}
    _, said = images.outcome("dask", wrong, address=address)
    assert said.startswith("refused: ")
    assert "beta_pkg.places:Place" in said
