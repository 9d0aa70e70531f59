"""The methods of the Calendar API v3, as plain functions over a World."""
