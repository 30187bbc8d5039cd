"""Contract suites that anybody runs against their own router, cache, index or transport.

The suites arrive with the plugin; this package exists so that its name, its place and its
import direction are fixed from the first release.
"""
