package reconstruct

// components names, for each item, the component it belongs to: rows linked
// through candidates, by the smallest request id among them.
func components(items []item) []string {
	parent := map[string]string{}
	for _, it := range items {
		for _, c := range it.candidates {
			join(parent, it.event.ID, c.Fill.ID)
		}
	}
	names := make([]string, len(items))
	for i, it := range items {
		names[i] = root(parent, it.event.ID)
	}
	return names
}

// root returns the smallest id that id is linked to, and shortens the way.
func root(parent map[string]string, id string) string {
	top := id
	for p, ok := parent[top]; ok; p, ok = parent[top] {
		top = p
	}
	for id != top {
		id, parent[id] = parent[id], top
	}
	return top
}

// join links a and b; the smaller id becomes the root.
func join(parent map[string]string, a, b string) {
	a, b = root(parent, a), root(parent, b)
	switch {
	case a < b:
		parent[b] = a
	case b < a:
		parent[a] = b
	}
}
