"""The part of the event transport's contracts that the suite `event-subscriber` asks."""
