// Package spanmapconnector counts the spans of traces pipelines with spanmap, and sends what it measured into
// metrics pipelines: who calls whom, how often, how often in vain, and how long it takes.
package spanmapconnector
