"""An entry that knows nodes which need a package of one image."""

import fake_node_entries


def run(message: dict[str, object]) -> dict[str, object]:
    told = fake_node_entries.run(message)
    if str(message["node"]).startswith("//image"):
        import only_in_image  # type: ignore[import-not-found]  # where it is

        told["prefix"] = only_in_image.PREFIX
    return told
