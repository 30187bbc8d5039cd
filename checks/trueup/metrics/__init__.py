"""The check of metric names: expositions, the policy that they keep, and what a scraper makes of both."""
