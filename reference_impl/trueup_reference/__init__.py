"""A compact implementation of the serving stack against which the contract suites are measured.

It holds nothing yet: its parts arrive together with the suite that each of them must pass.
"""
