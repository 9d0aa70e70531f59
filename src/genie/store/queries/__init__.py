"""Questions asked of the tables more than once; each is scoped to a company or to one calendar."""
