"""The whole chain on one machine: clients, routers, pools of mock workers, and what kills them. Nothing is lost.

The benchmarks use the parts: processes, a fleet of them, traffic, a client that tries again, and the ledger.
Nothing is imported here: the command says what to install where a library is missing.
"""
