"""iCalendar objects (RFC 5545) as every provider that reads them does; no calendar system of its own."""
