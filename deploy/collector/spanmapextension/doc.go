// Package spanmapextension shows the map of a spanmap connector: the page, SVG, DOT and JSON, and /metrics.
package spanmapextension
