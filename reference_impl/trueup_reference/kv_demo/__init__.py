"""A KV router to look at: the index fed by events, the selection of a worker, and what became of the requests.

Nothing is imported here: the command says what to install where a library is missing.
"""
