"""Leads calendar, Leads list, and the page of one appointment."""
