"""Schedule Genie: appointment booking in two-way sync with the calendar a team already uses."""
