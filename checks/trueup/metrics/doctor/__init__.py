"""The doctor: asks an endpoint as every scraper does, and says what each will store, why, and what to do."""
