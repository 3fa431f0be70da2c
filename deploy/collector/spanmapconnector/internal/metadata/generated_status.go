// Package metadata is what metadata.yaml says, as code.
package metadata

import "go.opentelemetry.io/collector/component"

var (
	Type      = component.MustNewType("spanmap")
	ScopeName = "spanmap.example/collector/spanmapconnector"
)

const TracesToMetricsStability = component.StabilityLevelBeta
