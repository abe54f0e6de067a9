package handlers

import "lineboard/internal/packaging"

// Route is a row of the route table, as tests see it.
type Route struct {
	Method, Path string
	Needs        packaging.Action
}

// Routes is the route table.
func Routes() (all []Route) {
	for _, r := range (&server{}).routes() {
		all = append(all, Route{r.method, r.path, r.needs})
	}
	return all
}
