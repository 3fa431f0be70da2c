package core

// Shower is who shows a map to people: the extension. A name that the user knows tells whose map it is.
type Shower interface {
	// Attach shows this map until the function that it returns is called.
	Attach(name string, shown *Map) (detach func(), err error)
}
