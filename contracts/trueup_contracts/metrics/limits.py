"""The suite's limits of time. Read where they are used, so that a test can lower them."""

SCRAPE_TIMEOUT_S = 10.0  # Prometheus' default of scrape_timeout
QUICK_S = 1.0
COUNTED_S = 2.0  # until what was handled stands on the page: engines count in other processes
LOOK_S = 0.05
