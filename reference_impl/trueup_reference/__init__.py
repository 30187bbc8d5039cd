"""A compact implementation of the serving stack against which the contract suites are measured.

So far the router (pool selection, and grids built from latency curves), the embedding cache, the event transport and
the KV index.
"""
