"""The wire: suites asked of a program in any language, one JSON message a line over its standard input and output."""
