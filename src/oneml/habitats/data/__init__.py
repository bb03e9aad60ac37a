"""Values in and out of nodes: serializers and the data client."""
