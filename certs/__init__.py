"""Makes every certificate of the tests and the demo; no key of theirs is ever committed."""
