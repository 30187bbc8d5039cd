"""What suites reach over HTTP: a service at a URL, or one that is started for the run."""
