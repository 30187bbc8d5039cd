"""A global router in aiohttp that shares nothing with the reference but the reader of grids.

Every decision is a method, so that a seeded fault is a subclass of a few lines.
"""
