// Package metadata is what metadata.yaml says, as code.
package metadata

import "go.opentelemetry.io/collector/component"

var (
	Type      = component.MustNewType("spanmap_map")
	ScopeName = "spanmap.example/collector/spanmapextension"
)

const ExtensionStability = component.StabilityLevelBeta
