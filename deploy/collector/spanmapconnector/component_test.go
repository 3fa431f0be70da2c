package spanmapconnector

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/confmap/confmaptest"
	"go.opentelemetry.io/collector/connector"
	"go.opentelemetry.io/collector/connector/connectortest"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/consumer/consumertest"
	"go.opentelemetry.io/collector/pipeline"

	"spanmap.example/collector/spanmapconnector/internal/metadata"
)

func TestTheTypeIsThatOfMetadata(t *testing.T) {
	conf, err := confmaptest.LoadConf("metadata.yaml")
	require.NoError(t, err)
	assert.Equal(t, conf.Get("type"), NewFactory().Type().String())
	assert.Equal(t, component.StabilityLevelBeta, NewFactory().TracesToMetricsStability())
	require.NoError(t, componenttest.CheckConfigStruct(NewFactory().CreateDefaultConfig()))
}

func load(t *testing.T, values map[string]any) (*Config, error) {
	cfg := NewFactory().CreateDefaultConfig()
	require.NoError(t, confmap.NewFromStringMap(values).Unmarshal(&cfg))
	return cfg.(*Config), confmap.Validate(cfg)
}

func TestTheOptionsAreSpanmaps(t *testing.T) {
	cfg, err := load(t, nil)
	require.NoError(t, err)
	assert.Equal(t, defaultFlushInterval, cfg.MetricsFlushInterval)
	cfg, err = load(t, map[string]any{"metrics_flush_interval": "3s", "extension": "spanmap_map/x",
		"pairing": map[string]any{"wait": "2s"}})
	require.NoError(t, err)
	assert.Equal(t, "spanmap_map/x", cfg.Extension.String())
	for key, values := range map[string]map[string]any{
		"pairing.wiat":           {"pairing": map[string]any{"wiat": "2s"}},
		"pairing.wait":           {"pairing": map[string]any{"wait": "soon"}},
		"nothing":                {"nothing": 1},
		"memory.limit":           {"memory": map[string]any{"limit": "1B"}},
		"metrics_flush_interval": {"metrics_flush_interval": "0s"},
	} {
		_, err = load(t, values)
		assert.ErrorContains(t, err, key)
	}
}

func TestLifecycle(t *testing.T) {
	factory := NewFactory()
	create := func() connector.Traces {
		router := connector.NewMetricsRouter(map[pipeline.ID]consumer.Metrics{
			pipeline.NewID(pipeline.SignalMetrics): consumertest.NewNop()})
		made, err := factory.CreateTracesToMetrics(context.Background(),
			connectortest.NewNopSettings(metadata.Type), factory.CreateDefaultConfig(), router)
		require.NoError(t, err)
		return made
	}
	require.NoError(t, create().Shutdown(context.Background()))
	for range 2 {
		made := create()
		require.NoError(t, made.Start(context.Background(), componenttest.NewNopHost()))
		require.NoError(t, made.Shutdown(context.Background()))
	}
}
