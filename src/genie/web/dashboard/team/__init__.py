"""Team: the people of a company, and who of them takes a module's visits."""
