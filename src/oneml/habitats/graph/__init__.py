"""The DAG: defining, checking and ordering it. Sole user of networkx, which no worker loads."""
