package spanmapconnector

import (
	"context"
	"strings"
	"testing"
	"time"

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

	"spanmap.example/collector/internal/core"
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

// variables is a provider: one configuration, and what its variables stand for.
type variables map[string]string

func (v variables) Retrieve(_ context.Context, uri string, _ confmap.WatcherFunc) (*confmap.Retrieved, error) {
	return confmap.NewRetrievedFromYAML([]byte(v[strings.TrimPrefix(uri, "env:")]))
}
func (variables) Scheme() string                 { return "env" }
func (variables) Shutdown(context.Context) error { return nil }

func TestOptionsMayStandInTheEnvironment(t *testing.T) {
	resolver, err := confmap.NewResolver(confmap.ResolverSettings{
		URIs: []string{"env:all"},
		ProviderFactories: []confmap.ProviderFactory{confmap.NewProviderFactory(
			func(confmap.ProviderSettings) confmap.Provider {
				return variables{"number": "12", "truth": "false", "list": "[a.b, c]", "wait": "2s", "interval": "3s",
					"map": "{10.0.0.0/8: x}", "all": `
metrics_flush_interval: ${env:interval}
pairing: {wait: "${env:wait}"}
map.edges_max: ${env:number}
metrics: {operations_max: "${env:number}", exemplars: "${env:truth}", dimensions: "${env:list}"}
names: {cidr: "${env:map}"}
`}
			})},
	})
	require.NoError(t, err)
	conf, err := resolver.Resolve(context.Background())
	require.NoError(t, err)
	cfg := NewFactory().CreateDefaultConfig()
	require.NoError(t, conf.Unmarshal(&cfg))
	require.NoError(t, confmap.Validate(cfg))
	assert.Equal(t, 3*time.Second, cfg.(*Config).MetricsFlushInterval)
	settings, err := core.Settings(cfg.(*Config).Options)
	require.NoError(t, err)
	assert.Equal(t, []core.Setting{
		{Key: "map.edges_max", Value: "12"},
		{Key: "metrics.dimensions", Value: `["a.b","c"]`},
		{Key: "metrics.exemplars", Value: "false"},
		{Key: "metrics.operations_max", Value: "12"},
		{Key: "names.cidr", Value: `{"10.0.0.0/8":"x"}`},
		{Key: "pairing.wait", Value: "2s"},
	}, settings)
	require.NoError(t, resolver.Shutdown(context.Background()))
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
