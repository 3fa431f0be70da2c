package wire

// Filter tells which keys of spans' attributes are read; it is that of the library (spanmap_get_filter).
type Filter [64]uint32

// Has is spanmap_filter_has of spanmap.h. Some keys stay that could go.
func (f *Filter) Has(key string) bool {
	if len(key) == 0 {
		return true
	}
	return f[min(len(key), len(f)-1)]>>(key[0]&31)&1 != 0
}
