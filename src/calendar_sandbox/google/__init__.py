"""The Google stand-in: accounts, sign-in and the Calendar API v3, after Google's public reference."""
